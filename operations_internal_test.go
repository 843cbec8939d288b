package keyfit

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzAnAllowedOperationIsThatOperation reads what passes as the most obliging of servers would.
func FuzzAnAllowedOperationIsThatOperation(f *testing.F) {
	for _, sent := range []string{
		"/rooms/r1", "/rooms/r1/x", "/rooms/%2e%2e/admin", "/rooms/..%2fadmin", "/rooms/a%2fb", "/rooms/a%5cb", "/rooms/..;x/admin", "/rooms/%252e%252e",
		"/rooms/a/../../admin", "/rooms//x", "/rooms", "/rooms/", "/%72ooms/r1", "/rooms/.", "/rooms/%2e", "/rooms/a;b",
	} {
		f.Add(sent)
	}
	op, err := parseOperation("GET /rooms/{room}")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		u, err := url.Parse("https://acme.example" + sent)
		if err != nil {
			return
		}
		check := operationCheck{lists: []operationList{{op}}}
		if err := check.check(&http.Request{URL: u}); err != nil {
			if !errors.Is(err, ErrNotAllowed) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		at := u.EscapedPath()
		for range 2 * maxUnescapes {
			at = unescapeLeniently(at)
		}
		at = path.Clean(strings.ReplaceAll(at, "\\", "/"))
		if !strings.HasPrefix(at, "/rooms/") || strings.Count(at, "/") != 2 {
			t.Fatalf("%q passes, and may be read as %q", u.EscapedPath(), at)
		}
	})
}

// FuzzParseOperation: what is taken as an operation allows a request that it spells.
func FuzzParseOperation(f *testing.F) {
	for _, text := range []string{"GET /a", "* /{x}/…", "POST /a/{rest...}", "GET /a%20b", "GET  /a", "GET /", "X /..", "GET /{", "GET /a/...", "GET /%2e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		op, err := parseOperation(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("not one line: %v", err)
			}
			return
		}
		segments := make([]string, len(op.segments))
		for i, segment := range op.segments {
			if segments[i] = segment; segment == anySegment {
				segments[i] = "x"
			}
		}
		method := op.method
		if method == "*" {
			method = http.MethodPatch
		}
		if !op.matches(method, segments) {
			t.Fatalf("%q does not match itself: %+v", text, op)
		}
	})
}
