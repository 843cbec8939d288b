package workloads

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
)

// sample is the cost per call of a number of calls.
type sample struct {
	time   time.Duration
	cpu    time.Duration // 0 if unknown
	allocs float64
	bytes  float64
}

// measure makes calls from a number of goroutines. It ends with the first failed call.
func measure(ctx context.Context, c peers.Client, calls, callers int) (sample, error) {
	var todo atomic.Int64
	todo.Store(int64(calls))
	var failed atomic.Pointer[peers.Answer]
	work := func() {
		for todo.Add(-1) >= 0 && failed.Load() == nil {
			if a := c.Call(ctx, http.MethodGet, "/things/1", nil); !a.OK() {
				failed.Store(&a)
			}
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin, used := time.Now(), cpuTime()
	if callers == 1 {
		work()
	} else {
		var wg sync.WaitGroup
		for range callers {
			wg.Go(work)
		}
		wg.Wait()
	}
	took, used := time.Since(begin), cpuTime()-used
	runtime.ReadMemStats(&after)
	if a := failed.Load(); a != nil {
		return sample{}, fmt.Errorf("a call failed with status %d: %w", a.Status, a.Err)
	}
	n := float64(calls)
	return sample{
		time:   time.Duration(float64(took) / n),
		cpu:    time.Duration(float64(used) / n),
		allocs: float64(after.Mallocs-before.Mallocs) / n,
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, nil
}

// speedEntrants returns the peers with three variants of keyfit: as an http.Client, which is
// comparable with net/http, through Do, and with the decoding of Get[T].
func speedEntrants(all []peers.Peer) []peers.Peer {
	entrants := slices.Clone(all)
	i := slices.IndexFunc(entrants, func(p peers.Peer) bool { return p.Name == peers.Keyfit().Name })
	if i < 0 {
		return entrants
	}
	entrants[i].Name = "keyfit Get[T]"
	return slices.Insert(entrants, i, peers.KeyfitHTTPClient(), peers.KeyfitDo())
}

// samples holds the samples of every entrant by name, in the order of the rounds.
type samples map[string][]sample

// sampleAll warms up every client and then measures them in turn.
func sampleAll(ctx context.Context, entrants []peers.Peer, clients map[string]peers.Client, rounds, calls, callers int) (samples, error) {
	for _, p := range entrants {
		if _, err := measure(ctx, clients[p.Name], max(calls/4, callers), callers); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	got := samples{}
	err := inTurn(ctx, entrants, rounds, func(_ int, p peers.Peer) error {
		s, err := measure(ctx, clients[p.Name], calls, callers)
		got[p.Name] = append(got[p.Name], s)
		return err
	})
	return got, err
}

func onClock(s sample) float64     { return float64(s.time) / 1000 }
func onProcessor(s sample) float64 { return float64(s.cpu) / 1000 }

// ratios returns the ratio of a figure of an entrant to that of net/http in each round; nil if
// net/http does not take part or the figure is unknown.
func (s samples) ratios(name string, of func(sample) float64) []float64 {
	baseline := s[peers.NetHTTP().Name]
	if len(baseline) == 0 {
		return nil
	}
	ratios := make([]float64, len(s[name]))
	for i, one := range s[name] {
		if of(baseline[i]) == 0 {
			return nil
		}
		ratios[i] = of(one) / of(baseline[i])
	}
	return ratios
}

func (s samples) pick(name string, of func(sample) float64) []float64 {
	values := make([]float64, len(s[name]))
	for i, one := range s[name] {
		values[i] = of(one)
	}
	return values
}

func (s samples) table(title string, entrants []peers.Peer) report.Table {
	t := report.Table{Title: title, Head: []string{"library", "µs per call", "× net/http, same round", "CPU µs", "× net/http, same round", "allocations", "bytes"}}
	micros := func(f float64) string { return fmt.Sprintf("%.2f", f) }
	whole := func(f float64) string { return fmt.Sprintf("%.0f", f) }
	for _, p := range entrants {
		t.Add(p.Name,
			report.Rounds(s.pick(p.Name, onClock), micros), report.Rounds(s.ratios(p.Name, onClock), report.Ratio),
			report.Rounds(s.pick(p.Name, onProcessor), micros), report.Rounds(s.ratios(p.Name, onProcessor), report.Ratio),
			whole(report.Median(s.pick(p.Name, func(s sample) float64 { return s.allocs }))),
			whole(report.Median(s.pick(p.Name, func(s sample) float64 { return s.bytes }))),
		)
	}
	return t
}
