package keyfit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// do sends a request through the stack and does not change req. The call is nil if it could
// not begin, which is an error.
func (c *Client) do(req *http.Request, o *typedCall) (*call, *http.Response, error) {
	began := c.clock.Now()
	req = c.identified(c.within(req))
	k, err := c.newCall(req, o, began)
	k.tally.allowance.Request(began)
	k.looks = k.tally.looksForLimits(k.tally.requests.Add(1))
	k.starts()
	if err != nil {
		return nil, nil, closeBody(req, k.ends(nil, err))
	}
	resp, err := c.send(k, req)
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		err = k.ends(nil, k.failure(err))
		return k, nil, err
	}
	if o == nil {
		_ = k.ends(resp.Header, nil)
	}
	return k, resp, nil
}

// within returns the request itself if its URL is absolute; the attempt checks whether a
// key may go there. Otherwise it returns a copy whose URL is below the base URL.
func (c *Client) within(req *http.Request) *http.Request {
	if req.URL.Scheme != "" {
		return req
	}
	both := &struct {
		http.Request
		url url.URL
	}{*req, *req.URL}
	both.URL = &both.url
	if isPlainPath(req.URL) {
		both.url.Scheme, both.url.Host = c.base.Scheme, c.base.Host
		c.prefixed(&both.url)
	} else {
		both.url = *c.resolve(req.URL)
	}
	return &both.Request
}

// isPlainPath reports whether u is a path that lacks only the base URL.
func isPlainPath(u *url.URL) bool {
	return u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.Contains(u.Path, "/.")
}

// failure returns the error of a call that has no response to return.
func (k *call) failure(err error) error {
	err = k.redactor().Error(withoutURL(err))
	if limited, ok := errors.AsType[*RateLimitError](err); ok {
		return k.refusedByGate(limited)
	}
	if unusable, ok := errors.AsType[*InvalidKeyError](err); ok {
		return k.withCause(unusable)
	}
	if end := k.Err(); end != nil && !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err)
	}
	if cause := context.Cause(k); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, k.redactor().Error(cause))
	}
	last := k.retry().answer
	if last != nil {
		last = last.copy() // the gate may share it
	}
	return &RequestError{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), StatusCode: k.status,
		Attempts: k.attempts, History: k.history(), KeyFingerprint: k.fingerprint(), Note: k.note(), Err: err, Last: last,
	}
}

// withCause adds the cause of a cancellation that has ended the wait for a key.
func (k *call) withCause(unusable *InvalidKeyError) *InvalidKeyError {
	if unusable.cause == nil {
		return unusable
	}
	if cause := context.Cause(k); cause != nil && !errors.Is(unusable.cause, cause) {
		unusable.cause = errors.Join(unusable.cause, k.redactor().Error(cause))
	}
	return unusable
}

// refusedByGate turns the gate's refusal into this call's error: the 429 in it may belong
// to another call.
func (k *call) refusedByGate(limited *RateLimitError) error {
	mine := *limited
	base := limited.copy()
	if own := k.retry().answer; own != nil && k.isLimited() && base.StatusCode == 0 { // the limit of which this is
		reason := base.Message
		base = own.copy()
		base.Note = joinNotes(base.Note, "not sent again: "+reason)
		if mine.RetryAfter == 0 { // the gate does not know
			mine.RetryAfter = own.RetryAfter
		}
	}
	base.Provider, base.Method, base.Path = k.client.provider.Name, k.method, k.redactor().Text(k.path())
	base.Attempts, base.RetryAfter, base.History = k.attempts, mine.RetryAfter, k.history()
	if k.attempts == 0 && base.StatusCode != 0 {
		base.Note = joinNotes(base.Note, "not sent: the response is that of another call")
	}
	mine.APIError = base
	return &mine
}
