package limiter

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sentAfter makes as many requests as there are outcomes, one after the other, and returns when
// each was sent. All take a tenth of a second.
func sentAfter(t *testing.T, k *Keyed, r Request, outcomes ...Outcome) (sent []time.Duration) {
	t.Helper()
	start := time.Now()
	for _, o := range outcomes {
		leave, err := enter(t.Context(), k, r)
		if err != nil {
			t.Fatalf("Enter: %v", err)
		}
		sent = append(sent, time.Since(start))
		time.Sleep(sec / 10)
		leave(o)
	}
	return sent
}

// A hint up to a minute is kept to the letter, whoever gets it: the trial of a longer pause, or
// another one of those in flight together.
func TestEveryHintIsKeptToTheLetter(t *testing.T) {
	t.Parallel()
	t.Run("that of a trial", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			got := sentAfter(t, New(Options{}), Request{}, refusedFor(90*sec), refusedFor(50*sec), ok())
			want := []time.Duration{0, 60*sec + sec/10, 110*sec + sec/5}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("a later one of a flight", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			k := New(Options{})
			start := time.Now()
			first, second := mustEnter(t, k), mustEnter(t, k)
			first(refusedFor(sec))
			time.Sleep(sec / 2)
			second(refusedFor(60 * sec))
			mustEnter(t, k)(ok())
			if got, want := time.Since(start), 60*sec+sec/2; got != want {
				t.Errorf("sent after %v, want %v", got, want)
			}
		})
	})
	t.Run("a pass sent before it does not end it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			k := New(Options{})
			start := time.Now()
			first := mustEnter(t, k)
			time.Sleep(sec / 10)
			between := mustEnter(t, k)
			time.Sleep(sec / 10)
			last := mustEnter(t, k)
			time.Sleep(sec / 10)
			first(refusedFor(sec))
			last(refusedFor(30 * sec))
			between(ok())
			mustEnter(t, k)(ok())
			if got, want := time.Since(start), 30*sec+3*sec/10; got != want {
				t.Errorf("sent after %v, want %v", got, want)
			}
		})
	})
}

// A route that fails for long is tried ever more rarely: after 10 s, 20, 40, and so on, also
// if several of its requests fail together.
func TestARouteThatFailsForLongIsTriedEverMoreRarely(t *testing.T) {
	t.Parallel()
	down := Outcome{Status: 503, Hint: 24 * time.Hour, Route: "r"}
	for _, together := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			k := New(Options{})
			var flight []func(Outcome)
			for range together {
				leave, err := enter(t.Context(), k, Request{Route: "r"})
				if err != nil {
					t.Fatal(err)
				}
				flight = append(flight, leave)
			}
			for _, leave := range flight {
				leave(down)
			}
			got := sentAfter(t, k, Request{Route: "r"}, down, down, down)
			want := []time.Duration{10 * sec, 30*sec + sec/10, 70*sec + sec/5}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d together: sent (-want +got):\n%s", together, diff)
			}
		})
	}
}

// What a server has once said is left in a window says nothing of those that follow.
func TestAQuotaThatIsNotSaidAgainIsForgotten(t *testing.T) {
	t.Parallel()
	for _, left := range []int{0, 1, 5} {
		synctest.Test(t, func(t *testing.T) {
			k := New(Options{})
			mustEnter(t, k)(Outcome{Status: 200, Quotas: []Quota{{Remaining: left, Reset: sec}}})
			time.Sleep(2 * sec)
			start := time.Now()
			var done sync.WaitGroup
			for range 300 {
				done.Go(func() { sentAfter(t, k, Request{}, ok()) })
			}
			done.Wait()
			if d := time.Since(start); d > 2*sec {
				t.Errorf("%d left once: 300 requests of 100 ms took %v, want at most 2 s", left, d)
			}
		})
	}
}

// A time from outside that cannot be added to another one is a very long one.
func TestTimesThatOverflowAreVeryLong(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Outcome{
		"hint":  {Status: 429, Hint: math.MaxInt64},
		"wait":  {Status: 429, Wait: math.MaxInt64},
		"reset": {Status: 200, Quotas: []Quota{{Remaining: 0, Reset: math.MaxInt64}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := New(Options{})
			mustEnter(t, k)(o)
			ctx, cancel := context.WithTimeout(t.Context(), 2*sec)
			defer cancel()
			if _, err := enter(ctx, k, Request{}); err == nil {
				t.Errorf("%s: sent within 2 s, want a refusal", name)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1, math.MaxInt64}})
		mustEnter(t, k)(ok())
		if _, err := enter(t.Context(), k, Request{MaxWait: time.Hour}); err == nil {
			t.Error("two in the longest time there is, want one")
		}
		k = New(Options{Published: Limit{1, sec}})
		mustEnter(t, k)(ok())
		if _, err := enter(t.Context(), k, Request{MaxWait: math.MaxInt64}); err != nil {
			t.Errorf("MaxWait without an end: %v", err)
		}
	})
}

// The caller's own ceiling holds for slow answers too.
func TestTheCeilingHoldsForSlowAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{MaxInFlight: 2})
		var mu sync.Mutex
		var out, most int
		var done sync.WaitGroup
		for range 10 {
			done.Go(func() {
				leave := mustEnter(t, k)
				mu.Lock()
				out++
				most = max(most, out)
				mu.Unlock()
				time.Sleep(5 * sec)
				mu.Lock()
				out--
				mu.Unlock()
				leave(ok())
			})
		}
		done.Wait()
		if most != 2 {
			t.Errorf("%d in flight, want 2", most)
		}
	})
}

// To forget leaves a limiter that is as fast as a new one.
func TestResetCostsNoSpeed(t *testing.T) {
	t.Parallel()
	took := func(reset bool) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			k := New(Options{Published: Limit{1000, time.Minute}})
			mustEnter(t, k)(ok())
			if reset {
				k.Reset("", "")
			}
			start := time.Now()
			var done sync.WaitGroup
			for range 600 {
				done.Go(func() { sentAfter(t, k, Request{}, ok()) })
			}
			done.Wait()
			d = time.Since(start)
		})
		return d
	}
	if fresh, reset := took(false), took(true); reset > fresh {
		t.Errorf("600 requests took %v after a reset, %v before", reset, fresh)
	}
}
