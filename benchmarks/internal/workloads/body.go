package workloads

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// bodyTimeout ends a call that reads without end.
const bodyTimeout = 2 * time.Minute

// Body measures the memory that an endless error body costs.
func Body(ctx context.Context, s Settings) (*report.Section, error) {
	t := report.Table{Head: []string{"library", "peak heap, MiB", "read from the server, MiB", "attempts"}}
	mebibytes := func(b float64) string { return fmt.Sprintf("%.2f", b/(1<<20)) }
	for _, p := range s.Peers {
		peak, seen, err := runBody(ctx, s, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		s.Progress("body, %s: %s MiB of heap", p.Name, mebibytes(peak))
		t.Add(p.Name, mebibytes(peak), mebibytes(float64(seen.Bytes)), report.Integer(int(seen.Requests)))
		if p.Name == peers.Keyfit().Name {
			t.Bar = report.NewBar("at most 1 MiB of heap")
			t.Bar.Want(peak <= 1<<20, "%s MiB", mebibytes(peak))
		}
	}
	return &report.Section{
		Title: "An endless error body",
		Text: fmt.Sprintf("A server in another process responds to each attempt with 500 and a body of %d MiB. If the library returns the response, the caller "+
			"reads 4 KiB of it and closes it. The heap is the memory in use above the level before the call. The bytes read include the socket buffers, a few MiB.", s.Endless),
		Tables: []report.Table{t},
	}, nil
}

func runBody(ctx context.Context, s Settings, p peers.Peer) (peak float64, seen servers.Counts, err error) {
	child, err := servers.Spawn(ctx)
	if err != nil {
		return 0, seen, err
	}
	defer child.Close()
	pool := samePool()
	defer pool.CloseIdleConnections()
	cfg := plain(child.URL)
	cfg.Transport, cfg.Retries = pool, s.Retries
	c, err := p.New(cfg)
	if err != nil {
		return 0, seen, err
	}
	if a := c.Call(ctx, http.MethodGet, "/ok", nil); !a.OK() {
		return 0, seen, fmt.Errorf("the first call failed: %w", a.Err)
	}
	ctx, cancel := context.WithTimeout(ctx, bodyTimeout)
	defer cancel()
	runtime.GC()
	level := heapInUse()
	stop, peaks := make(chan struct{}), make(chan float64)
	go func() { peaks <- watchHeap(stop) }()
	a := c.Call(ctx, http.MethodGet, fmt.Sprintf("/endless/%d", s.Endless), nil)
	close(stop)
	peak = <-peaks - level
	if a.OK() {
		return peak, seen, errors.New("a 500 was reported as success")
	}
	seen, err = child.Counts(context.WithoutCancel(ctx))
	seen.Requests-- // without the first call
	return peak, seen, err
}

// watchHeap returns the peak use of the heap until stop is closed.
func watchHeap(stop <-chan struct{}) (peak float64) {
	ticker := time.NewTicker(500 * time.Microsecond)
	defer ticker.Stop()
	for {
		peak = max(peak, heapInUse())
		select {
		case <-stop:
			return max(peak, heapInUse())
		case <-ticker.C:
		}
	}
}

// heapInUse returns the memory of live objects and of objects not yet swept.
func heapInUse() float64 {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	return float64(heap[0].Value.Uint64())
}
