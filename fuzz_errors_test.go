package keyfit_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// inUTF16 returns a text in UTF-16.
func inUTF16(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// hasMark reports whether a text begins as a compressed one or one of another charset may.
func hasMark(text string) bool {
	for i := range min(2, len(text)) {
		if c := text[i]; c >= 0xef || c == 0 || c == 0x1f {
			return true
		}
	}
	return false
}

// An error is read from any body, header and status without a panic, within bounds, and as one
// line; in any content coding or charset it is the same error; and an echo of the key is in
// none of it.
func FuzzAnErrorIsReadInEveryCodingAndCharset(f *testing.F) {
	for i, sh := range errorShapes() {
		if i%4 == 0 {
			f.Add(sh.status, strings.Join(sh.headers, "\n"), sh.body)
		}
	}
	f.Add(403, "Content-Encoding: gzip\nContent-Type: application/json; charset=utf-16", `{"message":"fuzz-lorem-fitsum-1"}`)
	f.Add(200, "Retry-After: 1e99\nX-RateLimit-Remaining: 0", "\xff\xfe\x00\xd8{")
	f.Add(401, "Content-Encoding: deflate", "\x78\x9c\x03\x00")
	const key = "fuzz-lorem-fitsum-1"
	p := keyfit.Provider{Name: "fuzz", BaseURL: "https://fuzz.example", Scheme: keyfit.Header("X-Api-Key"), ErrorsInSuccess: true}
	look := func(t *testing.T, status int, h http.Header, body string) shapeSeen {
		t.Helper()
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			resp := respond(req, status, body)
			resp.Header = h
			return resp, nil
		})
		c, err := keyfit.New(p, keyfit.WithKey(key), keyfit.WithoutDotEnv(), keyfit.WithGate(openGate{}),
			keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = keyfit.Get[struct{}](t.Context(), c, "/x")
		if err == nil {
			return shapeSeen{}
		}
		var held string
		if e, ok := errors.AsType[*keyfit.APIError](err); ok {
			details, _ := e.Details()
			held = fmt.Sprintf("%s %+v %v", e.Body(), *e, details.Errors)
			if e.RetryAfter < 0 || e.RetryAfter > 31*24*time.Hour || utf8.RuneCountInString(e.Message) > 301 || len(e.Body()) > 64<<10 {
				t.Errorf("beyond the bounds: %v, %d", e.RetryAfter, len(e.Message))
			}
		}
		if text := err.Error() + held; strings.Contains(text, key) || strings.ContainsAny(err.Error(), "\r\n") || !utf8.ValidString(err.Error()) {
			t.Errorf("%q", text)
		}
		return seeShape(err)
	}
	f.Fuzz(func(t *testing.T, status int, lines, body string) {
		status = 200 + (status%400+400)%400
		if status >= 300 && status < 400 {
			status += 100 // a redirect is no error
		}
		given := respond(nil, status, "", strings.Split(lines, "\n")...).Header
		look(t, status, given, body)
		plain := given.Clone()
		plain.Del("Content-Encoding")
		plain.Set("Content-Type", "application/json")
		if hasMark(body) || !utf8.ValidString(body) || len(body) > 16<<10 {
			return // a body with a mark of its own
		}
		want := look(t, status, plain, body)
		coded := plain.Clone()
		for coding, sent := range map[string]string{"gzip": pack("gzip", body), "deflate": pack("deflate", body), "deflate, gzip": pack("gzip", pack("deflate", body))} {
			coded.Set("Content-Encoding", coding)
			if diff := cmp.Diff(want, look(t, status, coded, sent)); diff != "" {
				t.Errorf("%s of %q (-want +got):\n%s", coding, body, diff)
			}
		}
		wide := plain.Clone()
		for charset, order := range map[string]binary.AppendByteOrder{"utf-16le": binary.LittleEndian, "utf-16be": binary.BigEndian} {
			wide.Set("Content-Type", "application/json; charset="+charset)
			if sent := inUTF16(body, order); !strings.HasPrefix(sent, "\xff\xfe") && !strings.HasPrefix(sent, "\xfe\xff") {
				if diff := cmp.Diff(want, look(t, status, wide, sent)); diff != "" {
					t.Errorf("%s of %q (-want +got):\n%s", charset, body, diff)
				}
			}
		}
	})
}
