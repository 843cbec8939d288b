package retrybudget_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/retrybudget"
)

// spendAll takes retries until none is left.
func spendAll(b *retrybudget.Budget, now time.Duration, part float64) (n int) {
	for b.Spend(now, part) {
		n++
	}
	return n
}

func TestRetriesAreAPartOfTheRequestsOfTheLastMinute(t *testing.T) {
	t.Parallel()
	var b retrybudget.Budget
	now := time.Duration(1)
	for _, step := range []struct {
		name   string
		before int // requests
		pass   time.Duration
		after  int // requests
		want   int // retries
	}{
		{"three a second are always allowed", 0, 0, 0, 3},
		{"no more in that second", 0, 0, 0, 0},
		{"three in the next", 0, time.Second, 0, 3},
		{"a fifth of 100, of which six are spent", 100, time.Second, 0, 14},
		{"half a minute later these still count", 0, 30 * time.Second, 0, 3},
		{"a minute later they do not", 0, time.Minute, 0, 3},
		{"after a long rest a new minute begins", 50, 400 * 24 * time.Hour, 50, 10},
	} {
		for range step.before {
			b.Request(now)
		}
		now += step.pass
		for range step.after {
			b.Request(now)
		}
		if got := spendAll(&b, now, 0.2); got != step.want {
			t.Errorf("%s: %d retries, want %d", step.name, got, step.want)
		}
	}
}

func TestThePartIsTheCallers(t *testing.T) {
	t.Parallel()
	for part, want := range map[float64]int{0: 3, 0.01: 3, 0.5: 50, 1: 100, 2: 200} {
		var b retrybudget.Budget
		for range 100 {
			b.Request(0)
		}
		if got := spendAll(&b, 0, part); got != want {
			t.Errorf("part %v of 100 requests: %d retries, want %d", part, got, want)
		}
	}
	var b retrybudget.Budget
	b.Request(0)
	for range 1000 {
		if !b.Spend(0, math.Inf(1)) {
			t.Fatal("a budget without an end is spent")
		}
	}
}

// However many spend at once, not one retry too many is given out.
func TestTheBudgetIsExactUnderContention(t *testing.T) {
	t.Parallel()
	var b retrybudget.Budget
	var spent atomic.Int64
	var done sync.WaitGroup
	for range 50 {
		done.Go(func() {
			for range 20 {
				b.Request(time.Minute)
			}
		})
	}
	done.Wait()
	for range 50 {
		done.Go(func() {
			for range 20 {
				if b.Spend(time.Minute, 0.2) {
					spent.Add(1)
				}
			}
		})
	}
	done.Wait()
	if got := spent.Load(); got != 200 {
		t.Errorf("%d of 1000 requests were retried, want 200", got)
	}
}

// The floor knows no calendar: whoever needs a little less than three a second always gets them.
func TestTheFloorIsTheSameWhereverASecondBegins(t *testing.T) {
	t.Parallel()
	for _, begin := range []time.Duration{0, 1, 999 * time.Millisecond, 500 * time.Millisecond} {
		var b retrybudget.Budget
		got := 0
		for i := range 60 {
			if b.Spend(begin+time.Duration(i)*334*time.Millisecond, 0) {
				got++
			}
		}
		for i := range 100 { // more than that are too many, in any second
			b.Spend(begin+30*time.Second+time.Duration(i)*time.Millisecond, 0)
		}
		if more := b.Spend(begin+30*time.Second+300*time.Millisecond, 0); got != 60 || more {
			t.Errorf("from %v: %d of 60 retries, and a fourth in a third of a second: %v", begin, got, more)
		}
	}
}

// A plain model of the rule, over any sequence of requests, retries and time.
func FuzzTheBudgetKeepsItsRule(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 1, 1, 2, 1, 1, 1, 1, 255, 1, 0}, 0.2)
	f.Add([]byte{1, 1, 1, 62, 1, 63, 1, 1, 1, 64, 1}, 0.5)
	f.Fuzz(func(t *testing.T, steps []byte, part float64) {
		if math.IsNaN(part) || part < 0 {
			return
		}
		var b retrybudget.Budget
		var second int
		var granted []time.Duration
		requests, retries := map[int]int{}, map[int]int{}
		sum := func(of map[int]int) (n int) {
			for s := max(second-59, 0); s <= second; s++ {
				n += of[s]
			}
			return n
		}
		for i, step := range steps {
			now := time.Duration(second)*time.Second + time.Duration(i%1000)*time.Millisecond
			switch step {
			case 0:
				b.Request(now)
				requests[second]++
			case 1:
				want := floor(granted, now) || float64(sum(retries)) < part*float64(sum(requests))
				if got := b.Spend(now, part); got != want {
					t.Fatalf("step %d: a retry is granted: %v, want %v", i, got, want)
				}
				if want {
					retries[second]++
					granted = append(granted, now)
				}
			default:
				second += int(step) - 1
			}
		}
	})
}

// floor reports whether a bucket of three, which gets one each third of a second, has one.
func floor(granted []time.Duration, now time.Duration) bool {
	const third = time.Second / 3
	tokens, last := 3*third, time.Duration(0)
	for _, at := range granted {
		tokens, last = max(0, min(3*third, tokens+at-last)-third), at
	}
	return min(3*third, tokens+now-last) >= third
}

func BenchmarkRequest(b *testing.B) {
	var budget retrybudget.Budget
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			budget.Request(time.Second)
		}
	})
}
