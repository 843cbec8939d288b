package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// The command that the banner prints asks an operation that takes a key, and needs no value that
// nobody has given.
func TestTheBannersCommandAsksAnOperationThatTakesAKey(t *testing.T) {
	t.Parallel()
	const oauth = "oauth: {token: /a/token, authorize: /a/authorize, metadata: /.well-known/oauth-authorization-server}\n"
	for name, c := range map[string]struct{ text, want string }{
		"beside an authorization server": {oauth + "routes: [{route: GET /b}]\n", "/b"},
		"without wildcards":              {"routes: [{route: 'GET /b/{id}'}, {route: GET /c}]\n", "/c"},
		"with wildcards alone":           {oauth + "routes: [{route: 'GET /b/{id}'}, {route: POST /c}]\n", "/b/id"},
		"nothing reads":                  {"routes: [{route: POST /b}]\n", "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "acme.yaml")
			if err := os.WriteFile(file, []byte("name: acme\nschemes: [{header: X-Acme-Key}]\n"+c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := newLocalMock(t.Context(), defaults(t, "--api", file, "--providers", "acme"), nil, mockserver.AdminConfig{}, true)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = m.close() })
			if got := m.probe("acme", &http.Request{URL: new(url.URL)}); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
