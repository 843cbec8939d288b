package mockserver

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// running counts the connections that the server accepted and the requests on
// them, so that Close returns when their goroutines have ended.
type running struct {
	n       atomic.Int64
	waiting atomic.Pointer[chan struct{}]
	silent  sync.Map     // connections that have sent nothing yet
	silence atomic.Int64 // how many they are: mostly none, and then no request looks for its own
}

func (run *running) enter() { run.n.Add(1) }

func (run *running) leave() {
	if run.n.Add(-1) > 0 {
		return
	}
	if ch := run.waiting.Load(); ch != nil {
		select {
		case *ch <- struct{}{}:
		default: // it holds a wake-up already
		}
	}
}

// wait returns when nothing runs, at the latest after patience: the mock itself
// ends with the server, but a logger or testing.TB can block for longer.
func (run *running) wait(patience time.Duration) {
	ch := make(chan struct{}, 1)
	run.waiting.Store(&ch)
	tooLate := make(chan struct{})
	defer clock.AfterMachineTime(patience, func() { close(tooLate) })()
	for run.n.Load() > 0 {
		select {
		case <-ch:
		case <-tooLate:
			return
		}
	}
}

// handler counts the requests of h.
func (run *running) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		run.enter()
		defer run.leave()
		h.ServeHTTP(w, r)
	})
}

// connState counts connections. A hijacked one ends with its handler.
func (run *running) connState(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		run.enter()
		run.silence.Add(1)
		run.silent.Store(c, nil)
	case http.StateClosed, http.StateHijacked:
		run.speaks(c)
		run.leave()
	case http.StateActive:
		run.speaks(c)
	default:
	}
}

// speaks notes that a connection has sent something, or has ended.
func (run *running) speaks(c net.Conn) {
	if run.silence.Load() == 0 {
		return
	}
	if _, was := run.silent.LoadAndDelete(c); was {
		run.silence.Add(-1)
	}
}

// hangUp closes the connections that have sent nothing: browsers and pools open them
// before they need them, and http.Server.Shutdown waits five seconds for their first
// request.
func (run *running) hangUp() {
	run.silent.Range(func(c, _ any) bool {
		_ = c.(net.Conn).Close() //nolint:errcheck // silent holds nothing else; there is nothing to lose
		return true
	})
}
