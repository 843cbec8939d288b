package keyfit

import (
	"context"
	"fmt"
	"time"
)

// This file is the waiting side of a lane: into the queue, out of it, and the one timer.

// line puts the attempt into the queue, unless it is foreseeable that it waits in vain.
func (l *lane) line(ctx context.Context, e *Entry, now time.Duration) (*waiter, error) {
	since := now
	if !e.Since.IsZero() {
		since = min(now, l.clock.Reading(e.Since))
	}
	w := l.queue.waiter(*e, now, since)
	if d, ok := ctx.Deadline(); ok {
		w.deadline = now + time.Until(d) - l.latency
	}
	w.giveUp = w.deadline
	if e.MaxWait > 0 {
		w.giveUp = min(w.giveUp, now+e.MaxWait)
	}
	if at := l.foresee(now, l.queue.ahead(w, false)); at > now && at > w.giveUp {
		if at = l.foresee(now, l.queue.ahead(w, true)); at > now && at > w.giveUp {
			return nil, l.refuse(w, now, at)
		}
	}
	w.ready = make(chan struct{})
	l.queue.push(w)
	l.pump(now)
	return w, nil
}

// foresee returns when, at the earliest, one can go that has so many ahead of it.
func (l *lane) foresee(now time.Duration, ahead int) time.Duration {
	return l.window.foresee(max(now, l.pauseEnd), l.flight.out, ahead)
}

// pause stops everybody. Those who cannot wait for its end are refused now.
func (l *lane) pause(o Outcome, now time.Duration) {
	if o.Refusal != nil {
		l.refusal = o.Refusal
	}
	l.wary, l.calm, l.window.turn = true, false, false
	if end := now + o.Wait; end > l.pauseEnd {
		l.pauseEnd = end
	}
	for l.queue.nextGiveUp() < l.pauseEnd {
		l.turnAway(l.queue.byGiveUp.w[0], now, l.pauseEnd)
	}
}

// refuse makes the error for one that cannot go before at.
func (l *lane) refuse(w *waiter, now, at time.Duration) error {
	wait := at - now
	e := &RateLimitError{APIError: l.refusal, RetryAfter: wait, Deadline: w.deadline < at}
	if l.refusal == nil || now >= l.pauseEnd && l.window.n == l.limit.Requests {
		e.APIError = &APIError{Provider: w.entry.Provider, Message: l.noRoom(now, wait)}
	}
	return e
}

func (l *lane) noRoom(now, wait time.Duration) string {
	wait = wait.Round(time.Millisecond)
	switch {
	case now < l.pauseEnd:
		return fmt.Sprintf("the server asked everybody to wait, %v from now", wait)
	case l.window.n == 0:
		return fmt.Sprintf("no room for another request for %v", wait)
	}
	return fmt.Sprintf("limit of %d requests per %v leaves no room for %v", l.window.n, l.window.per, wait)
}

// pump lets those go who may, and sets the timer for the next.
func (l *lane) pump(now time.Duration) {
	at := never
	for l.queue.n > 0 {
		if at, _ = l.next(now); at > now {
			break
		}
		w := l.queue.pop()
		l.waits.Add(now - w.entered)
		w.place, w.gen = l.admit(now)
		w.granted = true
		close(w.ready)
	}
	if l.queue.n == 0 {
		at = never
	}
	l.arm(min(at, l.queue.nextGiveUp()), now)
}

// arm sets the one timer. One that fires too early does no harm: it is set again then.
func (l *lane) arm(at, now time.Duration) {
	if at >= l.timerAt {
		return
	}
	l.timerAt = at
	if l.timer == nil {
		l.timer = time.AfterFunc(at-now, l.wake)
	} else {
		l.timer.Reset(at - now)
	}
}

func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick(l.clock.Now())
	l.timerAt = never
	l.expire(now)
	for l.queue.nextGiveUp() <= now {
		w := l.queue.byGiveUp.w[0]
		at := l.foresee(now, 0)
		if at <= now && w.giveUp == w.deadline {
			l.queue.patient(w) // what is missing is a slot, and one may come in time
			continue
		}
		l.turnAway(w, now, max(at, now+l.latency))
	}
	l.pump(now)
}

// turnAway refuses one that waits.
func (l *lane) turnAway(w *waiter, now, at time.Duration) {
	l.queue.remove(w)
	l.waits.Add(now - w.entered)
	w.err = l.refuse(w, now, at)
	close(w.ready)
}

// review refuses those in line who, by what has just been learned, wait in vain.
func (l *lane) review(now time.Duration) {
	if !l.window.certain() {
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

// wait waits for the attempt's turn.
func (l *lane) wait(ctx context.Context, e *Entry, w *waiter) (ticket, error) {
	settled := false
	defer func() {
		if !settled { // the callback has panicked
			l.abandon(w)
		}
	}()
	if e.Waiting != nil {
		l.tell(e, w)
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		settled = true
		l.abandon(w)
		return ticket{}, ctx.Err()
	}
	settled = true
	if w.err != nil {
		return ticket{}, w.err
	}
	return ticket{lane: l, place: w.place, gen: w.gen}, nil
}

// tell calls Waiting, unless the turn has come meanwhile.
func (l *lane) tell(e *Entry, w *waiter) {
	l.mu.Lock()
	if w.granted || w.err != nil {
		l.mu.Unlock()
		return
	}
	now := l.tick(l.clock.Now())
	at, why := l.next(now)
	d := l.foresee(now, l.queue.ahead(w, true)) - now
	l.mu.Unlock()
	if at > now {
		e.Waiting(why, d)
	}
}

// abandon gives a turn back.
func (l *lane) abandon(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick(l.clock.Now())
	l.expire(now)
	switch {
	case w.granted:
		l.ungrant(w, now)
	case w.err == nil:
		l.queue.remove(w)
		l.waits.Add(now - w.entered)
	}
	l.pump(now)
}

// ungrant takes back an attempt that was let through and never went.
func (l *lane) ungrant(w *waiter, now time.Duration) {
	a, ok := l.flight.remove(w.place, w.gen)
	if !ok {
		return
	}
	switch a.kind {
	case canary:
		l.scout = 0
	case plain, early, beyond:
	}
	l.giveBack(a, now)
}
