package keyfit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

const (
	rawOldKey = "lf_old-4fW8sN2qXe"
	rawNewKey = "lf_new-9gT3vK6hZb"
)

// rawProvider is an API that takes X-API-KEY and, by the tests' wish, anything at all in it.
func rawProvider(base string) keyfit.Provider {
	return keyfit.Provider{Name: "acme", BaseURL: base, Scheme: keyfit.Header("X-API-KEY")}
}

func rawPolicy(attempts int) keyfit.RetryPolicy {
	return keyfit.RetryPolicy{MaxAttempts: attempts, MinBackoff: time.Microsecond, MaxBackoff: time.Millisecond, Budget: math.Inf(1)}
}

func rawServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = quietLog()
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

func rawClient(t *testing.T, base string, attempts int, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	c, err := keyfit.New(rawProvider(base), append([]keyfit.Option{keyfit.WithRetry(rawPolicy(attempts))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// generatedClient is what code generators write: an http.Client, a base URL, and methods.
type generatedClient struct {
	http *http.Client
	base string
}

func (g generatedClient) createUser(ctx context.Context, name string) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, g.base+"/users/1?notify=1", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "generated/1.0")
	return g.http.Do(req)
}

func TestHTTPClientServesAGeneratedClient(t *testing.T) {
	t.Parallel()
	var log wireLog
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		log.record(r, func(r *http.Request) []string { return r.Header.Values("X-Api-Key") })
		switch len(log.at("/users/1")) {
		case 1:
			http.Error(w, "soon", http.StatusServiceUnavailable)
		case 2:
			http.Error(w, `{"error":"INVALID_API_KEY","message":"API key is invalid"}`, http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":1}`)
		}
	})
	var offered atomic.Value
	offered.Store(rawOldKey)
	source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { return keyfit.APIKey(offered.Load().(string)), nil })
	c := rawClient(t, srv.URL, 4, keyfit.WithSource(source))
	offered.Store(rawNewKey)

	resp, err := generatedClient{c.HTTPClient(), srv.URL}.createUser(t.Context(), "Alice")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusCreated || string(body) != `{"id":1}` {
		t.Errorf("got %d %s, %v", resp.StatusCode, body, err)
	}
	if err := keyfit.CheckResponse(resp); err != nil {
		t.Errorf("CheckResponse: %v", err)
	}
	var want, got []wireSeen
	for _, key := range []string{rawOldKey, rawOldKey, rawNewKey} { // the 503 is retried, the 401 replayed
		want = append(want, wireSeen{Method: http.MethodPut, URL: "/users/1?notify=1", Body: `{"name":"Alice"}`, Key: []string{key}})
	}
	for _, r := range log.at("/users/1") {
		if agent := r.Header.Get("User-Agent"); agent != "generated/1.0" {
			t.Errorf("User-Agent is %q, want the caller's", agent)
		}
		got = append(got, wireSeen{Method: r.Method, URL: r.URL, Body: r.Body, Key: r.Key})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("on the wire (-want +got):\n%s", d)
	}
}

func TestHTTPClientAnswersBecomeTypedErrors(t *testing.T) {
	t.Parallel()
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"message":"the provider's words"}`)
	})
	c := rawClient(t, srv.URL, 1, keyfit.WithKey(rawOldKey), keyfit.WithGate(&rawGate{})) // the 429 is to stop no other case
	for _, test := range []struct {
		status int
		want   error
		typed  func(error) bool
	}{
		{http.StatusUnauthorized, keyfit.ErrUnauthorized, rawIs[*keyfit.InvalidKeyError]},
		{http.StatusForbidden, keyfit.ErrForbidden, rawIs[*keyfit.PermissionError]},
		{http.StatusTooManyRequests, keyfit.ErrRateLimited, rawIs[*keyfit.RateLimitError]},
		{http.StatusNotFound, keyfit.ErrNotFound, rawIs[*keyfit.APIError]},
		{http.StatusInternalServerError, keyfit.ErrServer, rawIs[*keyfit.APIError]},
	} {
		for name, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
			t.Run(fmt.Sprintf("%d by %s", test.status, name), func(t *testing.T) {
				t.Parallel()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/%d?page=1", srv.URL, test.status), nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := do(req)
				if err != nil {
					t.Fatalf("a raw call returns the answer, got %v", err)
				}
				defer resp.Body.Close()
				err = keyfit.CheckResponse(resp)
				base, ok := errors.AsType[*keyfit.APIError](err)
				if !ok || !errors.Is(err, test.want) || !test.typed(err) {
					t.Fatalf("want %v, got %T %v", test.want, err, err)
				}
				type told struct {
					Path     string
					Status   int
					Attempts int
				}
				if d := cmp.Diff(told{fmt.Sprintf("/%d", test.status), test.status, 1}, told{base.Path, base.StatusCode, base.Attempts}); d != "" {
					t.Errorf("error (-want +got):\n%s", d)
				}
				body, err := io.ReadAll(resp.Body) // CheckResponse leaves it
				if d := cmp.Diff(`{"message":"the provider's words"}`, string(body)); d != "" || err != nil {
					t.Errorf("body after CheckResponse, %v (-want +got):\n%s", err, d)
				}
			})
		}
	}
}

func rawIs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// rawBody is a body that tells whether it was closed.
type rawBody struct {
	io.Reader
	closed atomic.Int32
}

func (b *rawBody) Close() error { b.closed.Add(1); return nil }

// TestRoundTripperKeepsItsContract: http.RoundTripper wants that the request is not
// changed and that its body is closed, also on errors.
func TestRoundTripperKeepsItsContract(t *testing.T) {
	t.Parallel()
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		switch r.URL.Path {
		case "/fail":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/reset":
			canaryRaw(w, "")
		case "/move":
			http.Redirect(w, r, "/ok", http.StatusTemporaryRedirect)
		case "/leave":
			http.Redirect(w, r, "http://example.com/", http.StatusTemporaryRedirect)
		}
	})
	for _, path := range []string{"/ok", "/fail", "/reset", "/move", "/leave", "//example.com/elsewhere"} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s replayable %t", path, again), func(t *testing.T) {
				t.Parallel()
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				at, err := url.Parse(srv.URL)
				if err != nil {
					t.Fatal(err)
				}
				jar.SetCookies(at, []*http.Cookie{{Name: "old", Value: "0"}})
				for i, s := range wireSchemes() {
					c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)),
						keyfit.WithRetry(rawPolicy(2)), keyfit.WithHTTPClient(&http.Client{Jar: jar}))
					if err != nil {
						t.Fatal(err)
					}
					to, err := at.Parse(path + "?q=1")
					if err != nil {
						t.Fatal(err)
					}
					body := &rawBody{Reader: strings.NewReader("body")}
					copies := &rawBody{}
					req := (&http.Request{
						Method: http.MethodPut, URL: to, Body: body, ContentLength: 4,
						Header: http.Header{"User-Agent": {"mine"}, "Cookie": {"own=2"}},
					}).WithContext(t.Context())
					var made int32
					if again {
						req.GetBody = func() (io.ReadCloser, error) {
							made++
							return struct {
								io.Reader
								io.Closer
							}{strings.NewReader("body"), copies}, nil
						}
					}
					before, header, uri := *req, req.Header.Clone(), *req.URL
					send := c.HTTPClient().Transport.RoundTrip
					if i%2 == 1 {
						send = c.Do
					}
					resp, err := send(req)
					if err == nil {
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
					if d := cmp.Diff(header, req.Header); d != "" {
						t.Errorf("%s: the request's header was changed (-before +after):\n%s", s.name, d)
					}
					if d := cmp.Diff(uri, *req.URL); d != "" {
						t.Errorf("%s: the request's URL was changed (-before +after):\n%s", s.name, d)
					}
					if req.URL != to || req.Body != before.Body || req.ContentLength != before.ContentLength || req.Host != before.Host || req.Context() != before.Context() {
						t.Errorf("%s: the request was changed", s.name)
					}
					if body.closed.Load() == 0 {
						t.Errorf("%s: the body was not closed", s.name)
					}
					if got := copies.closed.Load(); got < made {
						t.Errorf("%s: %d of %d copies of the body were closed", s.name, got, made)
					}
				}
			})
		}
	}
}

func TestRetriesSendTheCookiesOfAJarOnce(t *testing.T) {
	t.Parallel()
	var log wireLog
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		log.record(r, nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "1"}})
	c := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(&http.Client{Jar: jar}))
	_, err = keyfit.Get[string](t.Context(), c, "/jar", keyfit.WithHeader("Cookie", "own=2"))
	if !errors.Is(err, keyfit.ErrServer) {
		t.Fatal(err)
	}
	var got []string
	for _, r := range log.at("/jar") {
		got = append(got, r.Header["Cookie"]...)
	}
	if d := cmp.Diff([]string{"own=2; session=1", "own=2; session=1", "own=2; session=1", "own=2; session=1"}, got); d != "" {
		t.Errorf("cookies of four attempts (-want +got):\n%s", d)
	}
}

func TestHTTPClientFollowsNoRedirectThatTheCallersRuleDeclined(t *testing.T) {
	t.Parallel()
	var log wireLog
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		log.record(r, nil)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(stay))
	for name, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/here", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := do(req)
		if err != nil || resp.StatusCode != http.StatusFound {
			t.Fatalf("%s: got %v, %v", name, resp, err)
		}
		_ = resp.Body.Close()
	}
	if got := log.at("/elsewhere"); len(got) != 0 {
		t.Errorf("the redirect was followed: %v", got)
	}
}

func TestDoTakesPathsRelativeToTheOrigin(t *testing.T) {
	t.Parallel()
	var log wireLog
	srv := rawServer(t, func(_ http.ResponseWriter, r *http.Request) {
		log.record(r, func(r *http.Request) []string { return r.Header.Values("X-Api-Key") })
	})
	c := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey), keyfit.WithUserAgent("acme/2"))
	for _, at := range []string{"/relative?a=1", srv.URL + "/absolute?a=1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "elsewhere.example.com" // only the origin says where a key goes
		resp, err := c.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, keyfit.ErrCrossOrigin) {
			t.Errorf("%s for another host: %v", at, err)
		}
		req.Host = ""
		if resp, err = c.Do(req); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		host := strings.TrimPrefix(srv.URL, "http://")
		path := strings.TrimSuffix(strings.TrimPrefix(at, srv.URL), "?a=1")
		var got []wireSeen
		for _, r := range log.at(path) {
			got = append(got, wireSeen{Host: r.Host, URL: r.URL, Key: r.Key, Header: http.Header{"User-Agent": r.Header["User-Agent"]}})
		}
		want := []wireSeen{{Host: host, URL: path + "?a=1", Key: []string{rawOldKey}, Header: http.Header{"User-Agent": {"acme/2"}}}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s on the wire (-want +got):\n%s", at, d)
		}
	}
	for name, req := range map[string]*http.Request{"nil": nil, "without URL": {}} {
		resp, err := c.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: want an error", name)
		}
	}
}

// rawGate counts who passes.
type rawGate struct{ passed atomic.Int32 }

func (g *rawGate) Enter(context.Context, keyfit.Entry) (func(keyfit.Outcome), error) {
	g.passed.Add(1)
	return func(keyfit.Outcome) {}, nil
}

func TestDerivedClientSharesPoolGateAndKeyring(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	connections := map[string][]string{} // remote address → keys and agents that came by it
	srv := rawServer(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		connections[r.RemoteAddr] = append(connections[r.RemoteAddr], r.Header.Get("X-Api-Key")+" by "+r.UserAgent())
	})
	var gate, other rawGate
	c := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey), keyfit.WithGate(&gate), keyfit.WithUserAgent("parent"))
	derive := func(opts ...keyfit.Option) *keyfit.Client {
		d, err := c.With(opts...)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	child := derive(keyfit.WithUserAgent("child"))
	tenant := derive(keyfit.WithKey("lf_tenant-7Yp2Lm"), keyfit.WithGate(&other), keyfit.WithUserAgent("tenant"))
	call := func(clients ...*keyfit.Client) {
		for _, c := range clients {
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/"); err != nil {
				t.Fatal(err)
			}
		}
	}
	call(c, child, tenant)
	if err := child.Keys().Rotate(t.Context(), keyfit.APIKey(rawNewKey)); err != nil {
		t.Fatal(err)
	}
	call(c, child, tenant)

	if child.Keys() != c.Keys() || tenant.Keys() == c.Keys() {
		t.Error("a derived client shares the keyring unless it is given keys")
	}
	if d := cmp.Diff([]int32{4, 2}, []int32{gate.passed.Load(), other.passed.Load()}); d != "" {
		t.Errorf("attempts through the shared and the tenant's gate (-want +got):\n%s", d)
	}
	mu.Lock()
	defer mu.Unlock()
	var got [][]string
	for _, came := range connections {
		got = append(got, came)
	}
	want := [][]string{{
		rawOldKey + " by parent", rawOldKey + " by child", "lf_tenant-7Yp2Lm by tenant",
		rawNewKey + " by parent", rawNewKey + " by child", "lf_tenant-7Yp2Lm by tenant",
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("requests by connection (-want +got):\n%s", d)
	}
}

func TestDerivedClientKeepsRedirectRuleTimeoutAndJar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hc := poolPipe(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/move":
				http.Redirect(w, r, "/ok", http.StatusFound)
			case "/hang":
				<-r.Context().Done()
			case "/cookie":
				_, _ = io.WriteString(w, r.Header.Get("Cookie"))
			}
		})
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(&url.URL{Scheme: "http", Host: "localhost"}, []*http.Cookie{{Name: "session", Value: "1"}})
		hc.Jar, hc.Timeout = jar, 3*time.Second
		hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c := rawClient(t, "http://localhost", 1, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(hc))
		child, err := c.With(keyfit.WithUserAgent("child"))
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]*keyfit.Client{"parent": c, "child": child} {
			_, err := keyfit.Get[struct{}](t.Context(), c, "/move")
			if e, ok := errors.AsType[*keyfit.APIError](err); !ok || e.StatusCode != http.StatusFound {
				t.Errorf("%s: want the 302 that the rule keeps, got %v", name, err)
			}
			cookie, err := keyfit.Get[string](t.Context(), c, "/cookie")
			if d := cmp.Diff("session=1", cookie); d != "" || err != nil {
				t.Errorf("%s: cookies, %v (-want +got):\n%s", name, err, d)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err = keyfit.Get[struct{}](ctx, c, "/hang")
			if ctx.Err() != nil || err == nil {
				t.Errorf("%s: the timeout did not end the attempt: %v", name, err)
			}
			cancel()
		}
	})
}

func TestMiddlewareRunsOncePerAttemptInTheOrderGiven(t *testing.T) {
	t.Parallel()
	var statuses atomic.Int32
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved":
		case r.Header.Get("X-Api-Key") == rawOldKey:
			http.Error(w, "invalid key", http.StatusUnauthorized)
		case statuses.Add(1) == 1:
			w.WriteHeader(http.StatusBadGateway)
		default:
			http.Redirect(w, r, "/moved", http.StatusFound)
		}
	})
	var mu sync.Mutex
	var seen []string
	note := func(name string) func(http.RoundTripper) http.RoundTripper {
		return func(next http.RoundTripper) http.RoundTripper {
			return rawTripper(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				seen = append(seen, name+" "+r.URL.Path+" "+r.Header.Get("X-Api-Key"))
				mu.Unlock()
				return next.RoundTrip(r)
			})
		}
	}
	var asked atomic.Int32
	source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
		if asked.Add(1) == 1 {
			return keyfit.APIKey(rawOldKey), nil
		}
		return keyfit.APIKey(rawNewKey), nil
	})
	c := rawClient(t, srv.URL, 4, keyfit.WithSource(source), keyfit.WithMiddleware(note("outer"), note("middle")), keyfit.WithMiddleware(note("inner")))
	d, err := c.With(keyfit.WithMiddleware(note("derived")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), d, "/here"); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, attempt := range []string{"/here " + rawOldKey, "/here " + rawNewKey, "/here " + rawNewKey, "/moved " + rawNewKey} {
		for _, name := range []string{"outer ", "middle ", "inner ", "derived "} {
			want = append(want, name+attempt)
		}
	}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("refused, failed, redirected, done (-want +got):\n%s", d)
	}
	sibling, err := c.With(keyfit.WithMiddleware(note("sibling")))
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := d.With()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range []struct {
		client *keyfit.Client
		last   string
	}{{c, "inner"}, {d, "derived"}, {sibling, "sibling"}, {grandchild, "derived"}} {
		seen = nil
		if _, err := keyfit.Get[struct{}](t.Context(), family.client, "/moved"); err != nil {
			t.Fatal(err)
		}
		if got := seen[len(seen)-1]; !strings.HasPrefix(got, family.last+" ") {
			t.Errorf("clients mix their middleware: want %s last, got %v", family.last, seen)
		}
	}
}

type rawTripper func(*http.Request) (*http.Response, error)

func (f rawTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWithResponseTellsOfTheAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req-"+r.URL.Path[1:])
		w.Header().Set("X-Total", "7")
		w.Header().Set("Set-Cookie", "session=secret")
		switch {
		case r.URL.Path == "/retried" && asked.Add(1) < 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/refused":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/cut":
			canaryRaw(w, "")
		}
	})
	c := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey))
	if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(rawNewKey)); err != nil {
		t.Fatal(err)
	}
	current := keyfit.APIKey(rawNewKey).Fingerprint()
	for _, test := range []struct {
		path string
		want keyfit.Response
		err  bool
	}{
		{"/retried", keyfit.Response{StatusCode: 200, RequestID: "req-retried", Attempts: 3, Generation: 2, KeyFingerprint: current}, false},
		{"/refused", keyfit.Response{StatusCode: 403, RequestID: "req-refused", Attempts: 1, Generation: 2, KeyFingerprint: current}, true},
		{"/cut", keyfit.Response{Attempts: 4, Generation: 2, KeyFingerprint: current}, true},
	} {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			var got keyfit.Response
			_, err := keyfit.Get[struct{}](t.Context(), c, test.path, keyfit.WithResponse(&got))
			if (err != nil) != test.err {
				t.Errorf("got %v", err)
			}
			if total := got.Header.Get("X-Total"); total != "7" && test.path != "/cut" {
				t.Errorf("X-Total is %q, want 7", total)
			}
			if cookie := got.Header.Get("Set-Cookie"); cookie != "" {
				t.Errorf("a cookie, which is a credential, is told: %q", cookie)
			}
			got.Header = nil
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("response (-want +got):\n%s", d)
			}
		})
	}
}
