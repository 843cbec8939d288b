package keyfit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/clock"
)

var errTooMany = &APIError{Provider: "p", StatusCode: 429, Message: "too many requests"}

// ok and refusedFor are the two usual outcomes.
func ok() Outcome { return Outcome{StatusCode: 200, Remaining: -1} }

func refusedFor(wait time.Duration) Outcome {
	return Outcome{StatusCode: 429, Wait: wait, Remaining: -1, Refusal: errTooMany}
}

// mustEnter enters where nothing is in the way.
func mustEnter(t *testing.T, g Gate) func(Outcome) {
	t.Helper()
	leave, err := g.Enter(t.Context(), Entry{Provider: "p"})
	if err != nil {
		t.Fatalf("Enter: %v", err)
	}
	return leave
}

func TestGateOwnCancellationIsTheContextsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{1, 10 * sec})
		start := time.Now()
		mustEnter(t, g)(ok())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(sec, cancel)
		var done sync.WaitGroup
		for range 100 { // in line before the one that counts
			done.Go(func() {
				if _, err := g.Enter(ctx, Entry{Provider: "p"}); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
			})
		}
		synctest.Wait()
		mustEnter(t, g)(ok())
		if d := time.Since(start); d != 10*sec {
			t.Errorf("behind 100 that gave up: went after %v, want 10s", d)
		}
		done.Wait()
		if _, err := g.Enter(ctx, Entry{Provider: "p"}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled beforehand: got %v, want context.Canceled", err)
		}
	})
}

func TestGateTurnGrantedToOneThatGivesUpGoesToTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLane(laneID{}, Limit{1, sec}, clock.Start())
		first0, _, _ := l.enter(t.Context(), &Entry{})
		passed := ok()
		first0.leave(&passed, l.clock.Now())
		_, first, _ := l.enter(t.Context(), &Entry{})
		_, second, _ := l.enter(t.Context(), &Entry{})
		time.Sleep(sec)
		synctest.Wait()
		if !first.granted || second.granted {
			t.Fatalf("granted: first %v, second %v; want the first alone", first.granted, second.granted)
		}
		l.abandon(first)
		if !second.granted {
			t.Error("the turn was lost")
		}
	})
}

func TestGateIsFirstInFirstOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{3, sec})
		var mu sync.Mutex
		var got, want []int
		var done sync.WaitGroup
		for i := range 100 {
			want = append(want, i)
			done.Go(func() {
				leave, err := g.Enter(t.Context(), Entry{Provider: "p"})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got = append(got, i)
				mu.Unlock()
				leave(ok())
			})
			synctest.Wait()
			time.Sleep(ms)
		}
		done.Wait()
		// Three go at the same instant; their goroutines may run in any order.
		for i := range got {
			if d := got[i] - want[i]; d < -2 || d > 2 {
				t.Fatalf("order %v", got)
			}
		}
	})
}

// Nobody waits more than a window longer than one who came at the same time.
func TestGateIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(&fixedWindow{n: 100, per: sec}, hintCeil, NewGate(Limit{}), 1)
		s.runFor(20*sec, 64)
		for i, a := range s.calls {
			for _, b := range s.calls[max(0, i-200):i] {
				if gap := (a.begin - b.begin).Abs(); gap > 5*ms {
					continue
				}
				if d := ((a.end - a.begin) - (b.end - b.begin)).Abs(); d > sec+100*ms {
					t.Fatalf("came within 5 ms, and one waited %v longer", d)
				}
			}
		}
	})
}

// Greedy callers, an hour, answers that take between nothing and two seconds: never more
// than N arrivals in any window, wherever it is laid, and hardly less than could be.
func TestGateKeepsAPublishedLimitInEveryWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit   Limit
		latency time.Duration
		atLeast int
	}{
		{Limit{50, 10 * sec}, 20 * ms, 17800},
		{Limit{50, 10 * sec}, sec, 16200},
		{Limit{1000, time.Minute}, 50 * ms, 59400},
		{Limit{1, sec}, 5 * ms, 3560},
	} {
		t.Run(fmt.Sprintf("%d in %v, answers after %v", tt.limit.Requests, tt.limit.Per, tt.latency), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSim(&slidingWindow{n: tt.limit.Requests, per: tt.limit.Per}, hintExact, NewGate(tt.limit), 7)
				s.latency = tt.latency
				s.runFor(time.Hour, min(tt.limit.Requests+5, 200))
				if n := s.refused(); n > 0 {
					t.Errorf("%d refused, want none", n)
				}
				if got := s.burst(tt.limit.Per); got > tt.limit.Requests {
					t.Errorf("%d in one window", got)
				}
				t.Logf("%d in all", len(s.arrivals))
				if got := len(s.arrivals); got < tt.atLeast {
					t.Errorf("%d in all, want at least %d", got, tt.atLeast)
				}
			})
		})
	}
}

func TestGateLearnsNothingFromErrorsWithoutAHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{})
		start := time.Now()
		for i := range 100 {
			leave := mustEnter(t, g)
			leave(Outcome{StatusCode: []int{0, 500, 502, 503, 404}[i%5], Remaining: -1})
			leave(refusedFor(time.Hour)) // a second time is harmless
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("held up for %v, want not at all", d)
		}
	})
}

func TestGateLowTrafficIsNotSerialisedByAnOldLesson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{})
		var leaves []func(Outcome)
		for range firstSlots {
			leaves = append(leaves, mustEnter(t, g))
		}
		for i, leave := range leaves {
			if i < 5 {
				leave(ok())
			} else {
				leave(refusedFor(sec))
			}
		}
		mustEnter(t, g)(ok()) // after the pause
		for range 10 {
			time.Sleep(5 * sec)
			start := time.Now()
			a, b, c := mustEnter(t, g), mustEnter(t, g), mustEnter(t, g)
			if d := time.Since(start); d > 0 {
				t.Errorf("three at a time waited %v", d)
			}
			time.Sleep(rand.N(10 * ms))
			a(ok())
			b(ok())
			c(ok())
		}
	})
}

func TestGateKeepsKeysApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{})
		mustEnter(t, g)(refusedFor(time.Hour))
		start := time.Now()
		for _, e := range []Entry{{Provider: "p", Key: "k"}, {Provider: "q"}} {
			leave, err := g.Enter(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			leave(ok())
		}
		for i := range 10 * maxLanes { // they do not pile up
			leave, _ := g.Enter(t.Context(), Entry{Provider: "p", Key: string(rune('a' + i))})
			leave(ok())
			time.Sleep(10 * sec)
		}
		if n := len(g.(*gate).lanes); n > maxLanes {
			t.Errorf("%d lanes, want at most %d", n, maxLanes)
		}
		if d := time.Since(start); d > time.Duration(10*maxLanes)*10*sec {
			t.Errorf("held up by another key's pause: %v", d)
		}
	})
}

func TestGateSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	type waiting struct {
		Why WaitReason
		For time.Duration
	}
	tests := []struct {
		name   string
		limit  Limit
		before func(t *testing.T, g Gate)
		want   []waiting
	}{
		{"not at all", Limit{}, func(*testing.T, Gate) {}, nil},
		{"pause", Limit{}, func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(refusedFor(3 * sec)) }, []waiting{{WaitPause, 3 * sec}}},
		{"window", Limit{1, sec}, func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(ok()) }, []waiting{{WaitWindow, sec}}},
		{"slots", Limit{}, func(t *testing.T, g Gate) {
			t.Helper()
			for range firstSlots {
				time.AfterFunc(sec/10, func() { mustEnter(t, g)(ok()) })
				leave := mustEnter(t, g)
				time.AfterFunc(sec/10, func() { leave(ok()) })
			}
		}, []waiting{{WaitSlots, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewGate(tt.limit)
				tt.before(t, g)
				var got []waiting
				leave, err := g.Enter(t.Context(), Entry{Provider: "p", Waiting: func(why WaitReason, d time.Duration) {
					got = append(got, waiting{why, d})
					// Not under the lock: the gate can be used from here.
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					_, _ = g.Enter(ctx, Entry{Provider: "p"})
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

func TestGateACallbackThatPanicsCostsNobodyASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{1, sec})
		start := time.Now()
		mustEnter(t, g)(ok())
		func() {
			defer func() { _ = recover() }()
			_, _ = g.Enter(t.Context(), Entry{Provider: "p", Waiting: func(WaitReason, time.Duration) { panic("x") }})
		}()
		mustEnter(t, g)(ok())
		if d := time.Since(start); d != sec {
			t.Errorf("the next went after %v, want 1s", d)
		}
	})
}
