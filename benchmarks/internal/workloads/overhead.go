package workloads

import (
	"context"
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// stub is a connection pool without connections: it answers at once, and with as little
// work of its own as can be, so that what is measured is the library's.
type stub struct{ header http.Header }

// stubAnswer is an answer and its body in one piece of memory.
type stubAnswer struct {
	http.Response

	body strings.Reader
}

func (a *stubAnswer) Read(p []byte) (int, error) { return a.body.Read(p) }
func (*stubAnswer) Close() error                 { return nil }

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	a := &stubAnswer{Response: http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header, ContentLength: int64(len(servers.Body)), Request: req,
	}}
	a.body.Reset(servers.Body)
	a.Body = a
	return &a.Response, nil
}

// Overhead measures what a call costs when there is no network: the library alone.
func Overhead(ctx context.Context, s Settings) (*report.Section, error) {
	entrants := speedEntrants(s.Peers)
	clients := map[string]peers.Client{}
	for _, p := range entrants {
		cfg := plain("http://127.0.0.1:1")
		cfg.Transport = stub{http.Header{"Content-Type": {"application/json"}}}
		c, err := p.New(cfg)
		if err != nil {
			return nil, err
		}
		clients[p.Name] = c
	}
	got, err := sampleAll(ctx, entrants, clients, s.Samples, s.Calls, 1)
	if err != nil {
		return nil, err
	}
	table := got.table("", entrants)
	table.Bar = speedBar("at most 1.0 × the time of net/http in the same round, at most 20 allocations, through HTTPClient()", got)
	if entrant := peers.KeyfitHTTPClient().Name; len(got[entrant]) > 0 {
		allocs := report.Median(got.pick(entrant, func(s sample) float64 { return s.allocs }))
		table.Bar.Want(allocs < 20.5, "%.0f allocations", allocs)
	}
	return &report.Section{
		Title: "Overhead without a network",
		Text: "The connection pool is a stub that answers at once, so what is left is the library: request built, key put on, " +
			"answer read to its end. One caller. keyfit stands here thrice: as the http.Client that other code calls as it calls net/http's, " +
			"by `Client.Do`, and with the decoding of `Get[T]`, which the others leave to the caller. Processor time is what all of the process used, the collector included; " +
			"it says more than the clock where a machine is shared.",
		Tables: []report.Table{table},
	}, nil
}

// speedBar is the bar of being no slower than net/http.
func speedBar(words string, got samples) *report.Bar {
	bar := report.NewBar(words)
	if ratios := got.ratios(peers.KeyfitHTTPClient().Name, onClock); len(ratios) > 0 {
		bar.Want(report.Median(ratios) <= 1.0, "%.3f × in the median round", report.Median(ratios))
	}
	return bar
}
