package httpbody_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/httpbody"
)

// coded returns a text in the given codings, in their order. "raw" is deflate without its
// header.
func coded(text string, codings ...string) string {
	for _, coding := range codings {
		var out bytes.Buffer
		var w io.WriteCloser
		switch coding {
		case "gzip", "x-gzip":
			w = gzip.NewWriter(&out)
		case "deflate":
			w = zlib.NewWriter(&out)
		case "raw":
			w, _ = flate.NewWriter(&out, flate.DefaultCompression)
		default:
			continue
		}
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		text = out.String()
	}
	return text
}

func TestAContentCodingIsUndone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", `{"error":"BAD","message":"no"}`, strings.Repeat("lorem fitsum ", 3000)} {
		for _, tt := range []struct {
			name    string
			header  []string
			codings []string // of the text, if they are not those of the header
		}{
			{"none", nil, []string{}},
			{"identity", []string{"identity"}, []string{}},
			{"gzip", []string{"gzip"}, []string{"gzip"}},
			{"its old name", []string{"X-GZip"}, []string{"gzip"}},
			{"deflate", []string{"deflate"}, []string{"deflate"}},
			{"deflate without its header", []string{"deflate"}, []string{"raw"}},
			{"two", []string{"deflate, gzip"}, []string{"deflate", "gzip"}},
			{"two, on two lines", []string{"gzip", " identity , deflate"}, []string{"gzip", "deflate"}},
			{"gzip that is none", []string{"gzip"}, []string{}},
		} {
			h := http.Header{"Content-Encoding": tt.header, "Content-Length": {"7"}, "X-Other": {"x"}}
			sent := coded(text, tt.codings...)
			got, ok := httpbody.Uncompressed(h, sent, 1<<20)
			if diff := cmp.Diff(text, got); diff != "" || !ok {
				t.Errorf("%s, %d bytes: %t (-want +got):\n%s", tt.name, len(text), ok, diff)
			}
			resp := &http.Response{Header: h, Body: io.NopCloser(iotest.OneByteReader(strings.NewReader(sent))), ContentLength: 7}
			if err := httpbody.Uncompress(resp); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			all, err := io.ReadAll(resp.Body)
			if diff := cmp.Diff(text, string(all)); diff != "" || err != nil {
				t.Errorf("%s, %d bytes of a response: %v (-want +got):\n%s", tt.name, len(text), err, diff)
			}
			if left := resp.Header.Get("Content-Encoding"); left != "" && left != "identity" || resp.Header.Get("X-Other") != "x" {
				t.Errorf("%s: the header is %v", tt.name, resp.Header)
			}
			if len(h["Content-Encoding"]) != len(tt.header) {
				t.Errorf("%s: the header that others may have was changed: %v", tt.name, h)
			}
		}
	}
}

func TestAnUnknownContentCodingIsNamed(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"br": "br", "gzip, Zstd": "zstd", "gzip,gzip,gzip,gzip": "gzip, gzip, gzip and more"} {
		h := http.Header{"Content-Encoding": {value}}
		if got, ok := httpbody.Uncompressed(h, "x", 10); ok {
			t.Errorf("%s: %q", value, got)
		}
		resp := &http.Response{Header: h, Body: io.NopCloser(strings.NewReader("x"))}
		unknown, ok := errors.AsType[*httpbody.CodingError](httpbody.Uncompress(resp))
		if !ok || unknown.Coding != want || resp.Header.Get("Content-Encoding") != value {
			t.Errorf("%s: %v, header %v", value, unknown, resp.Header)
		}
	}
}

// A body of a few kilobytes may stand for gigabytes.
func TestACompressedBodyIsBoundedByWhatItStandsFor(t *testing.T) {
	t.Parallel()
	bomb := coded(strings.Repeat("\x00", 4<<20), "gzip", "gzip")
	h := http.Header{"Content-Encoding": {"gzip, gzip"}}
	if got, _ := httpbody.Uncompressed(h, bomb, 1000); len(got) != 1000 {
		t.Errorf("%d bytes, want 1000", len(got))
	}
	resp := &http.Response{Header: h, Body: io.NopCloser(strings.NewReader(bomb)), ContentLength: int64(len(bomb))}
	if err := httpbody.Uncompress(resp); err != nil {
		t.Fatal(err)
	}
	if got, err := httpbody.Read(resp, 1001, httpbody.Bound{}); len(got) != 1001 || err != nil {
		t.Errorf("%d bytes, %v; want 1001", len(got), err)
	}
}

// What came of a body that was cut off or damaged is read; a response that ends so is an
// error.
func TestADamagedBodyGivesWhatCame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for text.Len() < 20<<10 {
		text.WriteByte(byte('a' + random.IntN(26)))
	}
	h := http.Header{"Content-Encoding": {"gzip"}}
	whole := coded(text.String(), "gzip")
	for _, cut := range []int{len(whole) - 1, len(whole) - 9, len(whole) / 2, 11, 10, 3, 2, 1} {
		got, ok := httpbody.Uncompressed(h, whole[:cut], 1<<20)
		if !ok || !strings.HasPrefix(text.String(), got) && got != whole[:cut] {
			t.Errorf("cut at %d: %t, %d bytes that are neither the beginning nor the text", cut, ok, len(got))
		}
		if cut > len(whole)/3 && len(got) < len(text.String())/4 {
			t.Errorf("cut at %d of %d: %d bytes", cut, len(whole), len(got))
		}
		resp := &http.Response{Header: h, Body: io.NopCloser(strings.NewReader(whole[:cut]))}
		if err := httpbody.Uncompress(resp); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); (err == nil) != (cut == 1) {
			t.Errorf("cut at %d: reading ends with %v", cut, err)
		}
	}
}

func FuzzUncompressedIsBounded(f *testing.F) {
	for _, text := range []string{"", "{}", coded("lorem", "gzip"), coded("lorem", "deflate"), coded("lorem", "raw"), coded("lorem", "gzip", "gzip")} {
		for _, codings := range []string{"gzip", "deflate", "gzip,gzip", "br", ""} {
			f.Add(text, codings, 100)
		}
	}
	f.Fuzz(func(t *testing.T, text, codings string, limit int) {
		limit = (limit%1000+1000)%1000 + 1
		h := http.Header{"Content-Encoding": {codings}}
		got, ok := httpbody.Uncompressed(h, text, limit)
		if len(got) > max(limit, len(text)) || !ok && got != "" {
			t.Fatalf("%d bytes, %t, with the limit %d", len(got), ok, limit)
		}
		if sent := coded(text, "gzip"); codings == "gzip" && text != "" {
			if back, _ := httpbody.Uncompressed(h, sent, len(text)); back != text {
				t.Fatalf("%q came back as %q", text, back)
			}
		}
	})
}
