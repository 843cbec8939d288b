package keyfit

import (
	"errors"
	"net/http"
	"slices"
)

// WithCallMiddleware wraps whole calls; the first middleware given is the outermost. A
// middleware runs once per call, of [Get], [Send] and [Pages] as of [Client.Do] and
// [Client.HTTPClient], and is above the key: the request that it sees has none, and what it
// passes on is retried, redirected, limited and given the key below it. This is the place for
// what records requests: the transport of OpenTelemetry, or a recorder of test fixtures. The
// module interop has an example of each.
//
// A middleware that answers itself sends nothing and uses none of the limit. It may pass the
// request on once, with a context that is derived from the request's own.
func WithCallMiddleware(wrap ...func(http.RoundTripper) http.RoundTripper) Option {
	return middlewareOption("WithCallMiddleware", func(c *config) *[]middleware { return &c.around }, wrap)
}

// middleware wraps what sends a request.
type middleware = func(http.RoundTripper) http.RoundTripper

// middlewareOption adds to a list of the configuration. It can be given more than once.
func middlewareOption(name string, list func(*config) *[]middleware, wrap []middleware) Option {
	return clientOption(func(c *config) error {
		if slices.ContainsFunc(wrap, func(w middleware) bool { return w == nil }) {
			return errors.New(name + ": a middleware is nil")
		}
		*list(c) = append(*list(c), wrap...)
		return nil
	})
}

var errNoCall = errors.New("a middleware passed the request on without its context, or twice")

// aroundCalls puts the middleware of calls around the loop; nil means that there is none.
func aroundCalls(l loop, wraps []middleware) hidden[http.RoundTripper] {
	if len(wraps) == 0 {
		return nil
	}
	var next http.RoundTripper = transportFunc(func(req *http.Request) (*http.Response, error) {
		k := callOf(req.Context())
		if k == nil || k.passedOn {
			return nil, closeBody(req, &finalError{"the request was not sent", errNoCall})
		}
		k.passedOn = true
		k.Context = req.Context() // what the middleware put there, a span or a trace, is for the attempts
		k.sends(req)
		return l.send(k, req)
	})
	for _, wrap := range slices.Backward(wraps) {
		next = wrap(next)
	}
	return hide(next)
}

// send sends the request of a call, through the middleware of calls if there is any.
func (c *Client) send(k *call, req *http.Request) (*http.Response, error) {
	if c.around == nil {
		return c.loop().send(k, req)
	}
	out := k.request(req)
	if out == req { // the context led to the call already
		out = req.WithContext(req.Context())
	}
	body := watchBody(out)
	resp, err := c.around().RoundTrip(out)
	if !k.passedOn {
		body.finish()
	}
	switch {
	case err != nil:
		return resp, err
	case resp == nil:
		return nil, &finalError{"the middleware of the call failed", errors.New("it returned neither a response nor an error")}
	case resp.Request == nil || (resp.StatusCode >= http.StatusMultipleChoices || !k.succeeded()) && callOf(resp.Request.Context()) != k:
		resp.Request = k.request(req) // leads CheckResponse to the call
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	return resp, nil
}
