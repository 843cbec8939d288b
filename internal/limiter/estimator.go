package limiter

import "time"

// estimator is what is believed of the limit, and what it was learned from. Its parts learn
// from each other, so each rule that needs more than one of them is a method of the whole:
//
//	window       the limit that is kept, and the log of what was sent
//	reported     the remaining count of the headers
//	refusals     what 429s have taught (refusals.go)
//	exploration  requests above the learned limit, to find one that was raised (exploration.go)
//	bucket       the token bucket that is kept in place of the window (bucket.go)
type estimator struct {
	window      window
	reported    reported
	refusals    refusals
	exploration exploration
	bucket      bucket
}

// newEstimator returns the estimator of a published limit; the zero Limit has to be learned.
func newEstimator(published Limit) estimator {
	w := window{began: -1, log: sendLog{max: maxLog}}
	if published.Requests > 0 {
		w.n, w.per, w.ceiling, w.published = published.Requests, published.Per, published.Requests, true
		w.log.max = max(maxLog, published.Requests)
	}
	return estimator{window: w, refusals: refusals{at: -1, forgetAt: never}}
}

// ready returns when one more may be sent while out are in flight: now, later, or never if an
// answer has to come first.
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

// sendsEarly reports whether a request that is sent now is let through by an early window
// alone.
func (e *estimator) sendsEarly(now time.Duration, out int) bool {
	return e.window.n > 0 && !e.bucket.isKept() && e.window.isEarly(now, out)
}

// earlyTrialAt returns when an early trial is worth its risk: it takes the end of a pause for
// the beginning of a window, although by the log everybody would have to wait for a good deal
// longer. It is right where windows follow the clock and the program started in the middle of
// one.
func (e *estimator) earlyTrialAt(now time.Duration, out int) time.Duration {
	w := &e.window
	at := max(now, w.noEarlyTrial, e.reported.until)
	if w.n == 0 || w.published || e.bucket.isKept() || out > 0 || w.turned(w.n) <= at+w.per/16 {
		return never
	}
	return at
}

// earlyTrialPassed takes the early trial sent at the given time for the first request of a
// new window. If the window was believed to be longer only because refusals went on, as they
// do in an outage, the hints are believed again.
func (e *estimator) earlyTrialPassed(sent time.Duration) {
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

// trialPassed allows an early trial of a window that was lengthened, now that something has
// passed.
func (e *estimator) trialPassed(now time.Duration) {
	if e.refusals.lengthened != lengthened {
		return
	}
	e.refusals.lengthened = lengthenedTested
	e.exploration.next, e.window.noEarlyTrial, e.window.earlyRefused = now, 0, 0
}

// forget drops what was learned and has not been confirmed for long.
func (e *estimator) forget() {
	w := &e.window
	w.n, w.confirmed, w.awaited = w.ceiling, false, false
	w.began, w.noEarlyTrial, w.earlyRefused = -1, 0, 0
	e.exploration, e.bucket = exploration{}, bucket{}
	e.refusals.lengthened, e.refusals.abandoned, e.refusals.forgetAt = notLengthened, 0, never
}
