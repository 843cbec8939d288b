package keyfit

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/ratehint"
	"github.com/keyfit/keyfit/internal/redact"
)

// call is what the stages know about one call. This part every call has; what only a call
// has that met an obstacle is in its [trouble].
//
// A call is the context of the requests that the retry loop, the redirects and
// [CheckResponse] see, so that each of them finds it. Only the goroutine of the call
// touches anything but the context.
type call struct {
	context.Context //nolint:containedctx // the call is a context, and ends with it

	client     *Client
	ring       *Keyring
	policy     *RetryPolicy
	account    string // fingerprint of a key given with the call; "" for the client's own
	method     string
	url        *url.URL      // as the caller gave it, within the origin
	began      time.Duration // by the client's clock
	nth        uint64        // among the requests of the client
	priority   Priority
	idempotent bool
	replayable bool
	wantsJSON  bool

	attempts int
	status   int           // of the last answer; 0 if none came
	key      *key          // of the last attempt; nil before the first
	sent     time.Duration // when the last attempt left, by the ring's clock

	trouble *trouble      // nil as long as all goes well
	unused  *http.Request // room for the request that the first attempt sends
}

// trouble is what a call remembers once something went wrong: an attempt that failed or was
// refused, a redirect, a wait. Nearly every call ends without it.
type trouble struct {
	path  string
	retry retryState
	turn  turn
}

// retryState is what the retry loop knows about the attempts so far.
type retryState struct {
	answer *APIError      // the last answer, if it was an error
	hint   *ratehint.Hint // what that said about a limit; nil if nothing
	wait   time.Duration
	paced  bool // the gate does the waiting
	unsent bool // nothing of the last attempt left this machine

	note        string       // why there is no further attempt
	earlier     []Credential // the other credentials that the call has used
	moved       bool         // a redirect to a GET says that the request was acted upon
	deadline    bool         // the deadline is why there is no further attempt
	notReplayed bool         // the body cannot be sent again
}

// newCall begins a call; o is nil if it is not typed. req is within the provider's origin
// and is not changed.
//
// The call and the first request that it sends are one allocation, and the call lets go of
// that request when it is sent: it carries the key.
func (c *Client) newCall(req *http.Request, o *callConfig, began time.Duration, nth uint64) (*call, error) {
	both := &struct {
		call
		outgoing http.Request
	}{call: call{
		Context: req.Context(), client: c, ring: c.ring, policy: &c.policy, priority: c.config.priority,
		method: req.Method, url: req.URL,
		began: began, nth: nth, idempotent: isIdempotent(req),
		replayable: req.Body == nil || req.Body == http.NoBody || req.GetBody != nil,
	}}
	k := &both.call
	k.unused = &both.outgoing
	if k.method == "" {
		k.method = http.MethodGet
	}
	if o == nil {
		return k, nil
	}
	err := k.apply(o)
	return k, err
}

// apply takes the options of a typed call.
func (k *call) apply(o *callConfig) error {
	k.wantsJSON = true
	if o.policy != nil {
		own := *o.policy // an option may serve many calls
		setDefault(&own.AttemptTimeout, k.client.policy.AttemptTimeout)
		k.policy = &own
	}
	if o.priority != nil {
		k.priority = *o.priority
	}
	if o.keys == nil {
		return nil
	}
	ring, ok := o.keys.(*Keyring)
	if !ok {
		var err error
		if ring, err = NewKeyring(k.Context, o.keys); err != nil {
			return k.client.named(err)
		}
		k.began = k.client.clock.Now() // the source may have taken its time
	}
	given := ring.set.Load().pick().fingerprint
	if !o.sameAccount && given != k.ring.set.Load().pick().fingerprint {
		k.account = given // which has a limit of its own
	}
	k.ring = ring
	return nil
}

// isIdempotent reports whether sending the request twice does what sending it once does:
// RFC 9110, section 9.2.2, or an idempotency key that the provider understands.
func isIdempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != ""
}

type callKey struct{}

// Value returns the call itself for its key, as context.WithValue would, without the cost.
func (k *call) Value(name any) any {
	if name == (callKey{}) {
		return k
	}
	return k.Context.Value(name)
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// request returns a copy of a request with the call as its context, or the request itself
// if it has that already.
func (k *call) request(req *http.Request) *http.Request {
	if req.Context() == context.Context(k) {
		return req
	}
	req = req.WithContext(k)
	req.Host, req.RequestURI = "", ""
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	return req
}

// begins records the key of an attempt and when that leaves.
func (k *call) begins(with *key, sent time.Duration) {
	if k.key != nil && with.fingerprint != k.key.fingerprint {
		k.retry().earlier = append(k.retry().earlier, k.key.cred)
	}
	k.key, k.sent, k.status = with, sent, 0
	k.attempts++
	if k.trouble != nil {
		r := k.retry()
		r.answer, r.hint, r.wait, r.paced, r.unsent = nil, nil, 0, false, false
	}
}

func (k *call) inTrouble() *trouble {
	if k.trouble == nil {
		k.trouble = &trouble{ // after the call its URL is the caller's again
			path: k.path(), turn: turn{ctx: k.Context, replayable: k.replayable, route: k.ring.route(k.method, k.url)},
		}
	}
	return k.trouble
}

// retry returns what the retry loop knows about the attempts so far.
func (k *call) retry() *retryState { return &k.inTrouble().retry }

// turn returns what the keyring knows about the call, as of its last attempt.
func (k *call) turn() *turn {
	t := &k.inTrouble().turn
	t.key, t.sent, t.refusal = k.key, k.sent, k.trouble.retry.answer
	return t
}

// path is the path as it is sent: a line break in it stays %0A.
func (k *call) path() string {
	if k.trouble != nil {
		return k.trouble.path
	}
	return k.url.EscapedPath()
}

// addNote adds a reason to what the error will say.
func (k *call) addNote(note string) { k.retry().note = joinNotes(k.retry().note, note) }

// note is what has been added so far.
func (k *call) note() string {
	if k.trouble == nil {
		return ""
	}
	return k.trouble.retry.note
}

// fingerprint names the key of the last attempt; "" before the first.
func (k *call) fingerprint() string {
	if k.key == nil {
		return ""
	}
	return k.key.fingerprint
}

// generation is that of the key of the last attempt; 0 before the first.
func (k *call) generation() uint64 {
	if k.key == nil {
		return 0
	}
	return k.key.gen
}

// hint is what the last answer says about a limit.
func (k *call) hint() ratehint.Hint {
	if k.trouble == nil || k.trouble.retry.hint == nil {
		return ratehint.None()
	}
	return *k.trouble.retry.hint
}

// redactor takes out every credential that the call used or that is live.
func (k *call) redactor() redact.Redactor { return redactorOf(k.creds()...) }

func (k *call) creds() []Credential {
	var used []Credential
	if k.trouble != nil {
		used = k.trouble.retry.earlier
	}
	if k.key != nil {
		used = append(slices.Clip(used), k.key.cred)
	}
	return slices.Concat(used, k.ring.live())
}

// observe reports an attempt that ended.
func (k *call) observe(resp *http.Response, err error, took time.Duration) {
	e := AttemptEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), Number: k.attempts,
		Generation: k.generation(), KeyFingerprint: k.fingerprint(), Duration: took, Err: err,
	}
	if resp != nil {
		e.StatusCode, e.RequestID = resp.StatusCode, requestID(resp.Header, problem.Problem{}, k.redactor())
	}
	k.client.obs.attempt(k.Context, e)
}

// observeWait reports a wait that begins.
func (k *call) observeWait(why WaitReason, d time.Duration) {
	h := k.hint()
	k.client.obs.wait(k.Context, WaitEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), Reason: why, Duration: d,
		Source: h.Source, Dropped: k.redactor().Texts(h.Dropped), StatusCode: k.status,
	})
}
