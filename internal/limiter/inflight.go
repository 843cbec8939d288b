package limiter

import "time"

// inFlight holds the attempts that are out, in the order in which they were sent. It hands
// out indexes into a slab instead of pointers, so an attempt that need not wait allocates
// nothing.
type inFlight struct {
	slab []attempt // index 0 is the anchor of the list of attempts that are not overdue
	free []int32
	n    int // how many are out and not overdue
}

// attempt is one request that was let through.
type attempt struct {
	use        uint32 // counts the uses of this index, so a second Leave is recognised
	prev, next int32
	sent       time.Duration
	logged     time.Duration // its entry in the log, once it is overdue
	kind       attemptKind
	overdue    bool // out for so long that it has certainly arrived: it is in the log
}

// attemptKind is the reason why an attempt could be sent, which decides what its response
// shows.
type attemptKind uint8

const (
	ordinary    attemptKind = iota // within the limit
	pilot                          // the only request after a pause, within the limit
	earlyPilot                     // the only request after a pause, before the window has turned by the log
	exploring                      // above the learned limit
	earlyWindow                    // in a window that began early, as an early pilot has shown
)

// isPilot reports whether all other requests wait for the attempt's response.
func (kind attemptKind) isPilot() bool { return kind == pilot || kind == earlyPilot }

// add records an attempt that is sent now.
func (f *inFlight) add(now time.Duration, k attemptKind) (place int32, use uint32) {
	if len(f.slab) == 0 {
		f.slab = make([]attempt, 1, 16)
	}
	if n := len(f.free); n > 0 {
		place, f.free = f.free[n-1], f.free[:n-1]
	} else {
		place = int32(len(f.slab)) //nolint:gosec // as many as attempts in flight
		f.slab = append(f.slab, attempt{})
	}
	anchor, a := &f.slab[0], &f.slab[place]
	*a = attempt{use: a.use, prev: anchor.prev, sent: now, kind: k}
	f.slab[anchor.prev].next = place
	anchor.prev = place
	f.n++
	return place, a.use
}

// remove ends an attempt; ok is false if it has ended before.
func (f *inFlight) remove(place int32, use uint32) (a attempt, ok bool) {
	a = f.slab[place]
	if a.use != use {
		return a, false
	}
	if !a.overdue {
		f.unlink(a)
	}
	f.slab[place].use++
	f.free = append(f.free, place)
	return a, true
}

// oldest returns the attempt that has been out longest of those not overdue, or nil.
func (f *inFlight) oldest() *attempt {
	if f.n == 0 {
		return nil
	}
	return &f.slab[f.slab[0].next]
}

// expireOldest marks the oldest attempt overdue: it no longer counts as in flight.
func (f *inFlight) expireOldest() {
	a := f.oldest()
	f.unlink(*a)
	a.overdue = true
}

func (f *inFlight) unlink(a attempt) {
	f.slab[a.prev].next, f.slab[a.next].prev = a.next, a.prev
	f.n--
}

// isEmpty reports whether nothing is out, overdue attempts included.
func (f *inFlight) isEmpty() bool { return len(f.slab) <= 1+len(f.free) }
