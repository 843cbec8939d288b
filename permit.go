package keyfit

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

var errCircuitOpened = errors.New("the circuit opened")

// enter waits for the keyring's circuit and then for the gate. It returns the key of the
// attempt, and when the attempt begins by the client's clock. given is the key of a replay,
// which does not wait for the circuit. If the circuit opens while the call waits in the
// gate, the call starts over: a call that waits for a key must not occupy a place in the
// gate.
func (k *call) enter(given *keyring.Generation) (with *keyring.Generation, p permit, began time.Duration, err error) {
	began = k.began
	if k.attempts > 0 {
		began = k.client.clock.Now()
	}
	for ; ; began = k.client.clock.Now() {
		if given == nil && !k.mayPass(k.ring.engine.Load()) {
			if err = k.turn().Admit(); err != nil {
				return nil, permit{}, 0, k.keptBack(err)
			}
			began = k.client.clock.Now()
		}
		p, began, err = k.acquire(began, given == nil)
		if errors.Is(err, errCircuitOpened) {
			continue
		}
		if err != nil {
			k.tally.refusedByGate(err)
			return nil, permit{}, 0, gateError(k, err)
		}
		if given != nil {
			return given, p, began, nil
		}
		if set := k.ring.engine.Load(); k.mayPass(set) {
			return set.Pick(k.replayable), p, began, nil
		}
		p.leave(&Outcome{Remaining: -1, Unsent: true}, k.client.gateTime(k.client.clock.Now()))
	}
}

// mayPass reports whether the circuit lets the call through.
func (k *call) mayPass(set *keyring.Set) bool { return set.CircuitClosed() || k.isTrial() }

// isTrial reports whether the call is a trial request of the circuit.
func (k *call) isTrial() bool {
	return k.trouble != nil && k.trouble.turn != nil && k.trouble.turn.IsTrial()
}

// acquire takes a permit from the gate. It returns when it got the permit: now if there was
// no wait, as for nearly every call, otherwise later.
func (k *call) acquire(now time.Duration, mayLeave bool) (permit, time.Duration, error) {
	if err := k.Err(); err != nil {
		return permit{}, 0, err
	}
	if own, ok := k.client.gate.(*gate); ok {
		if p, ok := own.enterNow(k.client.provider.Name, k.account, k.group(), k.client.gateTime(now)); ok {
			return p, now, nil
		}
	}
	p, err := k.queue(mayLeave)
	return p, k.client.clock.Now(), err
}

// queue waits for a permit. If calls wait for a key, one that waits when the circuit opens
// leaves the gate with errCircuitOpened, so that the trial request does not queue behind
// it.
func (k *call) queue(mayLeave bool) (permit, error) {
	k.inTrouble() // the gate may keep a reference to the call from here on
	e := Entry{
		Provider: k.client.provider.Name, Key: k.account, Group: k.group(), Route: k.limitRoute(),
		MaxWait: k.policy.MaxWait, Priority: k.priority, NoTrial: k.attempts >= 2 || k.attempts > 0 && !k.mayTryAfter(k.attempts+1),
	}
	if left, bounded := k.left(true); bounded {
		if e.MaxWait == 0 || left < e.MaxWait {
			e.MaxWait = max(1, left) // 0 would mean no bound
		}
	}
	if k.attempts == 1 || k.attempts > 1 && k.keepsPlace { // see Gate
		e.Since = k.client.clock.Time(k.began)
	}
	if k.client.obs.wantsWaits() {
		e.Waiting = k.observeWait
	}
	if !mayLeave || !k.ring.engine.CanWait() || k.isTrial() {
		return enterGate(k.Context, k.client.gate, &e)
	}
	inQueue, leave := context.WithCancel(k.Context)
	defer leave()
	defer k.ring.engine.OnOpen(leave)()
	p, err := enterGate(inQueue, k.client.gate, &e)
	if err != nil && inQueue.Err() != nil && k.Err() == nil {
		return permit{}, errCircuitOpened
	}
	return p, err
}

// mayTryAfter reports whether the policy lets a call try again after so many attempts.
func (k *call) mayTryAfter(attempts int) bool { return attempts < k.policy.MaxAttempts }

// group names the limit of the call's route; "" for that of the account.
func (k *call) group() string {
	if len(k.client.provider.LimitGroups) == 0 {
		return ""
	}
	return k.client.provider.limitGroup(k.url.Path)
}

// limitRoute names the call's route for a gate: the method and the path, with a * in the place
// of every segment that has a digit, as identifiers do.
func (k *call) limitRoute() string {
	segments := strings.Split(k.path(), "/")
	for i, s := range segments {
		if strings.ContainsAny(s, "0123456789") {
			segments[i] = "*"
		}
	}
	return k.method + " " + k.redactor().Text(strings.Join(segments, "/"))
}

// gateTime converts a reading of the client's clock to one of the gate's clock.
func (c *Client) gateTime(reading time.Duration) time.Duration { return reading - c.gateLag }

// gateError marks an error of a custom gate that is none of the two that [Gate] promises.
func gateError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*RateLimitError](err); ok || ctx.Err() != nil {
		return err
	}
	return &finalError{"the gate failed", err}
}

// keptBack turns the keyring's denial into an [InvalidKeyError].
func (k *call) keptBack(err error) error {
	d, ok := errors.AsType[*keyring.DeniedError](err)
	if !ok {
		return err
	}
	last, _ := d.Last.(*APIError)
	base := last.copy() // other calls share it
	base.Provider, base.Method, base.Path, base.Attempts = k.client.provider.Name, k.method, k.redactor().Text(k.path()), k.attempts
	base.Note, base.History = d.Error(), k.history()
	return &InvalidKeyError{APIError: base, Unusable: true, cause: d.Cause}
}
