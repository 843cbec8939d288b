package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// maxReplays is how many other keys a call tries after a refusal, and how often it
	// continues with a key that appeared while it waited.
	maxReplays = 2
	// preferTime is how long the previous key is tried first after it was accepted where
	// the current one was refused.
	preferTime = 2 * time.Second
	// demoteAfter is how many refusals in a row of the current key, with the previous one
	// accepted in between, make the previous key current again.
	demoteAfter = 3
	// maxFallbackWait is how long a call waits for the source if it has another key to fall
	// back on.
	maxFallbackWait = time.Second
)

// Call is what a ring needs to know about a call that met an obstacle.
type Call struct {
	Context    context.Context //nolint:containedctx // the turn waits with it, and is part of the call
	Replayable bool            // the body can be sent again
	Route      uint64          // what it asks for; see [Ring.Route]
	// AttemptTimeout bounds an attempt of the call; 0 means that nothing does.
	AttemptTimeout time.Duration
	Name           func() string // the call in an event: method and path, without a secret
	// Waits is called before a wait of the call for a key that works, with its longest time, and
	// Waited after it, with the time that it took. Both may be nil.
	Waits, Waited func(time.Duration)
}

// Attempt is one attempt of a call that was answered.
type Attempt struct {
	Key       *Generation
	Sent      time.Duration // when it left, by the ring's clock
	Succeeded bool
	Refusal   any // the answer, if it is a refusal; handed back in a [DeniedError]
}

// ErrNoOtherKey says that the ring has no other key for a call, and that the call must not
// wait.
var ErrNoOtherKey = errors.New("there is no other key")

// DeniedError is the error of a call that got no key that works, after a wait or while the
// circuit is not closed.
type DeniedError struct {
	Reason string    // "" if only this call was refused while others are not
	Since  time.Time // when the circuit opened; zero without a reason
	Last   any       // the provider's last refusal, of any call
	Cause  error     // the end of the call's context, if it waited until then
}

func (d *DeniedError) Error() string {
	if d.Reason == "" {
		return "no usable key"
	}
	return d.Reason + ", since " + d.Since.UTC().Format(time.RFC3339)
}

func (d *DeniedError) Unwrap() error { return d.Cause }

// Turn is what a ring knows about one call whose key was refused, or that met a circuit
// which is not closed. Other calls need none. Only the goroutine of the call uses it.
//
// [Turn.Start] begins a request and [Turn.Finish] ends it. In between, for each attempt,
// [Turn.Admit] waits until it may be sent; one of [Turn.Accepted], [Turn.Refused] and
// [Turn.Missing] takes its response; after a refusal, [Turn.Next], [Turn.NextWithScope] or
// [Turn.NextNewer] returns the key to send it again with.
type Turn struct {
	ring *Ring
	call Call
	last Attempt

	tried         []string  // fingerprints of the keys that were refused
	trial         *circuit  // the circuit that this call is a trial request of
	tryRefused    bool      // as a trial request it also tries keys that were refused
	answered      bool      // as a trial request it got a response that says something about the key
	failedTrial   *circuit  // the circuit that it was a failed trial request of
	waitUntil     time.Time // zero if it has not waited
	renewals      int       // how often it continued with a key that appeared while it waited
	routeRefusals int       // how often it was refused with a key that others were served with
	forScope      bool      // the previous key is tried for its permissions
}

// NewTurn returns the turn of a call.
func (r *Ring) NewTurn(c Call) *Turn { return &Turn{ring: r, call: c} }

// Start begins a request of the call: each key may be tried.
func (t *Turn) Start() { t.tried, t.forScope = t.tried[:0], false }

// IsTrial reports whether the call is a trial request of the circuit.
func (t *Turn) IsTrial() bool { return t.trial != nil }

// Admit returns nil when the circuit is closed, or when the call is its trial request. If
// calls wait, it waits for that. The error is a [*DeniedError], or context.Canceled.
func (t *Turn) Admit() error {
	if t.IsTrial() || t.ring.Load().CircuitClosed() {
		return nil
	}
	return t.wait()
}

// Finish ends a request of the call. If it was a trial request and has not closed the
// circuit, another one is due later.
func (t *Turn) Finish() {
	c := t.trial
	if c == nil {
		return
	}
	t.trial, t.tryRefused, t.failedTrial = nil, false, c
	t.ring.locked(func() {
		set := t.ring.Load()
		if set.circuit != c {
			return
		}
		end := trialLost
		switch {
		case t.answered && t.last.Key.Fingerprint == set.current.Fingerprint:
			end = trialRefused
		case t.answered:
			end = trialStale
		}
		c.trialFailed(end, t.ring.firstTrialDelay(), time.Now())
	})
}

// Accepted takes a response that proves the key, after [Ring.Accepted].
func (t *Turn) Accepted(a Attempt) {
	t.last, t.answered = a, true
	r, reason := t.ring, ""
	if t.forScope && a.Succeeded {
		reason = "the previous key may do " + t.call.Name() + ", and the current one may not"
	}
	r.change(func() {
		r.settle(t, a)
		if cur := &r.Load().current; reason != "" {
			r.events.record(Event{
				Kind: KeyScopeRegression, Generation: cur.Number, Fingerprint: cur.Fingerprint, Previous: a.Key.Fingerprint, Reason: reason,
			})
		}
	})
}

// Refused takes a refusal of the key.
func (t *Turn) Refused(a Attempt) {
	t.last, t.answered = a, true
	a.Key.usage.refusals.Add(1)
	r := t.ring
	r.change(func() {
		inARow := int32(0)
		if r.isTelling(a) {
			inARow = r.refusals.Add(1)
		}
		r.events.record(Event{Kind: KeyRefused, Generation: a.Key.Number, Fingerprint: a.Key.Fingerprint, Reason: "refused by the provider"})
		r.circuitRefused(t, int(inARow))
	})
}

// isTelling reports whether the refusal of an attempt says something about what works now. If
// the key was replaced while the attempt was in flight, it does so only if no call has proved
// that key, nor the one that the source offered instead: perhaps it always has another one. mu
// is held.
func (r *Ring) isTelling(a Attempt) bool {
	cur := &r.Load().current
	if a.Key.Fingerprint == cur.Fingerprint || !r.clock.Time(a.Sent).Before(cur.Since) {
		return true
	}
	return a.Key.usage.accepted.Load() == 0 && cur.usage.accepted.Load() == 0 && cur.Fingerprint == r.source.offered
}

// Missing takes a response which says that no key arrived.
func (t *Turn) Missing(a Attempt) {
	t.last, t.answered = a, true
	name := t.call.Name()
	t.ring.change(func() {
		t.ring.events.record(Event{
			Kind: AuthMisconfigured, Generation: a.Key.Number, Fingerprint: a.Key.Fingerprint,
			Reason: "the provider saw no key in " + name,
		})
	})
}

// NotReplayed asks the source because a call was refused that cannot be sent again, so that
// the next call finds the key that this one lacked.
func (t *Turn) NotReplayed() {
	r := t.ring
	r.locked(func() {
		if fp := r.Load().current.Fingerprint; t.last.Key.Fingerprint == fp {
			r.askAfterRefusal(t.call.Context, fp)
		}
	})
}

// NextWithScope returns the previous key for a call that the current one is not permitted to
// make, if the current one is new and the previous one has served the same route. It does so
// once.
func (t *Turn) NextWithScope(a Attempt) (g *Generation, ok bool) {
	t.last = a
	if t.forScope || len(t.tried) > 0 {
		return nil, false
	}
	set, now := t.ring.Load(), time.Now()
	p := set.usablePrevious(now)
	if p == nil || t.last.Key.Fingerprint != set.current.Fingerprint || now.Sub(set.current.Since) > t.ring.cfg.GracePeriod {
		return nil, false
	}
	t.forScope = p.usage.served.has(t.call.Route)
	return p, t.forScope
}

// NextNewer returns the key that has replaced the one of a call to which the provider says
// that it saw none: the current one, or what the source offers now. It does so once. The
// previous key would arrive no better.
func (t *Turn) NextNewer() (g *Generation, ok bool) {
	if len(t.tried) > 0 {
		return nil, false
	}
	t.tried = append(t.tried, t.last.Key.Fingerprint)
	r := t.ring
	if set := r.Load(); !t.isUntried(&set.current) {
		ctx, cancel := context.WithTimeout(t.call.Context, maxFallbackWait)
		defer cancel()
		r.reloadAfterRefusal(ctx, set.current.Fingerprint)
	}
	set := r.Load()
	return &set.current, t.isUntried(&set.current)
}

// Next returns the key to send a refused call again with; nil means the one that is current
// when [Turn.Admit] returns. If calls wait, the call waits here. The error is
// [ErrNoOtherKey], a [*DeniedError], or context.Canceled.
func (t *Turn) Next() (*Generation, error) {
	t.tried = append(t.tried, t.last.Key.Fingerprint)
	if len(t.tried) <= maxReplays {
		if g := t.otherKey(); g != nil {
			return g, nil
		}
	}
	if err := t.waitAfterRefusal(); err != nil {
		return nil, err
	}
	t.tried = t.tried[:0] // something changed: each key may be tried again
	return nil, nil
}

// isUntried reports whether g is a key that the call has not tried. Keys are identified by
// their fingerprints: a key that came back under a new number is no other key.
func (t *Turn) isUntried(g *Generation) bool {
	return g != nil && !slices.Contains(t.tried, g.Fingerprint)
}

// otherKey returns a key that the call has not tried: the current one, what the source
// offers now, the previous one, or the candidate; nil if there is none.
func (t *Turn) otherKey() *Generation {
	r := t.ring
	set := r.Load()
	if t.isUntried(&set.current) {
		return &set.current
	}
	if set.circuit != nil && r.holds(set) && !t.IsTrial() {
		return nil // one call tries for all
	}
	ctx := t.call.Context
	if t.fallback(set) != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxFallbackWait)
		defer cancel()
	}
	r.reloadAfterRefusal(ctx, set.current.Fingerprint)
	set = r.Load()
	if t.isUntried(&set.current) {
		return &set.current
	}
	return t.fallback(set)
}

// fallback returns the previous key or the candidate, if the call has not tried it and it
// has not been refused recently. A later trial request tries it even then.
func (t *Turn) fallback(set *Set) *Generation {
	r := t.ring
	if p := set.usablePrevious(time.Now()); t.isUntried(p) && (t.tryRefused || p.usage.refusals.Load() < r.retireAfter()) {
		return p
	}
	if set.candidate == nil || !t.isUntried(&set.candidate.Generation) {
		return nil
	}
	if rejected := false; !t.tryRefused && r.holds(set) {
		r.locked(func() { rejected = r.isRejected(set.candidate.Fingerprint) })
		if rejected {
			return nil
		}
	}
	return &set.candidate.Generation
}

// isRouteDenied reports whether this route was refused before while others were not: then
// the key is probably not the cause.
func (t *Turn) isRouteDenied() bool { return t.ring.Load().current.usage.denied.has(t.call.Route) }

// retireAfter is how many refusals in a row disqualify the previous key as a fallback. If
// calls wait, one is enough, because a later trial request tries it even then.
func (r *Ring) retireAfter() int32 {
	if r.CanWait() {
		return 1
	}
	return 2
}

// settle applies the proof of a key to the set. mu is held.
func (r *Ring) settle(t *Turn, a Attempt) {
	if c := r.Load().circuit; c != nil {
		switch {
		case t.trial == c, c.key == untriedKey && a.Key.Fingerprint == r.Load().current.Fingerprint:
			r.source.pace = pace{}
			r.reset("a key was accepted")
		case a.Sent > c.tripped:
			c.question()
		}
	}
	set, replayed := r.Load(), len(t.tried) > 0
	switch fp := a.Key.Fingerprint; {
	case fp == set.current.Fingerprint:
		if replayed { // the source has helped
			r.source.pace = pace{}
		}
		if set.isPreferred() {
			r.publish(set.prefer(time.Time{}))
		}
	case replayed && set.isCandidate(fp):
		delete(r.rejections, fp)
		r.promote(set.candidate.Generation, r.cfg.GracePeriod, KeyPromoted, "accepted where the current key was refused")
	case replayed && set.previous != nil && fp == set.previous.Fingerprint:
		r.fallBack(set)
	}
	c := r.Load().candidate
	if c != nil && !c.retryAt.IsZero() && c.state != Verified && !time.Now().Before(c.retryAt) && r.source.question == nil && r.verification == nil {
		r.ask(context.Background(), "")
	}
}

// fallBack makes the previous key the one that is tried first, or makes it current again if
// the current one was refused too often. mu is held.
func (r *Ring) fallBack(set *Set) {
	bad, now := &set.current, time.Now()
	if bad.usage.refusals.Load() < demoteAfter {
		r.publish(set.prefer(now.Add(preferTime)))
		r.events.record(Event{
			Kind: KeyFallback, Generation: set.previous.Number, Fingerprint: set.previous.Fingerprint, Previous: bad.Fingerprint,
			Reason: "the provider refused the current key and accepted the previous one",
		})
		return
	}
	next := set.demote(r.reject(bad, demotedRetryFirst, demotedRetryLast), now)
	r.publish(next)
	r.stopDraining(next.current.Fingerprint)
	r.events.record(Event{
		Kind: KeyDemoted, Generation: bad.Number, Fingerprint: bad.Fingerprint, Previous: next.current.Fingerprint,
		Reason: fmt.Sprintf("the provider refused it %d times in a row and accepted the previous one, which is current again", bad.usage.refusals.Load()),
	})
}
