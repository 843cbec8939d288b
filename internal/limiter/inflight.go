package limiter

import "time"

// inFlight holds the attempts that are out, in the order in which they were sent. It hands
// out indexes into a slab instead of pointers, so an attempt that need not wait allocates
// nothing.
type inFlight struct {
	slab []attempt // index 0 is the anchor of the list of attempts that are not overdue
	free []int32
	n    int // how many are out and not overdue

	sent  uint32 // in all
	young int32  // the oldest attempt that the next may overtake on the way; 0 for none
}

// attempt is one request that was let through.
type attempt struct {
	use        uint32 // counts the uses of this index, so a second Leave is recognised
	prev, next int32
	with       int32  // how many may have been at the server with it, itself included
	nth        uint32 // of all that were sent
	kind       attemptKind
	young      bool // those sent from now on may be with it
	overdue    bool // out for so long that it holds nobody up any more
	sent       time.Duration
	logged     time.Duration // its entry in the log, once it is overdue
}

// attemptKind says on what ground an attempt was sent, which decides what its answer teaches.
type attemptKind uint8

const (
	ordinary   attemptKind = iota // nothing speaks against it
	doubting                      // into a state that was refused, to see whether it still is
	pilot                         // the first after a pause, although a learned limit is used up
	trial                         // during a pause
	quotaTrial                    // although the server has said that nothing is left
)

// add notes an attempt that is sent now. Those sent within spread before it may reach the
// server after it.
func (f *inFlight) add(now time.Duration, k attemptKind, spread time.Duration) (place int32, use uint32) {
	if len(f.slab) == 0 {
		f.slab = make([]attempt, 1, 4)
	}
	if n := len(f.free); n > 0 {
		place, f.free = f.free[n-1], f.free[:n-1]
	} else {
		place = int32(len(f.slab)) //nolint:gosec // as many as attempts in flight
		f.slab = append(f.slab, attempt{})
	}
	for f.young != 0 && f.slab[f.young].sent < now-spread {
		f.young = f.count(&f.slab[f.young])
	}
	if f.young == 0 {
		f.young = place
	}
	f.n++
	f.sent++
	anchor, a := &f.slab[0], &f.slab[place]
	*a = attempt{use: a.use, prev: anchor.prev, with: int32(f.n), nth: f.sent, young: true, kind: k, sent: now} //nolint:gosec // see above
	f.slab[anchor.prev].next = place
	anchor.prev = place
	return place, a.use
}

// count counts those that were sent after the attempt as being with it, and returns the next.
func (f *inFlight) count(a *attempt) (next int32) {
	a.with += int32(f.sent - a.nth) //nolint:gosec // no more than in flight
	a.young = false
	return a.next
}

// remove ends an attempt; it is valid until the next is added, and nil if it has ended before.
func (f *inFlight) remove(place int32, use uint32) *attempt {
	a := &f.slab[place]
	if a.use != use {
		return nil
	}
	if !a.overdue {
		f.unlink(place)
	}
	a.use++
	f.free = append(f.free, place)
	return a
}

// oldest returns the attempt that has been out longest of those not overdue, or nil.
func (f *inFlight) oldest() *attempt {
	if f.n == 0 {
		return nil
	}
	return &f.slab[f.slab[0].next]
}

// newest returns the attempt that was sent last of those not overdue, of which there must be one.
func (f *inFlight) newest() *attempt { return &f.slab[f.slab[0].prev] }

// since returns when the oldest attempt was sent of those not overdue; now if none is out.
func (f *inFlight) since(now time.Duration) time.Duration {
	if a := f.oldest(); a != nil {
		return a.sent
	}
	return now
}

// expireOldest marks the oldest attempt overdue: it no longer counts as in flight.
func (f *inFlight) expireOldest() {
	place := f.slab[0].next
	f.unlink(place)
	f.slab[place].overdue = true
}

func (f *inFlight) unlink(place int32) {
	a := &f.slab[place]
	if a.young {
		if next := f.count(a); f.young == place {
			f.young = next
		}
	}
	f.slab[a.prev].next, f.slab[a.next].prev = a.next, a.prev
	f.n--
}

// all is how many are out, overdue attempts included.
func (f *inFlight) all() int { return max(0, len(f.slab)-1-len(f.free)) }

// isEmpty reports whether nothing is out, overdue attempts included.
func (f *inFlight) isEmpty() bool { return f.all() == 0 }
