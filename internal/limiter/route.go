package limiter

import (
	"slices"
	"time"
)

// A fault (503 with a hint) says nothing of the account: other routes may be well. So its
// pause concerns its own route, which gets a limiter for as long as that lasts. A request of
// the route has to pass both.

// maxRoutes bounds the limiters of routes; a fault above it pauses the account.
const maxRoutes = 64

// ofRoute is what the limiter of a route learns: it keeps no limit.
func (o *Outcome) ofRoute() *Outcome {
	if !o.isLimit() {
		return o
	}
	return &Outcome{Unsent: true}
}

// pausesRoute reports whether a route has a limiter, and drops those that are done with.
func (k *Keyed) pausesRoute(key Key) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.routed = slices.DeleteFunc(k.routed, func(l *limiter) bool {
		if !l.retire(routeIdle) {
			return false
		}
		delete(k.limiters, l.key)
		return true
	})
	k.routes.Store(int32(len(k.routed))) //nolint:gosec // at most maxRoutes
	return k.limiters[key] != nil
}

// routeIdle is for how long the limiter of a route is kept after its last use.
const routeIdle = 30 * time.Second

// fault takes the fault of a route that has no limiter yet; the request was sent at the given
// time.
func (k *Keyed) fault(key Key, o *Outcome, sent, now time.Duration) {
	if k.routes.Load() < maxRoutes {
		key.route = o.Route
	}
	for {
		l := k.find(&key)
		if l.learnOf(sent, o, now) != limiterRetired {
			return
		}
		k.last.CompareAndSwap(l, nil)
	}
}
