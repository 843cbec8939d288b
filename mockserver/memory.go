package mockserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// Transport returns an in-memory transport to the server: no sockets, no DNS, no
// TLS handshake. It works inside a testing/synctest bubble if the server was made
// there too. Requests to the vendors' real hosts and to <vendor>.localhost, http
// or https, reach the mock; others get 421.
//
// Each call returns a transport with its own connections; Close ends them.
func (s *Server) Transport() http.RoundTripper {
	m := &memory{srv: s}
	m.transport = &http.Transport{
		DialContext:         m.dial,
		DialTLSContext:      m.dial, // https in memory: the pipe is private
		MaxIdleConnsPerHost: 256,
	}
	s.onClose(m.transport.CloseIdleConnections)
	return m.transport
}

// memory is one in-memory listener, started at the first dial.
type memory struct {
	srv       *Server
	transport *http.Transport
	once      sync.Once
	listener  *memListener
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	m.once.Do(func() {
		m.listener = &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
		m.srv.start(m.listener, m.srv, false)
	})
	client, server := memPipe()
	select {
	case m.listener.conns <- server:
		return client, nil
	case <-m.listener.done:
		return nil, &net.OpError{Op: "dial", Net: "mem", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// memListener hands dialled pipes to http.Server.
type memListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memListener) Addr() net.Addr { return memAddr{} }

type memAddr struct{}

func (memAddr) Network() string { return "mem" }
func (memAddr) String() string  { return "mem" }

// memConn is one end of a pipe that can be reset: the other end then reads
// ECONNRESET, as from a socket, instead of EOF.
type memConn struct {
	net.Conn
	broken *atomic.Bool // shared by both ends
}

func memPipe() (client, server *memConn) {
	a, b := net.Pipe()
	broken := new(atomic.Bool)
	return &memConn{a, broken}, &memConn{b, broken}
}

func (c *memConn) reset() { c.broken.Store(true) }

func (c *memConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.explain("read", err)
}

func (c *memConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.explain("write", err)
}

func (c *memConn) explain(op string, err error) error {
	if err != nil && c.broken.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) {
		return &net.OpError{Op: op, Net: "mem", Addr: memAddr{}, Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}
