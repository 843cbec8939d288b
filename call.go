package keyfit

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
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
	status   int                 // of the last answer; 0 if none came
	key      *keyring.Generation // of the last attempt; nil before the first
	sent     time.Duration       // when the last attempt left, by the ring's clock

	trouble *trouble      // nil as long as all goes well
	unused  *http.Request // room for the request that the first attempt sends
}

// trouble is what a call remembers once something went wrong: an attempt that failed or was
// refused, a redirect, a wait. Nearly every call ends without it.
type trouble struct {
	path   string
	retry  retryState
	turn   *keyring.Turn        // nil as long as the keyring has nothing to remember
	denied *keyring.DeniedError // it waited for a usable key in vain
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
	given := ring.engine.Load().Pick(true).Fingerprint
	if !o.sameAccount && given != k.ring.engine.Load().Pick(true).Fingerprint {
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
func (k *call) begins(with *keyring.Generation, sent time.Duration) {
	if k.key != nil && with.Fingerprint != k.key.Fingerprint {
		k.retry().earlier = append(k.retry().earlier, credentialOf(k.key.Key))
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
		k.trouble = &trouble{path: k.path()} // after the call its URL is the caller's again
	}
	return k.trouble
}

// retry returns what the retry loop knows about the attempts so far.
func (k *call) retry() *retryState { return &k.inTrouble().retry }

// turn returns what the keyring knows about the call.
func (k *call) turn() *keyring.Turn {
	t := k.inTrouble()
	if t.turn == nil {
		t.turn = k.ring.engine.NewTurn(keyring.Call{Context: k.Context, Replayable: k.replayable, Route: k.route(), Name: k.name})
	}
	return t.turn
}

// route names what the call asks for, to the keyring.
func (k *call) route() uint64 { return k.ring.engine.Route(k.method, k.url.Path) }

// name is the call as events show it.
func (k *call) name() string { return k.method + " " + k.redactor().Text(k.path()) }

// answered is the last attempt as the keyring sees it.
func (k *call) answered() keyring.Attempt {
	return keyring.Attempt{Key: k.key, Sent: k.sent, Succeeded: k.status < http.StatusMultipleChoices, Refusal: k.retry().answer}
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
	return k.key.Fingerprint
}

// generation is that of the key of the last attempt; 0 before the first.
func (k *call) generation() uint64 {
	if k.key == nil {
		return 0
	}
	return k.key.Number
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
		used = append(slices.Clip(used), credentialOf(k.key.Key))
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
