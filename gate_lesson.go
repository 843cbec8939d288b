package keyfit

import "time"

// lesson is what the refusals have taught.
type lesson struct {
	ladder    bool          // the window was guessed longer and longer, because nothing passed
	tested    bool          // something has passed since; if the hint is wrong again, the long window is real
	was       time.Duration // the window from which the ladder was left again
	published bool          // the limit is known beforehand; a refusal can only lower it for a while
	per       time.Duration // the window that the last hint alone would suggest
	at        time.Duration // when the last collision was noticed; what flew then belongs to it
	clashed   int           // so many within the limit were refused, one soon after the other
	clashAt   time.Duration // the last of them
	forgetAt  time.Duration // when the limit is forgotten, unless it is met again before
}

const (
	forgetWindows = 64               // so many windows without a refusal,
	forgetAtLeast = 10 * time.Minute // or so long, and the lesson is forgotten
)

// rung returns the shortest usual window that is longer than d. The rungs are the windows
// that real limits have. A hint says only how much of a window is left, often rounded up,
// and often is a fixed number that means nothing; the next longer rung is the best guess at
// the whole, and no rung is much more than double the one before.
func rung(d time.Duration) time.Duration {
	for _, r := range [...]time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
		20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
		6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if r > d {
			return r
		}
	}
	return d
}

// slack is by how much the end of a window may be earlier than now plus hint: whole seconds
// are taken for rounded up, and the answer was on its way for some of the round trip.
func slack(hint, trip time.Duration) time.Duration {
	if hint >= time.Second && hint%time.Second == 0 {
		return time.Second
	}
	return min(trip, 50*time.Millisecond)
}

// refused learns from a 429 and says whether it was a collision of its own: the refusals of
// those that were in flight together are one.
func (w *window) refused(a attempt, now, hint time.Duration) bool {
	if a.sent <= w.lesson.at {
		return false
	}
	before := w.lesson.at
	w.lesson.at = now
	end := now + hint - slack(hint, now-a.sent) // the earliest end of the window that is full
	left := end - now                           // the least that is left of it
	passed := w.log.since(end - w.per)
	w.lesson.per = rung(left)
	switch {
	case w.pace.base > 0 && rung(left) <= w.pace.base:
		w.paceRefused(a, now, hint)
	case w.n > 0 && !w.lesson.published && rung(left) > w.per, w.n == 0:
		w.guess(end, rung(left))
		w.doubt, w.tries = 0, 0
	case w.showsFlow(a, passed, now, hint):
		n := w.n
		if a.kind == plain {
			n = max(1, min(n, passed, w.log.since(before)))
		}
		w.flows(n, now, hint)
		w.lesson.forgetAt = now + max(forgetAtLeast, forgetWindows*w.pace.base)
		return true
	case a.kind == beyond:
		w.n = w.probe.below(w.n, now)
	case a.kind == early: // it was room for a few, not a new window
		w.doubt, w.mark = now+forgetWindows*w.per, -1
	case a.kind == canary && w.trial: // the hint meant nothing, this time
		w.doubt = now + w.per/8<<w.tries
		w.tries = min(w.tries+1, 5)
		w.lesson.ladder = w.lesson.ladder && !w.lesson.tested
	case passed > 0:
		n := max(1, min(passed, w.n-1)) // lowered, or shared with somebody
		w.probe.met(w.n, n, now, w.per)
		w.n = n
	case w.lesson.published:
		w.n = max(1, w.n/2)
	default:
		// Nothing has passed in this window, and yet it is full: it is a longer one.
		w.climb(end, rung(max(left, end-w.lastPass())))
	}
	w.probe.refused(a.kind, w.n, now, w.per)
	w.lesson.forgetAt = now + max(forgetAtLeast, forgetWindows*w.per)
	return true
}

// guess takes per for the window and what passed in it for the limit.
func (w *window) guess(end, per time.Duration) {
	w.n, w.per, w.sure, w.turn = max(1, w.log.since(end-per)), per, false, false
	w.mark, w.pace = -1, pace{}
}

// climb takes a longer window, at once the one that was left too early before.
func (w *window) climb(end, per time.Duration) {
	w.lesson.ladder, w.lesson.tested = per > w.lesson.was, false
	w.guess(end, max(per, w.lesson.was))
}

func (w *window) lastPass() time.Duration {
	if w.log.n == 0 {
		return 0
	}
	return w.log.at(w.log.n - 1)
}

// passedBeside counts in what was in flight at the collision and passed after all.
func (w *window) passedBeside(a attempt, now time.Duration) {
	if w.n == 0 || w.pace.base > 0 || a.sent > w.lesson.at || now >= w.lesson.at+w.per {
		return
	}
	w.raise()
}

// climbed looks again whether the window is as long as that, now that something has passed.
func (w *window) climbed(now time.Duration) {
	if w.lesson.ladder && !w.lesson.tested {
		w.lesson.tested = true
		w.probe.next, w.doubt, w.tries = now, 0, 0
	}
}

// turnedEarly takes the end of a pause for the beginning of a window, since the canary has
// passed at sent. If the window was believed to be longer only because refusals went on, as
// they do in an outage, the hints are believed again.
func (w *window) turnedEarly(sent time.Duration) {
	w.mark, w.tries = sent-1, 0
	if w.lesson.per < w.per && w.lesson.ladder {
		w.lesson.was = w.per
		w.per, w.sure, w.lesson.ladder = w.lesson.per, false, false
	}
}

// forget drops a lesson that has not been confirmed for long.
func (w *window) forget() {
	w.n, w.lesson.forgetAt = w.top, never
	w.sure, w.turn, w.probe, w.pace = false, false, probe{}, pace{}
	w.lesson.ladder, w.lesson.was = false, 0
	w.mark, w.doubt, w.tries = -1, 0, 0
}
