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
	start func(time.Duration) // starts it again
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

// enqueue puts a request into the queue, unless it certainly cannot be sent in time. The
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
		w.deadline = now + left - l.latency
	}
	w.giveUp = w.deadline
	if r.MaxWait > 0 {
		w.giveUp = min(w.giveUp, now+r.MaxWait)
	}
	if at := l.foresee(now, l.queue.ahead(w)); at > now && at > w.giveUp {
		if at = l.foresee(now, l.queue.aheadExactly(w)); at > now && at > w.giveUp {
			return nil, l.refusal(w, now, at)
		}
	}
	w.settled = make(chan struct{})
	l.queue.push(w)
	l.dispatch(now)
	return w, nil
}

// foresee returns when, at the earliest, a request can be sent that has this many ahead of it.
func (l *limiter) foresee(now time.Duration, ahead int) time.Duration {
	return l.estimator.foresee(max(now, l.recovery.pauseEnd), l.inFlight.n, ahead)
}

// dispatch admits the waiters that may be sent, and sets the timer for the next.
func (l *limiter) dispatch(now time.Duration) {
	at := never
	for l.queue.n > 0 {
		if at, _ = l.next(now); at > now {
			break
		}
		w := l.queue.pop()
		l.waits.Add(now - w.entered)
		w.place, w.use = l.admit(now)
		w.settle(admitted)
		at = never
	}
	l.timer.set(min(at, l.queue.nextGiveUp()), now)
}

// wake is called when the timer rings. It refuses waiters whose time
// is up, and admits those that may be sent.
func (l *limiter) wake(now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = l.advance(now)
	l.timer.at = never
	l.expire(now)
	for l.queue.nextGiveUp() <= now {
		w := l.queue.byGiveUp.w[0]
		at := l.foresee(now, 0)
		if at <= now && w.giveUp == w.deadline {
			l.queue.neverGiveUp(w) // it only lacks room in flight, which it may get in time
			continue
		}
		l.turnAway(w, now, max(at, now+l.latency))
	}
	l.dispatch(now)
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
	l.waits.Add(now - w.entered)
}

// refuseHopeless refuses waiters that, by what was just learned, cannot be sent in time.
func (l *limiter) refuseHopeless(now time.Duration) {
	if !l.estimator.window.isCertain() {
		return
	}
	ahead := 0
	for _, w := range l.queue.inOrder() {
		if at := l.foresee(now, ahead); at > now && at > w.giveUp {
			l.turnAway(w, now, at)
		} else {
			ahead++
		}
	}
}

// refusal returns the error of one that cannot be sent before at.
func (l *limiter) refusal(w *waiter, now, at time.Duration) error {
	wait := at - now
	e := &Refused{Cause: l.cause, RetryAfter: wait, Deadline: w.deadline < at}
	ownLimit := !l.recovery.isPaused(now) && l.estimator.window.n == l.published.Requests
	if l.cause == nil || ownLimit {
		e.Cause, e.Reason = nil, l.noRoom(now, wait)
	}
	return e
}

// noRoom says why nothing can be sent.
func (l *limiter) noRoom(now, wait time.Duration) string {
	wait = wait.Round(time.Millisecond)
	w := &l.estimator.window
	switch {
	case l.recovery.isPaused(now):
		return fmt.Sprintf("the server asked everybody to wait, %v from now", wait)
	case w.n == 0:
		return fmt.Sprintf("no room for another request for %v", wait)
	}
	return fmt.Sprintf("limit of %d requests per %v leaves no room for %v", w.n, w.per, wait)
}

// wait blocks until it is the waiter's turn, it is turned away, or its context ends.
func (l *limiter) wait(ctx context.Context, r *Request, w *waiter) (Permit, error) {
	over := false
	defer func() {
		if !over { // the callback has panicked
			l.abandon(w, l.clock.Now())
		}
	}()
	if r.Waiting != nil {
		if why, d := l.prospect(w, l.clock.Now()); why != 0 {
			r.Waiting(why, d)
		}
	}
	select {
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

// prospect returns what a waiter waits for, and how long it probably will; 0 if its wait is
// over.
func (l *limiter) prospect(w *waiter, now time.Duration) (Reason, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.state != queued {
		return 0, 0
	}
	now = l.advance(now)
	at, why := l.next(now)
	if at <= now {
		return 0, 0
	}
	return why, l.foresee(now, l.queue.aheadExactly(w)) - now
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
		if a, ok := l.inFlight.remove(w.place, w.use); ok {
			if a.kind.isPilot() {
				l.recovery.pilotEnded(w.place)
			}
			l.unsent(a, now)
		}
	case turnedAway:
	}
	l.dispatch(now)
}
