package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// ringSource is a source that a test changes while it is watched.
type ringSource struct {
	mu    sync.Mutex
	key   string
	err   error
	delay time.Duration
	asked int
}

func (s *ringSource) Credential(ctx context.Context) (keyfit.Credential, error) {
	s.mu.Lock()
	s.asked++
	key, err, delay := s.key, s.err, s.delay
	s.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return keyfit.Credential{}, ctx.Err()
		}
	}
	return keyfit.APIKey(key), err
}

func (s *ringSource) offer(key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.err = key, err
}

func (s *ringSource) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// ringEvents collects the events of a ring.
type ringEvents struct {
	mu   sync.Mutex
	list []keyfit.KeyEvent
}

func (e *ringEvents) add(event keyfit.KeyEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

// take returns the events since the last call, with key names for fingerprints: "k1" for
// the fingerprint of the key "k1" and so on.
func (e *ringEvents) take(keys ...string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := map[string]string{"": ""}
	for _, k := range keys {
		names[keyfit.APIKey(k).Fingerprint()] = k
	}
	var told []string
	for _, event := range e.list {
		told = append(told, strings.TrimSpace(fmt.Sprintf("%s %d %s<%s", event.Kind, event.Generation, names[event.Fingerprint], names[event.Previous])))
	}
	e.list = nil
	return told
}

// The defaults that the options' documentation states.
const (
	defaultGracePeriod = 10 * time.Minute
	defaultDrainTime   = 30 * time.Second
)

func newRing(t *testing.T, src keyfit.Source, opts ...keyfit.KeyringOption) (*keyfit.Keyring, *ringEvents) {
	t.Helper()
	events := &ringEvents{}
	ring, err := keyfit.NewKeyring(t.Context(), src, append(opts, keyfit.WithHooks(keyfit.Hooks{Key: events.add}))...)
	if err != nil {
		t.Fatal(err)
	}
	return ring, events
}

func currentKey(t *testing.T, ring *keyfit.Keyring) string {
	t.Helper()
	cred, err := ring.Credential(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cred.Key.Reveal()
}

func TestRotateSwapsOrLeavesTheRingAsItWas(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	cause := errors.New("refused as ring-new is no key")
	tests := []struct {
		name   string
		ctx    context.Context
		next   keyfit.Credential
		opts   []keyfit.RotateOption
		key    string
		events []string
		err    string
		is     error
	}{
		{name: "another key", next: keyfit.APIKey(" ring-new\n"), key: "ring-new", events: []string{"key.promoted 2 ring-new<ring-old"}},
		{name: "the same key", next: keyfit.APIKey("ring-old"), key: "ring-old"},
		{name: "the same key with space", next: keyfit.APIKey(" ring-old\n"), key: "ring-old"},
		{
			name: "no key", next: keyfit.Credential{}, key: "ring-old",
			err: "the new key was not taken: the value is empty",
		},
		{
			name: "a malformed key", next: keyfit.APIKey("ring\nnew"), key: "ring-old",
			err: "the new key was not taken: the value has a line break at byte 5 of 8: a key is one line",
		},
		{
			name: "half a pair malformed", next: keyfit.KeyPair("id\x01", "ring-new"), key: "ring-old",
			err: "the new key was not taken: public half of the pair: the value has a control character at byte 3 of 3",
		},
		{
			name: "verified", next: keyfit.APIKey("ring-new\n"), key: "ring-new", events: []string{"key.promoted 2 ring-new<ring-old"},
			opts: []keyfit.RotateOption{keyfit.Verify(func(_ context.Context, next keyfit.Credential) error {
				if next.Key.Reveal() != "ring-new" {
					return errors.New("the probe was not given the key that would be used")
				}
				return nil
			})},
		},
		{
			name: "not verified", next: keyfit.APIKey("ring-new"), key: "ring-old", events: []string{"key.rejected 0 ring-new<"},
			opts: []keyfit.RotateOption{keyfit.Verify(func(context.Context, keyfit.Credential) error { return cause })},
			err:  "the new key " + keyfit.APIKey("ring-new").Fingerprint() + " was not verified, the old one stays: refused as [redacted] is no key", is: cause,
		},
		{name: "context ended", ctx: canceled, next: keyfit.APIKey("ring-new"), key: "ring-old", err: "context canceled", is: context.Canceled},
		{
			name: "context ended while a careless probe succeeded", ctx: canceled, next: keyfit.APIKey("ring-new"), key: "ring-old", err: "context canceled", is: context.Canceled,
			opts: []keyfit.RotateOption{keyfit.Verify(func(context.Context, keyfit.Credential) error { return nil })},
		},
		{name: "no probe", next: keyfit.APIKey("ring-new"), key: "ring-old", opts: []keyfit.RotateOption{keyfit.Verify(nil)}, err: "Verify: the probe is nil"},
		{name: "negative overlap", next: keyfit.APIKey("ring-new"), key: "ring-old", opts: []keyfit.RotateOption{keyfit.GracePeriod(-1)}, err: "GracePeriod: the time must be zero or more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ring, events := newRing(t, keyfit.Static(keyfit.APIKey("ring-old")))
			events.take()
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			err := ring.Rotate(tt.ctx, tt.next, tt.opts...)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if said != tt.err || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error: want %q, got %q", tt.err, said)
			}
			if got := currentKey(t, ring); got != tt.key {
				t.Errorf("key: want %s, got %s", tt.key, got)
			}
			if diff := cmp.Diff(tt.events, events.take("ring-old", "ring-new")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePreviousKeyIsHeldAsLongAsWasSaid(t *testing.T) {
	t.Parallel()
	none := time.Duration(0)
	tests := []struct {
		name string
		ring []keyfit.KeyringOption
		opts []keyfit.RotateOption
		life time.Duration // of the old key; 0 is not known
		held time.Duration
	}{
		{"by default", nil, nil, 0, defaultGracePeriod},
		{"as the ring says", []keyfit.KeyringOption{keyfit.GracePeriod(time.Hour)}, nil, 0, time.Hour},
		{"as the rotation says", []keyfit.KeyringOption{keyfit.GracePeriod(time.Hour)}, []keyfit.RotateOption{keyfit.GracePeriod(time.Second)}, 0, time.Second},
		{"not at all by the ring", []keyfit.KeyringOption{keyfit.GracePeriod(0)}, nil, 0, none},
		{"not at all, for a key that leaked", nil, []keyfit.RotateOption{keyfit.GracePeriod(0)}, 0, none},
		{"never beyond its own end", nil, []keyfit.RotateOption{keyfit.GracePeriod(time.Hour)}, time.Minute, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first := keyfit.APIKey("ring-old")
				if tt.life > 0 {
					first.Expires = time.Now().Add(tt.life)
				}
				ring, _ := newRing(t, keyfit.Static(first), tt.ring...)
				swapped := time.Now().Add(time.Minute / 2)
				time.Sleep(time.Minute / 2) //nolint:forbidigo // fake time
				if err := ring.Rotate(t.Context(), keyfit.APIKey("ring-new"), tt.opts...); err != nil {
					t.Fatal(err)
				}
				held := func() (fingerprint string, until time.Time) {
					if p := ring.Status().Previous; p != nil {
						return p.Fingerprint, p.Until
					}
					return "", time.Time{}
				}
				want, end := "", time.Time{}
				if tt.held > 0 {
					want, end = first.Fingerprint(), swapped.Add(tt.held)
					if tt.life > 0 {
						end = first.Expires
					}
				}
				if got, until := held(); got != want || !until.Equal(end) {
					t.Errorf("after the swap: want %q up to %s, got %q up to %s", want, end, got, until)
				}
				time.Sleep(tt.held) //nolint:forbidigo // fake time
				if got, until := held(); got != "" || !until.IsZero() {
					t.Errorf("after the overlap: %q is held up to %s", got, until)
				}
			})
		})
	}
	for _, opt := range []keyfit.KeyringOption{keyfit.GracePeriod(-1), keyfit.WithHooks(keyfit.Hooks{}), keyfit.WithLogger(nil), nil} {
		if _, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("k")), opt); err == nil {
			t.Error("a wrong option was taken")
		}
	}
	if _, err := keyfit.NewKeyring(t.Context(), nil); err == nil {
		t.Error("a ring without a source was made")
	}
}

func TestReloadTakesWhatIsNewAndNeverTakesAKeyAway(t *testing.T) {
	t.Parallel()
	down := errors.New("the vault is sealed")
	src := &ringSource{key: "ring-1"}
	ring, events := newRing(t, src)
	steps := []struct {
		name    string
		key     string
		err     error
		changed bool
		current string
		stale   bool
		events  []string
		said    string
	}{
		{name: "the first", key: "ring-1", current: "ring-1", events: []string{"key.promoted 1 ring-1<"}},
		{name: "unchanged but for space", key: "ring-1\n", current: "ring-1"},
		{name: "changed", key: "ring-2\n", changed: true, current: "ring-2", events: []string{"key.promoted 2 ring-2<ring-1"}},
		{
			name: "failing", err: down, current: "ring-2", stale: true, events: []string{"source.stale 0 <"},
			said: "the key source failed, the current key stays: the vault is sealed",
		},
		{
			name: "failing with the key in its words", err: fmt.Errorf("%w for ring-2", down), current: "ring-2", stale: true, events: []string{"source.stale 0 <"},
			said: "the key source failed, the current key stays: the vault is sealed for [redacted]",
		},
		{
			name: "empty", key: " \n", current: "ring-2", stale: true, events: []string{"source.stale 0 <"},
			said: "the key source failed, the current key stays: the value is empty",
		},
		{
			name: "malformed", key: "ring\x013", current: "ring-2", stale: true, events: []string{"source.stale 0 <"},
			said: "the key source failed, the current key stays: the value has a control character at byte 5 of 6",
		},
		{name: "well again", key: "ring-2", current: "ring-2"},
		{name: "back to an older key", key: "ring-1", changed: true, current: "ring-1", events: []string{"key.rollback 3 ring-1<ring-2"}},
	}
	for _, step := range steps {
		src.offer(step.key, step.err)
		changed, err := ring.Reload(t.Context())
		said := ""
		if err != nil {
			said = err.Error()
		}
		if changed != step.changed || said != step.said || step.err != nil && !errors.Is(err, down) {
			t.Errorf("%s: want %v, %q, got %v, %q", step.name, step.changed, step.said, changed, said)
		}
		if got := currentKey(t, ring); got != step.current || ring.Status().Source.Stale != step.stale {
			t.Errorf("%s: want %s (stale %v), got %s (stale %v)", step.name, step.current, step.stale, got, ring.Status().Source.Stale)
		}
		if diff := cmp.Diff(step.events, events.take("ring-1", "ring-2")); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestReloadsAtOneTimeAreOneQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "ring-1"}
		ring, _ := newRing(t, src)
		src.offer("ring-2", nil)
		src.delay = time.Second
		impatient, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		var asked sync.WaitGroup
		asked.Go(func() { // the first to ask gives up; the others are served all the same
			if _, err := ring.Reload(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("want the caller's deadline, got %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			asked.Go(func() {
				if changed, err := ring.Reload(t.Context()); !changed || err != nil {
					t.Errorf("want a change, got %v, %v", changed, err)
				}
			})
		}
		asked.Wait()
		if got := src.questions(); got != 2 || currentKey(t, ring) != "ring-2" {
			t.Errorf("want 2 questions and ring-2, got %d and %s", got, currentKey(t, ring))
		}
	})
}

func TestWatchFollowsTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "ring-1"}
		ring, events := newRing(t, src)
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan error)
		go func() { watched <- ring.Watch(ctx, time.Minute) }()
		turn := func() { time.Sleep(time.Minute); synctest.Wait() } //nolint:forbidigo // fake time
		time.Sleep(time.Second)                                     //nolint:forbidigo // fake time

		src.offer("ring-2", nil)
		turn()
		src.offer("", errors.New("sealed"))
		turn()
		src.offer("ring-3", nil)
		turn()
		want := []string{"key.promoted 1 ring-1<", "key.promoted 2 ring-2<ring-1", "source.stale 0 <", "key.promoted 3 ring-3<ring-2"}
		if diff := cmp.Diff(want, events.take("ring-1", "ring-2", "ring-3")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}

		// Somebody rotates by hand; the source goes on offering what it had.
		if err := ring.Rotate(t.Context(), keyfit.APIKey("ring-hand")); err != nil {
			t.Fatal(err)
		}
		turn()
		turn()
		if got := currentKey(t, ring); got != "ring-hand" {
			t.Errorf("watching has undone a rotation: %s", got)
		}
		src.offer("ring-4", nil)
		turn()
		if got := currentKey(t, ring); got != "ring-4" {
			t.Errorf("what the source newly offers is not taken: %s", got)
		}

		cancel()
		if err := <-watched; !errors.Is(err, context.Canceled) {
			t.Errorf("want the context's error, got %v", err)
		}
		if err := ring.Watch(t.Context(), 0); err == nil {
			t.Error("an interval of zero was taken")
		}
	})
}

// ringWire is a provider without a network: it notes which key each request carries and
// answers what the test says.
type ringWire struct {
	mu     sync.Mutex
	keys   []string
	answer func(key string) (status int)
}

func (w *ringWire) RoundTrip(req *http.Request) (*http.Response, error) {
	key := req.Header.Get("X-API-KEY")
	w.mu.Lock()
	w.keys = append(w.keys, key)
	w.mu.Unlock()
	return &http.Response{StatusCode: w.answer(key), ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func (w *ringWire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := w.keys
	w.keys = nil
	return keys
}

// accepts answers 200 to these keys and 401 to all others.
func accepts(keys ...string) func(string) int {
	return func(key string) int {
		if slices.Contains(keys, key) {
			return http.StatusOK
		}
		return http.StatusUnauthorized
	}
}

func ringClient(t *testing.T, wire http.RoundTripper, ring *keyfit.Keyring) *keyfit.Client {
	t.Helper()
	acme := keyfit.Provider{Name: "acme", BaseURL: "https://api.example", Scheme: keyfit.Header("X-API-KEY")}
	c, err := keyfit.New(acme, keyfit.WithSource(ring), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ringGet(ctx context.Context, c *keyfit.Client) error {
	_, err := keyfit.Get[struct{}](ctx, c, "/p")
	return err
}

func TestASwapBetweenRetriesIsOnTheWireAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("old")))
		wire := &ringWire{}
		n := 0
		wire.answer = func(string) int {
			n++
			if n == 1 {
				if err := ring.Rotate(t.Context(), keyfit.APIKey("new")); err != nil {
					t.Error(err)
				}
			}
			if n < 3 {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}
		if err := ringGet(t.Context(), ringClient(t, wire, ring)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"old", "new", "new"}, wire.take()); diff != "" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
	})
}

func TestAStormOfRefusalsIsOneReloadAndOneReplayEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, opens = 100, 20 // after so many refusals the others wait for the source's answer
		src := &ringSource{key: "storm-1"}
		ring, events := newRing(t, src)
		src.offer("storm-2", nil)
		src.delay = time.Second / 2 // a slow secret store, and an answer before the first trial request
		wire := &ringWire{answer: accepts("storm-2")}
		c := ringClient(t, wire, ring)
		var calls sync.WaitGroup
		var failed atomic.Int32
		for range callers {
			calls.Go(func() {
				if err := ringGet(t.Context(), c); err != nil {
					failed.Add(1)
					t.Log(err)
				}
			})
		}
		calls.Wait()
		sent := map[string]int{}
		for _, key := range wire.take() {
			sent[key]++
		}
		refused := sent["storm-1"]
		if refused < opens || refused > opens+runtime.GOMAXPROCS(0) { // some may be on their way when the last of them opens the circuit
			t.Errorf("want %d refusals, got %d", opens, refused)
		}
		if diff := cmp.Diff(map[string]int{"storm-1": refused, "storm-2": callers}, sent); diff != "" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
		if failed.Load() != 0 || src.questions() != 2 { // the first question is the ring's own start
			t.Errorf("want 0 failed calls and 1 reload, got %d and %d", failed.Load(), src.questions()-1)
		}
		told := map[string]int{}
		for _, e := range events.take("storm-1", "storm-2") {
			told[e]++
		}
		want := map[string]int{
			"key.promoted 1 storm-1<": 1, "key.promoted 2 storm-2<storm-1": 1, "key.refused 1 storm-1<": refused,
			"circuit.open 1 storm-1<": 1, "circuit.closed 2 storm-2<": 1,
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAKeyIsTriedOncePerCallAndTwoOthersAtMost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		offers []string // one for each question after the first
		sent   []string
	}{
		{"nothing new", []string{"try-1", "try-1"}, []string{"try-1"}},
		{"one other", []string{"try-2", "try-2"}, []string{"try-1", "try-2"}},
		{"another each time", []string{"try-2", "try-3", "try-4"}, []string{"try-1", "try-2", "try-3"}},
		{"back and forth", []string{"try-2", "try-1", "try-2"}, []string{"try-1", "try-2"}},
		{"a source that fails", nil, []string{"try-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := -1
				ring, _ := newRing(t, keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
					n++
					switch {
					case n == 0:
						return keyfit.APIKey("try-1"), nil
					case n <= len(tt.offers):
						return keyfit.APIKey(tt.offers[n-1]), nil
					}
					return keyfit.Credential{}, errors.New("down")
				}))
				wire := &ringWire{answer: accepts()}
				err := ringGet(t.Context(), ringClient(t, wire, ring))
				invalid, ok := errors.AsType[*keyfit.InvalidKeyError](err)
				if !ok || invalid.Attempts != len(tt.sent) {
					t.Errorf("want an *InvalidKeyError after %d attempts, got %v", len(tt.sent), err)
				}
				if diff := cmp.Diff(tt.sent, wire.take()); diff != "" {
					t.Errorf("on the wire (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestARevokedKeyDoesNotTurnEveryCallIntoAQuestionToTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "revoked"}
		ring, _ := newRing(t, src)
		c := ringClient(t, &ringWire{answer: accepts()}, ring)
		for range 50 {
			if err := ringGet(t.Context(), c); !errors.Is(err, keyfit.ErrUnauthorized) {
				t.Fatal(err)
			}
		}
		if got := src.questions(); got != 2 {
			t.Errorf("50 calls at one moment: want 1 question, got %d", got-1)
		}
	})
}

func TestThePreviousKeyServesWhileTheProviderIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "late-old"} // goes on offering the old key
		ring, events := newRing(t, src, keyfit.WithoutHoldCalls())
		wire := &ringWire{answer: accepts("late-old")}
		c := ringClient(t, wire, ring)
		if err := ring.Rotate(t.Context(), keyfit.APIKey("late-new"), keyfit.GracePeriod(time.Minute)); err != nil {
			t.Fatal(err)
		}
		events.take()
		steps := []struct {
			name    string
			after   time.Duration
			accepts []string
			sent    []string
			fails   bool
		}{
			{"the provider does not know the new key", 0, []string{"late-old"}, []string{"late-new", "late-old"}, false},
			{"the old one goes first for a moment", time.Second, []string{"late-old"}, []string{"late-old"}, false},
			{"then the new one is tried again", 2 * time.Second, []string{"late-old"}, []string{"late-new", "late-old"}, false},
			{"the old one ends while it goes first", time.Second, []string{"late-new"}, []string{"late-old", "late-new"}, false},
			{"the provider has caught up", 2 * time.Second, []string{"late-new"}, []string{"late-new"}, false},
			{"beyond the overlap the old one is gone", time.Minute, []string{"late-old"}, []string{"late-new"}, true},
		}
		src.offer("late-new", nil) // or the rescue of a ring that holds nothing else would hide the last step
		for _, step := range steps {
			time.Sleep(step.after) //nolint:forbidigo // fake time
			wire.answer = accepts(step.accepts...)
			err := ringGet(t.Context(), c)
			if (err != nil) != step.fails {
				t.Errorf("%s: %v", step.name, err)
			}
			if diff := cmp.Diff(step.sent, wire.take()); diff != "" {
				t.Errorf("%s: on the wire (-want +got):\n%s", step.name, diff)
			}
		}
		want := []string{
			"key.refused 2 late-new<", "key.fallback 1 late-old<late-new",
			"key.refused 2 late-new<", "key.fallback 1 late-old<late-new",
			"key.refused 1 late-old<",
			"key.safe_to_revoke 1 late-old<late-new", "key.retired 1 late-old<late-new",
			"key.refused 2 late-new<",
		}
		if diff := cmp.Diff(want, events.take("late-old", "late-new")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestARotationByHandIsNotUndoneByARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "hand-old"}
		ring, _ := newRing(t, src)
		wire := &ringWire{answer: accepts("hand-old")} // late: does not know the new key yet
		c := ringClient(t, wire, ring)
		if err := ring.Rotate(t.Context(), keyfit.APIKey("hand-new")); err != nil {
			t.Fatal(err)
		}
		if err := ringGet(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got := ring.Status().Current; got.Fingerprint != keyfit.APIKey("hand-new").Fingerprint() {
			t.Fatal("one refusal while the source still offers the old key has undone the rotation")
		}
		// The source is rolled back and offered the old key anew: that is news.
		src.offer("hand-other", nil)
		if _, err := ring.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		src.offer("hand-new", nil)
		time.Sleep(time.Second) //nolint:forbidigo // fake time
		wire.answer = accepts("hand-new")
		wire.take()
		if err := ringGet(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"hand-other", "hand-new"}, wire.take()); diff != "" || ring.Status().Current.Generation != 4 {
			t.Errorf("want generation 4, got %d; on the wire (-want +got):\n%s", ring.Status().Current.Generation, diff)
		}
	})
}

func TestAWrongKeyGivenByHandIsRescuedByTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("good")))
		wire := &ringWire{answer: accepts("good")}
		if err := ring.Rotate(t.Context(), keyfit.APIKey("wrong"), keyfit.GracePeriod(0)); err != nil {
			t.Fatal(err)
		}
		if err := ringGet(t.Context(), ringClient(t, wire, ring)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"wrong", "good"}, wire.take()); diff != "" || currentKey(t, ring) != "good" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyARefusedKeyIsReplaced(t *testing.T) {
	t.Parallel()
	const missing = `{"error":"MISSING_API_KEY","message":"IM-API-KEY header is required"}`
	tests := []struct {
		name   string
		status int
		body   string
		sent   int
		events []string
	}{
		{"401, a bad key", 401, `{"error":"INVALID_API_KEY"}`, 2, []string{"key.refused 2 only-new<", "key.refused 1 only-old<"}},
		{"403, a bad key in words", 403, "Invalid API Key", 2, []string{"key.refused 2 only-new<", "key.refused 1 only-old<"}},
		{"401, no key arrived", 401, missing, 1, []string{"auth.misconfigured 2 only-new<"}},
		{"403, a permission", 403, `{"error":"INSUFFICIENT_PERMISSIONS"}`, 1, nil},
		{"404", 404, "", 1, nil},
		{"400", 400, "", 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := &ringSource{key: "only-old"}
			ring, events := newRing(t, src)
			if err := ring.Rotate(t.Context(), keyfit.APIKey("only-new")); err != nil {
				t.Fatal(err)
			}
			src.offer("only-new", nil)
			events.take()
			sent := 0
			wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				sent++
				return errorAnswer(tt.status, tt.body)(req)
			})
			if err := ringGet(t.Context(), ringClient(t, wire, ring)); err == nil {
				t.Error("no error")
			}
			if sent != tt.sent {
				t.Errorf("want %d requests, got %d", tt.sent, sent)
			}
			if diff := cmp.Diff(tt.events, events.take("only-old", "only-new")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			want := 1 + tt.sent/2
			if tt.body == missing {
				want = 2 // for a newer key
			}
			if src.questions() > want {
				t.Errorf("the source was asked %d times, want %d at most", src.questions(), want)
			}
		})
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// pairWire answers 401 to a pair whose halves are of two generations.
type pairWire struct{ calls, torn atomic.Int64 }

func (w *pairWire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.calls.Add(1)
	id, ok1 := strings.CutPrefix(req.Header.Get("IM-CLIENT-KEY"), "id-")
	key, ok2 := strings.CutPrefix(req.Header.Get("IM-Authorization"), "token-")
	status := http.StatusOK
	if !ok1 || !ok2 || id != key {
		w.torn.Add(1)
		status = http.StatusUnauthorized
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func TestAPairIsNeverTorn(t *testing.T) {
	t.Parallel()
	swaps := 200
	if longRun() {
		swaps = 1000
	}
	pair := func(n int) keyfit.Credential {
		return keyfit.KeyPair(fmt.Sprintf("id-%d", n), fmt.Sprintf("token-%d", n))
	}
	wire := &pairWire{}
	p := keyfit.IMKITUser("app")
	c, err := keyfit.New(p, keyfit.WithSource(keyfit.Static(pair(0))), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for ctx.Err() == nil {
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := 1; n <= swaps || wire.calls.Load() < int64(swaps); n++ {
		if err := c.Keys().Rotate(t.Context(), pair(n)); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	callers.Wait()
	if torn := wire.torn.Load(); torn != 0 {
		t.Errorf("%d of %d requests carried halves of two generations", torn, wire.calls.Load())
	}
}

func TestEventsComeInOrderOneAfterTheOtherAndHoldNoKey(t *testing.T) {
	t.Parallel()
	const rotators, each = 8, 100
	var inside atomic.Int32
	var events []keyfit.KeyEvent
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("event-start")), keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
		if inside.Add(1) != 1 {
			t.Error("two events at the same time")
		}
		runtime.Gosched()
		events = append(events, e) // no lock: the race detector sees whether one is needed
		inside.Add(-1)
	}}))
	if err != nil {
		t.Fatal(err)
	}
	var rotating sync.WaitGroup
	for r := range rotators {
		rotating.Go(func() {
			for i := range each {
				if err := ring.Rotate(t.Context(), keyfit.APIKey(fmt.Sprintf("event-key-%d-%d", r, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	rotating.Wait()
	if len(events) != 1+rotators*each {
		t.Fatalf("want %d events, got %d", 1+rotators*each, len(events))
	}
	for i, e := range events {
		if e.Generation != uint64(i+1) || e.Kind != keyfit.KeyPromoted || len(e.Fingerprint) != 12 || e.Time.IsZero() {
			t.Fatalf("event %d: %+v", i, e)
		}
		if i > 0 && (e.Previous != events[i-1].Fingerprint || e.Time.Before(events[i-1].Time)) {
			t.Fatalf("event %d does not follow the one before: %+v, %+v", i, events[i-1], e)
		}
		if said := fmt.Sprintf("%+v %v", e, e.LogValue()); strings.Contains(said, "event-key") || strings.Contains(said, "event-start") {
			t.Fatalf("an event holds a key: %s", said)
		}
	}
}

func TestAHookMayAskAndChangeTheRing(t *testing.T) {
	t.Parallel()
	var ring *keyfit.Keyring
	var told []uint64
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("hook-1")), keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
		told = append(told, e.Generation)
		if ring != nil && ring.Status().Current.Generation == 2 {
			if err := ring.Rotate(context.Background(), keyfit.APIKey("hook-3")); err != nil {
				t.Error(err)
			}
		}
	}}))
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Rotate(t.Context(), keyfit.APIKey("hook-2")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{1, 2, 3}, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARefusedBodyGoesOutAgainWhole(t *testing.T) {
	t.Parallel()
	ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("body-old")))
	if err := ring.Rotate(t.Context(), keyfit.APIKey("body-new")); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, req.Header.Get("X-API-KEY")+" "+string(body))
		status := http.StatusUnauthorized
		if req.Header.Get("X-API-KEY") == "body-old" {
			status = http.StatusCreated
		}
		return errorAnswer(status, "")(req)
	})
	c := ringClient(t, wire, ring)
	if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/p", map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`body-new {"a":1}`, `body-old {"a":1}`}, bodies); diff != "" {
		t.Errorf("on the wire (-want +got):\n%s", diff)
	}
}
