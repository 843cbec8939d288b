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

// Storm is the size of a burst of calls to a server with a limit.
type Storm struct {
	Calls, Callers int
	Limit          int // requests per window
	Window         time.Duration
}

// ideal returns the minimum time in which the limit allows all calls: the first window is used
// at once, the last one as soon as it opens. A bucket refills evenly.
func (s Storm) ideal(bucket bool) time.Duration {
	if bucket {
		return time.Duration(s.Calls-s.Limit) * s.Window / time.Duration(s.Limit)
	}
	return time.Duration((s.Calls-1)/s.Limit) * s.Window
}

// stormRetries is the number of retries of the libraries other than keyfit in a storm, so that
// the table shows how each waits and not when it gives up.
const stormRetries = 50

// stormTimeout bounds a run.
const stormTimeout = 3 * time.Minute

// stormRun is the outcome of one library's storm.
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
	ctx, cancel := context.WithTimeout(ctx, stormTimeout)
	defer cancel()
	if hint == servers.DateOnly { // the windows of such a server start on whole seconds
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
		return run, nil // timed out: only the server's counts include the calls in flight
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

// refused counts the refused requests, and those that came more than half a window after the
// first refusal: by then a library can have informed all its callers.
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

// burst returns the maximum number of arrivals within 50 ms, starting at since.
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

// passed counts the accepted requests.
func (r *stormRun) passed() (n int) {
	for _, a := range r.arrivals {
		if !a.Refused {
			n++
		}
	}
	return n
}

// check compares the results of the clients with the counts of the server.
func (r *stormRun) check(size Storm) error {
	if ok := size.Calls - r.failed; ok != r.passed() {
		return fmt.Errorf("%d calls succeeded, but the server accepted %d", ok, r.passed())
	}
	return nil
}

// knownLimit returns the limit of a storm for a provider value.
func (s Storm) knownLimit() keyfit.Limit { return keyfit.Limit{Requests: s.Limit, Per: s.Window} }

// stormResult is one library's rounds.
type stormResult struct {
	name string
	runs []*stormRun
}

// stormTable returns the table with the rounds of every library.
func stormTable(size Storm, ideal time.Duration, results []stormResult) report.Table {
	t := report.Table{Head: []string{
		"library", "total s", "× ideal", "requests", "refused", "of these after the first collision", "most arrivals in 50 ms",
		"p50 s", "p99 s", "max s", "failed", "connections",
	}}
	for _, r := range results {
		f := r.figures(size, ideal)
		ratio := report.Rounds(f.ratio, report.Ratio)
		if report.Median(f.failed) > size.Calls/2 {
			ratio = "–" // the library gave up
		}
		t.Add(r.name, report.Rounds(f.total, report.Seconds), ratio, report.Rounds(f.requests, report.Integer),
			report.Rounds(f.refused, report.Integer), report.Rounds(f.later, report.Integer), report.Rounds(f.burst, report.Integer),
			report.Rounds(f.p50, report.Seconds), report.Rounds(f.p99, report.Seconds), report.Rounds(f.longest, report.Seconds),
			report.Rounds(f.failed, report.Integer), report.Rounds(f.conns, report.Integer))
	}
	return t
}

// stormFigures holds the columns of the table, each with one value per round.
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
