package mockserver

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// Timeouts bounds how long a client of a listener may take. In each field, 0 is the default and
// a negative value is no limit. The times are of the machine's clock, not the mock's. They do
// not bound the time that the mock takes for its answer, faults included.
type Timeouts struct {
	// Header is for the header of a request, from the connection or its first byte on, and
	// for the TLS handshake. The default is 10 seconds.
	Header time.Duration
	// Body is for the body of a request, from the moment at which the mock reads it. The
	// default is 30 seconds.
	Body time.Duration
	// Idle is how long a connection may wait for its next request. The default is 2 minutes.
	Idle time.Duration
}

// WithTimeouts replaces the timeouts of the vendors' listeners, for tests with slower clients.
// The admin API keeps the defaults, so that nobody can hold its connections for longer.
// Transport, ServeHTTP and Handler have none.
func WithTimeouts(t Timeouts) Option { return func(o *options) { o.timeouts = t } }

// withDefaults returns the timeouts in the form of http.Server, where 0 is no limit.
func (to Timeouts) withDefaults() Timeouts {
	value := func(given, byDefault time.Duration) time.Duration {
		if given == 0 {
			return byDefault
		}
		return max(given, 0)
	}
	return Timeouts{
		Header: value(to.Header, 10*time.Second),
		Body:   value(to.Body, 30*time.Second),
		Idle:   value(to.Idle, 2*time.Minute),
	}
}

// noTimeouts are for connections in memory: their client is the test itself, and in a bubble of
// testing/synctest an hour may pass between two requests.
func noTimeouts() Timeouts { return Timeouts{Header: -1, Body: -1, Idle: -1} }

// limits bounds what a client of a listener may do.
type limits struct {
	Timeouts

	maxHeader int // bytes of a request's header; 0 is the default of net/http, 1 MiB
}

// maxAdminHeader is enough for the few fields that clients of the admin API send.
const maxAdminHeader = 64 << 10

// timely gives each body of h's requests the time for it.
func timely(h http.Handler, limit time.Duration) http.Handler {
	if limit <= 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			h.ServeHTTP(w, r)
			return
		}
		b := &timedBody{ReadCloser: r.Body, conn: http.NewResponseController(w), limit: limit}
		r.Body = b
		// net/http reads what is left of the body before it answers, whoever sent it. With
		// HTTP/2 it does not, and there an expired deadline would stay.
		if r.ProtoMajor == 1 {
			b.begin()
			defer b.leave()
		}
		h.ServeHTTP(w, r)
	})
}

// timedBody is a body with a deadline from its first read on.
type timedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	limit time.Duration
	begun bool // it was read from
}

func (b *timedBody) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		b.begin()
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{}) // what comes next on the connection has other limits
	}
	return n, err
}

// begin starts the time of the body. A writer without deadlines, which a test may have made,
// has none.
func (b *timedBody) begin() { _ = b.conn.SetReadDeadline(clock.InMachineTime(b.limit)) }

// leave starts the time of a body that nobody has read. One that was begun has its time already.
func (b *timedBody) leave() {
	if !b.begun {
		b.begin()
	}
}
