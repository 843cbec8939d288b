package keyfit

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/oneline"
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
	source   Source
	provider string
	life     time.Duration // of a key from its issue; 0 if not known
	overlap  time.Duration
	quiet    time.Duration
	hold     time.Duration // how long a call may be held; 0 is not at all
	holders  int           // how many calls may be
	probe    func(context.Context, Credential) error
	onEvent  []func(KeyEvent)

	clock    clock.Clock
	seed     maphash.Seed
	set      atomic.Pointer[keySet]
	refusals atomic.Int32 // in a row, of any key

	mu       sync.Mutex                   // serialises changes of set; never held over a call of source, probe or onEvent
	offer    string                       // fingerprint of what the source offered last
	stale    string                       // why the source failed when last asked; "" if it did not
	answered time.Time                    // when it last did not
	flight   *reloadFlight                // the question to the source that is under way, if any
	trial    *trial                       // the try of the candidate that is under way, if any
	swapped  chan struct{}                // closed when another key becomes current, and replaced
	inVain   askPace                      // of the questions that refusals cause
	rejected map[string]*rejection        // by fingerprint
	inLine   map[*turn]context.CancelFunc // calls that wait in the gate, where calls are held
	leaving  []leaving                    // keys that were current and may be revoked some day
	warned   expiryNotice
	timer    *time.Timer // the next look at leaving and previous
	events   []KeyEvent  // not yet told, in the order of the changes
	telling  bool        // a goroutine is telling them
}

const defaultGracePeriod = 10 * time.Minute

// GracePeriod sets how long the previous key stays at hand after a swap, for calls that the
// provider refuses with the new one because it does not know it yet. 0 lets it go at once,
// which is right for a key that leaked. The default is ten minutes.
//
// As an option of a keyring it is for every swap, as one of [Keyring.Rotate] for that one.
func GracePeriod(d time.Duration) SharedKeyringOption {
	check := func() error {
		if d < 0 {
			return errors.New("the time must be zero or more")
		}
		return nil
	}
	return sharedKeyringOption{
		keyringOption: keyringOption{"GracePeriod", func(k *Keyring) error { k.overlap = d; return check() }},
		rotation:      func(r *rotation) error { r.overlap = d; return check() },
	}
}

// NewKeyring asks the source for its key and returns a ring that holds it. Nothing is sent
// to the provider: to know at once whether the key works, call [Client.Probe]. The error
// is the source's own: a [*NoKeyError] from a [Chain] with no key in it.
func NewKeyring(ctx context.Context, src Source, opts ...KeyringOption) (*Keyring, error) {
	if src == nil {
		return nil, errors.New("a keyring needs a source")
	}
	k := &Keyring{source: src, overlap: defaultGracePeriod, quiet: defaultDrainTime, clock: clock.Start(), seed: maphash.MakeSeed()}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("an option is nil")
		}
		if err := opt.applyKeyring(k); err != nil {
			return nil, err
		}
	}
	offer, err := offerOf(ctx, src)
	if err != nil {
		return nil, asNoKey(src, err)
	}
	if offer, err = offer.clean(k.life); err != nil {
		return nil, asNoKey(src, &sourceError{"the key that the source offered", err})
	}
	k.begin(offer)
	return k, nil
}

// begin makes the first offer the ring's first state.
func (k *Keyring) begin(offer Versions) {
	k.mu.Lock()
	k.swapped = make(chan struct{})
	first := newKey(offer.Current)
	first.gen = 1
	set := &keySet{current: first}
	k.offer, k.answered = first.fingerprint, first.since
	k.publish(set)
	k.record(KeyEvent{Kind: KeyPromoted, Generation: 1, Fingerprint: first.fingerprint, Reason: "first key"})
	k.beside(offer)
	k.checkExpiry()
	k.mu.Unlock()
	k.tell()
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
func (k *Keyring) Credential(context.Context) (Credential, error) {
	return k.set.Load().pick().cred, nil
}

// Format prints the fingerprint of the current key and nothing of the inside, for every
// verb.
func (k *Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Keyring("+k.set.Load().current.fingerprint+")")
}

// rotation is what options say of one Rotate.
type rotation struct {
	probe   func(context.Context, Credential) error
	overlap time.Duration
}

// Rotate makes next the current key for every attempt from now on; attempts under way
// keep the key they left with. An error leaves the ring as it was: next is malformed, the
// probe of [Verify] refused it, or ctx ended. Rotating to the current key does nothing.
//
// What the source offered before does not undo a rotation by hand: a candidate of its is
// let go of, and only what it offers anew is taken.
func (k *Keyring) Rotate(ctx context.Context, next Credential, opts ...RotateOption) error {
	r := rotation{overlap: k.overlap}
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
	candidate := newKey(next.withEnd(k.life))
	if r.probe != nil {
		if err := r.probe(ctx, next); err != nil {
			err = redactorOf(append(k.live(), next)...).Error(err)
			k.emit(KeyEvent{Kind: KeyRejected, Fingerprint: candidate.fingerprint, Reason: "not verified: " + oneline.Text(err.Error(), 200)})
			return fmt.Errorf("the new key %s was not verified, the old one stays: %w", candidate.fingerprint, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	k.mu.Lock()
	delete(k.rejected, candidate.fingerprint)
	if k.promote(candidate, r.overlap, KeyPromoted, "rotated") {
		k.unstage("the ring was rotated by hand")
	}
	k.mu.Unlock()
	k.tell()
	return nil
}

// Rollback makes the previous key current again, at once. It is an error if none is held.
// What the source offers does not undo it: only what it offers anew is taken.
func (k *Keyring) Rollback() error {
	k.mu.Lock()
	p := k.set.Load().held(time.Now())
	if p != nil {
		k.promote(*p, k.overlap, KeyRollback, "rolled back")
		k.unstage("the ring was rolled back by hand")
	}
	k.mu.Unlock()
	k.tell()
	if p == nil {
		return errors.New("there is no previous key to go back to")
	}
	return nil
}

// promote makes next current and reports whether it was not so before. k.mu is held; the
// caller tells the event once it is not.
func (k *Keyring) promote(next key, overlap time.Duration, kind KeyEventKind, reason string) bool {
	old := k.set.Load()
	if old.current.fingerprint == next.fingerprint {
		return false
	}
	if p := old.previous; p != nil && p.fingerprint == next.fingerprint {
		next.use = p.use
	}
	if s := old.staged; s != nil && s.fingerprint == next.fingerprint {
		next.use = s.use
	}
	if old.current.use.refusals.Load() > 0 {
		k.reject(old.current, recheckFirst, recheckLast)
	}
	set := old.promote(next, k.holdUntil(old.current, overlap))
	if p := old.held(set.current.since); p != nil && overlap > 0 && p.fingerprint != next.fingerprint && p.worksBetterThan(old.current) {
		set.previous, set.until = p, old.until // what was refused is no fallback, and this is
	}
	k.publish(set)
	k.record(KeyEvent{Kind: kind, Generation: set.current.gen, Fingerprint: next.fingerprint, Previous: old.current.fingerprint, Reason: reason})
	k.leave(old.current, set.current)
	k.circuitSees(set)
	k.checkExpiry()
	close(k.swapped)
	k.swapped = make(chan struct{})
	return true
}

// publish makes a new set the state of the ring; from here on nobody changes it. k.mu is held.
func (k *Keyring) publish(set *keySet) {
	set.atRest = set.circuit == nil && set.preferred.IsZero() && set.recheck.IsZero()
	k.set.Store(set)
}

// holdUntil is up to when a key stays at hand that is replaced now: for the overlap, and not
// beyond its own end. An end that is behind, while the provider accepted the key since, is
// no end: the date is wrong, or our clock.
func (k *Keyring) holdUntil(old key, overlap time.Duration) time.Time {
	until, end := time.Now().Add(overlap), old.cred.Expires
	if end.IsZero() || end.After(until) || k.clock.Time(old.use.goodSent.Load()).After(end) {
		return until
	}
	return end
}

// unstage lets go of a candidate, unless the source only prepares it. k.mu is held.
func (k *Keyring) unstage(why string) {
	set := k.set.Load()
	if set.staged == nil || set.pending {
		return
	}
	k.record(KeyEvent{Kind: KeyRetired, Fingerprint: set.staged.fingerprint, Previous: set.current.fingerprint, Reason: why})
	k.publish(set.unstage())
}

// live returns every credential that a text from the provider could hold.
func (k *Keyring) live() []Credential { return k.set.Load().all() }
