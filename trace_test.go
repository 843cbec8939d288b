package keyfit_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"testing"

	"github.com/keyfit/keyfit"
)

// TestCanaryATraceIsNotToldWhatTheServerRepeats: a server that puts the key into a Location or a
// cookie makes net/http send it in fields that are not those of the scheme.
func TestCanaryATraceIsNotToldWhatTheServerRepeats(t *testing.T) {
	t.Parallel()
	repeat := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/first":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: r.Header.Get("X-Api-Key"), Path: "/"})
			http.Redirect(w, r, "/second?session="+r.Header.Get("X-Api-Key"), http.StatusFound)
		case "/second":
			http.Redirect(w, r, "/third", http.StatusFound)
		}
	})
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, where := range []string{"outside", "inside"} {
			t.Run(version+"/"+where, func(t *testing.T) {
				t.Parallel()
				srv := httptest.NewUnstartedServer(repeat)
				srv.EnableHTTP2 = version == "HTTP/2.0"
				srv.StartTLS()
				t.Cleanup(srv.Close)
				hc, log := srv.Client(), &traceLog{hooks: map[string]int{}}
				hc.Jar, _ = cookiejar.New(nil)
				ctx, opts := context.Background(), []keyfit.Option{keyfit.WithKey(wireKey), keyfit.WithHTTPClient(hc)}
				if where == "outside" {
					ctx = httptrace.WithClientTrace(ctx, log.trace())
				} else {
					opts = append(opts, keyfit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
						return rawTripper(func(r *http.Request) (*http.Response, error) {
							return next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), log.trace())))
						})
					}))
				}
				c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key")}, opts...)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := c.HTTPClient().Do(mustRequest(ctx, srv.URL+"/first"))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				log.mu.Lock()
				defer log.mu.Unlock()
				newCanary(keyfit.APIKey(wireKey)).absent(t, where, log.told.String())
				if !slices.Contains(log.fields, "referer") || !slices.Contains(log.fields, "cookie") {
					t.Errorf("the trace was told %v: it lacks referer or cookie", log.fields)
				}
			})
		}
	}
}

func mustRequest(ctx context.Context, address string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		panic(err)
	}
	return req
}
