package contract_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/keyfit/keyfit/mockserver"
)

// epoch is the time at which the examples of the documents are valid.
var epoch = time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)

// document is a vendor's OpenAPI document with its router.
type document struct {
	*openapi3.T
	router routers.Router
}

// load reads and validates p's document.
func load(t *testing.T, p mockserver.Provider) document {
	t.Helper()
	data := mockserver.OpenAPI(p)
	if data == nil {
		t.Skipf("%s has no document yet", p)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	doc.Servers = nil // the mock has another address
	for _, item := range doc.Paths.Map() {
		item.Servers = nil
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return document{doc, router}
}

// checked is a transport that checks every response against the document.
type checked struct {
	t    testing.TB
	doc  document
	base http.RoundTripper
	fold func(path string) string // maps a path to the document's spelling

	// sample, if not 0, is the number of large successful responses per operation
	// that are checked; other tests check all of them.
	sample int

	// requests is set where every request that succeeds must be one that the document
	// allows.
	requests bool

	mu   sync.Mutex
	seen map[string]map[int]int // number of responses by operation and status
}

func newChecked(t *testing.T, doc document, srv *mockserver.Server) *checked {
	t.Helper()
	return &checked{t: t, doc: doc, base: srv.Transport(), fold: func(s string) string { return s }, seen: make(map[string]map[int]int)}
}

// RoundTrip implements http.RoundTripper.
func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.base.RoundTrip(r)
	if err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		c.t.Errorf("%s %s: reading the answer: %v", r.Method, r.URL.Path, err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err := c.check(r, res, body); err != nil {
		c.t.Errorf("%s %s: %d %.300s\n%v", r.Method, r.URL, res.StatusCode, body, err)
	}
	return res, nil
}

// check checks one response against the document. A request for an operation
// that is not in the document must be refused.
func (c *checked) check(r *http.Request, res *http.Response, body []byte) error {
	if res.StatusCode >= 500 {
		return fmt.Errorf("the mock never answers %d by itself", res.StatusCode)
	}
	route, params, err := c.find(r)
	if err != nil {
		switch res.StatusCode {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized, http.StatusForbidden,
			http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			return nil
		}
		return fmt.Errorf("the mock answers an operation that is not in the document: %w", err)
	}
	if n := c.count(route, res.StatusCode); c.sample > 0 && n > c.sample && res.StatusCode < 300 && len(body) > 16<<10 {
		return nil
	}
	if status := route.Operation.Responses.Status(res.StatusCode); status != nil && len(status.Value.Content) == 0 && len(body) > 0 {
		return fmt.Errorf("the document has no content for %d", res.StatusCode)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	if c.requests && res.StatusCode < 300 {
		if err := checkRequest(r, route, params, options); err != nil {
			return fmt.Errorf("the mock accepts what the document does not allow: %w", err)
		}
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
}

// checkRequest checks parameters and body of a request that has been sent. To the mock
// a query parameter without a value is one that was left out.
func checkRequest(r *http.Request, route *routers.Route, params map[string]string, options *openapi3filter.Options) error {
	sent := r.Clone(r.Context())
	sent.Body = http.NoBody
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return err
		}
		sent.Body = body
	}
	query := sent.URL.Query()
	maps.DeleteFunc(query, func(_ string, values []string) bool {
		return !slices.ContainsFunc(values, func(v string) bool { return v != "" })
	})
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: sent, PathParams: params, QueryParams: query, Route: route, Options: options,
	})
}

func (c *checked) find(r *http.Request) (*routers.Route, map[string]string, error) {
	asked := &http.Request{Method: r.Method, URL: &url.URL{Path: c.fold(r.URL.Path), RawQuery: r.URL.RawQuery}, Header: r.Header}
	if r.Method == http.MethodHead {
		asked.Method = http.MethodGet
	}
	return c.doc.router.FindRoute(asked)
}

func (c *checked) count(route *routers.Route, status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	op := route.Method + " " + route.Path
	if c.seen[op] == nil {
		c.seen[op] = make(map[int]int)
	}
	c.seen[op][status]++
	return c.seen[op][status]
}

// succeeded reports whether an operation has answered with 2xx or 3xx.
func (c *checked) succeeded(op string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for status := range c.seen[op] {
		if status < 400 {
			return true
		}
	}
	return false
}

// answer is a response as seen by a client.
type answer struct {
	status int
	body   string
	header http.Header
}

// send sends a request to p through rt and reads the response.
func send(t *testing.T, rt http.RoundTripper, p mockserver.Provider, method, path, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+string(p)+".localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	res, err := rt.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, string(got), res.Header}
}
