package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// Keyring holds the keys of one account at one provider, and changes them while calls are
// in progress. Its state is one immutable set of keys behind an atomic pointer.
//
// A key that a source offers is a candidate until the provider has accepted it. If the ring
// has a probe ([Verify]; the ring that a client creates has one if its provider does), two
// probes in a row must succeed before the candidate becomes current. Without a probe the
// first calls try it, and the previous key is the fallback if it is refused. A ring from
// [NewKeyring] has no probe without [Verify].
//
// Each attempt takes the key that is current when it is sent, so a retry after a rotation
// carries the new key. If the provider refuses the key, the call is replayed with another
// one, in this order: the current key, if it has changed meanwhile; the key that the source
// offers now (the calls share one request to the source, and a call that has a fallback
// waits for the reply for a second at most); the previous key during its [GracePeriod]; the
// candidate. A call tries each key at most once, and at most two keys after the first; a retry
// or redirect begins anew. A call that was refused with every key waits for one that works, and
// others wait with it: for [DefaultHold] at most if another key is likely to come (see
// [WithoutHoldCalls]), or longer with [HoldCalls]. While it waits it also sends trial requests,
// and may try a key again. A call whose body can be sent only once is
// not replayed; it takes the previous key if that was accepted last and the current one was
// not. A pair is one credential, so its halves never mix.
//
// The ring asks the source when it is created, on [Keyring.Reload], on [Keyring.Watch] and
// after a refusal. A source that fails or has no key never removes a key: the last good key
// stays current, and an event reports that the source is stale.
//
// A circuit breaker keeps calls from a provider that refuses every key. It opens after
// twenty refusals in a row (if calls wait, after the first one for which no other key
// helped). Then one trial request at a time is sent, at growing intervals, and the other
// calls wait or fail immediately, whatever keys the source offers meanwhile: a new one is
// tried by one call, for whose response the others wait, and after five that were refused,
// a further one is tried at the next interval only. The source is asked at growing intervals
// as well, unless what it offered has helped. See [CircuitStatus].
//
// A Keyring is safe for concurrent use. Several clients of the same provider can share it
// with [WithSource].
type Keyring struct {
	provider string
	life     time.Duration // of a key from its issue; 0 if unknown
	shape    KeyShape
	only     string        // the .env file whose keys alone the ring takes; "" for any place
	exposed  *exposedFiles // nil if nobody listens
	past     pastKeys
	engine   *keyring.Ring
	account  string // names the ring for the limit: the fingerprint of its first key, whatever follows
}

// keyringConfig collects the options of a ring.
type keyringConfig struct {
	provider   string
	life       time.Duration
	renew      time.Duration // how old a key may be whose end is not known; 0 for any age
	shape      KeyShape
	dotenv     string // the .env file whose base URL holds for its own keys; "" for none
	grace      time.Duration
	drain      time.Duration
	wait       time.Duration // how long a call may wait for a usable key; 0 is not at all, but for moment
	moment     time.Duration // how long calls wait for the successor of a key that was accepted before; 0 is not at all
	maxWaiting int           // how many calls may wait at a time
	probe      func(context.Context, Credential) error
	onEvent    []func(KeyEvent)
}

// NewKeyring asks the source for its key and returns a ring that holds it. It sends nothing
// to the provider; [Client.Probe] tests whether the key works. If the source has no key or
// fails, the error is a [*NoKeyError]; if ctx ended, it is the error of ctx. An invalid
// option is an error too.
func NewKeyring(ctx context.Context, src Source, opts ...KeyringOption) (*Keyring, error) {
	if src == nil {
		return nil, errors.New("a keyring needs a source")
	}
	cfg := keyringConfig{grace: defaultGracePeriod, drain: defaultDrainTime, moment: DefaultHold, maxWaiting: defaultMaxWaiting}
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
	k := &Keyring{provider: cfg.provider, life: cfg.life, shape: cfg.shape}
	if first, err = k.clean(first); err != nil {
		if _, placed := errors.AsType[*sourceError](err); !placed {
			err = &sourceError{first.Current.placeOr(), err}
		}
		return nil, asNoKey(src, err)
	}
	if first.Current.from.dotenv == cfg.dotenv {
		k.only = cfg.dotenv
	}
	known := first.keys()
	k.past.add(known.Previous, known.Pending, known.Current)
	k.engine = keyring.New(k.engineConfig(src, &cfg), known)
	if len(cfg.onEvent) > 0 {
		k.exposed = &exposedFiles{reported: make(map[string]bool)}
		k.reportExposed(first.Current)
	}
	k.account = k.engine.Load().Pick(true).Fingerprint
	return k, nil
}

// engineConfig returns the configuration of the engine, which never sees a secret, or an
// error that contains one.
func (ring *Keyring) engineConfig(src Source, cfg *keyringConfig) keyring.Config {
	own := keyring.Config{
		Ask: func(ctx context.Context, refused string) (keyring.Versions, error) {
			return ring.ask(ctx, src, refused)
		},
		Local: debounces(src), GracePeriod: cfg.grace, DrainTime: cfg.drain, RotateEvery: cfg.renew, Wait: cfg.wait, Moment: cfg.moment, MaxWaiting: cfg.maxWaiting,
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

// probe tries a credential. Its error contains no secret.
func (ring *Keyring) probe(ctx context.Context, next Credential, probe func(context.Context, Credential) error) error {
	if err := probe(ctx, next); err != nil {
		return redactorOf(append(ring.live(), next)...).Error(err)
	}
	return nil
}

// asNoKey turns a failure of the source at the start into a *NoKeyError, unless the context
// ended.
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

// Credential returns the key in use, so that a Keyring is itself a [Source]. It never
// fails.
func (ring *Keyring) Credential(context.Context) (Credential, error) {
	cred := credentialOf(ring.engine.Load().Pick(true).Key)
	cred.from.fixed = false
	return cred, nil
}

// Format prints the fingerprint of the current key only, for every verb.
func (ring *Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Keyring("+ring.engine.Load().Current().Fingerprint+")")
}

// rotation collects the options of one Rotate.
type rotation struct {
	probe func(context.Context, Credential) error
	grace time.Duration
}

// Rotate makes next the current key for every attempt from now on. Attempts in progress
// keep the key that they were sent with. An error leaves the ring unchanged: next is
// malformed, the probe of [Verify] failed, ctx ended, or the ring is that of a client whose
// base URL stands in a .env file, which holds for keys of that file only. Rotating to the
// current key does nothing.
//
// The source does not undo a rotation: a candidate that it offered before is discarded, and
// only a key that it newly offers is taken.
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
	if err == nil {
		err = ring.look().check(next)
	}
	if err == nil {
		err = belongsTo(ring.only, next)
	}
	if err != nil {
		return fmt.Errorf("the new key was not taken: %w", err)
	}
	var probe func(context.Context, keyring.Key) error
	if r.probe != nil {
		probe = func(ctx context.Context, next keyring.Key) error { return ring.probe(ctx, credentialOf(next), r.probe) }
	}
	key := next.withEnd(ring.life).key()
	ring.past.add(key)
	return ring.engine.Rotate(ctx, key, r.grace, probe)
}

// Rollback makes the previous key current again. It is an error if there is none, or its
// grace period is over. As with [Keyring.Rotate], only a key that the source newly offers
// replaces it.
func (ring *Keyring) Rollback() error { return ring.engine.Rollback() }

// Reload asks the source now. A key that the source newly offers becomes current, once it
// is verified if the ring has a probe; changed reports whether it did. On an error, or if
// the source has no key, the current key stays. Concurrent callers share one request to the
// source.
//
// An offered key that could not be verified is an error. It stays staged, and is probed
// again while [Keyring.Watch] runs or when the source is asked again.
func (ring *Keyring) Reload(ctx context.Context) (changed bool, err error) {
	return ring.engine.Reload(ctx)
}

// Watch asks the source at the given interval and makes a key that it newly offers current,
// until ctx ends; it returns the error of ctx. It compares content, not times or names, so
// it sees every way of replacing a file. If the source fails, Watch asks again after the
// next interval; see [SourceStale]. An offered key that the provider does not accept yet is
// probed again after one second, two, four and so on up to thirty. Run it in its own goroutine.
// An interval that is not positive is an error.
func (ring *Keyring) Watch(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return errors.New("watching needs a positive interval")
	}
	return ring.engine.Watch(ctx, every)
}

// live returns every credential that a text from the provider could contain.
func (ring *Keyring) live() []Credential {
	keys := ring.engine.Keys()
	creds := make([]Credential, len(keys))
	for i, key := range keys {
		creds[i] = credentialOf(key)
	}
	return creds
}

// key converts the credential for the engine.
func (cred Credential) key() keyring.Key {
	fingerprint := cred.Fingerprint()
	if fingerprint == "" {
		return keyring.Key{}
	}
	return keyring.Key{Fingerprint: fingerprint, Expires: cred.Expires, Issued: cred.Issued, Version: cred.Version, Place: cred.Place, Fixed: cred.from.fixed, Material: &cred}
}

// credentialOf returns the credential that a key of the engine was made of.
func credentialOf(k keyring.Key) Credential {
	if cred, ok := k.Material.(*Credential); ok {
		return *cred
	}
	return Credential{}
}
