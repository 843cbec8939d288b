package keyfit_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

const hopsKey = "hops-lorem-fitsum"

func hopsClient(t *testing.T, base string, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	opts = append(opts, keyfit.WithKey(hopsKey), keyfit.WithoutDotEnv())
	c, err := keyfit.New(keyfit.Provider{Name: "hops", BaseURL: base, Scheme: keyfit.Header("X-Hops-Key")}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What a redirect sets takes the place of the caller's own cookie, and nothing else does.
func TestCallersCookiesAcrossRedirectsAreThoseOfAPlainClient(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, sets []string, do func(hc *http.Client, base string, req *http.Request) (*http.Response, error)) (seen [][]string) {
		t.Helper()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header["Cookie"])
			if n := len(seen); n <= len(sets) {
				if sets[n-1] != "" {
					w.Header().Set("Set-Cookie", sets[n-1])
				}
				http.Redirect(w, r, "/next", http.StatusFound)
			}
		}))
		t.Cleanup(srv.Close)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		base, err := url.Parse(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(base, []*http.Cookie{{Name: "c", Value: "jar"}})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/first", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", "c=own; d=own; e=own")
		resp, err := do(&http.Client{Jar: jar}, srv.URL, req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return seen
	}
	for name, sets := range map[string][]string{
		"nothing is set":                  {""},
		"one is replaced":                 {"d=set"},
		"one is deleted":                  {"d=; Max-Age=0"},
		"another is set":                  {"f=1"},
		"two redirects, each sets one":    {"d=set", "e=set"},
		"the second redirect sets none":   {"d=set", ""},
		"the second redirect deletes one": {"", "d=; Max-Age=0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := run(t, sets, func(hc *http.Client, _ string, req *http.Request) (*http.Response, error) { return hc.Do(req) })
			got := run(t, sets, func(hc *http.Client, base string, req *http.Request) (*http.Response, error) {
				return hopsClient(t, base, keyfit.WithHTTPClient(hc)).Do(req)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cookies of each request (-net/http +keyfit):\n%s", diff)
			}
		})
	}
}

func TestALocationThatIsNoURLIsFinalAndNotQuotedOnAnyHop(t *testing.T) {
	t.Parallel()
	for name, hops := range map[string]int{"the first": 0, "the second": 1, "the third": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests++; requests <= hops {
					http.Redirect(w, r, "/next", http.StatusFound)
					return
				}
				w.Header().Set("Location", "/%zz?session=one-time-token")
				w.WriteHeader(http.StatusFound)
			}))
			t.Cleanup(srv.Close)
			_, err := keyfit.Get[struct{}](t.Context(), hopsClient(t, srv.URL), "/first")
			failed, ok := errors.AsType[*keyfit.RequestError](err)
			if !ok || strings.Contains(err.Error(), "token") {
				t.Errorf("the error is %v: want a *RequestError that does not quote the Location", err)
			} else if failed.Attempts != hops+1 {
				t.Errorf("%d attempts, want %d", failed.Attempts, hops+1)
			}
		})
	}
}

// A user in the URL becomes Basic authentication, as with http.Client, at every attempt.
func TestARetryCarriesTheUserOfTheURLAsTheFirstAttemptDoes(t *testing.T) {
	t.Parallel()
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen = append(seen, r.Header.Get("Authorization")+" "+r.Header.Get("X-Hops-Key")); len(seen) == 2 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(srv.Close)
	c := hopsClient(t, srv.URL, keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1}))
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(srv.URL, "http://", "http://ada:secret@", 1)+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	const want = "Basic YWRhOnNlY3JldA== " + hopsKey
	if diff := cmp.Diff([]string{want, want, want}, seen); diff != "" {
		t.Errorf("what each request carried (-want +got):\n%s", diff)
	}
}
