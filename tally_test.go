package keyfit_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// The outage of one key takes nothing from the calls of another, however the keys are given.
func TestTheRetryBudgetIsThatOfOneKey(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]func(c *keyfit.Client, key string) (*keyfit.Client, []keyfit.CallOption){
		"derived clients": func(c *keyfit.Client, key string) (*keyfit.Client, []keyfit.CallOption) {
			d, err := c.With(keyfit.WithKey(key))
			if err != nil {
				t.Fatal(err)
			}
			return d, nil
		},
		"calls": func(c *keyfit.Client, key string) (*keyfit.Client, []keyfit.CallOption) {
			return c, []keyfit.CallOption{keyfit.WithKey(key)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			healthy := 0
			wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				status := http.StatusInternalServerError
				if req.Header.Get("X-Api-Key") == "tenant-lorem-good" {
					if healthy++; healthy%2 == 0 {
						status = http.StatusOK
					}
				}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})
			c := lastingClient(t, wire, keyfit.WithGate(openGate{}))
			bad, ofBad := with(c, "tenant-lorem-bad")
			good, ofGood := with(c, "tenant-lorem-good")
			for range 40 {
				_, _ = keyfit.Get[struct{}](t.Context(), bad, "/x", ofBad...)
			}
			for range 3 { // as many as a second has in any case
				if _, err := keyfit.Get[struct{}](t.Context(), good, "/x", ofGood...); err != nil {
					t.Errorf("the healthy tenant: %v", err)
				}
			}
			all := c.StatsByKey()
			ofKey := func(key string) keyfit.Stats { return all[keyfit.APIKey(key).Fingerprint()] }
			if s := ofKey("tenant-lorem-bad"); s.Requests != 40 || s.Refusals.Budget == 0 || s.Refusals.Unavailable == 0 {
				t.Errorf("the failing tenant's counters are %+v", s)
			}
			want := keyfit.Stats{Requests: 3, Retries: 3, Refusals: keyfit.Refusals{Unavailable: 3}}
			got := ofKey("tenant-lorem-good")
			got.Backoffs, got.Gate = keyfit.Waits{}, keyfit.GateStats{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the healthy tenant (-want +got):\n%s", diff)
			}
			if own, ok := all[keyfit.APIKey("lasting-lorem-fitsum").Fingerprint()]; !ok || own.Requests != 0 || c.Stats().Requests != 0 {
				t.Errorf("the client itself: %+v", own)
			}
		})
	}
}

// A key that is rotated keeps its budget and its counters, under the fingerprint that it has now.
func TestARotatedKeyKeepsItsCounters(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, &sequence{statuses: []int{200}})
	tenant, err := c.With(keyfit.WithSource(keyfit.Static(keyfit.APIKey("tenant-lorem-1"))))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		for range 2 {
			if _, err := keyfit.Get[struct{}](t.Context(), tenant, "/x"); err != nil {
				t.Fatal(err)
			}
		}
		next := keyfit.APIKey(fmt.Sprintf("tenant-lorem-%d", i+2))
		if err := tenant.Keys().Rotate(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		all := c.StatsByKey()
		if got := all[next.Fingerprint()].Requests; got != uint64(2*i+2) || len(all) != 2 {
			t.Errorf("after %d rotations: %d requests of the key in use, %d keys", i+1, got, len(all))
		}
	}
}

// Thousands of tenants cost what they use, and no more: the counters of those that are gone are
// forgotten.
func TestCountersOfManyTenantsAreBounded(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, &sequence{statuses: []int{200}}, keyfit.WithGate(openGate{}))
	for i := range 3000 {
		if _, err := keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithKey(fmt.Sprintf("tenant-lorem-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.StatsByKey()); n < 1024 || n > 2049 {
		t.Errorf("%d keys are counted", n)
	}
}
