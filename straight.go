package keyfit

import (
	"context"
	"net/http"
	"time"
)

// This file is the straight way of a call: the one attempt that nearly every call ends with,
// made without a [call] that remembers it. It has the steps of [attemptTransport.pass] in
// their order. What has to be remembered (a wait, a refusal, a failure) is not for it: then
// the call takes the long way from there, with the attempt that it has made. Whoever changes
// a step of one way looks at the other; TestAStraightCallIsLikeAnyOther compares them.

// straightGate returns the gate for calls that go straight, or nil if none may: somebody
// wants to hear of attempts, something has to be undone after them, the gate is another's.
func (c *Client) straightGate() *gate {
	own, ok := c.gate.(*gate)
	if !ok || c.loop.once == nil || c.policy.AttemptTimeout > 0 || c.obs.wantsAttempts() {
		return nil
	}
	return own
}

// isStraight reports whether a call may go straight: it has no options that matter on the
// way, and nothing is lost or done twice if it is sent again.
func (c *Client) isStraight(req *http.Request, o *callConfig) bool {
	switch {
	case c.straight == nil, req.URL.Scheme == "", req.Body != nil && req.Body != http.NoBody:
		return false
	case o != nil && (o.keys != nil || o.policy != nil || o.response != nil):
		return false
	}
	return req.Method == http.MethodGet || isIdempotent(req)
}

// goStraight makes the first attempt of the client's nth call. If all went well it
// returns the answer and the key of it; else the trip, for the long way to judge, or nothing
// if nothing was sent.
func (c *Client) goStraight(ctx context.Context, req *http.Request, wantsJSON bool, began time.Duration, nth uint64) (*http.Response, *key, *trip) {
	t, set := c.loop.once, c.ring.set.Load()
	if !set.atRest || t.allowed(req.URL) != nil || ctx.Err() != nil {
		return nil, nil, nil
	}
	ticket, ok := c.straight.enterNow(c.provider.Name, c.gateTime(began))
	if !ok {
		return nil, nil, nil
	}
	r, out, judged := trip{key: &set.current, ticket: ticket, sent: began}, Outcome{Remaining: -1}, true
	r.key.use.inFlight.Add(1)
	defer func() {
		if judged { // else the long way ends it
			r.end(&out, c)
		}
	}()
	wire := copyOf(req, ctx)
	if t.dressAlike(wire, r.key, wantsJSON) != nil {
		out.Unsent = true
		return nil, nil, nil
	}
	r.resp, r.err = t.next.RoundTrip(wire)
	r.back = c.clock.Now()
	if r.err == nil {
		r.resp.Request = req // the copy holds the key
	}
	if r.err != nil || r.resp.StatusCode >= http.StatusMultipleChoices || c.ring.set.Load() != set {
		judged = false
		open := r // so that only this one is allocated
		return nil, nil, &open
	}
	out.StatusCode = r.resp.StatusCode
	c.learn(r.resp, nth, &out)
	c.ring.proved(r.key, began-c.ringLag, c.ring.route(req.Method, req.URL))
	return r.resp, r.key, nil
}
