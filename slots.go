package keyfit

import (
	"math"
	"time"
)

// slots bounds the attempts in flight where the limit does not: a slow start. It doubles
// with every full round that came back as long as nothing is known of the limit, so that
// the first collision costs no more than the last round held too much; after a collision
// it is halved and grows with every success that came back while somebody waited.
type slots struct {
	n     int
	held  bool // the round is full: nobody goes before all of it is back
	ranks bool // rounds are counted: no limit is known yet

	peak  int           // the most in flight since
	since time.Duration // this time
}

const (
	firstSlots = 8
	slotsRest  = time.Minute // slots that stay unused for so long are given back
	unbounded  = math.MaxInt32
)

// take says whether one more may fly besides the out that do. It is asked only when one wants to.
func (s *slots) take(out int) bool {
	if s.held {
		if out > 0 {
			return false
		}
		s.held = false
		s.n = min(2*s.n, unbounded)
	}
	return out < s.n
}

// sent notes how many are in flight, and gives back what has not been needed for a while:
// that 500 went well yesterday does not mean that 500 at once will go well today.
func (s *slots) sent(out int, now time.Duration) {
	s.held = s.ranks && out >= s.n
	s.peak = max(s.peak, out)
	if now-s.since < slotsRest {
		return
	}
	if s.n != unbounded {
		s.n = max(firstSlots, min(s.n, 2*s.peak))
	}
	s.peak, s.since = out, now
}

// collided halves the slots after a refusal that nobody foresaw.
func (s *slots) collided(out int) {
	s.n = max(firstSlots, min(s.n, s.peak)/2)
	s.held, s.ranks = false, false
	s.peak = out
}

// passed lets the slots grow; wanted says that somebody waits.
func (s *slots) passed(wanted bool) {
	if wanted && !s.ranks && s.n < unbounded {
		s.n++
	}
}

// restart begins again with few, in rounds.
func (s *slots) restart() { s.n, s.held, s.ranks = 2, false, true }
