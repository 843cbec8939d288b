package workloads

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// scenario is one kind of server in a storm, with the bar for keyfit.
type scenario struct {
	name, title, text string
	crowd             bool // use the size Settings.Crowd
	bucket            bool
	hint              servers.Hint
	limit             func(Storm) servers.Limiter
	bar               stormBar
	plot              bool
	known             bool // add a row for keyfit with a known limit
}

// stormBar holds the figures of a bar; 0 means no requirement.
type stormBar struct {
	words          string
	ratio          float64
	refused, later int
	burst          int
	p99            time.Duration
	requests       int
}

func fixed(s Storm) servers.Limiter   { return &servers.FixedWindow{N: s.Limit, Per: s.Window} }
func sliding(s Storm) servers.Limiter { return &servers.SlidingWindow{N: s.Limit, Per: s.Window} }
func bucket(s Storm) servers.Limiter  { return &servers.TokenBucket{N: s.Limit, Per: s.Window} }

func scenarios() []scenario {
	headline := stormBar{
		words: "at most 1.01 × ideal, 40 refused in all and 8 after the first collision, 102 arrivals in 50 ms, p99 of 1.05 s, nothing failed; " +
			"with the limit known at most 1.01 × ideal and nothing refused",
		ratio: 1.01, refused: 40, later: 8, burst: 102, p99: 1050 * time.Millisecond,
	}
	body := headline
	body.words = "as above, with the limit unknown"
	other := stormBar{words: "at most 1.02 × ideal, 40 refused in all and 10 after the first collision, nothing failed", ratio: 1.02, refused: 40, later: 10}
	return []scenario{
		{
			name: "storm-fixed", title: "Storm on a limit: fixed window, hint in header and body", limit: fixed, bar: headline, plot: true, known: true,
			text: "The server counts in fixed windows and refuses with `Retry-After` and `retryAfter` in the body. The client does not know the limit.",
		},
		{
			name: "storm-body", title: "Storm: hint only in the JSON body", limit: fixed, hint: servers.BodyOnly, bar: body,
			text: "The same, but only the body contains the wait, as documented by IMKIT.",
		},
		{
			name: "storm-date", title: "Storm: hint only as a date", limit: fixed, hint: servers.DateOnly,
			bar:  stormBar{words: "at most 1.08 × ideal, 40 refused, nothing failed", ratio: 1.08, refused: 40},
			text: "The same, but the wait is only sent as an HTTP date. The windows start on whole seconds.",
		},
		{
			name: "storm-sliding", title: "Storm: sliding window", limit: sliding, bar: other,
			text: "The server allows a fixed number of requests in any period of one window. Hint in header and body.",
		},
		{
			name: "storm-bucket", title: "Storm: token bucket", limit: bucket, bucket: true, bar: other,
			text: "The server has a token bucket with the capacity of one window that refills evenly. Hint in header and body.",
		},
		{
			name: "storm-crowd", title: "A crowd: more callers than requests in a window", crowd: true, limit: fixed,
			bar:  stormBar{words: "nothing failed, at most 230 requests on the wire", requests: 230},
			text: "Every call has its own goroutine, and all start at once. Fixed window, hint in header and body, unknown limit.",
		},
	}
}

func storms() []Workload {
	kinds := scenarios()
	all := make([]Workload, len(kinds))
	for i, sc := range kinds {
		all[i] = Workload{sc.name, sc.run}
	}
	return all
}

func (sc scenario) run(ctx context.Context, s Settings) (*report.Section, error) {
	size := s.Storm
	if sc.crowd {
		size = s.Crowd
	}
	ideal := size.ideal(sc.bucket)
	entrants := slices.Clone(s.Peers)
	_, ours := named(s.Peers, peers.Keyfit().Name)
	known := peers.KeyfitKnown(size.knownLimit())
	if sc.known && ours {
		entrants = slices.Insert(entrants, 1, known)
	}
	runs := map[string][]*stormRun{}
	err := inTurn(ctx, entrants, s.Rounds, func(round int, p peers.Peer) error {
		run, err := runStorm(ctx, size, p, sc.limit(size), sc.hint)
		if err != nil {
			return err
		}
		refused, _ := run.refused(size.Window)
		s.Progress("%s, round %d, %s: %.2f s, %d refused, %d failed", sc.name, round+1, p.Name, run.total.Seconds(), refused, run.failed)
		runs[p.Name] = append(runs[p.Name], run)
		return nil
	})
	if err != nil {
		return nil, err
	}
	results := make([]stormResult, len(entrants))
	for i, p := range entrants {
		results[i] = stormResult{p.Name, runs[p.Name]}
	}
	table := stormTable(size, ideal, results)
	table.Bar = sc.bar.check(stormResult{peers.Keyfit().Name, runs[peers.Keyfit().Name]}, size, ideal)
	if f := (stormResult{known.Name, runs[known.Name]}).figures(size, ideal); len(f.ratio) > 0 {
		table.Bar.Want(report.Median(f.ratio) <= 1.01, "%.3f × ideal with the limit known", report.Median(f.ratio))
		table.Bar.Want(report.Median(f.refused) == 0, "%d refused with the limit known", report.Median(f.refused))
	}
	section := &report.Section{
		Title: sc.title,
		Text: fmt.Sprintf("%s %d calls from %d callers, %d requests in %s, ideal %.1f s. ",
			sc.text, size.Calls, size.Callers, size.Limit, size.Window, ideal.Seconds()) +
			fmt.Sprintf("The other libraries may retry %d times, so that the table shows how each waits and not when it gives up; keyfit uses its default of 3. ", stormRetries) +
			"The arrivals in 50 ms are counted from half a window after the start, when the first collision is over.",
		Tables: []report.Table{table},
	}
	if sc.plot {
		section.Plots = []report.Plot{stormPlot(size, ideal, results)}
	}
	return section, nil
}

// check compares keyfit's rounds with the bar.
func (b stormBar) check(r stormResult, size Storm, ideal time.Duration) *report.Bar {
	bar := report.NewBar(b.words)
	if len(r.runs) == 0 {
		return bar
	}
	f := r.figures(size, ideal)
	within := func(got, most int, what string) { bar.Want(most == 0 || got <= most, "%d %s", got, what) }
	within(report.Median(f.refused), b.refused, "refused")
	within(report.Median(f.later), b.later, "refused after the first collision")
	within(report.Median(f.burst), b.burst, "arrivals in 50 ms")
	within(report.Median(f.requests), b.requests, "requests")
	bar.Want(b.ratio == 0 || report.Median(f.ratio) <= b.ratio, "%.3f × ideal", report.Median(f.ratio))
	bar.Want(b.p99 == 0 || report.Median(f.p99) <= b.p99, "p99 %.2f s", report.Median(f.p99).Seconds())
	bar.Want(slices.Max(f.failed) == 0, "%d failed in a round", slices.Max(f.failed))
	return bar
}

// stormPlot shows the last round: when requests reached the server and which it refused.
func stormPlot(size Storm, ideal time.Duration, results []stormResult) report.Plot {
	const bin = 100 * time.Millisecond
	bins := int((ideal+3*size.Window)/bin) + 1
	line := report.Timeline{
		Title: fmt.Sprintf("Requests at a server that accepts %d per %s", size.Limit, size.Window),
		Good:  "accepted", Bad: "refused", Bin: bin, Tick: size.Window, Cut: 2 * size.Limit,
	}
	for _, r := range results {
		run := r.runs[len(r.runs)-1]
		var good, bad []time.Duration
		for _, a := range run.arrivals {
			if a.Refused {
				bad = append(bad, a.At)
			} else {
				good = append(good, a.At)
			}
		}
		note := fmt.Sprintf("%d refused", len(bad))
		if run.failed > 0 {
			note = fmt.Sprintf("%d calls failed", run.failed)
		}
		line.Lanes = append(line.Lanes, report.Lane{Name: r.name, Note: note, Good: report.Bins(good, bin, bins), Bad: report.Bins(bad, bin, bins)})
	}
	return report.Plot{File: "storm.svg", Caption: "Requests over time in the storm: accepted and refused, by library", SVG: line.SVG()}
}
