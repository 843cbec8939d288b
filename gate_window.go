package keyfit

import "time"

// window keeps a limit of n requests in every per.
//
// The rule is this: request i+n goes out no earlier than per after request i has certainly
// arrived. Then no window of per holds more than n arrivals, wherever one lays it: of n+1
// arrivals in it two would be n or a multiple of n apart. The server counts arrivals, not
// sends; a request has certainly arrived when its answer is there. That the next one is on
// its way for a while as well is the margin.
//
// So all that is needed is a log of the last n answers and the number of those in flight:
// one more may go when fewer than n of both lie within the last per.
//
// Where a limit that had to be learned is no window but a bucket, its pace is kept instead;
// see [pace].
type window struct {
	log sendLog

	n     int           // requests in every per; 0 means not known
	per   time.Duration // length of the window
	top   int           // the published limit, which n never exceeds; 0 if there is none
	sure  bool          // per is trusted: a window has turned without a refusal
	turn  bool          // somebody has waited for the window to turn
	mark  time.Duration // a new window has begun then, by the server's word; what is older does not count
	trial bool          // the canary tries that
	doubt time.Duration // until then it is not tried again
	tries int           // how often the canary was refused, in a row

	left      int           // requests left until leftUntil, by the headers
	leftUntil time.Duration // 0 if the headers say nothing
	zeros     int           // windows in a row that were used up from the start, by the headers

	lesson lesson
	probe  probe
	pace   pace
}

// lateAfter is when an attempt without an answer counts as arrived. Answers may take minutes
// where the work is heavy; the way there does not.
func (w *window) lateAfter() time.Duration {
	if w.n == 0 {
		return 500 * time.Millisecond
	}
	return min(max(w.per/4, 250*time.Millisecond), time.Second)
}

// ready returns when one more may go besides the out in flight: now, later, or never if
// an answer has to come first.
func (w *window) ready(now time.Duration, out int) time.Duration {
	at := now
	if w.leftUntil > now && w.left <= out {
		at = w.leftUntil
	}
	if w.n == 0 {
		return at
	}
	if w.pace.base > 0 {
		return max(at, w.paceAt())
	}
	free := w.n - out
	if free <= 0 {
		return never
	}
	return max(at, w.turned(free))
}

// turned returns when the window lets free more go.
func (w *window) turned(free int) time.Duration {
	if free > w.log.n {
		return 0
	}
	if t := w.log.at(w.log.n - free); t > w.mark {
		return t + w.per
	}
	return 0
}

// early says whether one that goes now relies on the server's word alone: by the log, as far
// as it is not cut off by the mark, it would have to wait on.
func (w *window) early(now time.Duration, out int) bool {
	free := w.n - out
	return w.n > 0 && w.pace.base == 0 && (free <= 0 || free <= w.log.n && w.log.at(w.log.n-free)+w.per > now)
}

// turnAt returns when it is worth a try to take the end of a pause for the beginning of a
// window, although the log would have everybody wait on for a good deal longer. So it is
// with windows that follow the clock when the program came in the middle of one.
func (w *window) turnAt(now time.Duration, out int) time.Duration {
	at := max(now, w.doubt, w.leftUntil)
	if w.n == 0 || w.lesson.published || w.pace.base > 0 || out > 0 || w.turned(w.n) <= at+w.per/16 {
		return never
	}
	return at
}

// foresee returns when, at the earliest, one may go that has to let out in flight and
// ahead waiting go before it; start is when the first of those can.
func (w *window) foresee(start time.Duration, out, ahead int) time.Duration {
	if w.leftUntil > start && w.left <= out+ahead {
		start = w.leftUntil
	}
	if w.n == 0 || !w.certain() {
		return start
	}
	if w.pace.base > 0 {
		return max(start, w.paceAt()+time.Duration(ahead)*w.each())
	}
	free := w.n - out - ahead
	turns := 0
	if free <= 0 {
		turns = -free/w.n + 1
		free += turns * w.n
	}
	return max(start, w.turned(free)) + time.Duration(turns)*w.per
}

// certain says whether the limit is good enough to refuse someone in its name.
func (w *window) certain() bool { return w.sure || w.n == w.top }

// told takes over what an answer's headers say.
func (w *window) told(o *Outcome, now time.Duration) {
	if o.Limit.Requests > 0 {
		w.stated(*o)
	}
	if o.Remaining < 0 || o.Reset <= 0 {
		return
	}
	fresh := now >= w.leftUntil
	switch {
	case o.Remaining > 0:
		w.zeros = 0
	case fresh:
		w.zeros++
	}
	if w.zeros > maxZeros {
		return
	}
	// Answers overtake each other: within one window the smallest number is the newest.
	if fresh || o.Remaining < w.left {
		w.left = o.Remaining
	}
	if fresh {
		w.leftUntil = now + o.Reset
	}
}

// maxZeros is how often in a row the first answer of a window may say that nothing is left,
// until that is no longer believed; a 429 makes it credible again.
const maxZeros = 2

// stated takes over a limit that the headers state. It is believed like a published one,
// but never above a published one.
func (w *window) stated(o Outcome) {
	n, per := fit(o.Limit.Requests, o.Limit.Per)
	if per <= 0 {
		if o.Reset <= 0 {
			return
		}
		per = rung(o.Reset - time.Second)
		if n == w.top {
			per = max(per, w.per) // a later window shows more of its length
		}
	}
	if w.lesson.published || n == w.top && per == w.per {
		return
	}
	w.n, w.per, w.top, w.sure = n, per, n, true
	w.pace = pace{}
	w.log.max = max(w.log.max, n)
	w.lesson.forgetAt = never
}
