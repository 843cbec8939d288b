package interop_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/recorder"

	"github.com/keyfit/keyfit"
)

// acme is an API that takes its key in the URL, where most libraries would record it.
func acme() (*keyfit.Client, *httptest.Server) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"name":"Lorem Fitsum"}`)
	}))
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Query("api_key")}, keyfit.WithKey("lf_example-0123456789"))
	if err != nil {
		panic(err)
	}
	return c, srv
}

// OpenTelemetry's transport belongs above the key: around the transport of HTTPClient. One
// span covers a whole call with its retries, and its url.full has no key. As middleware
// (keyfit.WithMiddleware) it would be below the key, and write this URL's key into the span.
func Example_openTelemetry() {
	c, srv := acme()
	defer srv.Close()
	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))

	traced := &http.Client{Transport: otelhttp.NewTransport(c.HTTPClient().Transport, otelhttp.WithTracerProvider(provider))}

	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, srv.URL+"/items?page=2", nil)
	if err != nil {
		panic(err)
	}
	resp, err := traced.Do(req)
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()

	for _, attribute := range spans.Ended()[0].Attributes() {
		if attribute.Key == "url.full" {
			fmt.Println(strings.TrimPrefix(attribute.Value.String(), srv.URL))
		}
	}
	// Output: /items?page=2
}

// A recorder of test fixtures belongs above the key too: what it writes into its cassette is
// committed. It plays the cassette back without a key.
func Example_goVCR() {
	c, srv := acme()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "cassettes")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cassette := filepath.Join(dir, "items")

	record, err := recorder.New(cassette, recorder.WithMode(recorder.ModeRecordOnly), recorder.WithRealTransport(c.HTTPClient().Transport))
	if err != nil {
		panic(err)
	}
	resp, err := (&http.Client{Transport: record}).Get(srv.URL + "/items?page=2")
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	if err := record.Stop(); err != nil {
		panic(err)
	}

	text, err := os.ReadFile(cassette + ".yaml")
	if err != nil {
		panic(err)
	}
	fmt.Println("recorded:", strings.Contains(string(text), "/items?page=2"))
	fmt.Println("with the key:", strings.Contains(string(text), "lf_example"))
	// Output:
	// recorded: true
	// with the key: false
}
