package keyfit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/ratehint"
)

// RetryPolicy says when a call is tried again, and how long it may wait. A zero field
// means its default, so the zero RetryPolicy is the default policy.
//
// Tried again are GET, HEAD, OPTIONS, PUT and DELETE on 408, 429, 500, 502, 503, 504 and
// on connection errors. POST and PATCH are tried again only on 429 and 503, when nothing
// was sent, or with an idempotency key ([WithIdempotencyKey]). Never tried again: a call
// whose context ended, a server whose certificate was refused, [ErrInsecure],
// [ErrCrossOrigin], a body that is a stream.
//
// When a provider asks for a wait that fits MaxWait and the deadline, the call waits that
// long, and never shorter. When it does not fit, the call fails at once with everything
// that is known.
type RetryPolicy struct {
	// MaxAttempts counts all tries of a call; 1 never tries again. 0 means 4.
	MaxAttempts int
	// MinBackoff and MaxBackoff bound the wait between tries where the provider asks for
	// none: a random time up to MinBackoff, doubled with each try, never above MaxBackoff
	// (full jitter). 0 means 250 ms and 8 s.
	MinBackoff, MaxBackoff time.Duration
	// MaxWait is the longest wait that a provider may ask for, and that our own count of
	// its limit may cost. 0 means 60 s; for no waiting at all use a nanosecond.
	MaxWait time.Duration
	// AttemptTimeout bounds one attempt, from its sending to the end of its body. An
	// attempt that times out before its answer's header is tried again like a connection
	// error; one that times out in the body of its answer is an error. 0 means no bound but
	// the context, and 60 s until the answer's header on the client's own connections.
	AttemptTimeout time.Duration
	// Budget bounds the tries that follow a failure (not those that follow a 429, which
	// the gate paces) to this part of all requests of the last minute, and at least 3 a
	// second. It keeps a client from multiplying the load of a server that fails.
	// 0 means 0.2; math.Inf(1) means no budget.
	Budget float64
}

func (p RetryPolicy) withDefaults() (RetryPolicy, error) {
	if p.MaxAttempts < 0 || p.MinBackoff < 0 || p.MaxBackoff < 0 || p.MaxWait < 0 || p.AttemptTimeout < 0 || p.Budget < 0 || math.IsNaN(p.Budget) {
		return p, errors.New("a retry policy has no negative fields: zero means the default")
	}
	setDefault(&p.MaxAttempts, 4)
	setDefault(&p.MinBackoff, 250*time.Millisecond)
	setDefault(&p.MaxBackoff, 8*time.Second)
	setDefault(&p.MaxWait, time.Minute)
	setDefault(&p.Budget, 0.2)
	if p.MinBackoff > p.MaxBackoff {
		return p, fmt.Errorf("a retry policy has MinBackoff %s above MaxBackoff %s", p.MinBackoff, p.MaxBackoff)
	}
	return p, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// backoff is the wait after the given number of attempts, with that part of it at random.
func (p RetryPolicy) backoff(attempts int, jitter float64) time.Duration {
	return backoff.Jitter(backoff.Exponential(p.MinBackoff, p.MaxBackoff, attempts-1), jitter)
}

// wait is how long to stay away: what the server asked for, or our own backoff if that is
// longer. After a 429 without a hint it is at least half the backoff's ceiling, since the
// pause is everybody's and a pause of nothing would be none.
func (p RetryPolicy) wait(attempts int, h ratehint.Hint, limited bool) time.Duration {
	own := p.backoff(attempts, backoff.Full)
	if limited && !h.Given {
		own = p.backoff(attempts, backoff.Equal)
	}
	if h.Wait >= p.MinBackoff {
		own = 0 // the hint is plain; jitter on top would only make it late
	}
	return max(own, h.Wait)
}

// loop is the retry loop over one attempt. go-retryablehttp keeps the loop, the rewinding
// of bodies and the context; what to do is decided here, per call. No other file knows it.
type loop struct {
	client *retryablehttp.Client
	once   *attemptTransport // one attempt, without redirects; nil where a cookie jar needs http.Client
}

// newLoop returns the loop over a client whose transport is one attempt.
//
// The loop's own habits are switched off: it logs every request, it retries by method-blind
// rules, and it closes the whole idle pool when an operation fails (which it cannot here,
// since attemptTransport hides CloseIdleConnections).
func newLoop(guard *http.Client, attempt *attemptTransport) loop {
	l := loop{client: &retryablehttp.Client{
		HTTPClient: guard,
		RetryMax:   math.MaxInt32, // the policy of the call counts
		CheckRetry: checkRetry,
		Backoff:    func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		PrepareRetry: func(req *http.Request) error {
			k := callOf(req.Context())
			if guard.Jar != nil { // its cookies are in the header from the last attempt, and come again
				req.Header = req.Header.Clone()
				req.Header["Cookie"] = k.cookies
			}
			k.client.stats.retries.Add(1)
			return k.pause(req.Context())
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}}
	if guard.Jar == nil {
		l.once = attempt
	}
	return l
}

// firstTry is what the first attempt of a call brought.
type firstTry struct {
	resp *http.Response
	err  error
}

// send sends the request until the call's policy is content with what came back. The first
// attempt is made without the loop, since nearly every call ends with it. Only if there is
// something to decide, the loop begins, and finds that attempt done.
func (l loop) send(k *call, given *http.Request) (*http.Response, error) {
	var req *http.Request // as the loop wants it; the first attempt can do without
	if l.once == nil || given.URL.Scheme == "" {
		req = k.request(given)
	}
	if l.once != nil {
		first := req
		if first == nil {
			first = given
		}
		resp, err := l.once.attempt(k, first)
		if err == nil && resp.StatusCode < http.StatusMultipleChoices {
			return resp, nil
		}
		if req == nil {
			req = k.request(given)
		}
		if resp != nil {
			resp.Request = req
		}
		k.first = &firstTry{resp, err}
	}
	r := &retryablehttp.Request{Request: req}
	if original := req.Body; original != nil && original != http.NoBody && req.GetBody != nil {
		defer func() { _ = original.Close() }() // each attempt reads its own copy
		getBody, length := req.GetBody, req.ContentLength
		err := r.SetBody(retryablehttp.ReaderFunc(func() (io.Reader, error) { return getBody() }))
		if err != nil {
			return nil, fmt.Errorf("the request's body could not be produced: %w", err)
		}
		// A reader that does not tell its length would make the loop forget ours.
		r.ContentLength, r.GetBody = length, getBody
	}
	return l.client.Do(r)
}

// checkRetry decides after an attempt whether there is another one.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	k := callOf(ctx)
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the loop then returns what the attempt returned
	}
	if err != nil {
		return k.retryError(err), nil
	}
	return k.retryStatus(ctx, resp.StatusCode), nil
}

func (k *call) retryError(err error) bool {
	switch {
	case isFinal(err):
		return false
	case !k.replayable:
		k.note = joinNotes(k.note, noteStream)
		return false
	case !k.idempotent && (!k.unsent || k.moved):
		k.note = joinNotes(k.note, "not sent again: the "+k.method+" may have been done, and it has no idempotency key")
		return false
	}
	k.wait = k.policy.backoff(k.attempts, backoff.Full)
	return k.mayRetry() && k.withinBudget()
}

// isFinal reports errors that another attempt would only repeat.
func isFinal(err error) bool {
	if errors.Is(err, ErrInsecure) || errors.Is(err, ErrCrossOrigin) || errors.Is(err, errTooManyRedirects) {
		return true
	}
	if _, ok := errors.AsType[*RateLimitError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*InvalidKeyError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*finalError](err); ok {
		return true
	}
	return isTrustError(err)
}

// isTrustError reports whether the server is not who it should be, or speaks no TLS.
func isTrustError(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return verify || unknown || host || invalid || record || errors.Is(err, http.ErrSchemeMismatch)
}

func (k *call) retryStatus(ctx context.Context, status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		// The server says that it did nothing: RFC 6585, section 4; RFC 9110, section 15.6.4.
		// Where a redirect led there, the first request was done nevertheless.
		if !k.idempotent && k.moved {
			k.note = joinNotes(k.note, "not sent again: a redirect answered the "+k.method+", which was done")
			return false
		}
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		if !k.idempotent {
			k.note = joinNotes(k.note, "not sent again: the "+k.method+" has no idempotency key")
			return false
		}
	default:
		return false
	}
	if !k.replayable {
		k.note = joinNotes(k.note, noteStream)
		return false
	}
	if k.wait == 0 {
		k.wait = k.policy.backoff(k.attempts, backoff.Full)
	}
	return k.mayRetry() && k.fits(ctx) && (status == http.StatusTooManyRequests || k.withinBudget())
}

func (k *call) mayRetry() bool { return k.attempts < k.policy.MaxAttempts }

// fits reports whether the wait ahead fits the policy and the deadline. A wait that does
// not fit is not shortened: an earlier attempt would be refused for sure.
func (k *call) fits(ctx context.Context) bool {
	if k.wait > k.policy.MaxWait {
		k.note = joinNotes(k.note, fmt.Sprintf("not tried again: a wait of %s is above MaxWait %s", k.wait.Round(time.Millisecond), k.policy.MaxWait))
		return false
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < k.wait {
		k.deadline = true
		k.note = joinNotes(k.note, fmt.Sprintf("not tried again: a wait of %s is beyond the deadline", k.wait.Round(time.Millisecond)))
		return false
	}
	return true
}

func (k *call) withinBudget() bool {
	if k.client.budget.Spend(k.client.clock.Now(), k.policy.Budget) {
		return true
	}
	k.client.stats.budget.Add(1)
	k.note = joinNotes(k.note, "not tried again: the retry budget is spent")
	return false
}

// pause waits between two attempts. After an answer that closed the gate it does nothing:
// the gate is where everybody waits, this call too.
func (k *call) pause(ctx context.Context) error {
	if k.paced {
		return nil
	}
	k.client.stats.backedOff(k.wait)
	k.waits(ctx, WaitBackoff, k.wait)
	return sleep(ctx, k.wait)
}
