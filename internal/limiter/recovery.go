package limiter

import "time"

// recovery is the way back to normal after a pause: one pilot request is sent first, and the
// others follow when it has passed.
//
//	open ── a pause ──► pilotDue
//	open, pilotIfFull ── a pause that exploration has caused ──► pilotIfFull
//	pilotDue, pilotIfFull ── a request is sent ──► open; pilot names it if it is a pilot
//	open ── the pilot is lost, or was never sent ──► the state that the last pause had led to
//
// While a pilot is in flight, no request is sent; a new pause makes another one due.
type recovery struct {
	state      recoveryState
	afterPause recoveryState // the state that the last pause led to
	pauseEnd   time.Duration
	pilot      int32 // the place of the pilot in flight; 0 if none is out
}

type recoveryState uint8

const (
	open        recoveryState = iota // requests are sent as the limit allows
	pilotDue                         // the next request is a pilot
	pilotIfFull                      // the next request is a pilot, unless the window has room for it
)

func newRecovery() recovery { return recovery{afterPause: pilotDue} }

// isPaused reports whether all requests wait for the end of the pause.
func (r *recovery) isPaused(now time.Duration) bool { return now < r.pauseEnd }

// needsPilot reports whether the next request must be a pilot; full says that the window has
// no room for it.
func (r *recovery) needsPilot(full bool) bool {
	return r.state == pilotDue || r.state == pilotIfFull && full
}

// pause begins or prolongs a pause. It was expected if exploration has caused it in a window
// that is known to turn.
func (r *recovery) pause(end time.Duration, expected bool) {
	next := pilotDue
	if expected && r.state != pilotDue {
		next = pilotIfFull
	}
	r.state, r.afterPause = next, next
	r.pauseEnd = max(r.pauseEnd, end)
}

// sent notes that a request is sent: a pilot at the given place, or 0 for any other.
func (r *recovery) sent(pilot int32) {
	r.state = open
	if pilot != 0 {
		r.pilot = pilot
	}
}

// pilotEnded notes that the request at this place is not out any more, or overdue.
func (r *recovery) pilotEnded(place int32) {
	if r.pilot == place {
		r.pilot = 0
	}
}

// pilotLost makes another pilot due for one that got no response.
func (r *recovery) pilotLost() { r.state = r.afterPause }
