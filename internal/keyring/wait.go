package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
)

// A call that is refused with a key that serves others tries again on its own, after a
// delay that grows from the first to the last.
const routeDelayFirst, routeDelayLast = 100 * time.Millisecond, 100 * time.Millisecond << 16

// deadline returns until when the call may wait. The time runs from its first wait.
func (t *Turn) deadline() time.Time {
	if t.waitUntil.IsZero() {
		t.waitUntil = time.Now().Add(t.ring.patience())
	}
	return t.waitUntil
}

// end returns until when the call may wait, and its context lasts; zero if for ever.
func (t *Turn) end() (end time.Time) {
	if t.ring.CanWait() {
		end = t.deadline()
	}
	if over, ok := t.call.Context.Deadline(); ok && (end.IsZero() || over.Before(end)) {
		end = over
	}
	return end
}

// waitAfterRefusal waits, after every key was refused, until another try is worthwhile, and
// then returns nil.
func (t *Turn) waitAfterRefusal() error {
	t.Finish()
	r := t.ring
	if err := t.mayWait(); err != nil {
		return err
	}
	r.change(func() {
		set := r.Load()
		if set.circuit == nil && !t.isUntried(&set.current) && !t.isRouteDenied() && set.current.usage.accepted.Load() <= t.last.Sent {
			r.trip(t.last, "every key was refused: calls wait until one works").postpone(r.firstTrialDelay(), time.Now())
		}
	})
	if err := t.wait(); err != nil {
		return t.ended(err)
	}
	switch set := r.Load(); {
	case t.IsTrial():
		return nil
	case !t.isUntried(&set.current): // others are served with what this call was refused with
		set.current.usage.denied.add(t.call.Route)
	case t.renewals < maxReplays: // else the source has another bad key each time
		t.renewals++
		return nil
	}
	return t.waitRouteBackoff()
}

// mayWait returns the error of a call that was refused and must not wait: calls do not wait as
// things are now, or others are served with its key, and a moment was given to that already.
func (t *Turn) mayWait() error {
	r := t.ring
	set := r.Load()
	switch {
	case !r.holds(set) && t.waitUntil.IsZero():
		return ErrNoOtherKey
	case !r.holds(set) && t.failedTrial != nil:
		return r.heldInVain(t.failedTrial, t.last.Refusal)
	case !r.holds(set):
		return &DeniedError{Last: t.last.Refusal}
	case r.cfg.Wait > 0 || !t.isRouteDenied():
		return nil
	case t.routeRefusals == 0:
		return ErrNoOtherKey
	case t.routeRefusals >= maxMomentTries:
		r.locked(func() { r.inVain(r.Load()) })
		return &DeniedError{Last: t.last.Refusal}
	}
	return nil
}

// waitRouteBackoff waits before another try of a call that is refused while others are not.
func (t *Turn) waitRouteBackoff() error {
	pause := backoff.Jitter(backoff.Exponential(routeDelayFirst, routeDelayLast, t.routeRefusals), backoff.Equal)
	t.routeRefusals++
	if time.Now().Add(pause).After(t.deadline()) {
		return &DeniedError{Last: t.last.Refusal}
	}
	var promoted <-chan struct{}
	t.ring.locked(func() { promoted = t.ring.promoted })
	began := time.Now()
	t.waits(began.Add(pause))
	err := sleep(t.call.Context, pause, promoted, nil)
	t.waited(began)
	select {
	case <-promoted:
		t.routeRefusals-- // this call may not be refused with that key as well
	default:
	}
	if err != nil {
		return t.ended(&DeniedError{Last: t.last.Refusal})
	}
	return nil
}

// ended returns the error of a wait after a refusal, with the end of the call's context as
// its cause.
func (t *Turn) ended(err error) error {
	cause := t.call.Context.Err()
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	if d, ok := errors.AsType[*DeniedError](err); ok {
		d.Cause = cause
	}
	return err
}

// waiter is one wait of a call for a usable key.
type waiter struct {
	*Turn
	holds bool      // calls wait for a usable key
	in    *circuit  // the one that the call has waited in; nil if it has not waited
	asked *question // the question that a call may wait for although calls do not wait
	until time.Time // until when it may wait for the trial of an untried key, although calls do not wait
}

// pause is how long a waiter sleeps, and what wakes it.
type pause struct {
	circuit *circuit
	fresh   bool // the call may be a trial request, and has not been one
	until   time.Time
	longest time.Time       // until when the whole wait lasts at most
	changed <-chan struct{} // the circuit has
	landed  <-chan struct{} // the answer of the source; nil if the call does not wait for one
}

// wait returns nil when the circuit is closed, or when the call is its trial request.
func (t *Turn) wait() error {
	w := waiter{Turn: t}
	var began time.Time
	for {
		p, err := w.enter()
		t.ring.events.deliver() // the moment may be over
		if p == nil {
			t.waited(began)
			return err
		}
		if began.IsZero() {
			began = time.Now()
			t.waits(p.longest)
		}
		err = sleep(t.call.Context, time.Until(p.until), p.changed, p.landed)
		w.leave(p)
		if err == nil {
			continue
		}
		t.waited(began)
		if errors.Is(err, context.Canceled) {
			return err
		}
		return w.deny(p.circuit, "held until its deadline, and no key worked", err)
	}
}

// waits reports that a wait of the call begins, which lasts until the given time at most.
func (t *Turn) waits(until time.Time) {
	if t.call.Waits != nil {
		t.call.Waits(max(0, time.Until(until)))
	}
}

// waited reports that a wait of the call is over, which began at the given time; zero if it did not
// wait.
func (t *Turn) waited(began time.Time) {
	if t.call.Waited == nil || began.IsZero() {
		return
	}
	if took := time.Since(began); took > 0 {
		t.call.Waited(took)
	}
}

// enter decides what the call does now: it is sent (nil, nil), it is denied (an error), or
// it waits for the returned pause.
func (w *waiter) enter() (*pause, error) {
	r := w.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	set, now := r.Load(), time.Now()
	c := set.circuit
	r.endMoment(set, now)
	set = r.Load()
	w.holds = r.holds(set)
	switch {
	case w.in != nil && w.in.vain:
		return nil, r.heldInVain(w.in, w.in.refusal)
	case set.circuit == nil:
		return nil, nil
	case (!w.holds || now.Before(w.deadline())) && c.tryTrial(w.Turn, now):
		return nil, nil
	}
	refused := set.current.Fingerprint
	var asking *question
	if w.asks(c) {
		asking = r.askAfterRefusal(w.call.Context, refused)
	}
	if !w.holds && (w.asked == nil || w.asked.answer.HasLanded() && !w.asked.suffices(refused)) {
		w.asked = asking
	}
	if why := w.mustNotWait(c, now); why != "" {
		return nil, &DeniedError{Reason: why, Since: c.since, Last: c.refusal}
	}
	return w.pause(c, asking), nil
}

// mustNotWait returns the reason why the call must not wait any longer; "" if it may. If
// calls do not wait for a key that works, they still wait for one answer of the source, and
// for the trial of a key that it newly offered. mu is held.
func (w *waiter) mustNotWait(c *circuit, now time.Time) string {
	cfg := &w.ring.cfg
	switch {
	case !w.holds && w.asked != nil && !w.asked.answer.HasLanded():
	case !w.holds && w.awaitsTrial(c, now):
	case !w.holds:
		return "not sent: the provider refuses every key"
	case !now.Before(w.deadline()):
		return fmt.Sprintf("held for %s, and no key worked", w.ring.patience())
	case c.waiting.all >= cfg.MaxWaiting:
		return fmt.Sprintf("not held: %d calls wait for a key already", c.waiting.all)
	}
	return ""
}

// asks reports whether a waiting call asks the source: not if it waits for the trial of what
// the source has just offered.
func (w *waiter) asks(c *circuit) bool { return w.holds || c.key != untriedKey }

// awaitsTrial reports whether a trial request is about to tell of an untried key. A call
// waits for that once, and not longer than a probe takes.
func (w *waiter) awaitsTrial(c *circuit, now time.Time) bool {
	if c.key != untriedKey {
		return false
	}
	if w.until.IsZero() {
		w.until = now.Add(maxProbe)
	}
	return now.Before(w.until)
}

// pause counts the call among the waiting ones. mu is held.
func (w *waiter) pause(c *circuit, asking *question) *pause {
	p := &pause{circuit: c, fresh: w.call.Replayable && w.failedTrial != c, until: c.dueAt(w.Turn), changed: c.changed}
	if w.holds && w.deadline().Before(p.until) {
		p.until = w.deadline()
	}
	if !c.until.IsZero() && c.until.Before(p.until) {
		p.until = c.until
	}
	if w.until.After(time.Now()) && w.until.Before(p.until) {
		p.until = w.until
	}
	if at := w.ring.source.pace.next(); asking == nil && w.asks(c) && at.Before(p.until) {
		p.until = at
	}
	if w.asked != nil && !w.asked.answer.HasLanded() {
		p.landed = w.asked.answer.Landed()
	}
	p.longest = p.until
	if w.holds {
		p.longest = w.deadline()
	}
	c.waiting.add(p.fresh, 1)
	w.in = c
	return p
}

// leave ends a pause.
func (w *waiter) leave(p *pause) {
	w.ring.locked(func() { p.circuit.waiting.add(p.fresh, -1) })
}

// deny returns the error of a call that must not wait any longer.
func (w *waiter) deny(c *circuit, why string, cause error) error {
	w.ring.mu.Lock()
	defer w.ring.mu.Unlock()
	return &DeniedError{Reason: why, Since: c.since, Last: c.refusal, Cause: cause}
}

func (counts *waiting) add(fresh bool, n int) {
	counts.all += n
	if fresh {
		counts.fresh += n
	}
}
