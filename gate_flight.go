package keyfit

import "time"

// flight holds the attempts that are out, in the order in which they went. It hands out
// places of a slab instead of pointers, so that leave is a closure over two numbers: the
// only allocation of an attempt that does not have to wait.
type flight struct {
	slab []attempt // place 0 is the anchor of the list of those not overdue
	free []int32
	out  int // how many are out and not overdue
}

// attempt is one request that was let through.
type attempt struct {
	gen        uint32 // of this use of the place: a second leave is recognised by it
	prev, next int32
	sent       time.Duration
	logged     time.Duration // its entry in the log, once it is overdue
	kind       attemptKind
	overdue    bool // out for so long that it has arrived by now; already in the log
}

type attemptKind uint8

const (
	plain  attemptKind = iota
	canary             // goes ahead of all others after a pause
	beyond             // above the learned limit, to see whether it was raised
	early              // in a window that has begun by the server's word alone
)

// add notes an attempt that goes out now.
func (f *flight) add(now time.Duration, k attemptKind) (place int32, gen uint32) {
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
	*a = attempt{gen: a.gen, prev: anchor.prev, sent: now, kind: k}
	f.slab[anchor.prev].next = place
	anchor.prev = place
	f.out++
	return place, a.gen
}

// remove ends an attempt; ok is false if it has left before.
func (f *flight) remove(place int32, gen uint32) (a attempt, ok bool) {
	a = f.slab[place]
	if a.gen != gen {
		return a, false
	}
	if !a.overdue {
		f.unlink(a)
	}
	f.slab[place].gen++
	f.free = append(f.free, place)
	return a, true
}

// oldest returns the attempt that has been out longest among those not overdue, or nil.
func (f *flight) oldest() *attempt {
	if f.out == 0 {
		return nil
	}
	return &f.slab[f.slab[0].next]
}

// expire marks the oldest: it no longer counts as in flight.
func (f *flight) expire() {
	a := f.oldest()
	f.unlink(*a)
	a.overdue = true
}

func (f *flight) unlink(a attempt) {
	f.slab[a.prev].next, f.slab[a.next].prev = a.next, a.prev
	f.out--
}

// idle says whether nothing is out, overdue attempts included.
func (f *flight) idle() bool { return len(f.slab) <= 1+len(f.free) }
