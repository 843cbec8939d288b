package limiter

import "time"

// estimator is what is known or assumed of the limit, and what that was learned from. Its
// parts depend on each other, so each rule that needs more than one of them is a method of
// the whole:
//
//	window       the limit that is kept, and the log of what was sent
//	reported     the remaining count of the headers
//	refusals     what 429s have shown (refusals.go)
//	exploration  requests above the learned limit, to find one that was raised (exploration.go)
//	bucket       the token bucket that is kept in place of the window (bucket.go)
type estimator struct {
	window      window
	reported    reported
	refusals    refusals
	exploration exploration
	bucket      bucket
}

// newEstimator returns the estimator of a published limit; the zero Limit must be learned.
func newEstimator(published Limit) estimator {
	w := window{began: -1, log: sendLog{max: maxLog}}
	if published.Requests > 0 {
		w.n, w.per, w.ceiling, w.published = published.Requests, published.Per, published.Requests, true
		w.log.max = max(maxLog, published.Requests)
	}
	return estimator{window: w, refusals: refusals{at: -1, forgetAt: never}}
}

// ready returns when one more request may be sent while out are in flight: now, later, or
// never if a response must come first.
func (e *estimator) ready(now time.Duration, out int) time.Duration {
	w := &e.window
	at := e.reported.blocks(now, out)
	if w.n == 0 {
		return at
	}
	if e.bucket.isKept() {
		return max(at, e.bucketReady())
	}
	free := w.n - out
	if free <= 0 {
		return never
	}
	return max(at, w.turned(free))
}

// foresee returns when, at the earliest, a request may be sent that has out in flight and
// ahead waiting before it; start is when the first of those can be sent.
func (e *estimator) foresee(start time.Duration, out, ahead int) time.Duration {
	w := &e.window
	start = e.reported.blocks(start, out+ahead)
	if w.n == 0 || !w.isCertain() {
		return start
	}
	if e.bucket.isKept() {
		return max(start, e.bucketReady()+time.Duration(ahead)*w.interval())
	}
	free := w.n - out - ahead
	turns := 0
	if free <= 0 {
		turns = -free/w.n + 1
		free += turns * w.n
	}
	return max(start, w.turned(free)) + time.Duration(turns)*w.per
}

// sendsEarly reports whether a request that is sent now is only allowed by an early window.
func (e *estimator) sendsEarly(now time.Duration, out int) bool {
	return e.window.n > 0 && !e.bucket.isKept() && e.window.isEarly(now, out)
}

// earlyPilotAt returns when an early pilot is worth its risk. It assumes that the end of a
// pause is the start of a window, although by the log all requests would have to wait much
// longer. That is right if windows follow the clock and the program started in the middle
// of one.
func (e *estimator) earlyPilotAt(now time.Duration, out int) time.Duration {
	w := &e.window
	at := max(now, w.noEarlyPilot, e.reported.until)
	if w.n == 0 || w.published || e.bucket.isKept() || out > 0 || w.turned(w.n) <= at+w.per/16 {
		return never
	}
	return at
}

// earlyPilotPassed takes the early pilot sent at the given time for the first request of a
// new window. If the window was believed to be longer only because refusals went on, as they
// do in an outage, the hints are believed again.
func (e *estimator) earlyPilotPassed(sent time.Duration) {
	w, rf := &e.window, &e.refusals
	w.began, w.earlyRefused = sent-1, 0
	if rf.hinted < w.per && rf.lengthened != notLengthened {
		rf.abandoned = w.per
		w.per, w.confirmed, rf.lengthened = rf.hinted, false, notLengthened
	}
}

// passedDuringCollision raises the limit by a request that was in flight at the collision and
// passed all the same.
func (e *estimator) passedDuringCollision(a attempt, now time.Duration) {
	w := &e.window
	if w.n == 0 || e.bucket.isKept() || a.sent > e.refusals.at || now >= e.refusals.at+w.per {
		return
	}
	w.raise()
}

// pilotPassed allows an early pilot of a window that was lengthened, now that something has
// passed.
func (e *estimator) pilotPassed(now time.Duration) {
	if e.refusals.lengthened != lengthened {
		return
	}
	e.refusals.lengthened = lengthenedTested
	e.exploration.next, e.window.noEarlyPilot, e.window.earlyRefused = now, 0, 0
}

// forget drops what was learned and has not been confirmed for long.
func (e *estimator) forget() {
	w := &e.window
	w.n, w.confirmed, w.awaited = w.ceiling, false, false
	w.began, w.noEarlyPilot, w.earlyRefused = -1, 0, 0
	e.exploration, e.bucket = exploration{}, bucket{}
	e.refusals.lengthened, e.refusals.abandoned, e.refusals.forgetAt = notLengthened, 0, never
}
