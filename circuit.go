package keyfit

import (
	"fmt"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
)

const (
	// openAfter is how many refusals in a row, of any key, open the circuit of a ring that
	// does not hold calls.
	openAfter = 20
	// The time between two canaries grows from one to the other. Where calls are held they
	// wait for it, so it begins small.
	canaryFirst, canaryFirstHeld, canaryLast = time.Second, 20 * time.Millisecond, 15 * time.Second
	// A canary that has no answer for so long may hang, and another one goes.
	canaryStall = 2 * time.Second
	// A body that can be sent only once is tried as a canary when no other call has come for
	// so long: else a program that sends no others would wait for ever.
	canaryStream = time.Second
	// Of the keys that a source offers while the circuit is open one in so long is tried at
	// once; a source that always has another one must not do away with the backoff.
	newsEvery = time.Second
)

// circuit stands between the calls and a provider that refuses every key: one call at a
// time, the canary, tries what there is. All of it is guarded by the ring's mu.
type circuit struct {
	since    time.Time
	sent     time.Duration // when the attempt left whose refusal opened it
	out      int           // canaries
	went     time.Time     // when the last of them did
	turns    int           // canaries that came back in vain
	doubted  bool          // an attempt that left later was accepted
	extra    bool          // so one canary more may go, whoever is out
	space    time.Duration // between the last canary and the next
	next     time.Time     // when that may go
	news     bool          // the key changed while a canary was out
	heard    time.Time     // when the last key came that was tried at once
	holding  int
	untried  int // of those, calls that could be a canary and have not been one
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

// turn is when a call may be a canary, as things stand.
func (c *circuit) turn(by *turn) time.Time {
	at := c.next
	if stalled := c.went.Add(canaryStall); c.out > 0 && stalled.After(at) {
		at = stalled
	}
	switch {
	case !by.replayable:
		at = at.Add(canaryStream)
	case by.vain == c && c.untried > 0: // others first: it may be that call, and not the key
		at = at.Add(c.space)
	}
	return at
}

// mayTry reports whether a call may be a canary now, and makes it one.
func (c *circuit) mayTry(by *turn, now time.Time) bool {
	due := !now.Before(c.turn(by))
	if !due && (!c.extra || !by.replayable) {
		return false
	}
	c.extra = c.extra && due
	c.out++
	c.went = now
	return true
}

// open puts a circuit in place. k.mu is held.
func (k *Keyring) open(c *turn, why string) *circuit {
	now := time.Now()
	cc := &circuit{since: now, sent: c.sent, next: now, refused: c.refusal, reworded: make(chan struct{})}
	changed := *k.set.Load()
	changed.circuit = cc
	k.publish(&changed)
	for _, leave := range k.inLine {
		leave()
	}
	clear(k.inLine)
	k.record(KeyEvent{Kind: CircuitOpen, Generation: c.key.gen, Fingerprint: c.key.fingerprint, Reason: why})
	return cc
}

// closeCircuit lets calls out freely again. k.mu is held.
func (k *Keyring) closeCircuit(why string) {
	changed := *k.set.Load()
	cc := changed.circuit
	changed.circuit = nil
	k.publish(&changed)
	k.refusals.Store(0)
	close(cc.reworded)
	k.record(KeyEvent{Kind: CircuitClosed, Generation: changed.current.gen, Fingerprint: changed.current.fingerprint, Reason: why})
}

// circuitHears takes a refusal. Where calls are held, the first one of the current key
// opens the circuit at once, with that call as its canary: the others need not meet the
// same. But not if this route is known to be refused while others are not. k.mu is held.
func (k *Keyring) circuitHears(c *turn, inARow int) {
	set := k.set.Load()
	switch {
	case set.circuit != nil:
		set.circuit.refused = c.refusal
	case k.hold > 0 && c.replayable && c.key.fingerprint == set.current.fingerprint && !k.isLone(c):
		cc := k.open(c, "the current key was refused: other calls wait until it is known what works")
		cc.out, cc.went, c.canary = 1, cc.since, cc
		if c.key.use.goodSent.Load() > c.sent {
			cc.doubt()
		}
	case inARow >= openAfter:
		cc := k.open(c, fmt.Sprintf("%d refusals in a row: one call at a time tries", inARow))
		k.postpone(cc)
	}
}

// circuitSees takes a new current key. Where calls are held, a canary tries it first, and at
// once: one from the source only if the last such one is a while ago. k.mu is held.
func (k *Keyring) circuitSees(set *keySet) {
	cc := set.circuit
	switch {
	case cc == nil:
	case k.hold == 0:
		k.closeCircuit("another key is current")
	case set.current.fingerprint == k.offer && time.Since(cc.heard) < newsEvery:
	default:
		cc.heard = time.Now()
		cc.news, cc.space, cc.next = cc.out > 0, 0, cc.heard
		cc.tell()
	}
}

// postpone sets the time of the next canary. k.mu is held.
func (k *Keyring) postpone(cc *circuit) {
	least := canaryFirst
	if k.hold > 0 {
		least = canaryFirstHeld
	}
	cc.space = backoff.Next(cc.space, least, canaryLast)
	wait := cc.space
	if wait >= canaryFirst { // replicas do not ask together
		wait = backoff.Jitter(wait, 1.0/8)
	}
	cc.next = time.Now().Add(wait)
}

// stepDown ends a call's turn as the canary, if it has one and it was in vain.
func (k *Keyring) stepDown(c *turn) {
	cc := c.canary
	if cc == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c.canary, c.thorough, c.vain = nil, false, cc
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
