package keyfit

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/histogram"
)

// lane is the gate of one provider and key. Everything below mu is guarded by it; it is
// held for a few comparisons, never over I/O or a callback.
type lane struct {
	id    laneID
	limit Limit
	clock clock.Clock

	mu     sync.Mutex
	flight flight
	slots  slots
	window window
	queue  queue

	pauseEnd time.Duration
	refusal  *APIError // the last one
	wary     bool      // after a pause one goes ahead
	calm     bool      // unless the pause was foreseen and the log says that there is room
	scout    int32     // its place in flight; 0 if none is out
	latency  time.Duration

	waits   histogram.Histogram
	timer   *time.Timer
	timerAt time.Duration
	used    time.Duration
	dropped bool
}

// errLaneDropped says that the lane must not be used any more.
var errLaneDropped = errors.New("the lane was dropped")

func newLane(id laneID, limit Limit, c clock.Clock) *lane {
	l := &lane{id: id, limit: limit, clock: c, timerAt: never}
	l.slots.restart(firstSlots)
	l.window.log.max = maxLog
	l.window.mark = -1
	l.window.lesson = lesson{at: -1, forgetAt: never}
	if limit.Requests > 0 {
		l.slots = slots{n: unbounded}
		l.window.n, l.window.top, l.window.per = limit.Requests, limit.Requests, limit.Per
		l.window.log.max = max(maxLog, limit.Requests)
		l.window.lesson.published = true
	}
	return l
}

// tick makes a time that was read before the lock was taken one that never goes back.
func (l *lane) tick(now time.Duration) time.Duration {
	l.used = max(l.used, now)
	return l.used
}

// enter lets the attempt go at once, refuses it, or puts it into the queue.
func (l *lane) enter(ctx context.Context, e *Entry) (ticket, *waiter, error) {
	now := l.clock.Now() // not under the lock: it takes as long as all the rest
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped {
		return ticket{}, nil, errLaneDropped
	}
	if t, ok := l.letGo(now); ok {
		return t, nil, nil
	}
	w, err := l.line(ctx, e, l.used)
	return ticket{}, w, err
}

// enterNow lets an attempt go if it need not wait.
func (l *lane) enterNow(now time.Duration) (ticket, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped {
		return ticket{}, false
	}
	return l.letGo(now)
}

// letGo lets an attempt go if nobody waits and there is room. l.mu is held.
func (l *lane) letGo(now time.Duration) (ticket, bool) {
	now = l.tick(now)
	l.expire(now)
	if l.queue.n > 0 {
		return ticket{}, false
	}
	if when, _ := l.next(now); when > now {
		return ticket{}, false
	}
	place, gen := l.admit(now)
	return ticket{lane: l, place: place, gen: gen}, true
}

// next returns when the first in line may go, now included, and why not before.
func (l *lane) next(now time.Duration) (time.Duration, WaitReason) {
	w := &l.window
	if now >= w.lesson.forgetAt {
		w.forget()
		l.refusal = nil
		if w.n == 0 {
			l.slots.restart(firstSlots)
		}
	}
	if now < l.pauseEnd {
		return l.pauseEnd, WaitPause
	}
	if l.scout != 0 {
		return l.late(), WaitPause
	}
	if at := l.room(now); at > now {
		w.turn = true
		return min(at, l.late()), WaitWindow
	}
	if !l.slots.take(l.flight.out) {
		return l.late(), WaitSlots
	}
	return now, ""
}

// room returns when the window lets one go: by the log, or else as a try.
func (l *lane) room(now time.Duration) time.Duration {
	w, out := &l.window, l.flight.out
	at := w.ready(now, out)
	switch {
	case at <= now:
		return now
	case l.wary:
		return min(at, w.turnAt(now, out))
	}
	return min(at, w.probeAt(now, out))
}

// late returns when the oldest attempt in flight becomes overdue.
func (l *lane) late() time.Duration {
	if a := l.flight.oldest(); a != nil {
		return a.sent + l.window.lateAfter()
	}
	return never
}

// expire takes those in flight for arrived that have been out for too long.
func (l *lane) expire(now time.Duration) {
	for now >= l.late() {
		a := l.flight.oldest()
		w := &l.window
		a.logged = w.log.push(l.late())
		switch a.kind {
		case canary:
			l.scout, a.kind = 0, plain
		case beyond:
			w.probe.lost(now, w.per)
			a.kind = plain
		case plain, early:
		}
		l.flight.expire()
	}
}

// admit lets one go.
func (l *lane) admit(now time.Duration) (place int32, gen uint32) {
	w, kind := &l.window, plain
	out := l.flight.out
	full := w.ready(now, out) > now
	switch {
	case full && !l.wary:
		kind = beyond
		w.probeSent(now)
	case l.wary && (full || !l.calm), w.n > 0 && w.turn && !w.certain():
		kind = canary
		w.trial = full
		w.probe.lapse()
	case w.early(now, out):
		kind = early
		w.probe.lapse()
	default:
		w.probe.lapse()
	}
	place, gen = l.flight.add(now, kind)
	w.paced(now, kind)
	l.wary = false
	if kind == canary {
		l.scout = place
	}
	l.slots.sent(l.flight.out, now)
	return place, gen
}

func (l *lane) leave(place int32, gen uint32, o *Outcome, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.tick(now)
	l.expire(now)
	a, ok := l.flight.remove(place, gen)
	if !ok {
		return
	}
	if a.kind == canary && l.scout == place {
		l.scout = 0
	}
	switch {
	case o.Unsent:
		l.giveBack(a, now)
	case o.StatusCode == 0:
		l.lost(a, now)
	case o.StatusCode == http.StatusTooManyRequests:
		l.answered(a, now)
		l.refused(a, *o, now)
	default:
		l.answered(a, now)
		l.passed(a, o, now)
	}
	if l.queue.n > 0 {
		l.pump(now)
	}
}

// giveBack undoes an attempt that was let through and never sent.
func (l *lane) giveBack(a attempt, now time.Duration) {
	l.window.unpaced()
	if a.overdue {
		l.window.log.remove(a.logged)
	}
	l.slots.giveBack()
	switch a.kind {
	case canary:
		l.wary = true
	case beyond:
		l.window.probe.lost(now, l.window.per)
	case plain, early:
	}
}

// answered takes the time of a round trip.
func (l *lane) answered(a attempt, now time.Duration) {
	l.latency = now - a.sent
}

// lost ends an attempt without an answer: it may have arrived, but it teaches nothing.
func (l *lane) lost(a attempt, now time.Duration) {
	if l.window.n > 0 && !a.overdue {
		l.window.log.push(now)
	}
	switch a.kind {
	case canary:
		l.wary = true
	case beyond:
		l.window.probe.lost(now, l.window.per)
	case plain, early:
	}
}

// passed takes an answer that was no 429.
func (l *lane) passed(a attempt, o *Outcome, now time.Duration) {
	w := &l.window
	if !a.overdue {
		w.log.push(now)
	}
	switch a.kind {
	case canary:
		w.climbed(now)
		if w.trial {
			w.turnedEarly(a.sent)
			l.slots.restart(2)
		} else if w.turn {
			w.sure, w.turn = true, false
			l.review(now)
		}
	case beyond:
		w.probePassed(a, now)
	case early:
	case plain:
		w.passedBeside(a, now)
	}
	w.pacePassed(a, now, l.queue.n > 0)
	w.told(o, now)
	l.slots.passed(l.queue.n > 0)
	if o.Wait > 0 && o.StatusCode >= 400 {
		l.slots.collided(l.flight.out)
		l.pause(*o, now)
	}
}

// refused takes a 429.
func (l *lane) refused(a attempt, o Outcome, now time.Duration) {
	w := &l.window
	if w.lesson.published && !a.overdue {
		w.log.push(now) // some servers count what they refuse
	}
	if o.Wait = max(o.Wait, o.Hint); o.Wait <= 0 {
		o.Wait = 250 * time.Millisecond
	}
	hint := cmp.Or(max(o.Hint, 0), o.Wait)
	if a.kind == beyond {
		w.probe.out--
	}
	foreseen := w.sure && a.kind == beyond
	if w.refused(a, now, hint) && a.kind != beyond {
		l.slots.collided(l.flight.out)
		defer l.review(now)
	}
	w.zeros = 0
	w.told(&o, now)
	calm := foreseen && (l.calm || !l.wary)
	l.pause(o, now)
	l.calm = calm
}

// stats returns where the lane stands.
func (l *lane) stats() GateStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.window
	s := GateStats{
		Waiting: l.queue.n, InFlight: l.flight.out, Limit: Limit{w.n, w.per},
		Learned: w.n > 0 && (!w.lesson.published || w.n != w.top),
		Paused:  max(0, l.pauseEnd-l.clock.Now()), Waits: waitsOf(l.waits.Summary()),
	}
	if l.slots.n < unbounded {
		s.Slots = l.slots.n
	}
	if w.n == 0 {
		s.Limit = Limit{}
	}
	return s
}

func (l *lane) isDropped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

// drop retires the lane if nobody has used it for so long and it has nothing to remember.
func (l *lane) drop(after time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if l.queue.n > 0 || !l.flight.idle() || now < l.used+max(after, l.window.per) || now < l.pauseEnd {
		return false
	}
	l.dropped = true
	return true
}
