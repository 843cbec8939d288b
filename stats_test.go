package keyfit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// script is a transport that answers with the next status of the path's list, and with 200
// when the list is used up. A 429 asks for two seconds.
type script struct {
	mu    sync.Mutex
	paths map[string][]int
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := http.StatusOK
	if next := s.paths[req.URL.Path]; len(next) > 0 {
		status, s.paths[req.URL.Path] = next[0], next[1:]
	}
	body, header := "{}", http.Header{"Content-Type": {"application/json"}}
	switch status {
	case http.StatusTooManyRequests:
		header.Set("Retry-After", "2")
	case http.StatusUnauthorized:
		body = `{"error":"INVALID_API_KEY","message":"Lorem Fitsum"}`
	case http.StatusForbidden:
		body = `{"error":"INSUFFICIENT_PERMISSIONS","message":"Lorem Fitsum"}`
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// scripted returns a client whose provider answers as the script says.
func scripted(t *testing.T, paths map[string][]int, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	p := keyfit.IMKIT("your-app")
	p.Limit = keyfit.Limit{}
	opts = append([]keyfit.Option{
		keyfit.WithKey("stats-lorem-fitsum-key"), keyfit.WithoutDotEnv(),
		keyfit.WithHTTPClient(&http.Client{Transport: &script{paths: paths}}),
	}, opts...)
	c, err := keyfit.New(p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStatsCountWhatAClientHasDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, map[string][]int{
			"/limited": {429}, "/down": {503, 500}, "/key": {401}, "/scope": {403}, "/gone": {404},
			"/spent": {500, 500, 500, 500}, "/busy": {429},
		})
		get := func(ctx context.Context, path string, opts ...keyfit.CallOption) {
			_, _ = keyfit.Get[struct{}](ctx, c, path, opts...)
		}
		for _, path := range []string{"/", "/limited", "/down", "/scope", "/gone", "/key", "/"} {
			get(t.Context(), path)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // fake time: the budget of a new second
		get(t.Context(), "/spent", keyfit.WithRetry(keyfit.RetryPolicy{Budget: 1e-9, MinBackoff: time.Nanosecond, MaxBackoff: time.Nanosecond, MaxAttempts: 9}))
		get(t.Context(), "/busy", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		get(short, "/")
		cancel()
		get(t.Context(), "/", keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: time.Millisecond}))

		got := c.Stats()
		want := keyfit.Stats{
			Requests: 11, Retries: 6,
			Refusals: keyfit.Refusals{Limit: 2, InvalidKey: 1, Permission: 1, Unavailable: 6, Deadline: 1, MaxWait: 1, Budget: 1},
			Backoffs: keyfit.Waits{Count: 5},
			Gate:     keyfit.GateStats{Slots: got.Gate.Slots, Limit: got.Gate.Limit, Learned: true, Bounds: got.Gate.Bounds, Paused: 2 * time.Second, NextTrial: 2 * time.Second, WaitsFor: keyfit.WaitPause},
		}
		if b := got.Backoffs; b.Max <= 0 || b.P50 > b.P99 || b.P99 > b.Max || b.Total < b.Max {
			t.Errorf("backoffs are %+v, want them in order", b)
		}
		// The pause of 2 s, and perhaps some for the window that was learned.
		if w := got.Gate.Waits; w.Count == 0 || w.Max < 2*time.Second || w.P99 < 1860*time.Millisecond || w.P99 > w.Max || w.P50 > w.P99 {
			t.Errorf("waits are %+v, want one of 2s among them", w)
		}
		got.Backoffs, got.Gate.Waits = keyfit.Waits{Count: got.Backoffs.Count}, keyfit.Waits{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if got.Gate.Limit.Requests == 0 || got.Gate.Slots == 0 {
			t.Errorf("after a 429 the gate knows %+v in %d slots, want both", got.Gate.Limit, got.Gate.Slots)
		}
	})
}

func TestStatsShowWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := keyfit.NewGate(keyfit.Limit{Requests: 2, Per: time.Minute})
		c := scripted(t, nil, keyfit.WithGate(g))
		leave, err := g.Enter(t.Context(), keyfit.Entry{Provider: c.Provider().Name})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() {
				_, _ = keyfit.Get[struct{}](t.Context(), c, "/", keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: time.Hour}))
			})
		}
		synctest.Wait()
		limit := keyfit.Limit{Requests: 2, Per: time.Minute}
		want := keyfit.GateStats{
			Waiting: 2, InFlight: 1, Slots: 9, Limit: limit, WaitsFor: keyfit.WaitWindow,
			Bounds: []keyfit.Bound{{Limit: limit, Source: keyfit.BoundPublished, Used: 2}},
		}
		if diff := cmp.Diff(want, c.Stats().Gate); diff != "" {
			t.Errorf("gate (-want +got):\n%s", diff)
		}
		derived, err := c.With(keyfit.WithUserAgent("another"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Stats(), derived.Stats()); diff != "" {
			t.Errorf("a derived client counts apart (-parent +derived):\n%s", diff)
		}
		leave(keyfit.Outcome{StatusCode: 200, Remaining: -1})
		calls.Wait()
		if got := c.Stats().Gate.Waits; got.Count != 2 || got.Max < 59*time.Second {
			t.Errorf("waits are %+v, want two of a minute", got)
		}
	})
}

func TestStatsMayBeReadWhileCallsAreMade(t *testing.T) {
	t.Parallel()
	c := scripted(t, nil)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 50 {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/"); err != nil {
					t.Error(err)
				}
				_ = c.Stats()
			}
		})
	}
	calls.Wait()
	if got := c.Stats().Requests; got != 400 {
		t.Errorf("%d requests are counted, want 400", got)
	}
}

func ExampleClient_Stats() {
	srv := startMock()
	defer srv.Close()
	c, _ := imkitClient(srv)
	for range 3 {
		if _, err := keyfit.Get[users](context.Background(), c, "/admin/clients"); err != nil {
			panic(err)
		}
	}

	stats := c.Stats()
	fmt.Println(stats.Requests, "requests,", stats.Retries, "retries,", stats.Gate.Waits.Count, "waits")
	limit, _ := json.Marshal(stats.Gate.Limit)
	fmt.Println("limit kept:", string(limit))
	// Output:
	// 3 requests, 0 retries, 0 waits
	// limit kept: {"requests":1000,"per_ns":60000000000}
}

// A provider that has not told of its limit is not asked at every answer, and yet heard soon
// when it begins to.
func TestALimitThatAnswersBeginToTellIsHeard(t *testing.T) {
	t.Parallel()
	for _, silent := range []int{0, 10, 500} {
		t.Run(strconv.Itoa(silent), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answers := 0
				wire := httpmock.NewMockTransport()
				wire.RegisterResponder(http.MethodGet, "/things", func(req *http.Request) (*http.Response, error) {
					resp := httpmock.NewStringResponse(http.StatusOK, "{}")
					if answers++; answers > silent {
						resp.Header.Set("X-Ratelimit-Limit", "100000")
						resp.Header.Set("X-Ratelimit-Remaining", "99000")
						resp.Header.Set("X-Ratelimit-Reset", "60")
					}
					return resp, nil
				})
				c, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey("stats-lorem-fitsum-key"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
				if err != nil {
					t.Fatal(err)
				}
				for range silent + 8 {
					if _, err := keyfit.Get[struct{}](t.Context(), c, "/things"); err != nil {
						t.Fatal(err)
					}
				}
				if got := c.Stats().Gate.Limit.Requests; got != 100000 {
					t.Errorf("a limit of %d after 8 answers that tell it, want 100000", got)
				}
			})
		})
	}
}
