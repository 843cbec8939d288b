package keyfit

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// fuzzPlant turns letters and digits into capitals that no text of ours is made of, so that
// a fragment of it in an error can only come from the input.
func fuzzPlant(raw string) string {
	const capitals = "BDFGHJKLPQRSTWXYZ"
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return rune(capitals[int(r)%len(capitals)])
		}
		return r
	}, raw)
}

// fuzzQuotes returns a fragment of the planted text that stands in the error; "" for none.
func fuzzQuotes(err error, planted string) string {
	const fragment = 4
	for i := 0; i+fragment <= len(planted); i++ {
		if strings.Contains(err.Error(), planted[i:i+fragment]) {
			return planted[i : i+fragment]
		}
	}
	return ""
}

func FuzzCleanKey(f *testing.F) {
	for _, raw := range []string{
		"", "abc", " abc\r\n", "\ufeffabc", `"abc"`, `""abc""`, `"'abc'"`, `"`, `"" ""`, "a b", "a\nb", "a\x00b", "a\x7f", "“a”", "a\u200b", "\xff",
		"${A}", "$A", "\u00a0a\u00a0", `"${A}"`, `" ' a ' "`, "MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0=",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := cleanKey(fuzzPlant(raw)); err != nil {
			if found := fuzzQuotes(err, fuzzPlant(raw)); found != "" && err != errKeyReference { //nolint:errorlint // the very same value
				t.Fatalf("the error quotes %q of the key: %v", found, err)
			}
		}
		key, err := cleanKey(raw)
		if err != nil {
			if key != "" || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("an error comes alone and on one line: %q, %q", key, err)
			}
			return
		}
		if key == "" || strings.TrimSpace(key) != key || !strings.Contains(raw, key) {
			t.Fatalf("%q is not what stands in %q", key, raw)
		}
		if strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			t.Fatalf("%q cannot be sent in a header", key)
		}
		if again, err := cleanKey(key); err != nil || again != key {
			t.Fatalf("cleaning %q again gives %q, %v", key, again, err)
		}
	})
}

func FuzzParseProblem(f *testing.F) {
	for _, body := range []string{
		"{\n  \"error\": \"INVALID_API_KEY\",\n  \"message\": \"The provided API key is invalid or expired\"\n}",
		`{"RC": 401, "RM": "Unauthorized", "error": {"code": "INVALID_API_KEY", "message": "..."}}`,
		`{"Message": "Unauthorized"}`,
		`{"status": 429, "error": "Too Many Requests", "message": "You have exceeded the rate limit for this API group. Please retry later."}`,
		`{"type":"about:blank","title":"Forbidden","status":403,"detail":"no","instance":"/x"}`,
		`{"error":"invalid_token","error_description":"expired"}`,
		`{"error":{"code":401,"message":null},"code":1e999,"requestId":{}}`,
		`{"message":"line one\nline two\u2028three\u0000\u202e"}`,
		"<html><head><title>502 Bad\nGateway</title></head></html>", "<h1>no</h1><script>", "Invalid API Key", "", "null", "42", "[1]", `"text"`, "{", "[", "\xff\xfe{", "\ufeff{}",
	} {
		f.Add([]byte(body), 401, `Bearer error="invalid_token"`)
	}
	ring, err := NewKeyring(f.Context(), Static("abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, header string) {
		if status < 300 || status > 999 {
			status = 300 + (status%700+700)%700
		}
		provider := MindKey()
		k := &call{client: &Client{provider: provider}, ring: ring, method: "GET", path: "/p"}
		resp := &http.Response{
			StatusCode: status, Body: io.NopCloser(strings.NewReader(string(body))),
			Header: http.Header{"Www-Authenticate": {header}, "X-Request-Id": {header}},
		}
		got := k.answerError(resp)
		line := got.Error()
		if strings.IndexFunc(line, unicode.IsControl) >= 0 || strings.ContainsAny(line, "\u2028\u2029") || !utf8.ValidString(line) {
			t.Fatalf("not one line: %q", line)
		}
		if n := utf8.RuneCountInString(line); n > 1000 {
			t.Fatalf("the line has %d characters", n)
		}
		base, ok := asAPIError(got)
		if !ok {
			t.Fatalf("no *APIError under %T", got)
		}
		if diff := cmp.Diff(body[:min(len(body), maxErrorBody)], base.Body(), cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" && !strings.Contains(strings.ToLower(string(body)), "abcdef") {
			t.Fatalf("the body is not kept (-want +got):\n%s", diff)
		}
		if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != string(body) {
			t.Fatalf("the answer's own body is not readable again: %v", err)
		}
	})
}

func asAPIError(err error) (*APIError, bool) {
	switch e := err.(type) { //nolint:errorlint // the types that answerError makes
	case *MissingKeyError:
		return e.APIError, true
	case *InvalidKeyError:
		return e.APIError, true
	case *RateLimitError:
		return e.APIError, true
	case *PermissionError:
		return e.APIError, true
	case *APIError:
		return e, true
	}
	return nil, false
}

// fuzzForms are the ways in which an encoder may write one byte of a key into its text.
var fuzzForms = []func(c byte) string{
	func(c byte) string { return string(c) },
	func(c byte) string {
		if s := string(c); strings.ToUpper(s) != s {
			return strings.ToUpper(s)
		}
		return strings.ToLower(string(c))
	},
	func(c byte) string { return url.QueryEscape(string(c)) },
	func(c byte) string { return fmt.Sprintf("%%%02x", c) },
	func(c byte) string { return fmt.Sprintf("%%25%02X", c) },
	func(c byte) string { return fmt.Sprintf("%%2525%02X", c) },
	func(c byte) string { return `\` + string(c) },
	func(c byte) string { return fmt.Sprintf(`\u%04x`, c) },
	func(c byte) string { return fmt.Sprintf(`\u%04X`, c) },
	func(c byte) string { return fmt.Sprintf(`\\u%04x`, c) },
	func(c byte) string { return fmt.Sprintf(`\x%02x`, c) },
	func(c byte) string { // JSON in JSON, as an encoder that escapes every slash does
		if c == '\\' {
			return `\\\\`
		}
		return `\\\` + string(c)
	},
	func(c byte) string { return fmt.Sprintf("&#%d;", c) },
	func(c byte) string { return fmt.Sprintf("&#x%x;", c) },
	func(c byte) string { return fmt.Sprintf("&#X%04X;", c) },
	func(c byte) string { return fmt.Sprintf("&amp;#%d;", c) },
	func(c byte) string {
		name := map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&apos;"}[c]
		if name == "" {
			return string(c)
		}
		return name
	},
}

func FuzzScrub(f *testing.F) {
	const imkit = "MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0="
	for form := range fuzzForms {
		f.Add(imkit, []byte{byte(form)}, "before", "after", 10)
		f.Add(`a%b\c&d+e/f=g<h>i"j'k u0075`, []byte{byte(form)}, "b", "a", 40)
	}
	f.Add(imkit, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "", "", 64)
	f.Add(imkit, []byte{253, 0, 2}, "b", "a", 3)
	f.Add(imkit, []byte{254, 0, 12}, "b", "a", 3)
	f.Add(`\\\\\\`, []byte{0, 6, 11, 0}, "b", "a", 3)
	f.Add(`%25%25`, []byte{0, 2, 3}, "b", "a", 3)
	f.Add(`&amp;&`, []byte{16, 0, 12}, "b", "a", 3)
	f.Add(`uu0075x41`, []byte{6, 7, 10}, "b", "a", 3)
	f.Fuzz(func(t *testing.T, secret string, forms []byte, before, after string, limit int) {
		secret, err := cleanKey(strings.Map(func(r rune) rune { return ' ' + r&0x7f%('~'-' '+1) }, secret))
		if err != nil || len(secret) < minScrub || len(secret) > 200 || len(forms) == 0 {
			return
		}
		// The text around it has no character in common with any form of a key.
		filler := func(s string) string {
			return strings.Map(func(r rune) rune { return rune("\n\t\x00\x1f"[r&3]) }, s)
		}
		before, after = filler(before), filler(after)

		// The first byte may also choose a base64 of the whole.
		plain := secret
		switch forms[0] {
		case 253:
			plain = base64.StdEncoding.EncodeToString([]byte(secret))
		case 254:
			plain = base64.RawURLEncoding.EncodeToString([]byte(secret))
		}
		var echoed strings.Builder
		for i := range len(plain) {
			echoed.WriteString(fuzzForms[int(forms[i%len(forms)])%len(fuzzForms)](plain[i]))
		}
		text := before + echoed.String() + after
		if limit < 0 || limit > len(text) {
			limit = len(text)
		}

		scrub := newScrubber([]Credential{KeyPair("another-"+imkit, secret)})
		got := scrub.cut(text, limit)
		want := before[:min(limit, len(before))]
		if limit > len(before) {
			want += redacted
		}
		if rest := limit - len(before) - echoed.Len(); rest > 0 {
			want += after[:rest]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("key %q echoed as %q, cut at %d (-want +got):\n%s", secret, echoed.String(), limit, diff)
		}
		// Amid other data, as in Basic credentials: a character at either end may be shared.
		offset := len(forms) % 3
		amid := base64.StdEncoding.EncodeToString([]byte("u:u:"[:offset] + secret + ":tail"))
		from, to := (offset*8+5)/6, (offset+len(secret))*8/6
		if got := scrub.text(amid); to-from >= minScrub && strings.Contains(strings.ToLower(got), strings.ToLower(amid[from:to])) {
			t.Fatalf("key %q survives in %q as %q", secret, amid, got)
		}
		if scrub.reach() < echoed.Len() {
			t.Fatalf("an echo of %d bytes is longer than the %d that are read beyond a limit", echoed.Len(), scrub.reach())
		}
	})
}
