package limiter

import (
	"sync"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/histogram"
)

// limiter keeps the limit of one account. Everything below mu is guarded by it; it is held
// for a few comparisons, never over I/O or a callback.
//
// Methods that decide take the time as a parameter and read no clock.
type limiter struct {
	key   Key
	keyed *Keyed
	clock clock.Clock
	waits *tally

	mu      sync.Mutex
	retired bool          // it was dropped from its [Keyed], and must not be used any more
	used    time.Duration // the latest time that anything happened
	engine  engine        // what each request needs comes first in it,
	queue   queue         // and in the queue; so few cache lines are touched
	timer   timer
	cause   any           // of the last refusal
	news    chan struct{} // closed when a pause begins or becomes longer; nil if nobody wants to know
}

func newLimiter(key Key, k *Keyed, waits *tally) *limiter {
	l := &limiter{key: key, keyed: k, clock: k.clock, waits: waits, engine: newEngine(k.options.limitOf(key), k.options.MaxInFlight)}
	l.timer = newTimer(func() { l.wake(l.clock.Now()) })
	return l
}

// tally counts the waits of an account, and of its routes.
type tally struct {
	mu    sync.Mutex
	waits histogram.Histogram
}

func (ta *tally) add(d time.Duration) {
	ta.mu.Lock()
	defer ta.mu.Unlock()
	ta.waits.Add(d)
}

func (ta *tally) summary() histogram.Summary {
	ta.mu.Lock()
	defer ta.mu.Unlock()
	return ta.waits.Summary()
}

// advance makes a time that was read before the lock was taken one that never goes back.
func (l *limiter) advance(now time.Duration) time.Duration {
	l.used = max(l.used, now)
	return l.used
}

// decision is what becomes of a request that asks to be sent.
type decision uint8

const (
	mustWait       decision = iota
	granted                 // the permit is valid
	limiterRetired          // the limiter was dropped just now: its Keyed makes another
)

// tryEnter lets a request go if nobody waits and there is room.
func (l *limiter) tryEnter(now time.Duration) (Permit, decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return Permit{}, limiterRetired
	}
	now = l.advance(now)
	if l.queue.n > 0 {
		return Permit{}, mustWait
	}
	at, _, kind := l.engine.next(now)
	if at > now {
		return Permit{}, mustWait
	}
	place, use := l.engine.admit(now, kind)
	return Permit{limiter: l, place: place, use: use}, granted
}

// leave ends an attempt. A second end of the same attempt does nothing.
func (l *limiter) leave(place int32, use uint32, o *Outcome, now time.Duration) (keepsPlace bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	a := l.engine.inFlight.remove(place, use)
	if a == nil {
		return false
	}
	knewTheWay := l.engine.trips.mean > 0
	l.learn(a, o, now)
	if !knewTheWay && l.engine.trips.mean > 0 && l.engine.published.Requests > 0 {
		l.review(now)
	}
	if l.queue.n > 0 {
		l.expire(now)
		l.dispatch(now)
	}
	return l.engine.pause.dry <= 1
}

// learn takes what became of an attempt. Who waits is told of a longer pause, or refused
// because of it. l.mu is held.
func (l *limiter) learn(a *attempt, o *Outcome, now time.Duration) {
	if l.engine.leave(a, o, now) {
		if l.news != nil {
			close(l.news)
			l.news = nil
		}
		if o.Cause != nil {
			l.cause = o.Cause
		}
	}
	if l.queue.n > 0 {
		l.refuseHopeless(now)
	}
}

// learnOf takes the fault of an attempt that was sent then, but not through this limiter.
func (l *limiter) learnOf(sent time.Duration, o *Outcome, now time.Duration) decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return limiterRetired
	}
	l.learn(&attempt{sent: sent, with: 1}, o, l.advance(now))
	return granted
}

// sentAt returns when an attempt in flight was sent.
func (l *limiter) sentAt(place int32, use uint32) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &l.engine.inFlight.slab[place]
	return a.sent, a.use == use
}

func (l *limiter) soonest(now time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	return l.engine.foresee(now, 0) - now
}

// reset forgets all that was learned, pauses included; a published limit is kept.
func (l *limiter) reset(now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	l.engine.forget()
	l.cause = nil
	l.dispatch(now)
}

// An attempt that is out for much longer than usual holds nobody up any more.
const (
	overdueTrips = 8
	leastOverdue = time.Second
)

func (l *limiter) overdueAfter() time.Duration {
	return max(leastOverdue, overdueTrips*l.engine.trips.most())
}

// nextOverdue returns when the oldest attempt in flight becomes overdue.
func (l *limiter) nextOverdue() time.Duration {
	if l.engine.inFlight.n > 0 {
		return l.engine.inFlight.oldest().sent + l.overdueAfter()
	}
	return never
}

// expire lets overdue attempts no longer count as in flight. Only those who wait need it.
func (l *limiter) expire(now time.Duration) {
	for now >= l.nextOverdue() {
		l.engine.expire(now)
	}
}

// retire ends the use of the limiter if nobody has used it for the given time, and it has
// nothing to remember.
func (l *limiter) retire(unusedFor time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if l.queue.n > 0 || !l.engine.inFlight.isEmpty() || now < l.used+max(unusedFor, l.engine.published.Per) || !l.engine.pause.isOver(now) {
		return false
	}
	l.retired = true
	return true
}

func (l *limiter) isRetired() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.retired
}
