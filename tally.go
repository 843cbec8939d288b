package keyfit

import (
	"sync"
	"weak"

	"github.com/keyfit/keyfit/internal/retrybudget"
)

// tally is what the calls of one key have in common beside its gate: their retry budget and the
// counters of [Stats]. So the outage of one tenant takes no retry from another's calls. The key
// of a keyring keeps its tally when it is rotated.
type tally struct {
	counters

	allowance retrybudget.Budget // of retries

	fingerprint string // of the key that was first
	ring        weak.Pointer[Keyring]
	gate        Gate   // which keeps the limit of the key
	entry       string // the Key of its [Entry]
}

// name is the fingerprint of the key in use.
func (tl *tally) name() string {
	if ring := tl.ring.Value(); ring != nil {
		return ring.engine.Load().Pick(true).Fingerprint
	}
	return tl.fingerprint
}

// maxTallies is how many tallies are remembered at least, those used last.
const maxTallies = 1024

// tallies are the tallies of a family of clients: a client, those that [Client.With] derives from
// it, and the calls with a key of their own. It has two generations, so that thousands of tenants
// cost each what one costs: when the young one is full, it becomes the old one, and what is left
// of that is forgotten. A client holds its own tally itself.
//
// A tallies is safe for concurrent use.
type tallies struct {
	mu         sync.Mutex
	young, old map[string]*tally // by the account of the keyring
}

// of returns the tally of a key, which is made by create if it is new.
func (ts *tallies) of(account string, create func() *tally) *tally {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if known, ok := ts.young[account]; ok {
		return known
	}
	known, ok := ts.old[account]
	if !ok {
		known = create()
	}
	if ts.young == nil || len(ts.young) >= maxTallies {
		ts.young, ts.old = make(map[string]*tally), ts.young
	}
	ts.young[account] = known
	return known
}

// all returns every tally that is remembered.
func (ts *tallies) all() []*tally {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	all := make([]*tally, 0, len(ts.young)+len(ts.old))
	for _, t := range ts.young {
		all = append(all, t)
	}
	for account, t := range ts.old {
		if _, moved := ts.young[account]; !moved {
			all = append(all, t)
		}
	}
	return all
}

// ownTally returns the tally of the client's keyring.
func (c *Client) ownTally() *tally {
	return c.tallies.of(c.ring.account, func() *tally {
		return &tally{ring: weak.Make(c.ring), fingerprint: c.ring.engine.Load().Pick(true).Fingerprint, gate: c.gate}
	})
}

// tallyOf returns the tally of a keyring that a call has for itself, with the fingerprint of its key.
func (c *Client) tallyOf(ring *Keyring, fingerprint string) *tally {
	return c.tallies.of(ring.account, func() *tally {
		return &tally{ring: weak.Make(ring), fingerprint: fingerprint, gate: c.gate, entry: ring.account}
	})
}

// StatsByKey returns the [Stats] of each key, by its fingerprint: of the client's own, of those of
// the clients that [Client.With] derived from the same one, and of those that were given with a
// call. Of keys that are not the client's own it knows the 1,024 used last, at least. It is safe
// for concurrent use.
func (c *Client) StatsByKey() map[string]Stats {
	all := map[string]Stats{c.tally.name(): c.Stats()}
	for _, t := range c.tallies.all() {
		if name := t.name(); t != c.tally {
			if _, known := all[name]; !known {
				all[name] = t.stats(c.provider.Name)
			}
		}
	}
	return all
}

// stats returns the counters and the state of the gate.
func (tl *tally) stats(provider string) Stats {
	s := tl.snapshot()
	if g, ok := tl.gate.(interface {
		Stats(provider, key string) GateStats
	}); ok {
		s.Gate = g.Stats(provider, tl.entry)
	}
	return s
}
