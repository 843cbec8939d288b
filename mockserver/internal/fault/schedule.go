package fault

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// When limits a fault to some of the requests that match it. Several limits of
// one fault must all allow it. The zero When allows every request.
type When struct {
	First       int      // the first n (counted after After)
	After       int      // all but the first n
	Every       int      // the nth, the 2nth and so on
	Probability *float64 // between 0 and 1, drawn from Seed
	Seed        uint64
	From, To    time.Time // from From (inclusive) to To (exclusive); zero is unbounded
	Fresh       bool      // the first request of a connection
}

// Valid returns an error for numbers that make no sense.
func (w *When) Valid() error {
	if w.First < 0 || w.After < 0 || w.Every < 0 || w.Probability != nil && (*w.Probability < 0 || *w.Probability > 1) {
		return errors.New("when: first, after and every are not negative, probability lies between 0 and 1")
	}
	return nil
}

// Idle returns an error for a seed that nothing is drawn from. It is no part of Valid for
// the reason that Fault.Idle has.
func (w *When) Idle() error {
	if w.Seed != 0 && w.Probability == nil {
		return errors.New("when: seed has no effect without probability")
	}
	return nil
}

// Schedule decides which requests a fault hits. It is safe for concurrent use.
type Schedule struct {
	fault Fault
	when  []When

	mu     sync.Mutex
	seen   int // requests counted by First, After and Every
	hits   int
	random []*rand.Rand // one for each When with a probability, else nil
	jitter *rand.Rand   // nil unless the kind is Jitter
}

// NewSchedule returns the schedule of a fault, with seen and hits as Counts
// returned them: 0 for a new fault. Probabilities are drawn from the start of
// their seeds.
func NewSchedule(f Fault, when []When, seen, hits int) *Schedule {
	s := &Schedule{fault: f, when: when, seen: seen, hits: hits, random: make([]*rand.Rand, len(when))}
	for i := range when {
		if when[i].Probability != nil {
			s.random[i] = seeded(when[i].Seed)
		}
	}
	if f.Kind == Jitter {
		s.jitter = seeded(f.Seed)
	}
	return s
}

// seeded returns a source that a seed repeats. It protects nothing.
func seeded(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)) //nolint:gosec // see above
}

// Next decides about one matching request, at a time and, if fresh, the first
// of its connection. It returns the fault with its delay drawn. A request
// outside From and To, or on a used connection with Fresh, is not counted.
func (s *Schedule) Next(now time.Time, fresh bool) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.when {
		if w.Fresh && !fresh || !w.From.IsZero() && now.Before(w.From) || !w.To.IsZero() && !now.Before(w.To) {
			return Fault{}, false
		}
	}
	s.seen++
	n := s.seen - s.spared()
	if n <= 0 || !s.drawn(n) {
		return Fault{}, false
	}
	s.hits++
	f := s.fault
	if f.Kind == Jitter && f.Delay > 0 {
		f.Delay = time.Duration(s.jitter.Int64N(int64(f.Delay) + 1))
	}
	return f, true
}

// drawn reports whether the nth request that After does not spare is hit. It
// draws every probability, also when another limit has refused already: a seed
// then repeats the same hits.
func (s *Schedule) drawn(n int) bool {
	yes := true
	for i, w := range s.when {
		switch {
		case w.First > 0 && n > w.First, w.Every > 0 && n%w.Every != 0:
			yes = false
		case w.Probability != nil && s.random[i].Float64() >= *w.Probability:
			yes = false
		}
	}
	return yes
}

// spared is how many requests After lets pass.
func (s *Schedule) spared() int {
	n := 0
	for _, w := range s.when {
		n = max(n, w.After)
	}
	return n
}

// Counts returns how many requests were counted and how many of them were hit.
func (s *Schedule) Counts() (seen, hits int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.hits
}

// Remaining returns how many requests will still be counted for a hit, or -1
// without a First.
func (s *Schedule) Remaining() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := -1
	for _, w := range s.when {
		if w.First > 0 {
			if n := max(w.First+s.spared()-s.seen, 0); left < 0 || n < left {
				left = min(n, w.First)
			}
		}
	}
	return left
}
