// Package peers puts keyfit and the libraries that it is measured against behind one small
// interface. Each has a file of its own and is set up as its documentation shows, so that
// what is compared is what a user would get.
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

// KeyHeader is the header that carries the key when Config.Place is InHeader, written as
// vendors write it, and so their users.
const KeyHeader = "X-API-KEY"

// KeyParam is the query parameter that carries the key when Config.Place is InQuery.
const KeyParam = "api_key"

// DefaultRetries is how often each library is told to try again, where a workload does not
// say otherwise. What a library has no retries for, it does not get here either.
const DefaultRetries = 3

// retry401Wait is the first wait of those who are told to try a refused key again.
const retry401Wait = 5 * time.Millisecond

// Place says where the key goes in a request.
type Place int

// The places for a key.
const (
	InHeader        Place = iota // X-API-KEY: k
	InAuthorization              // Authorization: Bearer k
	InQuery                      // ?api_key=k
	placeless                    // by the library, on the way
)

// Config is what a workload asks of a client. The zero value of a field is the library's
// own default.
type Config struct {
	BaseURL string
	// Key returns the key to use. It is asked at every attempt where the library has a
	// place for that, and Rotates says that it matters.
	Key     func() string
	Rotates bool
	Place   Place
	// Transport replaces the library's own connection pool; nil keeps that.
	Transport http.RoundTripper
	// Retries is how many tries may follow the first. Keyfit keeps its own default, of 3,
	// whatever is asked for here: it is the others who need more of them.
	Retries int
	// Retry401 has a refused key tried again, where the library has a setting for that.
	Retry401 bool
	// HTTPSOnly leaves the library's own rule on plain http in force. Everything else here
	// is on loopback without TLS, and says so to the libraries that ask.
	HTTPSOnly bool
	// Limit is the published limit, for who can use it; zero if it is not known.
	Limit keyfit.Limit
	// Log gets what the library logs, at its most talkative documented level; nil: no log.
	Log io.Writer
}

// Client is a library's client, ready to call.
type Client interface {
	// Call makes one call and reads the answer to its end.
	Call(ctx context.Context, method, path string, body []byte) Answer
	// Inside returns what %+v prints of the library's client object.
	Inside() string
}

// Rotator is a Client that is told of a new key, beside finding it in Config.Key.
type Rotator interface {
	Rotate(ctx context.Context, key string) error
}

// Answer is what a caller of the library gets to see of a call.
type Answer struct {
	Status     int           // of the answer, or by a field of the error; 0: neither has one
	RetryAfter time.Duration // how long to wait, by a header of the answer or a field of the error
	Err        error
}

// OK reports whether the call did what it was to do.
func (a Answer) OK() bool { return a.Err == nil && a.Status >= 200 && a.Status < 300 }

// Peer is one library.
type Peer struct {
	Name   string
	Module string // the path of its module; "" for the standard library and keyfit
	// Retries reports whether it tries a call again at all.
	Retries bool
	// Retries401 reports whether it can be told to try a refused key again.
	Retries401 bool
	New        func(Config) (Client, error)
}

// All returns every peer, keyfit first and net/http second.
func All() []Peer {
	return []Peer{
		Keyfit(), NetHTTP(), RetryableHTTP(), Resty(), Azcore(), OpenAI(), AWS(), Failsafe(),
	}
}

// newRequest builds the request of the libraries that take one of net/http's.
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

// agent is what a request says of who calls, where the library says nothing itself.
const agent = "benchmarks/0"

// attach puts the current key on a request, and who calls.
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

// httpClient returns the http.Client for a library that takes one.
func (c *Config) httpClient() *http.Client { return &http.Client{Transport: c.Transport} }

// maxErrorBody is how much of an error's body a careful caller reads, who wants the
// connection back.
const maxErrorBody = 4 << 10

// readResponse ends a call of a library that hands out an *http.Response.
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

// retryAfter is what a caller can read in the header of an answer that was handed out.
func retryAfter(h http.Header) time.Duration {
	said := h.Get("Retry-After")
	if said == "" {
		return 0
	}
	seconds, err := strconv.Atoi(said)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// freshKey is an http.RoundTripper that puts the current key on every attempt, in the
// place of the one that the request came with.
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

// base parses the base URL, for the libraries that want it apart.
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
