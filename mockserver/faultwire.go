package mockserver

import (
	"bytes"
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// injectEarly applies the faults that come before the work and returns those
// that distort the answer. ended is true when the request is over.
func (x *exchange) injectEarly(all []fault.Fault) (late []fault.Fault, ended bool) {
	for _, f := range all {
		if x.fault != "" {
			x.fault += ", "
		}
		x.fault += f.String()
		switch f.Kind {
		case fault.Latency, fault.Jitter:
			x.arrive()
			if !x.Sleep(f.Delay) {
				x.blame()
				x.Abort()
			}
			x.diag = x.again()
		case fault.ResetBefore:
			x.blame()
			x.reset()
			return nil, true
		case fault.ResetRead:
			x.readBody()
			x.blame()
			x.reset()
			return nil, true
		case fault.HangHeaders:
			x.readBody()
			x.blame()
			x.Hang()
		case fault.Status, fault.Throttle, fault.Redirect, fault.Body, fault.Echo:
			x.readBody()
			x.blame()
			x.answerInstead(f)
			return nil, true
		default:
			late = append(late, f)
		}
	}
	return late, false
}

// blame marks the exchange as faulted.
func (x *exchange) blame() {
	x.diag = Diagnosis{Outcome: Faulted, KeyID: x.diag.KeyID, Why: "injected fault: " + x.fault}
}

// again judges the credential after a delay: it may have ended meanwhile. A
// route's refusal stands.
func (x *exchange) again() Diagnosis {
	if x.diag.Outcome != OK || x.id.key == nil {
		return x.diag
	}
	return authenticate(x.v, &x.creds, x.id, x.ns.clock.Now())
}

// answerInstead answers for the route.
func (x *exchange) answerInstead(f fault.Fault) {
	switch f.Kind {
	case fault.Throttle:
		x.diag.RetryAfter = f.Delay
		x.refuse(RateLimited, quota{retryAfter: f.Delay})
	case fault.Echo:
		x.Header().Set("X-Echo", x.creds.value)
		surface.JSON(x, http.StatusBadRequest, map[string]string{"error": "ECHO", "message": "you sent " + x.creds.value + " " + x.creds.token})
	default:
		fault.Answer(x, f)
	}
}

// answerFaulted lets the route do its work into a buffer, then sends the
// answer as the faults say.
func (x *exchange) answerFaulted(route *surface.Route, late []fault.Fault) {
	buf := &buffer{header: make(http.Header), status: http.StatusOK}
	x.capture = buf
	route.Handle(x, &x.call)
	x.capture = nil
	x.blame()
	maps.Copy(x.Header(), buf.header)
	if slices.ContainsFunc(late, func(f fault.Fault) bool { return f.Kind == fault.ResetAfter }) {
		x.reset()
		return
	}
	fault.Distort(x, buf.status, buf.body.Bytes(), late)
}

// Flush implements fault.Wire.
func (x *exchange) Flush() {
	_ = http.NewResponseController(x.ResponseWriter).Flush() // no flusher: a test's recorder keeps it anyway
}

// Sleep implements fault.Wire.
func (x *exchange) Sleep(d time.Duration) bool {
	return x.ns.clock.Sleep(x.r.Context(), x.srv.done, d)
}

// Closed implements fault.Wire.
func (x *exchange) Closed() bool { return x.srv.closed() }

// Hang implements fault.Wire: it waits until the client or the server gives up.
func (x *exchange) Hang() {
	x.commit(0)
	select {
	case <-x.r.Context().Done():
	case <-x.srv.done:
	}
	x.Abort()
}

// Abort implements fault.Wire: it ends the connection (HTTP/2: the stream).
func (x *exchange) Abort() {
	x.commit(0)
	panic(http.ErrAbortHandler)
}

// reset sends a real RST where there is a TCP connection to send it on.
func (x *exchange) reset() {
	x.commit(0)
	conn, _, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil { // HTTP/2, or a recorder
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // closing it spares the TLS goodbye
	}
	switch c := conn.(type) {
	case *net.TCPConn:
		_ = c.SetLinger(0) // close then sends RST
	case *memConn:
		c.reset()
	}
	_ = conn.Close()
}

// buffer collects a route's answer.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}
