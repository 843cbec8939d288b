package limiter

import "time"

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
}

// Request is an attempt that wants to be sent.
type Request struct {
	Key      Key
	MaxWait  time.Duration // the longest wait that the caller accepts; 0 for no bound but its context
	Priority Priority
	Since    time.Time // the time of arrival that counts in the queue; the zero time means now

	// Waiting is called at most once, before the wait begins, with its reason and its
	// expected length. It is never called under a lock, and may be nil.
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
	Paused      Reason = iota + 1 // the server asked for a pause, or a pilot request is out
	WindowFull                    // the limit, published or learned, is used up
	Concurrency                   // enough requests are in flight
)

// Outcome is the result of an attempt. What the response says of the limit is read by the
// caller; this package knows no header.
type Outcome struct {
	Status    int           // HTTP status; 0 if no response came
	Unsent    bool          // the attempt was never sent, so it counts nowhere
	Wait      time.Duration // how long all requests must wait; 0 if the server asked for no wait
	Hint      time.Duration // the server's hint alone, from which the limit is learned; 0 if it gave none
	Limit     Limit         // the limit as the headers state it; its Per may be missing
	Remaining int           // requests left in the window, by the headers; -1 if they do not say
	Reset     time.Duration // until the window resets, by the headers; 0 if they do not say
	Cause     any           // the refusal, kept for [Refused]; nil if this is none
}

// Refused is the error of a request that cannot be sent before its deadline or within its
// MaxWait.
type Refused struct { //nolint:errname // it is a decision, not a failure
	Cause      any           // the Cause of the outcome that is the reason; nil if the limit alone is
	Reason     string        // what the reason is, where Cause is nil
	RetryAfter time.Duration // when the request could have been sent
	Deadline   bool          // the context's deadline is too early; else MaxWait is too short
}

// Error implements error.
func (err *Refused) Error() string {
	if err.Reason == "" {
		return "the server refused a request before"
	}
	return err.Reason
}
