package httpbody_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/httpbody"
)

// wide returns a text in UTF-16 or UTF-32.
func wide(text string, order binary.AppendByteOrder, bits int) string {
	var out []byte
	for _, r := range text {
		if bits == 32 {
			out = order.AppendUint32(out, uint32(r))
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = order.AppendUint16(out, unit)
		}
	}
	return string(out)
}

func TestATextInAnotherCharsetIsRead(t *testing.T) {
	t.Parallel()
	const text = `{"a":"café ÿ"}`
	latin := strings.NewReplacer("é", "\xe9", "ÿ", "\xff").Replace(text)
	little, big := binary.LittleEndian, binary.BigEndian
	const wider = `{"a":"café 😀 €"}`
	for _, tt := range []struct{ contentType, sent, want string }{
		{"", text, text},
		{"application/json", text, text},
		{"application/json; charset=UTF-8", text, text},
		{`application/json; x=";"; Charset = "utf8" `, text, text},
		{"application/json; charset=utf-8", "\ufeff" + text, text},
		{"application/json; charset=iso-8859-1", "\ufeff" + text, text}, // the mark knows better
		{"application/json; charset=iso-8859-1", latin, text},
		{"application/json;charset=Latin1;x=y", latin, text},
		{"application/json; charset=windows-1252", strings.Replace(latin, "\xff", "\x80\x99", 1), strings.Replace(text, "ÿ", "€™", 1)},
		{"application/json; charset=iso-8859-15", strings.Replace(latin, "\xff", "\xa4\xbe", 1), strings.Replace(text, "ÿ", "€Ÿ", 1)},
		{"application/json; charset=utf-16", wide(wider, little, 16), wider},
		{"application/json; charset=utf-16", wide(wider, big, 16), wider},
		{"application/json; charset=utf-16le", wide(wider, little, 16), wider},
		{"application/json; charset=UTF-16BE", wide(wider, big, 16), wider},
		{"application/json", "\xff\xfe" + wide(wider, little, 16), wider},
		{"application/json; charset=utf-8", "\xfe\xff" + wide(wider, big, 16), wider},
		{"application/json", "\xff\xfe\x00\x00" + wide(wider, little, 32), wider},
		{"application/json; charset=utf-32", wide(wider, big, 32), wider},
		{"application/json; charset=utf-32le", wide(wider, little, 32), wider},
		{"application/json; charset=us-ascii", text, text},
		{"application/json; charset=shift_jis", `{"a":1}`, `{"a":1}`},
		{"application/json; charset=", text, text},
		{"application/json; charset", text, text},
		{";;=;", text, text},
		{"application/json; charset=utf-16le", "{\x00}", "{\ufffd"},
		{"application/json; charset=utf-32le", "\xff\xff\xff\xff{\x00", "\ufffd\ufffd"},
	} {
		got, err := httpbody.UTF8(tt.contentType, []byte(tt.sent))
		if diff := cmp.Diff(tt.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s, %q: %v (-want +got):\n%s", tt.contentType, tt.sent, err, diff)
		}
	}
}

func TestACharsetThatIsNotReadIsNamed(t *testing.T) {
	t.Parallel()
	for contentType, text := range map[string]string{
		"text/plain; charset=shift_jis": "\x83\x65", "text/plain; charset=KOI8-R": "\xc1", "text/plain; charset=us-ascii": "\xff",
		"text/plain; charset=iso-2022-jp": "\x1b$B", "text/plain; charset=utf-7": "+AGE-",
	} {
		got, err := httpbody.UTF8(contentType, []byte(text))
		named, ok := errors.AsType[*httpbody.CharsetError](err)
		if !ok || got != nil || !strings.EqualFold("text/plain; charset="+named.Charset, contentType) {
			t.Errorf("%s: %q, %v", contentType, got, err)
		}
	}
}

// Every text that a charset can hold comes back.
func FuzzACharsetIsReadAsItWasWritten(f *testing.F) {
	f.Add("café", "x")
	f.Add("\xff\xfe\x00", "utf-16")
	f.Add("😀", ";charset=latin1")
	f.Fuzz(func(t *testing.T, text, contentType string) {
		if got, err := httpbody.UTF8(contentType, []byte(text)); err == nil && !utf8.Valid(got) && utf8.ValidString(text) {
			t.Fatalf("%q in %q became %q", text, contentType, got)
		}
		if strings.HasPrefix(text, "\ufeff") || !utf8.ValidString(text) {
			return
		}
		var latin []byte
		for _, r := range text {
			if r > 0xff {
				latin = nil
				break
			}
			latin = append(latin, byte(r))
		}
		for charset, sent := range map[string]string{
			"utf-8": text, "iso-8859-1": string(latin), "utf-16le": wide(text, binary.LittleEndian, 16),
			"utf-16be": wide(text, binary.BigEndian, 16), "utf-32be": wide(text, binary.BigEndian, 32),
		} {
			marked := strings.HasPrefix(sent, "\xff\xfe") || strings.HasPrefix(sent, "\xfe\xff") || strings.HasPrefix(sent, "\xef\xbb\xbf") ||
				strings.HasPrefix(sent, "\x00\x00\xfe\xff")
			if marked || sent == "" {
				continue
			}
			if got, err := httpbody.UTF8("text/plain; charset="+charset, []byte(sent)); err != nil || string(got) != text {
				t.Fatalf("%s: %q became %q, %v", charset, text, got, err)
			}
		}
	})
}
