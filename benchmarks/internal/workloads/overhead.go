package workloads

import (
	"context"
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// stub answers at once, and with as little work of its own as can be, so that what is
// measured is the library's.
type stub struct{ header http.Header }

func newStub() stub { return stub{http.Header{"Content-Type": {"application/json"}}} }

// stubbed returns net/http's transport with a stub in the place of its connections.
func stubbed() *http.Transport {
	t := new(http.Transport)
	t.RegisterProtocol("http", newStub())
	return t
}

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
	const without = "The pool is net/http's transport with a stub in the place of its connections, which answers at once; so what is left is the library: " +
		"request built, key put on, answer read to its end. One caller. All requests carry a key in `X-API-KEY`, written as its vendors write it, and a User-Agent, which most of these libraries set by themselves. " +
		"keyfit stands here thrice: as the http.Client that other code calls as it calls net/http's, by `Client.Do`, and with the decoding of `Get[T]`, " +
		"which the others leave to the caller. Processor time is what all of the process used, the collector included; it says more than the clock where a machine is shared."
	section := &report.Section{Title: "Overhead without a network", Text: without}
	entrants := speedEntrants(s.Peers)
	got, err := overhead(ctx, s, entrants, stubbed())
	if err != nil {
		return nil, err
	}
	table := got.table("", entrants)
	table.Bar = speedBar("at most 1.0 × the time of net/http in the same round, at most 20 allocations, through HTTPClient()", got)
	if entrant := peers.KeyfitHTTPClient().Name; len(got[entrant]) > 0 {
		allocs := report.Median(got.pick(entrant, func(s sample) float64 { return s.allocs }))
		table.Bar.Want(allocs < 20.5, "%.0f allocations", allocs)
	}
	section.Tables = append(section.Tables, table)

	if got, err = overhead(ctx, s, entrants, newStub()); err != nil {
		return nil, err
	}
	section.Tables = append(section.Tables, got.table("Under a transport that is not net/http's: "+
		"such a one might change the header that it is given, so keyfit builds one for each request", entrants))
	return section, nil
}

// overhead measures calls of one caller over a transport.
func overhead(ctx context.Context, s Settings, entrants []peers.Peer, transport http.RoundTripper) (samples, error) {
	clients := map[string]peers.Client{}
	for _, p := range entrants {
		cfg := plain("http://127.0.0.1:1")
		cfg.Transport = transport
		c, err := p.New(cfg)
		if err != nil {
			return nil, err
		}
		clients[p.Name] = c
	}
	return sampleAll(ctx, entrants, clients, s.Samples, s.Calls, 1)
}

// speedBar is the bar of being no slower than net/http.
func speedBar(words string, got samples) *report.Bar {
	bar := report.NewBar(words)
	if ratios := got.ratios(peers.KeyfitHTTPClient().Name, onClock); len(ratios) > 0 {
		bar.Want(report.Median(ratios) <= 1.0, "%.3f × in the median round", report.Median(ratios))
	}
	return bar
}
