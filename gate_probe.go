package keyfit

import "time"

// probe risks requests above the limit that was learned: one now and then, and when it
// passed more and more of them. That one refusal is the price of finding a limit that was
// raised, so it is paid less and less often when it bought nothing.
type probe struct {
	left  int           // how many may go now
	step  int           // how many there were in this step
	out   int           // how many of them are out
	tries int           // refusals in a row that bought nothing, or hardly anything
	vain  int           // refusals in a row after which the limit was hardly another
	had   int           // the limit after the last refusal
	above int           // so many in a window have been too many; 0 if that is not known,
	until time.Duration // or longer ago
	flow  bool          // this step is to show whether there is a flow; see pace
	seen  bool          // it has shown one, unless the limit was raised: that shows at the next refusal
	got   int           // how many have passed for that
	from  time.Duration // since then
	paid  bool          // some have passed since the last refusal
	grown bool          // some have passed since the last refusal of one within the limit
	next  time.Duration // when the next may go

	fullAt time.Duration // since when the window is used up and everybody back; -1 if it is not
}

const (
	probeSoon = 3           // after so many in vain it is seen once if there is a flow
	probeRare = 2           // at the least one in 1<<2 windows
	probeMost = time.Minute // and one in this time, if a window is not longer
)

// soon says whether it is to be seen if there is a flow; see [pace]. A server without one
// that rounds its hints up takes a second for it, so it is seen once.
func (w *window) soon(now time.Duration) bool {
	return w.probe.tries == probeSoon && !w.probe.paid && now >= w.pace.next && w.top == 0
}

// pause is how long to leave the limit alone: one window, then two, then four.
func (p *probe) pause(per time.Duration) time.Duration {
	return min(per<<p.vain, max(per, probeMost))
}

// probeAt returns when one above the limit may go: now, later, or never if something else
// has to happen first. It goes when the window has just been used up for a good while and
// everybody is back: while others are in flight, it could not be told whose fault a refusal
// is, and a hint in whole seconds does the least harm at the beginning of the wait. If that
// moment does not come for a whole window, as in a steady flow, any will do.
func (w *window) probeAt(now time.Duration, out int) time.Duration {
	p := &w.probe
	if w.n == 0 || w.n == w.top || w.pace.base > 0 || p.left == 0 && p.out > 0 {
		return never
	}
	if w.soon(now) {
		return w.soonAt(now, out)
	}
	at := now
	if p.left == 0 {
		at = max(now, p.next)
	}
	if now < p.next+w.per {
		if out > p.out || p.left == 0 && w.turned(w.n-out) < now+w.per/4 {
			return never
		}
		if p.fullAt < 0 {
			p.fullAt = now
		}
		if at > p.fullAt+w.per/8 {
			return never
		}
	}
	if w.top > 0 { // lowered for a while: the limit as published holds all the same
		if out >= w.top {
			return never
		}
		at = max(at, w.turned(w.top-out))
	}
	return max(at, w.leftUntil)
}

// probeSent notes one above the limit that goes out.
func (w *window) probeSent(now time.Duration) {
	p := &w.probe
	if p.left == 0 {
		p.left, p.step = 1, 1
		p.flow, p.got, p.from = w.soon(now), 0, w.lastPass()
	}
	p.left--
	p.out++
}

// probePassed notes one above the limit that passed: that much higher is the limit.
func (w *window) probePassed(a attempt, now time.Duration) {
	p := &w.probe
	if p.flow {
		w.flowPassed(a, now)
		return
	}
	w.raise()
	p.out--
	p.paid, p.grown = true, true
	if p.left == 0 && p.out == 0 {
		p.step = min(2*p.step, max(1, w.n/8))
		p.left = p.step
		if w.top > 0 {
			p.left = min(p.left, w.top-w.n)
		}
	}
}

// raise lets one more go, but never more than the published limit.
func (w *window) raise() {
	if w.top == 0 || w.n < w.top {
		w.n++
	}
}

// lost notes one above the limit of which nothing was heard.
func (p *probe) lost(now, per time.Duration) {
	p.out--
	p.left, p.flow = 0, false
	p.next = now + p.pause(per)
}

// refused ends the step after a collision; n is the limit by now.
func (p *probe) refused(k attemptKind, n int, now, per time.Duration) {
	steady := p.had >= 32 && n <= p.had+p.had/16 && n >= p.had-p.had/8
	if k != beyond || p.paid && !steady {
		p.tries = 0
	} else {
		p.tries = min(p.tries+1, probeSoon+1)
	}
	switch {
	case k == beyond && (!p.paid || steady):
		p.vain = min(p.vain+1, probeRare)
	case !steady:
		p.vain = 0
	}
	p.had = n
	p.left, p.paid, p.grown, p.flow, p.seen = 0, false, p.grown && k == beyond, false, p.seen && k == beyond
	p.next = now + p.pause(per)
}

// lapse notes that there was room within the limit.
func (p *probe) lapse() {
	p.fullAt = -1
	if p.out == 0 {
		p.left = 0
	}
}

// met notes that n in a window have been too many, and only just.
func (p *probe) met(n, now int, at, per time.Duration) {
	if n >= 32 && now >= n-n/8 {
		p.above, p.until = n, at+forgetWindows*per
	}
}

// below returns the limit n after a refusal of one above it.
func (p *probe) below(n int, now time.Duration) int {
	if p.above == 0 || now >= p.until || n < p.above || n > p.above+p.above/16 {
		return n
	}
	return p.above - 1
}
