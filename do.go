package keyfit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// done is what came of a call.
type done struct {
	resp *http.Response
	key  *key  // of the answer
	call *call // nil if it went straight
}

// remembered returns the call of an answer, and makes up the one that went straight.
func (d *done) remembered(ctx context.Context, c *Client, req *http.Request) *call {
	if d.call == nil {
		d.call, _ = c.newCall(ctx, req, nil) // it fails for options alone
		d.call.use(d.key, 0)
		d.call.status = d.resp.StatusCode
	}
	return d.call
}

// do sends a request through the stack, with this context. req is not changed.
func (c *Client) do(ctx context.Context, req *http.Request, o *callConfig) (done, error) {
	began := c.clock.Now()
	c.budget.Request(began)
	nth := c.stats.requests.Add(1)
	var first *trip
	if c.isStraight(req, o) {
		resp, with, open := c.goStraight(ctx, req, o != nil, began, nth) //nolint:bodyclose // the caller closes it
		if resp != nil {
			return done{resp: resp, key: with}, nil
		}
		first = open
	}
	k, err := c.newCall(ctx, req, o)
	if err != nil {
		return done{}, closeBody(req, err)
	}
	k.began, k.nth, k.straight = began, nth, first
	resp, err := c.loop.send(k, req)
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		return done{call: k}, k.failure(ctx, err)
	}
	return done{resp: resp, key: k.key, call: k}, nil
}

// request returns a copy of a request that is within the provider's origin and has the call
// for its context.
func (k *call) request(given *http.Request) *http.Request {
	req := given.WithContext(k)
	req.URL = k.client.resolve(given.URL)
	req.Host, req.RequestURI = "", ""
	if k.client.loop.once == nil {
		req.Header = given.Header.Clone() // net/http adds the jar's cookies to it
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	return req
}

// resolve returns u within the provider's origin. An absolute URL stays as it is; whether
// a key may go there is for the attempt to say.
func (c *Client) resolve(u *url.URL) *url.URL {
	if u.Scheme != "" {
		return u
	}
	if isPlainPath(u) {
		here := *u
		here.Scheme, here.Host = c.base.Scheme, c.base.Host
		return &here
	}
	return c.base.ResolveReference(u)
}

// isPlainPath reports whether u is a path to which only the origin is wanting.
func isPlainPath(u *url.URL) bool {
	return u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.Contains(u.Path, "/.")
}

// failure is the error of a call that has no answer to show.
func (k *call) failure(ctx context.Context, err error) error {
	err = k.redactor().Error(withoutURL(err))
	if limited, ok := errors.AsType[*RateLimitError](err); ok {
		return k.refusedByGate(limited)
	}
	if unusable, ok := errors.AsType[*InvalidKeyError](err); ok {
		return unusable
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	last := k.answer
	if last != nil {
		last = last.copy() // the gate may know it too
	}
	return &RequestError{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path), StatusCode: k.status,
		Attempts: k.attempts, KeyFingerprint: k.fingerprint(), Note: k.note, Err: err, Last: last,
	}
}

// refusedByGate makes the gate's refusal this call's own: the 429 in it may be another's.
func (k *call) refusedByGate(limited *RateLimitError) error {
	mine := *limited
	base := limited.copy()
	base.Provider, base.Method, base.Path = k.client.provider.Name, k.method, k.redactor().Text(k.path)
	base.Attempts = k.attempts
	if k.attempts == 0 && base.StatusCode != 0 {
		base.Note = joinNotes(base.Note, "not sent: the answer is another call's")
	}
	mine.APIError = base
	return &mine
}
