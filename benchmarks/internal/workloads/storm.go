package workloads

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// Storm is the size of a rush of calls on a server with a limit.
type Storm struct {
	Calls, Callers int
	Limit          int // requests in a window
	Window         time.Duration
}

// ideal is the least time in which a limit lets so many calls through: the first window's
// worth at once, the last one's as soon as it opens. A bucket refills evenly.
func (s Storm) ideal(bucket bool) time.Duration {
	if bucket {
		return time.Duration(s.Calls-s.Limit) * s.Window / time.Duration(s.Limit)
	}
	return time.Duration((s.Calls-1)/s.Limit) * s.Window
}

// stormRetries is what the libraries but keyfit are given in a storm, so that the table
// shows how each waits and not when it gives up.
const stormRetries = 50

// stormPatience ends a run that does not end.
const stormPatience = 3 * time.Minute

// stormRun is what came of one library's storm.
type stormRun struct {
	total    time.Duration
	calls    []time.Duration
	failed   int
	conns    int
	arrivals []servers.Arrival
}

// runStorm sends one library's calls to a fresh server.
func runStorm(ctx context.Context, size Storm, p peers.Peer, limit servers.Limiter, hint servers.Hint) (*stormRun, error) {
	handler := servers.NewLimited(limit, hint)
	server, err := servers.Start(ctx, handler)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	pool, end := closingPool()
	defer end()
	cfg := plain(server.URL)
	cfg.Retries, cfg.Transport = stormRetries, pool
	c, err := p.New(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, stormPatience)
	defer cancel()
	if hint == servers.DateOnly { // such a server's windows begin with the second
		begin := time.Now()
		err = wait(ctx, begin.Truncate(time.Second).Add(time.Second+2*time.Millisecond).Sub(begin))
		if err != nil {
			return nil, err
		}
	}

	run := &stormRun{calls: make([]time.Duration, size.Calls)}
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range size.Callers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(size.Calls); i = next.Add(1) {
				called := time.Now()
				if a := c.Call(ctx, http.MethodGet, "/things/1", nil); !a.OK() {
					failed.Add(1)
				}
				run.calls[i-1] = time.Since(called)
			}
		})
	}
	wg.Wait()
	run.total, run.failed = time.Since(begin), int(failed.Load())
	run.conns, run.arrivals = server.Connections(), handler.Arrivals()
	if ctx.Err() != nil {
		return run, nil // cut off: what was under way is in the server's counts only
	}
	err = run.check(size)
	return run, err
}

// wait waits on the wall clock.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// refused counts the refused requests, and of those the ones that came later than half a
// window after the first: by then its news has reached everybody who wants to hear it.
func (r *stormRun) refused(window time.Duration) (all, later int) {
	first := time.Duration(-1)
	for _, a := range r.arrivals {
		if !a.Refused {
			continue
		}
		if first < 0 {
			first = a.At
		}
		all++
		if a.At > first+window/2 {
			later++
		}
	}
	return all, later
}

// burst is the greatest number of arrivals within 50 ms, from the time since on.
func (r *stormRun) burst(since time.Duration) (most int) {
	const d = 50 * time.Millisecond
	from := 0
	for i, a := range r.arrivals {
		if a.At < since {
			from = i + 1
			continue
		}
		for r.arrivals[from].At <= a.At-d {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// passed counts the requests that were let in.
func (r *stormRun) passed() (n int) {
	for _, a := range r.arrivals {
		if !a.Refused {
			n++
		}
	}
	return n
}

// check compares what the clients say with what the server saw.
func (r *stormRun) check(size Storm) error {
	if ok := size.Calls - r.failed; ok != r.passed() {
		return fmt.Errorf("%d calls came back well, but the server let %d in", ok, r.passed())
	}
	return nil
}

// knownLimit is the limit of a storm as a provider value has it.
func (s Storm) knownLimit() keyfit.Limit { return keyfit.Limit{Requests: s.Limit, Per: s.Window} }

// stormResult is one library's rounds.
type stormResult struct {
	name string
	runs []*stormRun
}

// stormTable prints the rounds of every library.
func stormTable(size Storm, ideal time.Duration, results []stormResult) report.Table {
	t := report.Table{Head: []string{
		"library", "total s", "× ideal", "requests", "refused", "of these after the first collision", "most arrivals in 50 ms",
		"p50 s", "p99 s", "max s", "failed", "connections",
	}}
	for _, r := range results {
		f := r.figures(size, ideal)
		ratio := report.Rounds(f.ratio, report.Ratio)
		if report.Median(f.failed) > size.Calls/2 {
			ratio = "–" // it gave up instead
		}
		t.Add(r.name, report.Rounds(f.total, report.Seconds), ratio, report.Rounds(f.requests, report.Integer),
			report.Rounds(f.refused, report.Integer), report.Rounds(f.later, report.Integer), report.Rounds(f.burst, report.Integer),
			report.Rounds(f.p50, report.Seconds), report.Rounds(f.p99, report.Seconds), report.Rounds(f.longest, report.Seconds),
			report.Rounds(f.failed, report.Integer), report.Rounds(f.conns, report.Integer))
	}
	return t
}

// stormFigures are the columns of the table, each with a value for every round.
type stormFigures struct {
	total, p50, p99, longest                       []time.Duration
	ratio                                          []float64
	requests, refused, later, burst, failed, conns []int
}

func (r stormResult) figures(size Storm, ideal time.Duration) (f stormFigures) {
	for _, run := range r.runs {
		refused, later := run.refused(size.Window)
		f.total = append(f.total, run.total)
		f.ratio = append(f.ratio, float64(run.total)/float64(ideal))
		f.requests = append(f.requests, len(run.arrivals))
		f.refused, f.later = append(f.refused, refused), append(f.later, later)
		f.burst = append(f.burst, run.burst(size.Window/2))
		f.p50 = append(f.p50, report.Percentile(run.calls, 50))
		f.p99 = append(f.p99, report.Percentile(run.calls, 99))
		f.longest = append(f.longest, report.Percentile(run.calls, 100))
		f.failed, f.conns = append(f.failed, run.failed), append(f.conns, run.conns)
	}
	return f
}
