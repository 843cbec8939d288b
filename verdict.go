package keyfit

import (
	"context"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/problem"
)

// verdict is what an answer says about the key that the attempt carried.
type verdict int

const (
	keyUnknown verdict = iota // nothing: a limit, a failure, an answer from something in between
	keyGood                   // the provider knows it
	keyLacks                  // the provider knows it, and it may not do this
	keyRefused                // the provider does not take it
	keyMissing                // it did not arrive
)

// verdictOf judges an answer by its status and, if it is an error, by what kind of refusal
// it is. A limit is the account's and says nothing about the key; a new key must not look
// like fresh quota.
func verdictOf(status int, kind problem.Kind) verdict {
	switch kind {
	case problem.InvalidKey:
		return keyRefused
	case problem.MissingKey:
		return keyMissing
	case problem.Permission:
		return keyLacks
	case problem.RateLimited:
		return keyUnknown
	case problem.Other:
	}
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusProxyAuthRequired:
		return keyUnknown
	}
	return keyGood
}

const (
	// preferTime is how long the previous key goes first once it was accepted where the
	// current one was refused.
	preferTime = 2 * time.Second
	// demoteAfter is how many refusals in a row, with the previous key accepted in between,
	// make the previous key current again.
	demoteAfter = 3
)

// retireAfter is how many refusals in a row let go of the previous key as a fallback. Where
// calls are held one is enough, since a later canary tries it all the same.
func (k *Keyring) retireAfter() int32 {
	if k.hold > 0 {
		return 1
	}
	return 2
}

// route names what a call asks for, in the tables of [keyUse].
func (k *Keyring) route(method string, u *url.URL) uint64 {
	route := maphash.String(k.seed, u.Path)
	if method != "" && method != http.MethodGet {
		route ^= maphash.String(k.seed, method)
	}
	return route
}

// proved notes an answer that proves a key, and the route that it was good for; 0 for none.
func (k *Keyring) proved(with *key, sent time.Duration, route uint64) {
	use := with.use
	use.goodSent.Observe(sent)
	if use.refusals.Load() != 0 {
		use.refusals.Store(0)
	}
	if k.refusals.Load() != 0 {
		k.refusals.Store(0)
	}
	if route != 0 {
		use.routes.add(route)
		use.lone.drop(route)
	}
}

// accepted takes the proof of a key where that may change the ring: it is not at rest, or
// the call was refused with another key.
func (k *Keyring) accepted(c *turn, replayed bool) {
	k.mu.Lock()
	k.settle(c, replayed)
	k.mu.Unlock()
	k.tell()
}

// settle is accepted while k.mu is held.
func (k *Keyring) settle(c *turn, replayed bool) {
	set := k.set.Load()
	switch cc := set.circuit; {
	case cc == nil:
	case c.canary == cc:
		k.closeCircuit("a key was accepted")
		set = k.set.Load()
	case c.sent > cc.sent:
		cc.doubt()
	}
	switch fp := c.key.fingerprint; {
	case fp == set.current.fingerprint:
		if !set.preferred.IsZero() {
			changed := *set
			changed.preferred = time.Time{}
			k.publish(&changed)
		}
	case replayed && set.staged != nil && fp == set.staged.fingerprint:
		delete(k.rejected, fp)
		k.promote(*set.staged, k.overlap, KeyPromoted, "accepted where the current key was refused")
	case replayed && set.previous != nil && fp == set.previous.fingerprint:
		k.fallBack(set)
	}
	if set = k.set.Load(); !set.recheck.IsZero() && !set.verified && !time.Now().Before(set.recheck) && k.flight == nil && k.trial == nil {
		k.join(context.Background(), "")
	}
}

// fallBack has the previous key go first, or be current again if the current one was
// refused too often. k.mu is held.
func (k *Keyring) fallBack(set *keySet) {
	if bad := set.current; bad.use.refusals.Load() >= demoteAfter {
		next := set.demote(k.reject(bad, demotedFirst, demotedLast))
		k.publish(next)
		k.forgetLeaving(next.current.fingerprint)
		k.record(KeyEvent{
			Kind: KeyDemoted, Generation: bad.gen, Fingerprint: bad.fingerprint, Previous: next.current.fingerprint,
			Reason: "the provider refused it again and again, and accepted the previous one, which is current again",
		})
		return
	}
	changed := *set
	changed.preferred = time.Now().Add(preferTime)
	k.publish(&changed)
	k.record(KeyEvent{
		Kind: KeyFallback, Generation: set.previous.gen, Fingerprint: set.previous.fingerprint, Previous: set.current.fingerprint,
		Reason: "the provider refused the current key and accepted the previous one",
	})
}

// refuse takes a refusal of the key of an attempt.
func (k *Keyring) refuse(c *turn) {
	c.key.use.refusals.Add(1)
	k.mu.Lock()
	inARow := int32(0)
	if cur := k.set.Load().current; c.key.fingerprint == cur.fingerprint || !k.clock.Time(c.sent).Before(cur.since) {
		inARow = k.refusals.Add(1)
	} // else the key was replaced while the attempt was under way: that says nothing of what works now
	k.record(KeyEvent{Kind: KeyRefused, Generation: c.key.gen, Fingerprint: c.key.fingerprint, Reason: "refused by the provider"})
	k.circuitHears(c, int(inARow))
	k.mu.Unlock()
	k.tell()
}

// pick returns the key for an attempt that is no replay. A body that goes out only once does
// not try a key that was refused last, if the one before it was accepted last.
func (k *Keyring) pick(replayable bool, set *keySet) *key {
	if replayable {
		return set.pick()
	}
	if p := set.held(time.Now()); p != nil && p.worksBetterThan(set.current) {
		return p
	}
	return set.pick()
}

// next returns a key to replay a call with, after the provider refused those that it tried,
// the last of them just now; ok is false if there is none. Keys are told apart by their
// fingerprints: a key that came back under a new generation is no other key.
func (k *Keyring) next(c *turn) (_ *key, ok bool) {
	untried := func(other *key) bool { return other != nil && !slices.Contains(c.tried, other.fingerprint) }
	set := k.set.Load()
	if untried(&set.current) {
		return &set.current, true
	}
	if k.hold > 0 && set.circuit != nil && c.canary == nil {
		return nil, false // one call asks for all
	}
	fallback := func(set *keySet) *key {
		if p := set.held(time.Now()); untried(p) && (c.thorough || p.use.refusals.Load() < k.retireAfter()) {
			return p
		}
		if s := set.staged; untried(s) && (c.thorough || k.hold == 0 || !k.wasRejected(s.fingerprint)) {
			return s
		}
		return nil
	}
	asking := c.ctx
	if fallback(set) != nil {
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(c.ctx, askPatience)
		defer cancel()
	}
	k.reloadAfterRefusal(asking, set.current.fingerprint)
	set = k.set.Load()
	if untried(&set.current) {
		return &set.current, true
	}
	if other := fallback(set); other != nil {
		return other, true
	}
	return nil, false
}

// askPatience is how long a call waits for a source when another key is at hand.
const askPatience = time.Second

// refusedStream has the source asked because of a call that cannot be sent again: the next
// one should find the key that this one lacked.
func (k *Keyring) refusedStream(c *turn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if fp := k.set.Load().current.fingerprint; c.key.fingerprint == fp {
		k.inquire(c.ctx, fp)
	}
}

// regressed returns the previous key if the current one is new and lacks a permission that
// the previous one had.
func (k *Keyring) regressed(c *turn) (_ *key, ok bool) {
	set, now := k.set.Load(), time.Now()
	p := set.held(now)
	if p == nil || c.key.fingerprint != set.current.fingerprint || now.Sub(set.current.since) > k.overlap {
		return nil, false
	}
	return p, p.use.routes.has(c.route)
}

// scopeRegressed reports that the previous key was good for what the current one may not do.
func (k *Keyring) scopeRegressed(c *turn, what string) {
	current := k.set.Load().current
	k.emit(KeyEvent{
		Kind: KeyScopeRegression, Generation: current.gen, Fingerprint: current.fingerprint, Previous: c.key.fingerprint,
		Reason: "the previous key may do " + what + ", and the current one may not",
	})
}
