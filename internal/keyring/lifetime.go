package keyring

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"weak"
)

const day = 24 * time.Hour

// lifeNotice records what was announced about the life of one key. Ring.mu guards it.
type lifeNotice struct {
	steps   int       // how many of expirySteps
	expired bool      // that it has ended
	aged    int64     // how many times over RotateEvery it was old
	seen    time.Time // when it was last current
}

// maxLifeNotices bounds the memory of what was announced.
const maxLifeNotices = 32

// expirySteps returns how long before the expiry of a key it is announced.
func expirySteps() []time.Duration { return []time.Duration{30 * day, 14 * day, 7 * day, day} }

// AttentionWithin is how long before its expiry a key needs attention: since the first step.
const AttentionWithin = 30 * day

// lookEvery is how long the monotonic clock may run in use until the date is looked at: it stands
// still while the machine sleeps, and a key expires meanwhile.
const lookEvery = time.Hour

// Look announces what is due about the life of the current key, when an attempt is sent at the
// given time by the ring's clock. Nearly always that is one comparison.
func (r *Ring) Look(sent time.Duration) {
	due := r.lookAt.Load()
	if int64(sent) >= due && r.lookAt.CompareAndSwap(due, math.MaxInt64) {
		r.change(r.checkLife)
	}
}

// checkLife announces the expiry of the current key, or, if it has none that is known, its age:
// each step once for each key. It promotes a verified candidate when the key has expired. mu is
// held.
func (r *Ring) checkLife() {
	cur, now := &r.Load().current, time.Now()
	var next time.Time
	switch {
	case !cur.Expires.IsZero():
		told := r.lifeNoticeOf(cur.Fingerprint, now)
		if left := cur.Expires.Sub(now); left <= 0 {
			if r.expire(cur, told) {
				return // promoting the next key has looked at that
			}
		} else {
			told.rearm(left)
			next = r.expiresSoon(cur, told, left)
		}
	case r.cfg.RotateEvery > 0:
		next = r.rotationDue(cur, r.lifeNoticeOf(cur.Fingerprint, now), now)
	}
	r.schedule(next, now)
}

// lifeNoticeOf returns what was announced about a key, which is remembered for a while after it
// was replaced: it may come back. mu is held.
func (r *Ring) lifeNoticeOf(fp string, now time.Time) *lifeNotice {
	told := r.told[fp]
	if told == nil {
		if len(r.told) >= maxLifeNotices {
			oldest := slices.MinFunc(slices.Collect(maps.Keys(r.told)), func(a, b string) int { return r.told[a].seen.Compare(r.told[b].seen) })
			delete(r.told, oldest)
		}
		told = new(lifeNotice)
		r.told[fp] = told
	}
	told.seen = now
	return told
}

// rearm takes that the end of a key is later than it was said to be. What is announced again must
// be later by a tenth: some sources reckon the date anew each time that they are asked.
func (ln *lifeNotice) rearm(left time.Duration) {
	steps := 0
	for _, before := range expirySteps() {
		if left <= before+before/10 {
			steps++
		}
	}
	ln.steps = min(ln.steps, steps)
	if left > lookEvery {
		ln.expired = false
	}
}

// expiresSoon announces that a key expires, if a step is due, and returns when the next one is.
// mu is held.
func (r *Ring) expiresSoon(cur *Generation, told *lifeNotice, left time.Duration) (next time.Time) {
	steps := 0
	next = cur.Expires
	for _, before := range expirySteps() {
		if left > before {
			next = cur.Expires.Add(-before)
			break
		}
		steps++
	}
	if steps > told.steps {
		told.steps = steps
		r.events.record(Event{
			Kind: KeyExpiring, Generation: cur.Number, Fingerprint: cur.Fingerprint, Expires: cur.Expires,
			Reason: fmt.Sprintf("ends in %s, on %s", daysOrTime(left), cur.Expires.UTC().Format(time.RFC3339)),
		})
	}
	return next
}

// rotationDue announces that a key is old, if it is and that has not been said, and returns when
// it is to be said next. mu is held.
func (r *Ring) rotationDue(cur *Generation, told *lifeNotice, now time.Time) (next time.Time) {
	since, age := cur.knownSince(), now.Sub(cur.knownSince())
	times := max(0, int64(age/r.cfg.RotateEvery))
	if times > told.aged {
		told.aged = times
		reason := fmt.Sprintf("issued %s ago, on %s", daysOrTime(age), since.UTC().Format(time.DateOnly))
		if cur.Issued.IsZero() {
			reason = fmt.Sprintf("used here for %s, and perhaps issued long before", daysOrTime(age))
		}
		r.events.record(Event{
			Kind: KeyRotationDue, Generation: cur.Number, Fingerprint: cur.Fingerprint,
			Reason: fmt.Sprintf("%s: keys of this provider are to be replaced every %s", reason, daysOrTime(r.cfg.RotateEvery)),
		})
	}
	return since.Add(time.Duration(times+1) * r.cfg.RotateEvery)
}

// rotateBy returns when a key is to be replaced by its age; zero if nobody says so, or if its end
// is known.
func (r *Ring) rotateBy(g *Generation) time.Time {
	if r.cfg.RotateEvery == 0 || !g.Expires.IsZero() {
		return time.Time{}
	}
	return g.knownSince().Add(r.cfg.RotateEvery)
}

// knownSince returns when a key was issued or, if that is not known, when the ring met it.
func (g *Generation) knownSince() time.Time {
	if !g.Issued.IsZero() {
		return g.Issued
	}
	return g.usage.met
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

// schedule sets when the life of the current key is looked at next: at the next announcement, which
// may be the zero time for none, or a day from now, and by an attempt after [lookEvery]. The timer
// knows the ring weakly: one that nobody uses is not kept for the year that its key has left. mu is
// held.
func (r *Ring) schedule(next, now time.Time) {
	if next.IsZero() {
		r.lookAt.Store(math.MaxInt64)
		r.notice.cancel()
		return
	}
	r.lookAt.Store(int64(r.clock.Now() + min(next.Sub(now), lookEvery)))
	if r.cfg.Event == nil { // nobody listens
		return
	}
	at := next
	if tomorrow := now.Add(day); at.After(tomorrow) {
		at = tomorrow
	}
	if at.Equal(r.notice.at) {
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
				r.checkLife()
			})
		}
	})
}

// expire reports, once, that the current key has expired by its date. The key stays current unless
// there is a verified candidate: only the provider knows whether it works, and our clock may be
// wrong. mu is held.
func (r *Ring) expire(cur *Generation, told *lifeNotice) (promoted bool) {
	if told.expired {
		return false
	}
	told.expired = true
	r.events.record(Event{
		Kind: KeyExpired, Generation: cur.Number, Fingerprint: cur.Fingerprint, Expires: cur.Expires,
		Reason: "ended on " + cur.Expires.UTC().Format(time.RFC3339),
	})
	if c := r.Load().candidate; c != nil && c.state == Verified {
		return r.promote(c.Generation, r.cfg.GracePeriod, KeyPromoted, "the current key has ended")
	}
	return false
}

// daysOrTime formats a duration for a person.
func daysOrTime(d time.Duration) string {
	if days := int(d / day); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Minute).String()
}
