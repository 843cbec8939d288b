package keyfit

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/ratehint"
	"github.com/keyfit/keyfit/internal/redact"
)

// call is the state of one call, shared by the stages of a request. Every call has this
// part, which therefore is small; [typedCall] is the part of typed calls, and [trouble] the
// part that exists only once something went wrong.
//
// A [callContext] is the context of the requests that the retry loop, the redirects and
// [CheckResponse] see, so each of them can find the call. Only the goroutine of the call may
// touch anything but the context.
type call struct {
	context.Context //nolint:containedctx // the call is a context, and ends with it

	client     *Client
	ring       *Keyring
	policy     *RetryPolicy
	tally      *tally     // of its key
	typed      *typedCall // nil for a raw request
	account    string     // names the keyring given with the call, for the limit; "" for the client's own
	method     string
	url        *url.URL                      // as the caller gave it, within the origin
	getBody    func() (io.ReadCloser, error) // nil if there is no body, or a stream
	began      time.Duration                 // by the client's clock
	priority   Priority
	idempotent bool
	replayable bool
	looks      bool // for a limit in a good response
	keepsPlace bool // a further retry keeps its place in the queue of the gate
	passedOn   bool // by the middleware of the call

	attempts int
	status   int                 // of the last response; 0 if none came
	key      *keyring.Generation // of the last attempt; nil before the first
	sent     time.Duration       // when the last attempt was sent, by the ring's clock

	trouble   *trouble      // nil until something goes wrong
	unused    *http.Request // memory for the request that the first attempt sends
	firstBody bodyMemory    // for the first response
}

// typedCall is the part of a call's state that only typed calls have: their options, and the
// body of the response.
type typedCall struct {
	callConfig

	content []byte // of a good response
}

// trouble is the state of a call once something went wrong: a failed or refused attempt, a
// redirect, a wait. Nearly every call ends without it.
type trouble struct {
	path   string
	retry  retryState
	turn   *keyring.Turn        // nil until the keyring has state for the call
	denied *keyring.DeniedError // set if the wait for a usable key failed
}

// retryState is what the retry loop knows about the attempts so far.
type retryState struct {
	answer  *APIError      // the last response, if it was an error
	hint    *ratehint.Hint // what it says about the limit; nil if nothing
	wait    time.Duration
	paced   bool        // the gate makes the call wait
	limited bool        // the last response is a refusal for the limit
	unsent  bool        // the last attempt was not sent at all
	pauses  int         // how many responses have paused the gate
	header  http.Header // of a good response whose body broke off

	refused problem.Kind // what answer refuses for

	attempts []Attempt     // those that did not succeed
	failed   time.Duration // when the first of them was over, by the client's clock; 0 if none was
	body     io.ReadCloser // of the next attempt; nil once that has it

	note        string       // why there is no further attempt
	earlier     []Credential // the other credentials that the call has used
	moved       bool         // a redirect to a GET shows that the request took effect
	deadline    bool         // the deadline is why there is no further attempt
	notReplayed bool         // the body cannot be sent again
}

// newCall creates the state of a call; o is nil for a raw request. req is within the
// provider's origin and is not changed.
//
// The call and the first request that it sends share one allocation. The call drops its
// reference to that request when it is sent, because the request carries the key.
func (c *Client) newCall(req *http.Request, o *typedCall, began time.Duration) (*call, error) {
	both := &struct {
		call
		outgoing http.Request
	}{call: call{
		Context: req.Context(), client: c, ring: c.ring, policy: &c.policy, tally: c.tally, typed: o,
		method: req.Method, url: req.URL, began: began, priority: c.priority,
	}}
	k := &both.call
	k.unused = &both.outgoing
	if k.method == "" {
		k.method = http.MethodGet
	}
	k.sends(req)
	if o == nil {
		return k, nil
	}
	err := k.apply(&o.callConfig)
	return k, err
}

// sends takes from the request of the call how often it may be sent.
func (k *call) sends(req *http.Request) {
	k.idempotent, k.replayable, k.getBody = k.client.isIdempotent(req), true, nil
	if req.Body != nil && req.Body != http.NoBody {
		k.replayable, k.getBody = req.GetBody != nil, req.GetBody
	}
}

// apply applies the options of a typed call.
func (k *call) apply(o *callConfig) error {
	if o.policy != nil {
		own, err := o.policy.over(k.client.policy).withDefaults()
		if err != nil {
			return k.client.named(err)
		}
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
		k.began = k.client.clock.Now() // asking the source may have taken time
	}
	if err := k.client.mayCarry(ring); err != nil {
		return err
	}
	k.client.memory.use(ring)
	given := ring.engine.Load().Pick(true).Fingerprint
	if !o.sameAccount && ring.account != k.ring.account && given != k.ring.engine.Load().Pick(true).Fingerprint {
		k.account, k.tally = ring.account, k.client.tallyOf(ring, given) // another account has its own limit
	}
	k.ring = ring
	return nil
}

// isIdempotent reports whether sending the request twice does what sending it once does:
// RFC 9110, section 9.2.2, or an idempotency key that the provider understands.
func (c *Client) isIdempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get(c.provider.idempotencyHeader()) != ""
}

type callKey struct{}

// callContext is the context of the caller, and leads to the call. It does so by a function:
// a response has it, and a printer must not get from there to the pool.
type callContext struct {
	context.Context //nolint:containedctx // it is a context

	call hidden[*call]
}

// Value returns the call for its key.
func (link callContext) Value(name any) any {
	if name == (callKey{}) {
		return link.call
	}
	return link.Context.Value(name)
}

func callOf(ctx context.Context) *call {
	if of, ok := ctx.Value(callKey{}).(hidden[*call]); ok {
		return of()
	}
	return nil
}

// request returns a copy of a request whose context leads to the call, or the request itself
// if its context does so already.
func (k *call) request(req *http.Request) *http.Request {
	if callOf(req.Context()) == k {
		return req
	}
	host := hostOf(req)
	req = req.WithContext(callContext{Context: k.Context, call: hide(k)})
	req.Host, req.RequestURI = host, ""
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	return req
}

// begins records the key of an attempt and when it is sent.
func (k *call) begins(with *keyring.Generation, sent time.Duration) {
	if k.key != nil {
		k.forgets(with)
	}
	k.key, k.sent, k.status = with, sent, 0
	k.attempts++
}

// forgets drops what is known of the last attempt, but not its key if the next one has another.
func (k *call) forgets(next *keyring.Generation) {
	if next.Fingerprint != k.key.Fingerprint {
		k.retry().earlier = append(k.retry().earlier, credentialOf(k.key.Key))
	}
	if k.trouble != nil {
		r := k.retry()
		r.answer, r.hint, r.wait, r.paced, r.limited, r.unsent, r.header = nil, nil, 0, false, false, false, nil
	}
}

func (k *call) inTrouble() *trouble {
	if k.trouble == nil {
		k.trouble = &trouble{path: k.path()} // the caller may change the URL after the call
	}
	return k.trouble
}

// retry returns what the retry loop knows about the attempts so far.
func (k *call) retry() *retryState { return &k.inTrouble().retry }

// turn returns the keyring's state of the call.
func (k *call) turn() *keyring.Turn {
	t := k.inTrouble()
	if t.turn == nil {
		t.turn = k.ring.engine.NewTurn(keyring.Call{
			Context: k.Context, Replayable: k.replayable, Route: k.route(), AttemptTimeout: k.policy.AttemptTimeout, Name: k.name,
			Waits: k.waitsForKey, Waited: k.tally.held,
		})
	}
	return t.turn
}

// route identifies what the call requests, for the keyring.
func (k *call) route() uint64 { return k.ring.engine.Route(k.method, k.url.Path) }

// name is how events show the call.
func (k *call) name() string { return k.method + " " + k.redactor().Text(k.path()) }

// answered describes the last attempt to the keyring.
func (k *call) answered() keyring.Attempt {
	return keyring.Attempt{Key: k.key, Sent: k.sent, Succeeded: k.succeeded(), Refusal: k.retry().answer}
}

// succeeded reports whether the last response is a success: a good status may be that of an
// error, see [Provider.ErrorsInSuccess].
func (k *call) succeeded() bool {
	return k.status < http.StatusMultipleChoices && (k.trouble == nil || k.trouble.retry.answer == nil)
}

// path is the escaped path, as it is sent: a line break in it stays %0A.
func (k *call) path() string {
	if k.trouble != nil {
		return k.trouble.path
	}
	return k.url.EscapedPath()
}

// addNote adds a reason to the note of the call's error.
func (k *call) addNote(note string) { k.retry().note = joinNotes(k.retry().note, note) }

// note returns the reasons added so far, and which base URL the client does not use.
func (k *call) note() string {
	if k.trouble == nil {
		return k.client.ignored
	}
	return joinNotes(k.trouble.retry.note, k.client.ignored)
}

// fingerprint identifies the key of the last attempt; it is "" before the first.
func (k *call) fingerprint() string {
	if k.key == nil {
		return ""
	}
	return k.key.Fingerprint
}

// generation is the generation of the last attempt's key; 0 before the first.
func (k *call) generation() uint64 {
	if k.key == nil {
		return 0
	}
	return k.key.Number
}

// hint is what the last response says about the limit.
func (k *call) hint() ratehint.Hint {
	if k.trouble == nil || k.trouble.retry.hint == nil {
		return ratehint.None()
	}
	return *k.trouble.retry.hint
}

// redactor redacts every credential that the call used or that is live, and every key that the
// client's family holds or has held.
func (k *call) redactor() redact.Redactor { return k.client.memory.redactor(k.creds()) }

func (k *call) creds() []Credential {
	var used []Credential
	if k.trouble != nil {
		used = k.trouble.retry.earlier
	}
	if k.typed != nil {
		used = append(slices.Clip(used), k.typed.secret()...)
	}
	if k.key != nil {
		used = append(slices.Clip(used), credentialOf(k.key.Key))
	}
	return slices.Concat(used, k.ring.live())
}

// observe reports a finished attempt to the hooks and the log; ctx is that of the attempt.
func (k *call) observe(ctx context.Context, resp *http.Response, err error, took time.Duration) {
	e := AttemptEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), Origin: k.client.origin, Route: k.routeName(),
		Number: k.attempts, Generation: k.generation(), KeyFingerprint: k.fingerprint(), Duration: took, Err: err,
	}
	if k.trouble != nil && k.trouble.retry.answer != nil {
		e.Refusal = refusalName(k.status, k.trouble.retry.refused)
	}
	if resp != nil {
		e.StatusCode, e.RequestID = resp.StatusCode, k.client.provider.requestID(resp.Header, problem.Problem{}, k.redactor())
	}
	k.client.obs.attempt(ctx, e)
}

// waitsForKey reports a wait for a key that works.
func (k *call) waitsForKey(longest time.Duration) {
	if k.client.obs.wantsWaits() {
		k.observeWait(WaitForKey, longest)
	}
}

// observeWait reports a wait that begins.
func (k *call) observeWait(why WaitReason, d time.Duration) {
	h := k.hint()
	k.client.obs.wait(k.Context, WaitEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), Route: k.routeName(), Reason: why, Duration: d,
		Source: h.Source, Dropped: k.redactor().Texts(h.Dropped), StatusCode: k.status,
	})
}
