package workloads

import (
	"context"
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// stub is a transport that responds immediately with as little work as possible, so that only
// the library is measured.
type stub struct{ header http.Header }

func newStub() stub { return stub{http.Header{"Content-Type": {"application/json"}}} }

// stubbed returns net/http's transport with a stub instead of connections.
func stubbed() *http.Transport {
	t := new(http.Transport)
	t.RegisterProtocol("http", newStub())
	return t
}

// stubAnswer is a response and its body in one allocation.
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

// Overhead measures the cost of a call without a network: the library alone.
func Overhead(ctx context.Context, s Settings) (*report.Section, error) {
	const without = "The pool is net/http's transport with a stub instead of connections, which responds immediately, so only the library is measured: " +
		"building the request, setting the key, reading the response. One caller. All requests carry a key in `X-API-KEY`, in the spelling that its vendors use, and a User-Agent, which most of these libraries set themselves. " +
		"keyfit has three rows: as an http.Client that other code uses like that of net/http, through `Client.Do`, and with the decoding of `Get[T]`, " +
		"which the other libraries leave to the caller. CPU time is that of the whole process, including the garbage collector; on a shared machine it is more reliable than the wall clock."
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
	section.Tables = append(section.Tables, got.table("With a transport other than net/http's: "+
		"it might modify the header that it receives, so keyfit builds one per request", entrants))
	return section, nil
}

// overhead measures the calls of one caller over a transport.
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

// speedBar returns the bar that keyfit is not slower than net/http.
func speedBar(words string, got samples) *report.Bar {
	bar := report.NewBar(words)
	if ratios := got.ratios(peers.KeyfitHTTPClient().Name, onClock); len(ratios) > 0 {
		bar.Want(report.Median(ratios) <= 1.0, "%.3f × in the median round", report.Median(ratios))
	}
	return bar
}
