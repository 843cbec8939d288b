package interop_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
)

const (
	planted = "lf_interop-7QmzR4-0123456789abcdef"
	plantID = "lf_public-Xk2Lw8Pq4-fedcba9876543210"
)

// scheme is one way in which a provider takes a key.
type scheme struct {
	scheme keyfit.Scheme
	cred   keyfit.Credential
}

func schemes() map[string]scheme {
	one := keyfit.APIKey(planted)
	return map[string]scheme{
		"header":        {keyfit.Header("X-Acme-Key"), one},
		"authorization": {keyfit.Authorization("ApiKey-v2"), one},
		"bearer":        {keyfit.Bearer(), one},
		"query":         {keyfit.Query("api_key"), one},
		"pair":          {keyfit.Pair("X-Acme-Id", "X-Acme-Key"), keyfit.KeyPair(plantID, planted)},
	}
}

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, `{"name":"Lorem Fitsum"}`)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func client(t *testing.T, s scheme, base string, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: base, Scheme: s.scheme},
		append(opts, keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithoutDotEnv())...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// through makes one request by a raw call and leaves the response.
func through(ctx context.Context, t *testing.T, do func(*http.Request) (*http.Response, error), url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}

var (
	hexdump = regexp.MustCompile(`(?m)\|(.{1,16})\|\s*$`)
	numbers = regexp.MustCompile(`\b(?:0x)?([0-9a-fA-F]{1,3})\b`)
)

// leak returns a part of a key in a text: as it is, as the text column of a hexdump, or as a
// list of numbers, decimal or hexadecimal.
func leak(text string) string {
	views := []string{text}
	var column, decimal, hexadecimal strings.Builder
	for _, m := range hexdump.FindAllStringSubmatch(text, -1) {
		column.WriteString(m[1])
	}
	for _, m := range numbers.FindAllStringSubmatch(text, -1) {
		if v, err := strconv.ParseUint(m[1], 10, 8); err == nil {
			decimal.WriteByte(byte(v))
		}
		if v, err := strconv.ParseUint(m[1], 16, 8); err == nil {
			hexadecimal.WriteByte(byte(v))
		}
	}
	views = append(views, column.String(), decimal.String(), hexadecimal.String())
	for _, key := range []string{planted, plantID} {
		for i := 0; i+8 <= len(key); i += 4 {
			for _, view := range views {
				if strings.Contains(view, key[i:i+8]) {
					return fmt.Sprintf("%q of the key", key[i:i+8])
				}
			}
		}
	}
	return ""
}
