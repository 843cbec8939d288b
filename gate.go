package keyfit

import (
	"context"
	"errors"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/limiter"
)

// Limit allows at most Requests requests in every period of length Per. The zero Limit
// means that the limit is unknown.
type Limit struct {
	Requests int           `json:"requests"`
	Per      time.Duration `json:"per_ns"`
}

// Gate decides when an attempt may be sent. The client asks it once per attempt, retries
// and redirects included, and reports the outcome of each, so what one goroutine learns
// from a 429 holds for all of them.
//
// The gate of [NewGate] keeps these rules, separately for each provider and key:
//
//   - Window. Under a known limit, published or learned, at most Requests are sent in every
//     period of Per, wherever it begins: a sliding log, not a token bucket, which would let
//     99 requests through where 50 are allowed. The whole burst is available.
//   - Pause. If the server asks for a wait (429, or 5xx with a hint), all attempts wait
//     until it is over. Then one pilot request is sent, and the others follow when it has
//     passed.
//   - Slow start. While the limit is unknown, attempts are sent in rounds of 8, 16, 32, 32,
//     32, 64 and so on, each after the round before has returned. An unlimited server is at
//     its full speed after a few round trips; a limited one does not receive 200 requests
//     at once.
//   - Order. First in, first out. A first retry keeps the place of its call; a second goes
//     to the end, so it is not always the same call that a server refuses. A probe
//     ([Client.Probe]) goes before all others. A call goes before a batch, but while both
//     wait, every eighth turn is a batch's. A caller that gives up while it waits uses no
//     turn.
//
// An unknown limit is learned from response headers, or else from the first 429: from then
// on, as many requests are sent at once as passed in the window before it. Then the gate
// explores: from time to time it sends one request above the learned limit, so it finds a
// limit that was raised within a few windows. A limit that was lowered costs a few
// refusals. If the server fills a token bucket whose burst is far smaller than what it gets
// in a second, the gate searches for the fill rate in the same way, and keeps a token
// bucket instead of the window.
//
// If a wait cannot end before the caller's deadline or within its MaxWait, the attempt is
// refused immediately; a shorter wait is never tried.
//
// A Gate must be safe for concurrent use. That of NewGate starts no goroutine per attempt
// and holds no lock during I/O or a callback; all waiting attempts share one timer.
type Gate interface {
	// Enter blocks until the attempt may be sent. It returns a *RateLimitError immediately
	// if that is impossible before the deadline or within MaxWait, and the error of ctx if
	// ctx ends first. leave must be called exactly once: as soon as the headers of the
	// response have arrived, or the attempt has failed.
	Enter(ctx context.Context, e Entry) (leave func(Outcome), err error)
}

// Entry describes an attempt to a [Gate].
type Entry struct {
	Provider string
	Key      string                                // fingerprint of a key given for one call; "" for the client's own keyring
	MaxWait  time.Duration                         // the longest single wait that the caller accepts; 0 means that only the context bounds it
	Priority Priority                              // the order among waiting attempts; the zero value is PriorityCall
	Since    time.Time                             // when the call began, for a retry that keeps its place in the order; the zero time means now
	Waiting  func(why WaitReason, d time.Duration) // called at most once, before the first wait; may be nil; never under the gate's lock
}

// WaitReason says why an attempt waits.
type WaitReason string

// The reasons to wait.
const (
	WaitPause   WaitReason = "pause"   // the server asked for a wait
	WaitWindow  WaitReason = "window"  // the limit, published or learned, is used up
	WaitSlots   WaitReason = "slots"   // too many attempts are in flight
	WaitBackoff WaitReason = "backoff" // the backoff between two attempts of a call; no gate reports it
)

// Outcome describes the end of an attempt to a [Gate].
type Outcome struct {
	StatusCode int           // 0 if no response came
	Unsent     bool          // the attempt was never sent: it does not count, and nothing is learned from it
	Wait       time.Duration // how long all attempts must wait: max(own backoff, the server's hint); 0 if the server asked for no wait
	Hint       time.Duration // the server's hint alone, from which the limit is learned; 0 if it gave none, in which case Wait is used
	Limit      Limit         // the limit that the response's headers state; zero if they do not
	Remaining  int           // requests left in the window, by the headers; -1 if unknown
	Reset      time.Duration // until the window resets, by the headers; 0 if unknown
	Refusal    *APIError     // the 429 (or 503 with a hint), for the errors of the attempts that are refused because of it; else nil
}

// GateStats is the state of a gate for one provider and key. A gate may report it with the
// method
//
//	Stats(provider, key string) GateStats
//
// as the gate of [NewGate] does; key is that of [Entry]. The state of a key that was never
// used is the zero value.
type GateStats struct {
	Waiting  int           `json:"waiting"`   // attempts in the queue
	InFlight int           `json:"in_flight"` // attempts that were let through and have no response yet, except attempts that exceeded their expected time
	Slots    int           `json:"slots"`     // how many may be in flight at once; 0 means no bound
	Limit    Limit         `json:"limit"`     // the limit that is kept; zero if none is known
	Learned  bool          `json:"learned"`   // Limit was learned from responses, and is not the published one
	Paused   time.Duration `json:"paused_ns"` // what is left of the pause; 0 if there is none
	Waits    Waits         `json:"waits"`     // waits that are over: the attempt was sent, or its caller gave up
}

// NewGate returns a Gate for one process. A limit that is zero, or whose Requests or Per is
// not positive, is unknown and is learned. A limit of more than a million Requests is kept
// as the same rate in proportionally shorter windows.
func NewGate(l Limit) Gate { return &gate{limiter.New(limiter.Limit(l))} }

// gate is the Gate of one process. It adapts the engine in internal/limiter.
type gate struct{ engine *limiter.Keyed }

// Enter implements [Gate].
func (g *gate) Enter(ctx context.Context, e Entry) (leave func(Outcome), err error) {
	p, err := g.enter(ctx, &e)
	if err != nil {
		return nil, err
	}
	return func(o Outcome) { p.leave(&o, g.clock().Now()) }, nil
}

// Stats returns the state for one provider and key; see [GateStats].
func (g *gate) Stats(provider, key string) GateStats {
	s := g.engine.Stats(limiter.Key{Provider: provider, Account: key})
	return GateStats{
		Waiting: s.Waiting, InFlight: s.InFlight, Slots: s.Concurrency,
		Limit: Limit(s.Limit), Learned: s.Learned, Paused: s.Paused, Waits: waitsOf(s.Waits),
	}
}

// clock returns the clock whose readings enterNow and leave take.
func (g *gate) clock() clock.Clock { return g.engine.Clock() }

func (g *gate) enter(ctx context.Context, e *Entry) (permit, error) {
	if err := ctx.Err(); err != nil {
		return permit{}, err
	}
	key := limiter.Key{Provider: e.Provider, Account: e.Key}
	if p, ok := g.engine.TryEnter(key, g.clock().Now()); ok { // most attempts need not wait, and what follows allocates
		return permit{own: p}, nil
	}
	r := limiter.Request{Key: key, MaxWait: e.MaxWait, Priority: limiter.Priority(e.Priority), Since: e.Since}
	if waiting := e.Waiting; waiting != nil {
		r.Waiting = func(why limiter.Reason, d time.Duration) { waiting(waitReason(why), d) }
	}
	p, err := g.engine.Enter(ctx, r)
	if refused, ok := errors.AsType[*limiter.Refused](err); ok {
		err = rateLimitError(e.Provider, refused)
	}
	return permit{own: p}, err
}

// enterNow returns a permit if the attempt need not wait. account is the Key of an [Entry],
// and at is a reading of the gate's clock.
func (g *gate) enterNow(provider, account string, at time.Duration) (permit, bool) {
	p, ok := g.engine.TryEnter(limiter.Key{Provider: provider, Account: account}, at)
	return permit{own: p}, ok
}

func waitReason(why limiter.Reason) WaitReason {
	switch why {
	case limiter.Paused:
		return WaitPause
	case limiter.WindowFull:
		return WaitWindow
	case limiter.Concurrency:
	}
	return WaitSlots
}

func rateLimitError(provider string, r *limiter.Refused) *RateLimitError {
	cause, ok := r.Cause.(*APIError)
	if !ok {
		cause = &APIError{Provider: provider, Message: r.Reason}
	}
	return &RateLimitError{APIError: cause, RetryAfter: r.RetryAfter, Deadline: r.Deadline}
}

// permit is the right to send one attempt. For the gate of NewGate it is a plain value,
// which avoids the closure of Enter.
type permit struct {
	own   limiter.Permit
	other func(Outcome) // leave of another gate
}

func enterGate(ctx context.Context, g Gate, e *Entry) (permit, error) {
	if own, ok := g.(*gate); ok {
		return own.enter(ctx, e)
	}
	leave, err := g.Enter(ctx, *e)
	return permit{other: leave}, err
}

// leave ends the attempt; at is a reading of the gate's clock.
func (pm *permit) leave(o *Outcome, at time.Duration) {
	if pm.other != nil {
		pm.other(*o)
		return
	}
	out := limiter.Outcome{
		Status: o.StatusCode, Unsent: o.Unsent, Wait: o.Wait, Hint: o.Hint,
		Limit: limiter.Limit(o.Limit), Remaining: o.Remaining, Reset: o.Reset,
	}
	if o.Refusal != nil {
		out.Cause = o.Refusal
	}
	pm.own.Leave(&out, at)
}
