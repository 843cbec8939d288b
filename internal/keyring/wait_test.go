package keyring

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func waitFor(d time.Duration) func(*Config) {
	return func(cfg *Config) { cfg.Wait = d }
}

func TestCallsWaitForAUsableKeyBehindOneTrialRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, waitFor(time.Minute))
		w.accept()
		var calls sync.WaitGroup
		for range 8 {
			calls.Go(func() {
				if _, err := w.call(t.Context(), "/"); err != nil {
					t.Error(err)
				}
			})
			pass(10 * time.Millisecond)
		}
		pass(10 * time.Second)
		synctest.Wait()
		s := w.ring.Status()
		if s.Circuit.State == Closed || s.Circuit.Waiting+w.ring.Load().circuit.trials.out != 8 {
			t.Errorf("the circuit while calls wait: %+v", s.Circuit)
		}
		if got := w.sent.Load(); got > 12 { // 0, 0.02, 0.04 … 5.12 s
			t.Errorf("%d attempts with a refused key in ten seconds", got)
		}
		w.accept("b")
		w.offer("b")
		if _, err := w.ring.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls.Wait()
		if s := w.ring.Status(); s.Circuit.State != Closed || s.Current.Fingerprint != "b" {
			t.Errorf("after the new key: %+v", s)
		}
	})
}

func TestAWaitInVainIsDenied(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Config)
		limit  time.Duration // of the caller; 0 is none
		cancel bool
		took   time.Duration
		reason string
		cause  error
	}{
		{"when its time is over", waitFor(5 * time.Second), 0, false, 5 * time.Second, "held for 5s, and no key worked", nil},
		{"at the caller's deadline", waitFor(time.Minute), 2 * time.Second, false, 2 * time.Second, "held until its deadline, and no key worked", context.DeadlineExceeded},
		{"when too many wait", func(cfg *Config) { cfg.Wait, cfg.MaxWaiting = time.Minute, 0 }, 0, false, 0, "not held: 0 calls wait for a key already", nil},
		{"when the caller gives up", waitFor(time.Minute), 2 * time.Second, true, 2 * time.Second, "", context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.change)
				w.accept()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				switch {
				case tt.cancel:
					time.AfterFunc(tt.limit, cancel)
				case tt.limit > 0:
					ctx, cancel = context.WithTimeout(t.Context(), tt.limit)
					defer cancel()
				}
				began := time.Now()
				_, err := w.call(ctx, "/")
				if got := time.Since(began).Round(time.Second); got != tt.took {
					t.Errorf("it took %s, want %s", got, tt.took)
				}
				if tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("%v, want %v", err, tt.cause)
				}
				d, isDenied := errors.AsType[*DeniedError](err)
				if isDenied != (tt.reason != "") {
					t.Fatalf("denied: %v", err)
				}
				if !isDenied {
					return
				}
				if diff := cmp.Diff([]any{tt.reason, "refusal of a"}, []any{d.Reason, d.Last}); diff != "" {
					t.Errorf("reason and last refusal (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTwentyRefusalsOpenTheCircuitWhereCallsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.accept()
		for range tripAfter {
			if _, err := w.call(t.Context(), "/"); !errors.Is(err, ErrNoOtherKey) {
				t.Fatal(err)
			}
		}
		if got := w.ring.Status().Circuit.State; got != Open {
			t.Fatalf("the circuit is %s", got)
		}
		for range 100 {
			if d, ok := errors.AsType[*DeniedError](func() error { _, err := w.call(t.Context(), "/"); return err }()); !ok || d.Reason != "not sent: the provider refuses every key" {
				t.Fatalf("%+v", d)
			}
		}
		if got := w.sent.Load(); got != tripAfter {
			t.Errorf("%d attempts, want %d", got, tripAfter)
		}
		pass(time.Second)
		w.accept("a")
		if _, err := w.call(t.Context(), "/"); err != nil {
			t.Errorf("the trial request: %v", err)
		}
		if got := w.ring.Status().Circuit.State; got != Closed {
			t.Errorf("the circuit is %s", got)
		}
	})
}

func TestACallThatWaitsElsewhereLeavesWhenTheCircuitOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, waitFor(time.Second))
		var left []string
		leave := func(name string) func() { return func() { left = append(left, name) } }
		stop := w.ring.OnOpen(leave("a call that has its permit"))
		stop()
		stop = w.ring.OnOpen(leave("a call that waits"))
		defer stop()
		w.accept()
		if _, err := w.call(t.Context(), "/"); err == nil {
			t.Fatal("no key works, and the call succeeded")
		}
		w.ring.OnOpen(leave("a call that comes later"))()
		if diff := cmp.Diff([]string{"a call that waits", "a call that comes later"}, left); diff != "" {
			t.Errorf("who left (-want +got):\n%s", diff)
		}
	})
}

// TestARouteThatIsRefusedAloneStopsNobody: where others are served with the key, the fault is
// hardly the key's.
func TestARouteThatIsRefusedAloneStopsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, waitFor(2*time.Second))
		r := w.ring
		ctx := t.Context()
		done := make(chan struct{})
		go func() { // this route is always refused
			defer close(done)
			turn := r.NewTurn(Call{Context: ctx, Replayable: true, Route: r.Route("GET", "/alone"), Name: func() string { return "GET /alone" }})
			turn.Start()
			defer turn.Finish()
			for {
				if err := turn.Admit(); err != nil {
					t.Error(err)
					return
				}
				a := Attempt{Key: r.Load().Pick(true), Sent: r.Clock().Now()}
				pass(time.Millisecond)
				turn.Refused(a)
				if _, err := turn.Next(); err != nil {
					if d, ok := errors.AsType[*DeniedError](err); !ok || d.Reason != "" {
						t.Errorf("the call that is refused alone: %v", err)
					}
					return
				}
			}
		}()
		longest := time.Duration(0)
		for range 200 {
			pass(20 * time.Millisecond)
			began := time.Now()
			if _, err := w.call(ctx, "/"); err != nil {
				t.Fatal(err)
			}
			longest = max(longest, time.Since(began))
		}
		<-done
		if longest > 100*time.Millisecond {
			t.Errorf("another call waited %s", longest)
		}
	})
}

func TestANewKeyWithoutAPermissionIsReplacedByThePreviousOneForThatCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		route string
		after time.Duration // the swap
		want  bool
	}{
		{"a route that the previous key has served", "/a", 0, true},
		{"another route", "/b", 0, false},
		{"when the key is no longer new", "/a", 2 * time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				r := w.ring
				if _, err := w.call(t.Context(), "/a"); err != nil {
					t.Fatal(err)
				}
				if err := r.Rotate(t.Context(), key("b"), time.Hour, nil); err != nil {
					t.Fatal(err)
				}
				pass(tt.after)
				w.kinds()
				turn := r.NewTurn(Call{Context: t.Context(), Replayable: true, Route: r.Route("GET", tt.route), Name: func() string { return "GET " + tt.route }})
				turn.Start()
				a := Attempt{Key: r.Load().Pick(true), Sent: r.Clock().Now()}
				r.Accepted(a.Key, a.Sent, 0)
				g, ok := turn.NextWithScope(a)
				if ok != tt.want {
					t.Fatalf("another key: %v, want %v", ok, tt.want)
				}
				if !ok {
					return
				}
				turn.Accepted(Attempt{Key: g, Sent: r.Clock().Now(), Succeeded: true})
				if diff := cmp.Diff([]string{"key.scope_regression b"}, w.kinds()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if _, ok := turn.NextWithScope(a); ok {
					t.Error("the previous key is tried twice")
				}
			})
		})
	}
}
