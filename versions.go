package keyfit

import (
	"context"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// Versions are the keys that a source knows. The zero [Credential] stands for no key.
type Versions struct {
	// Current is the key that the source wants used. It is required.
	Current Credential
	// Previous is the key that Current replaced. A new keyring holds it in case the provider
	// does not know Current yet.
	Previous Credential
	// Pending is a key that the source prepares. A keyring verifies it ahead, and uses it only
	// when it has become Current, or when every other key is refused.
	Pending Credential
}

// VersionedSource is a [Source] that knows more than one key, as a secret store with
// versions does.
type VersionedSource interface {
	Source
	// Versions returns all that the source knows; otherwise it is like [Source.Credential].
	Versions(ctx context.Context) (Versions, error)
}

// versionsOf asks a source for all that it knows.
func versionsOf(ctx context.Context, src Source) (Versions, error) {
	if s, ok := src.(VersionedSource); ok {
		return s.Versions(ctx)
	}
	cred, err := src.Credential(ctx)
	return Versions{Current: cred}, err
}

// clean checks the keys. A malformed Previous or Pending is dropped.
func (v Versions) clean(life time.Duration) (Versions, error) {
	var err error
	if v.Current, err = v.Current.clean(); err != nil {
		return Versions{}, err
	}
	v.Current = v.Current.withEnd(life)
	for _, c := range []*Credential{&v.Previous, &v.Pending} {
		if *c, err = c.clean(); err != nil || c.Fingerprint() == v.Current.Fingerprint() {
			*c = Credential{}
			continue
		}
		*c = c.withEnd(life)
	}
	return v, nil
}

// withEnd returns the credential with its end, if that follows from its issue.
func (cred Credential) withEnd(life time.Duration) Credential {
	if cred.Expires.IsZero() && !cred.Issued.IsZero() && life > 0 {
		cred.Expires = cred.Issued.Add(life)
	}
	return cred
}

// keys is what the engine knows of the versions.
func (v Versions) keys() keyring.Versions {
	return keyring.Versions{Current: v.Current.key(), Previous: v.Previous.key(), Pending: v.Pending.key()}
}

type refusedKey struct{}

// RefusedKey returns the fingerprint of the key whose refusal by the provider is why a
// [Keyring] asks its [Source]; ctx is that of [Source.Credential]. It is "" if the source
// is asked for another reason. A source that keeps what it fetched, as one of OAuth tokens
// does, drops it if it has this fingerprint.
func RefusedKey(ctx context.Context) string {
	fp, _ := ctx.Value(refusedKey{}).(string)
	return fp
}

// ask asks a source for all that it knows, checked, because the provider refused a key; "" is
// none. The error holds no secret.
func (ring *Keyring) ask(ctx context.Context, src Source, refused string) (keyring.Versions, error) {
	given, err := versionsOf(context.WithValue(ctx, refusedKey{}, refused), src)
	checked := given
	if err == nil {
		checked, err = given.clean(ring.life)
	}
	if err != nil {
		return keyring.Versions{}, redactorOf(append(ring.live(), given.Current, given.Previous, given.Pending)...).Error(err)
	}
	return checked.keys(), nil
}
