package keyfit

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// send puts the key on a copy of the request and sends the copy. Its error is the
// transport's, without URL and key. ctx is that of the attempt, and other says whether a hook has
// given it.
func (t *transport) send(k *call, ctx context.Context, other bool, req *http.Request) (*http.Response, error) { //nolint:revive // k is the context of the call
	if other {
		k.unused = nil
	}
	out, cancel, trace := k.outgoing(ctx, req, t.headers.fields)
	if err := t.putKey(k, out); err != nil {
		cancel()
		k.retry().unsent = true
		return nil, closeBody(req, err)
	}
	if t.jar != nil {
		for _, cookie := range t.jar.Cookies(req.URL) { // this URL holds no key
			if !isKeyCookie(t.headers.scheme, cookie.Name) {
				out.AddCookie(cookie)
			}
		}
	}
	body := watchBody(out)
	resp, err := t.next.RoundTrip(out)
	if err == nil && resp == nil {
		err = &finalError{"the transport failed", errors.New("it returned neither a response nor an error")}
	}
	if err != nil {
		body.finish()
		late := k.policy.AttemptTimeout > 0 && out.Context().Err() != nil && k.Err() == nil
		cancel()
		if late {
			err = timeoutError{k.policy.AttemptTimeout}
		}
		if tlsErr, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(tlsErr.RecordHeader[:]) == "HTTP/" {
			err = http.ErrSchemeMismatch // as http.Client says it
		}
		k.retry().unsent = trace.unsent(err)
		err = body.failure(namedProxy(t.pool, req, err))
		return nil, k.redactor().Error(withoutURL(err))
	}
	resp.Request = req // the copy holds the key
	if t.jar != nil {
		t.jar.SetCookies(req.URL, resp.Cookies())
	}
	if k.policy.AttemptTimeout > 0 && resp.Body != nil {
		resp.Body = &timedBody{ReadCloser: resp.Body, attempt: out.Context(), call: k.Context, after: k.policy.AttemptTimeout, sized: resp.ContentLength >= 0, done: cancel}
	}
	k.hideBody(resp)
	return resp, nil
}

// putKey puts the key on the request that is sent, if it may go there. A scheme may have changed
// the URL: it is checked again.
func (t *transport) putKey(k *call, out *http.Request) error {
	if file := k.client.keysOf; file != "" {
		if err := belongsTo(file, credentialOf(k.key.Key)); err != nil {
			return &finalError{"the key was not sent", err}
		}
	}
	if err := t.headers.set(out, k.key, k.typed != nil); err != nil {
		return &finalError{"the key could not be put on the request", k.redactor().Error(err)}
	}
	if t.headers.plain == nil {
		if out.URL == nil {
			return &finalError{"the key could not be put on the request", errNoURL}
		}
		if err := t.origin.recheck(out); err != nil {
			return &finalError{"the scheme changed the request", k.redactor().Error(err)}
		}
		if err := t.allowed.recheck(out); err != nil {
			return err
		}
	}
	return nil
}

var errNoURL = errors.New("the scheme removed its URL")

// outgoing returns the copy of the request that is sent. Its context is the caller's, which
// the policy's AttemptTimeout bounds until cancel is called or the body of the response is
// closed. trace is nil if it does not matter whether a failed request was sent.
//
// A trace in the caller's context is not told what is in the header fields given: they hold
// the key.
func (k *call) outgoing(ctx context.Context, req *http.Request, fields *keyFields) (out *http.Request, cancel context.CancelFunc, trace *connTrace) {
	ctx, quieted := quietly(ctx, fields, k.redactor)
	cancel = func() {}
	if k.policy.AttemptTimeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, k.policy.AttemptTimeout)
	}
	if !k.idempotent {
		trace = new(connTrace)
		ctx = httptrace.WithClientTrace(ctx, trace.hooks())
	}
	if out = k.unused; out != nil && !quieted && trace == nil && k.policy.AttemptTimeout <= 0 {
		*out, k.unused = *req, nil // the first attempt's request has the caller's context already
	} else {
		out = req.WithContext(ctx)
	}
	out.Host, out.RequestURI = hostOf(req), ""
	return out, cancel, trace
}

// connTrace records whether a failed POST was sent, and so whether it may be sent again:
// only if there was no connection to send it on. Without evidence it may not, because a
// custom transport that reports nothing about its connections may have sent it.
type connTrace struct{ asked, got atomic.Bool }

func (trace *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { trace.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { trace.got.Store(true) },
	}
}

func (trace *connTrace) unsent(err error) bool {
	if trace != nil && trace.asked.Load() {
		return !trace.got.Load()
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial"
}

// finalError is a failure on the client's side, which another attempt would repeat.
type finalError struct {
	what string
	err  error
}

func (e *finalError) Error() string { return e.what + ": " + e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// withoutURL removes the *url.Error layers of an error, because they print the URL.
func withoutURL(err error) error {
	for {
		ue, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = ue.Err
	}
}

func closeBody(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}
