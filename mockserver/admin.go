package mockserver

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// AdminConfig configures the admin API. The zero value is ready: a random
// token, loopback hosts only.
type AdminConfig struct {
	// Token is the bearer token that callers need. Empty draws a random one,
	// which AdminToken returns.
	Token string
	// Hosts are further accepted values of the Host header, without port.
	// Loopback ones ("localhost", "127.0.0.1", "[::1]") are always accepted;
	// every other one is refused, so that no web page reaches the API under a
	// name that it controls (DNS rebinding).
	Hosts []string
	// Config is shown by GET /v1/config; Reload and Shutdown serve POST
	// /v1/reload and /v1/shutdown. Each may be nil.
	Config   func() any
	Reload   func() error
	Shutdown func()
	// Version is shown by GET /version.
	Version string
}

// admin is the admin API of a server.
type admin struct {
	srv      *Server
	cfg      AdminConfig
	routes   []adminRoute
	mux      *http.ServeMux
	once     sync.Once // prepare
	built    sync.Once
	replays  replays
	tokenSum digest
	timeouts Timeouts // the defaults; a test makes them shorter

	mu    sync.Mutex
	url   string // as announced
	local string
	token Secret
}

func newAdmin(s *Server) *admin { return &admin{srv: s, cfg: s.opts.admin} }

func (a *admin) limits() limits { return limits{Timeouts: a.timeouts, maxHeader: maxAdminHeader} }

// prepare draws the token at the first use: a test without the admin API does not pay for it.
func (a *admin) prepare() {
	a.once.Do(func() {
		value := a.cfg.Token
		if value == "" {
			var b [24]byte
			_, _ = rand.Read(b[:]) // never fails since Go 1.24; never from the seed: it protects something
			value = hex.EncodeToString(b[:])
		}
		a.token, a.tokenSum = newSecret(value), hashCredential(value)
	})
}

// build makes the routes at the first request: a mock starts without them.
func (a *admin) build() {
	a.built.Do(func() {
		a.routes, a.mux = adminRoutes(), http.NewServeMux()
		for i := range a.routes {
			route := &a.routes[i]
			a.mux.HandleFunc(route.method+" "+route.path, func(w http.ResponseWriter, r *http.Request) {
				a.serve(route, w, r)
			})
		}
	})
}

// AdminHandler returns the admin API: everything that the Go API can do, over
// HTTP, for tests in other languages, the command line and a console. GET
// /openapi.json describes it; AdminOpenAPI returns the same document.
//
// Each request needs "Authorization: Bearer <AdminToken>", except GET
// /healthz, /readyz and /version; each needs a loopback Host (or one of
// AdminConfig.Hosts) and must not come from a web page of another origin.
// Writes are JSON. Errors are problem details (RFC 9457).
func (s *Server) AdminHandler() http.Handler {
	s.admin.prepare()
	return s.admin
}

// AdminToken returns the bearer token of the admin API.
func (s *Server) AdminToken() Secret {
	s.admin.prepare()
	return s.admin.token
}

// AdminURL returns the origin of the admin API. The first call opens its
// listener, on a random loopback port. It returns "" after Close and when no
// port is free; in a test it fails the test instead. ListenAdmin is the same
// with an address and an error.
func (s *Server) AdminURL() string {
	url, err := s.ListenAdmin("")
	if err != nil {
		s.fatal(err)
		return ""
	}
	return url
}

// ListenAdmin opens the admin API's listener at addr ("" is a random loopback
// port) unless it is open already, and returns its origin. It is plain http,
// also under WithTLS.
func (s *Server) ListenAdmin(addr string) (string, error) {
	s.admin.prepare()
	s.admin.mu.Lock()
	defer s.admin.mu.Unlock()
	if s.admin.url != "" {
		return s.admin.url, nil
	}
	l, err := listen(addr)
	if err != nil {
		return "", fmt.Errorf("mockserver: listen for the admin API: %w", err)
	}
	srv := s.start(l, s.admin, false, s.admin.limits())
	if srv == nil {
		return "", fmt.Errorf("mockserver: listen for the admin API: %w", net.ErrClosed)
	}
	s.admin.local = originOf("http", l)
	if s.admin.url = s.admin.local; s.opts.public.set() {
		s.admin.url = s.opts.public.of("admin", portOf(l))
	}
	return s.admin.url, nil
}

// LocalAdminURL returns the origin at which this machine reaches the admin API, which
// differs from AdminURL under WithPublicURL; "" if its listener is not open.
func (s *Server) LocalAdminURL() string {
	s.admin.mu.Lock()
	defer s.admin.mu.Unlock()
	return s.admin.local
}
