package keyfit

import (
	"fmt"
	"net/http"
	"net/url"
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
		k.hint = parseHint(e.Header, e.body, k.client.provider.WaitField, time.Now())
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
