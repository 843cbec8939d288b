package keyfit

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

// spendAll takes retries until none is left.
func spendAll(b *retryBudget, part float64) (n int) {
	for b.spend(part) {
		n++
	}
	return n
}

func TestRetryBudgetIsAPartOfTheRequestsOfTheLastMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newRetryBudget(clock.Start())
		for _, step := range []struct {
			name   string
			before int // requests
			pass   time.Duration
			after  int // requests
			want   int // retries
		}{
			{"three a second are always allowed", 0, 0, 0, 3},
			{"no more in that second", 0, 0, 0, 0},
			{"three in the next", 0, sec, 0, 3},
			{"a fifth of 100, of which six are spent", 100, sec, 0, 14},
			{"half a minute later these still count", 0, 30 * sec, 0, 3},
			{"a minute later they do not", 0, 60 * sec, 0, 3},
			{"after a long rest a new minute begins", 50, 400 * 24 * time.Hour, 50, 10},
		} {
			for range step.before {
				b.request(b.clock.Now())
			}
			time.Sleep(step.pass) //nolint:forbidigo // fake time
			for range step.after {
				b.request(b.clock.Now())
			}
			if got := spendAll(b, 0.2); got != step.want {
				t.Errorf("%s: %d retries, want %d", step.name, got, step.want)
			}
		}
	})
}

// However many spend at once, not one retry too many is given out.
func TestRetryBudgetIsExactUnderContention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // time stands still
		b := newRetryBudget(clock.Start())
		var spent atomic.Int64
		var done sync.WaitGroup
		for range 50 {
			done.Go(func() {
				for range 20 {
					b.request(b.clock.Now())
				}
			})
		}
		done.Wait()
		for range 50 {
			done.Go(func() {
				for range 20 {
					if b.spend(0.2) {
						spent.Add(1)
					}
				}
			})
		}
		done.Wait()
		if got := spent.Load(); got != 200 {
			t.Errorf("%d of 1000 requests were retried, want 200", got)
		}
	})
}

func BenchmarkRetryBudgetRequest(b *testing.B) {
	budget := newRetryBudget(clock.Start())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			budget.request(budget.clock.Now())
		}
	})
}

// Requests are counted for good, and retries for a minute only.
func TestRequestsAreCountedBeyondTheMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newRetryBudget(clock.Start())
		for n := range uint64(2000) {
			if got := b.total(); got != n {
				t.Fatalf("after %v: %d requests, want %d", b.clock.Now(), got, n)
			}
			b.request(b.clock.Now())
			<-time.After(time.Duration(n%7) * 100 * time.Millisecond)
		}
		<-time.After(time.Hour)
		if got := b.total(); got != 2000 {
			t.Errorf("an hour later: %d requests, want 2000", got)
		}
	})
}

// The count never goes back, whoever looks at it while seconds turn.
func TestTheCountOfRequestsOnlyGrows(t *testing.T) {
	t.Parallel()
	b := newRetryBudget(clock.Start())
	const callers, calls = 4, 5000
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range calls {
				b.request(time.Duration(i) * 40 * time.Millisecond) // through all words, and round again
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	for last, over := uint64(0), false; !over; {
		select {
		case <-finished:
			over = true
		default:
		}
		now := b.total()
		if now < last {
			t.Fatalf("%d requests after %d", now, last)
		}
		last = now
	}
}
