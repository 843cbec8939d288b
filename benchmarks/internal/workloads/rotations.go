package workloads

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
)

// rotationCase is one way in which a provider changes a key.
type rotationCase struct {
	title             string
	overlap, retry401 bool
	words             string // description of the bar
	latency           time.Duration
}

// Rotations measures the cost of a key change for callers.
func Rotations(ctx context.Context, s Settings) (*report.Section, error) {
	size := s.Rotation
	section := &report.Section{
		Title: "A key that changes under load",
		Text: fmt.Sprintf("%d callers, of whom one starts a call every %s, for %s; the server's key changes every %s. Every library reads the key "+
			"for each attempt, by the means that it provides.", size.Callers, size.Pace, size.For, size.Every),
	}
	for _, c := range []rotationCase{
		{
			title: fmt.Sprintf("Old and new key overlap for %s, the client gets the new key after %s", size.Overlap, size.KeyDelay), overlap: true,
			words: "nothing failed",
		},
		{title: fmt.Sprintf("No overlap, the client gets the new key after %s, default settings", size.KeyDelay)},
		{
			title: "The same, with retries of a 401 (keyfit: holding the call), if the library has a setting for that", retry401: true,
			words: "nothing failed, at most three refusals per change, p99 at most 5 ms above the delay of the new key", latency: size.KeyDelay + 5*time.Millisecond,
		},
	} {
		runs := map[string][]*rotationRun{}
		err := inTurn(ctx, s.Peers, s.Rounds, func(round int, p peers.Peer) error {
			run, err := runRotation(ctx, size, p, c.overlap, c.retry401)
			if err == nil {
				s.Progress("rotation, overlap %t, retry %t, round %d, %s: %d of %d failed", c.overlap, c.retry401, round+1, p.Name, len(run.failures), run.calls)
			}
			runs[p.Name] = append(runs[p.Name], run)
			return err
		})
		if err != nil {
			return nil, err
		}
		section.Tables = append(section.Tables, c.table(s.Peers, runs))
		if c.retry401 {
			section.Plots = append(section.Plots, rotationPlot(size, s.Peers, runs))
		}
	}
	return section, nil
}

func (c rotationCase) table(entrants []peers.Peer, runs map[string][]*rotationRun) report.Table {
	t := report.Table{Title: c.title, Head: []string{"library", "failed", "of all calls", "refused by the server", "changes", "p50 ms", "p99 ms", "max ms"}}
	for _, p := range entrants {
		rounds := runs[p.Name]
		failed := each(rounds, func(r *rotationRun) int { return len(r.failures) })
		refused := each(rounds, (*rotationRun).refused)
		changes := each(rounds, func(r *rotationRun) int { return r.changes })
		share := each(rounds, func(r *rotationRun) float64 { return 100 * float64(len(r.failures)) / float64(max(r.calls, 1)) })
		latency := func(percent int) []time.Duration {
			return each(rounds, func(r *rotationRun) time.Duration { return report.Percentile(r.latency, percent) })
		}
		p99 := latency(99)
		name := p.Name
		if c.retry401 && !p.Retries401 {
			name += " (no such setting)"
		}
		t.Add(name, report.Rounds(failed, report.Integer), report.Rounds(share, func(f float64) string { return fmt.Sprintf("%.1f %%", f) }),
			report.Rounds(refused, report.Integer), report.Rounds(changes, report.Integer),
			report.Rounds(latency(50), report.Millis), report.Rounds(p99, report.Millis), report.Rounds(latency(100), report.Millis))
		if c.words != "" && p.Name == peers.Keyfit().Name && len(failed) > 0 {
			t.Bar = report.NewBar(c.words)
			t.Bar.Want(slices.Max(failed) == 0, "%d failed in a round", slices.Max(failed))
			for i := range rounds {
				t.Bar.Want(c.latency == 0 || refused[i] <= 3*changes[i], "%d refusals in a round", refused[i])
			}
			t.Bar.Want(c.latency == 0 || report.Median(p99) <= c.latency, "p99 %s ms", report.Millis(report.Median(p99)))
		}
	}
	return t
}

// each returns one figure of every round.
func each[T any](rounds []*rotationRun, figure func(*rotationRun) T) []T {
	values := make([]T, len(rounds))
	for i, r := range rounds {
		values[i] = figure(r)
	}
	return values
}

// rotationPlot shows the beginning of the last round.
func rotationPlot(size Rotation, entrants []peers.Peer, runs map[string][]*rotationRun) report.Plot {
	bin := size.Every / 10
	bins := int(min(size.For, 20*size.Every) / bin)
	line := report.Timeline{
		Title: fmt.Sprintf("The key changes every %s, the client gets it %s later", size.Every, size.KeyDelay),
		Good:  "refused by the server", Bad: "failed for the caller", Bin: bin, Tick: 4 * size.Every,
	}
	for _, p := range entrants {
		rounds := runs[p.Name]
		run := rounds[len(rounds)-1]
		var refused []time.Duration
		for _, a := range run.arrivals {
			if a.Refused {
				refused = append(refused, a.At)
			}
		}
		line.Lanes = append(line.Lanes, report.Lane{
			Name: p.Name, Note: fmt.Sprintf("%d of %d failed", len(run.failures), run.calls),
			Good: report.Bins(refused, bin, bins), Bad: report.Bins(run.failures, bin, bins),
		})
	}
	return report.Plot{File: "rotation.svg", Caption: "Failures over time while the key changes: refused by the server and failed for the caller, by library", SVG: line.SVG()}
}
