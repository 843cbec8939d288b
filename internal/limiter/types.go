package limiter

import (
	"cmp"
	"net/http"
	"time"
)

// Limit allows at most Requests in every period of Per. The zero Limit means that the limit
// is not known.
type Limit struct {
	Requests int
	Per      time.Duration
}

// Key names an account: each has a limiter of its own.
type Key struct {
	Provider string
	Account  string // "" for the account that the program uses by default
	Group    string // of routes that have a limit of their own; "" for all others

	route string // of a limiter that keeps the pause of one route only
}

// Request is an attempt that wants to be sent.
type Request struct {
	Key      Key
	MaxWait  time.Duration // the longest wait that the caller accepts; 0 for its context's deadline, or patience if that has none
	Priority Priority
	Route    string    // pauses for a fault concern a route first of all; "" if it is not known
	Since    time.Time // the time of arrival that counts in the queue; the zero time means now

	NoTrial bool // it has been refused before: do not send it to find something out

	// Waiting is called before the wait begins, with its reason and its expected length, and
	// again when a pause makes it longer. It is never called under a lock, and may be nil.
	Waiting func(Reason, time.Duration)
}

// Priority decides the order of the queue; see the package comment.
type Priority int8

// The priorities.
const (
	Batch Priority = -1
	Call  Priority = 0
	Probe Priority = 1
)

// Reason says why a request waits.
type Reason uint8

// The reasons to wait.
const (
	Paused      Reason = iota + 1 // the server asked for a pause, or a trial request is out
	WindowFull                    // the limit, published or learned, is used up
	Concurrency                   // enough requests are in flight
)

// Outcome is the result of an attempt. What the answer says of the limit is read by the
// caller; this package knows no header.
type Outcome struct {
	Status  int           // HTTP status; 0 if no answer came
	Unsent  bool          // the attempt was never sent, so it counts nowhere
	Wait    time.Duration // how long everybody must stay away; 0 if the server did not ask for it
	Hint    time.Duration // the server's hint alone, from which the limit is learned; 0 if it gave none
	Limited bool          // the answer refuses for the limit, whatever its status; 429 always does
	Route   string        // of a fault: what it concerns; "" for the whole account
	Quotas  []Quota       // what the headers say of the limit
	Cause   any           // the refusal, kept for [Refused]; nil if this is none
}

// Quota is what the headers of an answer say of one limit.
type Quota struct {
	Limit                   // the whole window, as far as it is said; Per tells several quotas apart
	Remaining int           // requests left in the window; -1 if it is not said
	Reset     time.Duration // until the window resets; 0 if it is not said
}

// isLimit reports whether the server refused because of its limit.
func (o *Outcome) isLimit() bool { return o.Limited || o.Status == http.StatusTooManyRequests }

// isFault reports whether the server has asked to stay away for another reason.
func (o *Outcome) isFault() bool { return o.Status >= http.StatusBadRequest && o.hint() > 0 }

// longest bounds every time that comes from outside, so that no sum of them overflows.
const longest = 10 * 365 * 24 * time.Hour

// hint is how long everybody must stay away; 0 if the limiter is to choose.
func (o *Outcome) hint() time.Duration { return min(max(0, cmp.Or(o.Hint, o.Wait)), longest) }

// Refused is the error of a request that cannot be sent before its deadline or within its
// MaxWait.
type Refused struct { //nolint:errname // it is a decision, not a failure
	Cause      any           // the Cause of the outcome that is the reason; nil if the limit alone is
	Reason     string        // what the reason is, where Cause is nil
	RetryAfter time.Duration // when the request could have been sent
	Deadline   bool          // the context's deadline is too early; else MaxWait is too short
}

// Error implements error.
func (r *Refused) Error() string {
	if r.Reason == "" {
		return "the server refused a request before"
	}
	return r.Reason
}
