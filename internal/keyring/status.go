package keyring

import "time"

// Status is a snapshot of a ring.
type Status struct {
	Current      KeyStatus
	Previous     *KeyStatus // nil if there is none
	Candidate    *KeyStatus // nil if there is none
	Source       SourceStatus
	Circuit      CircuitStatus
	SafeToRevoke []string // fingerprints
}

// KeyStatus is what a ring knows about one key.
type KeyStatus struct {
	Generation
	State        State
	Until        time.Time // end of its grace period; zero unless it is the previous key
	RotateBy     time.Time // when it is to be replaced by its age; zero if nobody says so
	LastUsed     time.Time
	LastAccepted time.Time
	Refusals     int // in a row
	InFlight     int
}

// SourceStatus is how the source answered when it was last asked.
type SourceStatus struct {
	Error    string // "" if it did not fail
	Answered time.Time
}

// CircuitStatus is where the circuit stands.
type CircuitStatus struct {
	State    CircuitState
	Since    time.Time // zero if it is closed
	Next     time.Time // when the next trial request is due; zero if it is closed
	Waiting  int
	Refusals int // in a row, of any key
}

// Status returns a snapshot.
func (r *Ring) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	set, now := r.Load(), time.Now()
	s := Status{
		Current: r.keyStatus(&set.current, Current),
		Source:  SourceStatus{Error: r.source.stale, Answered: r.source.answered},
		Circuit: CircuitStatus{State: set.circuitState(), Refusals: int(r.refusals.Load())},
	}
	if p := set.usablePrevious(now); p != nil {
		status := r.keyStatus(p, Previous)
		status.Until = set.previous.until
		s.Previous = &status
	}
	if c := set.candidate; c != nil {
		status := r.keyStatus(&c.Generation, c.state)
		s.Candidate = &status
	}
	if c := set.circuit; c != nil {
		s.Circuit.Since, s.Circuit.Next, s.Circuit.Waiting = c.since, c.retryAt, c.waiting.all
	}
	for i := range r.draining {
		if d := &r.draining[i]; r.isIdle(d, now) {
			s.SafeToRevoke = append(s.SafeToRevoke, d.Fingerprint)
		}
	}
	return s
}

func (r *Ring) keyStatus(g *Generation, state State) KeyStatus {
	return KeyStatus{
		Generation: *g, State: state, RotateBy: r.rotateBy(g),
		LastUsed: r.clock.Time(g.usage.lastUsed()), LastAccepted: r.clock.Time(g.usage.accepted.Load()),
		Refusals: int(g.usage.refusals.Load()), InFlight: int(g.usage.inFlight.Load()),
	}
}
