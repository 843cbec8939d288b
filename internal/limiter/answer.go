package limiter

import (
	"cmp"
	"net/http"
	"time"
)

// This file applies the outcome of an attempt.

// defaultPause is the pause after a 429 without a hint if the caller has no backoff of its
// own.
const defaultPause = 250 * time.Millisecond

// leave ends an attempt. A second end of the same attempt does nothing.
func (l *limiter) leave(place int32, use uint32, o *Outcome, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	l.expire(now)
	a, ok := l.inFlight.remove(place, use)
	if !ok {
		return
	}
	if a.kind.isPilot() {
		l.recovery.pilotEnded(place)
	}
	switch {
	case o.Unsent:
		l.unsent(a, now)
	case o.Status == 0:
		l.lost(a, now)
	case o.Status == http.StatusTooManyRequests:
		l.latency = now - a.sent
		l.refused(a, *o, now)
	default:
		l.latency = now - a.sent
		l.passed(a, o, now)
	}
	if l.queue.n > 0 {
		l.dispatch(now)
	}
}

// unsent undoes an attempt that was let through but never sent.
func (l *limiter) unsent(a attempt, now time.Duration) {
	l.estimator.bucketUnsent()
	if a.overdue {
		l.estimator.window.log.remove(a.logged)
	}
	l.concurrency.giveBack()
	l.nothingHeard(a, now)
}

// lost ends an attempt without a response: it may have arrived, but nothing is learned from
// it.
func (l *limiter) lost(a attempt, now time.Duration) {
	if l.estimator.window.n > 0 && !a.overdue {
		l.estimator.window.log.push(now)
	}
	l.nothingHeard(a, now)
}

// nothingHeard ends what the attempt was to find out, without a result.
func (l *limiter) nothingHeard(a attempt, now time.Duration) {
	switch a.kind {
	case pilot, earlyPilot:
		l.recovery.pilotLost()
	case exploring:
		l.estimator.exploration.lost(now, l.estimator.window.per)
	case ordinary, earlyWindow:
	}
}

// passed applies a response that is no 429.
func (l *limiter) passed(a attempt, o *Outcome, now time.Duration) {
	e := &l.estimator
	if !a.overdue {
		e.window.log.push(now)
	}
	switch a.kind {
	case earlyPilot:
		e.pilotPassed(now)
		e.earlyPilotPassed(a.sent)
		l.concurrency.restart(2)
	case pilot:
		e.pilotPassed(now)
		if e.window.awaited {
			e.window.confirmed, e.window.awaited = true, false
			l.refuseHopeless(now)
		}
	case exploring:
		e.explorePassed(a, now)
	case earlyWindow:
	case ordinary:
		e.passedDuringCollision(a, now)
	}
	somebodyWaits := l.queue.n > 0
	e.bucketPassed(a, now, somebodyWaits)
	e.observe(o, now)
	l.concurrency.passed(somebodyWaits)
	if o.Wait > 0 && o.Status >= http.StatusBadRequest {
		l.concurrency.collided(l.inFlight.n)
		l.pause(o, now, false)
	}
}

// refused applies a 429.
func (l *limiter) refused(a attempt, o Outcome, now time.Duration) {
	e := &l.estimator
	if e.window.published && !a.overdue {
		e.window.log.push(now) // some servers count what they refuse
	}
	if o.Wait = max(o.Wait, o.Hint); o.Wait <= 0 {
		o.Wait = defaultPause
	}
	hint := cmp.Or(max(o.Hint, 0), o.Wait)
	if a.kind == exploring {
		e.exploration.out--
	}
	expected := e.window.confirmed && a.kind == exploring
	collided := e.refused(a, now, hint) && a.kind != exploring
	if collided {
		l.concurrency.collided(l.inFlight.n)
	}
	e.reported.zeros = 0
	e.observe(&o, now)
	l.pause(&o, now, expected)
	if collided {
		l.refuseHopeless(now)
	}
}

// pause stops all requests. Those that cannot wait for its end are refused now.
func (l *limiter) pause(o *Outcome, now time.Duration, expected bool) {
	if o.Cause != nil {
		l.cause = o.Cause
	}
	l.estimator.window.awaited = false
	l.recovery.pause(now+o.Wait, expected)
	for l.queue.nextGiveUp() < l.recovery.pauseEnd {
		l.turnAway(l.queue.byGiveUp.w[0], now, l.recovery.pauseEnd)
	}
}
