package mockserver

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rotate makes a successor of the key; both are valid for overlap. The successor
// inherits name, scopes, access, limit and expiry policy: a fixed expiry stays, a
// lifetime starts again. The old key expires at now + overlap or at its own
// expiry, whichever comes first: a rotation never extends a lifetime.
//
// It fails with ErrNoSuchKey, with ErrKeyEnded if the key is expired or revoked,
// with ErrKeySuspended if it is suspended, with ErrKeyReplaced if it has a successor,
// and with ErrNoOverlap for an IMKIT client key unless overlap is 0. An overlap is at
// most 100 years.
func (k *Keys) Rotate(id string, overlap time.Duration) (Issued, error) {
	return k.rotateAt(k.ns.clock.Now, id, overlap)
}

// rotateAt is Rotate by a clock.
func (k *Keys) rotateAt(clock func() time.Time, id string, overlap time.Duration) (Issued, error) {
	var u undo
	k.ops.RLock()
	next, err := k.rotate(clock, id, overlap, &u)
	k.ops.RUnlock()
	if err != nil {
		return Issued{}, err
	}
	if err := k.save(&u); err != nil {
		return Issued{}, fmt.Errorf("mockserver: rotate %q: %w", id, err)
	}
	return next, nil
}

func (k *Keys) rotate(clock func() time.Time, id string, overlap time.Duration, u *undo) (Issued, error) {
	rec := k.get(id)
	if rec == nil {
		return Issued{}, noSuchKey("rotate", id)
	}
	switch {
	case overlap < 0:
		return Issued{}, fmt.Errorf("mockserver: rotate %q: negative overlap %s", id, overlap)
	case overlap > maxLife:
		return Issued{}, fmt.Errorf("mockserver: rotate %q: an overlap of %s is longer than %s", id, Duration(overlap), Duration(maxLife))
	}
	rec.change.Lock()
	defer rec.change.Unlock()
	now, old := clock(), rec.life.Load()
	switch {
	case old.replacedBy != "":
		return Issued{}, fmt.Errorf("mockserver: rotate %q: %w by %s", id, ErrKeyReplaced, old.replacedBy)
	case old.revoked != 0, old.expires != 0 && now.UnixNano() >= old.expires:
		return Issued{}, fmt.Errorf("mockserver: rotate %q: %w", id, ErrKeyEnded)
	case old.suspended != 0:
		return Issued{}, fmt.Errorf("mockserver: rotate %q: %w", id, ErrKeySuspended)
	case rec.spec.kind == KindPair && overlap > 0 && !rec.vendor.own:
		// "Client key: one per application; replace = revoke old then generate".
		return Issued{}, fmt.Errorf("mockserver: rotate %q: %w", id, ErrNoOverlap)
	}
	spec := *rec.now()
	spec.lasting = false
	next := k.issueAt(now, rec.vendor, spec, rec.id)
	u.withdraw = append(u.withdraw, next.ID)
	u.changing(rec, func() { rec.shorten(now.Add(overlap), next.ID) })
	if p := rec.partner; p != nil {
		p.change.Lock()
		u.changing(p, func() { p.shorten(now.Add(overlap), "") })
		p.change.Unlock()
	}
	return next, nil
}

// shorten moves the expiry to at unless it is earlier. The caller holds r.change.
func (r *record) shorten(at time.Time, replacedBy string) {
	l := *r.life.Load()
	if end := at.UnixNano(); l.expires == 0 || end < l.expires {
		l.expires = end
	}
	if replacedBy != "" {
		l.replacedBy = replacedBy
	}
	r.set(&l)
}

// Revoke makes the key invalid at once. Revoking again changes nothing. It fails
// with ErrNoSuchKey.
func (k *Keys) Revoke(id, reason string) error {
	return k.end(id, "revoke", func(r *record, now time.Time) { r.revoke(now, reason) })
}

// Expire moves the key's expiry to now. It fails with ErrNoSuchKey.
func (k *Keys) Expire(id string) error {
	return k.end(id, "expire", func(r *record, now time.Time) { r.shorten(now, "") })
}

// Suspend makes the key invalid until Enable, as an administrator of Optimove
// disables a key ("Keys can be disabled or deleted"). Suspending again changes
// nothing. It fails with ErrNoSuchKey.
func (k *Keys) Suspend(id string) error {
	return k.end(id, "suspend", (*record).suspend)
}

func (r *record) suspend(now time.Time) {
	if l := *r.life.Load(); l.suspended == 0 {
		l.suspended = now.UnixNano()
		r.set(&l)
	}
}

func (r *record) enable(time.Time) {
	if l := *r.life.Load(); l.suspended != 0 {
		l.suspended = 0
		r.set(&l)
	}
}

// Enable makes a suspended key valid again; its expiry has not moved. It changes
// nothing about a key that is not suspended. It fails with ErrNoSuchKey, and with
// ErrKeyEnded if the key is expired or revoked.
func (k *Keys) Enable(id string) error {
	if rec := k.get(id); rec != nil {
		if s := rec.status(k.ns.clock.Now()); s == StatusExpired || s == StatusRevoked {
			return fmt.Errorf("mockserver: enable %q: %w", id, ErrKeyEnded)
		}
	}
	return k.end(id, "enable", (*record).enable)
}

func (k *Keys) end(id, verb string, how func(*record, time.Time)) error {
	return k.endAt(k.ns.clock.Now(), id, verb, how)
}

// endAt is end at a time, which a running clock may have passed.
func (k *Keys) endAt(now time.Time, id, verb string, how func(*record, time.Time)) error {
	rec := k.get(id)
	if rec == nil {
		return noSuchKey(verb, id)
	}
	var u undo
	k.ops.RLock()
	for _, r := range []*record{rec, rec.partner} {
		if r != nil {
			r.change.Lock()
			u.changing(r, func() { how(r, now) })
			r.change.Unlock()
		}
	}
	k.ops.RUnlock()
	if err := k.save(&u); err != nil {
		return fmt.Errorf("mockserver: %s %q: %w", verb, id, err)
	}
	return nil
}

func (r *record) revoke(now time.Time, reason string) {
	l := *r.life.Load()
	if l.revoked == 0 {
		l.revoked, l.reason = now.UnixNano(), reason
		r.set(&l)
	}
}

// edit changes the key's properties, of a pair those of both records. A rotation
// inherits them. Requests in progress keep the properties that they have read.
func (k *Keys) edit(id string, how func(*keySpec)) error {
	return k.end(id, "edit", func(r *record, _ time.Time) {
		l, next := *r.life.Load(), *r.now()
		how(&next)
		l.edited = &next
		r.set(&l)
	})
}

// noSuchKey is ErrNoSuchKey. It repeats only what looks like an ID: somebody may have given the
// key's value instead, and errors are written to logs.
func noSuchKey(verb, id string) error {
	_, number, _ := strings.Cut(id, "key_")
	if _, err := strconv.ParseUint(number, 10, 64); err != nil || len(number) > 12 {
		return fmt.Errorf("mockserver: %s: %w", verb, ErrNoSuchKey)
	}
	return fmt.Errorf("mockserver: %s %q: %w", verb, id, ErrNoSuchKey)
}
