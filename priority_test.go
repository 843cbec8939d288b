package keyfit_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyfit/keyfit"
)

// entries is a gate that lets everything pass and keeps what it is asked.
type entries struct {
	asked []keyfit.Entry
	told  []keyfit.Outcome
}

func (g *entries) Enter(_ context.Context, e keyfit.Entry) (func(keyfit.Outcome), error) {
	g.asked = append(g.asked, e)
	return func(o keyfit.Outcome) { g.told = append(g.told, o) }, nil
}

func TestAGateIsToldWhoComes(t *testing.T) {
	t.Parallel()
	const another = "another-lorem-fitsum-key"
	lane := keyfit.APIKey(another).Fingerprint()
	get := func(opts ...keyfit.CallOption) func(*testing.T, *keyfit.Client) {
		return func(t *testing.T, c *keyfit.Client) {
			t.Helper()
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/", opts...); err != nil {
				t.Error(err)
			}
		}
	}
	for name, test := range map[string]struct {
		do   func(*testing.T, *keyfit.Client)
		want keyfit.Entry
	}{
		"a call":            {get(), keyfit.Entry{}},
		"a batch":           {get(keyfit.WithPriority(keyfit.PriorityBatch)), keyfit.Entry{Priority: keyfit.PriorityBatch}},
		"another account":   {get(keyfit.WithKey(another)), keyfit.Entry{Key: lane}},
		"its probe by hand": {get(keyfit.WithKey(another), keyfit.WithPriority(keyfit.PriorityProbe)), keyfit.Entry{Key: lane, Priority: keyfit.PriorityProbe}},
		"a client of batches": {func(t *testing.T, c *keyfit.Client) {
			t.Helper()
			nightly, err := c.With(keyfit.WithPriority(keyfit.PriorityBatch))
			if err != nil {
				t.Fatal(err)
			}
			get()(t, nightly)
		}, keyfit.Entry{Priority: keyfit.PriorityBatch}},
		// The quota belongs to the account: a key that is tried brings no fresh one.
		"a probe": {func(t *testing.T, c *keyfit.Client) {
			t.Helper()
			if err := c.Probe(t.Context(), keyfit.APIKey(another)); err != nil {
				t.Error(err)
			}
		}, keyfit.Entry{Priority: keyfit.PriorityProbe}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var g entries
			c := scripted(t, nil, keyfit.WithGate(&g))
			test.do(t, c)
			test.want.Provider, test.want.Route = c.Provider().Name, "GET /"
			if name == "a probe" {
				test.want.Route = "GET /admin/connection-count"
			}
			if diff := cmp.Diff([]keyfit.Entry{test.want}, g.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// The first retry says when its call began; the second does not.
func TestARetryKeepsItsPlaceOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g entries
		c := scripted(t, map[string][]int{"/": {500, 429, 500}}, keyfit.WithGate(&g))
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		begin := time.Now()
		if _, err := keyfit.Get[struct{}](t.Context(), c, "/"); err != nil {
			t.Fatal(err)
		}
		var since []time.Time
		for _, e := range g.asked {
			since = append(since, e.Since)
		}
		if diff := cmp.Diff([]time.Time{{}, begin, {}, {}}, since); diff != "" {
			t.Errorf("since (-want +got):\n%s", diff)
		}
		if d := time.Since(begin); g.told[1].Hint != 2*time.Second || g.told[1].Wait < g.told[1].Hint {
			t.Errorf("after %v the gate was told %+v, want a hint of 2s and a wait no shorter", d, g.told[1])
		}
	})
}

// badScheme cannot put a key on a request.
type badScheme struct{}

func (badScheme) Apply(*http.Request, keyfit.Credential) error { return context.Canceled }

func TestAGateHearsThatARequestWasNeverSent(t *testing.T) {
	t.Parallel()
	var g entries
	p := keyfit.IMKIT("your-app")
	p.Scheme = badScheme{}
	c, err := keyfit.New(p, keyfit.WithKey("lorem-fitsum-key"), keyfit.WithoutDotEnv(), keyfit.WithGate(&g))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/"); err == nil {
		t.Error("no error, want one of the scheme")
	}
	if diff := cmp.Diff([]keyfit.Outcome{{Unsent: true, Remaining: -1}}, g.told, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
