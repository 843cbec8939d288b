package keyfit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// HoldCalls has a call that was refused with every key wait for a key that works, up to d
// in all and never past its own deadline, and has others wait with it instead of being
// refused one by one. At most holders calls wait at a time; 0 means 1,000. A call that
// waited in vain, or that is one too many, fails with an [*InvalidKeyError] that Is
// [ErrNoUsableKey].
//
// It is for the time between the end of the old key and the news of the new one. A hold
// that is longer than the caller's deadline is a lost call: that is for the order in which
// keys are rotated to prevent. Without HoldCalls such a call fails at once.
func HoldCalls(d time.Duration, holders int) KeyringOption {
	return func(k *Keyring) error {
		if d <= 0 || holders < 0 {
			return errors.New("HoldCalls wants a positive time, and zero or more calls")
		}
		k.hold, k.holders = d, holders
		setDefault(&k.holders, 1000)
		return nil
	}
}

const (
	// openAfter is how many refusals in a row, of any key, open the circuit of a ring that
	// does not hold calls.
	openAfter = 20
	// The time between two canaries grows from one to the other. Where calls are held they
	// wait for it, so it begins small.
	canaryFirst, canaryFirstHeld, canaryLast = time.Second, 20 * time.Millisecond, 15 * time.Second
	// A call that is refused with a key that others are served with tries again by itself.
	loneFirst = 100 * time.Millisecond
)

// circuit stands between the calls and a provider that refuses every key: one call at a
// time, the canary, tries what there is. All of it is guarded by the ring's mu.
type circuit struct {
	since    time.Time
	sent     int64         // when the attempt left whose refusal opened it
	out      int           // canaries
	turns    int           // canaries that came back in vain
	doubted  bool          // an attempt that left later was accepted
	extra    bool          // so one canary more may go, whoever is out
	space    time.Duration // between the last canary and the next
	next     time.Time     // when that may go
	news     bool          // the key changed while a canary was out
	holding  int
	refused  *APIError
	reworded chan struct{} // closed at each change, and replaced
}

func (c *circuit) tell() {
	close(c.reworded)
	c.reworded = make(chan struct{})
}

// doubt hears that an attempt was accepted that had left after the refused one: perhaps it
// is not the key that is wrong but that one call. Another call may try at once, once.
func (c *circuit) doubt() {
	if !c.doubted {
		c.doubted, c.extra = true, true
		c.tell()
	}
}

// mayTry reports whether a call may be a canary now, and makes it one.
func (c *circuit) mayTry(now time.Time) bool {
	due := c.out == 0 && !now.Before(c.next)
	if !due && !c.extra {
		return false
	}
	c.extra = c.extra && due
	c.out++
	return true
}

// open puts a circuit in place. k.mu is held.
func (k *Keyring) open(c *call, sent int64, why string) *circuit {
	now := time.Now()
	cc := &circuit{since: now, sent: sent, next: now, refused: c.answer, reworded: make(chan struct{})}
	changed := *k.set.Load()
	changed.circuit = cc
	k.set.Store(&changed)
	k.record(KeyEvent{Kind: CircuitOpen, Generation: c.key.gen, Fingerprint: c.key.fingerprint, Reason: why})
	return cc
}

// closeCircuit lets calls out freely again. k.mu is held.
func (k *Keyring) closeCircuit(why string) {
	changed := *k.set.Load()
	cc := changed.circuit
	changed.circuit = nil
	k.set.Store(&changed)
	k.refusals.Store(0)
	close(cc.reworded)
	k.record(KeyEvent{Kind: CircuitClosed, Generation: changed.current.gen, Fingerprint: changed.current.fingerprint, Reason: why})
}

// circuitHears takes a refusal. Where calls are held, the first one of the current key
// opens the circuit at once, with that call as its canary: the others need not meet the
// same. k.mu is held.
func (k *Keyring) circuitHears(c *call, sent int64, inARow int) {
	set := k.set.Load()
	switch {
	case set.circuit != nil:
		set.circuit.refused = c.answer
	case k.hold > 0 && c.replayable && c.key.fingerprint == set.current.fingerprint:
		cc := k.open(c, sent, "the current key was refused: other calls wait until it is known what works")
		cc.out, c.canary = 1, cc
		if c.key.use.goodSent.Load() > sent {
			cc.doubt()
		}
	case inARow >= openAfter:
		cc := k.open(c, sent, fmt.Sprintf("%d refusals in a row: one call at a time tries", inARow))
		k.postpone(cc)
	}
}

// circuitSees takes a new current key. Where calls are held, a canary tries it first. k.mu
// is held.
func (k *Keyring) circuitSees(set *keySet) {
	cc := set.circuit
	switch {
	case cc == nil:
	case k.hold == 0:
		k.closeCircuit("another key is current")
	default:
		cc.news, cc.space, cc.next = cc.out > 0, 0, time.Now()
		cc.tell()
	}
}

// postpone sets the time of the next canary. k.mu is held.
func (k *Keyring) postpone(cc *circuit) {
	least := canaryFirst
	if k.hold > 0 {
		least = canaryFirstHeld
	}
	cc.space = min(max(2*cc.space, least), canaryLast)
	cc.next = time.Now().Add(cc.space)
	if cc.space >= canaryFirst { // replicas do not ask together
		cc.next = cc.next.Add(-rand.N(cc.space / 8)) //nolint:gosec // jitter needs no secrecy
	}
}

// stepDown ends a call's turn as the canary, if it has one and it was in vain.
func (k *Keyring) stepDown(c *call) {
	cc := c.canary
	if cc == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c.canary, c.thorough = nil, false
	if k.set.Load().circuit != cc {
		return
	}
	cc.out--
	cc.turns++
	switch {
	case cc.out > 0:
	case cc.news:
		cc.news, cc.next = false, time.Now()
	default:
		k.postpone(cc)
	}
	cc.tell()
}

// admit lets a call go on if there is no circuit, makes it the canary if it is time for
// one, and else holds it or refuses it.
func (k *Keyring) admit(c *call) error {
	if k.set.Load().circuit == nil || c.canary != nil {
		return nil
	}
	return k.wait(c)
}

// outlast holds a call that was refused with every key until it is worth another try, and
// reports whether it is. sent is when its last attempt left.
func (k *Keyring) outlast(c *call, tried []string, sent int64) bool {
	k.stepDown(c)
	if k.hold == 0 {
		return false
	}
	fresh := func(set *keySet) bool { return !slices.Contains(tried, set.current.fingerprint) }
	k.mu.Lock()
	set := k.set.Load()
	if set.circuit == nil && !fresh(set) && set.current.use.goodSent.Load() <= sent {
		k.postpone(k.open(c, sent, "every key was refused: calls wait until one works"))
	}
	k.mu.Unlock()
	k.tell()
	if err := k.wait(c); err != nil {
		c.unusable = true
		return false
	}
	if c.canary != nil || fresh(k.set.Load()) {
		return true
	}
	c.alone++ // others are served with what this call was refused with
	pause := loneFirst << min(c.alone-1, 16)
	pause = pause/2 + rand.N(pause/2) //nolint:gosec // jitter needs no secrecy
	c.unusable = time.Now().Add(pause).After(c.heldUntil(k.hold))
	return !c.unusable && sleep(c, pause) == nil
}

// heldUntil is the end of a call's patience, which begins when it is first held.
func (c *call) heldUntil(hold time.Duration) time.Time {
	if c.patience.IsZero() {
		c.patience = time.Now().Add(hold)
	}
	return c.patience
}

// wait returns when the circuit is closed, or when the call is its canary. The error says
// why neither came.
func (k *Keyring) wait(c *call) error {
	asked := false
	for {
		k.mu.Lock()
		cc := k.set.Load().circuit
		if cc == nil {
			k.mu.Unlock()
			return nil
		}
		now := time.Now()
		if c.replayable && cc.mayTry(now) {
			c.canary, c.thorough = cc, cc.turns > 0
			k.mu.Unlock()
			return nil
		}
		if k.mayAsk(now) && !asked {
			refused := k.set.Load().current.fingerprint
			k.mu.Unlock()
			asked = k.hold == 0 // who is not held asks once
			k.reloadAfterRefusal(c, refused)
			continue
		}
		if err := k.mayHold(c, cc, now); err != nil {
			k.mu.Unlock()
			return err
		}
		until := c.heldUntil(k.hold)
		if cc.out == 0 && cc.next.Before(until) && c.replayable {
			until = cc.next
		}
		if at := k.inVain.next(); k.flight == nil && at.Before(until) {
			until = at // else the end of that flight is told
		}
		cc.holding++
		changed := cc.reworded
		k.mu.Unlock()
		err := sleepOr(c, time.Until(until), changed)
		k.mu.Lock()
		cc.holding--
		k.mu.Unlock()
		if err != nil {
			return k.interrupted(c, cc, err)
		}
	}
}

// mayHold says why a call must not wait any longer; nil if it may. k.mu is held.
func (k *Keyring) mayHold(c *call, cc *circuit, now time.Time) error {
	switch {
	case k.hold == 0:
		return k.unusable(c, cc, "not sent: the provider refuses every key", nil)
	case !now.Before(c.heldUntil(k.hold)):
		return k.unusable(c, cc, fmt.Sprintf("held for %s, and no key worked", k.hold), nil)
	case cc.holding >= k.holders:
		return k.unusable(c, cc, fmt.Sprintf("not held: %d calls wait for a key already", cc.holding), nil)
	}
	return nil
}

// interrupted is the error of a call whose context ended while it was held.
func (k *Keyring) interrupted(c *call, cc *circuit, cause error) error {
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unusable(c, cc, "held until its deadline, and no key worked", cause)
}

// unusable is the error of a call that the circuit keeps back: the provider's last refusal
// as this call's own. k.mu is held.
func (k *Keyring) unusable(c *call, cc *circuit, note string, cause error) error {
	base := APIError{}
	if cc.refused != nil {
		base = *cc.refused
	}
	base.Provider, base.Method, base.Path, base.Attempts = c.client.provider.Name, c.method, c.scrub().text(c.path), c.attempts
	base.Note = joinNotes(note, "since "+cc.since.UTC().Format(time.RFC3339))
	c.note = joinNotes(c.note, base.Note)
	return &InvalidKeyError{APIError: &base, Unusable: true, cause: cause}
}

// sleepOr waits for d, for changed or for the end of ctx, which alone is an error.
func sleepOr(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
	case <-changed:
	}
	return nil
}
