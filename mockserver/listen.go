package mockserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
)

// BaseURL returns the origin at which the vendor is played, such as
// "http://127.0.0.1:41234", with https under WithTLS. The first call for a
// vendor opens its listener. It returns "" for an unknown vendor, after Close,
// and if no loopback port is free; in a test it fails the test instead. Listen
// is the same with an error.
func (s *Server) BaseURL(p Provider) string {
	url, err := s.Listen(p, "")
	if err != nil {
		s.fatal(err)
		return ""
	}
	return url
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

// origin returns the origin of a listener.
func (s *Server) origin(l net.Listener) string {
	if s.ca != nil {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// Listen opens the vendor's listener at addr ("" is a random loopback port)
// unless it is open already, and returns its origin.
func (s *Server) Listen(p Provider, addr string) (string, error) {
	s.mu.Lock()
	url, ok := s.listeners[p]
	s.mu.Unlock()
	if ok {
		return url, nil
	}
	if s.vendor(p) == nil {
		return "", fmt.Errorf("mockserver: listen for %q: %w", p, ErrNoSuchVendor)
	}
	l, err := listen(addr)
	if err != nil {
		return "", fmt.Errorf("mockserver: listen for %s: %w", p, err)
	}
	url = s.origin(l)
	s.mu.Lock()
	if won, ok := s.listeners[p]; ok { // another caller was faster
		s.mu.Unlock()
		_ = l.Close()
		return won, nil
	}
	s.listeners[p] = url
	s.mu.Unlock()
	if s.start(l, s.Handler(p), s.ca != nil) == nil {
		return "", fmt.Errorf("mockserver: listen for %s: %w", p, net.ErrClosed)
	}
	return url, nil
}

func listen(addr string) (net.Listener, error) {
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
func (c *connection) fresh() bool { return c != nil && !c.used.Load() && !c.used.Swap(true) }

// id returns the number of the connection, or 0.
func (c *connection) id() uint64 {
	if c == nil {
		return 0
	}
	return c.number
}

type connKey struct{}

// connectionOf returns the connection of r, or nil when another server
// accepted it.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connKey{}).(*connection)
	return c
}

// httpServer makes every http.Server of the mock.
func (s *Server) httpServer(h http.Handler) *http.Server {
	srv := &http.Server{ //nolint:gosec // no timeouts: a test may have slow clients
		Handler:   s.running.handler(h),
		ConnState: s.running.connState,
		ErrorLog:  log.New(io.Discard, "", 0), // aborted handlers and resets are intended
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
