package limiter

import (
	"math"
	"time"
)

// concurrency bounds the attempts in flight while no limit bounds them.
//
// It is a congestion window. While nothing is known of the limit it is in slow start:
// requests are sent in rounds, each round ends when all of its responses have arrived, and
// the next is twice as large. So the first collision refuses at most what the last round
// contained too many. A round that was not filled proves nothing, and delays no request.
// The first collision halves the window and ends slow start; from then on the window grows
// by one with every success while requests wait.
type concurrency struct {
	size   int
	phase  phase
	left   int // how many may still be sent in this round
	repeat int // rounds of the size repeatedRound so far

	roundPeak int // the most in flight in this round
	peak      int // the most in flight since peakSince
	peakSince time.Duration
}

// phase is the state of a concurrency window. The transitions:
//
//	roundOpen ── the round is used up, and was well filled ──► roundDraining
//	roundDraining ── all answers are back ──► roundOpen, with the next size
//	roundOpen, roundDraining ── collision ──► additive
//	any ── the learned limit is forgotten ──► roundOpen, with the first size
type phase uint8

const (
	additive      phase = iota // no rounds: a collision has been seen, or the limit is known
	roundOpen                  // slow start, within a round
	roundDraining              // slow start, and no request is sent until the whole round is back
)

const (
	firstRound    = 8
	repeatedRound = 32 // rounds of this size are repeated, so that the first collision refuses
	repeats       = 3  // at most 32 where the limit is below about a hundred
	peakPeriod    = time.Minute
	unbounded     = math.MaxInt32
)

// restart begins slow start with a round of n.
func (c *concurrency) restart(n int) {
	*c = concurrency{size: n, left: n, phase: roundOpen, peak: c.peak, peakSince: c.peakSince}
}

// nextRound begins the next round: 8, 16, 32, 32, 32, 64, 128 and so on.
func (c *concurrency) nextRound() {
	if c.size == repeatedRound && c.repeat < repeats-1 {
		c.repeat++
	} else {
		c.size = min(2*c.size, unbounded)
	}
	c.left, c.phase, c.roundPeak = c.size, roundOpen, 0
}

// hasRoom reports whether one more may be sent while out are in flight.
func (c *concurrency) hasRoom(out int) bool {
	if c.phase == roundDraining {
		if out > 0 {
			return false
		}
		c.nextRound()
	}
	return out < c.size
}

// sent records a request that is sent, the last of the out in flight now. Size that was not
// used for a period is given back: that 500 requests at once passed yesterday does not mean
// that they pass today.
func (c *concurrency) sent(out int, now time.Duration) {
	c.peak, c.roundPeak = max(c.peak, out), max(c.roundPeak, out)
	c.left--
	if c.phase != additive && c.left <= 0 {
		c.phase = roundOpen
		if c.roundPeak >= c.size/2 {
			c.phase = roundDraining
		}
		c.left, c.roundPeak = c.size, out
	}
	if now-c.peakSince < peakPeriod {
		return
	}
	if c.size != unbounded {
		c.size = max(firstRound, min(c.size, 2*c.peak))
	}
	c.peak, c.peakSince = out, now
}

// giveBack undoes sent for a request that was never sent.
func (c *concurrency) giveBack() {
	if c.phase == roundOpen {
		c.left = min(c.left+1, c.size)
	}
}

// collided halves the window after an unexpected refusal, and ends slow start.
func (c *concurrency) collided(out int) {
	c.size = max(firstRound, min(c.size, c.peak)/2)
	c.phase = additive
	c.peak = out
}

// passed lets the window grow after a success while requests wait.
func (c *concurrency) passed(somebodyWaits bool) {
	if somebodyWaits && c.phase == additive && c.size < unbounded {
		c.size++
	}
}
