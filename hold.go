package keyfit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
)

// HoldCalls has a call that was refused with every key wait for a key that works, up to d
// in all and never past its own deadline, and has others wait with it instead of being
// refused one by one. At most holders calls wait at a time; 0 means 1,000. A call that
// waited in vain, or that is one too many, fails with an [*InvalidKeyError] that Is
// [ErrNoUsableKey], and context.DeadlineExceeded if its deadline was why; one that its
// caller gave up is context.Canceled.
//
// A call whose body can be sent only once waits for another one to find the key that works;
// if none comes for a second that could, it tries itself.
//
// It is for the time between the end of the old key and the news of the new one. A hold
// that is longer than the caller's deadline is a lost call: that is for the order in which
// keys are rotated to prevent. Without HoldCalls such a call fails at once.
func HoldCalls(d time.Duration, holders int) KeyringOption {
	return keyringOption{"HoldCalls", func(k *Keyring) error {
		if d <= 0 || holders < 0 {
			return errors.New("the time must be positive, and the number of calls zero or more")
		}
		k.hold, k.holders = d, holders
		setDefault(&k.holders, 1000)
		return nil
	}}
}

// loneFirst is when a call that is refused with a key that others are served with tries
// again by itself for the first time.
const loneFirst = 100 * time.Millisecond

// outlast holds a call that was refused with every key until it is worth another try, and
// reports whether it is.
func (k *Keyring) outlast(c *turn) bool {
	k.stepDown(c)
	if k.hold == 0 {
		return false
	}
	fresh := func(set *keySet) bool { return !slices.Contains(c.tried, set.current.fingerprint) }
	k.mu.Lock()
	if set := k.set.Load(); set.circuit == nil && !fresh(set) && !k.isLone(c) && set.current.use.goodSent.Load() <= c.sent {
		k.postpone(k.open(c, "every key was refused: calls wait until one works"))
	}
	k.mu.Unlock()
	k.tell()
	if err := k.wait(c); err != nil {
		c.denied, _ = errors.AsType[*denied](err)
		c.unusable, c.cause = true, c.ctx.Err()
		return false
	}
	switch set := k.set.Load(); {
	case c.canary != nil:
		return true
	case !fresh(set): // others are served with what this call was refused with
		set.current.use.lone.add(c.route)
	case c.anew < maxReplays: // else the source has another bad key each time
		c.anew++
		return true
	}
	c.alone++
	pause := backoff.Jitter(loneFirst<<min(c.alone-1, 16), backoff.Equal)
	if time.Now().Add(pause).After(c.heldUntil(k.hold)) {
		c.unusable = true
		return false
	}
	k.mu.Lock()
	swapped := k.swapped
	k.mu.Unlock()
	c.cause = sleepOr(c.ctx, pause, swapped, nil)
	if isClosed(swapped) {
		c.alone-- // another key is no sign that it would be refused with that as well
	}
	c.unusable = c.cause != nil
	return c.cause == nil
}

// isLone reports whether this route was refused before while others were not: then it is
// hardly the key that is wrong.
func (k *Keyring) isLone(c *turn) bool { return k.set.Load().current.use.lone.has(c.route) }

// holds reports whether calls wait for a usable key.
func (k *Keyring) holds() bool { return k.hold > 0 }

// line notes that a call waits in the gate, and how to call it out of there; nil takes the
// note back.
func (k *Keyring) line(c *turn, leave context.CancelFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case leave == nil:
		delete(k.inLine, c)
	case k.set.Load().circuit != nil:
		leave()
	default:
		if k.inLine == nil {
			k.inLine = make(map[*turn]context.CancelFunc)
		}
		k.inLine[c] = leave
	}
}

// heldUntil is the end of a call's patience, which begins when it is first held.
func (c *turn) heldUntil(hold time.Duration) time.Time {
	if c.patience.IsZero() {
		c.patience = time.Now().Add(hold)
	}
	return c.patience
}

// wait returns when the circuit is closed, or when the call is its canary. The error says
// why neither came.
func (k *Keyring) wait(c *turn) error {
	var asked *reloadFlight // the question to the source that a call which is not held waits for
	for {
		k.mu.Lock()
		cc, now := k.set.Load().circuit, time.Now()
		if cc == nil {
			k.mu.Unlock()
			return nil
		}
		inTime := k.hold == 0 || now.Before(c.heldUntil(k.hold))
		if inTime && cc.mayTry(c, now) {
			c.canary, c.thorough = cc, cc.turns > 0
			k.mu.Unlock()
			return nil
		}
		refused := k.set.Load().current.fingerprint
		asking := k.inquire(c.ctx, refused)
		if k.hold == 0 && (asked == nil || asked.isAnswered() && !asked.enough(refused)) {
			asked = asking
		}
		if err := k.mayHold(c, cc, now, asked); err != nil {
			k.mu.Unlock()
			return err
		}
		if err := k.rest(c, cc, asking, asked); err != nil {
			return k.interrupted(cc, err)
		}
	}
}

// rest waits until there may be news for a call that is held. k.mu is held, and released.
func (k *Keyring) rest(c *turn, cc *circuit, asking, asked *reloadFlight) error {
	until := cc.turn(c)
	if k.hold > 0 && c.heldUntil(k.hold).Before(until) {
		until = c.heldUntil(k.hold)
	}
	if at := k.inVain.next(); asking == nil && at.Before(until) {
		until = at
	}
	var answered chan struct{}
	if asked != nil {
		answered = asked.answered
	}
	untried := 0
	if c.replayable && c.vain != cc {
		untried = 1
	}
	cc.holding++
	cc.untried += untried
	changed := cc.reworded
	k.mu.Unlock()
	err := sleepOr(c.ctx, time.Until(until), changed, answered)
	k.mu.Lock()
	cc.holding--
	cc.untried -= untried
	k.mu.Unlock()
	return err
}

// isAnswered reports whether the source has answered the question, or failed.
func (f *reloadFlight) isAnswered() bool { return isClosed(f.answered) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// mayHold says why a call must not wait any longer; nil if it may. A ring that does not hold
// calls lets them wait for one answer of the source. k.mu is held.
func (k *Keyring) mayHold(c *turn, cc *circuit, now time.Time, asked *reloadFlight) error {
	switch {
	case k.hold == 0 && asked != nil && !asked.isAnswered():
	case k.hold == 0:
		return k.unusable(cc, "not sent: the provider refuses every key", nil)
	case !now.Before(c.heldUntil(k.hold)):
		return k.unusable(cc, fmt.Sprintf("held for %s, and no key worked", k.hold), nil)
	case cc.holding >= k.holders:
		return k.unusable(cc, fmt.Sprintf("not held: %d calls wait for a key already", cc.holding), nil)
	}
	return nil
}

// interrupted is the error of a call whose context ended while it was held.
func (k *Keyring) interrupted(cc *circuit, cause error) error {
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unusable(cc, "held until its deadline, and no key worked", cause)
}

// unusable is the error of a call that the circuit keeps back. k.mu is held.
func (k *Keyring) unusable(cc *circuit, reason string, cause error) error {
	return &denied{reason: reason, since: cc.since, last: cc.refused, cause: cause}
}

// sleepOr waits for d, for one of the channels, or for the end of ctx, which alone is an
// error.
func sleepOr(ctx context.Context, d time.Duration, changed, answered <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
	case <-changed:
	case <-answered:
	}
	return nil
}
