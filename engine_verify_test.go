package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// errRefusedKey is what a probe returns when the provider refuses the key.
func errRefusedKey(status int) error {
	return &keyfit.APIError{Provider: "acme", Method: http.MethodGet, Path: "/ping", StatusCode: status}
}

// engineSource offers what a test says.
type engineSource struct {
	mu    sync.Mutex
	offer keyfit.Versions
	err   error
	delay time.Duration
}

func (s *engineSource) Credential(ctx context.Context) (keyfit.Credential, error) {
	o, err := s.Versions(ctx)
	return o.Current, err
}

func (s *engineSource) Versions(context.Context) (keyfit.Versions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offer, err, delay := s.offer, s.err, s.delay
	if delay > 0 {
		s.mu.Unlock()
		time.Sleep(delay) //nolint:forbidigo // fake time
		s.mu.Lock()
	}
	return offer, err
}

func (s *engineSource) set(o keyfit.Versions, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offer, s.err = o, err
}

func version(key, v string) keyfit.Credential {
	cred := keyfit.APIKey(key)
	cred.Version = v
	return cred
}

func offered(current keyfit.Credential) keyfit.Versions { return keyfit.Versions{Current: current} }

// engineProbe is a provider's probe that answers what a test says, and counts.
type engineProbe struct {
	mu     sync.Mutex
	answer func(key string) error
	at     []time.Duration // since the first probe
	first  time.Time
}

func (p *engineProbe) probe(_ context.Context, cred keyfit.Credential) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first.IsZero() {
		p.first = time.Now()
	}
	p.at = append(p.at, time.Since(p.first))
	return p.answer(cred.Key.Reveal())
}

func (p *engineProbe) times() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Duration{}, p.at...)
}

func (p *engineProbe) says(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(string) error { return err }
}

func TestACandidateIsUsedAfterTwoGoodProbesInARow(t *testing.T) {
	t.Parallel()
	refused, failed := errRefusedKey(http.StatusUnauthorized), errRefusedKey(http.StatusBadGateway)
	late := fmt.Errorf("no answer: %w", context.DeadlineExceeded)
	tests := []struct {
		name    string
		answers []error // of the probes, in order
		current string
		state   keyfit.KeyState // of the candidate, if it is one still
		events  []string
	}{
		{"both good", []error{nil, nil}, "cand-new", "", []string{"key.staged 0 cand-new<cand-old", "key.verified 0 cand-new<cand-old", "key.promoted 2 cand-new<cand-old"}},
		{"refused at once", []error{refused}, "cand-old", keyfit.StateRejected, []string{"key.staged 0 cand-new<cand-old", "key.rejected 0 cand-new<cand-old"}},
		{"one edge knows it, and one does not", []error{nil, refused}, "cand-old", keyfit.StateRejected, []string{"key.staged 0 cand-new<cand-old", "key.rejected 0 cand-new<cand-old"}},
		{"forbidden", []error{errRefusedKey(http.StatusForbidden)}, "cand-old", keyfit.StateRejected, []string{"key.staged 0 cand-new<cand-old", "key.rejected 0 cand-new<cand-old"}},
		{"the provider fails", []error{failed}, "cand-old", keyfit.StateStaged, []string{"key.staged 0 cand-new<cand-old"}},
		{"the provider limits", []error{nil, errRefusedKey(http.StatusTooManyRequests)}, "cand-old", keyfit.StateStaged, []string{"key.staged 0 cand-new<cand-old"}},
		{"no answer", []error{late}, "cand-old", keyfit.StateStaged, []string{"key.staged 0 cand-new<cand-old"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := &ringSource{key: "cand-old"}
			n := 0
			ring, events := newRing(t, src, keyfit.Verify(func(context.Context, keyfit.Credential) error {
				n++
				return tt.answers[n-1]
			}))
			events.take()
			src.offer("cand-new", nil)
			changed, err := ring.Reload(t.Context())
			if want := tt.current == "cand-new"; changed != want || (err == nil) != want {
				t.Errorf("changed: want %v, got %v, %v", want, changed, err)
			}
			if last := tt.answers[len(tt.answers)-1]; !errors.Is(err, last) {
				t.Errorf("want the probe's error, got %v", err)
			}
			state := keyfit.KeyState("")
			if s := ring.Status().Staged; s != nil {
				state = s.State
			}
			if got := currentKey(t, ring); got != tt.current || state != tt.state || n != len(tt.answers) {
				t.Errorf("want %s, %q after %d probes, got %s, %q after %d", tt.current, tt.state, len(tt.answers), got, state, n)
			}
			if diff := cmp.Diff(tt.events, events.take("cand-old", "cand-new")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// A probe that failed says nothing: the candidate is as good as before, so it is the next to
// be tried when the current key is refused, and used.
func TestACandidateThatNobodyRefusedStepsInWhenTheCurrentKeyDies(t *testing.T) {
	t.Parallel()
	for _, hold := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			src := &ringSource{key: "step-old"}
			opts := []keyfit.KeyringOption{keyfit.Verify(func(context.Context, keyfit.Credential) error { return errRefusedKey(http.StatusBadGateway) })}
			if hold {
				opts = append(opts, keyfit.HoldCalls(time.Minute, 0))
			}
			ring, _ := newRing(t, src, opts...)
			src.offer("step-new", nil)
			if _, err := ring.Reload(t.Context()); err == nil {
				t.Fatal("a probe that failed is an error of Reload")
			}
			wire := &ringWire{answer: accepts("step-new")}
			begin := time.Now()
			if err := ringGet(t.Context(), ringClient(t, wire, ring)); err != nil {
				t.Errorf("hold %v: %v", hold, err)
			}
			if diff := cmp.Diff([]string{"step-old", "step-new"}, wire.take()); diff != "" || time.Since(begin) != 0 {
				t.Errorf("hold %v: after %s on the wire (-want +got):\n%s", hold, time.Since(begin), diff)
			}
		})
	}
}

func TestProbesOfARefusedCandidateBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &engineSource{offer: offered(version("back-old", "1"))}
		probe := &engineProbe{answer: func(string) error { return errRefusedKey(http.StatusUnauthorized) }}
		ring, events := newRing(t, src, keyfit.Verify(probe.probe))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = ring.Watch(ctx, 5*time.Second) }()
		src.set(offered(version("back-new", "2")), nil)
		time.Sleep(5 * time.Minute) //nolint:forbidigo // fake time

		at := probe.times()
		ceiling := time.Second
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < ceiling/2-time.Millisecond || gap > ceiling+time.Millisecond {
				t.Errorf("probe %d came %s after the one before, want %s to %s", i+1, gap, ceiling/2, ceiling)
			}
			ceiling = min(2*ceiling, 30*time.Second)
		}
		if len(at) < 12 || len(at) > 25 {
			t.Errorf("%d probes in five minutes", len(at))
		}

		// Another version says that it is another key, even if it is the same: it is tried at
		// the next question, and its backoff begins anew.
		before := len(at)
		probe.says(nil)
		src.set(offered(version("back-new", "3")), nil)
		time.Sleep(5*time.Second + 10*time.Millisecond) //nolint:forbidigo // fake time
		if got := probe.times(); len(got) < before+2 {
			t.Errorf("a new version was not tried at once: %d probes more", len(got)-before)
		}
		if got := ring.Status().Current; got.Fingerprint != keyfit.APIKey("back-new").Fingerprint() || got.Version != "3" {
			t.Errorf("want the new key at version 3, got %+v", got)
		}
		told := events.take("back-old", "back-new")
		if diff := cmp.Diff([]string{"key.verified 0 back-new<back-old", "key.promoted 2 back-new<back-old"}, told[len(told)-2:]); diff != "" {
			t.Errorf("the last events (-want +got):\n%s", diff)
		}
	})
}

// A question to the source, or a probe, that hangs must not keep a call from a key that
// works and is at hand.
func TestASlowSourceOrProbeDoesNotKeepACallFromTheKeyAtHand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		source time.Duration // how long the source takes
		probe  time.Duration // and a probe
		within time.Duration
	}{
		{"a source that hangs", 25 * time.Second, 0, time.Second},
		{"a probe that hangs", 0, 9 * time.Second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := &engineSource{offer: offered(keyfit.APIKey("slow-1"))}
				ring, _ := newRing(t, src, keyfit.Verify(func(ctx context.Context, _ keyfit.Credential) error {
					select {
					case <-time.After(tt.probe):
					case <-ctx.Done():
					}
					return errRefusedKey(http.StatusBadGateway)
				}))
				c := ringClient(t, &ringWire{answer: accepts("slow-1")}, ring)
				if err := ringGet(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if err := ring.Rotate(t.Context(), keyfit.APIKey("slow-2")); err != nil {
					t.Fatal(err)
				}
				src.set(offered(keyfit.APIKey("slow-3")), nil)
				src.delay = tt.source
				go func() { _, _ = ring.Reload(t.Context()) }()
				time.Sleep(time.Millisecond) //nolint:forbidigo // fake time
				begin := time.Now()
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > tt.within {
					t.Errorf("the call took %s, want %s at most", took, tt.within)
				}
				time.Sleep(time.Minute) //nolint:forbidigo // fake time: let the question end
			})
		})
	}
}

// Where there is no probe, calls try what the source offers.
func TestWithoutAProbeABadOfferIsDemotedAndTriedAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "demo-old"}
		ring, events := newRing(t, src)
		wire := &ringWire{answer: accepts("demo-old")}
		c := ringClient(t, wire, ring)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = ring.Watch(ctx, 10*time.Second) }()
		call := func(n int) {
			t.Helper()
			for range n {
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second) //nolint:forbidigo // fake time
			}
		}
		call(1)
		src.offer("demo-bad", nil)
		if changed, err := ring.Reload(t.Context()); !changed || err != nil {
			t.Fatalf("got %v, %v", changed, err)
		}
		events.take()
		call(10)
		demoted := time.Now()
		want := []string{
			"key.refused 2 demo-bad<", "key.fallback 1 demo-old<demo-bad",
			"key.refused 2 demo-bad<", "key.fallback 1 demo-old<demo-bad",
			"key.refused 2 demo-bad<", "key.demoted 2 demo-bad<demo-old",
		}
		if diff := cmp.Diff(want, events.take("demo-old", "demo-bad")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		status := ring.Status()
		if got := currentKey(t, ring); got != "demo-old" || status.Current.Generation != 3 || status.Staged == nil || status.Staged.State != keyfit.StateRejected {
			t.Errorf("want the old key as generation 3 and the bad one rejected, got %s, %+v", got, status)
		}

		// Even while the source fails, the bad key is tried again, after half a minute to one,
		// and found bad once more; and the questions to the source keep their pace.
		src.offer("", errors.New("sealed"))
		asked := src.questions()
		call(80)
		told := events.take("demo-old", "demo-bad")
		if n := count(told, "key.promoted 4 demo-bad<demo-old"); n != 1 || count(told, "key.demoted 4 demo-bad<demo-old") != 1 {
			t.Errorf("want it tried again once, and demoted: %q", told)
		}
		if got := src.questions() - asked; got > 15 {
			t.Errorf("%d questions in 80 s at one in ten: the failing source is asked in a hurry", got)
		}

		// At last the provider knows it.
		src.offer("demo-bad", nil)
		wire.answer = accepts("demo-bad", "demo-old")
		call(150)
		if got := currentKey(t, ring); got != "demo-bad" {
			t.Errorf("%s after the demotion the key that works by now is not used", time.Since(demoted))
		}
	})
}

func count(list []string, want string) (n int) {
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

func TestWhatTheSourceOffersBecomesCurrent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		do      func(t *testing.T, ring *keyfit.Keyring, src *ringSource, c *keyfit.Client, wire *ringWire)
		current string
		events  []string
	}{
		{
			"the operator's rollback stands, whatever the source goes on offering", func(t *testing.T, ring *keyfit.Keyring, src *ringSource, _ *keyfit.Client, _ *ringWire) {
				t.Helper()
				src.offer("flow-2", nil)
				flowReload(t, ring)
				if err := ring.Rollback(); err != nil {
					t.Error(err)
				}
				flowReload(t, ring)
				time.Sleep(defaultGracePeriod + time.Second) //nolint:forbidigo // fake time
				flowReload(t, ring)
			}, "flow-1", []string{"key.promoted 2 flow-2<flow-1", "key.rollback 3 flow-1<flow-2", "key.retired 2 flow-2<flow-1"},
		},
		{
			"the source goes back to the previous key", func(t *testing.T, ring *keyfit.Keyring, src *ringSource, _ *keyfit.Client, _ *ringWire) {
				t.Helper()
				src.offer("flow-2", nil)
				flowReload(t, ring)
				src.offer("flow-1", nil)
				flowReload(t, ring)
			}, "flow-1", []string{"key.promoted 2 flow-2<flow-1", "key.rollback 3 flow-1<flow-2"},
		},
		{
			// The provider refused it once, long ago; nobody can try it but calls.
			"the source goes back to a previous key that was refused", func(t *testing.T, ring *keyfit.Keyring, src *ringSource, c *keyfit.Client, wire *ringWire) {
				t.Helper()
				wire.answer = accepts("flow-2")
				src.offer("flow-2", nil)
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
				}
				wire.answer = accepts("flow-1")
				time.Sleep(time.Minute) //nolint:forbidigo // fake time
				src.offer("flow-1", nil)
				flowReload(t, ring)
			}, "flow-1", []string{"key.refused 1 flow-1<", "key.promoted 2 flow-2<flow-1", "key.safe_to_revoke 1 flow-1<flow-2", "key.rollback 3 flow-1<flow-2"},
		},
		{
			"a rotation by hand does away with a candidate", func(t *testing.T, ring *keyfit.Keyring, src *ringSource, c *keyfit.Client, wire *ringWire) {
				t.Helper()
				wire.answer = accepts("flow-1", "flow-3")
				src.offer("flow-2", nil)
				flowReload(t, ring)
				for range 3 { // it is refused, and demoted
					if err := ringGet(t.Context(), c); err != nil {
						t.Error(err)
					}
					time.Sleep(3 * time.Second) //nolint:forbidigo // fake time
				}
				if err := ring.Rotate(t.Context(), keyfit.APIKey("flow-3")); err != nil {
					t.Error(err)
				}
				time.Sleep(5 * time.Minute) //nolint:forbidigo // fake time
				flowReload(t, ring)
			}, "flow-3", []string{
				"key.promoted 2 flow-2<flow-1",
				"key.refused 2 flow-2<", "key.fallback 1 flow-1<flow-2", "key.refused 2 flow-2<", "key.fallback 1 flow-1<flow-2",
				"key.refused 2 flow-2<", "key.demoted 2 flow-2<flow-1", "key.promoted 4 flow-3<flow-1", "key.retired 0 flow-2<flow-3",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := &ringSource{key: "flow-1"}
				ring, events := newRing(t, src)
				wire := &ringWire{answer: accepts("flow-1", "flow-2", "flow-3")}
				c := ringClient(t, wire, ring)
				events.take()
				tt.do(t, ring, src, c, wire)
				if got := currentKey(t, ring); got != tt.current {
					t.Errorf("want %s, got %s", tt.current, got)
				}
				if diff := cmp.Diff(tt.events, events.take("flow-1", "flow-2", "flow-3")); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
	ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("flow-1")))
	if err := ring.Rollback(); err == nil || err.Error() != "there is no previous key to go back to" {
		t.Errorf("a rollback without a previous key: got %v", err)
	}
}

func flowReload(t *testing.T, ring *keyfit.Keyring) {
	t.Helper()
	if _, err := ring.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}
