package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// Keyring holds the keys of one account at one provider and lets them be changed while
// calls go on. It is the swap point: one immutable set of keys behind an atomic pointer.
//
// A key that a source offers is a candidate; only the provider's answer says whether it
// works. Where the ring has a probe ([Verify], which a client's own ring has if its
// provider has one), the candidate is tried twice before it becomes current. Where it has
// none, the first calls try it, and the key before it steps in where it is refused.
//
// A call takes the current credential at each attempt, so a retry after a swap carries the
// new key. When the provider refuses a credential, the call moves on by itself: to a newer
// one if the ring has moved on meanwhile, else to what the source offers now (one reload
// for all who ask; where another key is at hand nobody waits longer than a second for it),
// else to the previous one while it is held, else to the candidate. Each key is tried at
// most once, two of them after the first. A call whose body can be sent only once is not
// replayed; it takes the previous key if that was accepted last and the current one was
// not. With [HoldCalls] a call that was refused everywhere waits for a key that works, and
// others wait with it. A pair is one credential, so its halves never mix.
//
// The source is asked at the start, on [Keyring.Reload], on [Keyring.Watch] and after a
// refusal. A source that fails or has nothing never takes a key away: the last good key
// stays, and an event says that the source is stale.
//
// A provider that refuses every key is not asked by every call: after twenty refusals in a
// row (with HoldCalls, after the first that nothing could mend) one call at a time tries,
// at growing intervals, and the others wait or fail at once. See [CircuitStatus].
//
// A Keyring is safe for concurrent use, and may be shared by several clients of the same
// provider with [WithSource].
type Keyring struct {
	provider string
	life     time.Duration // of a key from its issue; 0 if not known
	engine   *keyring.Ring
}

// keyringConfig is what options say of a ring.
type keyringConfig struct {
	provider   string
	life       time.Duration
	grace      time.Duration
	drain      time.Duration
	wait       time.Duration // how long a call may wait for a usable key; 0 is not at all
	maxWaiting int           // how many calls may
	probe      func(context.Context, Credential) error
	onEvent    []func(KeyEvent)
}

// NewKeyring asks the source for its key and returns a ring that holds it. Nothing is sent
// to the provider: to know at once whether the key works, call [Client.Probe]. The error
// is the source's own: a [*NoKeyError] from a [Chain] with no key in it.
func NewKeyring(ctx context.Context, src Source, opts ...KeyringOption) (*Keyring, error) {
	if src == nil {
		return nil, errors.New("a keyring needs a source")
	}
	cfg := keyringConfig{grace: defaultGracePeriod, drain: defaultDrainTime}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("an option is nil")
		}
		if err := opt.applyKeyring(&cfg); err != nil {
			return nil, err
		}
	}
	first, err := versionsOf(ctx, src)
	if err != nil {
		return nil, asNoKey(src, err)
	}
	if first, err = first.clean(cfg.life); err != nil {
		return nil, asNoKey(src, &sourceError{"the key that the source offered", err})
	}
	k := &Keyring{provider: cfg.provider, life: cfg.life}
	k.engine = keyring.New(k.engineConfig(src, &cfg), first.keys())
	return k, nil
}

// engineConfig is what the engine gets to work with: it never sees a secret, nor an error with one.
func (ring *Keyring) engineConfig(src Source, cfg *keyringConfig) keyring.Config {
	own := keyring.Config{
		Ask: func(ctx context.Context, refused string) (keyring.Versions, error) {
			return ring.ask(ctx, src, refused)
		},
		Local: settles(src), GracePeriod: cfg.grace, DrainTime: cfg.drain, Wait: cfg.wait, MaxWaiting: cfg.maxWaiting,
	}
	if probe := cfg.probe; probe != nil {
		own.Probe = func(ctx context.Context, next keyring.Key) (refused bool, err error) {
			err = ring.probe(ctx, credentialOf(next), probe)
			return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden), err
		}
	}
	if hooks := cfg.onEvent; len(hooks) > 0 {
		own.Event = func(e keyring.Event) {
			for _, hook := range hooks {
				hook(ring.event(e))
			}
		}
	}
	return own
}

// probe tries a credential; its error holds no secret.
func (ring *Keyring) probe(ctx context.Context, next Credential, probe func(context.Context, Credential) error) error {
	if err := probe(ctx, next); err != nil {
		return redactorOf(append(ring.live(), next)...).Error(err)
	}
	return nil
}

// asNoKey makes a source's failure at the start a *NoKeyError, unless the context ended.
func asNoKey(src Source, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if none, ok := errors.AsType[*NoKeyError](err); ok {
		return none
	}
	none := &NoKeyError{}
	none.add(0, src, err)
	return none
}

// Credential returns the credential in use, so that a Keyring is a [Source] itself.
func (ring *Keyring) Credential(context.Context) (Credential, error) {
	return credentialOf(ring.engine.Load().Pick(true).Key), nil
}

// Format prints the fingerprint of the current key and nothing of the inside, for every
// verb.
func (ring *Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Keyring("+ring.engine.Load().Current().Fingerprint+")")
}

// rotation is what options say of one Rotate.
type rotation struct {
	probe func(context.Context, Credential) error
	grace time.Duration
}

// Rotate makes next the current key for every attempt from now on; attempts under way
// keep the key they left with. An error leaves the ring as it was: next is malformed, the
// probe of [Verify] refused it, or ctx ended. Rotating to the current key does nothing.
//
// What the source offered before does not undo a rotation by hand: a candidate of its is
// let go of, and only what it offers anew is taken.
func (ring *Keyring) Rotate(ctx context.Context, next Credential, opts ...RotateOption) error {
	r := rotation{grace: ring.engine.GracePeriod()}
	for _, opt := range opts {
		if opt == nil {
			return errors.New("an option is nil")
		}
		if err := opt.applyRotation(&r); err != nil {
			return err
		}
	}
	next, err := next.clean()
	if err != nil {
		return fmt.Errorf("the new key was not taken: %w", err)
	}
	var probe func(context.Context, keyring.Key) error
	if r.probe != nil {
		probe = func(ctx context.Context, next keyring.Key) error { return ring.probe(ctx, credentialOf(next), r.probe) }
	}
	return ring.engine.Rotate(ctx, next.withEnd(ring.life).key(), r.grace, probe)
}

// Rollback makes the previous key current again, at once. It is an error if none is held.
// What the source offers does not undo it: only what it offers anew is taken.
func (ring *Keyring) Rollback() error { return ring.engine.Rollback() }

// Reload asks the source now and makes what it offers current if that is new and, where
// the ring has a probe, verified. It reports whether the key changed. On an error, or when
// the source has nothing, the present key stays. Callers at the same time share one
// question to the source.
//
// An offered key that could not be verified is an error here. It stays staged, and is
// tried again while [Keyring.Watch] runs or the source is asked.
func (ring *Keyring) Reload(ctx context.Context) (changed bool, err error) {
	return ring.engine.Reload(ctx)
}

// Watch asks the source at a fixed interval and makes what it newly offers current, until ctx
// ends; it returns ctx's error. Content is compared, not times or names, so every way of
// replacing a file is seen. A source that fails is asked again at the next interval; see
// [SourceStale]. An offered key that the provider does not accept yet is tried again after
// one second, two, four and so on up to thirty. Watch also reports when a key is about to
// expire. Run it in a goroutine of its own; every must be positive.
func (ring *Keyring) Watch(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return errors.New("watching needs a positive interval")
	}
	return ring.engine.Watch(ctx, every)
}

// live returns every credential that a text from the provider could hold.
func (ring *Keyring) live() []Credential {
	keys := ring.engine.Keys()
	creds := make([]Credential, len(keys))
	for i, key := range keys {
		creds[i] = credentialOf(key)
	}
	return creds
}

// key is the credential as the engine knows it.
func (cred Credential) key() keyring.Key {
	fingerprint := cred.Fingerprint()
	if fingerprint == "" {
		return keyring.Key{}
	}
	return keyring.Key{Fingerprint: fingerprint, Expires: cred.Expires, Issued: cred.Issued, Version: cred.Version, Place: cred.Place, Material: &cred}
}

// credentialOf returns the credential that a key of the engine was made of.
func credentialOf(k keyring.Key) Credential {
	if cred, ok := k.Material.(*Credential); ok {
		return *cred
	}
	return Credential{}
}
