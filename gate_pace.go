package keyfit

import "time"

// pace shortens the window of a learned limit, for servers that fill a bucket: they let a
// small burst through and after it a steady flow that is much more than one burst in every
// window. The first refusal shows such a server the burst alone. That there is a flow shows
// when more pass soon after the burst than the limit could explain; then the window is
// halved as long as that goes well, and from the first refusal on it is tried in smaller
// steps, less and less often.
type pace struct {
	base time.Duration // the window as it was learned; 0 if it has not been shortened

	each   time.Duration // what one takes, where the flow was known before the burst; else 0
	was    time.Duration // the window before the last change
	at     time.Duration // when that was
	passed int           // those sent since that have passed
	trial  bool          // the change has not proved good yet
	level  int           // index of the next step
	fails  int           // steps that went wrong
	next   time.Duration // when the next step may be taken
}

const (
	paceLevels = 3
	paceOut    = 4 // so many of a trial are out at most: they are what a step too far costs
	paceRare   = 6 // at the least a step in 1<<6 windows as they were learned
)

// proof is how many bursts show that a step was good. A step too far drains the bucket
// slowly: when half of the window is too short, it takes two bursts until it refuses.
func (p *pace) proof() int { return [paceLevels]int{3, 32, 32}[p.level] }

// hasten takes the next step. One that goes takes the window and its own way until its place
// is free again; where the way is the longer part, there is nothing to gain.
func (w *window) hasten(now, trip time.Duration) {
	p := &w.pace
	shorter := (w.per+trip)*time.Duration([paceLevels]int{4, 6, 7}[p.level])/8 - trip
	if shorter < max(time.Millisecond, trip/8) {
		p.next = now + p.base<<paceRare
		return
	}
	p.was, w.per = w.per, shorter
	p.at, p.passed, p.trial = now, 0, true
}

// soonAt returns when one above the limit may go to see whether there is a flow: soon after
// the last of a burst. By then a flow has brought something, and where there is none, a
// hint in whole seconds does little harm so early in the window.
func (w *window) soonAt(now time.Duration, out int) time.Duration {
	p := &w.probe
	soon := w.lastPass() + w.per/32
	if p.flow && p.left > 0 {
		return max(now, w.leftUntil)
	}
	if out > 0 || p.out > 0 || w.log.n == 0 || now > soon+w.per/8 {
		return never
	}
	return max(now, p.next, soon, w.leftUntil)
}

// flowPassed counts one that passed soon after a burst, to see whether there is a flow.
func (w *window) flowPassed(a attempt, now time.Duration) {
	p := &w.probe
	p.out--
	p.got++
	if p.left > 0 || p.out > 0 {
		return
	}
	switch {
	case p.got >= w.flow(a.sent-p.from):
		*p = probe{fullAt: -1, seen: true} // unless the limit was raised meanwhile
	case a.sent > p.from+w.per/4: // too slow to tell
		p.refused(beyond, w.n, now, w.per)
	default:
		p.step = min(2*p.step, max(2, w.n/32), w.n)
		p.left = p.step
	}
}

// showsFlow says whether a collision shows a flow: in the window before far more have
// passed, one by one above the limit, than now at once; or more than the limit could
// explain passed at the end of a pause, although it was no new window, or soon after a
// burst, although one at once after it is refused.
func (w *window) showsFlow(a attempt, passed int, now time.Duration) bool {
	if w.top > 0 || w.lesson.ladder || now < w.pace.next {
		return false
	}
	switch a.kind {
	case plain:
		return w.probe.grown && passed > 0 && passed < w.n/2
	case early:
		n := w.log.since(w.mark)
		return n > 0 && n < w.log.n && n >= w.flow(a.sent-w.log.at(w.log.n-n-1))
	case beyond:
		return w.probe.seen
	case canary, bold:
	}
	return false
}

// flow is how many must pass within d of a burst to show that there is a flow: half as many
// again as a bucket would have got that is filled once in the window.
func (w *window) flow(d time.Duration) int {
	want := w.n * 3 * int(d) / (2 * int(w.per))
	if w.n >= 4 {
		want++ // a part of one may have been left over
	}
	return max(1, want)
}

// flows begins to shorten the window: n pass at once, and w.n in the window so far.
func (w *window) flows(n int, now, trip time.Duration) {
	w.pace = pace{base: w.per, was: w.per, at: now, level: w.pace.level}
	if n < w.n { // the flow is known
		w.pace.each, w.pace.trial = w.per/time.Duration(w.n)*5/4, true
		w.n, w.per = n, w.pace.each*time.Duration(n)
	} else {
		w.hasten(now, trip)
	}
	w.probe = probe{fullAt: -1, out: w.probe.out}
	w.mark, w.sure = -1, true
}

// isBold says whether one that goes now does so for the trial alone.
func (w *window) isBold(now time.Duration, out int) bool {
	free := w.n - out
	return w.pace.trial && free <= w.log.n && (free <= 0 || w.log.at(w.log.n-free)+w.pace.was > now)
}

// pacePassed counts one that passed. When the pace has proved good, and somebody waits,
// the next step is taken.
func (w *window) pacePassed(a attempt, now time.Duration, wanted bool) {
	p := &w.pace
	if p.base == 0 || a.sent < p.at {
		return
	}
	p.passed++
	if p.trial && p.passed >= w.n*p.proof() {
		p.trial, p.level = false, max(0, p.level-1)
	}
	if !p.trial && wanted && now >= p.next {
		w.hasten(now, now-a.sent)
	}
}

// paceRefused takes a collision: the last step was too much, or the flow has become less.
func (w *window) paceRefused(now time.Duration) {
	p := &w.pace
	switch {
	case p.trial:
		w.per = p.was
		p.level = min(p.level+1, paceLevels-1)
		p.fails = min(p.fails+1, paceRare)
	case p.passed < 32*w.n: // again, and so soon: the burst may be too large as well
		n := w.n - max(1, w.n/8)
		if n < 1 {
			n, w.per = 1, w.per*5/4
		}
		w.per, w.n = w.per*time.Duration(n)/time.Duration(w.n)*5/4, n
	default:
		w.per += w.per / 8
	}
	p.trial, p.passed, p.at, p.each = false, 0, now, 0
	p.next = now + p.base<<p.fails
	if w.per >= p.base {
		w.per, w.pace = p.base, pace{level: p.level, next: now + forgetWindows*p.base}
	}
}
