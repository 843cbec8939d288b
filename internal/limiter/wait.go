package limiter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// This file is the waiting side of a limiter: into the queue, out of it, and the timer.

// errRetired says that a limiter was dropped from its [Keyed].
var errRetired = errors.New("the limiter was retired")

// timer rings at the earliest of the times that it is set to. One that rings too early does no
// harm: it is set again then.
type timer struct {
	at    time.Duration       // never if it is not set
	start func(time.Duration) // starts it anew
}

func newTimer(ring func()) timer {
	var t *time.Timer
	return timer{at: never, start: func(d time.Duration) {
		if t == nil {
			t = time.AfterFunc(d, ring)
		} else {
			t.Reset(d)
		}
	}}
}

func (t *timer) set(at, now time.Duration) {
	if at < t.at {
		t.at = at
		t.start(at - now)
	}
}

// enqueue puts a request into the queue, unless it is foreseeable that it waits in vain. The
// context of the request ends after left.
func (l *limiter) enqueue(r *Request, now, left time.Duration) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return nil, errRetired
	}
	now = l.advance(now)
	l.expire(now)
	since := now
	if !r.Since.IsZero() {
		since = min(now, l.clock.Reading(r.Since))
	}
	w := l.queue.newWaiter(r.Priority.class(), now, since)
	if left != never {
		w.deadline = now + min(left, never-now)
	}
	w.giveUp, w.noTrial = w.deadline, r.NoTrial
	switch {
	case r.MaxWait > 0:
		w.giveUp = min(w.giveUp, now+min(r.MaxWait, never-now))
	case left == never:
		w.giveUp = l.engine.foresee(now, l.queue.ahead(w)) + l.engine.patience()
	}
	if l.latest(w) < now || l.inVain(w, now, l.queue.ahead(w)) && l.inVain(w, now, l.queue.aheadExactly(w)) {
		return nil, l.refusal(w, now, l.promised(now, l.queue.ahead(w)))
	}
	w.settled = make(chan struct{})
	l.queue.push(w)
	l.dispatch(now)
	return w, nil
}

// leastPatience is how long a request without a deadline waits at least.
const leastPatience = 10 * time.Minute

// patience is how long a request without a deadline waits longer than the published limit
// makes it: no window that is known can make it fail.
func (e *engine) patience() time.Duration {
	return max(leastPatience, 2*e.published.Per, 2*e.window.Per)
}

// latest returns the latest time at which it makes sense to send the request.
func (l *limiter) latest(w *waiter) time.Duration {
	if w.deadline == never {
		return w.giveUp
	}
	return min(w.giveUp, w.deadline-l.engine.trips.most())
}

// inVain reports whether one that has so many ahead of it cannot be sent in time.
func (l *limiter) inVain(w *waiter, now time.Duration, ahead int) bool {
	at := l.engine.foresee(now, ahead)
	return at > now && at > l.latest(w)
}

// promised returns when one that has so many ahead of it will probably be sent, if no trial
// ends a pause before.
func (l *limiter) promised(now time.Duration, ahead int) time.Duration {
	return max(l.engine.foresee(now, ahead), l.engine.expect(now, ahead))
}

// dispatch sends those who may go, refuses those who would be too late, and sets the timer for
// the next.
func (l *limiter) dispatch(now time.Duration) {
	at := never
	for l.queue.n > 0 {
		w := l.queue.first()
		if l.latest(w) <= now {
			l.turnAway(w, now, l.promised(now, 0))
			continue
		}
		var kind attemptKind
		if at, _, kind = l.engine.next(now); at > now {
			break
		}
		if kind != ordinary {
			if w = l.queue.volunteer(); w == nil {
				if at = l.engine.nextOrdinary(now); at > now {
					break
				}
				w, kind = l.queue.first(), ordinary
			}
		}
		l.queue.take(w)
		l.waits.add(now - w.entered)
		w.place, w.use = l.engine.admit(now, kind)
		w.settle(admitted)
		at = never
	}
	if l.queue.n > 0 {
		l.timer.set(min(at, l.nextGiveUp(), l.nextOverdue()), now)
	}
}

// wake is called when the timer rings. It refuses those whose time is up, and sends those who may go.
func (l *limiter) wake(now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	l.timer.at = never
	l.expire(now)
	for l.nextGiveUp() <= now {
		l.turnAway(l.queue.hasty(), now, l.promised(now, 0))
	}
	l.dispatch(now)
}

// nextGiveUp returns when the first of those who wait will have to give up.
func (l *limiter) nextGiveUp() time.Duration {
	if w := l.queue.hasty(); w != nil {
		return l.latest(w)
	}
	return never
}

// turnAway refuses one that waits, because it cannot be sent before at.
func (l *limiter) turnAway(w *waiter, now, at time.Duration) {
	l.leaveQueue(w, now)
	w.err = l.refusal(w, now, at)
	w.settle(turnedAway)
}

// leaveQueue takes one that waits out of the queue.
func (l *limiter) leaveQueue(w *waiter, now time.Duration) {
	l.queue.remove(w)
	l.waits.add(now - w.entered)
}

// refuseHopeless refuses those who cannot be sent in time because of a pause.
func (l *limiter) refuseHopeless(now time.Duration) {
	at := l.engine.pause.foresee(&l.engine.inFlight, &l.engine.trips, now)
	for l.nextGiveUp() < at {
		l.turnAway(l.queue.hasty(), now, max(at, l.engine.pause.end))
	}
}

// review refuses those whom the published limit makes too late, now that it is known how long
// the way is.
func (l *limiter) review(now time.Duration) {
	ahead := 0
	for _, w := range l.queue.inOrder() {
		if l.inVain(w, now, ahead) {
			l.turnAway(w, now, l.promised(now, ahead))
		} else {
			ahead++
		}
	}
}

// refusal returns the error of one that cannot be sent before at.
func (l *limiter) refusal(w *waiter, now, at time.Duration) error {
	wait := max(0, at-now)
	e := &Refused{Cause: l.cause, RetryAfter: wait, Deadline: w.deadline != never && w.deadline-l.engine.trips.most() < max(at, now+1)}
	if l.cause == nil || l.engine.pause.isOver(now) && !l.engine.hasLearned() {
		e.Cause, e.Reason = nil, l.noRoom(now, wait)
	}
	return e
}

// noRoom says why nothing can be sent.
func (l *limiter) noRoom(now, wait time.Duration) string {
	wait = wait.Round(time.Millisecond)
	switch p := l.engine.published; {
	case !l.engine.pause.isOver(now):
		return fmt.Sprintf("the server asked everybody to wait, %v from now", wait)
	case wait <= 0:
		return "as many requests are in flight as may be at once"
	case p.Requests == 0 || l.engine.foreseePublished(now, 0) <= now:
		return fmt.Sprintf("no room for another request for %v", wait)
	default:
		return fmt.Sprintf("limit of %d requests per %v leaves no room for %v", p.Requests, p.Per, wait)
	}
}

// wait blocks until it is the waiter's turn, it is turned away, or its context ends.
func (l *limiter) wait(ctx context.Context, r *Request, w *waiter) (Permit, error) {
	over := false
	defer func() {
		if !over { // the callback has panicked
			l.abandon(w, l.clock.Now())
		}
	}()
	for told := (told{}); ; {
		var news <-chan struct{}
		if r.Waiting != nil {
			told, news = l.tell(r, w, told)
		}
		select {
		case <-news:
			continue
		case <-w.settled:
		case <-ctx.Done():
			over = true
			l.abandon(w, l.clock.Now())
			return Permit{}, ctx.Err()
		}
		over = true
		if w.err != nil {
			return Permit{}, w.err
		}
		return Permit{limiter: l, place: w.place, use: w.use}, nil
	}
}

// told is what a waiter was told last; the zero value if it was told nothing.
type told struct{ end, wait time.Duration }

// tell tells a waiter when its wait will probably end, if it was told an earlier time. It
// returns what was told last, and a channel that is closed when a pause begins or becomes
// longer.
func (l *limiter) tell(r *Request, w *waiter, last told) (told, <-chan struct{}) {
	now := l.clock.Now()
	why, d, news := l.prospect(w, now)
	if why == 0 || last.end > 0 && now+d <= last.end+last.wait/8 {
		return last, news
	}
	r.Waiting(why, d)
	return told{now + d, d}, news
}

// prospect returns what a waiter waits for, and how long it probably will; 0 if its wait is
// over. The channel is closed when that may have changed.
func (l *limiter) prospect(w *waiter, now time.Duration) (Reason, time.Duration, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.state != queued {
		return 0, 0, nil
	}
	now = l.advance(now)
	at, why, _ := l.engine.next(now)
	if at <= now {
		return 0, 0, nil
	}
	if l.news == nil {
		l.news = make(chan struct{})
	}
	return why, max(0, l.promised(now, l.queue.aheadExactly(w))-now), l.news
}

// abandon ends the wait of one that has given up. If its turn had come meanwhile, the attempt
// is undone.
func (l *limiter) abandon(w *waiter, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	l.expire(now)
	switch w.state {
	case queued:
		l.leaveQueue(w, now)
	case admitted:
		if a := l.engine.inFlight.remove(w.place, w.use); a != nil {
			l.engine.leave(a, &Outcome{Unsent: true}, now)
		}
	case turnedAway:
	}
	l.dispatch(now)
}
