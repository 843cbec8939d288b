package keyfit

import "time"

// pace keeps the flow of a server that fills a bucket: it lets a small burst through and
// after it a steady flow that is much more than one burst in every window. The first
// refusal shows such a server the burst alone. That there is a flow shows when more pass
// soon after the burst than the limit could explain, or when the limit does not hold
// although nobody has lowered it. Then the gate fills a bucket as well: w.n may go at once,
// and after them one in every w.per/w.n.
//
// What counts is when a request goes, not when its answer is there: over a long way many
// are out at once, and a window would have each place lie idle for a round trip. So the
// requests arrive as evenly as the way lets them, and the server's bucket takes up the rest.
//
// The flow is doubled as long as that goes well, and from the first refusal on it is tried
// in smaller steps, less and less often.
type pace struct {
	base time.Duration // the window as it was learned; 0 if no pace is kept
	due  time.Duration // when the whole burst may go again

	was    time.Duration // the window before the last change
	at     time.Duration // when that was
	passed int           // those sent since that have passed while somebody waited
	trial  bool          // the change has not proved good yet
	given  bool          // it was no step, but what the window before had let us expect
	cost   time.Duration // how long the last refusal has held everybody up
	level  int           // how small the next step is: a half of the window in 1<<level
	fails  int           // steps that went wrong, less those that went well
	next   time.Duration // when the next step may be taken
}

const (
	paceSmall = 3  // the smallest step is a half in 1<<3
	paceRare  = 5  // at the least a step in 1<<5 windows as they were learned
	paceAgain = 8  // so many windows after there was no flow it is looked for again
	paceDear  = 16 // a refusal in 16 times what one costs is too dear,
	paceOften = 50 // and so is one in so many requests
)

// each is what one takes of the flow.
func (w *window) each() time.Duration { return w.per / time.Duration(w.n) }

// paceAt returns when the pace lets one go.
func (w *window) paceAt() time.Duration { return w.pace.due - w.per + w.each() }

// drained notes that the bucket is empty but for the one that may go at the time.
func (w *window) drained(at time.Duration) { w.pace.due = at + w.per - w.each() }

// paced notes one that goes out. When the canary does, the bucket is as good as empty.
func (w *window) paced(now time.Duration, k attemptKind) {
	switch {
	case w.pace.base == 0:
	case k == canary:
		w.drained(now + w.each())
	default:
		w.pace.due = max(w.pace.due, now) + w.each()
	}
}

// unpaced undoes paced for one that never went.
func (w *window) unpaced() {
	if w.pace.base > 0 {
		w.pace.due -= w.each()
	}
}

// flows begins to keep a pace: n pass at once, and w.n have in the window so far.
func (w *window) flows(n int, now, hint time.Duration) {
	w.pace = pace{base: w.per, was: w.per, at: now}
	if 5*n < 4*w.n { // four fifths of that are more than n
		w.n, w.per = n, w.per/time.Duration(w.n)*5/4*time.Duration(n)
		w.pace.trial, w.pace.given = true, true
	} else {
		w.n = n
		w.hasten(now)
	}
	w.probe = probe{fullAt: -1, out: w.probe.out}
	w.mark, w.sure = -1, true
	w.drained(now + hint)
}

// hasten takes the next step.
func (w *window) hasten(now time.Duration) {
	p := &w.pace
	shorter := w.per - w.per>>(p.level+1)
	if shorter < time.Millisecond {
		p.next = now + p.base<<paceRare
		return
	}
	p.was, w.per = w.per, shorter
	p.at, p.passed, p.trial = now, 0, true
}

// proved says whether the step was good. One too far drains the bucket slowly, the more
// slowly the smaller it is. And it has to go well for so long that a refusal is paid for.
func (p *pace) proved(n int, now time.Duration) bool {
	return p.passed >= 3*n<<p.level && now-p.at >= p.cost<<p.level-p.cost
}

// pacePassed counts one that passed. When the pace has proved good, and somebody waits,
// the next step is taken.
func (w *window) pacePassed(a attempt, now time.Duration, wanted bool) {
	p := &w.pace
	if p.base == 0 || a.sent < p.at || !wanted {
		return
	}
	p.passed++
	if p.trial && p.proved(w.n, now) {
		p.trial, p.given = false, false
		p.fails, p.level = max(0, p.fails-1), max(0, p.level-1)
	}
	if !p.trial && now >= p.next {
		w.hasten(now)
	}
}

// paceRefused takes a collision: the last step was too much, the burst is too large, or the
// flow has become less. One that comes after a good while is only bad luck: on a rough way
// a few come together, and to go slower would cost more.
func (w *window) paceRefused(a attempt, now, hint time.Duration) {
	p := &w.pace
	p.next, p.cost = now+p.base<<p.fails, now+hint-a.sent
	switch {
	case p.given: // then from the burst on
		w.per, p.next = p.base, now
	case p.trial && p.was == p.base:
		w.flowsNot(now)
		return
	case p.trial:
		w.per = p.was
		p.failed()
	case p.passed < w.n:
		n := max(1, min(p.passed, w.n-w.n/4))
		w.n, w.per = n, w.each()*time.Duration(n)
	case now-p.at < paceDear*p.cost || p.passed < paceOften:
		w.per += w.per / 8
		p.failed()
	}
	if w.each() > p.base {
		w.n = 1
		w.flowsNot(now)
		return
	}
	p.at, p.passed, p.trial, p.given = now, 0, false, false
	w.drained(now + hint)
}

// failed has the next step be smaller, and later.
func (p *pace) failed() {
	p.fails, p.level = min(p.fails+1, paceRare), min(p.level+1, paceSmall)
}

// flowsNot goes back to the window as it was learned.
func (w *window) flowsNot(now time.Duration) {
	w.per, w.pace = w.pace.base, pace{next: now + paceAgain*w.pace.base}
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

// showsFlow says whether a collision shows a flow. One within the limit does when it is not
// the first, or when far less have passed than were let in before, one by one above the
// limit or soon after a burst. One at the end of a pause does when more passed there than
// the limit could explain, although it was no new window. And one above the limit does when
// some have passed soon after a burst, although one at once after it is refused.
func (w *window) showsFlow(a attempt, passed int, now, hint time.Duration) bool {
	if w.top > 0 || now < w.pace.next {
		return false
	}
	switch a.kind {
	case plain:
		// Else it may be shared with somebody: about as many have passed as ever, and there
		// is no room again before the window turns.
		other := passed > 0 && (8*passed <= 7*w.n || hint < w.each())
		return other && (w.clashes(now) || w.probe.seen || w.probe.grown && passed < w.n/2)
	case early:
		n := w.log.since(w.mark)
		return n > 0 && n < w.log.n && n >= w.flow(a.sent-w.log.at(w.log.n-n-1))
	case beyond:
		return w.probe.seen && !w.probe.grown
	case canary:
	}
	return false
}

// clashes counts a refusal within the limit, and says whether they pile up. A limit that
// was lowered is met once more at the most, and not in the same window.
func (w *window) clashes(now time.Duration) bool {
	l := &w.lesson
	switch last := now - l.clashAt; {
	case last < w.per:
		l.clashed += 2
	case last < 4*w.per:
		l.clashed++
	default:
		l.clashed = 1
	}
	l.clashAt = now
	return l.clashed >= 3
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
