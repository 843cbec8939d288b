package keyfit

import (
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
			if found := fuzzQuotes(err, fuzzPlant(raw)); found != "" && !strings.Contains(err.Error(), "${NAME}") { // a constant, and the input may hold its ${
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

func FuzzAnErrorAnswerIsOneLine(f *testing.F) {
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
	ring, err := NewKeyring(f.Context(), Static(APIKey("abcdef")))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, header string) {
		if status < 300 || status > 999 {
			status = 300 + (status%700+700)%700
		}
		provider := MindKey()
		k := &call{client: &Client{provider: provider}, ring: ring, method: "GET", url: &url.URL{Path: "/p"}}
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
		if wide := len(body) > 1 && (string(body[:2]) == "\xff\xfe" || string(body[:2]) == "\xfe\xff") || strings.HasPrefix(string(body), "\x00\x00\xfe\xff"); wide {
			return // it is kept in UTF-8
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
