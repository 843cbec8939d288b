package limiter

import "time"

const (
	firstSlots   = 8  // in flight at first
	brake        = 20 // above this, growth is slower:
	hold         = 64 // passes before it begins again
	longBrake    = 32 // the same for a long way, on which time is dearer
	shortTrip    = 50 * time.Millisecond
	brakedGrowth = 8    // one slot for so many passes
	mostSlots    = 2048 //
	restedAfter  = time.Second
	longHint     = 2 * time.Second
	certain      = 2 // confirmations from which the cap explains refusals
)

// concurrency is the cap on what is in flight. It grows from firstSlots, doubling with each
// round trip, and is 1 again after each collision: one goes ahead.
//
// A refusal at k in flight sets a ceiling of k-1, for a while. Whether what is in flight is
// the reason at all shows later. Where many passed at the ceiling before one more was refused,
// it is confirmed, and stays for longer each time; a refusal below the ceiling, or of one
// that was alone, speaks against it.
type concurrency struct {
	slots   int
	max     int // the caller's own cap; 0 for none
	brake   int
	grown   int           // passes towards the next slot, above brake
	known   int           // the most in flight with one that passed, since the last collision
	ceiling int           // 0 for none
	until   time.Duration // it is kept at least
	free    bool

	confirmed int
	floor     int           // the ceiling as the last collision left it
	atCeiling int           // passes with as many in flight, since the last collision
	steps     int           // and since it was last raised
	beyond    int           // and with far more than the ceiling
	last      time.Duration // when that was,
	before    int           // and how many slots there were before it
	widest    int           // the most in flight of those refused in this collision; 0 if it is not to blame
}

func newConcurrency(most int) concurrency { return concurrency{slots: firstSlots, max: most} }

// hasRoom reports whether another one may be sent beside out. The caller's own cap holds for
// those that are overdue too.
func (c *concurrency) hasRoom(f *inFlight) bool {
	return f.n < c.slots && (c.max == 0 || f.all() < c.max)
}

// cap is the most that may be in flight now.
func (c *concurrency) cap() int {
	if c.max > 0 {
		return min(c.slots, c.max)
	}
	return c.slots
}

// rounds returns how many round trips it takes until so many have been sent, if all pass: the
// cap doubles with each as long as nothing slows it down.
func (c *concurrency) rounds(ahead int) (n int) {
	most := mostSlots
	if !c.free {
		most = max(c.brake, brake)
	}
	if c.ceiling > 0 {
		most = min(most, c.ceiling)
	}
	if c.max > 0 {
		most = min(most, c.max)
	}
	slots := c.cap()
	for ; slots < most && ahead >= slots; n++ {
		ahead -= slots
		slots = min(2*slots, most)
	}
	return n + ahead/slots
}

// passed takes a good answer.
func (c *concurrency) passed(a *attempt, now time.Duration) {
	if c.brake = brake; now-a.sent > shortTrip {
		c.brake = longBrake
	}
	c.known = max(c.known, int(a.with))
	c.refute(a)
	if c.ceiling > 0 && int(a.with) >= c.ceiling {
		c.atCeiling++
		c.steps++
		if c.confirmed > 0 && c.steps > 2*c.ceiling && now > c.until {
			c.ceiling++
			c.steps = 0
		}
	}
	held := now <= c.until
	if c.slots < c.ceiling || !held && c.confirmed == 0 {
		c.grow()
		if held {
			c.slots = min(c.slots, c.ceiling)
		}
	}
}

// refute drops the ceiling when far more than it have passed at once, again and again: it was a
// refusal for another reason.
func (c *concurrency) refute(a *attempt) {
	if c.ceiling == 0 || int(a.with) <= 2*c.ceiling+2 || a.sent <= c.last {
		return
	}
	c.beyond++
	if c.beyond > c.ceiling {
		c.ceiling, c.floor, c.confirmed, c.until = 0, 0, 0, 0
	}
}

// rested ends the slow start after a collision that is long past.
func (c *concurrency) rested() {
	if n := firstSlots; c.slots < n {
		if c.ceiling > 0 {
			n = min(n, c.ceiling)
		}
		c.slots = max(c.slots, n)
	}
}

func (c *concurrency) grow() {
	if c.slots >= c.brake && (!c.free || c.ceiling > 0) {
		c.grown++
		if c.grown < brakedGrowth || c.slots == brake && c.grown < hold {
			return
		}
		c.grown = 0
	}
	c.slots = min(c.slots+1, mostSlots)
}

// collided takes a refusal that begins a collision, and reports whether what is in flight
// explains it.
func (c *concurrency) collided(a *attempt, doubted, dry bool) (explained bool) {
	c.widest = 0
	with := int(a.with)
	if with > 1 && 2*with > c.known {
		explained = c.judge(with, doubted)
		c.floor = c.ceiling
	} else if !dry && c.confirmed > 0 {
		c.confirmed--
	}
	c.atCeiling, c.steps, c.known, c.beyond = 0, 0, 0, 0
	return explained
}

// judge sets the ceiling after a refusal with so many in flight.
func (c *concurrency) judge(with int, doubted bool) (explained bool) {
	over := with - 1 - c.floor
	switch {
	case doubted && c.confirmed < certain: // a refused state explains it
		c.ceiling = max(c.ceiling, with-1)
	case c.ceiling > 0 && over >= 0 && c.atCeiling >= 2*c.ceiling+2:
		c.confirmed = min(c.confirmed+1, 7)
		c.ceiling = min(c.ceiling, with-1)
		return true
	default:
		c.confirmed = 0
		c.ceiling = with - 1
		c.widest = with
	}
	return false
}

// hold keeps the ceiling for a while after a collision that pauses for wait, the longer the
// better it is confirmed, and begins anew below it.
func (c *concurrency) hold(a *attempt, hint, wait, now time.Duration, explained bool, t *trips) {
	if a.with > 1 && hint <= longHint {
		c.until = now + wait + max(wait, t.times(8))<<c.confirmed
	}
	c.last, c.before = now, c.slots
	c.slots = 1
	if explained {
		c.slots = max(1, c.ceiling/2)
	}
}

// undo takes back the slow start: the refusal was a stray.
func (c *concurrency) undo() { c.slots = max(c.slots, c.before) }

// joined takes another refusal of the same collision, the nth.
func (c *concurrency) joined(a *attempt, nth int) {
	if c.widest > 0 {
		c.widest = max(c.widest, int(a.with))
		c.ceiling = max(1, c.widest-nth)
		c.floor = c.ceiling
	}
}
