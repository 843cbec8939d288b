package limiter

import "time"

// exploration sends requests above the learned limit, to find one that was raised: one from
// time to time, and while they pass, more and more. A step ends with a refusal, which is
// its cost, so steps become rarer while they gain nothing.
type exploration struct {
	left int           // how many more may be sent in this step
	step int           // how many the step has in all
	out  int           // how many of them are in flight
	next time.Duration // when the next step may begin

	fullSince time.Duration // since when the window is used up and no request in flight; -1 if it is not

	seeksBucket bool          // this step is to show whether there is a token bucket
	bucketSeen  bool          // it has shown one, unless the limit was raised: the next refusal decides
	passed      int           // how many of such a step have passed
	since       time.Duration // since this time

	gained       bool // some have passed since the last refusal
	gainedAtAll  bool // some have passed since the last refusal of a request within the limit
	fruitless    int  // refusals in a row before which hardly any had passed
	unchanged    int  // refusals in a row after which the limit was hardly another
	lastLimit    int  // the limit after the last refusal
	tooMany      int  // the lowest limit recently proved too high; 0 if unknown
	tooManyUntil time.Duration
}

const (
	bucketAfter   = 3           // after this many fruitless refusals a token bucket is looked for once
	rarestPower   = 2           // a step begins at least once in 1<<2 windows,
	rarestExplore = time.Minute // and once in this time where a window is not longer
)

// rest returns how long the limit is not explored after a refusal: one window, then two,
// then four.
func (x *exploration) rest(per time.Duration) time.Duration {
	return min(per<<x.unchanged, max(per, rarestExplore))
}

// seekBucketNext reports whether the next step shall find out whether there is a token
// bucket. If there is none and hints are rounded up, that costs a second, so it is done
// once.
func (e *estimator) seekBucketNext(now time.Duration) bool {
	x := &e.exploration
	return x.fruitless == bucketAfter && !x.gained && now >= e.bucket.nextStep && e.window.ceiling == 0
}

// exploreAt returns when a request above the limit may be sent: now, later, or never if
// something else must happen first. The right moment is when the window has just been used
// up, for a good while, and no request is in flight: a refusal could be that of a request
// in flight, and a hint in whole seconds costs least at the beginning of the wait. If that
// moment does not come for a whole window, as under a steady load, any moment will do.
func (e *estimator) exploreAt(now time.Duration, out int) time.Duration {
	x, w := &e.exploration, &e.window
	if w.n == 0 || w.n == w.ceiling || e.bucket.isKept() || x.left == 0 && x.out > 0 {
		return never
	}
	if e.seekBucketNext(now) {
		return e.seekBucketAt(now, out)
	}
	at := now
	if x.left == 0 {
		at = max(now, x.next)
	}
	if now < x.next+w.per {
		if out > x.out || x.left == 0 && w.turned(w.n-out) < now+w.per/4 {
			return never
		}
		if x.fullSince < 0 {
			x.fullSince = now
		}
		if at > x.fullSince+w.per/8 {
			return never
		}
	}
	if w.ceiling > 0 { // lowered for a while: the published limit holds all the same
		if out >= w.ceiling {
			return never
		}
		at = max(at, w.turned(w.ceiling-out))
	}
	return max(at, e.reported.until)
}

// exploreSent records a request above the limit that is sent.
func (e *estimator) exploreSent(now time.Duration) {
	x := &e.exploration
	if x.left == 0 {
		x.left, x.step = 1, 1
		x.seeksBucket, x.passed, x.since = e.seekBucketNext(now), 0, e.window.log.newest()
	}
	x.left--
	x.out++
}

// explorePassed records a request above the limit that passed: the limit is higher by one.
func (e *estimator) explorePassed(a attempt, now time.Duration) {
	x, w := &e.exploration, &e.window
	if x.seeksBucket {
		e.seekBucketPassed(a, now)
		return
	}
	w.raise()
	x.out--
	x.gained, x.gainedAtAll = true, true
	if x.left == 0 && x.out == 0 {
		x.step = min(2*x.step, max(1, w.n/8))
		x.left = x.step
		if w.ceiling > 0 {
			x.left = min(x.left, w.ceiling-w.n)
		}
	}
}

// lost ends the step after a request above the limit that got no response.
func (x *exploration) lost(now, per time.Duration) {
	x.out--
	x.left, x.seeksBucket = 0, false
	x.next = now + x.rest(per)
}

// refused ends the step after a collision; n is the limit that was learned from it.
func (x *exploration) refused(k attemptKind, n int, now, per time.Duration) {
	explored := k == exploring
	steady := x.lastLimit >= 32 && n <= x.lastLimit+x.lastLimit/16 && n >= x.lastLimit-x.lastLimit/8
	if !explored || x.gained && !steady {
		x.fruitless = 0
	} else {
		x.fruitless = min(x.fruitless+1, bucketAfter+1)
	}
	switch {
	case explored && (!x.gained || steady):
		x.unchanged = min(x.unchanged+1, rarestPower)
	case !steady:
		x.unchanged = 0
	}
	x.lastLimit = n
	x.left, x.seeksBucket, x.gained = 0, false, false
	x.gainedAtAll, x.bucketSeen = x.gainedAtAll && explored, x.bucketSeen && explored
	x.next = now + x.rest(per)
}

// lapse ends the step when there is room within the limit.
func (x *exploration) lapse() {
	x.fullSince = -1
	if x.out == 0 {
		x.left = 0
	}
}

// justTooMany records that the limit n was slightly too high: it is lowered to lowered.
func (x *exploration) justTooMany(n, lowered int, now, per time.Duration) {
	if n >= 32 && lowered >= n-n/8 {
		x.tooMany, x.tooManyUntil = n, now+forgetWindows*per
	}
}

// below returns the limit n after a refusal of a request above it.
func (x *exploration) below(n int, now time.Duration) int {
	if x.tooMany == 0 || now >= x.tooManyUntil || n < x.tooMany || n > x.tooMany+x.tooMany/16 {
		return n
	}
	return x.tooMany - 1
}
