package keyfit

import (
	"math"
	"time"
)

// slots bounds the attempts in flight where the limit does not: a slow start. While nothing
// is known of the limit, attempts go in rounds: so many, then a pause until all are back,
// then twice as many. So the first collision costs no more than the last round held too
// much. A round that was not filled is no proof that more would do, and holds nobody up.
// After a collision there are no rounds: the slots are halved, and grow with every success
// that comes back while somebody waits.
type slots struct {
	n      int
	rounds bool // no limit is known yet
	left   int  // how many may still go in this round
	held   bool // the round is over: nobody goes before all of it is back
	level  int  // rounds at the level of brake so far

	peak  int           // the most in flight since
	since time.Duration // this time
	most  int           // the most in flight in this round
}

const (
	firstSlots = 8
	brake      = 32          // rounds of this size are repeated,
	brakes     = 3           // so many in all: the first collision then costs at most 32, with limits up to about a hundred
	slotsRest  = time.Minute // slots that stay unused for so long are given back
	unbounded  = math.MaxInt32
)

// restart begins with n, in rounds.
func (s *slots) restart(n int) {
	*s = slots{n: n, left: n, rounds: true, peak: s.peak, since: s.since}
}

// grow begins the next round: 8, 16, 32, 32, 32, 64, 128 and so on.
func (s *slots) grow() {
	if s.n == brake && s.level < brakes-1 {
		s.level++
	} else {
		s.n = min(2*s.n, unbounded)
	}
	s.left, s.held, s.most = s.n, false, 0
}

// take says whether one more may fly besides the out that do.
func (s *slots) take(out int) bool {
	if s.held && out > 0 {
		return false
	}
	if s.held {
		s.grow()
	}
	return out < s.n
}

// sent notes one that goes out, the last of the out in flight now. What has not been needed
// for a while is given back: that 500 went well yesterday does not mean that 500 at once
// will go well today.
func (s *slots) sent(out int, now time.Duration) {
	s.peak, s.most = max(s.peak, out), max(s.most, out)
	s.left--
	if s.rounds && s.left <= 0 {
		s.held = s.most >= s.n/2
		s.left, s.most = s.n, out
	}
	if now-s.since < slotsRest {
		return
	}
	if s.n != unbounded {
		s.n = max(firstSlots, min(s.n, 2*s.peak))
	}
	s.peak, s.since = out, now
}

// giveBack undoes sent for one that never went.
func (s *slots) giveBack() {
	if s.rounds && !s.held {
		s.left = min(s.left+1, s.n)
	}
}

// collided halves the slots after a refusal that nobody foresaw.
func (s *slots) collided(out int) {
	s.n = max(firstSlots, min(s.n, s.peak)/2)
	s.held, s.rounds = false, false
	s.peak = out
}

// passed lets the slots grow; wanted says that somebody waits.
func (s *slots) passed(wanted bool) {
	if wanted && !s.rounds && s.n < unbounded {
		s.n++
	}
}
