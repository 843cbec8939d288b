package limiter

import "time"

// bucket is a token bucket that is kept in place of the window, if the server fills one
// whose burst is far smaller than what it gets in a second. It contains window.n requests,
// which may be sent at once, and gets one more in every interval of the window.
//
// The first refusal by such a server shows the burst only. bucketsearch.go recognises the
// steady flow behind it.
//
// The bucket counts requests when they are sent, not when their responses arrive: over a
// slow connection many are in flight at once, and a window would leave each place idle for
// a round trip. So requests arrive as evenly as the network allows, and the server's bucket
// absorbs the rest.
//
// The fill rate is doubled as long as no request is refused. After the first refusal it is
// raised in smaller steps, less and less often.
type bucket struct {
	window time.Duration // the window as it was learned; 0 if no bucket is kept
	fullAt time.Duration // when the bucket is full

	step      stepState
	before    time.Duration // window.per before the last change
	changedAt time.Duration // when that was
	passed    int           // requests sent since that have passed while somebody waited

	nextStep time.Duration // when the next step may be taken
	cost     time.Duration // how long the last refusal stopped all requests
	smaller  int           // the next step shortens window.per by a half in 1<<smaller
	fails    int           // failed steps, less successful ones
}

// stepState says how far the fill rate is proved:
//
//	settled ── a step is due and somebody waits ──► raised
//	raised, assumed ── enough have passed ──► settled
//	raised, assumed ── refused ──► settled, at a lower rate; or no bucket is kept any more
type stepState uint8

const (
	settled stepState = iota // the rate has proved right
	raised                   // the rate was raised, and has not proved right yet
	assumed                  // the rate is what the window had let through, and has not proved right yet
)

const (
	smallestStep  = 3  // the smallest step is a half in 1<<3
	rarestStep    = 5  // a step is taken at least once in 1<<5 windows as they were learned
	searchAgain   = 8  // windows until a bucket is looked for again, after there was none
	tooDearCosts  = 16 // a refusal is too expensive within 16 times what one costs,
	tooDearPassed = 50 // or within this many requests
)

// isKept reports whether the bucket is in force.
func (b *bucket) isKept() bool { return b.window > 0 }

// isProved reports whether the last step was right, in a bucket of n. A rate that is too
// high drains the bucket slowly, the more slowly the smaller the step was; and the step
// must hold for long enough to pay for a refusal.
func (b *bucket) isProved(n int, now time.Duration) bool {
	return b.passed >= 3*n<<b.smaller && now-b.changedAt >= b.cost<<b.smaller-b.cost
}

// failed makes the next step smaller and later.
func (b *bucket) failed() {
	b.fails, b.smaller = min(b.fails+1, rarestStep), min(b.smaller+1, smallestStep)
}

// bucketReady returns when the bucket has a token for the next request.
func (e *estimator) bucketReady() time.Duration {
	return e.bucket.fullAt - e.window.per + e.window.interval()
}

// drainBucket empties the bucket, except for one token at the given time.
func (e *estimator) drainBucket(at time.Duration) {
	e.bucket.fullAt = at + e.window.per - e.window.interval()
}

// bucketSent takes a token out of the bucket. A pilot request leaves it nearly empty.
func (e *estimator) bucketSent(now time.Duration, k attemptKind) {
	switch {
	case !e.bucket.isKept():
	case k.isPilot():
		e.drainBucket(now + e.window.interval())
	default:
		e.bucket.fullAt = max(e.bucket.fullAt, now) + e.window.interval()
	}
}

// bucketUnsent undoes bucketSent for a request that was never sent.
func (e *estimator) bucketUnsent() {
	if e.bucket.isKept() {
		e.bucket.fullAt -= e.window.interval()
	}
}

// keepBucket replaces the window by a bucket.
func (e *estimator) keepBucket(c *collision) {
	w, b := &e.window, &e.bucket
	n := w.n // how many may be sent at once
	if c.attempt.kind == ordinary {
		n = max(1, min(n, c.passed, w.log.since(c.before)))
	}
	*b = bucket{window: w.per, before: w.per, changedAt: c.now}
	if 5*n < 4*w.n { // four fifths of what passed in the window are more than a burst
		w.n, w.per = n, w.per/time.Duration(w.n)*5/4*time.Duration(n)
		b.step = assumed
	} else {
		w.n = n
		e.raiseRate(c.now)
	}
	e.exploration = exploration{fullSince: -1, out: e.exploration.out}
	w.began, w.confirmed = -1, true
	e.drainBucket(c.now + c.hint)
}

// raiseRate takes the next step.
func (e *estimator) raiseRate(now time.Duration) {
	w, b := &e.window, &e.bucket
	shorter := w.per - w.per>>(b.smaller+1)
	if shorter < time.Millisecond {
		b.nextStep = now + b.window<<rarestStep
		return
	}
	b.before, w.per = w.per, shorter
	b.changedAt, b.passed, b.step = now, 0, raised
}

// bucketPassed counts a request that passed. When the rate has proved right and requests
// wait, the next step is taken.
func (e *estimator) bucketPassed(a attempt, now time.Duration, somebodyWaits bool) {
	b := &e.bucket
	if !b.isKept() || a.sent < b.changedAt || !somebodyWaits {
		return
	}
	b.passed++
	if b.step != settled && b.isProved(e.window.n, now) {
		b.step = settled
		b.fails, b.smaller = max(0, b.fails-1), max(0, b.smaller-1)
	}
	if b.step == settled && now >= b.nextStep {
		e.raiseRate(now)
	}
}

// bucketRefused applies a collision: the last step was too large, the burst is too large,
// or the server's rate was lowered. A collision long after a step is chance: with network
// jitter a few requests arrive together, and a lower rate would cost more than the refusal.
func (e *estimator) bucketRefused(c *collision) {
	w, b := &e.window, &e.bucket
	b.nextStep, b.cost = c.now+b.window<<b.fails, c.now+c.hint-c.attempt.sent
	switch {
	case b.step == assumed: // search from the burst on
		w.per, b.nextStep = b.window, c.now
	case b.step == raised && b.before == b.window:
		e.dropBucket(c.now)
		return
	case b.step == raised:
		w.per = b.before
		b.failed()
	case b.passed < w.n:
		n := max(1, min(b.passed, w.n-w.n/4))
		w.n, w.per = n, w.interval()*time.Duration(n)
	case c.now-b.changedAt < tooDearCosts*b.cost || b.passed < tooDearPassed:
		w.per += w.per / 8
		b.failed()
	}
	if w.interval() > b.window {
		w.n = 1
		e.dropBucket(c.now)
		return
	}
	b.changedAt, b.passed, b.step = c.now, 0, settled
	e.drainBucket(c.now + c.hint)
}

// dropBucket goes back to the window as it was learned.
func (e *estimator) dropBucket(now time.Duration) {
	e.window.per, e.bucket = e.bucket.window, bucket{nextStep: now + searchAgain*e.bucket.window}
}
