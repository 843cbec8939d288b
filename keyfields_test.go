package keyfit_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// ownScheme is a scheme of a caller's.
type ownScheme func(*http.Request, keyfit.Credential) error

func (s ownScheme) Apply(r *http.Request, c keyfit.Credential) error { return s(r, c) }

// signingScheme puts the key where no scheme of the package does.
func signingScheme() keyfit.Scheme {
	return ownScheme(func(r *http.Request, c keyfit.Credential) error {
		r.Header.Set("X-Signature", "v1 "+c.Key.Reveal())
		r.Header.Add("X-Signed-Headers", c.Key.Reveal())
		r.URL.RawQuery += "&sig=" + url.QueryEscape(c.Key.Reveal())
		return nil
	})
}

func TestEveryOtherSpellingOfTheKeysHeaderIsRemoved(t *testing.T) {
	t.Parallel()
	spell := func(name string) []string {
		return []string{name, strings.ToLower(name), strings.ToUpper(name), strings.ReplaceAll(strings.ToLower(name), "-", "_"), strings.ReplaceAll(name, "-", "_"), strings.ToLower(name[:3]) + name[3:], strings.ReplaceAll(name, "-", "."), strings.ReplaceAll(strings.ToUpper(name), "-", "~"), strings.Replace(name, "-", "'", 1)}
	}
	same := func(name string) string {
		return strings.NewReplacer("_", "-", ".", "-", "~", "-", "'", "-").Replace(strings.ToLower(name))
	}
	for _, s := range []struct {
		name   string
		scheme keyfit.Scheme
		cred   keyfit.Credential
		fields []string
	}{
		{"header", keyfit.Header("x-api-KEY"), keyfit.APIKey(wireKey), []string{"X-Api-Key"}},
		{"authorization", keyfit.Authorization("ApiKey-v2"), keyfit.APIKey(wireKey), []string{"Authorization"}},
		{"bearer", keyfit.Bearer(), keyfit.APIKey(wireKey), []string{"Authorization"}},
		{"pair", keyfit.Pair("IM-CLIENT-KEY", "IM-Authorization"), keyfit.KeyPair(wireID, wireKey), []string{"Im-Client-Key", "Im-Authorization"}},
		{"own", signingScheme(), keyfit.APIKey(wireKey), []string{"X-Signature"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var got http.Header
			pool := rawTripper(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Clone()
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			})
			c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: s.scheme},
				keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range s.fields {
				for _, spelling := range spell(field) {
					req, err := http.NewRequest(http.MethodGet, "https://acme.example/x", nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header = http.Header{spelling: {"the-callers-own"}, "X-Other": {"stays"}}
					resp, err := c.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					var others []string
					for name, values := range got {
						if same(name) == same(field) && name != field || slices.Contains(values, "the-callers-own") {
							others = append(others, name)
						}
					}
					if diff := cmp.Diff([]string(nil), others); diff != "" || len(got[field]) != 1 || !strings.Contains(got[field][0], "lf_") {
						t.Errorf("%q beside the key in %q (-want +got):\n%s%v", spelling, field, diff, got[field])
					}
					if diff := cmp.Diff(http.Header{spelling: {"the-callers-own"}, "X-Other": {"stays"}}, req.Header); diff != "" {
						t.Errorf("the caller's own header changed (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff([]string{"stays"}, got["X-Other"]); diff != "" {
						t.Errorf("another header (-want +got):\n%s", diff)
					}
				}
			}
		})
	}
}

func TestASchemeThatMovesTheRequestSendsNothing(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*http.Request){
		"host":               func(r *http.Request) { r.URL.Host = "evil.example" },
		"host, other letter": func(r *http.Request) { r.URL.Host = "acme.example\u2024evil" },
		"port":               func(r *http.Request) { r.URL.Host += ":444" },
		"scheme":             func(r *http.Request) { r.URL.Scheme = "http" },
		"both":               func(r *http.Request) { r.URL = &url.URL{Scheme: "http", Host: "evil.example", Path: "/"} },
		"Host":               func(r *http.Request) { r.Host = "evil.example" },
		"opaque":             func(r *http.Request) { r.URL.Opaque = "//evil.example/" },
		"path":               func(r *http.Request) { r.URL.Path = "@evil.example/" },
		"raw path":           func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/@evil.example/", "%2F@evil.example/" },
		"no URL":             func(r *http.Request) { r.URL = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			pool := rawTripper(func(*http.Request) (*http.Response, error) {
				sent++
				return nil, errors.New("sent")
			})
			scheme := ownScheme(func(r *http.Request, c keyfit.Credential) error {
				r.Header.Set("X-Acme-Key", c.Key.Reveal())
				move(r)
				return nil
			})
			c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: scheme},
				keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
			if err != nil {
				t.Fatal(err)
			}
			body := new(closeCounter)
			req, err := http.NewRequest(http.MethodPost, "/x", body)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Do(req)
			if err == nil || name != "no URL" && !errors.Is(err, keyfit.ErrCrossOrigin) || sent != 0 || body.closed != 1 {
				t.Errorf("want ErrCrossOrigin, nothing sent and the body closed; got %v, %d sent, closed %d times", err, sent, body.closed)
			}
			newCanary(keyfit.APIKey(wireKey)).absent(t, name, canaryForms(err))
		})
	}
}

// A scheme may keep what it was given, or give what others share, and change it after the
// check: for the next request, or on another goroutine.
func TestWhatASchemeKeepsIsNotWhatIsSent(t *testing.T) {
	t.Parallel()
	shared := &url.URL{Scheme: "https", Host: "acme.example", Path: "/shared"}
	for name, keep := range map[string]func(*http.Request) *http.Request{
		"the request":   func(r *http.Request) *http.Request { return r },
		"a copy of it":  func(r *http.Request) *http.Request { return r.WithContext(r.Context()) },
		"its own URL":   func(r *http.Request) *http.Request { r.URL = shared; return r },
		"a new request": func(r *http.Request) *http.Request { *r = *r.Clone(r.Context()); return r },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept *http.Request
			scheme := ownScheme(func(r *http.Request, c keyfit.Credential) error {
				r.Header.Set("X-Acme-Key", c.Key.Reveal())
				kept = keep(r)
				return nil
			})
			var sent []string
			pool := rawTripper(func(r *http.Request) (*http.Response, error) {
				kept.URL.Scheme, kept.URL.Host, kept.URL.Opaque, kept.Host = "http", "evil.example", "//evil.example/", "evil.example"
				kept.Header["X-Acme-Key"][0] = "another"
				kept.Header.Set("Host", "evil.example")
				sent = append(sent, r.URL.Scheme, r.URL.Host, r.URL.Opaque, r.Host, r.Header.Get("X-Acme-Key"), r.Header.Get("Host"))
				return nil, errors.New("sent")
			})
			c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: scheme}, keyfit.WithKey(wireKey),
				keyfit.WithHTTPClient(&http.Client{Transport: pool}), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = keyfit.Get[[]byte](t.Context(), c, "/x")
			if d := cmp.Diff([]string{"https", "acme.example", "", "", wireKey, ""}, sent); d != "" {
				t.Errorf("what is sent (-want +got):\n%s", d)
			}
		})
	}
}

type closeCounter struct{ closed int }

func (*closeCounter) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closeCounter) Close() error           { c.closed++; return nil }

// traceLog collects what a trace is told.
type traceLog struct {
	mu     sync.Mutex
	fields []string
	told   strings.Builder
	hooks  map[string]int
}

func (l *traceLog) called(hook string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hooks[hook]++
}

func (l *traceLog) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:              func(string) { l.called("GetConn") },
		GotConn:              func(httptrace.GotConnInfo) { l.called("GotConn") },
		GotFirstResponseByte: func() { l.called("GotFirstResponseByte") },
		ConnectStart:         func(string, string) { l.called("ConnectStart") },
		WroteHeaders:         func() { l.called("WroteHeaders") },
		WroteRequest:         func(httptrace.WroteRequestInfo) { l.called("WroteRequest") },
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
			l.called("Got1xxResponse")
			l.mu.Lock()
			defer l.mu.Unlock()
			for name, values := range header {
				l.told.WriteString(name + ": " + strings.Join(values, " ") + "\n")
			}
			return nil
		},
		WroteHeaderField: func(name string, values []string) {
			l.called("WroteHeaderField")
			l.mu.Lock()
			defer l.mu.Unlock()
			l.fields = append(l.fields, strings.ToLower(name))
			l.told.WriteString(name + ": " + strings.Join(values, " ") + "\n")
		},
	}
}

// tracedSchemes are those of the package and one of a caller's own.
func tracedSchemes() []wireScheme {
	return append(wireSchemes(), wireScheme{name: "own", scheme: signingScheme(), cred: keyfit.APIKey(wireKey)})
}

// TestCanaryATraceOfTheCallerIsNotToldTheKey: net/http tells a trace every header field that
// it writes, over HTTP/2 also the path with its query.
func TestCanaryATraceOfTheCallerIsNotToldTheKey(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</"+r.Header.Get("X-Api-Key")+r.Header.Get("Authorization")+r.Header.Get("Im-Authorization")+r.URL.RawQuery+">; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		}
	})
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		srv := httptest.NewUnstartedServer(echo)
		srv.EnableHTTP2, srv.Config.ErrorLog = version == "HTTP/2.0", quietLog()
		srv.StartTLS()
		t.Cleanup(srv.Close)
		for _, s := range tracedSchemes() {
			for _, inside := range []bool{false, true} {
				where := "outside"
				if inside {
					where = "inside"
				}
				t.Run(version+"/"+s.name+"/"+where, func(t *testing.T) {
					t.Parallel()
					first, second := &traceLog{hooks: map[string]int{}}, &traceLog{hooks: map[string]int{}}
					ctx, opts := context.Background(), []keyfit.Option(nil)
					if inside {
						opts = append(opts, keyfit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
							return rawTripper(func(r *http.Request) (*http.Response, error) {
								ctx := httptrace.WithClientTrace(httptrace.WithClientTrace(r.Context(), first.trace()), second.trace())
								return next.RoundTrip(r.WithContext(ctx))
							})
						}))
					} else {
						ctx = httptrace.WithClientTrace(httptrace.WithClientTrace(ctx, first.trace()), second.trace())
					}
					pool := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: version == "HTTP/2.0"}
					t.Cleanup(pool.CloseIdleConnections)
					c, err := keyfit.New(s.provider(srv.URL), append(opts, keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(&http.Client{Transport: pool}))...)
					if err != nil {
						t.Fatal(err)
					}
					for _, send := range []func() error{
						func() error { _, err := keyfit.Get[[]byte](ctx, c, "/here?mine=1"); return err },
						func() error { _, err := keyfit.Send[[]byte](ctx, c, http.MethodPost, "/here", "body"); return err },
						func() error { _, err := keyfit.Get[[]byte](ctx, c, "/moved"); return err },
						func() error {
							_, err := keyfit.Get[[]byte](ctx, c, "/here", keyfit.WithRetry(keyfit.RetryPolicy{AttemptTimeout: 1 << 40}))
							return err
						},
						func() error { return traceDo(ctx, c.Do, srv.URL) },
						func() error { return traceDo(ctx, c.HTTPClient().Do, srv.URL) },
					} {
						if err := send(); err != nil {
							t.Fatal(err)
						}
					}
					for _, l := range []*traceLog{first, second} {
						l.mu.Lock()
						newCanary(s.cred).absent(t, where, l.told.String())
						for _, hook := range []string{"GetConn", "GotConn", "GotFirstResponseByte", "WroteHeaders", "WroteRequest", "WroteHeaderField", "Got1xxResponse", "ConnectStart"} {
							if n := l.hooks[hook]; n == 0 || n < 7 && hook != "ConnectStart" {
								t.Errorf("%s was called %d times", hook, n)
							}
						}
						if !slices.Contains(l.fields, "x-mine") || !slices.Contains(l.fields, "user-agent") {
							t.Errorf("the trace was told %v: it lacks fields without a key", l.fields)
						}
						for _, field := range l.fields {
							if slices.Contains([]string{"x-api-key", "authorization", "im-client-key", "im-authorization", "x-signature"}, field) || field == ":path" && (s.name == "query" || s.name == "own") {
								t.Errorf("the trace was told of %s", field)
							}
						}
						l.mu.Unlock()
					}
				})
			}
		}
	}
}

func traceDo(ctx context.Context, do func(*http.Request) (*http.Response, error), base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/here", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Mine", "1")
	resp, err := do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// A context without a trace costs nothing: the request that is sent has the very context of
// the caller.
func TestAContextWithoutATraceIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "mine")
	var got context.Context
	pool := rawTripper(func(r *http.Request) (*http.Response, error) {
		got = r.Context() //nolint:fatcontext // it is compared
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	c, err := keyfit.New(wireSchemes()[0].provider("http://localhost"), keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool}),
		keyfit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }))
	if err != nil {
		t.Fatal(err)
	}
	if err := traceDo(ctx, c.Do, "http://localhost"); err != nil || got != ctx {
		t.Errorf("the context of the request is %v, %v", got, err)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {}})
	if err := traceDo(ctx, c.Do, "http://localhost"); err != nil || got != ctx {
		t.Errorf("with a trace that is not told of headers: the context is %v, %v", got, err)
	}
}
