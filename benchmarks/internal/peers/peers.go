// Package peers wraps keyfit and the libraries that it is compared with in one small
// interface. Each library has its own file and is configured as its documentation shows, so
// that the comparison reflects typical use.
package peers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/keyfit/keyfit"
)

// KeyHeader is the header that carries the key if Config.Place is InHeader, in the spelling
// that vendors document.
const KeyHeader = "X-API-KEY"

// KeyParam is the query parameter that carries the key if Config.Place is InQuery.
const KeyParam = "api_key"

// DefaultRetries is the configured number of retries of each library, unless a workload sets
// another one. The conditions for a retry are those of the library.
const DefaultRetries = 3

// retry401Wait is the first backoff of libraries that are configured to retry a 401.
const retry401Wait = 5 * time.Millisecond

// Place is the place of the key in a request.
type Place int

// The places of a key.
const (
	InHeader        Place = iota // X-API-KEY: k
	InAuthorization              // Authorization: Bearer k
	InQuery                      // ?api_key=k
	placeless                    // set by the library itself
)

// Config is the configuration of a client. The zero value of a field selects the library's
// default.
type Config struct {
	BaseURL string
	// Key returns the current key. If Rotates is set, it is called for every attempt, provided
	// that the library supports that.
	Key     func() string
	Rotates bool
	Place   Place
	// Transport replaces the library's own connection pool; nil keeps it.
	Transport http.RoundTripper
	// Retries is the number of attempts after the first. keyfit always uses its default, 3,
	// because only the other libraries need more.
	Retries int
	// Retry401 makes the library retry a 401, if it has a setting for that.
	Retry401 bool
	// HTTPSOnly keeps the library's default rule for plain http. All other workloads use
	// loopback without TLS and configure the libraries to allow it.
	HTTPSOnly bool
	// Limit is the published limit, for keyfit only; zero if unknown.
	Limit keyfit.Limit
	// Log receives the library's log at its most verbose documented level; nil means no log.
	Log io.Writer
}

// Client is a client of a library.
type Client interface {
	// Call makes one call and reads the whole response.
	Call(ctx context.Context, method, path string, body []byte) Answer
	// Dump returns the library's client object formatted with %+v.
	Dump() string
}

// Rotator is a Client that is notified of a new key, in addition to Config.Key.
type Rotator interface {
	Rotate(ctx context.Context, key string) error
}

// Answer is the outcome of a call as seen by the caller.
type Answer struct {
	Status     int           // status of the response or in the error; 0 if unknown
	RetryAfter time.Duration // wait in a header of the response or in the error
	Err        error
}

// OK reports whether the call succeeded.
func (a Answer) OK() bool { return a.Err == nil && a.Status >= 200 && a.Status < 300 }

// Peer is one library.
type Peer struct {
	Name   string
	Module string // path of the module; "" for the standard library and keyfit
	// Retries reports whether the library retries calls.
	Retries bool
	// Retries401 reports whether the library can be configured to retry a 401.
	Retries401 bool
	New        func(Config) (Client, error)
}

// All returns every peer, keyfit first and net/http second.
func All() []Peer {
	return []Peer{
		Keyfit(), NetHTTP(), RetryableHTTP(), Resty(), Azcore(), OpenAI(), AWS(), Failsafe(),
	}
}

// newRequest builds the request for libraries that accept one of net/http.
func newRequest(ctx context.Context, cfg *Config, method, path string, body []byte) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, cfg.BaseURL+path, r)
	if err != nil {
		return nil, err
	}
	cfg.attach(req)
	return req, nil
}

// agent is the User-Agent of libraries that set none themselves.
const agent = "benchmarks/0"

// attach sets the current key and the User-Agent of a request.
func (c *Config) attach(req *http.Request) {
	if c.Place != placeless {
		req.Header.Set("User-Agent", agent)
	}
	switch c.Place {
	case InHeader:
		req.Header.Set(KeyHeader, c.Key())
	case InAuthorization:
		req.Header.Set("Authorization", "Bearer "+c.Key())
	case InQuery:
		query := req.URL.Query()
		query.Set(KeyParam, c.Key())
		req.URL.RawQuery = query.Encode()
	case placeless:
	}
}

// httpClient returns the http.Client for libraries that accept one.
func (c *Config) httpClient() *http.Client { return &http.Client{Transport: c.Transport} }

// maxErrorBody is how much of an error body a careful caller reads in order to reuse the
// connection.
const maxErrorBody = 4 << 10

// readResponse reads the response of a library that returns an *http.Response.
func readResponse(resp *http.Response, err error) Answer {
	a := Answer{Err: err}
	if resp == nil {
		return a
	}
	a.Status, a.RetryAfter = resp.StatusCode, retryAfter(resp.Header)
	if resp.Body == nil {
		return a
	}
	body := io.Reader(resp.Body)
	if resp.StatusCode >= http.StatusBadRequest {
		body = io.LimitReader(body, maxErrorBody)
	}
	if _, readErr := io.Copy(io.Discard, body); a.Err == nil {
		a.Err = readErr
	}
	if closeErr := resp.Body.Close(); a.Err == nil {
		a.Err = closeErr
	}
	return a
}

// retryAfter returns the wait in a response header.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	seconds, err := strconv.Atoi(value)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// freshKey is an http.RoundTripper that replaces the key of every attempt by the current one.
type freshKey struct {
	cfg  *Config
	next http.RoundTripper
}

func (f freshKey) RoundTrip(req *http.Request) (*http.Response, error) {
	fresh := req.Clone(req.Context())
	f.cfg.attach(fresh)
	next := f.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(fresh)
}

// base parses the base URL, for libraries that need it separately.
func (c *Config) base() (*url.URL, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, err
	}
	if u.Host == "" {
		return nil, errors.New("the base URL has no host")
	}
	return u, nil
}
