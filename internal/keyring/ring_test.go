package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time

// state is the ring's set on one line.
func (w *world) state() string { return text(w.ring.Load()) }

func TestACallThatIsRefusedGoesOnWithTheNextKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		works  []string
		before func(*world)
		sent   []string
		err    error
		state  string
		events []string
	}{
		{
			name: "the key that the source offers now", works: []string{"b"}, before: func(w *world) { w.offer("b") },
			sent: []string{"a", "b"}, state: "current b#2, previous a#1, retired a",
			events: []string{"key.refused a", "key.promoted b"},
		},
		{
			name: "the previous key, which is then tried first", works: []string{"a"},
			before: func(w *world) { _ = w.ring.Rotate(context.Background(), key("b"), time.Minute, nil) },
			sent:   []string{"b", "a"}, state: "current b#2, previous a#1 preferred, retired a",
			events: []string{"key.refused b", "key.fallback a"},
		},
		{
			name: "a prepared key, at last", works: []string{"p"},
			before: func(w *world) {
				w.set(func() { w.offers.Pending = key("p") })
				_, _ = w.ring.Reload(context.Background())
			},
			sent: []string{"a", "p"}, state: "current p#2, previous a#1, retired a",
			events: []string{"key.refused a", "key.promoted p"},
		},
		{
			name: "no key", works: nil, before: func(*world) {},
			sent: []string{"a"}, err: ErrNoOtherKey, state: "current a#1", events: []string{"key.refused a"},
		},
		{
			name: "two others at most", works: nil,
			before: func(w *world) {
				_ = w.ring.Rotate(context.Background(), key("b"), time.Minute, nil)
				w.set(func() { w.offers = Versions{Current: key("c"), Pending: key("p")} })
			},
			sent: []string{"b", "c", "p"}, err: ErrNoOtherKey,
			state:  "current c#3, previous b#2, staged p#0 prepared, retired a, retired b",
			events: []string{"key.refused b", "key.promoted c", "key.refused c", "key.staged p", "key.refused p"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				tt.before(w)
				w.kinds()
				w.accept(tt.works...)
				sent, err := w.call(t.Context(), "/")
				if diff := cmp.Diff(tt.sent, sent); diff != "" {
					t.Errorf("keys sent (-want +got):\n%s", diff)
				}
				if !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if diff := cmp.Diff(tt.state, w.state()); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.events, w.kinds()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheThirdRefusalDemotesAKeyWhosePredecessorWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		if err := w.ring.Rotate(t.Context(), key("b"), time.Minute, nil); err != nil {
			t.Fatal(err)
		}
		var states []string
		for range demoteAfter {
			if _, err := w.call(t.Context(), "/"); err != nil {
				t.Fatal(err)
			}
			states = append(states, w.state())
			pass(preferTime)
		}
		want := []string{
			"current b#2, previous a#1 preferred, retired a",
			"current b#2, previous a#1 preferred, retired a",
			"current a#3, rejected b#0",
		}
		for i, state := range states {
			if len(state) < len(want[i]) || state[:len(want[i])] != want[i] {
				t.Errorf("after %d refusals: %s, want %s", i+1, state, want[i])
			}
		}
	})
}

func TestACandidateIsVerifiedByTwoProbes(t *testing.T) {
	t.Parallel()
	outage := errors.New("bad gateway")
	for _, tt := range []struct {
		name    string
		answers []error // to the probes, the last one for all further
		reload  error
		states  []string // after the reload, and after each second of watching
	}{
		{"accepted", []error{nil}, nil, []string{"current b#2, previous a#1, retired a"}},
		{"accepted once, then refused", []error{nil, errRefused, nil}, errRefused, []string{"rejected", "current b#2"}},
		{"refused, and accepted later", []error{errRefused, errRefused, nil}, errRefused, []string{"rejected", "rejected", "", "current b#2"}},
		{"an outage says nothing", []error{outage, nil}, outage, []string{"staged", "current b#2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				w := newWorld(t, func(cfg *Config) {
					cfg.Probe = func(context.Context, Key) (bool, error) {
						err := tt.answers[min(n, len(tt.answers)-1)]
						n++
						return errors.Is(err, errRefused), err
					}
				})
				w.offer("b")
				if _, err := w.ring.Reload(t.Context()); !errors.Is(err, tt.reload) {
					t.Fatalf("reload: %v, want %v", err, tt.reload)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var watching sync.WaitGroup
				watching.Go(func() { _ = w.ring.Watch(ctx, time.Hour) })
				for i, want := range tt.states {
					got := w.state()
					if c := w.ring.Load().candidate; c != nil {
						got = c.state.String()
					}
					if want != "" && (len(got) < len(want) || got[:len(want)] != want) {
						t.Errorf("after %d s: %s, want %s", i, got, want)
					}
					pass(time.Second)
					synctest.Wait()
				}
				cancel()
				watching.Wait()
			})
		})
	}
}

func TestQuestionsToTheSourceAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.set(func() { w.askTime = time.Second })
		w.offer("b")
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if changed, err := w.ring.Reload(t.Context()); !changed || err != nil {
					t.Errorf("changed %v, %v", changed, err)
				}
			})
		}
		gaveUp, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := w.ring.Reload(gaveUp); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that gives up: %v", err)
		}
		callers.Wait()
		if got := w.asked.Load(); got != 1 {
			t.Errorf("the source was asked %d times, want once", got)
		}
	})
}

// TestALateRefusalDoesNotDelayTheQuestionAboutTheNextKey: a refusal that comes when its key
// has been replaced already asks the source in vain. That says nothing about the key that is
// current now: when it is refused, the source is asked at once.
func TestALateRefusalDoesNotDelayTheQuestionAboutTheNextKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.set(func() { w.askTime = time.Millisecond })
		w.offer("b")
		w.ring.reloadAfterRefusal(t.Context(), "a")
		w.ring.reloadAfterRefusal(t.Context(), "a") // late
		w.offer("c")
		w.ring.reloadAfterRefusal(t.Context(), "b")
		if got := w.ring.Load().current.Fingerprint; got != "c" {
			t.Fatalf("after the refusal of b the ring is at %s, want c", got)
		}

		// Nor is it enough to wait for a question that is under way for the late one: the source
		// has answered it already.
		go w.ring.reloadAfterRefusal(t.Context(), "a")
		synctest.Wait()
		w.offer("d")
		w.ring.reloadAfterRefusal(t.Context(), "c")
		if got := w.ring.Load().current.Fingerprint; got != "d" {
			t.Fatalf("after the refusal of c the ring is at %s, want d", got)
		}
	})
}

func TestQuestionsThatBringNothingAreSpaced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		local bool
		most  int32 // in ten seconds of refusals
	}{
		"a store":                 {false, 25},
		"a place on this machine": {true, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(cfg *Config) { cfg.Local = tt.local })
				for range 1000 {
					w.ring.reloadAfterRefusal(t.Context(), "a")
					pass(10 * time.Millisecond)
				}
				if got := w.asked.Load(); got < 2 || got > tt.most {
					t.Errorf("the source was asked %d times in ten seconds, want 2 to %d", got, tt.most)
				}
			})
		})
	}
}

func TestASourceThatFailsNeverTakesAKeyAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		sealed := errors.New("sealed")
		w.set(func() { w.askErr = sealed })
		w.kinds()
		if changed, err := w.ring.Reload(t.Context()); changed || !errors.Is(err, sealed) {
			t.Errorf("reload: %v, %v", changed, err)
		}
		if diff := cmp.Diff([]string{"source.stale "}, w.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if s := w.ring.Status(); s.Source.Error != "sealed" || s.Current.Fingerprint != "a" {
			t.Errorf("status %+v", s)
		}
	})
}

func TestTheMemoryOfKeysIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.ring.cfg.Probe = w.probe
	for i := range 100 {
		w.offer(fmt.Sprint("offered", i))
		if _, err := w.ring.Reload(t.Context()); !errors.Is(err, errRefused) {
			t.Fatal(err)
		}
		if err := w.ring.Rotate(t.Context(), key(fmt.Sprint("hand", i)), time.Minute, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.ring.mu.Lock()
	defer w.ring.mu.Unlock()
	got := []int{len(w.ring.rejections), len(w.ring.draining), len(w.ring.Load().retired), len(w.ring.events.queue)}
	if diff := cmp.Diff([]int{maxRejections, maxDraining, maxRetired, 0}, got); diff != "" {
		t.Errorf("rejections, draining, retired, events after a hundred bad keys (-want +got):\n%s", diff)
	}
}

func TestAReplacedKeyIsSafeToRevokeOnceItIsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *Config) { cfg.GracePeriod = 10 * time.Second })
		old := &w.ring.Load().current
		old.Begin() // a stream
		if err := w.ring.Rotate(t.Context(), key("b"), 10*time.Second, nil); err != nil {
			t.Fatal(err)
		}
		w.accept("b")
		w.kinds()
		if _, err := w.call(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := w.kinds(); len(got) != 0 {
			t.Errorf("with an attempt under way: %q", got)
		}
		old.End(w.ring.Clock().Now())
		pass(time.Minute)
		if diff := cmp.Diff([]string{"key.retired a", "key.safe_to_revoke a"}, w.kinds()); diff != "" {
			t.Errorf("after its end (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a"}, w.ring.Status().SafeToRevoke); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

func TestTheEndOfAKeyIsAnnounced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.set(func() { w.offers.Current.Expires = time.Now().Add(31 * day) })
		var got []string
		for range 35 {
			_, _ = w.ring.Reload(t.Context())
			for _, kind := range w.kinds() {
				got = append(got, fmt.Sprintf("%s, %.0f days before", kind, time.Until(w.offers.Current.Expires).Hours()/24))
			}
			pass(day)
		}
		want := []string{
			"key.promoted a, 31 days before",
			"key.expiring a, 30 days before", "key.expiring a, 14 days before", "key.expiring a, 7 days before", "key.expiring a, 1 days before",
			"key.expired a, 0 days before",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestEventsStayInOrderAndOutliveAPanic(t *testing.T) {
	t.Parallel()
	var o outbox
	var got []string
	o.report = func(e Event) {
		got = append(got, e.Reason)
		if e.Reason == "1" {
			o.record(Event{Reason: "3"})
			o.deliver() // the one who reports takes this one too
		}
		if e.Reason == "2" {
			panic("a listener's")
		}
	}
	o.record(Event{Reason: "1"})
	o.record(Event{Reason: "2"})
	func() {
		defer func() { _ = recover() }()
		o.deliver()
	}()
	o.record(Event{Reason: "4"})
	o.deliver()
	if diff := cmp.Diff([]string{"1", "2", "3", "4"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTheSteadyStateAllocatesNothing(t *testing.T) { //nolint:paralleltest // others would be counted too
	w := newWorld(t, nil)
	r := w.ring
	if got := testing.AllocsPerRun(100, func() {
		set := r.Load()
		if !set.AtRest() || !set.CircuitClosed() {
			t.Fatal("the ring is not at rest")
		}
		g, sent := set.Pick(true), r.Clock().Now()
		g.Begin()
		if !r.Accepted(g, sent, r.Route("GET", "/path")) {
			t.Fatal("an accepted call wants a turn")
		}
		g.End(sent)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
