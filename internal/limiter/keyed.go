package limiter

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
	"github.com/keyfit/keyfit/internal/histogram"
)

const (
	maxLimiters = 256              // above this many, limiters that are not used are dropped,
	idleAfter   = 10 * time.Minute // if they have not been used for this long
)

// Keyed keeps the limits of any number of accounts, each on its own. Create one with [New];
// all methods are safe for concurrent use. It starts no goroutine per request, and takes no
// lock over I/O or a callback.
type Keyed struct {
	published Limit
	clock     clock.Clock
	last      atomic.Pointer[limiter] // the one asked for last; nearly always the only one

	mu       sync.Mutex
	limiters map[Key]*limiter
}

// New returns a Keyed whose accounts all have the same published limit. The zero Limit has to
// be learned; so has one whose Requests or Per is not positive. More than a million Requests
// are kept as the same rate in proportionally shorter windows.
func New(published Limit) *Keyed {
	if published.Requests <= 0 || published.Per <= 0 {
		published = Limit{}
	}
	published.Requests, published.Per = fit(published.Requests, published.Per)
	return &Keyed{published: published, clock: clock.Start(), limiters: make(map[Key]*limiter)}
}

// Clock returns the clock whose readings TryEnter and Leave take.
func (k *Keyed) Clock() clock.Clock { return k.clock }

// Permit is the right to send one request. It is a value, so it costs no allocation.
type Permit struct {
	limiter *limiter
	place   int32
	use     uint32
}

// Leave must be called exactly once, as soon as the response's header is there or it is certain
// that none comes; now is a reading of the Keyed's clock. A second call does nothing. The
// zero Permit must not be used.
func (p Permit) Leave(o *Outcome, now time.Duration) { p.limiter.leave(p.place, p.use, o, now) }

// TryEnter returns a permit if no request waits and one may be sent at once; now is a
// reading of the clock. It never blocks and allocates nothing.
func (k *Keyed) TryEnter(key Key, now time.Duration) (Permit, bool) {
	for {
		l := k.find(key)
		p, d := l.tryEnter(now)
		if d != limiterRetired {
			return p, d == granted
		}
		k.last.CompareAndSwap(l, nil)
	}
}

// Enter blocks until the request may be sent. It returns a [*Refused] as soon as it is clear
// that this cannot be before the context's deadline or within MaxWait, or the context's own
// error.
func (k *Keyed) Enter(ctx context.Context, r Request) (Permit, error) {
	if err := ctx.Err(); err != nil {
		return Permit{}, err
	}
	if p, ok := k.TryEnter(r.Key, k.clock.Now()); ok {
		return p, nil
	}
	for {
		l := k.find(r.Key)
		w, err := l.enqueue(&r, k.clock.Now(), timeLeft(ctx))
		switch {
		case errors.Is(err, errRetired):
			k.last.CompareAndSwap(l, nil)
		case err != nil:
			return Permit{}, err
		default:
			return l.wait(ctx, &r, w)
		}
	}
}

// timeLeft returns how long the context lasts; never if it has no deadline.
func timeLeft(ctx context.Context) time.Duration {
	if d, ok := ctx.Deadline(); ok {
		return time.Until(d)
	}
	return never
}

// find returns the limiter of a key, and makes it if there is none.
func (k *Keyed) find(key Key) *limiter {
	if l := k.last.Load(); l != nil && l.key == key {
		return l
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.limiters[key]
	if l == nil || l.isRetired() {
		if len(k.limiters) >= maxLimiters {
			k.sweep()
		}
		l = newLimiter(key, k.published, k.clock)
		k.limiters[key] = l
	}
	k.last.Store(l)
	return l
}

// sweep drops the limiters that have not been used for a while: keys that are used for
// single calls must not accumulate for the life of the program. k.mu is held.
func (k *Keyed) sweep() {
	for key, l := range k.limiters {
		if l.retire(idleAfter) {
			delete(k.limiters, key)
		}
	}
}

// Stats is the state of one account.
type Stats struct {
	Waiting     int           // requests in the queue
	InFlight    int           // requests that were let through and have not come back, overdue ones excepted
	Concurrency int           // the most that may be in flight at once; 0 if there is no bound
	Limit       Limit         // the limit that is kept; zero if none is known
	Learned     bool          // the limit was learned, and is not the published one
	Paused      time.Duration // what is left of the pause; 0 if there is none
	Waits       histogram.Summary
}

// Stats returns the state of an account; the zero Stats if it was never used.
func (k *Keyed) Stats(key Key) Stats {
	k.mu.Lock()
	l := k.limiters[key]
	k.mu.Unlock()
	if l == nil {
		return Stats{}
	}
	return l.stats()
}

func (l *limiter) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.estimator.window
	s := Stats{
		Waiting: l.queue.n, InFlight: l.inFlight.n,
		Paused: max(0, l.recovery.pauseEnd-l.clock.Now()), Waits: l.waits.Summary(),
	}
	if w.n > 0 {
		s.Limit, s.Learned = Limit{w.n, w.per}, !w.published || w.n != w.ceiling
	}
	if l.concurrency.size < unbounded {
		s.Concurrency = l.concurrency.size
	}
	return s
}
