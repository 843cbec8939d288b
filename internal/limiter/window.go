package limiter

import "time"

// window is a sliding window: at most n requests in every period of per.
//
// The rule: request i+n is sent no earlier than per after request i has certainly arrived.
// Then no period of per holds more than n arrivals, wherever it begins: of n+1 arrivals, two
// would be n requests, or a multiple of n, apart. The server counts arrivals, not sends, and
// a request has certainly arrived when its response is there. The time that the next request
// takes to arrive is the margin.
//
// So a log of the last n answers and the number of requests in flight are enough: one more
// may be sent while fewer than n of both lie within the last per.
type window struct {
	log sendLog

	n       int           // requests in every per; 0 if the limit is not known
	per     time.Duration // length of the window
	ceiling int           // the published limit, which n never exceeds; 0 if there is none

	published bool // the limit was known from the start; refusals lower it only for a while
	confirmed bool // per is trusted: the window has turned without a refusal
	awaited   bool // somebody has waited for the window to turn

	began        time.Duration // an early pilot has shown that a window began then: older entries do not count; -1 if none has
	noEarlyPilot time.Duration // no early pilot before this time
	earlyRefused int           // how many early pilots were refused in a row
}

// lateAfter is how long an attempt may be without a response until it counts as arrived. An
// answer may take minutes where the work is heavy; the way to the server does not.
func (w *window) lateAfter() time.Duration {
	if w.n == 0 {
		return 500 * time.Millisecond
	}
	return min(max(w.per/4, 250*time.Millisecond), time.Second)
}

// turned returns when the log has room for one more, if all but free of the n are in flight.
func (w *window) turned(free int) time.Duration {
	if free > w.log.n {
		return 0
	}
	if t := w.log.at(w.log.n - free); t > w.began {
		return t + w.per
	}
	return 0
}

// isEarly reports whether a request that is sent now relies on an early window: the log alone
// would not let it go.
func (w *window) isEarly(now time.Duration, out int) bool {
	free := w.n - out
	return free <= 0 || free <= w.log.n && w.log.at(w.log.n-free)+w.per > now
}

// isCertain reports whether the limit is good enough to refuse somebody in its name.
func (w *window) isCertain() bool { return w.confirmed || w.n == w.ceiling }

// raise lets one more request into the window, but never more than the published limit.
func (w *window) raise() {
	if w.ceiling == 0 || w.n < w.ceiling {
		w.n++
	}
}

// interval is the time between two requests at the rate of the limit.
func (w *window) interval() time.Duration { return w.per / time.Duration(w.n) }
