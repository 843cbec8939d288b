package mockserver

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// running counts the connections that the server accepted and the requests on
// them, so that Close returns when their goroutines have ended.
type running struct {
	n       atomic.Int64
	waiting atomic.Pointer[chan struct{}]
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
func (run *running) connState(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		run.enter()
	case http.StateClosed, http.StateHijacked:
		run.leave()
	default:
	}
}
