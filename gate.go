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
// The gate of [NewGate] keeps these rules, separately for each provider and account, and for
// each group of routes that has a limit of its own ([Provider.LimitGroups]). An attempt is
// sent when all of them let it:
//
//   - Order. First in, first out. A retry keeps the place of its call, unless nothing passes at
//     all. A probe ([Client.Probe]) goes before all others. A call goes before a batch, but
//     while both wait, every eighth turn is a batch's.
//   - Pause. A hint (429) is a pause for everybody and nothing else. It is kept to the letter up
//     to a minute; a longer one is tried out by single requests, the first after a minute. A
//     good answer to a request that was sent after the refused one ends a pause of any length. A
//     5xx with a hint pauses its own route; a hint above a minute for 10 s at first.
//   - In flight. At most 8 at first, and twice as many with each round trip, slowly above 20
//     where no limit is known. A refusal with k in flight sets a ceiling of k-1 for a while.
//   - Published limit. At most Requests in every period of Per, wherever it begins: a sliding
//     log, not a token bucket, which would let 99 requests through where 50 are allowed. The
//     whole burst is available. No response lowers or lifts it.
//   - Quota. What the headers say is left of the current window is kept until that ends.
//   - Learned limit. What passed in the window before a refusal, or the rate between refusals
//     that come again and again. It is doubted by single requests, and raised or forgotten
//     when those pass.
//
// docs/limits.md explains each with a picture. If a wait cannot end before the caller's
// deadline or within its MaxWait, by the published limit or by the pause and its first trial,
// the attempt is refused immediately; a shorter wait is never tried.
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
	Key      string                                // names the account of a keyring given for one call, also after a rotation; "" for the client's own
	Group    string                                // the group of routes whose limit counts; "" for the account's own: see Provider.LimitGroups
	Route    string                                // method and path, digits replaced; a fault pauses a route first of all
	MaxWait  time.Duration                         // the longest single wait that the caller accepts; 0 means the context's deadline: see RetryPolicy.MaxWait
	NoTrial  bool                                  // the call has been refused before, so another one is to be the trial
	Priority Priority                              // the order among waiting attempts; the zero value is PriorityCall
	Since    time.Time                             // when the call began, for a retry that keeps its place in the order; the zero time means now
	Waiting  func(why WaitReason, d time.Duration) // called before the first wait with its expected length, and again when that becomes longer; may be nil; never under the gate's lock
}

// WaitReason says why an attempt waits.
type WaitReason string

// The reasons to wait.
const (
	WaitPause   WaitReason = "pause"   // the server asked for a wait
	WaitWindow  WaitReason = "window"  // the limit, published or learned, is used up
	WaitSlots   WaitReason = "slots"   // too many attempts are in flight
	WaitBackoff WaitReason = "backoff" // the backoff between two attempts of a call; no gate reports it
	WaitForKey  WaitReason = "key"     // the provider refuses every key: the call waits for one that works, see [HoldCalls], or for the answer of its source; no gate reports it
)

// Outcome describes the end of an attempt to a [Gate].
type Outcome struct {
	StatusCode int           // 0 if no response came
	Unsent     bool          // the attempt was never sent: it does not count, and nothing is learned from it
	Wait       time.Duration // how long all attempts must wait: max(own backoff, the server's hint); 0 if the server asked for no wait
	Hint       time.Duration // the server's hint alone, from which the limit is learned; 0 if it gave none, in which case Wait is used
	Limited    bool          // the response refuses for a limit, whatever its status; a 429 always does
	Route      string        // of a 5xx with a hint: the route of the Entry; "" for the whole account
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
	Paused   time.Duration `json:"paused_ns"` // what is left of the pause, if no trial passes before; 0 if there is none

	NextTrial time.Duration `json:"next_trial_ns"`    // when the next trial of the pause may be sent; 0 if there is no pause
	WaitsFor  WaitReason    `json:"waits_for"`        // what the next attempt would wait for; "" for nothing
	Bounds    []Bound       `json:"bounds,omitempty"` // all that is kept, the most certain first
	Routes    []RoutePause  `json:"routes,omitempty"` // that are paused after a fault
	Groups    []GroupStats  `json:"groups,omitempty"` // of the routes that were used and have a limit of their own; see Provider.LimitGroups
	Waits     Waits         `json:"waits"`            // waits that are over: the attempt was sent, or its caller gave up
}

// GroupStats is the state of a group of routes that has a limit of its own.
type GroupStats struct {
	GateStats

	Name string `json:"name"`
}

// Bound is one of the limits that a gate keeps at the same time.
type Bound struct {
	Limit  Limit       `json:"limit"`
	Source BoundSource `json:"source"`
	Used   int         `json:"used"` // requests within Limit.Per, those in flight included
}

// BoundSource says where a [Bound] comes from.
type BoundSource string

// The sources.
const (
	BoundPublished BoundSource = "published" // known beforehand: kept exactly, whatever is answered
	BoundHeaders   BoundSource = "headers"   // said by a response, for the current window
	BoundRefusals  BoundSource = "refusals"  // what passed in a window before a refusal
	BoundPace      BoundSource = "pace"      // the rate between refusals that come again and again
)

// RoutePause is a route that is paused after a fault.
type RoutePause struct {
	Route     string        `json:"route"`
	Paused    time.Duration `json:"paused_ns"`
	NextTrial time.Duration `json:"next_trial_ns"`
}

// NewGate returns a Gate for one process. A limit that is zero, or whose Requests or Per is
// not positive, is unknown and is learned. A limit of more than 16,384 Requests is kept as the
// same rate in proportionally shorter windows. The gate has the method
//
//	Reset(provider, key string)
//
// which forgets all that was learned of an account, pauses included; see [Client.ResetLimits].
func NewGate(l Limit) Gate { return newGate(l, nil, 0) }

func newGate(l Limit, groups []LimitGroup, maxInFlight int) *gate {
	o := limiter.Options{Published: limiter.Limit(l), MaxInFlight: maxInFlight}
	if len(groups) > 0 {
		o.Groups = make(map[string]limiter.Limit, len(groups))
		for _, g := range groups {
			o.Groups[g.Name] = limiter.Limit(g.Limit)
		}
	}
	return &gate{limiter.New(o)}
}

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
	return gateStats(g.engine.Stats(limiter.Key{Provider: provider, Account: key}))
}

func gateStats(s limiter.Stats) GateStats {
	out := GateStats{
		Waiting: s.Waiting, InFlight: s.InFlight, Slots: s.Concurrency,
		Limit: Limit(s.Limit), Learned: s.Learned, Paused: s.Paused, NextTrial: s.NextTrial, Waits: waitsOf(s.Waits),
	}
	if s.WaitsFor != 0 {
		out.WaitsFor = waitReason(s.WaitsFor)
	}
	for _, b := range s.Bounds {
		out.Bounds = append(out.Bounds, Bound{Limit(b.Limit), sourceOf(b.Source), b.Used})
	}
	for _, r := range s.Routes {
		out.Routes = append(out.Routes, RoutePause{r.Name, r.Paused, r.NextTrial})
	}
	for _, x := range s.Groups {
		out.Groups = append(out.Groups, GroupStats{gateStats(x.Stats), x.Name})
	}
	return out
}

func sourceOf(s limiter.Source) BoundSource {
	switch s {
	case limiter.Published:
		return BoundPublished
	case limiter.Headers:
		return BoundHeaders
	case limiter.Pace:
		return BoundPace
	case limiter.Refusals:
	}
	return BoundRefusals
}

// Reset forgets what was learned of an account; see [NewGate].
func (g *gate) Reset(provider, key string) { g.engine.Reset(provider, key) }

// clock returns the clock whose readings enterNow and leave take.
func (g *gate) clock() clock.Clock { return g.engine.Clock() }

func (g *gate) enter(ctx context.Context, e *Entry) (permit, error) {
	if err := ctx.Err(); err != nil {
		return permit{}, err
	}
	key := limiter.Key{Provider: e.Provider, Account: e.Key, Group: e.Group}
	if p, ok := g.engine.TryEnter(key, g.clock().Now()); ok { // most attempts need not wait, and what follows allocates
		return permit{own: p}, nil
	}
	r := limiter.Request{Key: key, MaxWait: min(e.MaxWait, farAway), Priority: limiter.Priority(e.Priority), Route: e.Route, Since: e.Since, NoTrial: e.NoTrial}
	if waiting := e.Waiting; waiting != nil {
		r.Waiting = func(why limiter.Reason, d time.Duration) { waiting(waitReason(why), d) }
	}
	p, err := g.engine.Enter(ctx, r)
	if refused, ok := errors.AsType[*limiter.Refused](err); ok {
		err = rateLimitError(e.Provider, refused)
	}
	return permit{own: p}, err
}

// farAway bounds a wait without a bound, so that a time which it is added to does not overflow.
const farAway = 100 * 365 * 24 * time.Hour

// enterNow returns a permit if the attempt need not wait. account and group are those of an
// [Entry], and at is a reading of the gate's clock.
func (g *gate) enterNow(provider, account, group string, at time.Duration) (permit, bool) {
	p, ok := g.engine.TryEnter(limiter.Key{Provider: provider, Account: account, Group: group}, at)
	return permit{own: p}, ok
}

// soonest returns how long a retry of the call waits at least.
func (g *gate) soonest(k *call) time.Duration {
	key := limiter.Key{Provider: k.client.provider.Name, Account: k.account, Group: k.group()}
	return g.engine.Soonest(key, k.limitRoute(), g.clock().Now())
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

// leave ends the attempt; at is a reading of the gate's clock. It reports whether a second or
// later retry keeps the place of its call.
func (pm *permit) leave(o *Outcome, at time.Duration) (keepsPlace bool) {
	if pm.other != nil {
		pm.other(*o)
		return false
	}
	out := limiter.Outcome{
		Status: o.StatusCode, Unsent: o.Unsent, Wait: o.Wait, Hint: o.Hint, Limited: o.Limited, Route: o.Route,
	}
	if o.Remaining >= 0 && o.Reset > 0 {
		out.Quotas = []limiter.Quota{{Limit: limiter.Limit(o.Limit), Remaining: o.Remaining, Reset: o.Reset}}
	}
	if o.Refusal != nil {
		out.Cause = o.Refusal
	}
	return pm.own.Leave(&out, at)
}
