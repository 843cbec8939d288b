package keyfit

import (
	"context"
	"time"
)

// Limit is a published ceiling: at most Requests in every Per. The zero Limit means "not known".
type Limit struct {
	Requests int
	Per      time.Duration
}

// Entry is what a Gate is told of an attempt that wants to go out.
type Entry struct {
	Provider string
	Key      string                                // fingerprint of a key given for one call; "" for the client's own keyring
	MaxWait  time.Duration                         // the longest single wait that the caller accepts; 0 means no bound but the context's
	Waiting  func(why WaitReason, d time.Duration) // called at most once, before the first wait; may be nil; never under the gate's lock
}

// WaitReason says why an attempt waits.
type WaitReason string

const (
	WaitPause   WaitReason = "pause"   // the server asked everybody to wait
	WaitWindow  WaitReason = "window"  // the limit, published or learned, is used up
	WaitSlots   WaitReason = "slots"   // enough attempts are in flight
	WaitBackoff WaitReason = "backoff" // the retry layer's own backoff (not used by the gate)
)

// Outcome is what a Gate is told of an attempt that came back.
type Outcome struct {
	StatusCode int           // 0: no answer came
	Wait       time.Duration // how long the server asked us to wait, already max(own backoff, hint); 0 if it did not ask
	Limit      Limit         // what the answer's headers say of the limit; zero if nothing
	Remaining  int           // requests left in the window by the headers; -1 if not said
	Reset      time.Duration // until the window resets by the headers; 0 if not said
	Refusal    *APIError     // the 429 (or 503 with a hint), kept for those who will be refused in its name; else nil
}

// Gate decides when an attempt may go out: once per attempt, retries and redirects included.
type Gate interface {
	// Enter blocks until the attempt may be sent, or refuses at once with a *RateLimitError
	// when that cannot be before the deadline or within MaxWait; or returns the context's error.
	// leave must be called exactly once, as soon as the answer's headers are there.
	Enter(ctx context.Context, e Entry) (leave func(Outcome), err error)
}
