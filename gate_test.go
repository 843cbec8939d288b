package keyfit

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

// wantRefused checks a refusal: that it came at once, what it is, and what it says.
func wantRefused(t *testing.T, err error, status int, after time.Duration, deadline bool) {
	t.Helper()
	var limited *RateLimitError
	if !errors.As(err, &limited) {
		t.Fatalf("got %v, want a *RateLimitError", err)
	}
	type facts struct {
		Status                int
		After                 time.Duration
		Deadline              bool
		IsLimited, IsDeadline bool
	}
	want := facts{status, after, deadline, true, deadline}
	got := facts{limited.StatusCode, limited.RetryAfter, limited.Deadline, errors.Is(err, ErrRateLimited), errors.Is(err, context.DeadlineExceeded)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}

func TestGateRefusesAtOnceWhatCannotBeInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		limit    Limit
		deadline time.Duration
		maxWait  time.Duration
		before   func(t *testing.T, g Gate)
		status   int
		after    time.Duration
		isLate   bool
	}{
		{
			name: "pause beyond the deadline", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(refusedFor(60 * sec)) },
			status: 429, after: 60 * sec, isLate: true,
		},
		{
			name: "pause beyond MaxWait", maxWait: 30 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(refusedFor(60 * sec)) },
			status: 429, after: 60 * sec,
		},
		{
			name: "pause that would end with the deadline, but for the way there", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				leave := mustEnter(t, g)
				time.Sleep(300 * ms)
				leave(refusedFor(1800 * ms))
			},
			status: 429, after: 1800 * ms, isLate: true,
		},
		{
			name: "pause of a 503", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				mustEnter(t, g)(Outcome{StatusCode: 503, Wait: 60 * sec, Remaining: -1, Refusal: &APIError{StatusCode: 503}})
			},
			status: 503, after: 60 * sec, isLate: true,
		},
		{
			name: "window of a published limit", limit: Limit{2, 10 * sec}, deadline: 2 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(ok()); mustEnter(t, g)(ok()) },
			after:  10 * sec, isLate: true,
		},
		{
			name: "window beyond MaxWait", limit: Limit{1, 10 * sec}, maxWait: 9 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(ok()); time.Sleep(500 * ms) },
			after:  9500 * ms,
		},
		{
			name: "window, behind others in line", limit: Limit{1, 10 * sec}, maxWait: 25 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				mustEnter(t, g)(ok())
				for range 2 {
					go func() { _, _ = g.Enter(t.Context(), Entry{Provider: "p"}) }()
				}
				synctest.Wait()
			},
			after: 30 * sec,
		},
		{
			name: "window by the headers", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				mustEnter(t, g)(Outcome{StatusCode: 200, Remaining: 0, Reset: 30 * sec})
			},
			after: 30 * sec, isLate: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewGate(tt.limit)
				tt.before(t, g)
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := g.Enter(ctx, Entry{Provider: "p", MaxWait: tt.maxWait})
				if d := time.Since(start); d > 0 {
					t.Errorf("refused after %v, want at once", d)
				}
				wantRefused(t, err, tt.status, tt.after, tt.isLate)
			})
		})
	}
}

func TestGateRefusesThoseInLineWhenAPauseArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{1, sec})
		leave := mustEnter(t, g)
		start := time.Now()
		errs := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*sec)
			defer cancel()
			_, err := g.Enter(ctx, Entry{Provider: "p"})
			errs <- err
		}()
		patient := make(chan time.Duration)
		go func() {
			leave, err := g.Enter(t.Context(), Entry{Provider: "p"})
			if err != nil {
				t.Errorf("the patient one: %v", err)
				close(patient)
				return
			}
			leave(ok())
			patient <- time.Since(start)
		}()
		synctest.Wait()
		leave(refusedFor(60 * sec))
		wantRefused(t, <-errs, 429, 60*sec, true)
		if d := time.Since(start); d > 50*ms {
			t.Errorf("refused after %v, want at once", d)
		}
		if d := <-patient; d != 60*sec {
			t.Errorf("the patient one went after %v, want 60s", d)
		}
	})
}

func TestGateEndsAWaitAtMaxWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{})
		for range firstSlots {
			mustEnter(t, g) // and never come back
		}
		start := time.Now()
		_, err := g.Enter(t.Context(), Entry{Provider: "p", MaxWait: 100 * ms})
		if d := time.Since(start); d != 100*ms {
			t.Errorf("ended after %v, want 100ms", d)
		}
		wantRefused(t, err, 0, 0, false)
		// Attempts that do not come back do not hold up the others for ever.
		start = time.Now()
		mustEnter(t, g)(ok())
		if d := time.Since(start); d > sec {
			t.Errorf("let through after %v, want at most 1s", d)
		}
	})
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
		l := newLane(laneID{}, Limit{1, sec}, time.Now())
		leave, _, _ := l.enter(t.Context(), Entry{})
		leave(ok())
		_, first, _ := l.enter(t.Context(), Entry{})
		_, second, _ := l.enter(t.Context(), Entry{})
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

// A greedy caller, an hour, answers that take between nothing and two seconds: never more
// than N arrivals in any window, wherever it is laid, and hardly less than could be.
func TestGateKeepsAPublishedLimitInEveryWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit   Limit
		latency time.Duration
		atLeast int
	}{
		{Limit{50, 10 * sec}, 20 * ms, 17800},
		{Limit{50, 10 * sec}, sec, 16500},
		{Limit{1000, time.Minute}, 50 * ms, 59800},
		{Limit{1, sec}, 5 * ms, 3550},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(&slidingWindow{n: tt.limit.Requests, per: tt.limit.Per}, hintExact, NewGate(tt.limit), 7)
			s.latency = tt.latency
			s.runFor(time.Hour, tt.limit.Requests+5)
			if n := s.refused(); n > 0 {
				t.Errorf("%v: %d refused, want none", tt.limit, n)
			}
			if got := s.burst(tt.limit.Per); got > tt.limit.Requests {
				t.Errorf("%v: %d in one window", tt.limit, got)
			}
			if got := len(s.arrivals); got < tt.atLeast {
				t.Errorf("%v: %d in an hour, want at least %d", tt.limit, got, tt.atLeast)
			}
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
