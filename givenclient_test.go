package keyfit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// double is a transport of a test, as libraries put it into http.DefaultTransport or a client.
type double struct{}

func (double) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"from":"the double"}`)), Request: req}, nil
}

// A client that is given without a transport uses the one that it has when a request is sent, or
// else http.DefaultTransport: nothing goes to the network that the test has put away.
func TestAGivenClientWithoutTransportIsAsInNetHTTP(t *testing.T) { //nolint:paralleltest // http.DefaultTransport is one for all
	network := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request went to the network") }))
	t.Cleanup(network.Close)
	former, formerClient := http.DefaultTransport, http.DefaultClient
	restore := func() { http.DefaultTransport, http.DefaultClient = former, formerClient }
	t.Cleanup(restore)
	put := func() { http.DefaultTransport = double{} }
	given := func(hc *http.Client) func() *http.Client { return func() *http.Client { return hc } }
	for name, test := range map[string]struct { //nolint:paralleltest // as above
		before, after func(*http.Client)
		client        func() *http.Client
	}{
		"the default client":           {before: func(*http.Client) { put() }, client: given(http.DefaultClient)},
		"a zero client":                {before: func(*http.Client) { put() }, client: given(&http.Client{})},
		"a client with a timeout":      {before: func(*http.Client) { put() }, client: given(&http.Client{Timeout: 1 << 40})},
		"the default, afterwards":      {after: func(*http.Client) { put() }, client: given(&http.Client{})},
		"a transport, before":          {before: func(hc *http.Client) { hc.Transport = double{} }, client: given(&http.Client{})},
		"a transport, afterwards":      {after: func(hc *http.Client) { hc.Transport = double{} }, client: given(&http.Client{})},
		"the transport of the default": {after: func(hc *http.Client) { hc.Transport = double{} }, client: func() *http.Client { http.DefaultClient = &http.Client{}; return http.DefaultClient }},
	} {
		t.Run(name, func(t *testing.T) {
			defer restore()
			hc := test.client()
			if test.before != nil {
				test.before(hc)
			}
			p := keyfit.Provider{Name: "doubled", BaseURL: network.URL, Scheme: keyfit.Header("X-Api-Key")}
			plain, err := keyfit.New(p, keyfit.WithKey("doubled-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithMaxAttempts(1))
			if err != nil {
				t.Fatal(err)
			}
			c, err := plain.With(keyfit.WithHTTPClient(hc))
			if err != nil {
				t.Fatal(err)
			}
			if test.after != nil {
				test.after(hc)
			}
			derived, err := c.With(keyfit.WithMaxAttempts(2))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []*keyfit.Client{c, derived} {
				got, err := keyfit.Get[map[string]string](t.Context(), c, "/x")
				if err != nil || got["from"] != "the double" {
					t.Errorf("%v, %v", got, err)
				}
			}
			c.HTTPClient().CloseIdleConnections()
		})
	}
}

// The usual ways to set up httpmock. With each, nothing reaches the network.
func ExampleWithHTTPClient_httpmock() {
	// A transport of its own: the best way, because tests can run in parallel.
	wire := httpmock.NewMockTransport()
	wire.RegisterResponder(http.MethodGet, "https://api.acme.example/rooms", httpmock.NewStringResponder(200, `{"total":7}`))
	c, err := keyfit.New(acmeForDocs(), keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		panic(err)
	}
	rooms, err := keyfit.Get[struct{ Total int }](context.Background(), c, "/rooms")
	fmt.Println(rooms.Total, err)

	// httpmock.Activate replaces http.DefaultTransport. The client must be told to use it.
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	httpmock.RegisterResponder(http.MethodGet, "https://api.acme.example/rooms", httpmock.NewStringResponder(200, `{"total":8}`))
	if c, err = keyfit.New(acmeForDocs(), keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(http.DefaultClient)); err != nil {
		panic(err)
	}
	rooms, err = keyfit.Get[struct{ Total int }](context.Background(), c, "/rooms")
	fmt.Println(rooms.Total, err)

	// httpmock.ActivateNonDefault changes an http.Client: the one that the client is given, not that
	// of HTTPClient, which is above the key and new each time.
	hc := &http.Client{}
	if c, err = keyfit.New(acmeForDocs(), keyfit.WithKey("test-key-lorem-fitsum"), keyfit.WithHTTPClient(hc)); err != nil {
		panic(err)
	}
	httpmock.ActivateNonDefault(hc)
	rooms, err = keyfit.Get[struct{ Total int }](context.Background(), c, "/rooms")
	fmt.Println(rooms.Total, err)
	// Output:
	// 7 <nil>
	// 8 <nil>
	// 8 <nil>
}

func acmeForDocs() keyfit.Provider {
	return keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: keyfit.Header("X-Acme-Key"), EnvVar: "ACME_API_KEY"}
}
