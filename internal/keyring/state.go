package keyring

import (
	"slices"
	"time"
)

// State is where a key stands; see the package comment for the transitions.
type State int

// The states of a key.
const (
	Staged   State = iota // offered by the source, and not verified yet
	Verified              // accepted by the provider, and not current yet
	Rejected              // offered by the source and refused by the provider; it is tried again
	Current
	Previous
	Retired // dropped: the ring does not use it any more
)

// String returns the name of the state in lower case.
func (st State) String() string {
	return [...]string{"staged", "verified", "rejected", "current", "previous", "retired"}[st]
}

// Set is one state of a ring. It never changes once it is published.
type Set struct {
	atRest    bool // an accepted call changes nothing
	current   Generation
	previous  *previous  // nil if there is none
	candidate *candidate // nil if there is none
	circuit   *circuit   // nil while the circuit is closed
	retired   []Key      // what was current before, the last one last
}

// previous is the key that the current one replaced.
type previous struct {
	Generation
	until     time.Time // it is not used from then on
	preferred time.Time // it is tried first until then; zero if it is not
}

// candidate is an offered key that is not current yet.
type candidate struct {
	Generation
	state    State     // Staged, Verified or Rejected
	prepared bool      // the source itself does not want it used yet
	retryAt  time.Time // when it may be tried again; zero if it has not been tried, or need not be
}

// maxRetired is how many retired keys are kept: a provider may still quote them.
const maxRetired = 4

// Current returns the current key.
func (s *Set) Current() *Generation { return &s.current }

// AtRest reports whether an accepted call changes nothing in the ring.
func (s *Set) AtRest() bool { return s.atRest }

// CircuitClosed reports whether calls are sent normally.
func (s *Set) CircuitClosed() bool { return s.circuit == nil }

// Pick returns the key for an attempt that is no replay: the current one, unless the
// provider recently accepted only the previous one. A call that cannot be replayed does not
// try a key that was refused last if the previous one was accepted last.
func (s *Set) Pick(replayable bool) *Generation {
	if s.previous == nil || replayable && !s.isPreferred() {
		return &s.current
	}
	now := time.Now()
	p := s.usablePrevious(now)
	if p != nil && (now.Before(s.previous.preferred) || !replayable && p.worksBetterThan(&s.current)) {
		return p
	}
	return &s.current
}

// usablePrevious returns the previous key while it may be used; nil if there is none.
func (s *Set) usablePrevious(now time.Time) *Generation {
	if s.previous == nil || !now.Before(s.previous.until) {
		return nil
	}
	return &s.previous.Generation
}

// isCandidate reports whether the key is the candidate.
func (s *Set) isCandidate(fingerprint string) bool {
	return s.candidate != nil && s.candidate.Fingerprint == fingerprint
}

// isPrepared reports whether there is a candidate that the source does not want used yet.
func (s *Set) isPrepared() bool { return s.candidate != nil && s.candidate.prepared }

// isPreferred reports whether the previous key has been tried first, and the current one has
// not been accepted since.
func (s *Set) isPreferred() bool { return s.previous != nil && !s.previous.preferred.IsZero() }

// usageOf returns the usage that the set knows of a key, or the key's own.
func (s *Set) usageOf(g Generation) *usage {
	if s.isCandidate(g.Fingerprint) {
		return s.candidate.usage
	}
	if s.previous != nil && s.previous.Fingerprint == g.Fingerprint {
		return s.previous.usage
	}
	return g.usage
}

// keys returns every key of the set, the current one first.
func (s *Set) keys() []Key {
	list := append([]Key{s.current.Key}, s.retired...)
	if s.previous != nil {
		list = append(list, s.previous.Key)
	}
	if s.candidate != nil {
		list = append(list, s.candidate.Key)
	}
	return list
}

// stage: a key becomes the candidate. prepared says that the source does not want it used.
func (s *Set) stage(g Generation, state State, prepared bool, retryAt time.Time) *Set {
	changed := *s
	changed.candidate = &candidate{Generation: g, state: state, prepared: prepared, retryAt: retryAt}
	return &changed
}

// withCandidate returns the set with a changed candidate.
func (s *Set) withCandidate(change func(*candidate)) *Set {
	changed, c := *s, *s.candidate
	change(&c)
	changed.candidate = &c
	return &changed
}

// verify: the provider accepted the candidate.
func (s *Set) verify() *Set {
	return s.withCandidate(func(c *candidate) { c.state, c.retryAt = Verified, time.Time{} })
}

// reject: the provider refused the candidate, which may be tried again at retryAt.
func (s *Set) reject(retryAt time.Time) *Set {
	return s.withCandidate(func(c *candidate) { c.state, c.retryAt = Rejected, retryAt })
}

// restage: the candidate counts as new, and may be tried at retryAt.
func (s *Set) restage(retryAt time.Time) *Set {
	return s.withCandidate(func(c *candidate) { c.state, c.retryAt = Staged, retryAt })
}

// discard: the candidate is dropped.
func (s *Set) discard() *Set {
	changed := *s
	changed.candidate = nil
	return &changed
}

// promote: next becomes current. What was current is previous until then, or retired if
// until is not after now.
func (s *Set) promote(next Generation, until, now time.Time) *Set {
	old := s.current
	next.Number, next.Since = old.Number+1, now
	changed := *s
	if s.isCandidate(next.Fingerprint) {
		changed.candidate = nil
	}
	changed.current, changed.previous = next, nil
	if until.After(now) {
		changed.previous = &previous{Generation: old, until: until}
	}
	changed.retired = remember(s.retired, old.Key)
	return &changed
}

// prefer: the previous key is tried first until the given time; the zero time ends that.
func (s *Set) prefer(until time.Time) *Set {
	changed, p := *s, *s.previous
	p.preferred = until
	changed.previous = &p
	return &changed
}

// demote: the previous key becomes current again. What was current becomes the candidate,
// because the provider may not know it yet, unless there is a candidate that the source
// wants used.
func (s *Set) demote(retryAt, now time.Time) *Set {
	bad := s.current
	changed := s.promote(s.previous.Generation, time.Time{}, now)
	if changed.candidate != nil && !changed.candidate.prepared {
		return changed
	}
	bad.Number = 0
	return changed.stage(bad, Rejected, false, retryAt)
}

// retire: the previous key is dropped.
func (s *Set) retire() *Set {
	changed := *s
	changed.previous = nil
	return &changed
}

// hold: an older key becomes the previous one, until the given time.
func (s *Set) hold(g Generation, until time.Time) *Set {
	changed := *s
	changed.previous = &previous{Generation: g, until: until}
	return &changed
}

// withCircuit returns the set with the circuit; nil closes it.
func (s *Set) withCircuit(c *circuit) *Set {
	changed := *s
	changed.circuit = c
	return &changed
}

func remember(retired []Key, k Key) []Key {
	kept := slices.DeleteFunc(slices.Clone(retired), func(r Key) bool { return r.Fingerprint == k.Fingerprint })
	kept = append(kept, k)
	return kept[max(0, len(kept)-maxRetired):]
}
