package mockserver

import (
	"bytes"
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// injectEarly applies the faults that come before the work and returns those
// that distort the answer. ended is true when the request is over.
func (x *exchange) injectEarly(all []Fault) (late []Fault, ended bool) {
	for _, f := range all {
		if x.fault != "" {
			x.fault += ", "
		}
		x.fault += f.String()
		switch f.Kind {
		case FaultLatency, FaultJitter:
			x.arrive()
			if !x.ns.clock.Sleep(x.r.Context(), x.srv.done, f.Delay) {
				x.blame()
				x.abort()
			}
			x.diag = x.again()
		case FaultResetBefore:
			x.blame()
			x.reset()
			return nil, true
		case FaultResetRead:
			x.readBody()
			x.blame()
			x.reset()
			return nil, true
		case FaultHangHeaders:
			x.readBody()
			x.blame()
			x.hang()
		case FaultStatus, FaultThrottle, FaultRedirect, FaultBody, FaultEcho:
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
func (x *exchange) answerInstead(f Fault) {
	switch f.Kind {
	case FaultThrottle:
		x.diag.RetryAfter = f.Delay
		x.refuse(RateLimited, quota{retryAfter: f.Delay})
	case FaultStatus:
		contentType := "text/plain; charset=utf-8"
		if strings.HasPrefix(f.Body, "{") || strings.HasPrefix(f.Body, "[") {
			contentType = "application/json; charset=utf-8"
		}
		surface.Raw(x, f.Status, contentType, []byte(f.Body))
	case FaultRedirect:
		x.Header().Set("Location", f.Location)
		x.WriteHeader(f.Status)
	case FaultEcho:
		x.Header().Set("X-Echo", x.creds.value)
		surface.JSON(x, http.StatusBadRequest, map[string]string{"error": "ECHO", "message": "you sent " + x.creds.value + " " + x.creds.token})
	case FaultBody:
		x.pour(f.Bytes)
	default: // the others come before the work or distort the answer
	}
}

// pour writes n bytes, or until the client is gone.
func (x *exchange) pour(n int64) {
	x.Header().Set("Content-Type", "application/json")
	if n >= 0 {
		x.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	}
	x.WriteHeader(http.StatusOK)
	chunk := append([]byte{'"'}, bytes.Repeat([]byte("lorem fitsum "), 1024)...)
	for sent := int64(0); n < 0 || sent < n; {
		b := chunk
		if n >= 0 {
			b = b[:min(int64(len(b)), n-sent)]
		}
		m, err := x.Write(b)
		if err != nil || x.srv.closed() {
			x.abort()
		}
		sent += int64(m)
	}
}

// answerFaulted lets the route do its work into a buffer, then sends the
// answer as the faults say.
func (x *exchange) answerFaulted(route *surface.Route, late []Fault) {
	buf := &buffer{header: make(http.Header), status: http.StatusOK}
	x.capture = buf
	route.Handle(x, &x.call)
	x.capture = nil
	x.blame()
	maps.Copy(x.Header(), buf.header)
	for _, f := range late {
		if f.Kind == FaultResetAfter {
			x.reset()
			return
		}
	}
	x.send(buf.status, buf.body.Bytes(), late)
}

func (x *exchange) send(status int, body []byte, late []Fault) {
	for _, f := range late {
		if f.Kind == FaultMalformed {
			body = body[:len(body)/2]
		}
	}
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	for _, f := range late {
		switch f.Kind {
		case FaultTruncate:
			x.flush(body[:max(0, min(int(f.Bytes), len(body)-1))])
			x.abort()
		case FaultStall:
			x.flush(body[:len(body)/2])
			x.hang()
		case FaultSlowBody:
			for len(body) > 0 {
				n := min(int(f.Bytes), len(body))
				x.flush(body[:n])
				body = body[n:]
				if !x.ns.clock.Sleep(x.r.Context(), x.srv.done, f.Delay) {
					x.abort()
				}
			}
			return
		default: // done already
		}
	}
	_, _ = x.Write(body)
}

// flush writes b and makes it leave: a truncation is only one if the client
// has seen the beginning.
func (x *exchange) flush(b []byte) {
	_, _ = x.Write(b)
	_ = http.NewResponseController(x.ResponseWriter).Flush() // no flusher: the test recorder keeps it anyway
}

// hang waits until the client or the server gives up, then ends the connection.
func (x *exchange) hang() {
	x.commit(0)
	select {
	case <-x.r.Context().Done():
	case <-x.srv.done:
	}
	x.abort()
}

// abort ends the connection (HTTP/2: the stream) without an answer.
func (x *exchange) abort() {
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
