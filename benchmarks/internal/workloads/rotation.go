package workloads

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// Rotation is a load during which the key changes again and again.
type Rotation struct {
	For, Every time.Duration
	Overlap    time.Duration // how long the old key stays valid, where it does
	News       time.Duration // how long after the server's change the client has the new key
	Callers    int
	Pace       time.Duration // a call begins this often, by whichever caller is free
}

// rotationRun is what came of it.
type rotationRun struct {
	calls    int
	latency  []time.Duration
	failures []time.Duration // when the failed calls ended
	arrivals []servers.Arrival
	changes  int
}

func (r *rotationRun) refused() (n int) {
	for _, a := range r.arrivals {
		if a.Refused {
			n++
		}
	}
	return n
}

// runRotation calls a server whose key changes. overlap keeps the old key valid for a
// while; without it, the old key ends with the change and the news of the new one is late.
func runRotation(ctx context.Context, size Rotation, p peers.Peer, overlap, retry401 bool) (*rotationRun, error) {
	handler := servers.NewKeyed(peers.KeyHeader)
	server, err := servers.Start(ctx, handler)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	pool, end := closingPool()
	defer end()

	var known atomic.Pointer[string]
	name := func(generation int) string { return fmt.Sprintf("%s-%04d", key, generation) }
	tell := func(k string) { known.Store(&k) }
	tell(name(0))
	handler.Accept(name(0))

	cfg := plain(server.URL)
	cfg.Transport, cfg.Rotates, cfg.Retry401 = pool, true, retry401 && p.Retries401
	cfg.Key = func() string { return *known.Load() }
	c, err := p.New(cfg)
	if err != nil {
		return nil, err
	}
	load, stop := context.WithTimeout(ctx, size.For)
	defer stop()
	run := &rotationRun{}
	var wg sync.WaitGroup
	wg.Go(func() { run.changes = changeKeys(ctx, load, size, handler, c, overlap, name, tell) })
	results := make([]callerResult, size.Callers)
	begin, turns := time.Now(), make(chan struct{})
	wg.Go(func() { pace(load, size.Pace, turns) })
	for i := range results {
		wg.Go(func() { results[i] = callAtPace(ctx, c, turns, begin) })
	}
	wg.Wait()
	for _, r := range results {
		run.calls += len(r.latency)
		run.latency = append(run.latency, r.latency...)
		run.failures = append(run.failures, r.failures...)
	}
	run.arrivals = handler.Arrivals()
	return run, nil
}

// changeKeys changes the key until load ends, and returns how often. A change that has
// begun is brought to its end, so that no call waits for news that never comes.
func changeKeys(ctx, load context.Context, size Rotation, server *servers.Keyed, c peers.Client, overlap bool, name func(int) string, tell func(string)) (changes int) {
	for wait(load, size.Every-max(size.News, size.Overlap)) == nil {
		old, next := name(changes), name(changes+1)
		changes++
		if overlap {
			server.Accept(old, next)
		} else {
			server.Accept(next)
		}
		if wait(ctx, size.News) != nil {
			break
		}
		tell(next)
		if r, ok := c.(peers.Rotator); ok {
			if r.Rotate(ctx, next) != nil {
				break // only if the time is up
			}
		}
		if wait(ctx, max(size.Overlap-size.News, 0)) != nil {
			break
		}
		server.Accept(next)
	}
	return changes
}

type callerResult struct{ latency, failures []time.Duration }

// pace gives a turn every so often until load ends. It sleeps in the kernel: a timer of the
// runtime's is late by up to a millisecond on an idle machine, and lets as many calls go at
// once as were due meanwhile. All of those meet the old key if it ends then.
func pace(load context.Context, every time.Duration, turns chan<- struct{}) {
	defer close(turns)
	begin := time.Now()
	for n := time.Duration(1); load.Err() == nil; n++ {
		preciseSleep(n*every - time.Since(begin))
		select {
		case turns <- struct{}{}:
		case <-load.Done():
			return
		}
	}
}

// callAtPace begins a call at each turn. Calls under way when there are no more are ended
// in peace.
func callAtPace(ctx context.Context, c peers.Client, turns <-chan struct{}, begin time.Time) (r callerResult) {
	for range turns {
		called := time.Now()
		a := c.Call(ctx, http.MethodGet, "/things/1", nil)
		r.latency = append(r.latency, time.Since(called))
		if !a.OK() {
			r.failures = append(r.failures, time.Since(begin))
		}
	}
	return r
}
