package keyfit

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/ratehint"
)

// RetryPolicy says when a call is tried again, and how long it may wait. A zero field means
// its default, so the zero RetryPolicy is the default policy.
//
// GET, HEAD, OPTIONS, PUT and DELETE are tried again on 408, 421, 425, 429, every status
// from 500 on except 501 and 505, and on connection errors. POST and PATCH are tried again
// only on 421, 425, 429 and 503, if nothing was sent, or with an idempotency key
// ([WithIdempotencyKey]). A call is never tried again if its context ended, the server's
// certificate was refused or the server refused the client's, its host does not exist,
// net/http does not send such a request, the error is [ErrInsecure] or [ErrCrossOrigin], or
// its body is a stream.
//
// If the provider asks for a wait that fits MaxWait and the deadline, the call waits that
// long, and never shorter. If the wait does not fit, the call fails at once with everything
// that is known.
type RetryPolicy struct {
	// MaxAttempts is the largest number of attempts of a call, the first included; 1 never
	// tries again. 0 means 4.
	MaxAttempts int
	// MinBackoff and MaxBackoff bound the wait between attempts if the provider asks for
	// none: a random time up to MinBackoff, doubled with each attempt, never above
	// MaxBackoff (full jitter). 0 means 250 ms and 8 s.
	MinBackoff, MaxBackoff time.Duration
	// MaxWait is the longest single wait that the provider may ask for or the gate may
	// impose. 0 means that the deadline of the call's context bounds it alone; without a
	// deadline, it means 10 minutes, or twice the longest window that the gate knows, if that
	// is longer. A nanosecond allows no wait at all.
	MaxWait time.Duration
	// AttemptTimeout bounds one attempt, from its start to the end of the response body. An
	// attempt that times out before the response headers is tried again like a connection
	// error; a timeout in the body is an error. 0 means that only the context bounds an
	// attempt, and that the client's own connections wait 60 s for the response headers.
	AttemptTimeout time.Duration
	// Budget bounds the retries after failures to this part of all requests of the last
	// minute, and allows at least 3 a second. It does not bound retries after a 429, which
	// the gate paces. It keeps a client from multiplying the load of a server that fails. 0
	// means 0.2; math.Inf(1) means no budget.
	Budget float64
}

func (policy RetryPolicy) withDefaults() (RetryPolicy, error) {
	if policy.MaxAttempts < 0 || policy.MinBackoff < 0 || policy.MaxBackoff < 0 || policy.MaxWait < 0 || policy.AttemptTimeout < 0 || policy.Budget < 0 || math.IsNaN(policy.Budget) {
		return policy, errors.New("a retry policy has no negative fields: zero means the default")
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

// wait returns how long to wait: as long as the server asked for, or the call's own backoff
// if that is longer. After a 429 without a hint it is at least half the backoff's ceiling,
// because it pauses all attempts and must not be next to nothing.
func (policy RetryPolicy) wait(attempts int, h ratehint.Hint, limited bool) time.Duration {
	own := policy.backoff(attempts, backoff.Full)
	if limited && !h.Given {
		own = policy.backoff(attempts, backoff.Equal)
	}
	if h.Wait >= policy.MinBackoff {
		own = 0 // the hint is precise, and jitter would only add to it
	}
	return max(own, h.Wait)
}
