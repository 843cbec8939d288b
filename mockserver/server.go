package mockserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/statefile"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Server plays the five vendors, and the APIs of WithAPI. It is an http.Handler: ServeHTTP finds the vendor
// by Host. BaseURL opens one loopback listener per vendor, at its first use;
// Transport serves the same without sockets.
//
// The embedded Namespace is the default one: srv.Keys(), srv.Clock(), srv.Inject
// and so on are its methods. All methods are safe for concurrent use.
type Server struct {
	*Namespace

	opts    options
	vendors []*vendor
	vault   vault
	random  *random
	pool    sync.Pool
	ca      *authority // nil without WithTLS
	done    chan struct{}
	alarm   func(string)
	conns   atomic.Uint64   // connections accepted so far
	file    *statefile.File // nil without WithStateFile
	unsaved unsaved         // what the file does not have yet
	stubs   stubs           // of Handle and AddRoute
	admin   *admin

	draining chan struct{} // closed when Shutdown or Close begins
	drain    func()

	mu         sync.Mutex
	tb         testing.TB // nil outside a test
	servers    []*http.Server
	closers    []func()
	serving    sync.WaitGroup
	running    running
	isClosed   bool
	namespaces map[string]*Namespace
}

// New starts a server for a test and closes it with the test. If the test failed,
// it logs the last journalled requests. Nothing listens until BaseURL is called,
// so New also works inside a testing/synctest bubble.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := NewHandler(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	var mu sync.Mutex
	over, reported := false, make(map[string]bool)
	s.tb = tb
	s.alarm = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if !over && !reported[text] { // a late request must not log into a test that ended
			reported[text] = true
			tb.Log(text)
		}
	}
	tb.Cleanup(func() {
		mu.Lock()
		over = true
		mu.Unlock()
		_ = s.Close()
		if tb.Failed() {
			tb.Log("mockserver: requests of this test:\n" + s.dump(50))
		}
	})
	return s
}

// Start is New for programs: the server closes when ctx ends, or with Close.
func Start(ctx context.Context, opts ...Option) (*Server, error) {
	s, err := NewHandler(opts...)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	s.onClose(func() { stop() })
	return s, nil
}

// NewHandler makes a server without listeners. It fails if WithTLS cannot make a
// certificate or WithStateFile cannot read or write its file.
func NewHandler(opts ...Option) (*Server, error) {
	s := &Server{
		opts: newOptions(opts), done: make(chan struct{}), alarm: func(string) {},
		namespaces: make(map[string]*Namespace),
	}
	rows, err := table(s.opts.apis)
	if err == nil {
		err = s.opts.addChecks(rows)
	}
	if s.opts.err != nil {
		err = s.opts.err
	}
	if err != nil {
		return nil, fmt.Errorf("mockserver: %w", err)
	}
	s.vendors, s.stubs.of = rows, make([][]surface.Route, len(rows))
	s.vault.shapes = shapesOf(s.vendors)
	s.random = newRandom(s.opts.seed, s.opts.seeded)
	s.pool.New = func() any { return newExchange() }
	s.admin = newAdmin(s)
	s.draining = make(chan struct{})
	s.drain = sync.OnceFunc(func() { close(s.draining) })
	if s.unsaved.off = s.opts.statePath == ""; !s.unsaved.off {
		s.file = s.newStateFile()
	}
	s.Namespace = newNamespace(s, "")
	s.namespaces[""] = s.Namespace
	if s.opts.tls {
		ca, err := newAuthority(s.Clock().Now(), s.opts.public.hosts(s.vendors)...)
		if err != nil {
			return nil, err
		}
		s.ca = ca
	}
	if err := s.file.Open(); err != nil {
		return nil, fmt.Errorf("mockserver: %w", err)
	}
	return s, nil
}

// patience is how long Close waits for goroutines that should end at once.
const patience = 5 * time.Second

// Close stops everything that the server started (listeners, connections,
// injected delays and stalls) and returns when their goroutines have ended, at
// the latest after five seconds. It does not wait for clients. Closing twice is
// harmless. The journal can still be read. It fails if the state file could not
// be written.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return nil
	}
	s.isClosed = true
	s.drain()
	close(s.done)
	servers, closers := s.servers, s.closers
	s.mu.Unlock()
	for _, f := range closers {
		f()
	}
	for _, srv := range servers {
		_ = srv.Close() // an accept error of a closing listener has no meaning
	}
	s.serving.Wait()
	s.running.wait(patience)
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("mockserver: close: %w", err)
	}
	return nil
}

func (s *Server) closed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// onClose runs f at Close, or at once if the server is closed.
func (s *Server) onClose(f func()) {
	s.mu.Lock()
	closed := s.isClosed
	if !closed {
		s.closers = append(s.closers, f)
	}
	s.mu.Unlock()
	if closed {
		f()
	}
}

// start serves l in a goroutine that Close waits for. If the server is closed, it
// closes l and returns nil.
func (s *Server) start(l net.Listener, h http.Handler, tls bool, limit limits) *http.Server {
	srv := s.httpServer(h, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		_ = l.Close()
		return nil
	}
	s.servers = append(s.servers, srv)
	s.serving.Go(func() {
		if tls {
			_ = srv.ServeTLS(l, "", "") // always ends with ErrServerClosed
			return
		}
		_ = srv.Serve(l)
	})
	return srv
}

// ServeHTTP plays the vendor of the request's host: a real host of the vendor,
// "<vendor>.localhost" or "<namespace>.<vendor>.localhost". Any other host gets
// 421.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if live(w, r) {
		return
	}
	if v := vendorForHost(s.vendors, r.Host); v != nil {
		s.serve(v, s.Namespace, w, r)
		return
	}
	if v, name := namespaceHost(s.vendors, r.Host); v != nil {
		s.serveNamed(v, name, w, r)
		return
	}
	s.stray(w, r, "the host is no vendor's; use a vendor's host, <vendor>.localhost, BaseURL or Handler")
}

// live answers GET /_mock/health, a path that no vendor has, for the health check
// of a container. It is not journalled.
func live(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/_mock/health" {
		return false
	}
	surface.Raw(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
	return true
}

// serveNamed serves a request whose host names a namespace. One that does not
// exist is refused: a misspelt name must not reach another namespace.
func (s *Server) serveNamed(v *vendor, name string, w http.ResponseWriter, r *http.Request) {
	home := s.existing(name)
	if home == nil {
		s.stray(w, r, "the host names a namespace that does not exist; make it first, with InNamespace or POST /v1/namespaces")
		return
	}
	s.serve(v, home, w, r)
}

func (s *Server) stray(w http.ResponseWriter, r *http.Request, why string) {
	d := Diagnosis{Outcome: NotFound, Why: why}
	w.Header().Set("X-Mock-Diagnosis", d.String())
	s.recordStray(r, d, http.StatusMisdirectedRequest)
	surface.Raw(w, http.StatusMisdirectedRequest, "text/plain; charset=utf-8", []byte("mockserver: "+why+"\n"))
}

// Handler plays one vendor on any host. "<namespace>.<vendor>.localhost" selects
// the namespace of a request without a known key. It panics on an unknown p.
func (s *Server) Handler(p Provider) http.Handler { return s.handler(p, s.Namespace) }

func (s *Server) handler(p Provider, home *Namespace) http.Handler {
	v := s.vendor(p)
	if v == nil {
		panic("mockserver: no provider " + string(p))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if live(w, r) {
			return
		}
		if named, name := namespaceHost(s.vendors, r.Host); named == v {
			s.serveNamed(v, name, w, r)
			return
		}
		s.serve(v, home, w, r)
	})
}

// Providers lists what the server plays: the five providers, and the APIs of WithAPI in
// their order.
func (s *Server) Providers() []Provider {
	out := make([]Provider, len(s.vendors))
	for i, v := range s.vendors {
		out[i] = v.provider
	}
	return out
}

// providerNames is Providers in words.
func (s *Server) providerNames() string { return joinProviders(s.Providers()) }

func joinProviders(played []Provider) string {
	names := make([]string, len(played))
	for i, p := range played {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

func (s *Server) vendor(p Provider) *vendor {
	for _, v := range s.vendors {
		if v.provider == p {
			return v
		}
	}
	return nil
}

// verify is Keys.Verify.
func (s *Server) verify(p Provider, home *Namespace, r *http.Request) Diagnosis {
	v := s.vendor(p)
	if v == nil {
		return Diagnosis{Outcome: NotFound, Why: "no such provider"}
	}
	d, _, _ := s.examine(v, home, r)
	return d
}

// examine judges a request as serve would, without recording it. It also returns
// the half of a pair that the refusal is about, and the namespace that decided.
func (s *Server) examine(v *vendor, home *Namespace, r *http.Request) (Diagnosis, credKind, *Namespace) {
	id := s.identify(v, r)
	n := id.namespace(v, home)
	n.playing.catchUp(n.clock)
	d := id.authenticate(v, n.clock.Now())
	routes := n.router(v)
	folded, _ := routes.folded(r)
	route := routes.router().find(folded)
	if route != nil && route.Need.First && id.forgo(v) {
		d = id.authenticate(v, n.clock.Now())
	}
	switch {
	case route != nil && route.Need.Open:
		d = Diagnosis{Outcome: OK, KeyID: d.KeyID}
	case d.Outcome != OK:
	case route == nil:
		d = Diagnosis{Outcome: NotFound, KeyID: d.KeyID, Why: v.notFound(routes, r)}
	default:
		caller := id.key.caller()
		if d = permit(v, &route.Need, &caller); d.Outcome == OK {
			d = n.peek(id.key, route.Need.Group, d)
		}
	}
	return d, id.blame, n
}

// peek adds the decision of the key's limit.
func (n *Namespace) peek(key *record, group string, d Diagnosis) Diagnosis {
	if limit, window := n.windowOf(key, group); !limit.none() {
		if q := window.take(*limit, n.clock.Now, true); q.retryAfter > 0 {
			d.Outcome, d.RetryAfter, d.Why = RateLimited, q.retryAfter, "the key's window is full"
		}
	}
	return d
}
