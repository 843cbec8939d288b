package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// measure runs all measurements and prints a table.
func measure(ctx context.Context, c config, out io.Writer) error {
	million := fmt.Sprintf("same, %d keys", c.keys)
	targets, err := startAll(ctx, c, []server{
		{"bare net/http", "bare", 0},
		{"MindKey /ping", "mindkey", usedKeys},
		{"IMKIT connection-count", "imkit", usedKeys},
		{million, "imkit", c.keys},
	})
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	if err != nil {
		return err
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
	say := func(format string, a ...any) { _, _ = fmt.Fprintf(out, format, a...) }
	say("%-24s %8s %7s %9s %10s %8s %9s\n", "one authenticated GET", "req/s", "ratio", "CPU µs", "CPU ratio", "allocs", "heap MB")
	for i, t := range targets {
		say("%-24s %8.0f %7.2f %9.2f %10.2f %8.1f %9.1f\n", t.name,
			median(results[i], func(r result, _ int) float64 { return r.perSecond }),
			median(results[i], func(r result, n int) float64 { return r.perSecond / results[0][n].perSecond }),
			median(results[i], func(r result, _ int) float64 { return r.cpu / 1000 }),
			median(results[i], func(r result, n int) float64 { return results[0][n].cpu / r.cpu }),
			median(results[i], func(r result, _ int) float64 { return r.mallocs }),
			median(results[i], func(r result, _ int) float64 { return float64(r.heap) / 1e6 }))
	}
	say("%d keys against %d: %.2f of the requests, %.2f of the CPU\n", c.keys, usedKeys,
		median(results[3], func(r result, n int) float64 { return r.perSecond / results[2][n].perSecond }),
		median(results[3], func(r result, n int) float64 { return r.cpu / results[2][n].cpu }))
	if err := startTimes(ctx, c, say); err != nil {
		return err
	}
	return saveTimes(say)
}

type server struct {
	name, kind string
	keys       int
}

func startAll(ctx context.Context, c config, all []server) (targets []*target, err error) {
	for _, s := range all {
		t, err := startTarget(ctx, s.name, s.kind, s.keys, c.profile)
		if err != nil {
			return targets, err
		}
		targets = append(targets, t)
	}
	return targets, nil
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

// startTimes measures the start, one request and the close of a server in this
// process.
func startTimes(ctx context.Context, c config, say func(string, ...any)) error {
	for _, s := range []struct {
		name string
		opts []mockserver.Option
	}{
		{"plain", nil},
		{"TLS", []mockserver.Option{mockserver.WithTLS(), mockserver.WithoutHTTP2()}},
		{"TLS, HTTP/2", []mockserver.Option{mockserver.WithTLS()}},
	} {
		var took []time.Duration
		for range c.starts {
			start := time.Now()
			if err := once(ctx, s.opts); err != nil {
				return err
			}
			took = append(took, time.Since(start))
		}
		say("start + request + close, %s: %.2f ms\n", s.name,
			median(took, func(d time.Duration, _ int) float64 { return d.Seconds() * 1000 }))
	}
	return nil
}

func once(ctx context.Context, opts []mockserver.Option) (err error) {
	srv, err := mockserver.NewHandler(opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Close()) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.BaseURL(mockserver.IMKIT)+"/admin/connection-count", http.NoBody)
	if err != nil {
		return err
	}
	srv.Keys().Issue(mockserver.IMKIT).Apply(r)
	res, err := srv.Client().Do(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", res.Status, err)
	}
	return res.Body.Close()
}
