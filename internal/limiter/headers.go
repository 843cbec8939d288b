package limiter

import (
	"time"
)

// reported is the remaining count that the responses' headers report.
type reported struct {
	left  int           // requests left until
	until time.Duration // this time; 0 if the headers say nothing
	zeros int           // windows in a row whose first response said that nothing is left
}

// maxZeros is after how many such windows in a row the count is no longer believed. A 429
// makes it credible again.
const maxZeros = 2

// blocks returns when one more may be sent, by the headers, while out others are on their
// way; start is the earliest time.
func (rep *reported) blocks(start time.Duration, out int) time.Duration {
	if rep.until > start && rep.left <= out {
		return rep.until
	}
	return start
}

// observe takes the headers of a response.
func (rep *reported) observe(o *Outcome, now time.Duration) {
	if o.Remaining < 0 || o.Reset <= 0 {
		return
	}
	newWindow := now >= rep.until
	switch {
	case o.Remaining > 0:
		rep.zeros = 0
	case newWindow:
		rep.zeros++
	}
	if rep.zeros > maxZeros {
		return
	}
	// Answers overtake each other: within one window the smallest count is the newest.
	if newWindow || o.Remaining < rep.left {
		rep.left = o.Remaining
	}
	if newWindow {
		rep.until = now + o.Reset
	}
}

// observe takes what a response's headers say of the limit.
func (e *estimator) observe(o *Outcome, now time.Duration) {
	if o.Limit.Requests > 0 {
		e.stated(o.Limit, o.Reset)
	}
	e.reported.observe(o, now)
}

// stated takes a limit that the headers state. It is believed like a published one, but never
// above a published one.
func (e *estimator) stated(l Limit, reset time.Duration) {
	w := &e.window
	n, per := fit(l.Requests, l.Per)
	if per <= 0 {
		if reset <= 0 {
			return
		}
		per = candidateWindow(reset - time.Second)
		if n == w.ceiling {
			per = max(per, w.per) // a later window shows more of its length
		}
	}
	if w.published || n == w.ceiling && per == w.per {
		return
	}
	w.n, w.per, w.ceiling, w.confirmed = n, per, n, true
	e.bucket = bucket{}
	w.log.max = max(w.log.max, n)
	e.refusals.forgetAt = never
}
