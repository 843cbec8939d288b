package keyfit_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// The Host of a request is sent if it names the provider's origin, and refused if it does not:
// it is never dropped without a word.
func TestTheHostOfARequestIsSentOrRefused(t *testing.T) {
	t.Parallel()
	const base = "https://lasting.example"
	for name, test := range map[string]struct {
		url, host string
		received  bool
		want      string // what the server sees; "" if nothing is sent
	}{
		"none":                       {url: base + "/x", want: "lasting.example"},
		"none, of a path":            {url: "/x", want: "lasting.example"},
		"that of the URL":            {url: base + "/x", host: "lasting.example", want: "lasting.example"},
		"that of the URL, of a path": {url: "/x", host: "lasting.example", want: "lasting.example"},
		"in other letters":           {url: base + "/x", host: "Lasting.Example", want: "Lasting.Example"},
		"with the port":              {url: base + "/x", host: "lasting.example:443", want: "lasting.example:443"},
		"another port":               {url: base + "/x", host: "lasting.example:8443"},
		"a tenant's":                 {url: base + "/x", host: "tenant.lasting.example"},
		"another's":                  {url: base + "/x", host: "other.example"},
		"another's, of a path":       {url: "/x", host: "other.example"},
		"with a final dot":           {url: base + "/x", host: "lasting.example."},
		"that looks like it":         {url: base + "/x", host: "lastıng.example"},
		"of a request to a server":   {url: "/x", host: "own.example", received: true, want: "lasting.example"},
	} {
		for _, way := range []string{"Do", "HTTPClient"} {
			if way == "HTTPClient" && (test.url == "/x" || test.received) {
				continue // http.Client wants a whole URL
			}
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				got := ""
				c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
					if got = req.Host; got == "" {
						got = req.URL.Host
					}
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
				}))
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, test.url, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if test.host != "" {
					req.Host = test.host
				}
				if test.received {
					req.RequestURI = test.url
				}
				do := c.Do
				if way == "HTTPClient" {
					do = c.HTTPClient().Do
				}
				resp, err := do(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				if diff := cmp.Diff(test.want, got); diff != "" || errors.Is(err, keyfit.ErrCrossOrigin) != (test.want == "") {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			})
		}
	}
	c := lastingClient(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, http.ErrNoLocation }))
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithHeader("host", "lasting.example")); err == nil || errors.Is(err, http.ErrNoLocation) {
		t.Errorf("WithHeader: the error is %v", err)
	}
}
