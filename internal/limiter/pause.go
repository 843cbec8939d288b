package limiter

import "time"

const (
	firstBackoff = 100 * time.Millisecond // the pause after a 429 without a hint;
	backoffs     = 5                      // it doubles so often while nothing passes
	honoured     = time.Minute            // a hint up to this is kept to the letter; a longer one is tried out
	maxFault     = 10 * time.Second       // the first pause for a 5xx that asks for more than that; it doubles
	faults       = 6                      // so often
	strayShows   = 4                      // passes of the same flight, sent later, that show a single refusal to be a stray
)

// pause is the time for which everybody stays away after a collision: a refusal of a request
// that was sent when no refusal was known. What was in flight then belongs to the same one.
//
// It lasts as long as the server asks for. In a pause of more than a minute a trial request
// goes out after a minute, and then ever more rarely; one that passes ends it. So does any
// good answer to a request that was sent after the refused one: the server lets in those who
// come later.
type pause struct {
	end     time.Duration
	began   time.Duration // with the answer that collided,
	sent    time.Duration // which was to a request sent then
	later   int           // passes of those in flight that were sent after it
	refused int           // of this collision
	dry     int           // collisions since something passed
	trialAt time.Duration // the next trial
	afresh  bool          // nothing has passed since it began that was sent later
}

func newPause() pause { return pause{began: -1, sent: -1} }

// concerns reports whether a good answer may tell something of the collision.
func (pa *pause) concerns(a *attempt, now time.Duration) bool {
	return pa.dry > 0 || pa.afresh || a.sent <= pa.began || now < pa.end
}

// isOver reports whether requests may be sent.
func (pa *pause) isOver(now time.Duration) bool { return now >= pa.end }

// next returns when a trial may be sent, or the pause's end.
func (pa *pause) next(out int) (at time.Duration, k attemptKind) {
	if out == 0 && pa.trialAt < pa.end {
		return pa.trialAt, trial
	}
	return pa.end, ordinary
}

// tried notes a trial that is sent now: the next one is as far away again.
func (pa *pause) tried(now time.Duration) { pa.trialAt = max(now+now-pa.began, pa.began+honoured) }

// foresee returns when anybody may be sent at the earliest: at any time as long as an answer is
// out that would end the pause, else with the next trial.
func (pa *pause) foresee(f *inFlight, t *trips, now time.Duration) time.Duration {
	if now >= pa.end || f.n > 0 && pa.isEndedBy(f.newest().sent, t) {
		return now
	}
	return max(now, min(pa.end, pa.trialAt))
}

// isEndedBy reports whether a good answer to a request that was sent then ends the pause: the
// server lets in those who come later than the refused one.
func (pa *pause) isEndedBy(sent time.Duration, t *trips) bool { return sent > pa.sent+t.spread(1) }

// isNews reports whether a refusal of the attempt begins a collision.
func (pa *pause) isNews(a *attempt) bool { return a.sent > pa.began }

// join takes another refusal of the same collision, and reports whether the pause becomes
// longer.
func (pa *pause) join(sent, hint time.Duration, isFault bool, now time.Duration) (longer bool) {
	pa.refused++
	pa.sent = max(pa.sent, sent)
	return pa.prolong(pa.bounded(hint, isFault), now)
}

// prolong keeps what a further refusal asks for.
func (pa *pause) prolong(wait, now time.Duration) (longer bool) {
	if wait <= 0 {
		return false
	}
	if pa.trialAt >= pa.began+honoured { // else it is our own doubt that is tried out
		pa.trialAt = max(pa.trialAt, now+min(wait, honoured))
	}
	longer = now+wait > pa.end
	pa.end = max(pa.end, now+wait)
	return longer
}

// bounded returns the pause for a hint: a fault that asks for more than a minute is tried out
// sooner.
func (pa *pause) bounded(hint time.Duration, isFault bool) time.Duration {
	if isFault && hint > honoured {
		return min(hint, maxFault<<min(max(0, pa.dry-1), faults))
	}
	return hint
}

// collide begins a collision, and returns the pause that it takes.
func (pa *pause) collide(a *attempt, hint time.Duration, isFault bool, now time.Duration) time.Duration {
	pa.began, pa.sent, pa.later, pa.refused = now, a.sent, 0, 1
	pa.dry++
	pa.afresh = true
	wait := hint
	if wait <= 0 {
		wait = firstBackoff << min(pa.dry-1, backoffs)
	}
	return pa.bounded(wait, isFault)
}

// stay pauses for wait; only a longer pause than honoured has a trial.
func (pa *pause) stay(wait, now time.Duration) {
	pa.end, pa.trialAt = max(pa.end, now+wait), now+honoured
}

// trialFailed takes the refusal of a trial, and reports whether the pause becomes longer.
func (pa *pause) trialFailed(hint time.Duration, isFault bool, now time.Duration) (longer bool) {
	return pa.prolong(pa.bounded(hint, isFault), now)
}

// outweighed takes a good answer, and reports whether more of those in flight have passed that
// were sent after the refused one than were refused: then it was none of the limit.
func (pa *pause) outweighed(a *attempt, t *trips) bool {
	if a.kind == trial || a.sent > pa.began || !pa.isEndedBy(a.sent, t) {
		return false
	}
	pa.later++
	return pa.later > pa.refused
}

// passed takes a good answer, which may end the pause. It reports whether a trial did so in the
// first quarter: then the refusal was a stray.
func (pa *pause) passed(a *attempt, now time.Duration, t *trips) (wasStray bool) {
	pa.dry = 0
	if now >= pa.end || a.kind != trial && !pa.isEndedBy(a.sent, t) {
		return false
	}
	wasStray = a.kind == trial && a.sent-pa.began < (pa.end-pa.began)/4
	pa.end = now
	return wasStray
}
