package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Keyring holds the keys of one account at one provider and lets them be changed while
// calls go on. It is the swap point: one immutable set of keys behind an atomic pointer.
//
// A call takes the current credential at each attempt, so a retry after a swap carries
// the new key. When the provider refuses a credential, the call moves on by itself: to a
// newer one if the ring has moved on meanwhile, else to what the source offers now (one
// reload for all who ask), else to the previous one while it is still held. Each key is
// tried at most once per call. A pair is one credential, so its halves never mix.
//
// The source is asked at the start, on [Keyring.Reload], on [Keyring.Watch] and after a
// refusal. A source that fails or has nothing never takes a key away: the last good key
// stays, and an event says that the source is stale.
//
// A Keyring is safe for concurrent use, and may be shared by several clients of the same
// provider with [WithKeyring].
type Keyring struct {
	source  Source
	hold    time.Duration
	onEvent func(KeyEvent) // nil if nobody wants to know
	set     atomic.Pointer[keySet]

	mu      sync.Mutex    // serialises changes of set; never held over a call of the source or of onEvent
	offer   string        // fingerprint of what the source offered last
	stale   bool          // the source failed when last asked
	flight  *reloadFlight // the reload that is under way, if any
	asked   time.Time     // when a refusal last made us ask the source in vain
	events  []KeyEvent    // not yet told, in the order of the changes
	telling bool          // a goroutine is telling them
}

// keySet is one state of the ring. It is never changed once it is published.
type keySet struct {
	current   key
	previous  *key         // what current replaced; nil if nothing or let go
	until     time.Time    // previous is held up to here
	preferred time.Time    // up to here previous goes first: the provider does not know current yet
	retired   []Credential // what was current before, the last one last: a provider may still tell it
}

// maxRetired is how many keys of the past are kept, to be taken out of what providers say.
const maxRetired = 4

// key is one generation. Generations count up from 1 and are never used twice.
type key struct {
	cred        Credential
	gen         uint64
	fingerprint string
	since       time.Time
}

// DefaultOverlap is how long the previous key stays at hand after a swap, for the case
// that the provider does not know the new one yet.
const DefaultOverlap = 10 * time.Minute

const (
	// settleTime lies between the two equal reads after which a changed file is believed.
	settleTime = 10 * time.Millisecond
	// askAgain is the least time between two reloads that refusals caused in vain.
	askAgain = 100 * time.Millisecond
	// preferTime is how long the previous key goes first once it was accepted where the
	// current one was refused.
	preferTime = 2 * time.Second
)

// KeyringOption changes a [Keyring] at its making.
type KeyringOption func(*Keyring) error

// OnKeyEvent calls f with every event of the ring, one after the other and in the order in
// which the keys changed, on a goroutine that uses the ring. f must not block.
func OnKeyEvent(f func(KeyEvent)) KeyringOption {
	return func(k *Keyring) error {
		if f == nil {
			return errors.New("OnKeyEvent wants a function")
		}
		k.onEvent = f
		return nil
	}
}

// HoldPrevious sets how long the previous key stays at hand after a swap that says
// nothing else; 0 lets it go at once. The default is [DefaultOverlap].
func HoldPrevious(d time.Duration) KeyringOption {
	return func(k *Keyring) error {
		if d < 0 {
			return errors.New("HoldPrevious wants a time of zero or more")
		}
		k.hold = d
		return nil
	}
}

// NewKeyring asks the source for its key and returns a ring that holds it. The error is
// the source's own: a [*NoKeyError] from a [Chain] with no key in it.
func NewKeyring(ctx context.Context, src Source, opts ...KeyringOption) (*Keyring, error) {
	if src == nil {
		return nil, errors.New("a keyring needs a source")
	}
	k := &Keyring{source: src, hold: DefaultOverlap}
	for _, opt := range opts {
		if err := opt(k); err != nil {
			return nil, err
		}
	}
	cred, err := src.Credential(ctx)
	if err != nil {
		return nil, asNoKey(src, err)
	}
	if cred, err = cred.clean(); err != nil {
		return nil, asNoKey(src, &sourceError{"the key that the source offered", err})
	}
	first := key{cred: cred, gen: 1, fingerprint: cred.Fingerprint(), since: time.Now()}
	k.offer = first.fingerprint
	k.set.Store(&keySet{current: first})
	k.emit(KeyEvent{Kind: KeyPromoted, Generation: 1, Fingerprint: first.fingerprint, Reason: "first key"})
	return k, nil
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
	return k.pick().cred, nil
}

// Format prints the fingerprint of the current key and nothing of the inside, for every
// verb.
func (k *Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Keyring("+k.set.Load().current.fingerprint+")")
}

// KeyStatus is a snapshot of a [Keyring], fit for a health page: it holds no key.
type KeyStatus struct {
	Generation  uint64    // counts the swaps, from 1
	Fingerprint string    // of the current key
	Place       string    // where the source found it, see [Credential]; "" if not known
	Since       time.Time // when it became current
	Expires     time.Time // when it ends; zero if not known
	Previous    string    // fingerprint of the previous key while it is held; "" if none
	PreviousEnd time.Time // up to when it is held
	SourceStale bool      // the source failed when it was last asked
}

// Status returns a snapshot.
func (k *Keyring) Status() KeyStatus {
	set := k.set.Load()
	k.mu.Lock()
	defer k.mu.Unlock()
	s := KeyStatus{
		Generation: set.current.gen, Fingerprint: set.current.fingerprint, Since: set.current.since,
		Expires: set.current.cred.Expires, SourceStale: k.stale,
		// A source that names a place by its content must not make this snapshot tell it.
		Place: newScrubber([]Credential{set.current.cred}).text(set.current.cred.Place),
	}
	if p := set.held(time.Now()); p != nil {
		s.Previous, s.PreviousEnd = p.fingerprint, set.until
	}
	return s
}

// RotateOption changes one [Keyring.Rotate].
type RotateOption func(*rotation) error

type rotation struct {
	probe   func(context.Context, Credential) error
	overlap time.Duration
}

// Verify has probe try the new key before it is used, by the cheapest call that the
// provider has; see [Client.Probe]. If probe returns an error the old key stays.
func Verify(probe func(ctx context.Context, next Credential) error) RotateOption {
	return func(r *rotation) error {
		if probe == nil {
			return errors.New("Verify wants a function")
		}
		r.probe = probe
		return nil
	}
}

// Overlap sets how long the previous key stays at hand, for calls that the provider
// refuses with the new one. 0 lets it go at once, which is right for a key that leaked.
func Overlap(d time.Duration) RotateOption {
	return func(r *rotation) error {
		if d < 0 {
			return errors.New("the overlap must be zero or more")
		}
		r.overlap = d
		return nil
	}
}

// Rotate makes next the current key for every attempt from now on; attempts under way
// keep the key they left with. An error leaves the ring as it was: next is malformed, the
// probe of [Verify] refused it, or ctx ended. Rotating to the current key does nothing.
func (k *Keyring) Rotate(ctx context.Context, next Credential, opts ...RotateOption) error {
	r := rotation{overlap: k.hold}
	for _, opt := range opts {
		if err := opt(&r); err != nil {
			return err
		}
	}
	next, err := next.clean()
	if err != nil {
		return fmt.Errorf("the new key was not taken: %w", err)
	}
	fp := next.Fingerprint()
	if r.probe != nil {
		if err := r.probe(ctx, next); err != nil {
			err = newScrubber([]Credential{next, k.set.Load().current.cred}).error(err)
			k.emit(KeyEvent{Kind: KeyRejected, Fingerprint: fp, Reason: "not verified: " + err.Error()})
			return fmt.Errorf("the new key %s was not verified, the old one stays: %w", fp, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	k.mu.Lock()
	k.promote(next, fp, r.overlap, "rotated")
	k.mu.Unlock()
	k.tell()
	return nil
}

// promote makes next current and reports whether it was not so before. k.mu is held; the
// caller tells the event once it is not.
func (k *Keyring) promote(next Credential, fp string, overlap time.Duration, reason string) bool {
	now, old := time.Now(), k.set.Load()
	if old.current.fingerprint == fp {
		return false
	}
	set := &keySet{current: key{cred: next, gen: old.current.gen + 1, fingerprint: fp, since: now}}
	if overlap > 0 {
		set.previous, set.until = &old.current, now.Add(overlap)
		if end := old.current.cred.Expires; !end.IsZero() && end.Before(set.until) {
			set.until = end
		}
	}
	set.retired = append(slices.Clip(old.retired), old.current.cred)
	set.retired = set.retired[max(0, len(set.retired)-maxRetired):]
	k.set.Store(set)
	k.record(KeyEvent{Kind: KeyPromoted, Generation: set.current.gen, Fingerprint: fp, Previous: old.current.fingerprint, Reason: reason})
	return true
}

// held returns the previous key while it may be used.
func (s *keySet) held(now time.Time) *key {
	if s.previous == nil || !now.Before(s.until) {
		return nil
	}
	return s.previous
}

// pick returns the key for an attempt: the current one, unless the provider was just seen
// to accept only the previous one.
func (k *Keyring) pick() key {
	set := k.set.Load()
	if set.preferred.IsZero() {
		return set.current
	}
	if now := time.Now(); now.Before(set.preferred) {
		if p := set.held(now); p != nil {
			return *p
		}
	}
	return set.current
}

// live returns every credential that a text from the provider could hold.
func (k *Keyring) live() []Credential {
	set := k.set.Load()
	return append([]Credential{set.current.cred}, set.retired...)
}

// next returns a key to replay a call with, after the provider refused the keys of tried,
// the last of them just now; ok is false if there is none. Keys are told apart by their
// fingerprints: a key that came back under a new generation is no other key.
func (k *Keyring) next(ctx context.Context, tried []string) (key, bool) {
	untried := func(c key) bool { return !slices.Contains(tried, c.fingerprint) }
	set := k.set.Load()
	if untried(set.current) {
		return set.current, true
	}
	k.reloadAfterRefusal(ctx, set.current.fingerprint)
	set = k.set.Load()
	if untried(set.current) {
		return set.current, true
	}
	if p := set.held(time.Now()); p != nil && untried(*p) {
		return *p, true
	}
	return key{}, false
}

// accepted tells the ring that a key was accepted in place of refused ones. If that was
// the previous key, it goes first for a moment.
func (k *Keyring) accepted(used key) {
	k.mu.Lock()
	set := k.set.Load()
	late := set.previous != nil && set.previous.gen == used.gen
	if late {
		changed := *set
		changed.preferred = time.Now().Add(preferTime)
		k.set.Store(&changed)
		k.record(KeyEvent{
			Kind: KeyFallback, Generation: used.gen, Fingerprint: used.fingerprint, Previous: set.current.fingerprint,
			Reason: "the provider refused the current key and accepted the previous one",
		})
	}
	k.mu.Unlock()
	k.tell()
}

// refused records that the provider refused a key.
func (k *Keyring) refused(used key) {
	k.emit(KeyEvent{Kind: KeyRefused, Generation: used.gen, Fingerprint: used.fingerprint, Reason: "refused by the provider"})
}

// record puts an event behind those that are not yet told. k.mu is held.
func (k *Keyring) record(e KeyEvent) {
	if k.onEvent == nil {
		return
	}
	e.Time = time.Now()
	k.events = append(k.events, e)
}

// tell hands the recorded events to onEvent. If another goroutine does so already, that
// one tells these too: events stay in order and nobody waits for a slow onEvent.
func (k *Keyring) tell() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.telling {
		return
	}
	k.telling = true
	defer func() { k.telling = false }()
	for len(k.events) > 0 {
		e := k.events[0]
		k.events = k.events[1:]
		func() {
			k.mu.Unlock()
			defer k.mu.Lock() // also if onEvent panics
			k.onEvent(e)
		}()
	}
	k.events = nil
}

func (k *Keyring) emit(e KeyEvent) {
	k.mu.Lock()
	k.record(e)
	k.mu.Unlock()
	k.tell()
}
