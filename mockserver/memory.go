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

func (mem *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mem.once.Do(func() {
		mem.listener = &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
		mem.srv.start(mem.listener, mem.srv, false, limits{Timeouts: noTimeouts()})
	})
	client, server := memPipe()
	select {
	case mem.listener.conns <- server:
		return client, nil
	case <-mem.listener.done:
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

func (ml *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-ml.conns:
		return c, nil
	case <-ml.done:
		return nil, net.ErrClosed
	}
}

func (ml *memListener) Close() error {
	ml.once.Do(func() { close(ml.done) })
	return nil
}

func (ml *memListener) Addr() net.Addr { return memAddr{} }

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

func (mc *memConn) reset() { mc.broken.Store(true) }

func (mc *memConn) Read(p []byte) (int, error) {
	n, err := mc.Conn.Read(p)
	return n, mc.explain("read", err)
}

func (mc *memConn) Write(p []byte) (int, error) {
	n, err := mc.Conn.Write(p)
	return n, mc.explain("write", err)
}

func (mc *memConn) explain(op string, err error) error {
	if err != nil && mc.broken.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) {
		return &net.OpError{Op: op, Net: "mem", Addr: memAddr{}, Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}
