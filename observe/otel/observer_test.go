package keyfitotel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/keyfit/keyfit"
	keyfitotel "github.com/keyfit/keyfit/observe/otel"
)

const (
	planted = "lf_otel-7QmzR4Xk2Lw8-0123456789abcdef"
	second  = "lf_next-5tgb6yhn7ujm-fedcba9876543210"
)

// rig is a client that an observer watches, a provider whose answers the test sets, and what the
// SDK of OpenTelemetry has got.
type rig struct {
	client  *keyfit.Client
	ring    *store
	url     string
	spans   *tracetest.SpanRecorder
	tracers *trace.TracerProvider
	reader  *metric.ManualReader
	watch   *keyfitotel.Observer

	mu   sync.Mutex
	seen []http.Header
}

// store is a source whose key the test sets.
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

// answer is what the provider says, in turn; the last one again and again. It repeats in header and
// body all that it was sent.
type answer struct {
	status int
	header http.Header
}

func newRig(t *testing.T, answers []answer, opts []keyfitotel.Option, more ...keyfit.Option) *rig {
	t.Helper()
	r := &rig{ring: &store{cred: keyfit.APIKey(planted)}, spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		key := req.Header.Get("X-Acme-Key")
		r.mu.Lock()
		a := answers[min(len(r.seen), len(answers)-1)]
		r.seen = append(r.seen, req.Header.Clone())
		r.mu.Unlock()
		maps.Copy(w.Header(), a.header)
		w.Header().Set("X-Request-Id", "req-1")
		w.Header().Set("X-Echo", key+req.URL.String())
		w.Header().Set("Content-Type", "application/json")
		if a.status == 0 { // the old key is refused, the new one accepted
			a.status = 200
			if key == planted {
				a.status = 401
			}
		}
		w.WriteHeader(a.status)
		_, _ = fmt.Fprintf(w, `{"message":"said %s %s"}`, key, req.URL)
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	r.tracers = trace.NewTracerProvider(trace.WithSpanProcessor(r.spans))
	meters := metric.NewMeterProvider(metric.WithReader(r.reader))
	var err error
	r.watch, err = keyfitotel.New(append(opts, keyfitotel.WithTracerProvider(r.tracers), keyfitotel.WithMeterProvider(meters))...)
	if err != nil {
		t.Fatal(err)
	}
	p := keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Header("X-Acme-Key"), Limit: keyfit.Limit{Requests: 100, Per: time.Minute}}
	r.client, err = keyfit.New(p, append(append(more, keyfit.WithSource(r.ring)), r.watch.Options()...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.watch.Observe("one", r.client); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) get(t *testing.T, path string) error {
	t.Helper()
	_, err := keyfit.Get[any](t.Context(), r.client, path, keyfit.WithRoute("GET /rooms/{id}"))
	return err
}

// raw makes a raw request, whose body has the key too.
func (r *rig) raw(t *testing.T, method, path string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(planted))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := r.client.Do(req); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

func (r *rig) collect(t *testing.T) metricdata.ResourceMetrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// points returns the values of all metrics, by name and attributes; of a histogram the count.
func (r *rig) points(t *testing.T) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	at := func(name string, set attribute.Set, v float64) {
		var attrs []string
		for _, kv := range set.ToSlice() {
			attrs = append(attrs, string(kv.Key)+"="+kv.Value.String())
		}
		all[name+"{"+strings.Join(attrs, " ")+"}"] = v
	}
	for _, scope := range r.collect(t).ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					at(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					at(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					at(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					at(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					at(m.Name, p.Attributes, float64(p.Count))
				}
			default:
				t.Errorf("%s is a %T", m.Name, m.Data)
			}
		}
	}
	return all
}

// text is a span on a few lines: name, kind, status, attributes, events.
func text(s trace.ReadOnlySpan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\n", s.Name(), s.SpanKind(), s.Status().Code)
	for _, a := range s.Attributes() {
		fmt.Fprintf(&b, "%s=%s\n", a.Key, a.Value.String())
	}
	for _, e := range s.Events() {
		fmt.Fprintf(&b, "event %s", e.Name)
		for _, a := range e.Attributes {
			fmt.Fprintf(&b, " %s=%s", a.Key, a.Value.String())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// exported is everything that has left the program, as text.
func (r *rig) exported(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, s := range r.spans.Ended() {
		b.WriteString(text(s) + s.Status().Description + "\n")
	}
	for _, v := range []any{tracetest.SpanStubsFromReadOnlySpans(r.spans.Ended()), r.collect(t)} {
		fmt.Fprintf(&b, "%+v\n", v)
		if encoded, err := json.Marshal(v); err == nil {
			b.Write(encoded)
		}
	}
	return b.String()
}
