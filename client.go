package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/redact"
)

// Version is the version of this module. The default User-Agent contains it.
const Version = "0.1.0"

const (
	defaultMaxBody   = 10 << 20
	defaultUserAgent = "keyfit/" + Version
)

// Client calls one provider with the keys of one account. Create it once and reuse it: it
// holds the connection pool, the gate that enforces the provider's limit for the whole
// program, and the [Keyring]. A Client is immutable and safe for concurrent use.
// [Client.With] derives a client that shares all three.
//
// Typed calls are functions, because methods have no type parameters: [Get], [Send],
// [Items], [Pages]. Raw requests use [Client.Do], other libraries [Client.HTTPClient].
type Client struct {
	provider Provider
	base     *url.URL
	origin   string // of base, for events
	keysOf   string // the .env file whose keys alone may go there; "" if any may
	ignored  string // which base URL of a .env file is not used, and why; "" if none
	ring     *Keyring
	memory   *keyMemory // shared with the clients that are derived
	gate     Gate
	clock    clock.Clock
	tally    *tally
	tallies  *tallies // shared with the clients that are derived
	policy   RetryPolicy
	maxBody  int64
	obs      observer
	priority Priority
	config   hidden[config]
	pool     hidden[http.RoundTripper]
	loop     hidden[loop]
	around   hidden[http.RoundTripper] // the middleware of calls; nil if there is none

	gateLag time.Duration // how much later the gate's clock started
}

// New returns a client of a provider. The key comes from [WithKey] or [WithSource],
// otherwise from the provider's environment variable, otherwise from .env. If none of them
// has a key, the error is a [*NoKeyError]. An invalid provider, base URL or option is an
// error too. New sends nothing to the provider.
func New(p Provider, opts ...Option) (*Client, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	cfg := config{dotenv: ".env", maxBody: defaultMaxBody, userAgent: defaultUserAgent}
	if err := cfg.apply(opts); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	product, err := cfg.rename(&p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	c := &Client{provider: p, clock: clock.Start(), tallies: new(tallies), memory: newKeyMemory(p.Scheme)}
	base, err := cfg.base(&p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	if err := c.settleBase(&cfg, base); err != nil {
		return nil, err
	}
	if err := c.configure(cfg); err != nil {
		return nil, err
	}
	c.reportDotEnv(&cfg, base)
	c.reportShared(&cfg, product)
	return c, nil
}

// With returns a client that differs in the given options and shares the rest: pool,
// gate, keyring, retry budget and counters. Another key comes with its own of all but the pool,
// another HTTP client with another pool. The provider and its origin cannot change. A
// shared keyring keeps the hooks and the logger that it was created with, so [Hooks.Key]
// and key events in the log cannot be added here.
func (c *Client) With(opts ...Option) (*Client, error) {
	own := c.config()
	cfg := own
	cfg.given, cfg.ring, cfg.keys, cfg.gate, cfg.limit = nil, nil, nil, nil, nil
	cfg.middleware, cfg.ringOptions = slices.Clip(cfg.middleware), slices.Clip(cfg.ringOptions)
	cfg.around = slices.Clip(cfg.around)
	if err := cfg.apply(opts); err != nil {
		return nil, fmt.Errorf("%s: %w", c.provider.Name, err)
	}
	for _, given := range cfg.given {
		if given == "WithBaseURL" || given == "WithDotEnv" || given == "WithoutDotEnv" || given == "WithEnvPrefix" {
			return nil, fmt.Errorf("%s: %s is for New: a derived client keeps origin and key", c.provider.Name, given)
		}
	}
	d := *c
	if cfg.ring != nil || cfg.keys != nil {
		d.ring, d.gate, d.tally = nil, nil, nil
	} else if cfg.limit != nil || cfg.maxInFlight != own.maxInFlight {
		d.gate = nil
	}
	if d.ring != nil && len(cfg.ringOptions) > len(own.ringOptions) {
		return nil, fmt.Errorf("%s: %s configures a new keyring: a derived client keeps that of its parent, unless it is given a key", c.provider.Name, cfg.ringOptions[len(own.ringOptions)].name)
	}
	if cfg.http != own.http {
		d.pool = nil
	}
	if cfg.limit == nil {
		cfg.limit = own.limit // for the gate of another key
	}
	if err := d.configure(cfg); err != nil {
		return nil, err
	}
	if d.ring != c.ring {
		if err := d.mayCarry(d.ring); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

func (cfg *config) apply(opts []Option) error {
	inherited := len(cfg.ringOptions)
	for _, opt := range opts {
		if opt == nil {
			return errors.New("an option is nil")
		}
		if err := opt.applyClient(cfg); err != nil {
			return err
		}
	}
	if cfg.ring != nil && len(cfg.ringOptions) > inherited {
		return fmt.Errorf("the option %s configures a keyring that the client creates: the one given with WithSource has its own options", cfg.ringOptions[inherited].name)
	}
	return nil
}

// configure creates what the client lacks, and the stack above it.
func (c *Client) configure(cfg config) error {
	c.origin = originOf(c.base).String()
	c.config, c.maxBody, c.obs, c.priority = hide(cfg), cfg.maxBody, cfg.observer, cfg.priority
	if c.base.Scheme != "https" && !cfg.allowHTTP && !isLoopback(c.base.Hostname()) {
		return fmt.Errorf("%s: %w: the base URL is not https; WithAllowHTTP allows it", c.provider.Name, ErrInsecure)
	}
	var err error
	if c.policy, err = cfg.policy.withDefaults(); err != nil {
		return err
	}
	if cfg.http != nil && c.policy.AttemptTimeout == 0 {
		c.policy.AttemptTimeout = cfg.http.Timeout
	}
	if c.ring == nil {
		if c.ring, err = c.newRing(cfg, ""); err != nil {
			return c.named(err)
		}
	}
	if err := c.suits(c.ring); err != nil {
		return err
	}
	c.memory.know(c.ring)
	if cfg.gate != nil {
		c.gate = cfg.gate
	}
	if c.gate == nil {
		c.gate = newGate(cfg.limitOr(c.provider.Limit), c.provider.LimitGroups, cfg.maxInFlight)
	}
	if c.tally == nil {
		c.tally = c.ownTally()
	}
	if c.pool == nil {
		c.pool = hide(newPool(cfg.http, cfg.httpGiven))
	}
	stack := c.newStack(cfg)
	c.loop, c.around = hide(stack), aroundCalls(stack, cfg.around)
	if own, ok := c.gate.(*gate); ok {
		c.gateLag = own.clock().Lag(c.clock)
	}
	return nil
}

func (cfg *config) limitOr(published Limit) Limit {
	if cfg.limit != nil {
		return *cfg.limit
	}
	return published
}

// newRing returns the ring that the caller gave, or a new one. dotenv is the .env file that has
// a base URL for its own keys; "" for none.
func (c *Client) newRing(cfg config, dotenv string) (*Keyring, error) {
	if cfg.ring != nil {
		return cfg.ring, nil
	}
	obs := cfg.observer
	ofDotEnv := keyringOption{"the base URL of .env", func(k *keyringConfig) error { k.dotenv = dotenv; return nil }}
	opts := []KeyringOption{ForProvider(c.provider), WithHooks(Hooks{Key: obs.key}), ofDotEnv}
	if c.provider.Probe != "" {
		opts = append(opts, Verify(c.Probe))
	}
	for _, given := range cfg.ringOptions {
		opts = append(opts, given)
	}
	return NewKeyring(context.Background(), cfg.keySource(&c.provider), opts...)
}

// named adds the provider's name to an error.
func (c *Client) named(err error) error {
	if none, ok := errors.AsType[*NoKeyError](err); ok {
		none.Provider = c.provider.Name
		return none
	}
	return fmt.Errorf("%s: %w", c.provider.Name, err)
}

// newStack assembles the path of a request: the retry loop, the redirects, the attempt with
// gate and key, the caller's middleware, the pool.
func (c *Client) newStack(cfg config) loop {
	scheme, home := c.provider.Scheme, originOf(c.base)
	next, fields := c.pool(), newKeyFields(scheme)
	if len(cfg.middleware) > 0 {
		next = quietPool{next, fields, c.memory}
	}
	for _, wrap := range slices.Backward(cfg.middleware) {
		next = wrap(next)
	}
	var jar http.CookieJar
	var userRule func(*http.Request, []*http.Request) error
	if cfg.http != nil {
		jar, userRule = cfg.http.Jar, cfg.http.CheckRedirect
	}
	attempts := &transport{
		origin:  originCheck{base: c.base, home: home, prefix: c.base.EscapedPath(), allowHTTP: cfg.allowHTTP},
		allowed: operationCheck{lists: cfg.allowed, probe: c.probeURL(), prefix: c.base.EscapedPath()},
		headers: newHeaderSetter(scheme, fields, cfg.userAgent, jar, next),
		jar:     jar,
		next:    next,
		pool:    c.pool(),
	}
	return newLoop(&redirects{attempts: attempts, check: redirectGuard(&attempts.origin, scheme, userRule)})
}

// maxResponseHeader is how large the header of a response may be with our own pool. Servers
// and proxies send at most 64 KiB.
const maxResponseHeader = 256 << 10

// newPool returns the caller's transport, or a pool sized for one busy host: net/http keeps
// only two idle connections per host, so concurrent calls would dial again and again.
func newPool(hc, given *http.Client) http.RoundTripper {
	switch {
	case hc != nil && hc.Transport != nil:
		return hc.Transport
	case hc != nil:
		return givenClient{given}
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // the number for each host is the limit
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		ResponseHeaderTimeout:  time.Minute,
		// net/http would read ten megabytes, for each of which an error costs more.
		MaxResponseHeaderBytes: maxResponseHeader,
	}
}

// Format prints the provider's name only, for every verb: printing must not read a pool
// that is in use.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Client("+c.provider.Name+")")
}

// Keys returns the client's keyring, which rotates, reloads and watches the key.
func (c *Client) Keys() *Keyring { return c.ring }

// Provider returns a copy of the provider's description.
func (c *Client) Provider() Provider { return c.provider }

// Do sends a raw request with key, gate and retries, and returns the response whatever its
// status; [CheckResponse] turns it into a typed error. The URL of the request is relative
// to the base URL, or must be below it. Do does not change the request. The
// caller closes the body of the response, whose size is not limited.
//
// A Host of the request must name the same origin, and is sent as it is; any other is
// [ErrCrossOrigin]. The Host of a request that a server has received, which has a RequestURI, is
// not sent.
//
// The errors are those of [Get] for a call without a usable response: *RequestError,
// *RateLimitError (the limit does not allow the call in time), *InvalidKeyError (the
// provider refuses every key; see [ErrNoUsableKey]).
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req == nil || req.URL == nil {
		err := errors.New(c.provider.Name + ": the request is nil or has no URL")
		if req != nil {
			err = closeBody(req, err)
		}
		return nil, err
	}
	_, resp, err := c.do(req, nil)
	return resp, err
}

// CheckResponse returns the typed error of a response from [Client.Do] or
// [Client.HTTPClient]: nil for a success, otherwise the error that [Get] would return.
// The body stays readable. For the response of another client it returns a plain
// [*APIError].
func CheckResponse(resp *http.Response) error {
	if resp.Request != nil {
		if k := callOf(resp.Request.Context()); k != nil {
			return k.answerError(resp)
		}
	}
	if resp.StatusCode < 300 {
		return nil
	}
	e := &APIError{Provider: "http", StatusCode: resp.StatusCode, Header: redact.Redactor{}.Header(resp.Header)}
	if resp.Request != nil && resp.Request.URL != nil {
		e.Method, e.Path = resp.Request.Method, resp.Request.URL.EscapedPath()
	}
	return e
}

// HTTPClient returns an http.Client on top of the whole stack, for generated clients and
// other libraries: keys, limits, retries, redirects within the origin. As with [Client.Do],
// an error status is a response and not an error. A request to another origin fails with
// [ErrCrossOrigin]. The client is safe for concurrent use.
//
// Its Transport is the place for a library that records requests, such as OpenTelemetry's
// otelhttp: wrap it. No request has a key there, and a call is one request, whatever retries
// and redirects it takes.
func (c *Client) HTTPClient() *http.Client {
	return &http.Client{
		Transport: roundTripper{c},
		// The stack has followed redirects already.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type roundTripper struct{ c *Client }

func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	_, resp, err := rt.c.do(req, nil)
	return resp, err
}

// CloseIdleConnections closes the idle connections of the client's pool.
// [http.Client.CloseIdleConnections] looks for this method.
func (rt roundTripper) CloseIdleConnections() {
	(&http.Client{Transport: rt.c.pool()}).CloseIdleConnections()
}
