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
func acme(opts ...keyfit.Option) (*keyfit.Client, *httptest.Server) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"name":"Lorem Fitsum"}`)
	}))
	opts = append(opts, keyfit.WithKey("lf_example-0123456789"), keyfit.WithoutDotEnv())
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Query("api_key")}, opts...)
	if err != nil {
		panic(err)
	}
	return c, srv
}

// OpenTelemetry's transport belongs above the key. One span covers a whole call with its
// retries, and its url.full has no key. As keyfit.WithMiddleware it would be below the key,
// and write this URL's key into the span.
func Example_openTelemetry() {
	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	c, srv := acme(keyfit.WithCallMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(provider))
	}))
	defer srv.Close()

	type item struct{ Name string }
	got, err := keyfit.Get[item](context.Background(), c, "/items", keyfit.Param("page", "2"))
	if err != nil {
		panic(err)
	}

	fmt.Println(got.Name)
	for _, attribute := range spans.Ended()[0].Attributes() {
		if attribute.Key == "url.full" {
			fmt.Println(strings.TrimPrefix(attribute.Value.String(), srv.URL))
		}
	}
	// Output:
	// Lorem Fitsum
	// /items?page=2
}

// A recorder of test fixtures belongs above the key too, for what it writes into its cassette
// is committed. Around the transport of HTTPClient is above the key as well; typed calls are
// recorded with keyfit.WithCallMiddleware.
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

// A recorder that records typed calls in one run of a test and plays them in the next.
func Example_goVCRTypedCalls() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"total":7}`)
	}))
	acme := keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Header("X-Acme-Key")}
	dir, err := os.MkdirTemp("", "cassettes")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cassette := filepath.Join(dir, "rooms")

	for _, mode := range []recorder.Mode{recorder.ModeRecordOnly, recorder.ModeReplayOnly} {
		var record *recorder.Recorder
		var err error
		c, err := keyfit.New(acme, keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithCallMiddleware(func(next http.RoundTripper) http.RoundTripper {
			record, err = recorder.New(cassette, recorder.WithMode(mode), recorder.WithRealTransport(next))
			return record
		}))
		if err != nil {
			panic(err)
		}
		rooms, err := keyfit.Get[struct{ Total int }](context.Background(), c, "/rooms")
		fmt.Println(rooms.Total, err)
		if err := record.Stop(); err != nil {
			panic(err)
		}
		srv.Close() // the second run has the cassette only
	}

	text, err := os.ReadFile(cassette + ".yaml")
	if err != nil {
		panic(err)
	}
	fmt.Println("with the key:", strings.Contains(string(text), "lorem-fitsum"))
	// Output:
	// 7 <nil>
	// 7 <nil>
	// with the key: false
}
