package limiter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

const (
	maxLimiters = 256              // above this many, limiters that are not used are dropped,
	idleAfter   = 10 * time.Minute // if nobody has used them for this long;
	sweepStep   = 2                // each new one looks at so many others
)

// Options say what is known beforehand.
type Options struct {
	Published   Limit            // of every account; the zero Limit has to be learned
	Groups      map[string]Limit // of the groups of routes that have a limit of their own
	MaxInFlight int              // the most that may be in flight at once; 0 for no cap but the learned one
}

func (opts *Options) limitOf(k Key) Limit {
	switch {
	case k.route != "":
		return Limit{}
	case k.Group != "":
		return opts.Groups[k.Group]
	}
	return opts.Published
}

// Keyed keeps the limits of any number of accounts, each on its own. Create one with [New];
// all methods are safe for concurrent use. It starts no goroutine per request, and takes no
// lock over I/O or a callback.
type Keyed struct {
	options Options
	clock   clock.Clock
	last    atomic.Pointer[limiter] // the one asked for last; nearly always the only one
	routes  atomic.Int32            // how many limiters of single routes there are

	mu       sync.Mutex
	limiters map[Key]*limiter
	order    []*limiter // all of them
	hand     int        // where the next sweep begins

	routed []*limiter // those of single routes
	groups []string   // that were ever asked for
}

// New returns a Keyed. A limit whose Requests or Per is not positive has to be learned. More
// than 16,384 Requests are kept as the same rate in proportionally shorter windows.
func New(o Options) *Keyed {
	return &Keyed{options: o, clock: clock.Start(), limiters: make(map[Key]*limiter)}
}

// Clock returns the clock by which TryEnter and Leave are told the time.
func (k *Keyed) Clock() clock.Clock { return k.clock }

// Permit is the right to send one request. It is a value, so it costs no allocation.
type Permit struct {
	limiter *limiter
	place   int32
	use     uint32
	route   *Permit // of the route, if that has a limiter of its own
}

// Leave must be called exactly once, as soon as the answer's header is there or it is certain
// that none comes; now is a reading of the Keyed's clock. A second call does nothing. The
// zero Permit must not be used. It reports whether a retry keeps its place in the queue; it
// does not while nothing passes at all, so that it is not always the same that is refused.
func (p Permit) Leave(o *Outcome, now time.Duration) (keepsPlace bool) {
	if p.route != nil {
		p.route.limiter.leave(p.route.place, p.route.use, o.ofRoute(), now)
	}
	if o.Route == "" || !o.isFault() || o.isLimit() {
		return p.limiter.leave(p.place, p.use, o, now)
	}
	if p.route == nil {
		if sent, ok := p.limiter.sentAt(p.place, p.use); ok {
			p.limiter.keyed.fault(p.limiter.key, o, sent, now)
		}
	}
	own := Outcome{Status: o.Status, Quotas: o.Quotas} // the account is well
	return p.limiter.leave(p.place, p.use, &own, now)
}

// TryEnter returns a permit if nobody waits and a request may be sent at once; now is a
// reading of the clock. It never blocks and allocates nothing.
func (k *Keyed) TryEnter(key Key, now time.Duration) (Permit, bool) {
	if k.routes.Load() > 0 {
		return Permit{}, false // Enter knows the route
	}
	return k.tryEnter(&key, now)
}

func (k *Keyed) tryEnter(key *Key, now time.Duration) (Permit, bool) {
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
	if k.routes.Load() == 0 || r.Route == "" {
		return k.enter(ctx, &r)
	}
	key := r.Key
	key.route = r.Route
	if !k.pausesRoute(key) {
		return k.enter(ctx, &r)
	}
	ofRoute := r
	ofRoute.Key = key
	route, err := k.enter(ctx, &ofRoute)
	if err != nil {
		return Permit{}, err
	}
	entered := false
	defer func() { // runs after a panic of the callback too
		if !entered {
			route.Leave(&Outcome{Unsent: true}, k.clock.Now())
		}
	}()
	p, err := k.enter(ctx, &r)
	if err != nil {
		return Permit{}, err
	}
	entered = true
	p.route = &route
	return p, nil
}

func (k *Keyed) enter(ctx context.Context, r *Request) (Permit, error) {
	if p, ok := k.tryEnter(&r.Key, k.clock.Now()); ok {
		return p, nil
	}
	for {
		l := k.find(&r.Key)
		w, err := l.enqueue(r, k.clock.Now(), timeLeft(ctx))
		switch {
		case errors.Is(err, errRetired):
			k.last.CompareAndSwap(l, nil)
		case err != nil:
			return Permit{}, err
		default:
			return l.wait(ctx, r, w)
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
func (k *Keyed) find(key *Key) *limiter {
	if l := k.last.Load(); l != nil && l.key == *key {
		return l
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.limiters[*key]
	if l == nil || l.isRetired() {
		if len(k.limiters) >= maxLimiters/2 {
			k.sweep()
		}
		waits := new(tally)
		if key.route != "" {
			own := *key
			own.route = ""
			if account := k.limiters[own]; account != nil {
				waits = account.waits
			}
		}
		l = newLimiter(*key, k, waits)
		k.limiters[*key] = l
		if key.route != "" {
			k.routed = append(k.routed, l)
			k.routes.Add(1)
			return l
		}
		if key.Group != "" && !slices.Contains(k.groups, key.Group) {
			k.groups = append(k.groups, key.Group)
		}
		k.order = append(k.order, l)
	}
	k.last.Store(l)
	return l
}

// sweep drops the limiters that nobody has used for a while: keys that are used for single
// calls must not accumulate for the life of the program. It looks at a few at a time, from
// where it ended last, so a new account costs as much as any other. k.mu is held.
func (k *Keyed) sweep() {
	for range min(sweepStep, len(k.order)) {
		if k.hand >= len(k.order) {
			k.hand = 0
		}
		l := k.order[k.hand]
		if !l.retire(idleAfter) {
			k.hand++
			continue
		}
		delete(k.limiters, l.key)
		last := len(k.order) - 1
		k.order[k.hand], k.order[last] = k.order[last], nil
		k.order = k.order[:last]
	}
}

// Soonest returns how long a request of a route waits at least.
func (k *Keyed) Soonest(key Key, route string, now time.Duration) (wait time.Duration) {
	for _, r := range []string{"", route} {
		key.route = r
		k.mu.Lock()
		l := k.limiters[key]
		k.mu.Unlock()
		if l != nil {
			wait = max(wait, l.soonest(now))
		}
	}
	return wait
}

// Reset forgets what was learned of an account, pauses included, those of its groups and
// routes too. Published limits are kept, and so are those who wait.
func (k *Keyed) Reset(provider, account string) {
	key := Key{Provider: provider, Account: account}
	k.mu.Lock()
	found := append(k.groupsOf(key), k.routesOf(provider, account)...)
	if l := k.limiters[key]; l != nil {
		found = append(found, l)
	}
	k.mu.Unlock()
	for _, l := range found {
		l.reset(k.clock.Now())
	}
}

// groupsOf returns the limiters of an account's groups. k.mu is held.
func (k *Keyed) groupsOf(key Key) (list []*limiter) {
	for _, key.Group = range k.groups {
		if l := k.limiters[key]; l != nil {
			list = append(list, l)
		}
	}
	return list
}

// routesOf returns the limiters of an account's routes. k.mu is held.
func (k *Keyed) routesOf(provider, account string) (list []*limiter) {
	for _, l := range k.routed {
		if l.key.Provider == provider && l.key.Account == account {
			list = append(list, l)
		}
	}
	return list
}
