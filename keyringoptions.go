package keyfit

import (
	"context"
	"errors"
	"time"
)

// KeyringOption configures a [Keyring]. Give it to [NewKeyring], or to [New], which passes
// it on to the keyring that the client creates. A keyring given with [WithSource] was
// configured when it was created, so combining the two is an error, except for [WithHooks]
// and [WithLogger], which configure the client too.
type KeyringOption interface {
	Option
	applyKeyring(*keyringConfig) error
}

// RotateOption configures one [Keyring.Rotate].
type RotateOption interface {
	applyRotation(*rotation) error
}

// SharedKeyringOption is a [KeyringOption], which applies to every change of the key, and a
// [RotateOption], which applies to one.
type SharedKeyringOption interface {
	KeyringOption
	RotateOption
}

// keyringOption is an option of a ring. A client passes it on to the ring that it creates.
type keyringOption struct {
	name string
	ring func(*keyringConfig) error
}

func (o keyringOption) applyKeyring(c *keyringConfig) error { return wrapOption(o.name, o.ring(c)) }

func (o keyringOption) applyClient(c *config) error {
	if err := c.once(o.name); err != nil {
		return err
	}
	c.ringOptions = append(c.ringOptions, o)
	return nil
}

// sharedKeyringOption is an option of a ring and of a rotation.
type sharedKeyringOption struct {
	keyringOption
	rotation func(*rotation) error
}

func (o sharedKeyringOption) applyRotation(r *rotation) error {
	return wrapOption(o.name, o.rotation(r))
}

// observerOption configures a client, and in the same way a ring without a client.
type observerOption struct {
	keyringOption
	client func(*config) error
}

func (o observerOption) applyClient(c *config) error { return one(o.name, o.client).applyClient(c) }

const defaultGracePeriod = 10 * time.Minute

// GracePeriod sets how long the previous key stays usable after a rotation, for calls that
// the provider refuses because it does not know the new key yet. 0 drops the previous key
// at once, which is right for a key that leaked. The default is 10 minutes; a negative
// duration is an error.
//
// Given to a keyring, it applies to every rotation; given to [Keyring.Rotate], to that
// rotation only.
func GracePeriod(d time.Duration) SharedKeyringOption {
	check := func() error {
		if d < 0 {
			return errors.New("the time must be zero or more")
		}
		return nil
	}
	return sharedKeyringOption{
		keyringOption: keyringOption{"GracePeriod", func(c *keyringConfig) error { c.grace = d; return check() }},
		rotation:      func(r *rotation) error { r.grace = d; return check() },
	}
}

const defaultDrainTime = 30 * time.Second

// DrainTime sets how long a replaced key must be idle in this program until the ring
// reports that it is safe to revoke; see [KeySafeToRevoke]. The default is 30 seconds; a
// duration that is not positive is an error.
func DrainTime(d time.Duration) KeyringOption {
	return keyringOption{"DrainTime", func(c *keyringConfig) error {
		if d <= 0 {
			return errors.New("the time must be positive")
		}
		c.drain = d
		return nil
	}}
}

// DefaultHold is how long calls wait without [HoldCalls] for the successor of a key that was
// accepted before and is refused now.
const DefaultHold = 5 * time.Second

const defaultMaxWaiting = 1000

// WithoutHoldCalls makes each call that was refused with every key fail at once. Without it, and
// without [HoldCalls], a key that was accepted before and is refused now counts as replaced, and
// calls wait for its successor: for [DefaultHold] from the first refusal at most, never past
// their own deadline, and at most 1,000 at a time. They fail at once if the key was never accepted;
// if nothing can bring another one, because the key was given in the program or in a variable of
// the process environment and [Keyring.Watch] does not run; and for an hour after calls have
// waited for the successor of the same key in vain. After the wait the calls fail with an
// [*InvalidKeyError] that matches [ErrNoUsableKey]; later ones fail at once.
//
// So the caller of a revoked key learns of it that much later, once. It is an error together with
// HoldCalls.
func WithoutHoldCalls() KeyringOption {
	return keyringOption{"WithoutHoldCalls", func(c *keyringConfig) error {
		if c.wait > 0 {
			return errHoldTwice
		}
		c.moment = 0
		return nil
	}}
}

var errHoldTwice = errors.New("HoldCalls and WithoutHoldCalls exclude each other")

// HoldCalls makes a call that was refused with every key wait for one that works, for at
// most d in all and never past its own deadline. Other calls wait too, instead of being
// refused one by one. At most maxWaiting calls wait at a time; 0 means 1,000. If no key
// works in time, or too many calls wait, the call fails with an [*InvalidKeyError] that
// matches [ErrNoUsableKey], and context.DeadlineExceeded if its deadline ended the wait. If
// the caller cancels the context, the error matches context.Canceled.
//
// A call with a single-use body waits up to 1 s for another call to find a working key, and
// is then sent itself.
//
// HoldCalls covers the time from the end of the old key to the arrival of the new one. It
// does not replace the right order of a rotation: a call whose deadline comes before the
// new key is lost. Without HoldCalls, calls wait for [DefaultHold] at most, and only where a
// successor is likely: see [WithoutHoldCalls].
// A duration that is not positive, or a negative maxWaiting, is an error.
func HoldCalls(d time.Duration, maxWaiting int) KeyringOption {
	return keyringOption{"HoldCalls", func(c *keyringConfig) error {
		if d <= 0 || maxWaiting < 0 {
			return errors.New("the time must be positive, and the number of calls zero or more")
		}
		if c.moment == 0 {
			return errHoldTwice
		}
		c.wait, c.maxWaiting = d, maxWaiting
		setDefault(&c.maxWaiting, defaultMaxWaiting)
		return nil
	}}
}

// Verify sets the probe that tests a new key before it is used, with the cheapest call that
// the provider has; see [Client.Probe]. If the error of probe matches [ErrUnauthorized] or
// [ErrForbidden], the provider refused the key; any other error says nothing about the key.
//
// As an option of a keyring it applies to the keys that the source offers. A key must
// succeed twice in a row to become current, because a provider may know a new key at one of
// its edges and not yet at another. After a refusal or any other failure the key is probed
// again later. Each probe may take 10 seconds. The first key of a ring is used without a
// probe, and so is a key given to [Keyring.Rotate], because the program asked for it. The
// keyring that a client creates uses Client.Probe if the provider has a probe. For a ring
// from [NewKeyring], the method needs a client that exists before: it is simpler to give
// the source to a first client, and its [Client.Keys] to the others.
//
// As an option of [Keyring.Rotate] it tests the new key once; if probe returns an error,
// the old key stays.
func Verify(probe func(ctx context.Context, next Credential) error) SharedKeyringOption {
	check := func() error {
		if probe == nil {
			return errors.New("the probe is nil")
		}
		return nil
	}
	return sharedKeyringOption{
		keyringOption: keyringOption{"Verify", func(c *keyringConfig) error { c.probe = probe; return check() }},
		rotation:      func(r *rotation) error { r.probe = probe; return check() },
	}
}

// ForProvider sets the provider that events and status name, and takes from it how long a
// key is valid ([Provider.KeyLife]), how often it should be replaced ([Provider.RotateEvery]) and
// what it looks like ([Provider.KeyShape]). The keyring that a client creates does not need it.
// A negative time is an error.
func ForProvider(p Provider) KeyringOption {
	return keyringOption{"ForProvider", func(c *keyringConfig) error {
		c.provider, c.life, c.renew, c.shape = p.Name, p.KeyLife, p.RotateEvery, p.KeyShape
		if err := p.validateLife(); err != nil {
			return err
		}
		return p.KeyShape.validate()
	}}
}
