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

// call is what the layers know in common about one call. It is the context of the request,
// and only the goroutine of the call touches what it holds beside that.
type call struct {
	context.Context //nolint:containedctx // the call is a context, and ends with it

	first    *firstTry // an attempt that was made before the loop began
	straight *trip     // and one that is to be evaluated still

	client     *Client
	ring       *Keyring
	gate       Gate
	tenant     string // fingerprint of a key given with the call; "" for the client's own
	priority   Priority
	began      time.Duration // by the client's clock
	nth        uint64        // of the client's calls
	policy     *RetryPolicy
	method     string
	path       string   // as it goes out
	url        *url.URL // the caller's
	cookies    []string // the caller's own
	idempotent bool
	replayable bool
	wantsJSON  bool

	attempts int
	key      *key           // of the last attempt; nil before the first
	sent     time.Duration  // when that left, by the ring's clock
	status   int            // the last answer's; 0 if none came
	answer   *APIError      // that answer, if it was an error
	hint     *ratehint.Hint // what it said of a limit; nil if nothing
	wait     time.Duration  // before the next attempt
	note     string
	verdict  verdict // what the answer said of the key
	unsent   bool    // of the last attempt nothing left this machine
	moved    bool    // a redirect to a GET says that the request was acted upon
	paced    bool    // the gate does the waiting
	deadline bool    // the deadline was the reason to give up

	tried       []string     // fingerprints of the keys that were refused
	earlier     []Credential // the other credentials that the call has used
	canary      *circuit     // the circuit that this call tries keys for
	vain        *circuit     // the circuit that it was a canary of in vain
	patience    time.Time    // up to here it may be held
	cause       error        // the end of its context, if it was held then
	anew        int          // how often it went on with a key that came after it had tried all
	alone       int          // how often it was refused while others were not
	regressing  bool         // the previous key is tried for a permission
	thorough    bool         // as a canary it tries all keys
	unusable    bool         // it was held in vain
	notReplayed bool         // its body cannot be sent again
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

// newCall begins a call; o is nil if it is not typed. req is not changed.
func (c *Client) newCall(ctx context.Context, req *http.Request, o *callConfig) (*call, error) {
	k := &call{
		Context: ctx, client: c, ring: c.ring, gate: c.gate, policy: &c.policy, priority: c.config.priority,
		method: req.Method, url: req.URL, path: req.URL.EscapedPath(), // a line break in it stays %0A
		cookies: req.Header["Cookie"], idempotent: isIdempotent(req),
		replayable: req.Body == nil || req.Body == http.NoBody || req.GetBody != nil,
	}
	if k.method == "" {
		k.method = http.MethodGet
	}
	if o == nil {
		return k, nil
	}
	k.wantsJSON = true
	if o.policy != nil {
		own := *o.policy // an option may serve many calls
		setDefault(&own.AttemptTimeout, c.policy.AttemptTimeout)
		k.policy = &own
	}
	if o.priority != nil {
		k.priority = *o.priority
	}
	if o.keys == nil {
		return k, nil
	}
	ring, ok := o.keys.(*Keyring)
	if !ok {
		var err error
		if ring, err = NewKeyring(ctx, o.keys); err != nil {
			return nil, c.named(err)
		}
	}
	k.ring = ring
	if given := ring.set.Load().pick().fingerprint; !o.sameAccount && given != c.ring.set.Load().pick().fingerprint {
		k.tenant = given // another account: a lane of its own in the gate
	}
	return k, nil
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

// use records the key of an attempt, and when that left.
func (k *call) use(used *key, sent time.Duration) {
	if k.key != nil && used.fingerprint != k.key.fingerprint {
		k.earlier = append(k.earlier, k.key.cred)
	}
	k.key, k.sent = used, sent
	used.use.sent.Observe(sent)
	k.attempts++
	k.status, k.unsent, k.answer, k.wait, k.paced, k.hint = 0, false, nil, 0, false, nil
	k.verdict = keyUnknown
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

// lastHint is what the last answer said of a limit.
func (k *call) lastHint() ratehint.Hint {
	if k.hint == nil {
		return ratehint.None()
	}
	return *k.hint
}

// redactor takes out every credential that the call used or that is live.
func (k *call) redactor() redact.Redactor { return redactorOf(k.creds()...) }

func (k *call) creds() []Credential {
	used := k.earlier
	if k.key != nil {
		used = append(slices.Clip(used), k.key.cred)
	}
	return slices.Concat(used, k.ring.live())
}

// answerError is the typed error of an answer, or nil if the answer is not an error.
func (k *call) answerError(resp *http.Response) error {
	if resp.StatusCode < 300 {
		return nil
	}
	said, kind := k.apiError(resp)
	e := said.copy()
	e.Note = k.note
	switch kind {
	case problem.MissingKey:
		return &MissingKeyError{e}
	case problem.InvalidKey:
		return &InvalidKeyError{APIError: e, Unusable: k.unusable, NotReplayed: k.notReplayed, cause: k.cause}
	case problem.RateLimited:
		return &RateLimitError{APIError: e, RetryAfter: k.lastHint().Wait, Deadline: k.deadline}
	case problem.Permission:
		ambiguous := resp.StatusCode == http.StatusNotFound
		if ambiguous {
			e.Note = joinNotes(e.Note, "not found, or the key lacks the scope: the provider answers 404 for both")
		}
		return &PermissionError{APIError: e, Ambiguous: ambiguous}
	case problem.Other:
	}
	return e
}

func joinNotes(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}
