package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// callDoors are the ways to make a call, each of which returns an error for an error status.
func callDoors(ctx context.Context, c *keyfit.Client, base string) map[string]func(path string) error {
	raw := func(do func(*http.Request) (*http.Response, error)) func(string) error {
		return func(path string) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPut, base+path, strings.NewReader("body"))
			if err != nil {
				return err
			}
			resp, err := do(req)
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			return keyfit.CheckResponse(resp)
		}
	}
	return map[string]func(string) error{
		"Send": func(path string) error {
			_, err := keyfit.Send[[]byte](ctx, c, http.MethodPut, path, "body")
			return err
		},
		"Do": raw(c.Do), "HTTPClient": raw(c.HTTPClient().Do),
	}
}

func TestTheMiddlewareOfCallsIsAboveTheKey(t *testing.T) {
	t.Parallel()
	for _, s := range tracedSchemes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				switch {
				case r.URL.Path == "/moved":
					http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
				case r.URL.Path == "/busy" && asked == 1:
					w.WriteHeader(http.StatusBadGateway)
				case r.URL.Path == "/missing":
					w.WriteHeader(http.StatusNotFound)
				}
			}))
			t.Cleanup(srv.Close)
			var seen []string
			dump := newCanaryDump()
			see := func(name string) func(http.RoundTripper) http.RoundTripper {
				return func(next http.RoundTripper) http.RoundTripper {
					return rawTripper(func(r *http.Request) (*http.Response, error) {
						resp, err := next.RoundTrip(r)
						if err == nil {
							seen = append(seen, fmt.Sprintf("%s %s %d", name, r.URL.Path, resp.StatusCode))
							dump = newCanaryDump(r, r.Context(), resp)
						}
						return resp, err
					})
				}
			}
			c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()), keyfit.WithCallMiddleware(see("outer"), see("inner")))
			if err != nil {
				t.Fatal(err)
			}
			if c, err = c.With(); err != nil {
				t.Fatal(err)
			}
			for door, call := range callDoors(context.Background(), c, srv.URL) {
				for path, status := range map[string]int{"/here": 200, "/moved": 200, "/busy": 200, "/missing": 404} {
					asked, seen = 0, nil
					err := call(path)
					if status == 404 != errors.Is(err, keyfit.ErrNotFound) || status == 200 && err != nil {
						t.Errorf("%s %s: %v", door, path, err)
					}
					want := []string{fmt.Sprintf("inner %s %d", path, status), fmt.Sprintf("outer %s %d", path, status)}
					if d := cmp.Diff(want, seen); d != "" {
						t.Errorf("%s: what the middleware saw (-want +got):\n%s", door, d)
					}
					if leak := dump.leak(s.cred); leak != "" {
						t.Errorf("%s %s: the middleware has %q of the key within reach", door, path, leak)
					}
				}
			}
		})
	}
}

func TestAMiddlewareOfCallsMayAnswerItself(t *testing.T) {
	t.Parallel()
	sent := 0
	pool := rawTripper(func(*http.Request) (*http.Response, error) {
		sent++
		return nil, io.ErrUnexpectedEOF
	})
	status := http.StatusOK
	recorded := func(http.RoundTripper) http.RoundTripper {
		return rawTripper(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
		})
	}
	c, err := keyfit.New(wireSchemes()[0].provider("http://localhost"), keyfit.WithKey(wireKey),
		keyfit.WithHTTPClient(&http.Client{Transport: pool}), keyfit.WithCallMiddleware(recorded))
	if err != nil {
		t.Fatal(err)
	}
	for status = range map[int]bool{http.StatusOK: true, http.StatusTooManyRequests: true, http.StatusServiceUnavailable: true, http.StatusUnauthorized: true} {
		for door, call := range callDoors(t.Context(), c, "http://localhost") {
			err := call("/x")
			failed, _ := errors.AsType[*keyfit.APIError](err)
			if status == http.StatusOK && err != nil || status != http.StatusOK && (failed == nil || failed.StatusCode != status) {
				t.Errorf("%s with a recorded %d: %v", door, status, err)
			}
		}
	}
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}

// OpenTelemetry's transport adds a trace on its way, and a span that the attempts belong to.
func TestATraceOfAMiddlewareOfCallsIsNotToldTheKey(t *testing.T) {
	t.Parallel()
	type key struct{}
	for _, s := range tracedSchemes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved" {
					http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
				}
			}))
			t.Cleanup(srv.Close)
			told, values := &traceLog{hooks: map[string]int{}}, []any(nil)
			above := func(next http.RoundTripper) http.RoundTripper {
				return rawTripper(func(r *http.Request) (*http.Response, error) {
					ctx := context.WithValue(httptrace.WithClientTrace(r.Context(), told.trace()), key{}, "span")
					return next.RoundTrip(r.WithContext(ctx))
				})
			}
			below := func(next http.RoundTripper) http.RoundTripper {
				return rawTripper(func(r *http.Request) (*http.Response, error) {
					values = append(values, r.Context().Value(key{}))
					return next.RoundTrip(r)
				})
			}
			for _, opts := range [][]keyfit.Option{nil, {keyfit.WithMiddleware(below)}} {
				c, err := keyfit.New(s.provider(srv.URL), append(opts, keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithCallMiddleware(above))...)
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range []string{"/here", "/moved"} {
					for door, call := range callDoors(t.Context(), c, srv.URL) {
						if err := call(path); err != nil {
							t.Errorf("%s %s: %v", door, path, err)
						}
					}
				}
			}
			told.mu.Lock()
			defer told.mu.Unlock()
			newCanary(s.cred).absent(t, "trace", told.told.String())
			if n := told.hooks["WroteHeaderField"]; n < 18*3 {
				t.Errorf("the trace was told of %d header fields", n)
			}
			if want := slices.Repeat([]any{"span"}, 9); !slices.Equal(want, values) {
				t.Errorf("the attempts have %v in their context, want %v", values, want)
			}
		})
	}
}

// What a middleware does wrong is an error, and nothing goes where it must not.
func TestAMiddlewareOfCallsThatMisbehavesSendsNothing(t *testing.T) {
	t.Parallel()
	sent := 0
	pool := rawTripper(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	for name, tc := range map[string]struct {
		trip func(next http.RoundTripper, r *http.Request) (*http.Response, error)
		is   error
		sent int
	}{
		"another context": {func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			return next.RoundTrip(r.WithContext(context.Background()))
		}, nil, 0},
		"another host": {func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Host = "evil.example"
			return next.RoundTrip(r)
		}, keyfit.ErrCrossOrigin, 0},
		"twice": {func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			return next.RoundTrip(r)
		}, nil, 1},
		"nothing": {func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, nil }, nil, 0}, //nolint:nilnil // what is tested
	} {
		c, err := keyfit.New(wireSchemes()[0].provider("http://localhost"), keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool}),
			keyfit.WithCallMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return rawTripper(func(r *http.Request) (*http.Response, error) { return tc.trip(next, r) })
			}))
		if err != nil {
			t.Fatal(err)
		}
		for door, call := range callDoors(t.Context(), c, "http://localhost") {
			sent = 0
			err := call("/x")
			if _, ok := errors.AsType[*keyfit.RequestError](err); !ok || tc.is != nil && !errors.Is(err, tc.is) || sent != tc.sent {
				t.Errorf("%s, %s: want a *RequestError and %d sent, got %v and %d", name, door, tc.sent, err, sent)
			}
		}
	}
}
