package imin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imin"
)

// hostsOf calls each host once and returns the hosts that received the calls.
func hostsOf(t *testing.T, w *world, c *imin.Client) []string {
	t.Helper()
	ctx := t.Context()
	w.sent()
	_, err1 := c.Facets.Get(ctx)
	_, err2 := c.Places.List(ctx, imin.PlaceQuery{})
	_, err3 := c.Firehose.Datasets().List(ctx, "")
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return mapped(w.sent(), func(r *http.Request) string { return r.URL.Host })
}

func TestEachAPIHasItsHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mock := w.srv.BaseURL(mockserver.Imin)
	local := strings.TrimPrefix(mock, "http://")
	for name, tc := range map[string]struct {
		opts []keyfit.Option
		want []string
	}{
		"by default":                {nil, []string{"search.imin.co", "places.imin.co", "firehose.imin.co"}},
		"all moved":                 {[]keyfit.Option{keyfit.WithBaseURL(mock)}, []string{local, local, local}},
		"search moved":              {[]keyfit.Option{imin.WithSearchURL(mock)}, []string{local, "places.imin.co", "firehose.imin.co"}},
		"places moved":              {[]keyfit.Option{imin.WithPlacesURL(mock)}, []string{"search.imin.co", local, "firehose.imin.co"}},
		"places and Firehose moved": {[]keyfit.Option{imin.WithPlacesURL(mock), imin.WithFirehoseURL(mock)}, []string{"search.imin.co", local, local}},
	} {
		opts := append([]keyfit.Option{keyfit.WithHTTPClient(&http.Client{Transport: both{w.srv}})}, tc.opts...)
		c, err := imin.New(append(opts, keyfit.WithKey(w.srv.Keys().Issue(mockserver.Imin).Secret.Reveal()), keyfit.WithMiddleware(w.record))...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, hostsOf(t, w, c)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// both routes imin's hosts to the mock in memory and loopback addresses over a socket.
type both struct{ srv *mockserver.Server }

func (b both) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return b.srv.Transport().RoundTrip(r)
	}
	return b.srv.Client().Transport.RoundTrip(r)
}

func TestARotatedKeyChangesForAllHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.srv.Keys().Issue(mockserver.Imin)
	source := keyfit.WithSource(keyfit.Static(keyfit.APIKey(first.Secret.Reveal())))
	common := []keyfit.Option{keyfit.WithHTTPClient(&http.Client{Transport: w.srv.Transport()}), keyfit.WithMiddleware(w.record)}
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey(first.Secret.Reveal())))
	if err != nil {
		t.Fatal(err)
	}
	for name, own := range map[string]keyfit.Option{"a source": source, "a ring": keyfit.WithSource(ring)} {
		c, err := imin.New(append(common, own)...)
		if err != nil {
			t.Fatal(err)
		}
		next := w.srv.Keys().Issue(mockserver.Imin).Secret.Reveal()
		if err := c.Keyfit().Keys().Rotate(t.Context(), keyfit.APIKey(next)); err != nil {
			t.Fatal(err)
		}
		w.sent()
		for _, call := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := c.Facets.Get(ctx); return err },
			func(ctx context.Context) error { _, err := c.Places.List(ctx, imin.PlaceQuery{}); return err },
			func(ctx context.Context) error { _, err := c.Firehose.Datasets().List(ctx, ""); return err },
		} {
			if err := call(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range w.sent() {
			if r.Header.Get("X-Api-Key") != next {
				t.Errorf("%s: %s has the old key", name, r.URL.Host)
			}
		}
	}
}

func TestContradictoryOptionsAreErrors(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string][]keyfit.Option{
		"the client of the Places API: imin: the option WithBaseURL is given twice": {keyfit.WithBaseURL("https://a.example"), imin.WithPlacesURL("https://b.example")},
		"imin: the option WithBaseURL is given twice":                               {imin.WithSearchURL("https://a.example"), imin.WithSearchURL("https://b.example")},
		"imin: WithLogger: the logger is nil":                                       {keyfit.WithLogger(nil)},
		"the client of the Firehose: imin: WithBaseURL: the base URL has a query":   {imin.WithFirehoseURL("https://a.example/x?y")},
	} {
		c, err := imin.New(append(opts, keyfit.WithKey("k"))...)
		if c != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAHostWithoutClientSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := imin.FromClient(w.Keyfit())
	if _, err := c.Facets.Get(t.Context()); err != nil {
		t.Error(err)
	}
	w.sent()
	_, err1 := c.Places.List(t.Context(), imin.PlaceQuery{})
	_, err2 := c.Firehose.Datasets().List(t.Context(), "")
	for _, err := range []error{err1, err2} {
		if err == nil || !strings.Contains(err.Error(), "there is no client for") {
			t.Error(err)
		}
	}
	if len(w.sent()) > 0 {
		t.Error("something went out")
	}
	if c.Keyfit() != w.Keyfit() {
		t.Error("Keyfit is another client")
	}
}

func TestProvidersMatchTheMock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.srv.Keys().Issue(mockserver.Imin).Secret.Reveal()
	for _, p := range []keyfit.Provider{keyfit.Imin(), imin.PlacesProvider()} {
		c, err := keyfit.New(p, keyfit.WithKey(key), keyfit.WithHTTPClient(&http.Client{Transport: w.srv.Transport()}))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Probe(t.Context(), keyfit.APIKey(key)); err != nil {
			t.Errorf("%s: %v", p.BaseURL, err)
		}
	}
}
