package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// output collects what the example prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func ask(t *testing.T, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %v %s", method, url, resp.StatusCode, err, body)
	}
	return string(body)
}

// until waits for what a goroutine of the example does.
func until(t *testing.T, what string, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !ready(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// The example prints a trace with a retry, serves the metrics of both observers in one registry,
// and on the bad day shows what the alarms look at. No key is in any of it.
func TestTheExampleShowsATraceMetricsAndABadDay(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := new(output)
	s, err := newService(ctx, out)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.oneCall(ctx); err != nil {
		t.Error(err)
	}
	srv := httptest.NewServer(s.handler(ctx))
	defer srv.Close()
	base := srv.URL
	s.work(ctx)
	for _, want := range []string{"keyfit call GET /probe", "\n  GET /probe", "http.request.resend_count=1", "! keyfit.refusal", "! keyfit.wait"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the trace lacks %q:\n%s", want, out)
		}
	}
	metrics := ask(t, http.MethodGet, base+"/metrics")
	for _, want := range []string{"\nhttp_client_request_duration_seconds_bucket{", "\nkeyfit_client_call_duration_seconds_count{", `keyfit_calls_total{client="billing",provider="imkit"}`, `keyfit_circuit_open{client="search",provider="imin"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %q:\n%s", want, metrics)
		}
	}
	ask(t, http.MethodPost, base+"/bad-day")
	ask(t, http.MethodPost, base+"/bad-day")
	for _, want := range []string{
		`keyfit_circuit_open{client="search",provider="imin"} 1`, `keyfit_source_stale{client="customers",provider="optimove"} 1`,
		`keyfit_keys{client="exams",provider="mindkey",state="rejected"} 1`, `keyfit_gate_pause_seconds{client="billing",group="",provider="imkit"} 17`,
	} {
		until(t, want, func() bool { metrics = ask(t, http.MethodGet, base+"/metrics"); return strings.Contains(metrics, want) })
	}
	for name, u := range s.clients {
		for _, key := range []string{u.key.Secret.Reveal(), u.store.cred.Key.Reveal()} {
			for i := 0; i+8 <= len(key); i++ {
				if strings.Contains(out.String()+metrics, key[i:i+8]) {
					t.Fatalf("%q of the key of %s is told", key[i:i+8], name)
				}
			}
		}
	}
	stop()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
