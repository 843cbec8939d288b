package keyring

import (
	"fmt"
	"slices"
	"time"
)

const (
	// maxDraining bounds the list of replaced keys that are not safe to revoke.
	maxDraining = 8
	// drainWatch is how long the ring keeps a timer for a replaced key.
	drainWatch = time.Hour
)

// draining is a key that was current, and is safe to revoke once it is idle.
type draining struct {
	Generation
	replaced  time.Time
	successor *usage
	reported  bool // it is safe to revoke, and that has been reported
}

// drain begins to track a replaced key. mu is held.
func (r *Ring) drain(old Generation, next *Generation) {
	r.stopDraining(next.Fingerprint)
	r.stopDraining(old.Fingerprint)
	r.draining = append(r.draining, draining{Generation: old, replaced: next.Since, successor: next.usage})
	r.draining = r.draining[max(0, len(r.draining)-maxDraining):]
	r.scheduleMaintenance()
}

// stopDraining takes a key off the list, because it is in use again. mu is held.
func (r *Ring) stopDraining(fp string) {
	r.draining = slices.DeleteFunc(r.draining, func(d draining) bool { return d.Fingerprint == fp })
}

// idleAt returns when a key will have been idle for the drain time, if nothing changes. It
// is the zero time while that is unknown: attempts with the key are in flight, it may
// become current again, or neither its successor nor the current key has been accepted yet.
// mu is held.
func (r *Ring) idleAt(d *draining) time.Time {
	set := r.Load()
	works := func(u *usage) bool {
		at := u.accepted.Load()
		return at != 0 && !r.clock.Time(at).Before(d.replaced)
	}
	if d.usage.inFlight.Load() != 0 || set.isCandidate(d.Fingerprint) || !works(d.successor) && !works(set.current.usage) {
		return time.Time{}
	}
	last := r.clock.Time(d.usage.lastUsed())
	if last.Before(d.replaced) {
		last = d.replaced
	}
	return last.Add(r.cfg.DrainTime)
}

// isIdle reports whether a replaced key has been idle for the drain time. mu is held.
func (r *Ring) isIdle(d *draining, now time.Time) bool {
	at := r.idleAt(d)
	return !at.IsZero() && !now.Before(at)
}

// maintain retires the previous key when its grace period is over, and reports which keys
// are safe to revoke and which expire soon. mu is held.
func (r *Ring) maintain() {
	now, set := time.Now(), r.Load()
	if p := set.previous; p != nil && !now.Before(p.until) && p.usage.inFlight.Load() == 0 {
		r.publish(set.retire())
		r.events.record(Event{Kind: KeyRetired, Generation: p.Number, Fingerprint: p.Fingerprint, Previous: set.current.Fingerprint, Reason: "its grace period is over"})
	}
	for i := range r.draining {
		d := &r.draining[i]
		idle := r.isIdle(d, now)
		if idle && !d.reported {
			r.events.record(Event{
				Kind: KeySafeToRevoke, Generation: d.Number, Fingerprint: d.Fingerprint, Previous: set.current.Fingerprint,
				Reason: fmt.Sprintf("not used for %s, and its successor is accepted", r.cfg.DrainTime),
			})
		}
		d.reported = idle
	}
	r.checkLife()
}

// scheduleMaintenance sets the timer for the next maintenance, if something is due within
// drainWatch of the last rotation. The timer does not keep an unused ring alive for longer.
// mu is held.
func (r *Ring) scheduleMaintenance() {
	now := time.Now()
	var due []time.Time
	if p := r.Load().previous; p != nil {
		due = append(due, notBefore(now, p.until, r.cfg.DrainTime))
	}
	for i := range r.draining {
		if d := &r.draining[i]; !d.reported && now.Sub(d.replaced) <= drainWatch {
			due = append(due, notBefore(now, r.idleAt(d), r.cfg.DrainTime))
		}
	}
	if len(due) == 0 {
		return
	}
	wait := max(slices.MinFunc(due, time.Time.Compare).Sub(now), time.Millisecond)
	if r.maintenance != nil {
		r.maintenance.Reset(wait)
		return
	}
	r.maintenance = time.AfterFunc(wait, func() {
		r.change(func() {
			r.maintain()
			r.scheduleMaintenance()
		})
	})
}

// notBefore returns at, or a later time if at has passed: then the event still waits for
// something, and is checked again.
func notBefore(now, at time.Time, again time.Duration) time.Time {
	if at.After(now) {
		return at
	}
	return now.Add(again)
}
