package keyfit_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A transport of the caller's may not keep the whole contract of [http.RoundTripper];
// net/http's own client puts up with that.
func TestATransportThatReturnsLessThanItShouldIsNoPanic(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resp *http.Response
		want string
	}{
		"no body":   {&http.Response{StatusCode: http.StatusOK}, `"" <nil>`},
		"no answer": {nil, `"" target: GET /a: the transport failed: it returned neither a response nor an error`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := keyfit.New(keyfit.Provider{Name: "target", BaseURL: "https://api.example.com", Scheme: keyfit.Header("X-Api-Key")},
				keyfit.WithKey("send-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{
					Transport: transportFunc(func(*http.Request) (*http.Response, error) { return test.resp, nil }),
				}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := keyfit.Get[string](t.Context(), c, "/a")
			if d := cmp.Diff(test.want, fmt.Sprintf("%q %v", got, err)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A jar works as it does in net/http's own client, redirects included.
func TestCookiesOfAJarAreThoseOfAPlainClient(t *testing.T) {
	t.Parallel()
	run := func(client func(*testing.T, string, http.CookieJar) *http.Client) (cookies []string) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cookies = append(cookies, r.URL.Path+": "+r.Header.Get("Cookie"))
			switch r.URL.Path {
			case "/login":
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
				http.SetCookie(w, &http.Cookie{Name: "own", Value: "changed"})
				http.Redirect(w, r, "/in", http.StatusFound)
			case "/in":
				http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			}
		}))
		t.Cleanup(srv.Close)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		hc := client(t, srv.URL, jar)
		for _, path := range []string{"/login", "/in", "/in"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if path == "/login" {
				req.Header.Set("Cookie", "own=0; other=0")
			}
			resp, err := hc.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return cookies
	}
	plain := run(func(_ *testing.T, _ string, jar http.CookieJar) *http.Client { return &http.Client{Jar: jar} })
	ours := run(func(t *testing.T, base string, jar http.CookieJar) *http.Client {
		t.Helper()
		c, err := keyfit.New(keyfit.Provider{Name: "target", BaseURL: base, Scheme: keyfit.Header("X-Api-Key")},
			keyfit.WithKey("send-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Jar: jar}))
		if err != nil {
			t.Fatal(err)
		}
		return c.HTTPClient()
	})
	if d := cmp.Diff(plain, ours); d != "" {
		t.Errorf("cookies (-net/http +keyfit):\n%s", d)
	}
}
