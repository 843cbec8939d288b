package mockserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// FaultKind names what an injected fault does.
type FaultKind string

// The kinds of faults.
const (
	FaultLatency     FaultKind = "latency"
	FaultJitter      FaultKind = "jitter"
	FaultStatus      FaultKind = "status"
	FaultResetBefore FaultKind = "reset_before"
	FaultResetRead   FaultKind = "reset_after_read"
	FaultResetAfter  FaultKind = "reset_after"
	FaultTruncate    FaultKind = "truncate"
	FaultMalformed   FaultKind = "malformed_json"
	FaultSlowBody    FaultKind = "slow_body"
	FaultStall       FaultKind = "stall"
	FaultHangHeaders FaultKind = "hang_headers"
	FaultThrottle    FaultKind = "throttle"
	FaultEcho        FaultKind = "echo"
	FaultRedirect    FaultKind = "redirect"
	FaultBody        FaultKind = "body"
)

// FaultKinds lists every kind of fault in a fixed order.
func FaultKinds() []FaultKind {
	kinds := make([]FaultKind, 0, len(fault.Kinds()))
	for _, k := range fault.Kinds() {
		kinds = append(kinds, FaultKind(k))
	}
	return kinds
}

// Fault is one injected failure, as data. Make it with the functions below.
// Delays run on the mock clock: on a frozen clock they wait for Advance.
//
// Over HTTP/1.1, plain, TLS or in memory, a reset is a real one: the client
// sees ECONNRESET. Over HTTP/2 the stream ends with INTERNAL_ERROR instead. Go's
// client itself repeats a GET when a reused connection is reset: one call, two
// hits in Counts.
type Fault struct {
	Kind     FaultKind     `json:"kind"`
	Delay    time.Duration `json:"delay,omitempty"`  // latency, upper bound of jitter, pause of slow_body, wait of throttle
	Status   int           `json:"status,omitempty"` // status, redirect
	Body     string        `json:"body,omitempty"`   // status
	Location string        `json:"location,omitempty"`
	Bytes    int64         `json:"bytes,omitempty"` // truncate: sent; slow_body: chunk; body: length, negative is endless
	Seed     uint64        `json:"seed,omitempty"`  // jitter

	// Headers are further fields of a status, a redirect or a body; they replace
	// those that the answer has without them, Content-Type too.
	Headers map[string]string `json:"headers,omitempty"`
}

// definition is the fault as package fault has it.
func (f Fault) definition() fault.Fault {
	return fault.Fault{
		Kind: fault.Kind(f.Kind), Delay: f.Delay, Status: f.Status, Body: f.Body, Location: f.Location, Bytes: f.Bytes, Seed: f.Seed, Headers: f.Headers,
	}
}

// valid returns an error for a fault that cannot be injected.
func (f Fault) valid() error {
	d := f.definition()
	return d.Valid()
}

// With returns the fault with a further header field in its answer, for Status,
// Redirect and Body: Status(503, "busy").With("Retry-After", "5"), or
// Status(502, "<html>").With("Content-Type", "text/html").
func (f Fault) With(name, value string) Fault {
	headers := make(map[string]string, len(f.Headers)+1)
	maps.Copy(headers, f.Headers)
	headers[name] = value
	f.Headers = headers
	return f
}

// String names the fault and its numbers; never its body, location or headers.
func (f Fault) String() string { return f.definition().String() }

// MarshalJSON writes the fault with its delay as text.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	return json.Marshal(struct {
		plain
		Delay Duration `json:"delay,omitzero"`
	}{plain(f), Duration(f.Delay)})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses a fault that cannot
// be injected: an unknown kind, a status that is none, a negative delay.
func (f *Fault) UnmarshalJSON(data []byte) error {
	type plain Fault
	var w struct {
		plain
		Delay Duration `json:"delay"`
	}
	if err := strictjson.Decode(data, &w); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	*f = Fault(w.plain)
	f.Delay = w.Delay.Std()
	return f.valid()
}

// Latency delays the answer by d before anything else happens.
func Latency(d time.Duration) Fault { return Fault{Kind: FaultLatency, Delay: d} }

// Jitter delays the answer by a time between 0 and longest drawn from seed.
func Jitter(longest time.Duration, seed uint64) Fault {
	return Fault{Kind: FaultJitter, Delay: longest, Seed: seed}
}

// Status answers with this status and body and has no effect. A body that
// starts with '{' or '[' is sent as JSON, any other as text.
func Status(code int, body string) Fault { return Fault{Kind: FaultStatus, Status: code, Body: body} }

// ResetBefore resets the connection before the body is read; no effect.
func ResetBefore() Fault { return Fault{Kind: FaultResetBefore} }

// ResetAfterRead resets the connection after the body is read; no effect.
func ResetAfterRead() Fault { return Fault{Kind: FaultResetRead} }

// ResetAfter does the work and resets the connection instead of answering.
func ResetAfter() Fault { return Fault{Kind: FaultResetAfter} }

// Truncate announces the whole body, sends n bytes of it and ends the
// connection. n is at most the body's length minus one.
func Truncate(n int) Fault { return Fault{Kind: FaultTruncate, Bytes: int64(n)} }

// MalformedJSON sends the first half of the body with a matching Content-Length:
// the response is complete, the JSON is not.
func MalformedJSON() Fault { return Fault{Kind: FaultMalformed} }

// SlowBody sends the body in chunks with a pause after each. A chunk of 0 or
// less is 1 byte.
func SlowBody(chunk int, pause time.Duration) Fault {
	return Fault{Kind: FaultSlowBody, Bytes: int64(max(chunk, 1)), Delay: pause}
}

// Stall does the work, sends the headers and half of the body and then waits
// until the client or the server gives up.
func Stall() Fault { return Fault{Kind: FaultStall} }

// HangHeaders reads the request and never answers; no effect.
func HangHeaders() Fault { return Fault{Kind: FaultHangHeaders} }

// Throttle answers the vendor's 429 with this wait and consumes no quota.
func Throttle(retryAfter time.Duration) Fault { return Fault{Kind: FaultThrottle, Delay: retryAfter} }

// Echo repeats the presented key in a header (X-Echo) and in the body of a
// 400, to test that a client redacts what a server repeats. The journal stays
// redacted.
func Echo() Fault { return Fault{Kind: FaultEcho} }

// Redirect sends the client elsewhere with status code (301, 302, 303, 307,
// 308); no effect.
func Redirect(code int, location string) Fault {
	return Fault{Kind: FaultRedirect, Status: code, Location: location}
}

// Body answers 200 with n bytes of JSON-like filler, endless when n is
// negative; no effect.
func Body(n int64) Fault { return Fault{Kind: FaultBody, Bytes: n} }

// When limits an injection to some of the requests that match it. If an
// injection has several, all must allow a request. Make it with the functions
// below.
type When struct {
	First       int       `json:"first,omitempty"`
	After       int       `json:"after,omitempty"`
	Every       int       `json:"every,omitempty"`
	Probability *float64  `json:"probability,omitempty"`
	Seed        uint64    `json:"seed,omitempty"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
	Fresh       bool      `json:"fresh,omitempty"`
}

// First hits the first n matching requests (with After: the n after the skipped
// ones).
func First(n int) When { return When{First: n} }

// After skips the first n matching requests.
func After(n int) When { return When{After: n} }

// Every hits each nth matching request: the nth, the 2nth and so on.
func Every(n int) When { return When{Every: n} }

// Probability hits with probability p between 0 and 1, drawn from seed.
func Probability(p float64, seed uint64) When { return When{Probability: &p, Seed: seed} }

// Between hits from a (inclusive) to b (exclusive) by the mock clock. First,
// After and Every do not count requests outside.
func Between(a, b time.Time) When { return When{From: a, To: b} }

// FreshConnectionOnly hits only the first request of each connection, after
// which Go's client does not itself repeat a reset GET. First, After and Every
// do not count requests on a reused connection. It never hits if another server
// accepted the connection (ServeHTTP, Handler).
func FreshConnectionOnly() When { return When{Fresh: true} }
