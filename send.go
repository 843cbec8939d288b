package keyfit

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// send puts the key on a copy of the request and sends the copy. Its error is the
// transport's, without URL and key.
func (t *transport) send(k *call, req *http.Request) (*http.Response, error) {
	out, cancel, trace := k.outgoing(req)
	if err := t.headers.set(out, k.key, k.wantsJSON); err != nil {
		cancel()
		k.retry().unsent = true
		return nil, closeBody(req, &finalError{"the key could not be put on the request", k.redactor().Error(err)})
	}
	if t.jar != nil {
		for _, cookie := range t.jar.Cookies(req.URL) { // this URL holds no key
			out.AddCookie(cookie)
		}
	}
	resp, err := t.next.RoundTrip(out)
	if err == nil && resp == nil {
		err = &finalError{"the transport failed", errors.New("it returned neither a response nor an error")}
	}
	if err != nil {
		late := out.Context().Err() != nil && k.Err() == nil
		cancel()
		if late {
			err = timeoutError{k.policy.AttemptTimeout}
		}
		if tlsErr, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(tlsErr.RecordHeader[:]) == "HTTP/" {
			err = http.ErrSchemeMismatch // as http.Client says it
		}
		k.retry().unsent = trace.unsent(err)
		return nil, k.redactor().Error(withoutURL(err))
	}
	resp.Request = req // the copy holds the key
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if t.jar != nil {
		t.jar.SetCookies(req.URL, resp.Cookies())
	}
	if k.policy.AttemptTimeout > 0 {
		resp.Body = &doneBody{ReadCloser: resp.Body, done: cancel}
	}
	return resp, nil
}

// outgoing returns the copy of the request that is sent. Its context is the caller's, which
// the policy's AttemptTimeout bounds until cancel is called or the body of the response is
// closed. trace is nil if it does not matter whether a failed request was sent.
func (k *call) outgoing(req *http.Request) (out *http.Request, cancel context.CancelFunc, trace *connTrace) {
	ctx, cancel := k.Context, func() {}
	if k.policy.AttemptTimeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, k.policy.AttemptTimeout)
	}
	if !k.idempotent {
		trace = new(connTrace)
		ctx = httptrace.WithClientTrace(ctx, trace.hooks())
	}
	if out = k.unused; out != nil && trace == nil && k.policy.AttemptTimeout <= 0 {
		*out, k.unused = *req, nil // the first attempt's request has the caller's context already
	} else {
		out = req.WithContext(ctx)
	}
	out.Host, out.RequestURI = "", ""
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

// timeoutError is an attempt that exceeded its AttemptTimeout while the call still has
// time.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return "the attempt timed out after " + e.after.String() }

// Timeout and Temporary make it a net.Error.
func (e timeoutError) Timeout() bool { return true }

// Temporary completes net.Error.
func (e timeoutError) Temporary() bool { return true }

// doneBody releases the attempt's context when its body is closed.
type doneBody struct {
	io.ReadCloser
	done context.CancelFunc
}

func (b *doneBody) Close() error {
	err := b.ReadCloser.Close()
	b.done()
	return err
}
