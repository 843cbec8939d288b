package keyfit

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

// keySet is one state of a ring. It is never changed once it is published: a transition
// publishes a changed copy, so whoever looks at the ring sees one state and no mixture.
//
// A key goes this way, and each arrow is a [KeyEvent]:
//
//	offered → staged → verified → current → previous → retired
//	             └→ rejected (and tried again later)
//	current → demoted, while the previous key works and becomes current again
//	previous → current, when the operator or the source goes back to it
type keySet struct {
	atRest  bool // an accepted call changes nothing
	current key

	previous  *key      // what current replaced; nil if nothing or let go
	until     time.Time // previous is held up to here
	preferred time.Time // up to here previous goes first: the provider does not know current yet

	staged   *key      // what was offered and is not current yet; nil if nothing
	verified bool      // the provider accepted staged
	pending  bool      // the source itself does not want staged used yet
	recheck  time.Time // when staged may be tried again; zero if there is nothing to try

	circuit *circuit     // between the calls and a provider that refuses every key; nil if there is none
	retired []Credential // what was current before, the last one last: a provider may still tell it
}

// maxRetired is how many keys of the past are kept, to be taken out of what providers say.
const maxRetired = 4

// key is one generation. Generations count up from 1 and are never used twice; a key that
// has not been current is of generation 0.
type key struct {
	cred        Credential
	gen         uint64
	fingerprint string
	since       time.Time
	use         *keyUse
}

func newKey(cred Credential) key {
	return key{cred: cred, fingerprint: cred.Fingerprint(), since: time.Now(), use: new(keyUse)}
}

// keyUse is what the traffic of a key tells, the same for all its generations.
type keyUse struct {
	inFlight atomic.Int64 // attempts without an answer
	sent     clock.Latest // when an attempt left that was not accepted, by the ring's clock
	goodSent clock.Latest // when an attempt left that was accepted
	refusals atomic.Int32 // in a row
	routes   routes       // what was answered 2xx
	lone     routes       // what was refused while other routes were not
}

// used is when an attempt left last, whether it was accepted or not.
func (u *keyUse) used() time.Duration { return max(u.sent.Load(), u.goodSent.Load()) }

// worksBetterThan reports whether a key was accepted when it was last tried, and other not.
func (k *key) worksBetterThan(other key) bool {
	return other.use.refusals.Load() > 0 && k.use.refusals.Load() == 0 && k.use.goodSent.Load() != 0
}

// routes remembers where a key was good for something. It is a small table without lock, two
// places to a row, the newer route first: a route that two others pushed out is one replay
// less, and nothing worse.
type routes [32][2]atomic.Uint64

func (r *routes) row(route uint64) *[2]atomic.Uint64 { return &r[route%uint64(len(r))] }

func (r *routes) add(route uint64) {
	row := r.row(route)
	newer := row[0].Load()
	if newer == route {
		return
	}
	row[1].Store(newer)
	row[0].Store(route)
}

func (r *routes) drop(route uint64) {
	for row, i := r.row(route), 0; i < len(row); i++ {
		if row[i].Load() == route { // looking is cheaper, and nearly always all
			row[i].CompareAndSwap(route, 0)
		}
	}
}

func (r *routes) has(route uint64) bool {
	row := r.row(route)
	return row[0].Load() == route || row[1].Load() == route
}

// held returns the previous key while it may be used.
func (s *keySet) held(now time.Time) *key {
	if s.previous == nil || !now.Before(s.until) {
		return nil
	}
	return s.previous
}

// pick returns the key for an attempt: the current one, unless the provider was just seen
// to accept only the previous one.
func (s *keySet) pick() *key {
	if s.preferred.IsZero() {
		return &s.current
	}
	if now := time.Now(); now.Before(s.preferred) {
		if p := s.held(now); p != nil {
			return p
		}
	}
	return &s.current
}

// all returns every credential of the set, the current one first.
func (s *keySet) all() []Credential {
	list := append([]Credential{s.current.cred}, s.retired...)
	for _, k := range []*key{s.previous, s.staged} {
		if k != nil {
			list = append(list, k.cred)
		}
	}
	return list
}

// stage returns the set with next waiting to become current.
func (s *keySet) stage(next key, pending bool) *keySet {
	changed := *s
	changed.staged, changed.verified, changed.pending, changed.recheck = &next, false, pending, time.Time{}
	return &changed
}

// unstage returns the set with nothing waiting.
func (s *keySet) unstage() *keySet {
	changed := *s
	changed.staged, changed.verified, changed.pending, changed.recheck = nil, false, false, time.Time{}
	return &changed
}

// promote returns the set with next current, and what was current held up to until.
func (s *keySet) promote(next key, until time.Time) *keySet {
	now, old := time.Now(), s.current
	next.gen, next.since = old.gen+1, now
	changed := *s
	if s.staged != nil && s.staged.fingerprint == next.fingerprint {
		changed = *s.unstage()
	}
	changed.current, changed.previous, changed.until, changed.preferred = next, nil, time.Time{}, time.Time{}
	if until.After(now) {
		changed.previous, changed.until = &old, until
	}
	changed.retired = retire(s.retired, old.cred)
	return &changed
}

// demote returns the set with the previous key current again, and what was current staged:
// it may be one that the provider does not know yet.
func (s *keySet) demote(recheck time.Time) *keySet {
	bad := s.current
	changed := s.promote(*s.previous, time.Time{})
	if changed.staged == nil || changed.pending { // what the source wants used goes before what it prepares
		bad.gen = 0
		changed = changed.stage(bad, false)
		changed.recheck = recheck
	}
	return changed
}

func retire(retired []Credential, cred Credential) []Credential {
	fp := cred.Fingerprint()
	kept := slices.DeleteFunc(slices.Clone(retired), func(c Credential) bool { return c.Fingerprint() == fp })
	kept = append(kept, cred)
	return kept[max(0, len(kept)-maxRetired):]
}
