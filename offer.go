package keyfit

import (
	"context"
	"time"
)

// Versions is all that a source knows. The zero [Credential] stands for none.
type Versions struct {
	// Current is the key that the source wants used. It must be there.
	Current Credential
	// Previous is what Current replaced. A ring that is just made holds it for the case
	// that the provider does not know Current yet.
	Previous Credential
	// Pending is a key that the source prepares. A ring verifies it ahead, and uses it only
	// when it has become Current, or when every other key is refused.
	Pending Credential
}

// VersionedSource is a [Source] that knows more than one key, as a secret store with versions does.
type VersionedSource interface {
	Source
	// Versions is [Source.Credential] for everything that the source knows.
	Versions(ctx context.Context) (Versions, error)
}

// offerOf asks a source for all that it knows.
func offerOf(ctx context.Context, src Source) (Versions, error) {
	if o, ok := src.(VersionedSource); ok {
		return o.Versions(ctx)
	}
	cred, err := src.Credential(ctx)
	return Versions{Current: cred}, err
}

// clean checks an offer. A malformed Previous or Pending is none: the ring does without.
func (o Versions) clean(life time.Duration) (Versions, error) {
	var err error
	if o.Current, err = o.Current.clean(); err != nil {
		return Versions{}, err
	}
	o.Current = o.Current.withEnd(life)
	for _, c := range []*Credential{&o.Previous, &o.Pending} {
		if *c, err = c.clean(); err != nil || c.Fingerprint() == o.Current.Fingerprint() {
			*c = Credential{}
			continue
		}
		*c = c.withEnd(life)
	}
	return o, nil
}

// withEnd returns the credential with its end, if that follows from its issue.
func (c Credential) withEnd(life time.Duration) Credential {
	if c.Expires.IsZero() && !c.Issued.IsZero() && life > 0 {
		c.Expires = c.Issued.Add(life)
	}
	return c
}

// take makes of an offer what it means for the ring, and reports whether the current key
// changed. refused is the fingerprint of the key whose refusal was the reason to ask; "" if
// there was another. k.mu is held.
//
// Only what is new is taken: a source that goes on offering what it did while the ring was
// rotated by hand does not undo that. After a refusal any key is taken that is not the
// refused one, but for the previous one, which is at hand as it is: taking it would undo
// the rotation for good because the provider was late once.
func (k *Keyring) take(o Versions, refused string) (changed bool) {
	next := newKey(o.Current)
	news := next.fingerprint != k.offer
	k.offer = next.fingerprint
	set := k.set.Load()
	if refused != set.current.fingerprint {
		refused = "" // another key is current by now
	}
	staged := set.staged != nil && set.staged.fingerprint == next.fingerprint
	if staged {
		set = k.restage(o.Current)
	}
	if r := k.rejected[next.fingerprint]; r != nil && r.version != o.Current.Version {
		delete(k.rejected, next.fingerprint) // the source says that it is another one
	}
	previous := set.held(time.Now())
	switch {
	case next.fingerprint == set.current.fingerprint:
		k.refresh(o.Current, news)
	case previous != nil && previous.fingerprint == next.fingerprint:
		if !news {
			break
		}
		if refused != "" || previous.use.refusals.Load() == 0 || k.probe == nil && !k.isRejected(next.fingerprint) {
			return k.promote(*previous, k.overlap, KeyRollback, "the source offers the previous key again")
		}
		k.stage(*previous)
	case !news && !staged && refused == "":
	case k.trusted(next.fingerprint, refused, news):
		return k.promote(next, k.overlap, KeyPromoted, "offered by the source")
	case !staged:
		k.stage(next)
	}
	k.beside(o)
	return false
}

// trusted reports whether an offer may be current at once: there is no probe to try it
// first, or nothing to lose. What the source has offered all along, and the provider has
// refused before, is not: it is the last thing to try. k.mu is held.
func (k *Keyring) trusted(fp, refused string, news bool) bool {
	if k.isRejected(fp) || !news && refused != "" && k.everRejected(fp) {
		return false
	}
	set := k.set.Load()
	if set.verified && set.staged.fingerprint == fp {
		return true
	}
	return k.probe == nil || refused != "" || set.circuit != nil
}

// stage puts an offer aside until it is verified. k.mu is held.
func (k *Keyring) stage(next key) {
	set := k.set.Load().stage(next, false)
	if r := k.rejected[next.fingerprint]; r != nil {
		set.recheck = r.until
	}
	k.publish(set)
	k.record(KeyEvent{Kind: KeyStaged, Fingerprint: next.fingerprint, Previous: set.current.fingerprint, Reason: "offered by the source, not yet verified"})
}

// restage takes what the source says anew about the candidate: that it wants it used, or
// that it is another one by its version, which is a reason to try it at once. k.mu is held.
func (k *Keyring) restage(cred Credential) *keySet {
	set := k.set.Load()
	if c := set.staged.cred; !set.pending && c.sameBut(cred) {
		return set
	}
	changed, staged := *set, *set.staged
	if set.pending || staged.cred.Version != cred.Version {
		changed.recheck = time.Time{}
	}
	staged.cred = cred
	changed.staged, changed.pending = &staged, false
	k.publish(&changed)
	return &changed
}

// refresh takes what the source says anew about the current key, and lets go of a
// candidate that it does not offer any more. k.mu is held.
func (k *Keyring) refresh(cred Credential, news bool) {
	set := k.set.Load()
	if !set.current.cred.sameBut(cred) {
		changed := *set
		changed.current.cred = cred
		set = &changed
		k.publish(set)
	}
	if news {
		k.unstage("the source does not offer it any more")
	}
}

// sameBut reports whether a source says the same of a key as it did.
func (c Credential) sameBut(other Credential) bool {
	return c.Expires.Equal(other.Expires) && c.Issued.Equal(other.Issued) && c.Version == other.Version && c.Place == other.Place
}

// beside takes the other keys of an offer: a fallback for a ring that has none yet, and a
// key to verify ahead. k.mu is held.
func (k *Keyring) beside(o Versions) {
	set := k.set.Load()
	if fp := o.Previous.Fingerprint(); fp != "" && set.current.gen == 1 && set.previous == nil && fp != set.current.fingerprint {
		held := newKey(o.Previous)
		if until := k.holdUntil(held, k.overlap-time.Since(set.current.since)); until.After(time.Now()) {
			changed := *set
			changed.previous, changed.until = &held, until
			set = &changed
			k.publish(set)
		}
	}
	fp := o.Pending.Fingerprint()
	if set.pending && set.staged.fingerprint != fp {
		k.record(KeyEvent{Kind: KeyRetired, Fingerprint: set.staged.fingerprint, Previous: set.current.fingerprint, Reason: "the source does not prepare it any more"})
		set = set.unstage()
		k.publish(set)
	}
	if fp == "" || set.staged != nil || fp == set.current.fingerprint {
		return
	}
	k.publish(set.stage(newKey(o.Pending), true))
	k.record(KeyEvent{Kind: KeyStaged, Fingerprint: fp, Previous: set.current.fingerprint, Reason: "prepared by the source"})
}
