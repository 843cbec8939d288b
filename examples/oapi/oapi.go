// Package oapi shows a client that oapi-codegen has generated on top of keyfit: it sends its
// requests through the http.Client of a keyfit.Client, and so has the key, the limit, the
// retries and the rotation of it, without a line about them in the generated code.
//
// It is a separate module, so that other modules do not depend on oapi-codegen's runtime.
package oapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config config.yaml openapi.yaml

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
)

// Acme describes the API of openapi.yaml.
func Acme() keyfit.Provider {
	return keyfit.Provider{
		Name: "acme", BaseURL: "https://api.acme.example/v1", Scheme: keyfit.Header("X-Acme-Key"),
		EnvVar: "ACME_API_KEY", EnvURL: "ACME_BASE_URL", Limit: keyfit.Limit{Requests: 100, Per: time.Second},
	}
}

// New returns the generated client on top of a keyfit.Client, which its caller may rotate and
// observe.
func New(c *keyfit.Client) (*ClientWithResponses, error) {
	return NewClientWithResponses(c.BaseURL(), WithHTTPClient(c.HTTPClient()))
}

// Check returns the typed error of a response of the generated client, or nil if its status is
// good: keyfit.CheckResponse, for the field HTTPResponse of every response type.
func Check(resp *http.Response) error { return keyfit.CheckResponse(resp) }
