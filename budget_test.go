package keyfit

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
		b := newRetryBudget()
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
				b.request()
			}
			time.Sleep(step.pass) //nolint:forbidigo // fake time
			for range step.after {
				b.request()
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
		b := newRetryBudget()
		var spent atomic.Int64
		var done sync.WaitGroup
		for range 50 {
			done.Go(func() {
				for range 20 {
					b.request()
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
	budget := newRetryBudget()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			budget.request()
		}
	})
}
