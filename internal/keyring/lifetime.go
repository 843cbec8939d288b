package keyring

import (
	"fmt"
	"time"
	"weak"
)

const day = 24 * time.Hour

// expiryNotice records what was reported about the expiry of a key. Ring.mu guards it.
type expiryNotice struct {
	fingerprint string
	expires     time.Time
	steps       int // how many of expirySteps have been reported
	expired     bool
}

// expirySteps returns how long before the expiry of a key it is announced.
func expirySteps() []time.Duration { return []time.Duration{30 * day, 14 * day, 7 * day, day} }

// checkExpiry announces the expiry of the current key, each step once, and promotes a
// verified candidate when the key has expired. mu is held.
func (r *Ring) checkExpiry() {
	cur := &r.Load().current
	if cur.Expires.IsZero() {
		r.notice.cancel()
		return
	}
	defer r.scheduleNotice(cur.Expires)
	if r.expiry.fingerprint != cur.Fingerprint || !r.expiry.expires.Equal(cur.Expires) {
		r.expiry = expiryNotice{fingerprint: cur.Fingerprint, expires: cur.Expires}
	}
	left := time.Until(cur.Expires)
	if left <= 0 {
		r.expire(cur)
		return
	}
	steps := r.expiry.steps
	for _, before := range expirySteps()[steps:] {
		if left > before {
			break
		}
		steps++
	}
	if steps > r.expiry.steps {
		r.expiry.steps = steps
		r.events.record(Event{
			Kind: KeyExpiring, Generation: cur.Number, Fingerprint: cur.Fingerprint,
			Reason: fmt.Sprintf("ends in %s, on %s", daysOrTime(left), cur.Expires.UTC().Format(time.RFC3339)),
		})
	}
}

// notice is the timer of the next announcement of an expiry, which comes without calls and without
// [Ring.Watch]. Ring.mu guards it.
type notice struct {
	timer *time.Timer
	at    time.Time
}

func (n *notice) cancel() {
	if n.timer != nil {
		n.timer.Stop()
	}
	n.at = time.Time{}
}

// scheduleNotice sets the timer for the next announcement of an expiry, or for a day from now. It knows
// the ring weakly: one that nobody uses is not kept for the year that its key has left. mu is held.
func (r *Ring) scheduleNotice(expires time.Time) {
	now, at := time.Now(), expires
	if r.cfg.Event == nil { // nobody listens
		return
	}
	for _, before := range expirySteps() {
		if step := expires.Add(-before); step.After(now) {
			at = step
			break
		}
	}
	if tomorrow := now.Add(day); at.After(tomorrow) {
		at = tomorrow
	}
	if at.Equal(r.notice.at) || !at.After(now) {
		return
	}
	r.notice.at = at
	if r.notice.timer != nil {
		r.notice.timer.Reset(at.Sub(now))
		return
	}
	ring := weak.Make(r)
	r.notice.timer = time.AfterFunc(at.Sub(now), func() {
		if r := ring.Value(); r != nil {
			r.change(func() {
				r.notice.at = time.Time{}
				r.checkExpiry()
			})
		}
	})
}

// expire reports that the current key has expired by its date. The key stays current unless
// there is a verified candidate: only the provider knows whether it works, and our clock
// may be wrong. mu is held.
func (r *Ring) expire(cur *Generation) {
	if r.expiry.expired {
		return
	}
	r.expiry.expired = true
	r.events.record(Event{Kind: KeyExpired, Generation: cur.Number, Fingerprint: cur.Fingerprint, Reason: "ended on " + cur.Expires.UTC().Format(time.RFC3339)})
	if c := r.Load().candidate; c != nil && c.state == Verified {
		r.promote(c.Generation, r.cfg.GracePeriod, KeyPromoted, "the current key has ended")
	}
}

// daysOrTime formats a duration for a person.
func daysOrTime(d time.Duration) string {
	if days := int(d / day); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Minute).String()
}
