package keyfitotel

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// error.type has few values: a status, or one of a few words.
func TestFailuresHaveFewNames(t *testing.T) {
	t.Parallel()
	answered := func(status int) *keyfit.APIError { return &keyfit.APIError{Provider: "acme", StatusCode: status} }
	failed := func(err error) error {
		return &keyfit.RequestError{Provider: "acme", StatusCode: 503, Err: err, Last: answered(503)}
	}
	for name, test := range map[string]struct {
		status int
		err    error
		want   string
	}{
		"good":                     {200, nil, ""},
		"not modified":             {304, nil, ""},
		"raw, a status":            {404, nil, "404"},
		"an answer":                {500, answered(500), "500"},
		"a key refused":            {401, &keyfit.InvalidKeyError{APIError: answered(401)}, "401"},
		"no key works":             {0, &keyfit.InvalidKeyError{APIError: answered(401), Unusable: true}, "no_usable_key"},
		"a 429":                    {429, &keyfit.RateLimitError{APIError: answered(429)}, "429"},
		"the gate":                 {0, &keyfit.RateLimitError{APIError: answered(0)}, "rate_limited"},
		"the gate, by a deadline":  {0, &keyfit.RateLimitError{APIError: answered(429), Deadline: true}, "deadline"},
		"canceled after a 503":     {503, failed(fmt.Errorf("the caller: %w", context.Canceled)), "canceled"},
		"late":                     {0, failed(context.DeadlineExceeded), "timeout"},
		"an attempt too long":      {0, failed(keyfit.ErrAttemptTimeout), "timeout"},
		"another origin":           {302, failed(keyfit.ErrCrossOrigin), "not_allowed"},
		"plain http":               {0, failed(keyfit.ErrInsecure), "not_allowed"},
		"too large":                {200, failed(keyfit.ErrTooLarge), "too_large"},
		"no such host":             {0, failed(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "acme.example", IsNotFound: true}}), "dns"},
		"refused":                  {0, failed(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), "connection"},
		"a certificate":            {0, failed(x509.UnknownAuthorityError{}), "tls"},
		"another name":             {0, failed(fmt.Errorf("tls: %w", x509.HostnameError{})), "tls"},
		"no JSON":                  {200, &keyfit.DecodeError{Provider: "acme"}, "decode"},
		"something else":           {0, failed(io.ErrUnexpectedEOF), "_OTHER"},
		"an error of net/http own": {0, &url.Error{Op: "Get", URL: "https://acme.example", Err: context.DeadlineExceeded}, "timeout"},
	} {
		if diff := cmp.Diff(test.want, failure(test.status, test.err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestShortOriginHasNoPortThatTheSchemeHasAnyway(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://api.acme.example:443":  "https://api.acme.example",
		"http://127.0.0.1:80":           "http://127.0.0.1",
		"https://api.acme.example:8443": "https://api.acme.example:8443",
		"http://api.acme.example:443":   "http://api.acme.example:443",
		"https://[2001:db8::1]:443":     "https://[2001:db8::1]",
		"http://[::1]:8080":             "http://[::1]:8080",
		"":                              "://",
	} {
		if got := shortOrigin(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}
