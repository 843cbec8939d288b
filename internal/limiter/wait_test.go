package limiter

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCancellationIsTheContextsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1, 10 * sec}})
		start := time.Now()
		mustEnter(t, k)(ok())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(sec, cancel)
		var done sync.WaitGroup
		for range 100 { // in the queue before the one that counts
			done.Go(func() {
				if _, err := enter(ctx, k, Request{}); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
			})
		}
		synctest.Wait()
		mustEnter(t, k)(ok())
		if d := time.Since(start); d != 10*sec {
			t.Errorf("behind 100 that gave up: went after %v, want 10s", d)
		}
		done.Wait()
		if _, err := enter(ctx, k, Request{}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled beforehand: got %v, want context.Canceled", err)
		}
	})
}

func TestATurnOfOneThatGivesUpGoesToTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Published: Limit{1, sec}}).find(&Key{})
		before, _ := l.tryEnter(l.clock.Now())
		passed := ok()
		before.Leave(&passed, l.clock.Now())
		first, _ := l.enqueue(&Request{}, l.clock.Now(), never)
		second, _ := l.enqueue(&Request{}, l.clock.Now(), never)
		time.Sleep(sec)
		synctest.Wait()
		if first.state != admitted || second.state != queued {
			t.Fatalf("the first is %v, the second %v; want the first alone admitted", first.state, second.state)
		}
		l.abandon(first, l.clock.Now())
		if second.state != admitted {
			t.Error("the turn was lost")
		}
	})
}

func TestLimiterTellsWhyARequestWaits(t *testing.T) {
	t.Parallel()
	type waiting struct {
		Why Reason
		For time.Duration
	}
	tests := []struct {
		name   string
		limit  Limit
		before func(t *testing.T, k *Keyed)
		want   []waiting
	}{
		{"not at all", Limit{}, func(*testing.T, *Keyed) {}, nil},
		{"pause", Limit{}, func(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(refusedFor(3 * sec)) }, []waiting{{Paused, 3 * sec}}},
		{"window", Limit{1, sec}, func(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(ok()) }, []waiting{{WindowFull, sec}}},
		{"concurrency", Limit{}, func(t *testing.T, k *Keyed) {
			t.Helper()
			for range firstSlots {
				time.AfterFunc(sec/10, func() { mustEnter(t, k)(ok()) })
				leave := mustEnter(t, k)
				time.AfterFunc(sec/10, func() { leave(ok()) })
			}
		}, []waiting{{Concurrency, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Published: tt.limit})
				tt.before(t, k)
				var got []waiting
				leave, err := enter(t.Context(), k, Request{Waiting: func(why Reason, d time.Duration) {
					got = append(got, waiting{why, d})
					// Not under the lock: the limiter can be used from here.
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					_, _ = enter(ctx, k, Request{})
				}})
				if err != nil {
					t.Fatal(err)
				}
				leave(ok())
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("Waiting (-want +got):\n%s", diff)
				}
				time.Sleep(sec)
			})
		})
	}
}

// Who waits is told again when a pause makes the wait longer, and how long it really is behind
// others.
func TestAWaiterIsToldTheTruthAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{2, 10 * sec}})
		mustEnter(t, k)(ok())
		leave := mustEnter(t, k)
		var mu sync.Mutex
		var told [4][]time.Duration
		var done sync.WaitGroup
		for i := range told {
			done.Go(func() {
				leave, err := enter(t.Context(), k, Request{Waiting: func(_ Reason, d time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					told[i] = append(told[i], d)
				}})
				if err != nil {
					t.Error(err)
					return
				}
				leave(ok())
			})
			synctest.Wait()
		}
		leave(refusedFor(2 * time.Minute))
		synctest.Wait()
		mu.Lock()
		got := told
		mu.Unlock()
		want := [4][]time.Duration{{10 * sec, 2 * time.Minute}, {10 * sec, 2 * time.Minute}, {20 * sec, 2 * time.Minute}, {20 * sec, 2 * time.Minute}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		done.Wait()
	})
}

// It is told again however long the program has run, and whichever refusal prolongs the pause;
// of a paused route too.
func TestAWaiterIsToldOfEveryLongerPause(t *testing.T) {
	t.Parallel()
	down := func(hint time.Duration) Outcome { return Outcome{Status: 503, Hint: hint, Route: "r"} }
	for name, refused := range map[string]func(time.Duration) Outcome{"account": refusedFor, "route": down} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{})
				time.Sleep(24 * time.Hour)
				var flight [2]func(Outcome)
				for i := range flight {
					flight[i], _ = enter(t.Context(), k, Request{Route: "r"})
				}
				flight[0](refused(sec))
				told := make(chan time.Duration, 8)
				go func() {
					_, _ = enter(t.Context(), k, Request{Route: "r", Waiting: func(_ Reason, d time.Duration) { told <- d }})
					close(told)
				}()
				synctest.Wait()
				flight[1](refused(40 * sec))
				var got []time.Duration
				for d := range told {
					got = append(got, d)
				}
				if diff := cmp.Diff([]time.Duration{sec, 40 * sec}, got); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What is told is about what comes: behind those in flight, which use a limit up, and in a slow
// start, which doubles with each round trip.
func TestTheWaitThatIsToldIsTheOneThatComes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		limit           Limit
		requests        int
		atLeast, atMost float64 // of the wait that comes, as a ratio
	}{
		{"the limit is in flight", Limit{5, 10 * sec}, 6, 0.9, 1.1},
		{"a slow start", Limit{1000, 10 * sec}, 500, 0.6, 1.7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Published: tt.limit})
				sentAfter(t, k, Request{}, ok())
				time.Sleep(10 * sec)
				start := time.Now()
				var last, came time.Duration
				var done sync.WaitGroup
				for range tt.requests {
					done.Go(func() {
						var told time.Duration
						leave, err := enter(t.Context(), k, Request{Waiting: func(_ Reason, d time.Duration) { told = d }})
						if err != nil {
							t.Error(err)
							return
						}
						last, came = told, time.Since(start)
						time.Sleep(sec / 10)
						leave(ok())
					})
					synctest.Wait()
				}
				done.Wait()
				if ratio := last.Seconds() / came.Seconds(); ratio < tt.atLeast || ratio > tt.atMost {
					t.Errorf("the last was told %v and waited %v", last, came)
				}
			})
		})
	}
}

// Who is refused because too much is in flight is not told that the published limit is the
// reason.
func TestARefusalTellsItsReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1000, sec}})
		for range firstSlots {
			mustEnter(t, k)
		}
		ctx, cancel := context.WithTimeout(t.Context(), sec)
		defer cancel()
		_, err := enter(ctx, k, Request{MaxWait: sec / 2})
		var refused *Refused
		if !errors.As(err, &refused) || refused.Reason != "as many requests are in flight as may be at once" {
			t.Errorf("got %v", err)
		}
	})
}

// A callback that panics after the pause of a route leaves nothing behind.
func TestACallbackThatPanicsLeavesARouteAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1, 10 * sec}})
		leave, _ := enter(t.Context(), k, Request{Route: "r"})
		leave(Outcome{Status: 503, Hint: sec, Route: "r"})
		time.Sleep(2 * sec)
		func() {
			defer func() { _ = recover() }()
			_, _ = enter(t.Context(), k, Request{Route: "r", Waiting: func(Reason, time.Duration) { panic("fitsum") }})
		}()
		time.Sleep(time.Hour)
		if leave, err := enter(t.Context(), k, Request{Route: "another"}); err == nil {
			leave(ok())
		}
		if n := k.routes.Load(); n != 0 {
			t.Errorf("%d routes have a limiter an hour later, want none", n)
		}
	})
}

func TestACallbackThatPanicsCostsNobodyATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1, sec}})
		start := time.Now()
		mustEnter(t, k)(ok())
		func() {
			defer func() { _ = recover() }()
			_, _ = enter(t.Context(), k, Request{Waiting: func(Reason, time.Duration) { panic("x") }})
		}()
		mustEnter(t, k)(ok())
		if d := time.Since(start); d != sec {
			t.Errorf("the next went after %v, want 1s", d)
		}
	})
}

// Callers that really block, on a limit that is known: nothing is refused and no time is
// lost. The simulations drive the limiter by its decisions alone.
func TestBlockedCallersAreAsFastAsTheLimitAllows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, server := New(Options{Published: Limit{100, sec}}), &slidingWindow{n: 100, per: sec}
		start := time.Now()
		var mu sync.Mutex
		calls, refused := 1000, 0
		var done sync.WaitGroup
		for range 200 {
			done.Go(func() {
				for {
					mu.Lock()
					calls--
					over := calls < 0
					mu.Unlock()
					if over {
						return
					}
					leave, err := enter(t.Context(), k, Request{MaxWait: time.Hour})
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(rand.N(2 * ms))
					mu.Lock()
					if let, _ := server.allow(time.Since(start)); !let {
						refused++
					}
					mu.Unlock()
					time.Sleep(rand.N(2 * ms))
					leave(ok())
				}
			})
		}
		done.Wait()
		if refused > 0 {
			t.Errorf("%d refused, want none", refused)
		}
		if d := time.Since(start); d > 9*sec+100*ms {
			t.Errorf("1000 requests at 100 a second took %v, want 9s", d)
		}
	})
}
