package keyfit

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

const defaultDrainTime = 30 * time.Second

// DrainTime sets for how long nobody may have used a replaced key before the ring says
// that it is safe to revoke; see [KeySafeToRevoke]. It must be positive; the default is 30
// seconds.
func DrainTime(d time.Duration) KeyringOption {
	return keyringOption{"DrainTime", func(k *Keyring) error {
		if d <= 0 {
			return errors.New("the time must be positive")
		}
		k.quiet = d
		return nil
	}}
}

// leaving is a key that was current and is to be revoked when nobody uses it.
type leaving struct {
	key
	replaced time.Time
	by       *keyUse // of the key that replaced it
	safe     bool    // said so
}

// maxLeaving bounds the list of keys that nobody says are safe.
const maxLeaving = 8

// watchOver is for how long a replaced key is looked after without anybody asking.
const watchOver = time.Hour

// leave records that a key was replaced, and begins to look after it. k.mu is held.
func (k *Keyring) leave(old, next key) {
	k.forgetLeaving(next.fingerprint)
	k.forgetLeaving(old.fingerprint)
	k.leaving = append(k.leaving, leaving{key: old, replaced: next.since, by: next.use})
	k.leaving = k.leaving[max(0, len(k.leaving)-maxLeaving):]
	k.lookAgain()
}

// forgetLeaving takes a key off the list: it is in use again.
func (k *Keyring) forgetLeaving(fp string) {
	k.leaving = slices.DeleteFunc(k.leaving, func(l leaving) bool { return l.fingerprint == fp })
}

// quietAt is when a key will have been quiet for long enough, as things stand; the zero
// time as long as that cannot be said: attempts are under way with it, it may become current
// again, or neither its successor nor the key that is current now has been accepted yet.
func (k *Keyring) quietAt(l leaving) time.Time {
	set := k.set.Load()
	succeeded := func(by *keyUse) bool {
		at := by.goodSent.Load()
		return at != 0 && !k.clock.Time(at).Before(l.replaced)
	}
	switch {
	case l.use.inFlight.Load() != 0, set.staged != nil && set.staged.fingerprint == l.fingerprint:
		return time.Time{}
	case !succeeded(l.by) && !succeeded(set.current.use):
		return time.Time{}
	}
	last := k.clock.Time(l.use.used())
	if last.Before(l.replaced) {
		last = l.replaced
	}
	return last.Add(k.quiet)
}

// isQuiet reports whether nobody has used a replaced key for the quiet time.
func (k *Keyring) isQuiet(l leaving, now time.Time) bool {
	at := k.quietAt(l)
	return !at.IsZero() && !now.Before(at)
}

// look lets the previous key go when its time is over, and tells which keys are safe to
// revoke and which are about to end. k.mu is held.
func (k *Keyring) look() {
	now, set := time.Now(), k.set.Load()
	if p := set.previous; p != nil && !now.Before(set.until) && p.use.inFlight.Load() == 0 {
		changed := *set
		changed.previous, changed.preferred = nil, time.Time{}
		k.publish(&changed)
		k.record(KeyEvent{Kind: KeyRetired, Generation: p.gen, Fingerprint: p.fingerprint, Previous: set.current.fingerprint, Reason: "its overlap is over"})
	}
	for i := range k.leaving {
		l := &k.leaving[i]
		safe := k.isQuiet(*l, now)
		if safe && !l.safe {
			k.record(KeyEvent{
				Kind: KeySafeToRevoke, Generation: l.gen, Fingerprint: l.fingerprint, Previous: k.set.Load().current.fingerprint,
				Reason: fmt.Sprintf("not used for %s, and its successor is accepted", k.quiet),
			})
		}
		l.safe = safe
	}
	k.checkExpiry()
}

// lookAgain sets the timer for the next look, if something is due within [watchOver] of the
// last swap. It pins the ring no longer than that. k.mu is held.
func (k *Keyring) lookAgain() {
	now, set := time.Now(), k.set.Load()
	var due []time.Time
	if set.previous != nil {
		due = append(due, notBefore(now, set.until, k.quiet))
	}
	for _, l := range k.leaving {
		if l.safe || now.Sub(l.replaced) > watchOver {
			continue
		}
		due = append(due, notBefore(now, k.quietAt(l), k.quiet))
	}
	if len(due) == 0 {
		return
	}
	wait := max(slices.MinFunc(due, time.Time.Compare).Sub(now), time.Millisecond)
	if k.timer != nil {
		k.timer.Reset(wait)
		return
	}
	k.timer = time.AfterFunc(wait, func() {
		k.mu.Lock()
		k.look()
		k.lookAgain()
		k.mu.Unlock()
		k.tell()
	})
}

// notBefore returns at, or a time a while from now if at is past: what was due then still
// waits for something.
func notBefore(now, at time.Time, again time.Duration) time.Time {
	if at.After(now) {
		return at
	}
	return now.Add(again)
}

// expiryNotice is what was said of the end of which key.
type expiryNotice struct {
	fingerprint string
	ends        time.Time
	step        int // how many of expirySteps are behind
	expired     bool
}

const day = 24 * time.Hour

// expirySteps returns the times before the end of a key at which it is announced.
func expirySteps() []time.Duration { return []time.Duration{30 * day, 14 * day, 7 * day, day} }

// checkExpiry announces the end of the current key, each step once, and makes a candidate
// current when the key has ended. k.mu is held.
func (k *Keyring) checkExpiry() {
	cur := k.set.Load().current
	ends := cur.cred.Expires
	if ends.IsZero() {
		return
	}
	if k.warned.fingerprint != cur.fingerprint || !k.warned.ends.Equal(ends) {
		k.warned = expiryNotice{fingerprint: cur.fingerprint, ends: ends}
	}
	left := time.Until(ends)
	if left <= 0 {
		k.expire(cur)
		return
	}
	step := k.warned.step
	for _, before := range expirySteps()[step:] {
		if left > before {
			break
		}
		step++
	}
	if step > k.warned.step {
		k.warned.step = step
		k.record(KeyEvent{
			Kind: KeyExpiring, Generation: cur.gen, Fingerprint: cur.fingerprint,
			Reason: fmt.Sprintf("ends in %s, on %s", daysAndHours(left), ends.UTC().Format(time.RFC3339)),
		})
	}
}

// expire tells that the current key has ended by its date. It stays unless a verified
// candidate is there: whether it works is for the provider to say, and our clock may be
// wrong. Others are tried when the provider does refuse it.
func (k *Keyring) expire(cur key) {
	if k.warned.expired {
		return
	}
	k.warned.expired = true
	k.record(KeyEvent{Kind: KeyExpired, Generation: cur.gen, Fingerprint: cur.fingerprint, Reason: "ended on " + cur.cred.Expires.UTC().Format(time.RFC3339)})
	if set := k.set.Load(); set.verified {
		k.promote(*set.staged, k.overlap, KeyPromoted, "the current key has ended")
	}
}

// daysAndHours is a time for a person.
func daysAndHours(d time.Duration) string {
	if days := int(d / day); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Minute).String()
}
