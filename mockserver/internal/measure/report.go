package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// measure runs everything and prints a table.
func measure(ctx context.Context, c config, out io.Writer) error {
	var targets []*target
	for _, s := range []struct {
		name, kind string
		keys       int
	}{{"bare net/http", "bare", 0}, {"mock, 1,024 keys", "mock", usedKeys}, {fmt.Sprintf("mock, %d keys", c.keys), "mock", c.keys}} {
		t, err := startTarget(ctx, s.name, s.kind, s.keys, c.profile)
		if err != nil {
			return err
		}
		defer t.stop()
		targets = append(targets, t)
	}
	results := make([][]result, len(targets))
	for round := range c.rounds {
		for i := range targets {
			if round%2 == 1 {
				i = len(targets) - 1 - i
			}
			r, err := drive(ctx, targets[i], c)
			if err != nil {
				return err
			}
			results[i] = append(results[i], r)
		}
	}
	fmt.Fprintf(out, "%-22s %10s %8s %8s %10s %10s %8s\n", "one authenticated GET", "req/s", "ratio", "µs CPU", "CPU ratio", "allocs", "heap MB")
	for i, t := range targets {
		fmt.Fprintf(out, "%-22s %10.0f %8.2f %8.2f %10.2f %10.1f %8.1f\n", t.name,
			median(results[i], func(r result, _ int) float64 { return r.perSecond }),
			median(results[i], func(r result, n int) float64 { return r.perSecond / results[0][n].perSecond }),
			median(results[i], func(r result, _ int) float64 { return r.cpu / 1000 }),
			median(results[i], func(r result, n int) float64 { return results[0][n].cpu / r.cpu }),
			median(results[i], func(r result, _ int) float64 { return r.mallocs }),
			median(results[i], func(r result, _ int) float64 { return float64(r.heap) / 1e6 }))
	}
	fmt.Fprintf(out, "one million against 1,024 keys: %.2f\n",
		median(results[2], func(r result, n int) float64 { return r.perSecond / results[1][n].perSecond }))
	return startTimes(ctx, c, out)
}

func median[T any](all []T, of func(T, int) float64) float64 {
	values := make([]float64, len(all))
	for i, v := range all {
		values[i] = of(v, i)
	}
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}

// startTimes measures start + one request + close in this process.
func startTimes(ctx context.Context, c config, out io.Writer) error {
	for name, opts := range map[string][]mockserver.Option{
		"plain": nil, "TLS": {mockserver.WithTLS(), mockserver.WithoutHTTP2()}, "TLS, HTTP/2": {mockserver.WithTLS()}} {
		var took []time.Duration
		for range c.starts {
			start := time.Now()
			if err := once(ctx, opts); err != nil {
				return err
			}
			took = append(took, time.Since(start))
		}
		fmt.Fprintf(out, "start + request + close, %s: %.2f ms\n", name,
			median(took, func(d time.Duration, _ int) float64 { return d.Seconds() * 1000 }))
	}
	return nil
}

func once(ctx context.Context, opts []mockserver.Option) error {
	srv, err := mockserver.NewHandler(opts...)
	if err != nil {
		return err
	}
	defer srv.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.BaseURL(mockserver.IMKIT)+"/admin/connection-count", http.NoBody)
	if err != nil {
		return err
	}
	srv.Keys().Issue(mockserver.IMKIT).Apply(r)
	res, err := srv.Client().Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", res.Status, err)
	}
	return nil
}
