package keyring

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
)

const (
	// tripAfter is how many refusals in a row, of any key, open the circuit if calls do not
	// wait for a key.
	tripAfter = 20
	// The delay between two trial requests grows from the first to the last. It begins
	// small if calls wait for it.
	trialFirst, trialFirstWaiting, trialLast = time.Second, 20 * time.Millisecond, 15 * time.Second
	// trialStall is how long a trial request may be without a response at most before another
	// one may be sent, and trialStallLeast how long at least; see [Turn.stall].
	trialStall, trialStallLeast = 2 * time.Second, 5 * time.Millisecond
	// stallPart is the part of the time that a call has left after which it doubles a trial
	// request without a response.
	stallPart = 4
	// streamDelay is how much later a call becomes a trial request if its body can be sent
	// only once. After it, such a call need not wait for other calls, which may never come.
	streamDelay = time.Second
	// newKeyEvery is the time in which at most one key of the source is tried immediately
	// while the circuit is not closed, and maxNewKeys how many are in all if calls do not
	// wait. A source that always has another key must not undo the backoff.
	newKeyEvery = time.Second
	maxNewKeys  = 5
)

// CircuitState is where the circuit stands.
type CircuitState int

// The states of a circuit.
const (
	Closed   CircuitState = iota // calls are sent normally
	Open                         // no call is sent until the next trial request is due
	HalfOpen                     // a trial request is in flight
)

// String returns the name of the state.
func (cs CircuitState) String() string { return [...]string{"closed", "open", "half-open"}[cs] }

// doubt says whether a key was accepted after it had been refused, which speaks against an
// open circuit.
type doubt int

const (
	noDoubt      doubt = iota
	raisedDoubt        // one further trial request may be sent, even if one is in flight
	settledDoubt       // it was sent
)

// trialKey says what a circuit that is not closed knows of the current key.
type trialKey int

// The states of the current key. An untried one is a reason to wait for the next trial
// request, also where calls do not wait for a key.
const (
	refusedKey trialKey = iota // it was refused, or is not tried before its time
	untriedKey                 // it came after the last trial request, and is to be tried at once
)

// circuit is a circuit that is not closed; nil stands for a closed one. Ring.mu guards it.
type circuit struct {
	state   CircuitState
	since   time.Time
	until   time.Time     // calls wait until then; zero if they may wait longer, or do not wait
	held    atomic.Bool   // until is set
	vain    bool          // until has passed
	tripped time.Duration // when the attempt was sent whose refusal opened it
	refusal any           // the last one
	retryAt time.Time     // when the next trial request is due, unless one is out
	delay   time.Duration // before retryAt
	trials  trials
	doubt   doubt
	key     trialKey
	newKey  time.Time     // when the last key of the source came that was tried immediately
	newKeys int           // how many there were
	renewed time.Duration // the delay that began anew with the last one; 0 if there was none
	nextKey time.Time     // when a key of the source is to be tried that came too early for that; zero if there is none
	waiting waiting
	changed chan struct{} // closed at each change, and replaced
}

// trials are the trial requests of a circuit.
type trials struct {
	out      int
	last     time.Time // when the last one was sent
	failed   int
	lost     int  // in a row without a response
	outdated bool // the key has changed since the last one was sent
}

// waiting counts the calls that wait for a usable key.
type waiting struct {
	all   int
	fresh int // those that may be a trial request and have not been one
}

// newCircuit: Closed → Open. The first trial request is due at once.
func newCircuit(tripped time.Duration, refusal any, now time.Time) *circuit {
	return &circuit{state: Open, since: now, tripped: tripped, refusal: refusal, retryAt: now, changed: make(chan struct{})}
}

// notify wakes all who wait for the circuit.
func (c *circuit) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// dueAt returns when the call may become a trial request, if nothing changes.
func (c *circuit) dueAt(t *Turn) time.Time {
	at := c.retryAt
	if c.state == HalfOpen && !c.trials.outdated { // a new key waits for no trial of an old one
		free := c.trials.last.Add(t.stall(c.trials.out, c.trials.last))
		if !c.nextKey.IsZero() && c.nextKey.Before(free) {
			free = c.nextKey
		}
		if free.After(at) {
			at = free
		}
	}
	switch {
	case !t.call.Replayable && c.key == untriedKey && c.waiting.fresh == 0: // it may be the only call
	case !t.call.Replayable:
		at = at.Add(streamDelay)
	case t.failedTrial == c && c.waiting.fresh > 0: // others first: the refusal may be due to this call
		at = at.Add(c.delay)
	}
	return at
}

// stall returns how long a trial request that was sent at last may be without a response before
// this call may send another one: a quarter of the time that the call had then, or that its
// attempts may take, so that a trial request that hangs costs no call but its own. It is twice as
// long for each further one that is out.
func (t *Turn) stall(out int, last time.Time) time.Duration {
	stall := trialStall
	if end := t.end(); !end.IsZero() {
		stall = min(stall, end.Sub(last)/stallPart)
	}
	if t.call.AttemptTimeout > 0 {
		stall = min(stall, t.call.AttemptTimeout/stallPart)
	}
	return backoff.Exponential(max(stall, trialStallLeast), trialStall, out-1)
}

// tryTrial makes the call a trial request if one is due, and reports whether it did.
func (c *circuit) tryTrial(t *Turn, now time.Time) bool {
	switch {
	case !now.Before(c.dueAt(t)):
	case c.doubt == raisedDoubt && t.call.Replayable:
		c.doubt = settledDoubt
	default:
		return false
	}
	c.beginTrial(t, now)
	return true
}

// beginTrial: Open or HalfOpen → HalfOpen, with the call as a trial request.
func (c *circuit) beginTrial(t *Turn, now time.Time) {
	c.state = HalfOpen
	c.trials.out++
	c.trials.last = now
	if !c.nextKey.IsZero() && !now.Before(c.nextKey) {
		c.newKey = now
		c.newKeys++
	}
	c.nextKey, c.trials.outdated = time.Time{}, false // this one tries the current key
	t.trial, t.tryRefused, t.answered = c, c.trials.failed > 0, false
}

// trialEnd is how a trial request ended that did not close the circuit.
type trialEnd int

// The ends of a trial request.
const (
	trialRefused trialEnd = iota // the current key was refused
	trialStale                   // the key was refused that was current when it was sent
	trialLost                    // there was no response that says anything about the key
)

// trialFailed: HalfOpen → Open, unless another trial request is out. If the current key was
// refused, the next one is due after a longer delay of at least first; at once if the key has
// changed meanwhile, and if the response was lost, but that only once in a row.
func (c *circuit) trialFailed(end trialEnd, first time.Duration, now time.Time) {
	c.trials.out--
	c.trials.failed++
	if c.trials.out == 0 {
		c.state = Open
	}
	if end != trialLost {
		c.trials.lost = 0
	}
	switch {
	case c.trials.outdated: // keyChanged has made the next one due
		c.trials.outdated = c.state == HalfOpen
	case end == trialStale && (c.state == HalfOpen || c.retryAt.After(now)): // a later one tells of the current key
	case end != trialLost:
		c.key = refusedKey
		c.postpone(first, now)
		c.advance(now)
	case c.state == Open:
		c.trials.lost++
		if c.trials.lost == 1 {
			c.retryAt = now
			break
		}
		c.postpone(first, now)
		c.advance(now)
	}
	c.notify()
}

// postpone sets when the next trial request is due: after twice the last delay.
func (c *circuit) postpone(first time.Duration, now time.Time) {
	c.delay = backoff.Next(c.delay, first, trialLast)
	wait := c.delay
	if wait >= trialFirst { // so that replicas do not ask together
		wait = backoff.Jitter(wait, 1.0/8)
	}
	c.retryAt = now.Add(wait)
}

// advance makes the next trial request due when a key is to be tried that came too early, or at
// once if that time has passed while a trial request was out.
func (c *circuit) advance(now time.Time) {
	if c.nextKey.IsZero() {
		return
	}
	at := c.nextKey
	if at.Before(now) {
		at = now
	}
	if at.Before(c.retryAt) {
		c.retryAt = at
		c.notify()
	}
}

// keyChanged makes the next trial request due at once, for a new key.
func (c *circuit) keyChanged(now time.Time) {
	c.key = untriedKey
	c.trials.outdated = c.state == HalfOpen
	c.delay, c.retryAt = 0, now
	c.notify()
}

// question raises the doubt, once: an attempt was accepted that was sent after the refused
// one. Perhaps the refusal is due to that one call and not to the key; another call may
// find out.
func (c *circuit) question() {
	if c.doubt == noDoubt {
		c.doubt = raisedDoubt
		c.notify()
	}
}

// circuitState returns where the circuit of a set stands.
func (s *Set) circuitState() CircuitState {
	if s.circuit == nil {
		return Closed
	}
	return s.circuit.state
}

// trip: Closed → Open, because of a refused attempt. mu is held.
func (r *Ring) trip(a Attempt, why string) *circuit {
	c, set := newCircuit(a.Sent, a.Refusal, time.Now()), r.set.Load()
	if r.cfg.Wait == 0 && r.holds(set) {
		r.beginMoment(c)
	}
	r.publish(set.withCircuit(c))
	for leave := range r.onOpen {
		(*leave)()
	}
	clear(r.onOpen)
	r.events.record(Event{Kind: CircuitOpened, Generation: a.Key.Number, Fingerprint: a.Key.Fingerprint, Reason: why})
	return c
}

// reset: Open or HalfOpen → Closed. mu is held.
func (r *Ring) reset(why string) {
	set := r.set.Load()
	r.publish(set.withCircuit(nil))
	r.refusals.Store(0)
	close(set.circuit.changed)
	r.events.record(Event{Kind: CircuitClosed, Generation: set.current.Number, Fingerprint: set.current.Fingerprint, Reason: why})
}

// circuitRefused takes a refusal. If calls wait, the first refusal of the current key trips
// the circuit, and that call becomes the trial request, so that others are not refused as
// well; but not if the route of the call is known to be refused while others are not. Else
// twenty in a row trip it; if the source has offered another key meanwhile, that is tried at
// once. mu is held.
func (r *Ring) circuitRefused(t *Turn, inARow int) {
	set, a := r.set.Load(), t.last
	switch {
	case set.circuit != nil:
		set.circuit.refused(a, set.current.Fingerprint)
	case r.holdsAtOnce(set) && t.call.Replayable && a.Key.Fingerprint == set.current.Fingerprint && !t.isRouteDenied():
		c := r.trip(a, "the current key was refused: other calls wait for a working key")
		c.beginTrial(t, c.since)
		t.answered = true // by this refusal
		if a.Key.usage.accepted.Load() > a.Sent {
			c.question()
		}
	case inARow >= tripAfter:
		c, now := r.trip(a, fmt.Sprintf("%d refusals in a row: one call at a time tries", inARow)), time.Now()
		if set.current.isUntried() && set.current.Fingerprint == r.source.offered {
			c.keyOffered(r.holds(r.set.Load()), r.firstTrialDelay(), now)
		} else {
			c.postpone(r.firstTrialDelay(), now)
		}
	}
}

// circuitKeyChanged takes a new current key. A trial request tries it immediately, or, if it
// is from the source, not too soon after the one before. If calls do not wait, a key that
// somebody set by hand closes the circuit. mu is held.
func (r *Ring) circuitKeyChanged() {
	set, now := r.set.Load(), time.Now()
	switch c := set.circuit; {
	case c == nil:
	case set.current.Fingerprint == r.source.offered:
		c.keyOffered(r.holds(r.set.Load()), r.firstTrialDelay(), now)
	case r.holds(r.set.Load()):
		c.keyChanged(now)
	default:
		r.reset("another key is current")
	}
}

// keyOffered takes a new key of the source: at most one in newKeyEvery is tried before its
// time, and at most maxNewKeys are in all if calls do not wait. The delay begins anew with it,
// from first for the first key and from twice as much for each further one; after maxNewKeys it
// stays as it is.
func (c *circuit) keyOffered(waiting bool, first time.Duration, now time.Time) {
	soonest := c.newKey.Add(newKeyEvery)
	switch many := c.newKeys >= maxNewKeys; {
	case many && !waiting:
		c.key = refusedKey
	case soonest.After(now):
		c.key, c.nextKey = refusedKey, soonest
		c.advance(now)
	default:
		c.newKey, c.nextKey = now, time.Time{}
		c.newKeys++
		delay := c.delay
		if !many {
			delay, c.renewed = c.renewed, backoff.Next(c.renewed, first, trialLast)
		}
		c.keyChanged(now)
		c.delay = delay // the next one is longer
	}
}

// refused takes a refusal. The key that is current then is not to be tried before its time.
func (c *circuit) refused(a Attempt, current string) {
	c.refusal = a.Refusal
	if a.Key.Fingerprint == current {
		c.nextKey = time.Time{}
	}
}

func (r *Ring) firstTrialDelay() time.Duration {
	if r.holds(r.set.Load()) {
		return trialFirstWaiting
	}
	return trialFirst
}

// OnOpen calls leave when the circuit opens, immediately if it is not closed. leave must
// not block or call the ring. stop removes it.
func (r *Ring) OnOpen(leave func()) (stop func()) {
	entry := &leave
	r.locked(func() {
		if r.set.Load().circuit != nil {
			leave()
			return
		}
		r.onOpen[entry] = struct{}{}
	})
	return func() { r.locked(func() { delete(r.onOpen, entry) }) }
}
