// Package servers provides the servers that the workloads call. All run on loopback and count
// requests, so that no figure depends on the reports of a client.
package servers

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Body is the body of every successful response.
const Body = `{"id":"1","name":"a thing"}`

// Server is a running HTTP server that counts the connections opened to it.
type Server struct {
	URL    string
	listen net.Listener
	http   *http.Server
	conns  atomic.Int64
}

// Start serves h on a loopback port until Close.
func Start(ctx context.Context, h http.Handler) (*Server, error) {
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + listen.Addr().String(), listen: listen}
	s.http = &http.Server{
		Handler: h, ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.conns.Add(1)
			}
		},
	}
	go func() { _ = s.http.Serve(listen) }()
	return s, nil
}

// Addr returns the host and port on which the server listens.
func (s *Server) Addr() string { return s.listen.Addr().String() }

// Connections returns the number of connections opened so far.
func (s *Server) Connections() int { return int(s.conns.Load()) }

// Close stops the server and aborts requests in flight.
func (s *Server) Close() { _ = s.http.Close() }

// OK responds with Body.
func OK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, Body)
}

// Drop reads the whole request and closes the connection without a response.
func Drop(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
