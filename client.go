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
	"github.com/keyfit/keyfit/internal/retrybudget"
)

// Version is the version of this module, as the User-Agent says it.
const Version = "0.1.0"

const defaultMaxBody = 10 << 20

// Client calls one provider with one account's keys. Make it once and keep it: it holds
// the connection pool, the gate that keeps the provider's limit for the whole program,
// and the [Keyring]. It is immutable and safe for concurrent use; [Client.With] derives
// another that shares all three.
//
// Typed calls are functions, since methods have no type parameters: [Get], [Send],
// [Pages]. Raw requests go through [Client.Do], other libraries' through
// [Client.HTTPClient].
type Client struct {
	provider Provider
	config   config
	base     *url.URL
	ring     *Keyring
	gate     Gate
	clock    clock.Clock
	budget   *retrybudget.Budget
	stats    *counters
	policy   RetryPolicy
	maxBody  int64
	obs      observer
	pool     http.RoundTripper
	loop     loop

	gateLag time.Duration // how much later the clock of the gate began
}

// New returns a client of a provider. The key comes from [WithKey] or [WithSource], else
// from the provider's environment variable, else from .env; if none has it the error is
// a [*NoKeyError]. Nothing is sent.
func New(p Provider, opts ...Option) (*Client, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	ctx := context.Background()
	cfg := config{dotenv: ".env", maxBody: defaultMaxBody, userAgent: "keyfit/" + Version}
	if err := cfg.apply(opts); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	c := &Client{provider: p, clock: clock.Start(), budget: new(retrybudget.Budget), stats: new(counters)}
	var err error
	if c.base, err = cfg.base(ctx, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	if err := c.configure(ctx, cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// With returns a client that differs by the options and shares the rest: pool, gate,
// keyring and retry budget. Another key brings another keyring and gate with it; another
// HTTP client another pool. The provider and its origin stay.
func (c *Client) With(opts ...Option) (*Client, error) {
	cfg := c.config
	cfg.given, cfg.ring, cfg.keys, cfg.gate, cfg.limit = nil, nil, nil, nil, nil
	cfg.middleware, cfg.ringOptions = slices.Clip(cfg.middleware), slices.Clip(cfg.ringOptions)
	if err := cfg.apply(opts); err != nil {
		return nil, fmt.Errorf("%s: %w", c.provider.Name, err)
	}
	for _, given := range cfg.given {
		if given == "WithBaseURL" || given == "WithDotEnv" || given == "WithoutDotEnv" {
			return nil, fmt.Errorf("%s: %s is for New: a derived client keeps origin and key", c.provider.Name, given)
		}
	}
	d := *c
	if cfg.ring != nil || cfg.keys != nil {
		d.ring, d.gate = nil, nil
	} else if cfg.limit != nil {
		d.gate = nil
	}
	if d.ring != nil && len(cfg.ringOptions) > len(c.config.ringOptions) {
		return nil, fmt.Errorf("%s: %s is for a new keyring: a derived client keeps that of its parent, unless it is given a key", c.provider.Name, cfg.ringOptions[len(c.config.ringOptions)].name)
	}
	if cfg.http != c.config.http {
		d.pool = nil
	}
	if cfg.limit == nil {
		cfg.limit = c.config.limit // for the gate of another key
	}
	if err := d.configure(context.Background(), cfg); err != nil {
		return nil, err
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
		return fmt.Errorf("the option %s is for a keyring that the client makes: the one given with WithSource has options of its own", cfg.ringOptions[inherited].name)
	}
	return nil
}

// configure makes what the client does not have yet, and the stack over it.
func (c *Client) configure(ctx context.Context, cfg config) error {
	c.config, c.maxBody, c.obs = cfg, cfg.maxBody, cfg.observer
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
		if c.ring, err = c.newRing(ctx, cfg); err != nil {
			return c.named(err)
		}
	}
	if cfg.gate != nil {
		c.gate = cfg.gate
	}
	if c.gate == nil {
		c.gate = NewGate(cfg.limitOr(c.provider.Limit))
	}
	if c.pool == nil {
		c.pool = newPool(cfg.http)
	}
	c.loop = c.newStack(cfg)
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

func (c *Client) newRing(ctx context.Context, cfg config) (*Keyring, error) {
	if cfg.ring != nil {
		return cfg.ring, nil
	}
	obs := cfg.observer
	opts := []KeyringOption{ForProvider(c.provider), WithHooks(Hooks{Key: obs.key})}
	if c.provider.Probe != "" {
		opts = append(opts, Verify(c.Probe))
	}
	for _, given := range cfg.ringOptions {
		opts = append(opts, given)
	}
	return NewKeyring(ctx, cfg.keySource(&c.provider), opts...)
}

// named puts the provider's name on an error that has a place for it.
func (c *Client) named(err error) error {
	if none, ok := errors.AsType[*NoKeyError](err); ok {
		none.Provider = c.provider.Name
		return none
	}
	return fmt.Errorf("%s: %w", c.provider.Name, err)
}

// newStack assembles the way of a request: the retry loop, the redirects, the attempt with
// gate and key, the caller's middleware, the pool.
func (c *Client) newStack(cfg config) loop {
	next := c.pool
	for _, wrap := range slices.Backward(cfg.middleware) {
		next = wrap(next)
	}
	var jar http.CookieJar
	var userRule func(*http.Request, []*http.Request) error
	if cfg.http != nil {
		jar, userRule = cfg.http.Jar, cfg.http.CheckRedirect
	}
	scheme, home := c.provider.Scheme, originOf(c.base)
	attempts := &transport{
		origin:  originCheck{base: c.base, home: home, allowHTTP: cfg.allowHTTP},
		headers: headerSetter{scheme: scheme, agent: []string{cfg.userAgent}, shared: newSharedHeaders(scheme, jar, next)},
		jar:     jar,
		next:    next,
	}
	return newLoop(&redirects{attempts: attempts, check: redirectGuard(home, scheme, userRule)})
}

// newPool returns the caller's transport, or a pool sized for one busy host: net/http
// keeps only two idle connections to a host, and dials the others anew for each call.
func newPool(hc *http.Client) http.RoundTripper {
	if hc != nil && hc.Transport != nil {
		return hc.Transport
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          0, // the number for each host is the limit
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: time.Minute,
	}
}

// Format prints the provider's name and nothing of the inside, for every verb: printing
// must not read a pool that is in use.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Client("+c.provider.Name+")")
}

// Keys returns the client's keyring, to rotate, reload or watch it.
func (c *Client) Keys() *Keyring { return c.ring }

// Provider returns a copy of the provider's description.
func (c *Client) Provider() Provider { return c.provider }

// Do sends a raw request with key, gate and retries, and returns the answer whatever its
// status; [CheckResponse] makes a typed error of it. The request's URL is taken relative
// to the provider's origin, or must be within it. The caller closes the body, which is
// not limited.
//
// The errors are those of [Get] for a call without a usable answer: *RequestError,
// *RateLimitError (the limit leaves no room and nothing was sent), *NoKeyError.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req == nil || req.URL == nil {
		return nil, errors.New(c.provider.Name + ": the request is nil or has no URL")
	}
	_, resp, err := c.do(req, nil)
	return resp, err
}

// CheckResponse returns the typed error of an answer that came from [Client.Do] or
// [Client.HTTPClient]: nil for a status below 300, otherwise what [Get] would return. The
// body stays readable. An answer of another client gives a bare [*APIError].
func CheckResponse(resp *http.Response) error {
	if resp.StatusCode < 300 {
		return nil
	}
	if resp.Request != nil {
		if k := callOf(resp.Request.Context()); k != nil {
			return k.answerError(resp)
		}
	}
	e := &APIError{Provider: "http", StatusCode: resp.StatusCode, Header: redact.Redactor{}.Header(resp.Header)}
	if resp.Request != nil {
		e.Method, e.Path = resp.Request.Method, resp.Request.URL.EscapedPath()
	}
	return e
}

// HTTPClient returns an http.Client with the whole stack under it, for generated clients
// and other libraries: keys, limits, retries, redirects within the origin. Requests to
// another origin fail with [ErrCrossOrigin]. The stack is safe for concurrent use.
func (c *Client) HTTPClient() *http.Client {
	return &http.Client{
		Transport: roundTripper{c},
		// What comes out of the stack has been redirected already, as the rules there say.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type roundTripper struct{ c *Client }

func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	_, resp, err := rt.c.do(req, nil)
	if err != nil {
		return nil, closeBody(req, err)
	}
	return resp, nil
}

// CloseIdleConnections closes the client's pool of connections, those in use aside. It is
// what [http.Client.CloseIdleConnections] looks for.
func (rt roundTripper) CloseIdleConnections() {
	(&http.Client{Transport: rt.c.pool}).CloseIdleConnections()
}
