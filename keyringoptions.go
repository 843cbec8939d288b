package keyfit

import (
	"context"
	"errors"
	"time"
)

// KeyringOption changes a [Keyring] as it is made, by [NewKeyring] or, as an option of a
// client, by [New]: the client's own keyring then has it. A ring that is given to a client
// with [WithSource] has options of its own, so the two exclude each other there, but for
// [WithHooks] and [WithLogger], which say something of the client too.
type KeyringOption interface {
	Option
	applyKeyring(*keyringConfig) error
}

// RotateOption changes one [Keyring.Rotate].
type RotateOption interface {
	applyRotation(*rotation) error
}

// SharedKeyringOption is both: for all changes of a keyring's key, or for one rotation.
type SharedKeyringOption interface {
	KeyringOption
	RotateOption
}

// keyringOption is an option of a ring, which a client passes on to the ring that it makes.
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

// observerOption says something of a client, and the same of a ring without one.
type observerOption struct {
	keyringOption
	client func(*config) error
}

func (o observerOption) applyClient(c *config) error { return one(o.name, o.client).applyClient(c) }

const defaultGracePeriod = 10 * time.Minute

// GracePeriod sets how long the previous key is held after a swap, for calls that the
// provider refuses with the new key because it does not know it yet. 0 drops the previous key
// immediately, which is right for a key that leaked. The default is ten minutes.
//
// As an option of a keyring it applies to every swap, as one of [Keyring.Rotate] to that one.
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

// DrainTime sets how long a replaced key must be idle before it is reported as safe to
// revoke; see [KeySafeToRevoke]. It must be positive; the default is 30 seconds.
func DrainTime(d time.Duration) KeyringOption {
	return keyringOption{"DrainTime", func(c *keyringConfig) error {
		if d <= 0 {
			return errors.New("the time must be positive")
		}
		c.drain = d
		return nil
	}}
}

// HoldCalls makes calls wait for a usable key. A call that was refused with every key waits
// up to d in all, and never past its own deadline; other calls wait with it instead of being
// refused one by one. At most holders calls wait at a time; 0 means 1,000. A call that
// waited in vain, or that exceeds holders, fails with an [*InvalidKeyError] that Is
// [ErrNoUsableKey], and Is context.DeadlineExceeded if its deadline ended the wait; a call
// that its caller cancels fails with context.Canceled.
//
// A call whose body can be sent only once waits for another call to find a usable key. If no
// other call makes a trial request for a second, it makes one itself.
//
// HoldCalls covers the time between the end of the old key and the arrival of the new one. A
// wait longer than the caller's deadline still loses the call; only the order of the
// rotation can prevent that. Without HoldCalls such a call fails immediately.
func HoldCalls(d time.Duration, holders int) KeyringOption {
	return keyringOption{"HoldCalls", func(c *keyringConfig) error {
		if d <= 0 || holders < 0 {
			return errors.New("the time must be positive, and the number of calls zero or more")
		}
		c.wait, c.maxWaiting = d, holders
		setDefault(&c.maxWaiting, 1000)
		return nil
	}}
}

// Verify has probe try a new key before it is used, by the cheapest call that the provider
// has; see [Client.Probe]. A probe's error that Is [ErrUnauthorized] or [ErrForbidden] is
// the provider's refusal; any other says nothing about the key.
//
// As an option of a keyring it is for the keys that the source offers: two successes in a
// row make one current, since a provider may know a new key at one of its edges and not yet
// at another. After a refusal the key is rejected; after that and after any other failure it
// is tried again later. The first key is used without a probe, and so is one given to
// [Keyring.Rotate], because the program asked for it. The keyring that a client makes
// verifies with Client.Probe if the provider has a probe.
//
// As an option of [Keyring.Rotate] it tries the new key once; if probe returns an error the
// old key stays.
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

// ForProvider makes events and status name the provider, and takes from it how long a key
// lives ([Provider.KeyLife]). The keyring that a client makes has this option already.
func ForProvider(p Provider) KeyringOption {
	return keyringOption{"ForProvider", func(c *keyringConfig) error {
		c.provider, c.life = p.Name, p.KeyLife
		return nil
	}}
}
