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

// Rotation is a load during which the key changes repeatedly.
type Rotation struct {
	For, Every time.Duration
	Overlap    time.Duration // how long the old key stays valid, if it does
	KeyDelay   time.Duration // delay from the change at the server until the client has the new key
	Callers    int
	Pace       time.Duration // interval between the starts of calls, by any free caller
}

// rotationRun is the outcome of a run.
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

// runRotation calls a server whose key changes. With overlap, the old key stays valid for a
// while; without it, the old key ends at the change and the client gets the new one later.
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
	setKey := func(k string) { known.Store(&k) }
	setKey(name(0))
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
	wg.Go(func() { run.changes = changeKeys(ctx, load, size, handler, c, overlap, name, setKey) })
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

// changeKeys changes the key until load is done, and returns the number of changes. It
// completes the last change, so that no call waits for a key that never arrives.
func changeKeys(ctx, load context.Context, size Rotation, server *servers.Keyed, c peers.Client, overlap bool, name func(int) string, setKey func(string)) (changes int) {
	for wait(load, size.Every-max(size.KeyDelay, size.Overlap)) == nil {
		old, next := name(changes), name(changes+1)
		changes++
		if overlap {
			server.Accept(old, next)
		} else {
			server.Accept(next)
		}
		if wait(ctx, size.KeyDelay) != nil {
			break
		}
		setKey(next)
		if r, ok := c.(peers.Rotator); ok {
			if r.Rotate(ctx, next) != nil {
				break // only if the time has run out
			}
		}
		if wait(ctx, max(size.Overlap-size.KeyDelay, 0)) != nil {
			break
		}
		server.Accept(next)
	}
	return changes
}

type callerResult struct{ latency, failures []time.Duration }

// pace sends a turn at a fixed interval until load is done. It sleeps in the kernel, because a
// timer of the runtime may be up to a millisecond late on an idle machine and then releases all
// due calls at once, which would all meet the old key if it ended meanwhile.
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

// callAtPace starts a call at each turn. Calls in flight at the end are completed.
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
