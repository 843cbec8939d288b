package keyfit_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
)

// hostileHTTP2 answers with far more header than an answer has: in one field, in many, in
// interim responses without end, and behind the body.
func hostileHTTP2(w http.ResponseWriter, r *http.Request) {
	bulk := strings.Repeat(r.Header.Get("X-Api-Key")+r.URL.RawQuery+"%25", 20<<10)
	switch path := r.URL.Path; {
	case r.ProtoMajor != 2:
		_, _ = io.WriteString(w, "{}")
	case path == "/field":
		w.Header().Set("X-Echo", bulk)
		w.WriteHeader(http.StatusInternalServerError)
	case path == "/fields":
		for i := range 6000 {
			w.Header().Set("X-Echo-"+strconv.Itoa(i), bulk[:60])
		}
		w.WriteHeader(http.StatusInternalServerError)
	case path == "/interim":
		for r.Context().Err() == nil {
			w.Header().Set("Link", bulk[:400])
			w.WriteHeader(http.StatusEarlyHints)
		}
	case path == "/trailer":
		w.Header().Set("Trailer", "X-Echo")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "{}")
		w.Header().Set("X-Echo", bulk)
	}
}

// The bound of our own pool holds over HTTP/2 as well, and no error that comes of it tells
// the key that fills the header.
func TestAHeaderWithoutEndOverHTTP2CostsLittleAndTellsNoKey(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	srv := httptest.NewUnstartedServer(http.HandlerFunc(hostileHTTP2))
	srv.EnableHTTP2, srv.Config.ErrorLog = true, quietLog()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for _, s := range []wireScheme{wireSchemes()[0], {name: "query", scheme: keyfit.Query("api_key"), cred: keyfit.APIKey(wireKey)}} {
		for _, path := range []string{"/field", "/fields", "/interim", "/trailer"} {
			c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
			if err != nil {
				t.Fatal(err)
			}
			c.SecureBy(&tls.Config{InsecureSkipVerify: true})
			told := new(strings.Builder)
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				WroteHeaderField: func(name string, values []string) { told.WriteString(name + strings.Join(values, "")) },
			})
			got := allocated(func() { _, err = keyfit.Get[any](ctx, c, path) })
			if err == nil || got > 24<<20 { // what the server allocates is in it
				t.Errorf("%s %s: %v, and %d KiB are allocated", s.name, path, err, got>>10)
			}
			newCanary(s.cred).absent(t, s.name+path, canaryForms(err), told.String())
			if leak := newCanaryDump(err, c).leak(s.cred); leak != "" {
				t.Errorf("%s %s: a walk over the fields of the error finds %q", s.name, path, leak)
			}
			c.HTTPClient().CloseIdleConnections()
		}
	}
}

// A proxy of an https provider is asked for a tunnel to its host, and given nothing else;
// also if it refuses, and if the provider redirects elsewhere.
func TestAProxyThatTunnelsIsGivenNoKey(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(canaryReflectServe))
	srv.EnableHTTP2, srv.Config.ErrorLog = true, quietLog()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for _, s := range tracedSchemes() {
		for _, refuses := range []int{0, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusFound} {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				seen := make(chan *http.Request, 64)
				proxy := httptest.NewServer(tunnel(refuses, seen))
				t.Cleanup(proxy.Close)
				at, err := url.Parse(proxy.URL)
				if err != nil {
					t.Fatal(err)
				}
				pool := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, Proxy: http.ProxyURL(at)}
				t.Cleanup(pool.CloseIdleConnections)
				c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(&http.Client{Transport: pool}), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
				if err != nil {
					t.Fatal(err)
				}
				var texts []string
				for _, path := range []string{"/here", "/moved", "/away", "/broken", "/refused"} {
					_, err := keyfit.Get[string](t.Context(), c, path)
					if refuses != 0 && err == nil || path == "/here" && refuses == 0 && err != nil {
						t.Errorf("%s behind a proxy that answers %d: %v", path, refuses, err)
					}
					texts = append(texts, canaryForms(err))
				}
				for len(seen) > 0 {
					r := <-seen
					if r.Method != http.MethodConnect || "https://"+r.RequestURI != srv.URL {
						t.Errorf("the proxy was asked to %s %s", r.Method, r.RequestURI)
					}
					for name, values := range r.Header {
						texts = append(texts, name, strings.Join(values, " "))
					}
				}
				newCanary(s.cred).absent(t, s.name, texts...)
			})
		}
	}
}

// tunnel is a proxy that connects to any host, or refuses with a status.
func tunnel(refuses int, seen chan<- *http.Request) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		if refuses != 0 {
			w.Header().Set("Location", "https://evil.example/")
			w.WriteHeader(refuses)
			return
		}
		to, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.RequestURI)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
		_, _ = io.Copy(from, to)
		_ = from.Close()
	})
}
