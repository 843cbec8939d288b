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

func (c *running) enter() { c.n.Add(1) }

func (c *running) leave() {
	if c.n.Add(-1) > 0 {
		return
	}
	if ch := c.waiting.Load(); ch != nil {
		select {
		case *ch <- struct{}{}:
		default: // it holds a wake-up already
		}
	}
}

// wait returns when nothing runs, at the latest after patience: the mock itself
// ends with the server, but a logger or testing.TB can block for longer.
func (c *running) wait(patience time.Duration) {
	ch := make(chan struct{}, 1)
	c.waiting.Store(&ch)
	tooLate := make(chan struct{})
	defer clock.AfterMachineTime(patience, func() { close(tooLate) })()
	for c.n.Load() > 0 {
		select {
		case <-ch:
		case <-tooLate:
			return
		}
	}
}

// handler counts the requests of h.
func (c *running) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.enter()
		defer c.leave()
		h.ServeHTTP(w, r)
	})
}

// connState counts connections. A hijacked one ends with its handler.
func (c *running) connState(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		c.enter()
	case http.StateClosed, http.StateHijacked:
		c.leave()
	default:
	}
}
