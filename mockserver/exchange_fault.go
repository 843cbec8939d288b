package mockserver

import (
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// injectEarly applies the faults that come before the work, in order, and
// returns those that distort the answer. ended is true when a fault has
// answered or reset the connection.
func (x *exchange) injectEarly(all []fault.Fault) (late []fault.Fault, ended bool) {
	w := faultWire{x}
	for _, f := range all {
		x.judgement.addFault(f.String())
		switch f.Kind {
		case fault.Latency, fault.Jitter:
			until := x.ns.clock.Steady() + f.Delay // before others see the request, and move the clock
			x.arrive()
			if x.ns.clock.Frozen() {
				x.srv.alarm("mockserver: a request waits for an injected " + f.String() + ", and the clock is frozen: Advance or Run it")
			}
			if !x.ns.clock.SleepUntil(x.req.Context(), x.srv.done, until) {
				x.judgement.blameFault()
				w.Abort()
			}
			x.judgeAgain()
		case fault.ResetBefore:
			x.judgement.blameFault()
			w.reset()
			return nil, true
		case fault.ResetRead:
			x.readBody()
			x.judgement.blameFault()
			w.reset()
			return nil, true
		case fault.HangHeaders:
			x.readBody()
			x.judgement.blameFault()
			w.Hang()
		case fault.Status, fault.Throttle, fault.Redirect, fault.Body, fault.Echo:
			x.readBody()
			x.judgement.blameFault()
			x.answerInstead(f)
			return nil, true
		default:
			late = append(late, f)
		}
	}
	return late, false
}

// answerInstead lets a fault answer instead of the operation.
func (x *exchange) answerInstead(f fault.Fault) {
	switch f.Kind {
	case fault.Throttle:
		x.judgement.Outcome = RateLimited // what the client sees; the fault stands beside it
		x.judgement.RetryAfter = f.Delay
		x.refuseAs(RateLimited, quota{retryAfter: f.Delay})
	case fault.Echo:
		key, token := x.id.value, x.id.credentials.token
		x.Header().Set("X-Echo", key)
		surface.JSON(x, http.StatusBadRequest, map[string]string{"error": "ECHO", "message": "you sent " + key + " " + token})
	default:
		fault.Answer(faultWire{x}, f)
	}
}

// answerSaved lets the operation do its work into a buffer, and answers once it is saved.
func (x *exchange) answerSaved(route *surface.Route) {
	buf := x.captured(route)
	if err := x.srv.file.Flush(); err != nil {
		x.judgement.Why = "the mock could not save what the request changed"
		surface.Raw(x, http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("mockserver: the state was not saved\n"))
		return
	}
	maps.Copy(x.Header(), buf.header)
	x.WriteHeader(buf.status)
	_, _ = x.Write(buf.body.Bytes()) // an error means that the client has disconnected
}

// captured lets the operation do its work into a buffer.
func (x *exchange) captured(route *surface.Route) *buffer {
	buf := &buffer{header: make(http.Header), status: http.StatusOK}
	x.answer.capture = buf
	x.handle(route)
	x.answer.capture = nil
	return buf
}

// answerFaulted lets the operation do its work into a buffer, then sends the
// answer as the faults say.
func (x *exchange) answerFaulted(route *surface.Route, late []fault.Fault) {
	buf := x.captured(route)
	x.judgement.blameFault()
	maps.Copy(x.Header(), buf.header)
	x.answer.late, x.answer.whole = true, buf.body.Bytes()
	defer func() { x.replyLate(x.answer.sent) }() // most of these end with a panic
	if slices.ContainsFunc(late, func(f fault.Fault) bool { return f.Kind == fault.ResetAfter }) {
		faultWire{x}.reset()
		return
	}
	fault.Distort(faultWire{x}, buf.status, buf.body.Bytes(), late)
}

// faultWire is fault.Wire over the connection of an exchange.
type faultWire struct{ *exchange }

// Flush implements fault.Wire.
func (w faultWire) Flush() {
	w.begin(nil)
	_ = http.NewResponseController(w.answer.w).Flush() // no flusher: a test's recorder keeps it anyway
}

// Sleep implements fault.Wire.
func (w faultWire) Sleep(d time.Duration) bool {
	return w.ns.clock.Sleep(w.req.Context(), w.srv.done, d)
}

// Closed implements fault.Wire.
func (w faultWire) Closed() bool { return w.srv.closed() }

// Hang implements fault.Wire: it waits until the client or the server gives up.
func (w faultWire) Hang() {
	w.decide(0)
	select {
	case <-w.req.Context().Done():
	case <-w.srv.done:
	}
	w.Abort()
}

// Abort implements fault.Wire: it ends the connection (HTTP/2: the stream).
func (w faultWire) Abort() {
	w.decide(0)
	panic(http.ErrAbortHandler)
}

// reset sends a TCP RST where there is a TCP connection, and else ends the
// connection as Abort does.
func (w faultWire) reset() {
	w.decide(0)
	conn, _, err := http.NewResponseController(w.answer.w).Hijack()
	if err != nil { // HTTP/2, or a recorder
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // closing it sends no TLS close_notify
	}
	switch c := conn.(type) {
	case *net.TCPConn:
		_ = c.SetLinger(0) // close then sends RST
	case *memConn:
		c.reset()
	}
	_ = conn.Close()
}
