package keyfit_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// The functions below hold the Go blocks of docs/timeouts.md and docs/testing.md, word for word;
// a test compares, others run them.

type (
	Report struct{ ID int }
	Rooms  struct{ Total int }
)

func docsTimeouts(ctx context.Context, acme keyfit.Provider) error {
	c, err := keyfit.New(acme, keyfit.WithTimeout(5*time.Second), keyfit.WithMaxAttempts(3))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	report, err := keyfit.Get[Report](ctx, c, "/reports/7", keyfit.WithTimeout(30*time.Second))
	if err == nil && report.ID != 7 {
		err = errors.New("another report")
	}
	return err
}

func docsWhose(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "the time of the caller is over, or too short for the wait"
	case errors.Is(err, keyfit.ErrAttemptTimeout):
		return "the provider was too slow, and another attempt was not possible"
	case errors.Is(err, keyfit.ErrRateLimited):
		return "the limit is used up, and the wait does not fit MaxWait"
	}
	return ""
}

func docsRule(acme keyfit.Provider) (*keyfit.Client, error) {
	policy := keyfit.RetryPolicy{Retry: func(a keyfit.Attempt) bool {
		var refused *keyfit.APIError
		if errors.As(a.Err, &refused) && refused.Code == "INDEX_REBUILDING" {
			return true
		}
		return a.Again // what would be done without the rule
	}}
	c, err := keyfit.New(acme, keyfit.WithRetry(policy))
	return c, err
}

func docsHistory(err error, schedule func(time.Duration)) {
	var refused *keyfit.APIError
	if errors.As(err, &refused) && refused.RetryAfter > 0 {
		schedule(refused.RetryAfter)
	}
	for _, attempt := range refused.History {
		log.Println(attempt) // attempt 1: 503 Service Unavailable after 12ms
	}
}

type docsHistogram map[string]int

func (h docsHistogram) Observe(route string, status int, _ float64) { h[route] += status }

func docsMetrics(ctx context.Context, c *keyfit.Client, seconds docsHistogram) (Rooms, error) {
	metrics := keyfit.WithHooks(keyfit.Hooks{Call: func(_ context.Context, e keyfit.CallEvent) {
		seconds.Observe(e.Route, e.StatusCode, e.Duration.Seconds())
	}})
	c, err := c.With(metrics)
	if err != nil {
		return Rooms{}, err
	}
	rooms, err := keyfit.Get[Rooms](ctx, c, "/rooms/7/members", keyfit.WithRoute("GET /rooms/{room}/members"))
	return rooms, err
}

// What docs/timeouts.md says happens.
func TestDocsOfTimeoutsAndRetries(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked++
		switch req.URL.Path {
		case "/reports/7":
			_, _ = io.WriteString(w, `{"id":7}`)
		case "/index":
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"error":"INDEX_REBUILDING"}`)
		case "/busy":
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, `{"total":7}`)
		}
	}))
	t.Cleanup(srv.Close)
	acme := acmeForDocs()
	acme.BaseURL = srv.URL
	t.Setenv(acme.EnvVar, "test-key-lorem-fitsum")
	if err := docsTimeouts(t.Context(), acme); err != nil {
		t.Error(err)
	}
	c, err := docsRule(acme)
	if err != nil {
		t.Fatal(err)
	}
	asked = 0
	_, err = keyfit.Get[struct{}](t.Context(), c, "/index", keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	if !errors.Is(err, keyfit.ErrConflict) || asked != 4 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	var scheduled time.Duration
	_, err = keyfit.Get[struct{}](t.Context(), c, "/busy")
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	docsHistory(err, func(d time.Duration) { scheduled = d })
	if scheduled != 2*time.Minute {
		t.Errorf("scheduled after %s", scheduled)
	}
	seconds := docsHistogram{}
	plain, err := keyfit.New(acme)
	if err != nil {
		t.Fatal(err)
	}
	if rooms, err := docsMetrics(t.Context(), plain, seconds); err != nil || rooms.Total != 7 || seconds["GET /rooms/{room}/members"] != 200 {
		t.Errorf("%v, %v, %v", rooms, err, seconds)
	}
	for err, want := range map[error]string{
		keyfit.ErrAttemptTimeout: "slow", context.DeadlineExceeded: "caller", &keyfit.RateLimitError{APIError: &keyfit.APIError{}}: "MaxWait",
	} {
		if got := docsWhose(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// What docs/testing.md says keeps requests off the network does so.
func TestDocsOfTesting(t *testing.T) { // http.DefaultTransport is one for all
	acme := acmeForDocs()
	t.Setenv(acme.EnvVar, "test-key-lorem-fitsum")
	total := func(c *keyfit.Client, want int) {
		t.Helper()
		rooms, err := keyfit.Get[Rooms](t.Context(), c, "/rooms")
		if err != nil || rooms.Total != want {
			t.Errorf("%+v, %v; want %d", rooms, err, want)
		}
	}
	func() {
		wire := httpmock.NewMockTransport()
		wire.RegisterResponder(http.MethodGet, "https://api.acme.example/rooms", httpmock.NewStringResponder(200, `{"total":7}`))
		c, err := keyfit.New(acme, keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			t.Fatal(err)
		}
		total(c, 7)
	}()
	func() {
		httpmock.Activate()
		defer httpmock.DeactivateAndReset()
		httpmock.RegisterResponder(http.MethodGet, "https://api.acme.example/rooms", httpmock.NewStringResponder(200, `{"total":8}`))
		c, err := keyfit.New(acme, keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(http.DefaultClient))
		if err != nil {
			t.Fatal(err)
		}
		total(c, 8)
	}()
	func() {
		hc := &http.Client{}
		c, err := keyfit.New(acme, keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(hc))
		if err != nil {
			t.Fatal(err)
		}
		httpmock.ActivateNonDefault(hc)
		defer httpmock.DeactivateAndReset()
		httpmock.RegisterResponder(http.MethodGet, "https://api.acme.example/rooms", httpmock.NewStringResponder(200, `{"total":9}`))
		total(c, 9)
	}()
	func() {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Acme-Key") != "test-key-lorem-fitsum" {
				http.Error(w, `{"error":"INVALID_API_KEY"}`, http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, `{"total":9}`)
		}))
		defer srv.Close()
		c, err := keyfit.New(acme, keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithBaseURL(srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		total(c, 9)
	}()
	synctest.Test(t, func(t *testing.T) {
		answers := []int{503, 200}
		wire := httpmock.NewMockTransport()
		wire.RegisterResponder(http.MethodGet, "https://api.acme.example/rooms", func(*http.Request) (*http.Response, error) {
			status := answers[0]
			answers = answers[1:]
			return httpmock.NewStringResponse(status, `{"total":7}`), nil
		})
		c, err := keyfit.New(acme, keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			t.Fatal(err)
		}
		rooms, err := keyfit.Get[Rooms](t.Context(), c, "/rooms") // waits up to 250 ms, which take no time
		if err != nil || rooms.Total != 7 {
			t.Errorf("%+v, %v", rooms, err)
		}
	})
}

// The recipes for the mock in docs/testing.md.
func TestDocsOfTheMocksRecipes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := mockserver.New(t)
		key := mock.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
		c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithKey(key.Secret.Reveal()), keyfit.WithBaseURL("https://imkit.localhost"),
			keyfit.WithHTTPClient(&http.Client{Transport: mock.Transport()}))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 3 {
			if _, err := keyfit.Get[any](t.Context(), c, "/admin/connection-count"); err != nil {
				t.Error(err)
			}
		}
		if waited := time.Since(began); waited < 2*time.Minute || waited > 3*time.Minute { // of the bubble
			t.Errorf("waited %s", waited)
		}
	})
	mock := mockserver.New(t)
	key := mock.Keys().Issue(mockserver.IMKIT, mockserver.Lasting())
	err := mock.SaveSnapshot("seeded")
	// a test changes data, clock, keys and faults
	err = errors.Join(err, mock.RestoreSnapshot("seeded"))
	err = errors.Join(err, mock.Reset(mockserver.KeepData))
	if err != nil {
		t.Fatal(err)
	}
	c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithKey(key.Secret.Reveal()), keyfit.WithBaseURL("https://imkit.localhost"),
		keyfit.WithHTTPClient(&http.Client{Transport: mock.Transport()}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = keyfit.Get[any](t.Context(), c, "/admin/clients", keyfit.Param("limit", "50")); err != nil {
		t.Fatal(err)
	}
	if _, err = keyfit.Send[any](t.Context(), c, http.MethodPost, "/admin/clients", map[string]string{"_id": "ann", "nickname": "Ann"}); err != nil {
		t.Fatal(err)
	}
	list := mockserver.Match{Method: http.MethodGet, Path: "/admin/clients", Query: map[string]string{"limit": "50"}}
	add := mockserver.Match{Method: http.MethodPost, Path: "/admin/clients", Body: map[string]any{"nickname": "Ann"}}
	mock.ExpectTimes(t, list, mockserver.AtMost(2))
	mock.ExpectInOrder(t, list, add)
	for _, x := range mock.Requests(add) {
		t.Logf("%s\nanswered %d in %s: %s", x.Curl(), x.Status, x.Duration, x.ResponseBody)
	}
	mock.Inject(mockserver.Match{}, mockserver.Status(503, `{"error":"busy"}`).With("Retry-After", "5"), mockserver.First(1))
	mock.Inject(mockserver.Match{}, mockserver.Status(502, "<html>").With("Content-Type", "text/html"), mockserver.After(1))
	if n := len(mock.Injections()); n != 2 {
		t.Errorf("%d faults", n)
	}
}

func TestEveryGoBlockOfTheDocsIsRun(t *testing.T) {
	t.Parallel()
	normal := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	run := normal(readText(t, "docs_calls_test.go") + readText(t, "interop/example_test.go"))
	for _, page := range []string{"docs/timeouts.md", "docs/testing.md"} {
		blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readText(t, page), -1)
		if len(blocks) < 5 {
			t.Fatalf("found %d Go blocks in %s, want at least 5: is the pattern right?", len(blocks), page)
		}
		for _, block := range blocks {
			if !strings.Contains(run, normal(block[1])) {
				t.Errorf("this block of %s is in no test:\n%s", page, block[1])
			}
		}
	}
}
