package keyfit

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// trip is one attempt on the wire: what it went with, and what came back.
type trip struct {
	key    *key
	ticket ticket        // of the gate
	sent   time.Duration // when it left, by the client's clock
	back   time.Duration // when the header of the answer was there; 0 if it was not
	resp   *http.Response
	err    error
}

// end gives the trip's place in the gate back.
func (r *trip) end(out *Outcome, c *Client) {
	at := r.back
	if at == 0 || out.StatusCode >= http.StatusMultipleChoices { // never sent, or a panic; or an error, and time went by with it
		at = c.clock.Now()
	}
	r.key.use.inFlight.Add(-1)
	r.ticket.leave(out, c.gateTime(at))
}

// gateTime is a reading of the client's clock by that of its gate.
func (c *Client) gateTime(reading time.Duration) time.Duration { return reading - c.gateLag }

// send puts the key on a copy of the request and sends the copy.
func (t *attemptTransport) send(req *http.Request, k *call, r *trip) {
	r.resp, r.err = t.exchange(req, k) //nolint:bodyclose // whoever takes the answer closes it
	r.back = k.client.clock.Now()
}

func (t *attemptTransport) exchange(req *http.Request, k *call) (*http.Response, error) {
	ctx, done := k.attemptContext()
	var trace *connTrace
	if !k.idempotent {
		trace = new(connTrace)
		ctx = httptrace.WithClientTrace(ctx, trace.hooks())
	}
	out := copyOf(req, ctx)
	if err := t.dress(out, k.key, k.wantsJSON); err != nil {
		done()
		k.unsent = true
		return nil, closeBody(req, &finalError{"the key could not be put on the request", k.redactor().Error(err)})
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		late := ctx.Err() != nil && k.Err() == nil
		done()
		if late {
			err = timeoutError{k.policy.AttemptTimeout}
		}
		return nil, k.failed(err, trace)
	}
	resp.Request = req // the copy holds the key
	if k.policy.AttemptTimeout > 0 {
		resp.Body = &doneBody{ReadCloser: resp.Body, done: done}
	}
	return resp, nil
}

// failed takes the failure of an attempt, without what it may say of the key.
func (k *call) failed(err error, trace *connTrace) error {
	k.unsent = trace.unsent(err)
	return k.redactor().Error(withoutURL(err))
}

// copyOf copies the request, to put the key on the copy.
func copyOf(req *http.Request, ctx context.Context) *http.Request { //nolint:revive // it is the request's context that may differ
	var out *http.Request
	if ctx == req.Context() {
		shallow := *req
		out = &shallow
	} else {
		out = req.WithContext(ctx)
	}
	out.Host, out.RequestURI = "", ""
	return out
}

// connTrace tells whether a POST may be sent again after an error: only if there was no
// connection to send it on. That takes evidence, for a transport of the caller's that
// tells nothing of its connections may have sent it.
type connTrace struct{ asked, got atomic.Bool }

func (t *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	}
}

func (t *connTrace) unsent(err error) bool {
	if t != nil && t.asked.Load() {
		return !t.got.Load()
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial"
}

// finalError is a failure on our side of the wire, which another attempt would repeat.
type finalError struct {
	what string
	err  error
}

func (e *finalError) Error() string { return e.what + ": " + e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// gateError marks what a gate of the caller's own may return beside the two that a
// [Gate] promises.
func gateError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*RateLimitError](err); ok || ctx.Err() != nil {
		return err
	}
	return &finalError{"the gate failed", err}
}

// withoutURL takes the *url.Error layers off an error: they print the URL.
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

// attemptContext bounds one attempt, its body included, by the policy's AttemptTimeout.
func (k *call) attemptContext() (context.Context, context.CancelFunc) {
	if k.policy.AttemptTimeout <= 0 {
		return k.Context, func() {}
	}
	return context.WithTimeout(k.Context, k.policy.AttemptTimeout)
}

// timeoutError is an attempt that took too long while the call still has time.
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
