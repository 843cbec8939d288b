package limiter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// errTooMany stands for a 429, as the caller of the package knows it.
var errTooMany = errors.New("too many requests")

// ok and refusedFor are the two usual outcomes.
func ok() Outcome { return Outcome{Status: 200} }

func refusedFor(wait time.Duration) Outcome {
	return Outcome{Status: 429, Wait: wait, Cause: errTooMany}
}

// enter is Keyed.Enter, with a permit that reads the clock itself.
func enter(ctx context.Context, k *Keyed, r Request) (leave func(Outcome), err error) {
	p, err := k.Enter(ctx, r)
	if err != nil {
		return nil, err
	}
	return func(o Outcome) { p.Leave(&o, k.clock.Now()) }, nil
}

// mustEnter enters where nothing is in the way.
func mustEnter(t *testing.T, k *Keyed) func(Outcome) {
	t.Helper()
	leave, err := enter(t.Context(), k, Request{})
	if err != nil {
		t.Fatalf("Enter: %v", err)
	}
	return leave
}

func TestLimiterIsFirstInFirstOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{3, sec}})
		var mu sync.Mutex
		var got, want []int
		var done sync.WaitGroup
		for i := range 100 {
			want = append(want, i)
			done.Go(func() {
				leave, err := enter(t.Context(), k, Request{})
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

// Nobody waits more than a window longer than one who arrived at the same time.
func TestLimiterIsFair(t *testing.T) {
	t.Parallel()
	s := newSim(&fixedWindow{n: 100, per: sec}, hintCeil, Limit{}, 1)
	s.runFor(20*sec, 64)
	for i, a := range s.calls {
		for _, b := range s.calls[max(0, i-200):i] {
			if gap := (a.begin - b.begin).Abs(); gap > 5*ms {
				continue
			}
			if d := ((a.end - a.begin) - (b.end - b.begin)).Abs(); d > sec+100*ms {
				t.Fatalf("arrived within 5 ms, and one waited %v longer", d)
			}
		}
	}
}

// Greedy callers, an hour, answers that take between nothing and two seconds: never more
// than N arrivals in any window, wherever it is laid, and hardly less than could be.
func TestLimiterKeepsAPublishedLimitInEveryWindow(t *testing.T) {
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
			s := newSim(&slidingWindow{n: tt.limit.Requests, per: tt.limit.Per}, hintExact, tt.limit, 7)
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
	}
}

func TestLimiterLearnsNothingFromErrorsWithoutAHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{})
		start := time.Now()
		for i := range 100 {
			leave := mustEnter(t, k)
			leave(Outcome{Status: []int{0, 500, 502, 503, 404}[i%5]})
			leave(refusedFor(time.Hour)) // a second time is harmless
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("held up for %v, want not at all", d)
		}
	})
}

func TestLowTrafficIsNotSerialisedByAnOldLesson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{})
		var leaves []func(Outcome)
		for range firstSlots {
			leaves = append(leaves, mustEnter(t, k))
		}
		for i, leave := range leaves {
			if i < 5 {
				leave(ok())
			} else {
				leave(refusedFor(sec))
			}
		}
		mustEnter(t, k)(ok()) // after the pause
		for range 10 {
			time.Sleep(5 * sec)
			start := time.Now()
			a, b, c := mustEnter(t, k), mustEnter(t, k), mustEnter(t, k)
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

func TestKeysAreKeptApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{})
		mustEnter(t, k)(refusedFor(time.Hour))
		start := time.Now()
		for _, r := range []Request{{Key: Key{Account: "k"}}, {Key: Key{Provider: "q"}}} {
			leave, err := enter(t.Context(), k, r)
			if err != nil {
				t.Fatal(err)
			}
			leave(ok())
		}
		for i := range 10 * maxLimiters { // they do not pile up
			leave, _ := enter(t.Context(), k, Request{Key: Key{Account: string(rune('a' + i))}})
			leave(ok())
			time.Sleep(10 * sec)
		}
		if n := len(k.limiters); n > maxLimiters {
			t.Errorf("%d limiters, want at most %d", n, maxLimiters)
		}
		if d := time.Since(start); d > time.Duration(10*maxLimiters)*10*sec {
			t.Errorf("held up by another key's pause: %v", d)
		}
	})
}
