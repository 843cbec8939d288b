package keyring

import (
	"fmt"
	"time"
)

// A key that was accepted before and is refused now has most likely been replaced, and the news is
// on its way. If calls need not wait longer ([Config].Wait), they wait a moment for it, which
// begins with the refusal that opens the circuit and ends for all calls at the same time. After
// it they fail as if there were none.

// vainFor is how long a key is remembered for which calls waited in vain. Some providers refuse a
// resource as others refuse a key, and must not make calls wait each time.
const vainFor = time.Hour

// maxMomentTries is how often a call that is refused with a key that serves others tries again in
// a moment.
const maxMomentTries = 3

// holds reports whether calls wait for a usable key: always, if they may wait long; otherwise in
// the moment after the first refusal. While the circuit is closed, it reports whether they would.
func (r *Ring) holds(set *Set) bool {
	switch {
	case r.cfg.Wait > 0:
		return true
	case r.cfg.Moment == 0:
		return false
	case set.circuit != nil:
		return set.circuit.held.Load()
	}
	return r.mayComeAnew(set)
}

// mayComeAnew reports whether a key that works is likely to come if the current one is refused: it,
// or the one before it, was accepted, and somebody watches the source, or it can have another key.
func (r *Ring) mayComeAnew(set *Set) bool {
	if set.current.Fixed && r.watchers.Load() == 0 {
		return false
	}
	p := set.usablePrevious(time.Now())
	return r.hasWorked(&set.current) || p != nil && r.hasWorked(p)
}

// hasWorked reports whether a key was accepted, and calls have not lately waited for another one in
// vain.
func (r *Ring) hasWorked(g *Generation) bool {
	vain := g.usage.vain.Load()
	return g.usage.accepted.Load() != 0 && (vain == 0 || r.clock.Now()-vain > vainFor)
}

// patience returns how long a call waits in all.
func (r *Ring) patience() time.Duration {
	if r.cfg.Wait > 0 {
		return r.cfg.Wait
	}
	return r.cfg.Moment
}

// inVain records that waiting for another key than the present ones did not help. mu is held.
func (r *Ring) inVain(set *Set) {
	now := r.clock.Now()
	set.current.usage.vain.Observe(now)
	if set.previous != nil {
		set.previous.usage.vain.Observe(now)
	}
}

// beginMoment: calls wait until the moment is over. mu is held.
func (r *Ring) beginMoment(c *circuit) {
	c.until = c.since.Add(r.cfg.Moment)
	c.held.Store(true)
}

// endMoment: if the moment is over, calls do not wait any more, and those that wait fail. The
// circuit closes, unless so many refusals have come that it would be open without a moment: a
// provider may have refused what one call asked for and not the key. mu is held.
func (r *Ring) endMoment(set *Set, now time.Time) {
	c := set.circuit
	if c == nil || c.until.IsZero() || now.Before(c.until) {
		return
	}
	c.until, c.vain = time.Time{}, true
	c.held.Store(false)
	r.inVain(set)
	if r.refusals.Load() >= tripAfter {
		c.delay, c.retryAt = 0, now
		c.notify()
		return
	}
	r.publish(set.withCircuit(nil))
	close(c.changed)
	r.events.record(Event{
		Kind: CircuitClosed, Generation: set.current.Number, Fingerprint: set.current.Fingerprint,
		Reason: fmt.Sprintf("no key worked for %s: calls do not wait any more", r.cfg.Moment),
	})
}

// holdsAtOnce reports whether the first refusal of the current key makes calls wait: in a moment
// not as long as the previous key serves. mu is held.
func (r *Ring) holdsAtOnce(set *Set) bool {
	return r.holds(set) && (r.cfg.Wait > 0 || !r.hasFallback(set))
}

// hasFallback reports whether the previous key serves the calls that are refused with the current
// one. mu is held.
func (r *Ring) hasFallback(set *Set) bool {
	p := set.usablePrevious(time.Now())
	return p != nil && p.usage.refusals.Load() == 0 && p.usage.accepted.Load() != 0
}

// heldInVain returns the error of a call that waited until the moment was over.
func (r *Ring) heldInVain(c *circuit, refusal any) error {
	return &DeniedError{Reason: fmt.Sprintf("held for up to %s, and no key worked", r.patience()), Since: c.since, Last: refusal}
}
