package limiter

import "time"

// refusals is what 429s have shown.
type refusals struct {
	at       time.Duration // when the last collision was noticed; what was in flight then belongs to it; -1 if there was none
	hinted   time.Duration // the window that the last hint alone suggests
	forgetAt time.Duration // when the limit is forgotten, unless a collision confirms it before

	lengthened lengthening
	abandoned  time.Duration // the longer window that was given up again

	score   int           // how much refusals within the limit pile up
	scoreAt time.Duration // the last of them
}

// lengthening says whether the window was lengthened step by step, because nothing passed:
//
//	notLengthened ── refused, though nothing was sent in the window ──► lengthened
//	lengthened ── a pilot request passed ──► lengthenedTested
//	lengthenedTested ── an early pilot was refused: the long window is real ──► notLengthened
//	lengthened, lengthenedTested ── an early pilot passed: the hint is right ──► notLengthened
type lengthening uint8

const (
	notLengthened lengthening = iota
	lengthened
	lengthenedTested
)

const (
	forgetWindows = 64               // after this many windows without a refusal,
	forgetAtLeast = 10 * time.Minute // but not sooner than this, a learned limit is forgotten
)

// candidateWindow returns the shortest usual window that is longer than d. The candidates are
// the windows that real limits have. A hint says only how much of a window is left, often
// rounded up, and often is a fixed number that means nothing. The next longer candidate is
// the best guess at the whole, and none is much more than double the one before.
func candidateWindow(d time.Duration) time.Duration {
	for _, candidate := range [...]time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
		20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
		6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if candidate > d {
			return candidate
		}
	}
	return d
}

// slack is how much earlier than now plus hint the window may end: whole seconds are taken
// for rounded up, and the response was on its way for some of the round trip.
func slack(hint, roundTrip time.Duration) time.Duration {
	if hint >= time.Second && hint%time.Second == 0 {
		return time.Second
	}
	return min(roundTrip, 50*time.Millisecond)
}

// collision is a refusal that stands for all of those in flight together.
type collision struct {
	attempt attempt
	now     time.Duration
	hint    time.Duration
	end     time.Duration // the earliest end of the window that is full
	passed  int           // how many passed in the window before that
	before  time.Duration // when the collision before was noticed
}

// left is the least time that is left of the window.
func (col *collision) left() time.Duration { return col.end - col.now }

// diagnosis is what a collision means. They are listed in the order in which they are tried:
// the first whose condition holds is the diagnosis.
type diagnosis uint8

const (
	bucketTooFast   diagnosis = iota // a bucket is kept, and the hint is not longer than its window
	windowUnknown                    // no limit is known, or the hint is longer than the window of a learned one
	bucketFound                      // the pattern is that of a token bucket: see showsBucket
	exploredTooFar                   // the request was above the limit, as exploration is
	notANewWindow                    // an early window has room for a few, and is not the beginning of one
	pilotTooEarly                    // the early pilot was refused: the window had not turned
	limitLower                       // something passed in this window: the limit was lowered, or is shared
	publishedTooLow                  // nothing passed, and the limit is published: another program uses it up
	windowLonger                     // nothing passed in this window, and yet it is full
)

// diagnose returns what a collision means.
func (e *estimator) diagnose(c *collision) diagnosis {
	w, suggested := &e.window, candidateWindow(c.left())
	switch {
	case e.bucket.isKept() && suggested <= e.bucket.window:
		return bucketTooFast
	case w.n > 0 && !w.published && suggested > w.per, w.n == 0:
		return windowUnknown
	case e.showsBucket(c):
		return bucketFound
	case c.attempt.kind == exploring:
		return exploredTooFar
	case c.attempt.kind == earlyWindow:
		return notANewWindow
	case c.attempt.kind == earlyPilot:
		return pilotTooEarly
	case c.passed > 0:
		return limitLower
	case w.published:
		return publishedTooLow
	}
	return windowLonger
}

// refused learns from a 429, and reports whether it is a collision of its own: the refusals
// of requests that were in flight together are one.
func (e *estimator) refused(a attempt, now, hint time.Duration) bool {
	w, rf := &e.window, &e.refusals
	if a.sent <= rf.at {
		return false
	}
	c := collision{attempt: a, now: now, hint: hint, end: now + hint - slack(hint, now-a.sent), before: rf.at}
	c.passed = w.log.since(c.end - w.per)
	rf.at, rf.hinted = now, candidateWindow(c.left())
	switch e.diagnose(&c) {
	case bucketTooFast:
		e.bucketRefused(&c)
	case windowUnknown:
		e.guess(c.end, rf.hinted)
		w.noEarlyPilot, w.earlyRefused = 0, 0
	case bucketFound:
		e.keepBucket(&c)
		rf.forgetAt = now + max(forgetAtLeast, forgetWindows*e.bucket.window)
		return true
	case exploredTooFar:
		w.n = e.exploration.below(w.n, now)
	case notANewWindow:
		w.noEarlyPilot, w.began = now+forgetWindows*w.per, -1
	case pilotTooEarly:
		e.earlyPilotRefused(now)
	case limitLower:
		n := max(1, min(c.passed, w.n-1))
		e.exploration.justTooMany(w.n, n, now, w.per)
		w.n = n
	case publishedTooLow:
		w.n = max(1, w.n/2)
	case windowLonger:
		e.lengthen(c.end, candidateWindow(max(c.left(), c.end-w.log.newest())))
	}
	e.exploration.refused(a.kind, w.n, now, w.per)
	rf.forgetAt = now + max(forgetAtLeast, forgetWindows*w.per)
	return true
}

// guess takes per for the window, and what passed in it for the limit.
func (e *estimator) guess(end, per time.Duration) {
	w := &e.window
	w.n, w.per, w.confirmed, w.awaited = max(1, w.log.since(end-per)), per, false, false
	w.began, e.bucket = -1, bucket{}
}

// lengthen takes a longer window: at once the one that was given up too early before.
func (e *estimator) lengthen(end, per time.Duration) {
	rf := &e.refusals
	rf.lengthened = notLengthened
	if per > rf.abandoned {
		rf.lengthened = lengthened
	}
	e.guess(end, max(per, rf.abandoned))
}

// earlyPilotRefused puts off the next early pilot: the hint meant nothing this time.
func (e *estimator) earlyPilotRefused(now time.Duration) {
	w := &e.window
	w.noEarlyPilot = now + w.per/8<<w.earlyRefused
	w.earlyRefused = min(w.earlyRefused+1, 5)
	if e.refusals.lengthened == lengthenedTested {
		e.refusals.lengthened = notLengthened
	}
}
