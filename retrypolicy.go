package keyfit

import (
	"errors"
	"fmt"
	"math"
	"time"

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

func (policy RetryPolicy) withDefaults() (RetryPolicy, error) {
	if policy.MaxAttempts < 0 || policy.MinBackoff < 0 || policy.MaxBackoff < 0 || policy.MaxWait < 0 || policy.AttemptTimeout < 0 || policy.Budget < 0 || math.IsNaN(policy.Budget) {
		return policy, errors.New("a retry policy has no negative fields: zero means the default")
	}
	setDefault(&policy.MaxAttempts, 4)
	setDefault(&policy.MinBackoff, 250*time.Millisecond)
	setDefault(&policy.MaxBackoff, 8*time.Second)
	setDefault(&policy.MaxWait, time.Minute)
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

// backoff is the wait after the given number of attempts, with that part of it at random.
func (policy RetryPolicy) backoff(attempts int, jitter float64) time.Duration {
	return backoff.Jitter(backoff.Exponential(policy.MinBackoff, policy.MaxBackoff, attempts-1), jitter)
}

// wait is how long to stay away: what the server asked for, or our own backoff if that is
// longer. After a 429 without a hint it is at least half the backoff's ceiling, since the
// pause is everybody's and a pause of nothing would be none.
func (policy RetryPolicy) wait(attempts int, h ratehint.Hint, limited bool) time.Duration {
	own := policy.backoff(attempts, backoff.Full)
	if limited && !h.Given {
		own = policy.backoff(attempts, backoff.Equal)
	}
	if h.Wait >= policy.MinBackoff {
		own = 0 // the hint is plain; jitter on top would only make it late
	}
	return max(own, h.Wait)
}
