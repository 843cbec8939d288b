package keyfit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/ratehint"
)

// attemptTransport is one attempt: it passes the gate, puts the current credential on a
// copy of the request, and sends that. It is called for every retry and every redirect,
// so all of them are paced and all carry the newest key. Above it no request holds a key.
//
// When the provider refuses the credential, the attempt is replayed with another one; see
// [Keyring]. A refusal comes before any effect, so every method may be replayed, provided
// that its body can be produced again.
type attemptTransport struct {
	base      *url.URL
	home      origin // of base
	allowHTTP bool
	scheme    Scheme
	agent     []string          // the User-Agent header's value
	next      http.RoundTripper // the caller's middleware, then the pool

	keepsRequests bool // next does not change what it is given
	common        commonHeaders
}

// RoundTrip sends the request as the http.RoundTripper contract says: req is not changed,
// and its body is closed in every case.
func (t *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	k := callOf(req.Context())
	if first := k.first; first != nil {
		k.first = nil
		return first.resp, closeBody(req, first.err)
	}
	return t.attempt(k, req)
}

// attempt is RoundTrip for a request that need not have the call for its context.
func (t *attemptTransport) attempt(k *call, req *http.Request) (*http.Response, error) {
	if err := t.allowed(req.URL); err != nil {
		return nil, closeBody(req, err)
	}
	defer k.ring.stepDown(k)
	k.tried, k.regressing = k.tried[:0], false
	var other *key // what to replay with; nil stands for the current one
	for {
		resp, err := t.pass(req, k, other)
		if err != nil {
			return nil, err
		}
		replay, next, ok := t.replay(req, k)
		if !ok && !errors.Is(k.cause, context.Canceled) {
			return resp, nil
		}
		httpbody.Drain(resp)
		if !ok {
			return nil, k.cause // the caller gave up while the call was held
		}
		req, other = replay, next
	}
}

// replay prepares the request for another key, if the answer calls for one, there is one,
// and the body can be produced again.
func (t *attemptTransport) replay(req *http.Request, k *call) (_ *http.Request, other *key, ok bool) {
	switch k.verdict {
	case keyRefused, keyLacks:
	case keyUnknown, keyGood, keyMissing:
		return nil, nil, false
	}
	if !k.replayable {
		if k.verdict == keyRefused {
			k.notReplayed = true
			k.note = joinNotes(k.note, noteStream)
			k.ring.refusedStream(k)
		}
		return nil, nil, false
	}
	if other, ok = k.another(); !ok {
		return nil, nil, false
	}
	replay := req.WithContext(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			k.notReplayed = true
			k.note = joinNotes(k.note, "not sent again: the body could not be produced a second time")
			return nil, nil, false
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
	if u.Scheme == t.base.Scheme && u.Host == t.base.Host {
		return nil // the same to the letter, and New has looked at that
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
// that is current once the gate is open.
func (t *attemptTransport) pass(req *http.Request, k *call, given *key) (*http.Response, error) {
	r := k.straight
	if k.straight = nil; r == nil {
		used, ticket, err := t.enter(k, given)
		if err != nil {
			return nil, closeBody(req, err)
		}
		r = &trip{key: used, ticket: ticket, sent: k.client.clock.Now()}
		used.use.inFlight.Add(1)
	}
	out := Outcome{Remaining: -1}
	defer func() { r.end(&out, k.client) }()
	k.use(r.key, r.sent-k.ring.clock.Lag(k.client.clock))
	if r.back == 0 {
		t.send(req, k, r)
	} else if r.err != nil {
		r.err = k.failed(r.err, nil)
	}
	if r.err == nil {
		k.status = r.resp.StatusCode
		k.read(r.resp, &out)
		k.judge()
	}
	out.Unsent = r.err != nil && k.unsent
	if k.client.obs.wantsAttempts() {
		k.observe(k.Context, r.resp, r.err, r.back-r.sent)
	}
	if r.err == nil && !redirectable(r.resp) {
		_ = r.resp.Body.Close()
		return nil, &finalError{"the redirect was not followed", errBadLocation}
	}
	return r.resp, r.err
}

// enter passes the ring's circuit and then the gate. If the circuit opened meanwhile, it
// begins anew: whoever waits for a key must not take the place of others in the gate.
func (t *attemptTransport) enter(k *call, given *key) (*key, ticket, error) {
	entry := Entry{Provider: k.client.provider.Name, Key: k.tenant, MaxWait: k.policy.MaxWait, Priority: k.priority}
	if k.attempts == 1 { // once: see the order of a Gate
		entry.Since = k.client.clock.Time(k.began)
	}
	if k.client.obs.wantsWaits() {
		entry.Waiting = func(why WaitReason, d time.Duration) { k.waits(k.Context, why, d) }
	}
	for {
		if given == nil {
			if err := k.ring.admit(k); err != nil {
				return nil, ticket{}, err
			}
		}
		pass, err := k.queue(k.Context, &entry, given == nil)
		if errors.Is(err, errCircuitOpened) {
			continue
		}
		if err != nil {
			k.client.stats.refusedByGate(err)
			return nil, ticket{}, gateError(k, err)
		}
		if given != nil {
			return given, pass, nil
		}
		set := k.ring.set.Load()
		if set.circuit == nil || k.canary != nil {
			return k.ring.pick(k, set), pass, nil
		}
		pass.leave(&Outcome{Remaining: -1, Unsent: true}, k.client.gateTime(k.client.clock.Now()))
	}
}

// learn looks for what the good answer of the client's nth call says of the limit; nil if
// nothing.
func (c *Client) learn(resp *http.Response, nth uint64, out *Outcome) *ratehint.Hint {
	if !c.stats.looksForLimits(nth) || !ratehint.MentionsLimit(resp.Header) {
		return nil
	}
	c.stats.foundLimits()
	h := ratehint.Parse(resp.Header, nil, "", time.Now())
	reportLimit(h, out)
	return &h
}

// reportLimit puts what an answer says of the limit into what the gate is told.
func reportLimit(h ratehint.Hint, out *Outcome) {
	out.Limit, out.Remaining, out.Reset = Limit(h.Limit), h.Remaining, h.Reset
}

// read takes from an answer what the gate, the keyring and the retry loop want to know.
func (k *call) read(resp *http.Response, out *Outcome) {
	out.StatusCode = resp.StatusCode
	if resp.StatusCode < 400 {
		k.hint = k.client.learn(resp, k.nth, out)
	}
	kind := problem.Other
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests || status >= 500:
		k.answer, kind = k.apiError(resp)
		e := k.answer
		h := ratehint.Parse(e.Header, e.body, k.client.provider.WaitField, time.Now())
		if kind == problem.RateLimited {
			h.Wait = h.RefusedWait()
		}
		k.hint = &h
		reportLimit(h, out)
		k.wait = k.policy.wait(k.attempts, h, kind == problem.RateLimited)
		if kind == problem.RateLimited || h.Given {
			out.Wait, out.Hint, out.Refusal, k.paced = k.wait, h.Wait, e, true
		}
	case status >= 400:
		k.answer, kind = k.apiError(resp)
	case status >= 300:
		httpbody.Peek(resp, maxErrorBody) // so that a body which stalls does not hold the redirect
		k.moved = k.moved || status <= http.StatusSeeOther
	}
	if resp.StatusCode >= 400 {
		k.client.stats.refusedAs(resp.StatusCode, kind)
	}
	k.verdict = verdictOf(resp.StatusCode, kind)
}
