package limiter

import "time"

// recovery is the way back to normal after a pause: one trial request is sent first, and the
// others follow when it has passed.
//
//	open ── a pause ──► trialDue
//	open, trialIfFull ── a pause that exploration has caused ──► trialIfFull
//	trialDue, trialIfFull ── a request is sent ──► open; trial names it if it is a trial
//	open ── the trial is lost, or was never sent ──► the state that the last pause had led to
//
// While a trial is out, nobody is sent; a pause that begins meanwhile makes another one due.
type recovery struct {
	state      recoveryState
	afterPause recoveryState // the state that the last pause led to
	pauseEnd   time.Duration
	trial      int32 // the place of the trial in flight; 0 if none is out
}

type recoveryState uint8

const (
	open        recoveryState = iota // requests are sent as the limit allows
	trialDue                         // the next request goes alone
	trialIfFull                      // the next request goes alone, unless the window has room for it
)

func newRecovery() recovery { return recovery{afterPause: trialDue} }

// isPaused reports whether everybody has to wait for the end of the pause.
func (r *recovery) isPaused(now time.Duration) bool { return now < r.pauseEnd }

// needsTrial reports whether the next request must be a trial; full says that the window has
// no room for it.
func (r *recovery) needsTrial(full bool) bool {
	return r.state == trialDue || r.state == trialIfFull && full
}

// pause begins or prolongs a pause. It was expected if exploration has caused it in a window
// that is known to turn.
func (r *recovery) pause(end time.Duration, expected bool) {
	next := trialDue
	if expected && r.state != trialDue {
		next = trialIfFull
	}
	r.state, r.afterPause = next, next
	r.pauseEnd = max(r.pauseEnd, end)
}

// sent notes that a request is sent: a trial at the given place, or 0 for any other.
func (r *recovery) sent(trial int32) {
	r.state = open
	if trial != 0 {
		r.trial = trial
	}
}

// trialEnded notes that the request at this place is not out any more, or overdue.
func (r *recovery) trialEnded(place int32) {
	if r.trial == place {
		r.trial = 0
	}
}

// trialLost makes another trial due for one of which nothing was heard.
func (r *recovery) trialLost() { r.state = r.afterPause }
