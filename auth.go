package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// attemptTransport is one attempt: it passes the gate, puts the current credential on a
// copy of the request, and sends that. It is called for every retry and every redirect,
// so all of them are paced and all carry the newest key. Above it no request holds a key.
//
// When the provider refuses the credential, the attempt is replayed with another one; see
// [Keyring]. A refusal comes before any effect, so every method may be replayed, provided
// that its body can be produced again.
type attemptTransport struct {
	home      origin
	allowHTTP bool
	scheme    Scheme
	next      http.RoundTripper // the caller's middleware, then the pool
}

// maxReplays is how many other keys are tried after a refusal.
const maxReplays = 2

// RoundTrip sends the request as the http.RoundTripper contract says: req is not changed,
// and its body is closed in every case.
func (t *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	k := callOf(req.Context())
	if first := k.first; first != nil {
		k.first = nil
		return first.resp, closeBody(req, first.err)
	}
	if err := t.allowed(req.URL); err != nil {
		return nil, closeBody(req, err)
	}
	var tried []string
	var other key // what to replay with; the zero key stands for the current one
	for {
		resp, refused, err := t.pass(req, k, other)
		if err != nil {
			return nil, err
		}
		if !refused {
			if len(tried) > 0 && provesKey(resp.StatusCode) {
				k.ring.accepted(k.key)
			}
			return resp, nil
		}
		k.ring.refused(k.key)
		tried = append(tried, k.key.fingerprint)
		replay, next, ok := t.replay(req, k, tried)
		if !ok {
			return resp, nil
		}
		drain(resp)
		req, other = replay, next
	}
}

// provesKey reports whether a status says that the provider knows the key: a limit or a
// failure says nothing about it.
func provesKey(status int) bool {
	return status < 500 && status != http.StatusTooManyRequests
}

// replay prepares the request for another key, if there is one and the body comes again.
func (t *attemptTransport) replay(req *http.Request, k *call, tried []string) (*http.Request, key, bool) {
	if len(tried) > maxReplays {
		return nil, key{}, false
	}
	other, ok := k.ring.next(req.Context(), tried)
	if !ok {
		return nil, key{}, false
	}
	if !k.replayable {
		k.note = joinNotes(k.note, noteStream)
		return nil, key{}, false
	}
	replay := req.WithContext(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			k.note = joinNotes(k.note, "not sent again: the body could not be produced a second time")
			return nil, key{}, false
		}
		replay.Body = body
	}
	return replay, other, true
}

const noteStream = "not sent again: the body is a stream, which cannot be replayed"

// allowed checks that a key may go to u at all.
func (t *attemptTransport) allowed(u *url.URL) error {
	if u.Opaque != "" { // it becomes the request line, where a proxy takes it for the address
		return fmt.Errorf("%w: the request's URL is opaque", ErrCrossOrigin)
	}
	if to := originOf(u); to != t.home {
		return fmt.Errorf("%w: the request is for %s", ErrCrossOrigin, to)
	}
	if u.Scheme != "https" && !t.allowHTTP && !isLoopback(u.Hostname()) {
		return fmt.Errorf("%w (%s)", ErrInsecure, t.home)
	}
	return nil
}

// pass takes the request through the gate and sends it with the given key, or with the one
// that is current once the gate is open. refused says that the provider refused that key.
func (t *attemptTransport) pass(req *http.Request, k *call, given key) (resp *http.Response, refused bool, err error) {
	entry := Entry{Provider: k.client.provider.Name, Key: k.tenant, MaxWait: k.policy.MaxWait}
	if k.client.obs.wantsWaits() {
		entry.Waiting = func(why WaitReason, d time.Duration) { k.waits(req.Context(), why, d) }
	}
	leave, err := k.gate.Enter(req.Context(), entry)
	if err != nil {
		return nil, false, closeBody(req, gateError(req.Context(), err))
	}
	out := Outcome{Remaining: -1}
	defer func() { leave(out) }()

	if given.gen == 0 {
		given = k.ring.pick()
	}
	k.use(given)
	var begin time.Time
	if k.client.obs.wantsAttempts() {
		begin = time.Now()
	}
	resp, err = t.send(req, k)
	if err == nil {
		k.status = resp.StatusCode
		refused = k.read(resp, &out)
	}
	if !begin.IsZero() {
		k.observe(req.Context(), resp, err, time.Since(begin))
	}
	if err == nil && !redirectable(resp) {
		_ = resp.Body.Close()
		return nil, false, &finalError{"the redirect was not followed", errBadLocation}
	}
	return resp, refused, err
}

// read takes from an answer what the gate, the keyring and the retry loop want to know.
func (k *call) read(resp *http.Response, out *Outcome) (refused bool) {
	out.StatusCode = resp.StatusCode
	if resp.StatusCode < 400 && mentionsLimit(resp.Header) {
		k.hint = parseHint(resp.Header, nil, "", time.Now())
	}
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests || status >= 500:
		e, kind := k.apiError(resp)
		k.answer = e
		k.hint = parseHint(resp.Header, e.body, k.client.provider.WaitField, time.Now())
		if kind == refusedLimit {
			k.hint.wait = k.hint.refusedWait()
		}
		k.wait = k.policy.wait(k.attempts, k.hint, kind == refusedLimit)
		if kind == refusedLimit || k.hint.said {
			out.Wait, out.Refusal, k.paced = k.wait, e, true
		}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e, kind := k.apiError(resp)
		k.answer = e
		refused = kind == refusedInvalid
	case status >= 400:
		k.answer, _ = k.apiError(resp)
	case status >= 300:
		peek(resp, maxErrorBody) // so that a body which stalls does not hold the redirect
		k.moved = k.moved || status <= http.StatusSeeOther
	}
	out.Limit, out.Remaining, out.Reset = k.hint.limit, k.hint.remaining, k.hint.reset
	return refused
}

// send puts the key on a copy of the request and sends the copy.
func (t *attemptTransport) send(req *http.Request, k *call) (*http.Response, error) {
	ctx, done := k.attemptContext(req.Context())
	var trace connTrace
	if !k.idempotent {
		ctx = httptrace.WithClientTrace(ctx, trace.hooks())
	}
	out := req.WithContext(ctx)
	if _, header := t.scheme.(headerOnly); !header {
		u := *req.URL
		out.URL = &u
	}
	out.Header = make(http.Header, len(req.Header)+3)
	maps.Copy(out.Header, req.Header)
	if _, named := out.Header["User-Agent"]; !named {
		out.Header["User-Agent"] = k.client.agent
	}
	if err := t.scheme.Apply(out, k.key.cred); err != nil {
		done()
		return nil, closeBody(req, &finalError{"the key could not be put on the request", k.scrub().error(err)})
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		late := ctx.Err() != nil && req.Context().Err() == nil
		done()
		k.unsent = trace.unsent(err)
		if late {
			err = timeoutError{k.policy.AttemptTimeout}
		}
		return nil, k.scrub().error(withoutURL(err))
	}
	resp.Request = req // the copy holds the key
	if k.policy.AttemptTimeout > 0 {
		resp.Body = &doneBody{ReadCloser: resp.Body, done: done}
	}
	return resp, nil
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
	if t.asked.Load() {
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
func (k *call) attemptContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if k.policy.AttemptTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, k.policy.AttemptTimeout)
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

func (k *call) waits(ctx context.Context, why WaitReason, d time.Duration) {
	k.client.obs.wait(ctx, WaitEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.scrub().text(k.path), Reason: why, Duration: d,
		Source: k.hint.source, Dropped: k.scrub().all(k.hint.dropped), StatusCode: k.status,
	})
}

func (k *call) observe(ctx context.Context, resp *http.Response, err error, took time.Duration) {
	e := AttemptEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.scrub().text(k.path), Number: k.attempts,
		Generation: k.key.gen, KeyFingerprint: k.key.fingerprint, Duration: took, Err: err,
	}
	if resp != nil {
		e.StatusCode, e.RequestID = resp.StatusCode, requestID(resp.Header, problem{}, k.scrub())
	}
	k.client.obs.attempt(ctx, e)
}
