package interop_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/httptrace/otelhttptrace"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/recorder"

	"github.com/keyfit/keyfit"
)

// recorded returns the names, attributes and events of the ended spans as text.
func recorded(spans *tracetest.SpanRecorder) string {
	var all strings.Builder
	for _, s := range spans.Ended() {
		all.WriteString(s.Name() + " " + s.Status().Description + "\n")
		for _, a := range s.Attributes() {
			all.WriteString(string(a.Key) + "=" + a.Value.String() + "\n")
		}
		for _, e := range s.Events() {
			all.WriteString(e.Name + "\n")
			for _, a := range e.Attributes {
				all.WriteString(string(a.Key) + "=" + a.Value.String() + "\n")
			}
		}
	}
	return all.String()
}

func TestSpansOfOpenTelemetryHaveNoKey(t *testing.T) {
	t.Parallel()
	for name, s := range schemes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t)
			spans := tracetest.NewSpanRecorder()
			provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
			detailed := func(ctx context.Context) *httptrace.ClientTrace {
				return otelhttptrace.NewClientTrace(ctx, otelhttptrace.WithTracerProvider(provider))
			}
			wrap := func(next http.RoundTripper) http.RoundTripper {
				return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(provider), otelhttp.WithClientTrace(detailed))
			}
			ctx, root := provider.Tracer("test").Start(context.Background(), "root")
			c := client(t, s, srv.URL)

			if _, err := keyfit.Get[struct{}](httptrace.WithClientTrace(ctx, detailed(ctx)), c, "/moved"); err != nil {
				t.Fatal(err)
			}
			through(ctx, t, (&http.Client{Transport: wrap(c.HTTPClient().Transport)}).Do, srv.URL+"/moved")
			above := client(t, s, srv.URL, keyfit.WithCallMiddleware(wrap))
			if _, err := keyfit.Get[struct{}](ctx, above, "/moved"); err != nil {
				t.Fatal(err)
			}
			if name != "query" { // as middleware, below the key, it has the URL
				inside := client(t, s, srv.URL, keyfit.WithMiddleware(wrap))
				through(ctx, t, inside.Do, srv.URL+"/moved")
				through(httptrace.WithClientTrace(ctx, detailed(ctx)), t, inside.HTTPClient().Do, srv.URL+"/moved")
			}
			root.End()

			text := recorded(spans)
			if found := leak(text); found != "" {
				t.Errorf("the spans have %s:\n%s", found, text)
			}
			for _, want := range []string{"http.getconn", "http.send", "url.full=" + srv.URL + "/", "header.user-agent"} {
				if !strings.Contains(text, want) {
					t.Errorf("the spans lack %s, which has no key in it:\n%s", want, text)
				}
			}
		})
	}
}

func TestACassetteOfGoVCRHasNoKey(t *testing.T) {
	t.Parallel()
	for name, s := range schemes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t)
			file := filepath.Join(t.TempDir(), "cassette")
			var rec *recorder.Recorder
			taped := func(mode recorder.Mode) *keyfit.Client {
				return client(t, s, srv.URL, keyfit.WithCallMiddleware(func(next http.RoundTripper) http.RoundTripper {
					var err error
					if rec, err = recorder.New(file, recorder.WithMode(mode), recorder.WithRealTransport(next)); err != nil {
						t.Fatal(err)
					}
					return rec
				}))
			}
			calls := func(c *keyfit.Client) (names []string) {
				for _, path := range []string{"/here?page=2", "/moved", "/missing"} {
					got, err := keyfit.Get[struct{ Name string }](t.Context(), c, path)
					if errors.Is(err, keyfit.ErrNotFound) != (path == "/missing") {
						t.Fatalf("%s: %v", path, err)
					}
					names = append(names, got.Name)
				}
				through(t.Context(), t, c.HTTPClient().Do, srv.URL+"/here?page=3")
				if err := rec.Stop(); err != nil {
					t.Fatal(err)
				}
				return names
			}
			recorded := calls(taped(recorder.ModeRecordOnly))
			cassette, err := os.ReadFile(file + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			if found := leak(string(cassette)); found != "" || !strings.Contains(string(cassette), "/here?page=2") {
				t.Errorf("the cassette has %s:\n%s", found, cassette)
			}
			srv.Close()
			if diff := cmp.Diff(recorded, calls(taped(recorder.ModeReplayOnly))); diff != "" {
				t.Errorf("played back without the server (-recorded +played):\n%s", diff)
			}
		})
	}
}
