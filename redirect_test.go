package keyfit_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// wireScheme is one way in which a provider takes a key.
type wireScheme struct {
	name   string
	scheme keyfit.Scheme
	cred   keyfit.Credential
	// sent returns what of the credential a request carries, by literals of its own.
	sent func(*http.Request) []string
	want []string
}

const (
	wireKey = "lf_Zq7xW3vN9-pK2mR8tB5dH4"
	wireID  = "lf_ID6yT1cX8-gS5nJ0uE7kQ2"
	// wireBody and wireQuery are no keys, but no business of another host's nor of a log's.
	wireBody  = "the-callers-own-body"
	wireQuery = "the-callers-own-query"
)

func wireSchemes() []wireScheme {
	header := func(name string) func(*http.Request) []string {
		return func(r *http.Request) []string { return r.Header.Values(name) }
	}
	return []wireScheme{
		{"header", keyfit.Header("X-API-KEY"), keyfit.APIKey(wireKey), header("X-Api-Key"), []string{wireKey}},
		{"authorization word", keyfit.Authorization("ApiKey-v2"), keyfit.APIKey(wireKey), header("Authorization"), []string{"ApiKey-v2 " + wireKey}},
		{"bearer", keyfit.Bearer(), keyfit.APIKey(wireKey), header("Authorization"), []string{"Bearer " + wireKey}},
		{"query", keyfit.Query("api_key"), keyfit.APIKey(wireKey), func(r *http.Request) []string { return r.URL.Query()["api_key"] }, []string{wireKey}},
		{"pair", keyfit.Pair("IM-CLIENT-KEY", "IM-Authorization"), keyfit.KeyPair(wireID, wireKey), func(r *http.Request) []string {
			return append(r.Header.Values("Im-Client-Key"), r.Header.Values("Im-Authorization")...)
		}, []string{wireID, wireKey}},
		{"basic, password", keyfit.Basic("api"), keyfit.APIKey(wireKey), header("Authorization"), []string{basicText("api", wireKey)}},
		{"cookie", keyfit.Cookie("session"), keyfit.APIKey(wireKey), func(r *http.Request) []string {
			if c, err := r.Cookie("session"); err == nil {
				return []string{c.Value}
			}
			return nil
		}, []string{wireKey}},
	}
}

// basicText is what RFC 7617 makes of a user and a password.
func basicText(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (s wireScheme) provider(base string) keyfit.Provider {
	return keyfit.Provider{Name: "acme", BaseURL: base, Scheme: s.scheme}
}

// wireSeen is a request as a server received it.
type wireSeen struct {
	Method, Host, URL, Body string
	Header                  http.Header
	Key                     []string
}

// wireLog records requests by their path.
type wireLog struct {
	mu   sync.Mutex
	seen map[string][]wireSeen
}

func (l *wireLog) record(r *http.Request, key func(*http.Request) []string) {
	body, _ := io.ReadAll(r.Body)
	s := wireSeen{Method: r.Method, Host: r.Host, URL: r.URL.String(), Body: string(body), Header: r.Header.Clone()}
	if key != nil {
		s.Key = key(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = make(map[string][]wireSeen)
	}
	l.seen[r.URL.Path] = append(l.seen[r.URL.Path], s)
}

func (l *wireLog) at(path string) []wireSeen {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]wireSeen(nil), l.seen[path]...)
}

func (l *wireLog) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.seen {
		n += len(s)
	}
	return n
}

// wireNet is a little internet: every host name leads here, by port to one of its
// servers, and any certificate will do. A client that followed where it must not would
// arrive and be recorded; that nothing is recorded is then no accident of name resolution.
type wireNet struct {
	home, trap         wireLog
	plain, secure      string // ports of the provider, http and https
	trapPlain, trapTLS string // ports of somebody else
	transport          *http.Transport
}

func newWireNet(t *testing.T) *wireNet {
	t.Helper()
	n := &wireNet{}
	start := func(h http.HandlerFunc, run func(*httptest.Server)) string {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = quietLog()
		run(s)
		t.Cleanup(s.Close)
		return s.Listener.Addr().(*net.TCPAddr).AddrPort().String()[len("127.0.0.1:"):]
	}
	n.plain, n.secure = start(n.serve, (*httptest.Server).Start), start(n.serve, (*httptest.Server).StartTLS)
	n.trapPlain, n.trapTLS = start(n.serveTrap, (*httptest.Server).Start), start(n.serveTrap, (*httptest.Server).StartTLS)
	n.transport = &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the trap has no good certificate
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			switch port {
			case "443":
				port = n.secure
			case "80":
				port = n.trapPlain
			}
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}
	t.Cleanup(n.transport.CloseIdleConnections)
	return n
}

// serve is the provider: /redirect/STATUS?to=URL redirects, there or to itself, /trap/… under another name of
// its own is the trap, anything else is answered.
func (n *wireNet) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/trap") {
		n.serveTrap(w, r)
		return
	}
	to := r.URL.Query().Get("to")
	rest, ok := strings.CutPrefix(r.URL.Path, "/redirect/")
	n.home.record(r, nil)
	if !ok {
		_, _ = io.WriteString(w, `"home"`)
		return
	}
	if to == "" {
		to = r.URL.String()
	}
	word, _, _ := strings.Cut(rest, "/")
	status, _ := strconv.Atoi(word)
	w.Header().Set("Location", to)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"message":"go away"}`)
}

func (n *wireNet) serveTrap(w http.ResponseWriter, r *http.Request) {
	n.trap.record(r, nil)
	_, _ = io.WriteString(w, `"trap"`)
}

func (n *wireNet) client(t *testing.T, s wireScheme, base string, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	opts = append([]keyfit.Option{
		keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(&http.Client{Transport: n.transport}),
	}, opts...)
	c, err := keyfit.New(s.provider(base), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var redirectStatuses = []int{301, 302, 303, 307, 308}

// imitations are hosts that are not ASCII, or that are dialled in another form than they are
// written, and what they imitate.
func imitations() []redirectTarget {
	return []redirectTarget{
		{"capital i with a dot", "https://imin.example", "https://\u0130min.example"},
		{"capital i with a dot, percent-encoded", "https://imin.example", "https://%C4%B0min.example"},
		{"capital i with a dot and the own port", "https://imin.example:443", "//\u0130min.example:443"},
		{"Kelvin sign", "https://keys.example", "https://\u212aeys.example"},
		{"long s", "https://keys.example", "https://key\u017f.example"},
		{"fullwidth full stop", "https://imin.example", "https://imin\uff0eexample"},
		{"soft hyphen", "https://imin.example", "https://im\u00adin.example"},
		{"full stop at the end", "https://imin.example", "https://imin.example."},
	}
}

// redirectTarget is a redirect from a provider's origin to another one.
type redirectTarget struct{ name, base, location string }

// TestRedirectToAnotherOriginSendsNothing is promise 1 on the wire. For what net/http and
// the peers do here see golang/go#4800 and golang/go#79793: X-API-KEY travels to any host,
// Authorization to any port.
func TestRedirectToAnotherOriginSendsNothing(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	const query = "?next=" + wireQuery
	for i, target := range append(imitations(), []redirectTarget{
		{"other host", "http://127.0.0.1:" + n.plain, "http://localhost:" + n.plain},
		{"other loopback address", "http://127.0.0.1:" + n.plain, "http://127.0.0.2:" + n.plain},
		{"other loopback family", "http://127.0.0.1:" + n.plain, "http://[::1]:" + n.plain},
		{"other port", "http://127.0.0.1:" + n.plain, "http://127.0.0.1:" + n.trapPlain},
		{"no port", "http://127.0.0.1:" + n.plain, "http://127.0.0.1"},
		{"subdomain", "http://localhost:" + n.plain, "http://api.localhost:" + n.plain},
		{"subdomain by tls", "https://example.com", "https://api.example.com"},
		{"parent domain by tls", "https://api.example.com", "https://example.com"},
		{"https to http", "https://127.0.0.1:" + n.secure, "http://127.0.0.1:" + n.trapPlain},
		{"https to http of default ports", "https://example.com", "http://example.com"},
		{"http to https", "http://127.0.0.1:" + n.plain, "https://127.0.0.1:" + n.trapTLS},
		{"without scheme", "http://127.0.0.1:" + n.plain, "//127.0.0.1:" + n.trapPlain},
		{"home as user information", "http://127.0.0.1:" + n.plain, "http://127.0.0.1:" + n.plain + "@127.0.0.1:" + n.trapPlain},
	}...) {
		schemes := wireSchemes()
		if i < len(imitations()) {
			schemes = schemes[i%len(schemes):][:1]
		}
		for _, s := range schemes {
			t.Run(target.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				c, find := n.client(t, s, target.base), newCanary(s.cred)
				for _, status := range redirectStatuses {
					for _, method := range []string{http.MethodGet, http.MethodPost} {
						id := fmt.Sprintf("%d/%s/%s/%s", status, method, s.name, target.name)
						at := "/redirect/" + id
						var body any
						if method == http.MethodPost {
							body = wireBody
						}
						_, err := keyfit.Send[string](t.Context(), c, method, (&url.URL{Path: at}).String(), body,
							keyfit.Param("to", target.location+"/trap/"+url.PathEscape(id)+query), keyfit.WithIdempotencyKey("once"))

						if !errors.Is(err, keyfit.ErrCrossOrigin) {
							t.Errorf("%s: want ErrCrossOrigin, got %v", id, err)
							continue
						}
						var failed *keyfit.RequestError
						if !errors.As(err, &failed) {
							t.Errorf("%s: want a *RequestError, got %T", id, err)
							continue
						}
						type outcome struct{ Status, Attempts, Home, Trap int }
						want := outcome{Status: status, Attempts: 1, Home: 1}
						got := outcome{failed.StatusCode, failed.Attempts, len(n.home.at(at)), len(n.trap.at("/trap/" + id))}
						if d := cmp.Diff(want, got); d != "" {
							t.Errorf("%s (-want +got):\n%s", id, d)
						}
						texts := canaryForms(err)
						find.absent(t, id, texts)
						if strings.Contains(texts, wireQuery) {
							t.Errorf("%s: query in the error: %s", id, texts)
						}
					}
				}
			})
		}
	}
	t.Cleanup(func() {
		if got := n.trap.all(); got != 0 {
			t.Errorf("the trap saw %d requests, want none:\n%v", got, n.trap.seen)
		}
	})
}

func TestRedirectWithinTheOriginKeepsKeyAndBody(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	for _, origin := range []struct{ base, respelt string }{
		{"http://127.0.0.1:" + n.plain, "http://127.0.0.1:" + n.plain},
		{"https://example.com", "https://EXAMPLE.com:443"},
		{"https://example.com:443", "https://example.com"},
	} {
		for _, s := range wireSchemes() {
			t.Run(origin.base+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				c := n.client(t, s, origin.base)
				for _, status := range redirectStatuses {
					for i, prefix := range []string{"", origin.base[strings.Index(origin.base, "//"):], origin.base, origin.respelt} {
						landing := fmt.Sprintf("/landing/%s/%s/%d/%d", origin.base[8:], s.name, status, i)
						got, err := keyfit.Send[string](t.Context(), c, http.MethodPost, fmt.Sprintf("/redirect/%d/within", status), wireBody,
							keyfit.Param("to", prefix+(&url.URL{Path: landing}).String()))
						if err != nil {
							t.Fatalf("%s%s: got %q, %v", prefix, landing, got, err)
						}
						want := wireSeen{Method: http.MethodGet, Key: s.want}
						if status >= 307 {
							want.Method, want.Body = http.MethodPost, wireBody
						}
						var arrived []wireSeen
						for _, r := range n.home.at(landing) {
							at, err := url.Parse(r.URL)
							if err != nil {
								t.Fatal(err)
							}
							arrived = append(arrived, wireSeen{Method: r.Method, Body: r.Body, Key: s.sent(&http.Request{URL: at, Header: r.Header})})
						}
						if d := cmp.Diff([]wireSeen{want}, arrived); d != "" {
							t.Errorf("%d to %s%s (-want +got):\n%s", status, prefix, landing, d)
						}
					}
				}
			})
		}
	}
}

func TestRedirectThatEndsElsewhereStopsAtTheBorder(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	base := "http://127.0.0.1:" + n.plain
	c := n.client(t, wireSchemes()[0], base)
	last := base + "/redirect/308/last?to=" + url.QueryEscape("http://127.0.0.1:"+n.trapPlain+"/trap")
	_, err := keyfit.Send[string](t.Context(), c, http.MethodPut, "/redirect/307/first", wireBody, keyfit.Param("to", last))
	if !errors.Is(err, keyfit.ErrCrossOrigin) {
		t.Errorf("want ErrCrossOrigin, got %v", err)
	}
	want := []int{1, 1, 0}
	got := []int{len(n.home.at("/redirect/307/first")), len(n.home.at("/redirect/308/last")), n.trap.all()}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("requests at first, last and trap (-want +got):\n%s", d)
	}
}

func TestRedirectLoopEndsWithAnErrorAndIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	for _, status := range redirectStatuses {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			c := n.client(t, wireSchemes()[0], "http://127.0.0.1:"+n.plain, keyfit.WithRetry(rawPolicy(100)))
			at := fmt.Sprintf("/redirect/%d/loop", status)
			_, err := keyfit.Send[string](t.Context(), c, http.MethodPut, at, wireBody)
			failed, ok := errors.AsType[*keyfit.RequestError](err)
			if !ok {
				t.Fatalf("want a *RequestError, got %v", err)
			}
			if d := cmp.Diff([]int{10, status}, []int{len(n.home.at(at)), failed.StatusCode}); d != "" {
				t.Errorf("requests and status (-want +got):\n%s", d)
			}
		})
	}
}

func TestRedirectIsHeldToTheOriginForRawCallsToo(t *testing.T) {
	t.Parallel()
	for _, s := range wireSchemes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			n := newWireNet(t)
			c := n.client(t, s, "http://127.0.0.1:"+n.plain)
			at := "/redirect/307/raw?to=" + url.QueryEscape("http://127.0.0.1:"+n.trapPlain+"/trap")
			for name, send := range map[string]func(*http.Request) (*http.Response, error){
				"Do": c.Do, "HTTPClient": c.HTTPClient().Do,
			} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://127.0.0.1:"+n.plain+at, strings.NewReader(wireBody))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := send(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				if !errors.Is(err, keyfit.ErrCrossOrigin) {
					t.Errorf("%s: want ErrCrossOrigin, got %v", name, err)
				}
				if err != nil {
					newCanary(s.cred).absent(t, name, canaryForms(err))
				}
			}
			if d := cmp.Diff([]int{2, 0}, []int{n.home.all(), n.trap.all()}); d != "" {
				t.Errorf("requests at home and trap (-want +got):\n%s", d)
			}
		})
	}
}

// TestRequestToAnotherOriginIsRefusedBeforeAnythingIsSent is the same promise for an
// address that the caller, or a link in an answer, names.
func TestRequestToAnotherOriginIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	home := "127.0.0.1:" + n.plain
	for _, target := range []struct {
		name string
		to   url.URL
	}{
		{"other host", url.URL{Scheme: "http", Host: "localhost:" + n.plain, Path: "/trap"}},
		{"other port", url.URL{Scheme: "http", Host: "127.0.0.1:" + n.trapPlain, Path: "/trap"}},
		{"other scheme", url.URL{Scheme: "https", Host: home, Path: "/trap"}},
		{"without scheme", url.URL{Host: "127.0.0.1:" + n.trapPlain, Path: "/trap"}},
		{"home as user", url.URL{Scheme: "http", User: url.UserPassword("127.0.0.1", n.plain), Host: "127.0.0.1:" + n.trapPlain, Path: "/trap"}},
		// What stands in Opaque goes into the request line, where a proxy takes it for
		// the address.
		{"opaque", url.URL{Scheme: "http", Host: home, Opaque: "//127.0.0.1:" + n.trapPlain + "/trap"}},
	} {
		for _, s := range wireSchemes() {
			t.Run(target.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				c := n.client(t, s, "http://"+home)
				calls := map[string]func() error{
					"Do":         func() error { return wireDo(t, c.Do, target.to) },
					"HTTPClient": func() error { return wireDo(t, c.HTTPClient().Do, target.to) },
				}
				if target.to.Opaque == "" {
					calls["Get"] = func() error {
						_, err := keyfit.Get[string](t.Context(), c, target.to.String(), keyfit.Param("next", wireQuery))
						return err
					}
					calls["Pages"] = func() error {
						pages := keyfit.Pages(t.Context(), c, "/first", func(string) string { return target.to.String() })
						for _, err := range pages {
							if err != nil {
								return err
							}
						}
						return nil
					}
				}
				for name, call := range calls {
					err := call()
					if !errors.Is(err, keyfit.ErrCrossOrigin) {
						t.Errorf("%s: want ErrCrossOrigin, got %v", name, err)
						continue
					}
					failed, _ := errors.AsType[*keyfit.RequestError](err)
					if failed == nil || failed.Attempts != 0 || failed.StatusCode != 0 {
						t.Errorf("%s: want a *RequestError of no attempt, got %#v", name, failed)
					}
					if name != "HTTPClient" && strings.Contains(err.Error(), wireQuery) { // there net/http prints the caller's own URL
						t.Errorf("%s: query in the error: %v", name, err)
					}
				}
				if got := n.home.at("/trap"); len(got) != 0 {
					t.Errorf("the provider saw %v", got)
				}
			})
		}
	}
	t.Cleanup(func() {
		if got := n.trap.all(); got != 0 {
			t.Errorf("the trap saw %d requests, want none", got)
		}
	})
}

func wireDo(t *testing.T, send func(*http.Request) (*http.Response, error), to url.URL) error {
	t.Helper()
	to.RawQuery = "next=" + wireQuery
	req := (&http.Request{Method: http.MethodPost, URL: &to, Body: io.NopCloser(strings.NewReader(wireBody))}).WithContext(t.Context())
	resp, err := send(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

// TestRedirectDoesNotBringTheKeyBackAboveTheAttempt: servers that add a slash or a
// language keep the query, and with it a key that was sent there.
func TestRedirectDoesNotBringTheKeyBackAboveTheAttempt(t *testing.T) {
	t.Parallel()
	s := wireSchemes()[3]
	var log wireLog
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.record(r, s.sent)
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b?"+r.URL.RawQuery, http.StatusFound)
		case "/b":
			http.Redirect(w, r, "/c?"+r.URL.RawQuery, http.StatusFound)
		}
	}))
	t.Cleanup(srv.Close)
	c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/a?api%5Fkey=another&page=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if d := cmp.Diff("page=2", resp.Request.URL.RawQuery); d != "" {
		t.Errorf("query of the answer's request (-want +got):\n%s", d)
	}
	for _, path := range []string{"/a", "/b", "/c"} {
		seen := log.at(path)
		if len(seen) != 1 {
			t.Fatalf("%s was asked %d times", path, len(seen))
		}
		if d := cmp.Diff([]string{wireKey}, seen[0].Key); d != "" {
			t.Errorf("key at %s (-want +got):\n%s", path, d)
		}
		newCanary(s.cred).absent(t, "Referer at "+path, seen[0].Header.Get("Referer"))
	}
}

func TestRedirectToAnUnreadableLocationIsAnErrorWithoutIt(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	c := n.client(t, wireSchemes()[0], "http://127.0.0.1:"+n.plain)
	_, err := keyfit.Get[string](t.Context(), c, "/redirect/302/broken", keyfit.Param("to", "http://[broken/?next="+wireQuery))
	failed, ok := errors.AsType[*keyfit.RequestError](err)
	if !ok || failed.StatusCode != http.StatusFound || failed.Attempts != 1 {
		t.Fatalf("want a *RequestError of one attempt with status 302, got %#v", err)
	}
	if strings.Contains(err.Error(), wireQuery) {
		t.Errorf("query in the error: %v", err)
	}
}
