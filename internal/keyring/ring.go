package keyring

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/singleflight"
)

// Config configures a ring. Ask is required.
type Config struct {
	// Ask asks the source for everything that it knows, checked; Current must be set.
	// refused is the fingerprint of the key whose refusal is the reason; "" if there is
	// another reason.
	Ask func(ctx context.Context, refused string) (Versions, error)
	// Local says that the source reads a place on this machine. It may be asked often, and
	// a new key is believed after two equal reads, because somebody may be writing to the
	// place.
	Local bool
	// Probe asks the provider whether it accepts a key. refused says that an error is the
	// provider's refusal; any other error says nothing about the key. If Probe is nil,
	// calls try the candidates.
	Probe func(ctx context.Context, k Key) (refused bool, err error)
	// Event is called with each event, in order and not concurrently; nil if there is no
	// listener.
	Event func(Event)

	GracePeriod time.Duration // how long a replaced key stays usable; 0 is not at all
	DrainTime   time.Duration // how long a replaced key must be idle to be safe to revoke
	RotateEvery time.Duration // how old a key may be whose end is not known; 0 for any age
	Wait        time.Duration // how long a call may wait for a key that works; 0 is not at all, but for Moment
	Moment      time.Duration // how long calls wait after the first refusal of a key that was accepted before; see [Ring.holds]
	MaxWaiting  int           // how many calls may wait at a time
}

// Ring holds the keys of one account. [New] makes one; all methods are safe for concurrent
// use.
type Ring struct {
	cfg      Config
	clock    clock.Clock
	seed     maphash.Seed
	set      atomic.Pointer[Set]
	refusals atomic.Int32 // in a row, of any key
	watchers atomic.Int32 // how many watch the source
	lookAt   atomic.Int64 // when an attempt looks at the life of the current key, by the ring's clock
	events   outbox

	mu           sync.Mutex
	source       source
	verification *singleflight.Flight[verification] // the verification in progress; nil if there is none
	rejections   map[string]*rejection              // by fingerprint
	promoted     chan struct{}                      // closed when another key becomes current, and replaced
	onOpen       map[*func()]struct{}               // called when the circuit opens
	draining     []draining
	told         map[string]*lifeNotice // by fingerprint
	notice       notice
	maintenance  *time.Timer
}

// New returns a ring whose current key is that of first, which the source has returned.
func New(cfg Config, first Versions) *Ring {
	r := &Ring{cfg: cfg, clock: clock.Start(), seed: maphash.MakeSeed(), promoted: make(chan struct{}), rejections: make(map[string]*rejection), told: make(map[string]*lifeNotice), onOpen: make(map[*func()]struct{})}
	r.events.report = cfg.Event
	r.change(func() {
		current := newGeneration(first.Current)
		current.Number = 1
		r.source.offered, r.source.answered = current.Fingerprint, current.Since
		r.publish(&Set{current: current})
		r.events.record(Event{Kind: KeyPromoted, Generation: 1, Fingerprint: current.Fingerprint, Reason: "first key"})
		r.takeOthers(first)
		r.checkLife()
	})
	return r
}

// Load returns the set as it is now.
func (r *Ring) Load() *Set { return r.set.Load() }

// Clock returns the ring's clock, which measures when attempts leave.
func (r *Ring) Clock() clock.Clock { return r.clock }

// CanWait reports whether calls wait for a usable key, as things are now.
func (r *Ring) CanWait() bool { return r.holds(r.set.Load()) }

// GracePeriod returns how long a replaced key is held, unless a rotation says otherwise.
func (r *Ring) GracePeriod() time.Duration { return r.cfg.GracePeriod }

// Keys returns every key that the ring holds or has held lately, the current one first.
func (r *Ring) Keys() []Key { return r.set.Load().keys() }

// Route identifies what a call requests; it is never 0.
func (r *Ring) Route(method, path string) uint64 {
	route := maphash.String(r.seed, path)
	if method != "" && method != "GET" {
		route ^= maphash.String(r.seed, method)
	}
	return max(route, 1)
}

// Accepted takes a response that proves a key. The attempt was sent at the given time by
// the ring's clock, and succeeded on route, which is 0 if it did not succeed. Accepted
// takes no lock. If it returns false, the ring is not at rest, and the call's
// [Turn.Accepted] must follow.
func (r *Ring) Accepted(g *Generation, sent time.Duration, route uint64) (done bool) {
	g.usage.accept(sent, route)
	if r.refusals.Load() != 0 {
		r.refusals.Store(0)
	}
	return r.set.Load().atRest
}

// Rotate makes k current for every attempt from now on. If probe is not nil, it tests k
// first. The replaced key stays usable for grace. An error leaves the ring unchanged. What
// the source has offered before does not undo a rotation; only a key that it newly offers
// does.
func (r *Ring) Rotate(ctx context.Context, k Key, grace time.Duration, probe func(context.Context, Key) error) error {
	if probe != nil {
		if err := probe(ctx, k); err != nil {
			r.change(func() {
				r.events.record(Event{Kind: KeyRejected, Fingerprint: k.Fingerprint, Reason: "not verified: " + oneline.Text(err.Error(), maxReason)})
			})
			return fmt.Errorf("the new key %s was not verified, the old one stays: %w", k.Fingerprint, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.change(func() {
		delete(r.rejections, k.Fingerprint)
		if r.promote(newGeneration(k), grace, KeyPromoted, "rotated") {
			r.discard("the ring was rotated by hand")
		}
	})
	return nil
}

// Rollback makes the previous key current again. It is an error if there is none.
func (r *Ring) Rollback() (err error) {
	r.change(func() {
		p := r.set.Load().usablePrevious(time.Now())
		if p == nil {
			err = errors.New("there is no previous key to go back to")
			return
		}
		r.promote(*p, r.cfg.GracePeriod, KeyRollback, "rolled back")
		r.discard("the ring was rolled back by hand")
	})
	return err
}

// Report reports an event that the engine cannot know of, in order with its own.
func (r *Ring) Report(e Event) { r.change(func() { r.events.record(e) }) }

// change runs f under mu, and then reports the events that f recorded.
func (r *Ring) change(f func()) {
	r.locked(f)
	r.events.deliver()
}

func (r *Ring) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// publish makes a set the state of the ring. The set must not change from here on. mu is
// held.
func (r *Ring) publish(s *Set) {
	s.atRest = s.circuit == nil && !s.isPreferred() && (s.candidate == nil || s.candidate.retryAt.IsZero())
	r.set.Store(s)
}

// promote makes next current, and reports false if it was current already. mu is held.
func (r *Ring) promote(next Generation, grace time.Duration, kind EventKind, reason string) bool {
	old, now := r.set.Load(), time.Now()
	if old.current.Fingerprint == next.Fingerprint {
		return false
	}
	next.usage = old.usageOf(next)
	if old.current.usage.refusals.Load() > 0 {
		r.reject(&old.current, probeRetryFirst, probeRetryLast)
	}
	set := old.promote(next, r.usableUntil(&old.current, grace), now)
	if p := old.usablePrevious(now); p != nil && grace > 0 && p.Fingerprint != next.Fingerprint && p.worksBetterThan(&old.current) {
		set = set.hold(*p, old.previous.until) // a key that was refused is no fallback, and this one is
	}
	r.publish(set)
	r.events.record(Event{Kind: kind, Generation: set.current.Number, Fingerprint: next.Fingerprint, Previous: old.current.Fingerprint, Reason: reason})
	r.drain(old.current, &set.current)
	r.circuitKeyChanged()
	r.checkLife()
	close(r.promoted)
	r.promoted = make(chan struct{})
	return true
}

// usableUntil returns until when a key stays usable that is replaced now: for the grace
// period, and not beyond its expiry. An expiry that has passed does not count if the
// provider has accepted the key since: then the date is wrong, or our clock. mu is held.
func (r *Ring) usableUntil(g *Generation, grace time.Duration) time.Time {
	until := time.Now().Add(grace)
	if g.Expires.IsZero() || g.Expires.After(until) || r.clock.Time(g.usage.accepted.Load()).After(g.Expires) {
		return until
	}
	return g.Expires
}

// discard drops the candidate, unless the source only prepares it. mu is held.
func (r *Ring) discard(why string) {
	set := r.set.Load()
	if set.candidate == nil || set.candidate.prepared {
		return
	}
	r.events.record(Event{Kind: KeyRetired, Fingerprint: set.candidate.Fingerprint, Previous: set.current.Fingerprint, Reason: why})
	r.publish(set.discard())
}
