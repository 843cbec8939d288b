// Package servers has the servers that the workloads call: all on loopback, all counting
// what reaches them, so that no figure rests on what a client says of itself.
package servers

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Body is what every server answers with when it does not refuse.
const Body = `{"id":"1","name":"a thing"}`

// Server is a running HTTP server that counts the connections opened to it.
type Server struct {
	URL    string
	listen net.Listener
	http   *http.Server
	conns  atomic.Int64
}

// Start serves h on a port of loopback until Close.
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

// Addr is the host and port that the server listens on.
func (s *Server) Addr() string { return s.listen.Addr().String() }

// Connections is how many connections were opened so far.
func (s *Server) Connections() int { return int(s.conns.Load()) }

// Close stops the server and cuts what is under way.
func (s *Server) Close() { _ = s.http.Close() }

// OK answers with Body.
func OK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, Body)
}

// Drop reads the request to its end and closes the connection without an answer.
func Drop(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
