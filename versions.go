package keyfit

import (
	"context"
	"fmt"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// Versions is everything that a source knows. A zero [Credential] means that there is no
// such key.
type Versions struct {
	// Current is the key that the source wants used. Required.
	Current Credential
	// Previous is the key that Current replaced. A new ring keeps it as a fallback, in case
	// the provider does not know Current yet.
	Previous Credential
	// Pending is a key that the source prepares. A ring verifies it in advance, and uses it
	// only when it has become Current, or when every other key is refused.
	Pending Credential
}

// VersionedSource is a [Source] that knows more than one key, as a secret store with
// versions does.
type VersionedSource interface {
	Source
	// Versions returns everything that the source knows, by the rules of [Source].
	Versions(ctx context.Context) (Versions, error)
}

// versionsOf asks a source for everything that it knows.
func versionsOf(ctx context.Context, src Source) (Versions, error) {
	if s, ok := src.(VersionedSource); ok {
		return s.Versions(ctx)
	}
	cred, err := src.Credential(ctx)
	return Versions{Current: cred}, err
}

// look returns what the ring knows about the look of its keys.
func (ring *Keyring) look() keyLook { return keyLook{ring.provider, ring.shape} }

// clean checks what a source knows. A Previous or Pending that the ring does not take is
// dropped.
func (ring *Keyring) clean(v Versions) (Versions, error) {
	var err error
	given := v.Current
	if v.Current, err = given.clean(); err != nil {
		if given.Place != "" {
			err = &sourceError{given.placeOr(), err}
		}
		return Versions{}, err
	}
	if err := ring.look().check(v.Current); err != nil {
		return Versions{}, err
	}
	if err := belongsTo(ring.only, v.Current); err != nil {
		return Versions{}, &sourceError{v.Current.placeOr(), fmt.Errorf("%w: restart the program", err)}
	}
	v.Current = v.Current.withEnd(ring.life)
	for _, c := range []*Credential{&v.Previous, &v.Pending} {
		if *c, err = c.clean(); err != nil || c.Fingerprint() == v.Current.Fingerprint() || ring.look().check(*c) != nil || belongsTo(ring.only, *c) != nil {
			*c = Credential{}
			continue
		}
		*c = c.withEnd(ring.life)
	}
	return v, nil
}

// withEnd returns the credential with its expiry, if that follows from its issue.
func (cred Credential) withEnd(life time.Duration) Credential {
	if cred.Expires.IsZero() && !cred.Issued.IsZero() && life > 0 {
		cred.Expires = cred.Issued.Add(life)
	}
	return cred
}

// keys converts the versions for the engine.
func (v Versions) keys() keyring.Versions {
	return keyring.Versions{Current: v.Current.key(), Previous: v.Previous.key(), Pending: v.Pending.key()}
}

type refusedKey struct{}

// RefusedKey returns the fingerprint of the key whose refusal made a [Keyring] ask its
// [Source]; ctx is that of [Source.Credential]. It is "" if the source is asked for another
// reason. A caching source (for example of OAuth tokens) should drop the key with this
// fingerprint.
func RefusedKey(ctx context.Context) string {
	fp, _ := ctx.Value(refusedKey{}).(string)
	return fp
}

// ask asks a source for everything that it knows, and checks it. refused is the fingerprint
// of the refused key that is the reason, or "". The error contains no secret.
func (ring *Keyring) ask(ctx context.Context, src Source, refused string) (keyring.Versions, error) {
	given, err := versionsOf(context.WithValue(ctx, refusedKey{}, refused), src)
	checked := given
	if err == nil {
		checked, err = ring.clean(given)
	}
	if err != nil {
		return keyring.Versions{}, redactorOf(append(ring.live(), given.Current, given.Previous, given.Pending)...).Error(err)
	}
	keys := checked.keys()
	if checked.Current.Fingerprint() != ring.engine.Load().Current().Fingerprint {
		ring.past.add(keys.Previous, keys.Pending, keys.Current)
		ring.reportExposed(checked.Current)
	}
	return keys, nil
}
