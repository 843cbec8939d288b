package prom_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/observe/prom"
)

const planted = "lf_prom-7QmzR4Xk2Lw8-0123456789abcdef"

// store is a source whose answer the test sets.
type store struct {
	mu   sync.Mutex
	cred keyfit.Credential
	err  error
}

func (s *store) set(cred keyfit.Credential, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cred, s.err = cred, err
}

func (s *store) Credential(context.Context) (keyfit.Credential, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cred, s.err
}

// answers is a provider that answers each path /STATUS with that status, and repeats in header and
// body all that it was sent.
func answers(t *testing.T, header http.Header) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), header)
		w.Header().Set("X-Echo", r.URL.String()+r.Header.Get("X-Acme-Key"))
		w.Header().Set("Content-Type", "application/json")
		status := 200
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"message":"refused %s"}`, r.Header.Get("X-Acme-Key"))
	}))
	t.Cleanup(srv.Close)
	return srv
}

func client(t *testing.T, base string, src keyfit.Source, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	c, err := keyfit.New(keyfit.Provider{
		Name: "acme", BaseURL: base, Scheme: keyfit.Header("X-Acme-Key"), Limit: keyfit.Limit{Requests: 100, Per: time.Minute},
		LimitGroups: []keyfit.LimitGroup{{Name: "mail", Paths: []string{"/200/mail"}, Limit: keyfit.Limit{Requests: 10, Per: time.Second}}},
	}, append(opts, keyfit.WithSource(src), keyfit.WithMaxAttempts(1))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func collect(t *testing.T, clients map[string]*keyfit.Client) (*prom.Collector, *prometheus.Registry) {
	t.Helper()
	metrics, registry := prom.New(), prometheus.NewPedanticRegistry()
	if err := registry.Register(metrics); err != nil {
		t.Fatal(err)
	}
	for name, c := range clients {
		if err := metrics.Add(name, c); err != nil {
			t.Fatal(err)
		}
	}
	return metrics, registry
}

// scrape returns what Prometheus reads.
func scrape(t *testing.T, from prometheus.Gatherer) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(from, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("the scrape ended with %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// values returns what the series of one client are, by name and by the labels that are not those
// of all: `keys{state="current"}`.
func values(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "client" && l.GetName() != "provider" {
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
			}
			name := strings.TrimPrefix(f.GetName(), "keyfit_") + "{" + strings.Join(labels, ",") + "}"
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetSummary().GetSampleSum()
		}
	}
	return all
}

// only returns the values of the series that begin so and are not 0.
func only(all map[string]float64, prefix string) map[string]float64 {
	some := map[string]float64{}
	for name, v := range all {
		if strings.HasPrefix(name, prefix) && v != 0 {
			some[name] = v
		}
	}
	return some
}

func TestTheNamesFollowTheConventionsOfPrometheus(t *testing.T) {
	t.Parallel()
	srv := answers(t, nil)
	c := client(t, srv.URL, keyfit.Static(keyfit.APIKey(planted)))
	_, _ = keyfit.Get[any](t.Context(), c, "/200")
	_, registry := collect(t, map[string]*keyfit.Client{"one": c})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Each way in which a call ends counts what Stats counts, by the same names.
func TestTheCountsAreThoseOfStats(t *testing.T) {
	t.Parallel()
	for path, cause := range map[string]string{
		"/200": "", "/404": "", "/429": "limit", "/401": "invalid_key", "/403": "permission", "/500": "unavailable", "/503": "unavailable",
	} {
		t.Run(path[1:], func(t *testing.T) {
			t.Parallel()
			c := client(t, answers(t, nil).URL, keyfit.Static(keyfit.APIKey(planted)))
			for range 3 {
				_, _ = keyfit.Get[any](t.Context(), c, path, keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: 1}))
			}
			_, registry := collect(t, map[string]*keyfit.Client{"one": c})
			all, counts, want := values(t, registry), map[string]any{}, map[string]float64{}
			text, err := json.Marshal(c.Stats().Refusals)
			if err == nil {
				err = json.Unmarshal(text, &counts)
			}
			if err != nil {
				t.Fatal(err)
			}
			for cause, n := range counts {
				if n, _ := n.(float64); n != 0 {
					want[fmt.Sprintf("refusals_total{cause=%q}", cause)] = n
				}
			}
			if diff := cmp.Diff(want, only(all, "refusals_total")); diff != "" || all["calls_total{}"] != 3 {
				t.Errorf("%v calls (-want +got)\n%s", all["calls_total{}"], diff)
			}
			if name := fmt.Sprintf("refusals_total{cause=%q}", cause); cause != "" && all[name] < 1 {
				t.Errorf("no %s in %v", name, all)
			}
		})
	}
}

// What an operator asks of the keyring, in each state in which an alarm may be due.
func TestTheStateOfTheKeyring(t *testing.T) {
	t.Parallel()
	ends := time.Date(2031, 5, 17, 0, 0, 0, 0, time.UTC)
	dated := keyfit.APIKey(planted)
	dated.Expires = ends
	next := keyfit.APIKey("lf_next-5tgb6yhn7ujm-fedcba98765432100")
	for name, test := range map[string]struct {
		cred keyfit.Credential
		do   func(*testing.T, *keyfit.Client, *store)
		want map[string]float64
	}{
		"at rest": {cred: keyfit.APIKey(planted), want: map[string]float64{`keys{state="current"}`: 1, `keys{state="previous"}`: 0, `source_stale{}`: 0, `circuit_open{}`: 0, `healthy{}`: 1, `key_generation{}`: 1}},
		"an end":  {cred: dated, want: map[string]float64{`key_expires_timestamp_seconds{state="current"}`: float64(ends.Unix())}},
		"rotated": {cred: keyfit.APIKey(planted), want: map[string]float64{`keys{state="current"}`: 1, `keys{state="previous"}`: 1, `key_generation{}`: 2}, do: func(t *testing.T, c *keyfit.Client, _ *store) {
			t.Helper()
			if err := c.Keys().Rotate(t.Context(), next, keyfit.GracePeriod(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}},
		"the source fails": {cred: keyfit.APIKey(planted), want: map[string]float64{`source_stale{}`: 1, `healthy{}`: 1, `keys{state="current"}`: 1}, do: func(t *testing.T, c *keyfit.Client, s *store) {
			t.Helper()
			s.set(keyfit.Credential{}, errors.New("the store is sealed"))
			if _, err := c.Keys().Reload(t.Context()); err == nil {
				t.Error("the reload did not fail")
			}
		}},
		"refused again and again": {cred: keyfit.APIKey(planted), want: map[string]float64{`circuit_open{}`: 1, `healthy{}`: 0, `circuit_refusals_in_row{}`: 20}, do: func(t *testing.T, c *keyfit.Client, _ *store) {
			t.Helper()
			for range 20 {
				_, _ = keyfit.Get[any](t.Context(), c, "/401")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{cred: test.cred}
			c := client(t, answers(t, nil).URL, s)
			if test.do != nil {
				test.do(t, c, s)
			}
			_, registry := collect(t, map[string]*keyfit.Client{"one": c})
			all, got := values(t, registry), map[string]float64{}
			for name := range test.want {
				if v, there := all[name]; there {
					got[name] = v
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if info := fmt.Sprintf("key_info{fingerprint=%q,state=\"current\"}", c.Keys().Status().Current.Fingerprint); all[info] != 1 {
				t.Errorf("no %s in %v", info, all)
			}
		})
	}
}

// The number of series is one for each client, whatever happens.
func TestTheNumberOfSeriesIsBounded(t *testing.T) {
	t.Parallel()
	header := http.Header{"Ratelimit-Policy": {"a;q=5;w=1, b;q=50;w=60, c;q=500;w=3600, d;q=5000;w=86400"}, "Ratelimit": {"a;r=4;t=1, b;r=49;t=60"}}
	srv := answers(t, header)
	clients := map[string]*keyfit.Client{}
	for i := range 5 {
		clients[fmt.Sprintf("client %d", i)] = client(t, srv.URL, keyfit.Static(keyfit.APIKey(planted)), keyfit.WithGate(openGate{}))
	}
	_, registry := collect(t, clients)
	use := func() {
		for _, c := range clients {
			for _, path := range []string{"/200", "/200/mail", "/404", "/429", "/500", "/503"} {
				_, _ = keyfit.Get[any](t.Context(), c, path)
			}
			cred := keyfit.APIKey(fmt.Sprintf("lf_bound-%s-%d", planted, c.Keys().Status().Current.Generation))
			if err := c.Keys().Rotate(t.Context(), cred, keyfit.GracePeriod(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	use()
	before := strings.Count(scrape(t, registry), "\nkeyfit_")
	for range 20 {
		use()
	}
	if after := strings.Count(scrape(t, registry), "\nkeyfit_"); after != before || after > 5*80 {
		t.Errorf("%d series became %d", before, after)
	}
}

// openGate lets everything pass, and states more limits than a label may have values.
type openGate struct{}

func (openGate) Enter(context.Context, keyfit.Entry) (func(keyfit.Outcome), error) {
	return func(keyfit.Outcome) {}, nil
}

func (openGate) Stats(string, string) keyfit.GateStats {
	s := keyfit.GateStats{Routes: []keyfit.RoutePause{{Route: "GET /200/" + planted}}}
	for i := range 50 {
		s.Bounds = append(s.Bounds, keyfit.Bound{Source: keyfit.BoundHeaders, Limit: keyfit.Limit{Requests: 100 - i, Per: time.Second}, Used: 7})
	}
	return s
}

// Of several limits of one kind the tightest is told.
func TestTheTightestLimitIsTold(t *testing.T) {
	t.Parallel()
	c := client(t, answers(t, nil).URL, keyfit.Static(keyfit.APIKey(planted)), keyfit.WithGate(openGate{}))
	_, registry := collect(t, map[string]*keyfit.Client{"one": c})
	want := map[string]float64{`limit_requests{bound="headers",group=""}`: 51, `limit_used_requests{bound="headers",group=""}`: 7, `limit_period_seconds{bound="headers",group=""}`: 1}
	if diff := cmp.Diff(want, only(values(t, registry), "limit_")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAddRefusesWhatWouldMixTwoClients(t *testing.T) {
	t.Parallel()
	c := client(t, "https://api.acme.example", keyfit.Static(keyfit.APIKey(planted)))
	metrics, registry := collect(t, map[string]*keyfit.Client{"one": c})
	for name, bad := range map[string]struct {
		name   string
		client *keyfit.Client
	}{"twice": {"one", c}, "no client": {"two", nil}, "no name": {"", c}, "not UTF-8": {"\xff", c}} {
		if err := metrics.Add(bad.name, bad.client); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	metrics.Remove("nobody")
	metrics.Remove("one")
	if text := scrape(t, registry); strings.Contains(text, "keyfit_") {
		t.Errorf("a removed client is still told:\n%s", text)
	}
	if err := metrics.Add("one", c); err != nil {
		t.Errorf("a removed name cannot be used again: %v", err)
	}
}

// A scrape may come at any time.
func TestAScrapeMayComeAtAnyTime(t *testing.T) {
	t.Parallel()
	c := client(t, answers(t, nil).URL, keyfit.Static(keyfit.APIKey(planted)))
	metrics, registry := collect(t, map[string]*keyfit.Client{"one": c})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 20 {
				name := fmt.Sprintf("%d-%d", i, n)
				if err := metrics.Add(name, c); err != nil {
					t.Error(err)
				}
				_, _ = keyfit.Get[any](t.Context(), c, "/200")
				if _, err := registry.Gather(); err != nil {
					t.Error(err)
				}
				metrics.Remove(name)
			}
		})
	}
	all.Wait()
}

// A key is planted wherever a caller, a server or a source may put one.
func TestCanaryNoMetricTellsAKey(t *testing.T) {
	t.Parallel()
	cred := keyfit.APIKey(planted)
	cred.Place, cred.Version = "the file /keys/"+planted, planted
	s := &store{cred: cred}
	c := client(t, answers(t, http.Header{"Retry-After": {planted}, "Ratelimit": {planted}}).URL, s)
	_, registry := collect(t, map[string]*keyfit.Client{"one": c})
	for _, path := range []string{"/200", "/401", "/403", "/404", "/429", "/500", "/503"} {
		for _, at := range []string{path + "?key=" + planted, path + "/" + planted} {
			_, _ = keyfit.Get[any](t.Context(), c, at)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(planted))
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := c.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
	}
	s.set(keyfit.Credential{}, errors.New("the store says "+planted))
	_, _ = c.Keys().Reload(t.Context())
	text := scrape(t, registry)
	for i := 0; i+8 <= len(planted); i++ {
		if part := planted[i : i+8]; strings.Contains(text, part) {
			t.Fatalf("%q of the key is in\n%s", part, text)
		}
	}
	if !strings.Contains(text, "keyfit_source_stale") || !strings.Contains(text, `cause="invalid_key"`) {
		t.Errorf("the scrape has nothing to look at:\n%s", text)
	}
}
