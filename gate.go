package keyfit

import (
	"context"
	"errors"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/limiter"
)

// Limit allows at most Requests in every period of Per. The zero Limit means "not known".
type Limit struct {
	Requests int           `json:"requests"`
	Per      time.Duration `json:"per_ns"`
}

// Gate decides when an attempt may be sent. It is asked once per attempt, retries and
// redirects included, and is told the outcome of each, so what one goroutine learns from a
// 429 holds for all of them.
//
// The gate of [NewGate] keeps these rules, for each provider and key on its own:
//
//   - Window. Of a limit that is known, published or learned, at most Requests are sent in
//     every period of Per, wherever it begins: a sliding log, not a token bucket, which would
//     let 99 through where 50 are allowed. The whole burst is available.
//   - Pause. When the server asks to wait (429, or 5xx with a hint), everybody waits until the
//     hint is over. Then one trial request is sent, and the others follow when it has passed.
//   - Slow start. While nothing is known of the limit, attempts are sent in rounds of 8, 16,
//     32, 32, 32, 64 and so on, each when the one before is back. An unlimited server is at
//     its full speed after a few round trips; a limited one is not hit by 200 callers at once.
//   - Order. First in, first out. A first retry keeps the place of its call; a second goes to
//     the end, so the same call does not find out each time that the server still refuses. A
//     probe goes before all others. A call goes before a batch, but of eight turns for which
//     both wait one is a batch's. A caller that gives up while it waits costs nobody a turn.
//
// A limit that is not known is learned from the answers' headers, or else from the first 429:
// as many requests as passed in the window before it are sent at once from then on. Above
// that limit one request is risked now and then, so a limit that was raised is found within a
// few windows, and one that was lowered costs a few refusals. Where a server fills a token
// bucket that holds far less than it gets in a second, its fill rate is searched for in the
// same way, and a token bucket is kept in place of the window.
//
// If a wait cannot end before the caller's deadline, or within its MaxWait, the attempt is
// refused immediately; a shorter wait is never tried.
//
// A Gate is safe for concurrent use. It starts no goroutine per attempt and holds no lock
// over I/O or over a callback; all who wait share one timer.
type Gate interface {
	// Enter blocks until the attempt may be sent. It returns a *RateLimitError immediately if
	// that cannot be before the deadline or within MaxWait, and else the context's error.
	// leave must be called exactly once, as soon as the answer's headers are there.
	Enter(ctx context.Context, e Entry) (leave func(Outcome), err error)
}

// Entry describes an attempt to a [Gate].
type Entry struct {
	Provider string
	Key      string                                // fingerprint of a key given for one call; "" for the client's own keyring
	MaxWait  time.Duration                         // the longest single wait that the caller accepts; 0 means no bound but the context's
	Priority Priority                              // the order among those who wait; the zero value is an ordinary call
	Since    time.Time                             // when the call began, for a retry that keeps its place in the order; the zero time means now
	Waiting  func(why WaitReason, d time.Duration) // called at most once, before the first wait; may be nil; never under the gate's lock
}

// WaitReason says why an attempt waits.
type WaitReason string

// Reasons to wait.
const (
	WaitPause   WaitReason = "pause"   // the server asked everybody to wait
	WaitWindow  WaitReason = "window"  // the limit, published or learned, is used up
	WaitSlots   WaitReason = "slots"   // enough attempts are in flight
	WaitBackoff WaitReason = "backoff" // the retry layer's own backoff (not used by the gate)
)

// Outcome describes the end of an attempt to a [Gate].
type Outcome struct {
	StatusCode int           // 0: no answer came
	Unsent     bool          // the attempt was never sent: it counts nowhere and teaches nothing
	Wait       time.Duration // how long everybody must stay away: max(own backoff, the server's hint); 0 if the server did not ask
	Hint       time.Duration // the server's hint alone, from which the limit is learned; 0 if it gave none, then Wait stands for it
	Limit      Limit         // the limit as the answer's headers state it; zero if they do not
	Remaining  int           // requests left in the window by the headers; -1 if not said
	Reset      time.Duration // until the window resets by the headers; 0 if not said
	Refusal    *APIError     // the 429 (or 503 with a hint), kept for the errors of those who are refused because of it; else nil
}

// GateStats is the state of a gate for one provider and key. The gate of [NewGate] has the
// method
//
//	Stats(provider, key string) GateStats
//
// as any other may have; key is that of [Entry]. It is the zero value for a key that was
// never used.
type GateStats struct {
	Waiting  int           `json:"waiting"`   // attempts that wait for their turn
	InFlight int           `json:"in_flight"` // attempts that were let through and have not come back, overdue ones excepted
	Slots    int           `json:"slots"`     // the most that may be in flight at once; 0 means no bound
	Limit    Limit         `json:"limit"`     // the limit that is kept; zero if none is known
	Learned  bool          `json:"learned"`   // Limit was learned from answers, and is not the published one
	Paused   time.Duration `json:"paused_ns"` // how long everybody has to wait; 0 if nobody has
	Waits    Waits         `json:"waits"`     // of those who have waited: until their turn, or until they gave up
}

// NewGate returns a Gate for one process. The zero Limit means that the limit is not known
// and is to be learned; so does one whose Requests or Per is not positive. More than a
// million Requests are kept as the same rate in proportionally shorter windows.
func NewGate(l Limit) Gate { return &gate{limiter.New(limiter.Limit(l))} }

// gate is the Gate of one process, over the engine of internal/limiter.
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

// clock is the clock whose readings enterNow and leave take.
func (g *gate) clock() clock.Clock { return g.engine.Clock() }

func (g *gate) enter(ctx context.Context, e *Entry) (permit, error) {
	if err := ctx.Err(); err != nil {
		return permit{}, err
	}
	key := limiter.Key{Provider: e.Provider, Account: e.Key}
	if p, ok := g.engine.TryEnter(key, g.clock().Now()); ok { // most need not wait, and what follows allocates
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

// enterNow returns a permit for an attempt that need not wait; account is as in [Entry], and
// at is a reading of the gate's clock.
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

// permit is the right to send one attempt. With the gate of NewGate it is a value, which
// spares the client the closure of Enter.
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
