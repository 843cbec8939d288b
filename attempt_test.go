package keyfit_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
)

// A panic below, as in the Proxy function of a transport, gives the attempt's place back.
func TestAPanicOnTheWayGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	var fail atomic.Bool
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		if fail.Load() {
			panic("lorem")
		}
		return nil, nil //nolint:nilnil // no proxy
	}}
	t.Cleanup(transport.CloseIdleConnections)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	p := keyfit.Provider{Name: "target", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key"), Limit: keyfit.Limit{Requests: 1000, Per: time.Minute}}
	c, err := keyfit.New(p, keyfit.WithKey("attempt-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	call := func() {
		defer func() { _ = recover() }()
		_, err := keyfit.Get[struct{}](t.Context(), c, "/")
		if err != nil {
			t.Error(err)
		}
	}
	call()
	fail.Store(true)
	for range 20 {
		call()
	}
	if got := c.Stats().Gate.InFlight; got != 0 {
		t.Errorf("%d attempts in flight after panics, want 0", got)
	}
	if got := c.Keys().Status().Current.InFlight; got != 0 {
		t.Errorf("%d attempts in flight with the key, want 0", got)
	}
}
