package keyfit

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/ratehint"
)

// RetryPolicy says when a call is tried again, and how long it may wait. A zero field of a
// client's policy means its default, so the zero RetryPolicy is the default policy. A zero field
// of the policy of one call, or of [Client.With], means the field of the client.
//
// GET, HEAD, OPTIONS, PUT and DELETE are tried again on 408, 421, 425, 429, every status
// from 500 on except 501 and 505, on connection errors and, in a typed call, if the body of a
// good response breaks off. POST and PATCH are tried again only on 421, 425, 429, on a 503 that
// says when to come back (Retry-After), if nothing was sent, or with an idempotency key
// ([WithIdempotencyKey], Provider.IdempotencyKeys): behind a proxy, a 503 without it may be the
// end of a request that was done.
// A refusal for the limit counts as 429 whatever its status. The rule of the caller (Retry) and
// then the server's own word (the header X-Should-Retry: true or false) come before these.
//
// A call is not tried again if another attempt would only repeat the failure: the server's
// certificate was refused or TLS failed otherwise, its host does not exist, a proxy refuses to
// connect ([ProxyError]), or net/http does not send such a request. It is never tried again if
// its context ended, the error is [ErrInsecure], [ErrCrossOrigin], [ErrNotAllowed] or
// [ErrTooLarge], or its body is a stream or cannot be produced again.
//
// If the provider asks for a wait that fits MaxWait, MaxElapsed and the deadline, the call waits
// that long and its own backoff on top, never shorter; after the first such response of a call,
// which pauses the gate, there is no backoff on top, because the gate lets the calls go one after
// the other. If the wait does not fit, the call fails at once with everything that is known.
type RetryPolicy struct {
	// MaxAttempts is the largest number of attempts of a call, the first included; 1 never
	// tries again. 0 means 4.
	MaxAttempts int
	// MinBackoff and MaxBackoff bound the wait between attempts if the provider asks for
	// none: a random time up to MinBackoff, doubled with each attempt, never above
	// MaxBackoff (full jitter). 0 means 250 ms and 8 s.
	MinBackoff, MaxBackoff time.Duration
	// MaxWait is the longest single wait that the provider may ask for, the gate may impose or
	// the backoff may take. A call that would have to wait longer is not tried again. 0 means
	// that the deadline of the call's context bounds it alone; without a deadline, it means 10
	// minutes, or twice the longest window that the gate knows, if that is longer. A nanosecond
	// allows no wait at all, and so no other attempt after a failure.
	MaxWait time.Duration
	// MaxElapsed bounds a call as a whole: no wait begins that would end later than this after
	// the call began. An attempt that runs is not ended, which is for AttemptTimeout and the
	// context. 0 means that the deadline of the context is the bound; without one, a call is
	// not tried again later than 90 s after its first failure or refusal, or 1.5 times MaxWait
	// if that is longer, while what it waits for the limit before is bounded by MaxWait alone.
	MaxElapsed time.Duration
	// AttemptTimeout bounds one attempt, from its start to the end of the response body. An
	// attempt that times out is tried again like a connection error; of a raw request
	// ([Client.Do]) only before the headers of the response, because its body is read by the
	// caller. The error matches [ErrAttemptTimeout]. 0 means that only the context bounds an
	// attempt, that the client's own connections wait 60 s for the response headers, and that
	// a typed call without a deadline waits 60 s for the next byte of the body.
	AttemptTimeout time.Duration
	// Budget bounds the retries after failures to this part of all requests of the last
	// minute, and allows at least 3 a second, for each key. It does not bound retries after a
	// 429, which the gate paces. It keeps a client from multiplying the load of a server that
	// fails. 0 means 0.2; math.Inf(1) means no budget.
	Budget float64
	// Statuses are tried again as 500 is, beside those above: 409 or 423, for example.
	Statuses []int
	// Retry has the first word on whether a failed attempt is tried again, within MaxAttempts,
	// the waits and the budget; nil leaves it to the rules above. It is asked on the goroutine
	// of the call after each attempt that failed but the last, except after failures that are
	// never tried again.
	Retry func(Attempt) bool
}

// over returns the policy with the fields of base where it has none.
func (policy RetryPolicy) over(base RetryPolicy) RetryPolicy {
	setDefault(&policy.MaxAttempts, base.MaxAttempts)
	setDefault(&policy.MinBackoff, base.MinBackoff)
	setDefault(&policy.MaxBackoff, base.MaxBackoff)
	setDefault(&policy.MaxWait, base.MaxWait)
	setDefault(&policy.MaxElapsed, base.MaxElapsed)
	setDefault(&policy.AttemptTimeout, base.AttemptTimeout)
	setDefault(&policy.Budget, base.Budget)
	if policy.Statuses == nil {
		policy.Statuses = base.Statuses
	}
	if policy.Retry == nil {
		policy.Retry = base.Retry
	}
	return policy
}

// validate checks the fields each for itself; whether they fit together is known once all are.
func (policy RetryPolicy) validate() error {
	if policy.MaxAttempts < 0 || policy.MinBackoff < 0 || policy.MaxBackoff < 0 || policy.MaxWait < 0 || policy.MaxElapsed < 0 || policy.AttemptTimeout < 0 || policy.Budget < 0 || math.IsNaN(policy.Budget) {
		return errors.New("a retry policy has no negative fields: zero means the default")
	}
	for _, status := range policy.Statuses {
		if status < 400 || status > 599 {
			return fmt.Errorf("a retry policy has the status %d: only those from 400 to 599 are errors", status)
		}
	}
	return nil
}

func (policy RetryPolicy) withDefaults() (RetryPolicy, error) {
	if err := policy.validate(); err != nil {
		return policy, err
	}
	setDefault(&policy.MaxAttempts, 4)
	setDefault(&policy.MinBackoff, 250*time.Millisecond)
	setDefault(&policy.MaxBackoff, 8*time.Second)
	setDefault(&policy.Budget, 0.2)
	if policy.MinBackoff > policy.MaxBackoff {
		return policy, fmt.Errorf("a retry policy has MinBackoff %s above MaxBackoff %s", policy.MinBackoff, policy.MaxBackoff)
	}
	return policy, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// backoff returns the wait after the given number of attempts; jitter is the random part of
// it.
func (policy RetryPolicy) backoff(attempts int, jitter float64) time.Duration {
	return backoff.Jitter(backoff.Exponential(policy.MinBackoff, policy.MaxBackoff, attempts-1), jitter)
}

// maxElapsed is MaxElapsed or its default. The field itself stays 0, because a context with a
// deadline needs no default.
func (policy RetryPolicy) maxElapsed() time.Duration {
	if policy.MaxElapsed == 0 {
		return max(90*time.Second, policy.MaxWait+min(policy.MaxWait, math.MaxInt64-policy.MaxWait)/2)
	}
	return policy.MaxElapsed
}

// wait returns how long to wait: as long as the server asked for and the call's own backoff on
// top, so that those who were sent away together do not come back together, and a server that
// says the same for ever is asked less and less often. The backoff is left out if the wait would
// not fit in room because of it, and after the first 429 of a call: the gate itself lets the
// waiting calls go one after the other, and one stray 429 costs no more than it asks for.
//
// After a 429 without a hint it is at least half the backoff's ceiling, because it pauses all
// attempts and must not be next to nothing.
func (policy RetryPolicy) wait(attempts int, h ratehint.Hint, limited bool, room time.Duration) time.Duration {
	own := policy.backoff(attempts, backoff.Full)
	switch {
	case limited && !h.Given:
		return max(policy.backoff(attempts, backoff.Equal), h.Wait)
	case limited && attempts <= 1 && h.Wait >= policy.MinBackoff, h.Wait <= room && own > room-h.Wait:
		return h.Wait
	}
	return h.Wait + own
}
