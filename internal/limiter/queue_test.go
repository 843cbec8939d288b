package limiter

import (
	stdcmp "cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The waiters in the order of arrival, and the order in which they are served.
func TestQueueServesAProbeBeforeACallBeforeABatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		arrivals string // in the order of arrival: p, c, b
		want     string
	}{
		{"calls in the order of arrival", "ccc", "ccc"},
		{"a probe overtakes all", "bccp", "pccb"},
		{"calls overtake a batch", "bbcc", "ccbb"},
		{"but seven at a time", "bb" + strings.Repeat("c", 16), "cccccccbcccccccbcc"},
		{"probes do not count as that", "b" + strings.Repeat("cp", 8), "ppppppppcccccccbc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var q queue
			for i, kind := range tt.arrivals {
				p := map[rune]Priority{'p': Probe, 'c': Call, 'b': Batch}[kind]
				w := q.newWaiter(p.class(), 0, time.Duration(i))
				predicted := q.ahead(w)
				q.push(w)
				if at := slices.Index(q.inOrder(), w); at != predicted {
					t.Errorf("number %d was predicted to have %d ahead, want %d", i, predicted, at)
				}
			}
			var predicted, got string
			for _, w := range q.inOrder() {
				predicted += "pcb"[w.class : w.class+1]
			}
			for q.n > 0 {
				w := q.pop()
				got += "pcb"[w.class : w.class+1]
			}
			if diff := cmp.Diff([2]string{tt.want, tt.want}, [2]string{predicted, got}); diff != "" {
				t.Errorf("predicted and real order (-want +got):\n%s", diff)
			}
		})
	}
}

// In any order of entering and leaving, waiters are served in the order of inOrder.
func TestQueueOrderIsTheOneThatIsForetold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		var q queue
		for range 200 {
			switch all := q.inOrder(); {
			case len(all) == 0 || r.IntN(3) > 0:
				w := q.newWaiter(r.IntN(classes), 0, time.Duration(r.IntN(50)))
				w.giveUp = time.Duration(r.IntN(50))
				predicted := q.aheadExactly(w)
				q.push(w)
				if at := slices.Index(q.inOrder(), w); at > predicted {
					t.Fatalf("seed %d: %d go before one, predicted were %d at most", seed, at, predicted)
				}
			case r.IntN(2) == 0:
				q.remove(all[r.IntN(len(all))])
			default:
				if got := q.pop(); got != all[0] {
					t.Fatalf("seed %d: another one went first than predicted", seed)
				}
			}
			least := never
			for _, w := range q.inOrder() {
				least = min(least, w.giveUp)
			}
			if got := q.hasty(); got != nil && got.giveUp != least || got == nil && least != never {
				t.Fatalf("seed %d: %+v gives up first, want one at %v", seed, got, least)
			}
		}
	}
}

// Under an endless load of calls, batches make progress and a probe is sent at once.
func TestLimiterStarvesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{10, sec}})
		ctx, cancel := context.WithTimeout(t.Context(), 60*sec)
		defer cancel()
		var mu sync.Mutex
		went, longest := map[Priority]int{}, map[Priority]time.Duration{}
		var done sync.WaitGroup
		caller := func(p Priority, pause time.Duration) {
			for ctx.Err() == nil {
				start := time.Now()
				leave, err := enter(ctx, k, Request{Priority: p})
				if err != nil {
					return
				}
				mu.Lock()
				went[p]++
				longest[p] = max(longest[p], time.Since(start))
				mu.Unlock()
				time.Sleep(ms)
				leave(ok())
				time.Sleep(pause)
			}
		}
		for range 50 {
			done.Go(func() { caller(Call, 0) })
			done.Go(func() { caller(Batch, 0) })
		}
		done.Go(func() { caller(Probe, 5*sec) })
		done.Wait()
		t.Logf("went %v, waited at the longest %v", went, longest)
		if b := went[Batch]; b < 60 || b > 90 {
			t.Errorf("%d of about 600 were batches, want one in eight", b)
		}
		if d := longest[Probe]; d > sec+10*ms { // and the flight of those who went first
			t.Errorf("a probe waited %v, want one window at the most", d)
		}
	})
}

// A retry that brings the time of its call goes before those who arrived after it.
func TestARetryKeepsItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1, sec}})
		came := time.Now()
		time.Sleep(ms)
		mustEnter(t, k)(ok())
		var mu sync.Mutex
		var got []string
		var done sync.WaitGroup
		enter := func(name string, since time.Time) {
			done.Go(func() {
				leave, err := enter(t.Context(), k, Request{Since: since})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got = append(got, name)
				mu.Unlock()
				leave(ok())
			})
			synctest.Wait()
			time.Sleep(ms)
		}
		enter("first", time.Time{})
		enter("second", time.Time{})
		enter("retry", came)
		enter("from the future", time.Now().Add(time.Hour))
		enter("last", time.Time{})
		done.Wait()
		if diff := cmp.Diff([]string{"retry", "first", "second", "from the future", "last"}, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// Nobody is served more than one window later than anyone who arrived at the same time or
// later, however long the queue is; nobody fails for being the first in it. A call that was
// refused twice goes to the end, as in an outage, and is later by the length of the queue.
func TestLimiterIsFairBehindALongQueue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		server simServer
		most   time.Duration
	}{
		{"fixed", &fixedWindow{n: 20, per: sec}, sec},
		{"sliding", &slidingWindow{n: 20, per: sec}, sec},
		{"outage", &changing{40 * sec, &changing{5 * sec, &fixedWindow{n: 20, per: sec}, closed{}}, &fixedWindow{n: 20, per: sec}}, 10 * sec},
	} {
		for _, h := range simHints {
			t.Run(fmt.Sprintf("%s/%s", tt.name, h.name), func(t *testing.T) {
				t.Parallel()
				s := newSim(clone(tt.server), h.hint, Limit{}, 1)
				s.runFor(80*sec, 200)
				slices.SortFunc(s.calls, func(a, b simCall) int {
					return stdcmp.Or(stdcmp.Compare(a.begin, b.begin), stdcmp.Compare(a.end, b.end))
				})
				later, worst := never, time.Duration(0)
				for _, c := range slices.Backward(s.calls) {
					worst, later = max(worst, c.end-min(c.end, later)), min(later, c.end)
				}
				t.Logf("%d calls, the most that one was served too late is %v, %d failed", len(s.calls), worst, s.failed)
				if worst > tt.most {
					t.Errorf("one was served %v after another that arrived later, want at most %v", worst, tt.most)
				}
				if s.failed > 0 {
					t.Errorf("%d calls failed", s.failed)
				}
			})
		}
	}
}

// Ten thousand wait; all are served in order, and there is never more than one timer.
func TestLimiterServesTenThousandWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1000, sec}})
		var done sync.WaitGroup
		start := time.Now()
		for range 10_000 {
			done.Go(func() {
				leave, err := enter(t.Context(), k, Request{MaxWait: time.Minute})
				if err != nil {
					t.Error(err)
					return
				}
				leave(ok())
			})
		}
		done.Wait()
		if d := time.Since(start); d != 9*sec {
			t.Errorf("took %v, want 9s", d)
		}
	})
}
