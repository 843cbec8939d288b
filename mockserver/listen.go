package mockserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// BaseURL returns the origin at which the vendor is played, such as
// "http://127.0.0.1:41234", with https under WithTLS. The first call for a
// vendor opens its listener. It returns "" for an unknown vendor, after Close,
// and if no loopback port is free; in a test it fails the test instead. Listen
// is the same with an address and an error.
func (n *Namespace) BaseURL(p Provider) string {
	url, err := n.Listen(p, "")
	if err != nil {
		n.srv.fatal(err)
		return ""
	}
	return url
}

// Listen opens the vendor's listener at addr ("" is a random loopback port)
// unless it is open, and returns its origin. Requests on it without a known key
// belong to this namespace.
func (n *Namespace) Listen(p Provider, addr string) (string, error) {
	if n.srv.vendor(p) == nil {
		return "", fmt.Errorf("mockserver: listen for %q: %w", p, ErrNoSuchVendor)
	}
	n.origins.mu.Lock()
	defer n.origins.mu.Unlock()
	if url, ok := n.origins.urls[p]; ok {
		return url, nil
	}
	l, err := listen(addr)
	if err != nil {
		return "", fmt.Errorf("mockserver: listen for %s: %w", p, err)
	}
	srv := n.srv.start(l, n.srv.handler(p, n), n.srv.ca != nil, limits{Timeouts: n.srv.opts.timeouts})
	if srv == nil {
		return "", fmt.Errorf("mockserver: listen for %s: %w", p, net.ErrClosed)
	}
	if n.origins.urls == nil {
		n.origins.urls = make(map[Provider]string)
	}
	n.origins.urls[p] = n.srv.announced(string(p), l)
	n.origins.servers = append(n.origins.servers, srv)
	return n.origins.urls[p], nil
}

// urls lists the origins of the open listeners.
func (n *Namespace) urls() map[Provider]string {
	n.origins.mu.Lock()
	defer n.origins.mu.Unlock()
	out := make(map[Provider]string, len(n.origins.urls))
	maps.Copy(out, n.origins.urls)
	return out
}

// origins are the open listeners of one namespace.
type origins struct {
	mu      sync.Mutex
	urls    map[Provider]string
	servers []*http.Server
}

func (og *origins) close(s *Server) {
	og.mu.Lock()
	servers := og.servers
	og.urls, og.servers = nil, nil
	og.mu.Unlock()
	s.mu.Lock()
	s.servers = slices.DeleteFunc(s.servers, func(x *http.Server) bool { return slices.Contains(servers, x) })
	s.mu.Unlock()
	for _, srv := range servers {
		_ = srv.Close() // an accept error of a closing listener has no meaning
	}
}

// fatal ends the test, if the server belongs to one.
func (s *Server) fatal(err error) {
	s.mu.Lock()
	tb := s.tb
	s.mu.Unlock()
	if tb != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}

func listen(addr string) (net.Listener, error) {
	if inBubble() {
		return nil, errInBubble
	}
	var c net.ListenConfig
	ctx := context.Background() // for names only; addresses need none
	if addr != "" {
		return c.Listen(ctx, "tcp", addr)
	}
	l, err := c.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil { // a machine with IPv6 only
		return c.Listen(ctx, "tcp6", "[::1]:0")
	}
	return l, nil
}

// connection is what the mock keeps about one connection.
type connection struct {
	number uint64 // from 1
	used   atomic.Bool
}

// fresh reports, once, that this is the first request on the connection. It is
// false for a connection that another server accepted.
func (conn *connection) fresh() bool {
	return conn != nil && !conn.used.Load() && !conn.used.Swap(true)
}

// id returns the number of the connection, or 0.
func (conn *connection) id() uint64 {
	if conn == nil {
		return 0
	}
	return conn.number
}

type connKey struct{}

// connectionOf returns the connection of r, or nil when another server
// accepted it.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connKey{}).(*connection)
	return c
}

// httpServer makes every http.Server of the mock. There is no timeout for writing: an injected
// fault may answer as slowly as it likes.
func (s *Server) httpServer(h http.Handler, l limits) *http.Server {
	t := l.withDefaults()
	srv := &http.Server{
		Handler:           s.running.handler(timely(h, t.Body)),
		ReadHeaderTimeout: t.Header,
		IdleTimeout:       t.Idle,
		MaxHeaderBytes:    l.maxHeader,
		// "OPTIONS *" is a request like any other: judged, answered in the vendor's shape, journalled.
		DisableGeneralOptionsHandler: true,
		ConnState:                    s.running.connState,
		ErrorLog:                     log.New(io.Discard, "", 0), // aborted handlers and resets are intended
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, &connection{number: s.conns.Add(1)})
		},
	}
	if s.ca != nil {
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{s.ca.leaf}, MinVersion: tls.VersionTLS12}
		if s.opts.http1 {
			srv.Protocols = new(http.Protocols)
			srv.Protocols.SetHTTP1(true)
		}
	}
	return srv
}
