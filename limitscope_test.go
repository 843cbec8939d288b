package keyfit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// A fault pauses its own route; the others go on, and a trial finds out that it is over.
func TestAFaultPausesItsOwnRouteInTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := keyfit.NewGate(keyfit.Limit{})
		enter := func(route string, within time.Duration) (func(keyfit.Outcome), error) {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			return g.Enter(ctx, keyfit.Entry{Provider: "p", Route: route})
		}
		passed := keyfit.Outcome{StatusCode: 200, Remaining: -1}
		down := keyfit.Outcome{
			StatusCode: 503, Wait: 24 * time.Hour, Hint: 24 * time.Hour, Remaining: -1, Route: "GET /a",
			Refusal: &keyfit.APIError{Provider: "p", StatusCode: 503},
		}
		leave, err := enter("GET /a", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		leave(down)
		start := time.Now()
		for range 50 {
			leave, err := enter("GET /b", time.Second)
			if err != nil {
				t.Fatalf("another route: %v", err)
			}
			leave(passed)
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("50 calls of another route took %v, want no wait", d)
		}
		_, err = enter("GET /a", time.Second)
		var limited *keyfit.RateLimitError
		if !errors.As(err, &limited) || limited.StatusCode != http.StatusServiceUnavailable || !limited.Deadline {
			t.Errorf("the route itself within 1 s: got %v, want its 503", err)
		}
		stats := g.(interface {
			Stats(provider, key string) keyfit.GateStats
		}).Stats("p", "")
		want := []keyfit.RoutePause{{Route: "GET /a", Paused: 10 * time.Second, NextTrial: 10 * time.Second}}
		if diff := cmp.Diff(want, stats.Routes); diff != "" {
			t.Errorf("Stats (-want +got):\n%s", diff)
		}
		leave, err = enter("GET /a", 15*time.Second) // the trial
		if err != nil {
			t.Fatal(err)
		}
		leave(passed)
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the trial went after %v, want 10 s", d)
		}
		if leave, err = enter("GET /a", time.Second); err != nil {
			t.Fatalf("after a trial that passed: %v", err)
		}
		leave(down)
		g.(interface{ Reset(provider, key string) }).Reset("p", "")
		if leave, err = enter("GET /a", time.Second); err != nil {
			t.Fatalf("after Reset: %v", err)
		}
		leave(passed)
	})
}

// A 403 that is a limit pauses like a 429.
func TestA403ThatIsALimitPausesTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := keyfit.NewGate(keyfit.Limit{})
		enterGate(t, g)(keyfit.Outcome{StatusCode: 403, Limited: true, Wait: time.Minute, Remaining: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := g.Enter(ctx, keyfit.Entry{Provider: "p"})
		var limited *keyfit.RateLimitError
		if !errors.As(err, &limited) || limited.RetryAfter != time.Minute {
			t.Errorf("got %v, want a refusal for a minute", err)
		}
	})
}

// wire answers 200, and counts how many requests are under way at once.
type wire struct {
	mu        sync.Mutex
	now, most int
	sent      map[string]int
	takes     time.Duration
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.now++
	w.most = max(w.most, w.now)
	if w.sent == nil {
		w.sent = map[string]int{}
	}
	w.sent[req.URL.Path]++
	w.mu.Unlock()
	time.Sleep(w.takes) //nolint:forbidigo // fake time
	w.mu.Lock()
	w.now--
	w.mu.Unlock()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader("{}")), Request: req,
	}, nil
}

func wired(t *testing.T, p keyfit.Provider, w *wire, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	c, err := keyfit.New(p, append([]keyfit.Option{
		keyfit.WithKey("limits-lorem-fitsum-key"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: w}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Optimove's transactional mail has a limit of its own: other calls do not use it up.
func TestAGroupOfRoutesHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		c := wired(t, keyfit.Optimove("api4.optimove.net"), w)
		get := func(path string) {
			if _, err := keyfit.Get[struct{}](t.Context(), c, path); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		for range 50 {
			get("/current/general/GetLastDataUpdate")
		}
		for range 10 {
			get("/current/TransactionalMail/SendTransactionalMail")
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("50 calls and 10 mails took %v, want no wait", d)
		}
		get("/current/TransactionalMail/SendTransactionalMail")
		if d := time.Since(start); d != time.Second {
			t.Errorf("the 11th mail went after %v, want 1 s", d)
		}
		get("/current/general/GetLastDataUpdate")
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the 51st call went after %v, want 10 s", d)
		}
	})
}

func TestWithMaxInFlightIsACeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{takes: 10 * time.Millisecond}
		c := wired(t, keyfit.MindKey(), w, keyfit.WithMaxInFlight(3))
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/things"); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if w.most != 3 {
			t.Errorf("%d were in flight at once, want 3", w.most)
		}
	})
	if _, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey("limits-lorem-fitsum-key"), keyfit.WithMaxInFlight(0)); err == nil {
		t.Error("a ceiling of 0 was accepted")
	}
}

// A batch of 5,000 on 1000 a minute, all at once, without a deadline: none is lost, and Stats
// show how far it is.
func TestABatchOfFivePublishedLimitsLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{takes: 5 * time.Millisecond}
		c := wired(t, keyfit.IMKIT("your-app"), w, keyfit.WithPriority(keyfit.PriorityBatch))
		start := time.Now()
		var items sync.WaitGroup
		for range 5000 {
			items.Go(func() {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/admin/clients"); err != nil {
					t.Error(err)
				}
			})
		}
		for minute := range 4 {
			time.Sleep(time.Minute) //nolint:forbidigo // fake time
			synctest.Wait()
			gate := c.Stats().Gate
			if want := 5000 - 1000*(minute+1); gate.Waiting > want || gate.WaitsFor != keyfit.WaitWindow && gate.Waiting > 0 && gate.WaitsFor != keyfit.WaitSlots {
				t.Errorf("after %d minutes %d wait for %q, want at most %d", minute+1, gate.Waiting, gate.WaitsFor, want)
			}
		}
		items.Wait()
		if d := time.Since(start); d > 4*time.Minute+10*time.Second {
			t.Errorf("took %v, want four minutes", d)
		}
	})
}

// A keyring given with a call names a lane, also after a rotation: a new key of a tenant brings
// no fresh quota.
func TestALimitIsThatOfTheRingAlsoAfterARotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keyfit.MindKey()
		p.Limit = keyfit.Limit{Requests: 2, Per: time.Minute}
		c := wired(t, p, &wire{})
		tenant, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("tenant-lorem-fitsum-key-1")))
		if err != nil {
			t.Fatal(err)
		}
		get := func() {
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/things", keyfit.WithSource(tenant)); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		get()
		get()
		if err := tenant.Rotate(t.Context(), keyfit.APIKey("tenant-lorem-fitsum-key-2")); err != nil {
			t.Fatal(err)
		}
		get()
		if d := time.Since(start); d != time.Minute {
			t.Errorf("the third call of the tenant went after %v, want a minute: its limit is used up", d)
		}
	})
}

// Without a deadline no published window makes a call fail: it waits.
func TestACallWithoutADeadlineWaitsForAPublishedWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keyfit.MindKey()
		p.Limit = keyfit.Limit{Requests: 1, Per: time.Hour}
		c := wired(t, p, &wire{})
		start := time.Now()
		for range 3 {
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/things"); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 2*time.Hour {
			t.Errorf("three calls took %v, want two hours", d)
		}
	})
}

// What a call that is turned away is told is what the server has said, not what the limiter
// guesses from it: a program schedules its work by it.
func TestACallThatIsTurnedAwayIsToldTheServersWait(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 3, 9, 10, 12, 30, 200} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			wire := transportFunc(func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}
				if sent++; sent > before {
					resp.StatusCode, resp.Header = http.StatusTooManyRequests, http.Header{"Retry-After": {"90"}}
				}
				return resp, nil
			})
			c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: keyfit.Bearer()},
				keyfit.WithKey("lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
			if err != nil {
				t.Fatal(err)
			}
			for range before {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				_, err := keyfit.Get[struct{}](ctx, c, "/x")
				cancel()
				limited, ok := errors.AsType[*keyfit.RateLimitError](err)
				if !ok || limited.RetryAfter <= 0 || limited.RetryAfter > 90*time.Second {
					t.Errorf("%d calls before, call %d: %v", before, i, err)
				}
				<-time.After(5 * time.Second)
			}
		})
	}
}
