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
	key       Key
	published Limit
	clock     clock.Clock

	mu          sync.Mutex
	inFlight    inFlight
	concurrency concurrency
	estimator   estimator
	recovery    recovery
	queue       queue
	timer       timer

	cause   any           // of the last refusal
	latency time.Duration // of the last round trip
	waits   histogram.Histogram
	used    time.Duration // the latest time that anything happened
	retired bool          // it was dropped from its [Keyed], and must not be used any more
}

func newLimiter(key Key, published Limit, c clock.Clock) *limiter {
	l := &limiter{key: key, published: published, clock: c, estimator: newEstimator(published), recovery: newRecovery()}
	if published.Requests > 0 {
		l.concurrency = concurrency{size: unbounded}
	} else {
		l.concurrency.restart(firstRound)
	}
	l.timer = newTimer(func() { l.wake(l.clock.Now()) })
	return l
}

// advance returns now, which was read before the lock was taken, as a time that never goes
// back.
func (l *limiter) advance(now time.Duration) time.Duration {
	l.used = max(l.used, now)
	return l.used
}

// decision is the result for a request that asks to be sent.
type decision uint8

const (
	mustWait       decision = iota
	granted                 // the permit is valid
	limiterRetired          // the limiter was dropped just now: its Keyed makes another
)

// tryEnter returns a permit if no request waits and there is room.
func (l *limiter) tryEnter(now time.Duration) (Permit, decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return Permit{}, limiterRetired
	}
	now = l.advance(now)
	l.expire(now)
	if l.queue.n > 0 {
		return Permit{}, mustWait
	}
	if at, _ := l.next(now); at > now {
		return Permit{}, mustWait
	}
	place, use := l.admit(now)
	return Permit{limiter: l, place: place, use: use}, granted
}

// next returns when the next request may be sent, now included, and what it waits for.
func (l *limiter) next(now time.Duration) (time.Duration, Reason) {
	e := &l.estimator
	if now >= e.refusals.forgetAt {
		l.forget()
	}
	if l.recovery.isPaused(now) {
		return l.recovery.pauseEnd, Paused
	}
	if l.recovery.pilot != 0 {
		return l.nextOverdue(), Paused
	}
	if at := l.room(now); at > now {
		e.window.awaited = true
		return min(at, l.nextOverdue()), WindowFull
	}
	if !l.concurrency.hasRoom(l.inFlight.n) {
		return l.nextOverdue(), Concurrency
	}
	return now, 0
}

// room returns when the limit has room for one request, including a pilot or exploration.
func (l *limiter) room(now time.Duration) time.Duration {
	e, out := &l.estimator, l.inFlight.n
	at := e.ready(now, out)
	switch {
	case at <= now:
		return now
	case l.recovery.state != open:
		return min(at, e.earlyPilotAt(now, out))
	}
	return min(at, e.exploreAt(now, out))
}

// forget drops a learned limit that has not been confirmed for long.
func (l *limiter) forget() {
	l.estimator.forget()
	l.cause = nil
	if l.estimator.window.n == 0 {
		l.concurrency.restart(firstRound)
	}
}

// admit counts a request that is sent now.
func (l *limiter) admit(now time.Duration) (place int32, use uint32) {
	e, out := &l.estimator, l.inFlight.n
	kind := l.kindOfNext(now)
	if kind == exploring {
		e.exploreSent(now)
	} else {
		e.exploration.lapse()
	}
	place, use = l.inFlight.add(now, kind)
	e.bucketSent(now, kind)
	if kind.isPilot() {
		l.recovery.sent(place)
	} else {
		l.recovery.sent(0)
	}
	l.concurrency.sent(out+1, now)
	return place, use
}

// kindOfNext returns the kind of the next attempt.
func (l *limiter) kindOfNext(now time.Duration) attemptKind {
	e, out := &l.estimator, l.inFlight.n
	w := &e.window
	full := e.ready(now, out) > now
	switch {
	case full && l.recovery.state == open:
		return exploring
	case l.recovery.needsPilot(full) && full:
		return earlyPilot
	case l.recovery.needsPilot(full), w.n > 0 && w.awaited && !w.isCertain():
		return pilot
	case e.sendsEarly(now, out):
		return earlyWindow
	}
	return ordinary
}

// nextOverdue returns when the oldest attempt in flight counts as arrived.
func (l *limiter) nextOverdue() time.Duration {
	if a := l.inFlight.oldest(); a != nil {
		return a.sent + l.estimator.window.lateAfter()
	}
	return never
}

// expire counts attempts as arrived that have been in flight for too long.
func (l *limiter) expire(now time.Duration) {
	e := &l.estimator
	for at := l.nextOverdue(); now >= at; at = l.nextOverdue() {
		a := l.inFlight.oldest()
		a.logged = e.window.log.push(at)
		switch a.kind {
		case pilot, earlyPilot:
			l.recovery.pilot, a.kind = 0, ordinary
		case exploring:
			e.exploration.lost(now, e.window.per)
			a.kind = ordinary
		case ordinary, earlyWindow:
		}
		l.inFlight.expireOldest()
	}
}

// retire ends the use of the limiter if it has not been used for the given time and has no
// state to keep.
func (l *limiter) retire(unusedFor time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if l.queue.n > 0 || !l.inFlight.isEmpty() || now < l.used+max(unusedFor, l.estimator.window.per) || l.recovery.isPaused(now) {
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
