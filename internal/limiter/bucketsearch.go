package limiter

import "time"

// This file recognises a token bucket behind what was learned as a window: soon after a
// burst more requests pass than the limit explains, or the limit stops being right although
// the server has not lowered it.

// seekBucketAt returns when a request above the limit may be sent to find out whether there
// is a bucket: soon after the last request of a burst. By then a bucket has some tokens;
// and if there is none, a hint in whole seconds costs little so early in the window.
func (e *estimator) seekBucketAt(now time.Duration, out int) time.Duration {
	x, w := &e.exploration, &e.window
	soon := w.log.newest() + w.per/32
	if x.seeksBucket && x.left > 0 {
		return max(now, e.reported.until)
	}
	if out > 0 || x.out > 0 || w.log.n == 0 || now > soon+w.per/8 {
		return never
	}
	return max(now, x.next, soon, e.reported.until)
}

// seekBucketPassed counts a request that passed soon after a burst.
func (e *estimator) seekBucketPassed(a attempt, now time.Duration) {
	x, w := &e.exploration, &e.window
	x.out--
	x.passed++
	if x.left > 0 || x.out > 0 {
		return
	}
	switch {
	case x.passed >= e.bucketProof(a.sent-x.since):
		*x = exploration{fullSince: -1, bucketSeen: true}
	case a.sent > x.since+w.per/4: // too slow to tell
		x.refused(exploring, w.n, now, w.per)
	default:
		x.step = min(2*x.step, max(2, w.n/32), w.n)
		x.left = x.step
	}
}

// showsBucket reports whether a collision shows a token bucket:
//
//   - within the limit: when such refusals pile up, or when far fewer have passed than were
//     let in before, one by one above the limit or soon after a burst;
//   - in an early window: when more have passed in it than the limit explains, although it
//     is no new window;
//   - above the limit: when some have passed soon after a burst, although one sent at once
//     after it was refused.
func (e *estimator) showsBucket(c *collision) bool {
	w, x := &e.window, &e.exploration
	if w.ceiling > 0 || c.now < e.bucket.nextStep {
		return false
	}
	switch c.attempt.kind {
	case ordinary:
		// If about as many have passed as ever and there is no room again before the window
		// turns, the limit may be shared with somebody.
		notShared := c.passed > 0 && (8*c.passed <= 7*w.n || c.hint < w.interval())
		return notShared && (e.refusals.pileUp(c.now, w.per) || x.bucketSeen || x.gainedAtAll && c.passed < w.n/2)
	case earlyWindow:
		n := w.log.since(w.began)
		return n > 0 && n < w.log.n && n >= e.bucketProof(c.attempt.sent-w.log.at(w.log.n-n-1))
	case exploring:
		return x.bucketSeen && !x.gainedAtAll
	case pilot, earlyPilot:
	}
	return false
}

// pileUp counts a refusal within the limit and reports whether such refusals pile up. A
// limit that was lowered causes one more at most, and not in the same window.
func (rf *refusals) pileUp(now, per time.Duration) bool {
	switch last := now - rf.scoreAt; {
	case last < per:
		rf.score += 2
	case last < 4*per:
		rf.score++
	default:
		rf.score = 1
	}
	rf.scoreAt = now
	return rf.score >= 3
}

// bucketProof returns how many requests must pass within d of a burst to show that there is
// a bucket: half as many again as a bucket would get that is filled once in the window.
func (e *estimator) bucketProof(d time.Duration) int {
	w := &e.window
	want := int(int64(w.n) * 3 * int64(d) / (2 * int64(w.per)))
	if w.n >= 4 {
		want++ // a part of one may have been left over
	}
	return max(1, want)
}
