package keyring

import "time"

// notOffered is why a candidate is dropped when the source offers another key: it would be tried
// again later, in the place of that key.
const notOffered = "the source does not offer it any more"

// take applies what the source offers, and reports whether the current key changed. refused
// is the fingerprint of the key whose refusal was the reason to ask; "" if there was
// another reason. mu is held.
//
// Only a new key is taken: a source that still offers the key from before a rotation by
// hand does not undo the rotation. After a refusal any other key is taken, except the
// previous one: that is available as a fallback, and taking it would undo the rotation for
// good because the provider was late once.
func (r *Ring) take(v Versions, refused string) (changed bool) {
	fp := v.Current.Fingerprint
	isNew := fp != r.source.offered
	r.source.offered = fp
	set := r.set.Load()
	if refused != set.current.Fingerprint {
		refused = "" // another key is current by now
	}
	staged := set.isCandidate(fp)
	if staged {
		set = r.updateCandidate(v.Current)
	}
	if j := r.rejections[fp]; j != nil && j.version != v.Current.Version {
		delete(r.rejections, fp) // the source says that it is another one
	}
	p := set.usablePrevious(time.Now())
	switch {
	case fp == set.current.Fingerprint:
		r.updateCurrent(v.Current, isNew)
	case p != nil && p.Fingerprint == fp:
		if isNew && r.takeBack(p, refused) {
			return true
		}
	case !isNew && !staged && refused == "":
	case r.isTrusted(fp, refused, isNew):
		r.promote(newGeneration(v.Current), r.cfg.GracePeriod, KeyPromoted, "offered by the source")
		r.discard(notOffered)
		return true
	case !staged:
		r.stage(newGeneration(v.Current))
	}
	r.takeOthers(v)
	return false
}

// takeBack makes the previous key current, because the source newly offers it again, or the
// candidate if it was refused meanwhile. mu is held.
func (r *Ring) takeBack(p *Generation, refused string) (changed bool) {
	if refused != "" || p.usage.refusals.Load() == 0 || r.cfg.Probe == nil && !r.isRejected(p.Fingerprint) {
		r.promote(*p, r.cfg.GracePeriod, KeyRollback, "the source offers the previous key again")
		r.discard(notOffered)
		return true
	}
	r.stage(*p)
	return false
}

// isTrusted reports whether an offered key may become current without a probe: there is
// none, or there is nothing to lose. A key that the source has offered all along and the
// provider has refused before is not trusted: it is the last one to try. mu is held.
func (r *Ring) isTrusted(fp, refused string, isNew bool) bool {
	if r.isRejected(fp) || !isNew && refused != "" && r.wasRefused(fp) {
		return false
	}
	set := r.set.Load()
	if set.isCandidate(fp) && set.candidate.state == Verified {
		return true
	}
	return r.cfg.Probe == nil || refused != "" || set.circuit != nil
}

// stage makes an offered key the candidate. mu is held.
func (r *Ring) stage(g Generation) {
	set, state, retryAt := r.set.Load(), Staged, time.Time{}
	if j := r.rejections[g.Fingerprint]; j != nil {
		retryAt = j.until
		if j.refused {
			state = Rejected
		}
	}
	r.publish(set.stage(g, state, false, retryAt))
	r.events.record(Event{Kind: KeyStaged, Fingerprint: g.Fingerprint, Previous: set.current.Fingerprint, Reason: "offered by the source, not yet verified"})
}

// updateCandidate takes new details of the candidate from the source: that the source wants
// it used, or, by another version, that it is another key, which is a reason to try it
// immediately. mu is held.
func (r *Ring) updateCandidate(k Key) *Set {
	set := r.set.Load()
	if !set.candidate.prepared && set.candidate.sameDetails(k) {
		return set
	}
	if c := set.candidate; c.state == Rejected && c.Version != k.Version {
		set = set.restage(time.Time{})
	}
	set = set.withCandidate(func(c *candidate) {
		if c.prepared || c.Version != k.Version {
			c.retryAt = time.Time{}
		}
		c.Key, c.prepared = k, false
	})
	r.publish(set)
	return set
}

// updateCurrent takes new details of the current key from the source, and drops a candidate
// that the source does not offer any more. mu is held.
func (r *Ring) updateCurrent(k Key, isNew bool) {
	if set := r.set.Load(); !set.current.sameDetails(k) {
		changed := *set
		changed.current.Key = k
		r.publish(&changed)
	}
	if isNew {
		r.discard(notOffered)
	}
}

// takeOthers takes the other keys that a source knows: a fallback for a ring that has none
// yet, and a key to verify in advance. mu is held.
func (r *Ring) takeOthers(v Versions) {
	set := r.set.Load()
	if fp := v.Previous.Fingerprint; fp != "" && set.current.Number == 1 && set.previous == nil && fp != set.current.Fingerprint {
		g := newGeneration(v.Previous)
		if until := r.usableUntil(&g, r.cfg.GracePeriod-time.Since(set.current.Since)); until.After(time.Now()) {
			set = set.hold(g, until)
			r.publish(set)
		}
	}
	fp := v.Pending.Fingerprint
	if set.isPrepared() && !set.isCandidate(fp) {
		r.events.record(Event{Kind: KeyRetired, Fingerprint: set.candidate.Fingerprint, Previous: set.current.Fingerprint, Reason: "the source does not prepare it any more"})
		set = set.discard()
		r.publish(set)
	}
	if fp == "" || set.candidate != nil || fp == set.current.Fingerprint {
		return
	}
	r.publish(set.stage(newGeneration(v.Pending), Staged, true, time.Time{}))
	r.events.record(Event{Kind: KeyStaged, Fingerprint: fp, Previous: set.current.Fingerprint, Reason: "prepared by the source"})
}
