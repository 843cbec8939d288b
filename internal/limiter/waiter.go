package limiter

import "time"

// waiter is a request that may not be sent yet.
type waiter struct {
	class    int
	entered  time.Duration // into this queue
	since    time.Duration // when the caller arrived,
	seq      uint64        // and in which order, if at the same time
	deadline time.Duration // the latest start that the context's deadline leaves; never if it has none
	giveUp   time.Duration // the latest start at all: MaxWait included
	index    [2]int        // in the heap of its class, and in that by giveUp; -1 if it is not there

	noTrial bool // NoTrial of its request

	state   waiterState
	settled chan struct{} // closed when state is not queued any more
	place   int32         // admitted: the attempt's place in flight
	use     uint32
	err     error // turned away
}

// waiterState changes once, from queued to one of the others.
type waiterState uint8

const (
	queued     waiterState = iota
	admitted               // it may be sent
	turnedAway             // it cannot be sent in time
)

func (wt *waiter) settle(s waiterState) {
	wt.state = s
	close(wt.settled)
}

// arrivedBefore compares the times of arrival; seq decides where they are the same.
func arrivedBefore(a, b *waiter) bool {
	if a.since != b.since {
		return a.since < b.since
	}
	return a.seq < b.seq
}

// waiterHeap is a heap of waiters, ordered by one of two times. It is no [heap.Interface]:
// calls through one are most of what a wait would cost.
type waiterHeap struct {
	by int
	w  []heapEntry
}

// heapEntry has the time beside the waiter, which need not be looked at to compare.
type heapEntry struct {
	*waiter

	at time.Duration
}

const (
	byTurn = iota
	byGiveUp
)

func (he heapEntry) before(other heapEntry) bool {
	if he.at != other.at {
		return he.at < other.at
	}
	return he.seq < other.seq
}

func (h *waiterHeap) put(i int, e heapEntry) {
	h.w[i] = e
	e.index[h.by] = i
}

func (h *waiterHeap) push(w *waiter) {
	e := heapEntry{w, w.since}
	if h.by == byGiveUp {
		e.at = w.giveUp
	}
	h.w = append(h.w, e)
	h.up(len(h.w)-1, e)
}

// remove takes a waiter out that is in the heap.
func (h *waiterHeap) remove(w *waiter) {
	i, n := w.index[h.by], len(h.w)-1
	last := h.w[n]
	h.w[n] = heapEntry{}
	h.w = h.w[:n]
	w.index[h.by] = -1
	switch {
	case i == n:
	case i > 0 && last.before(h.w[(i-1)/2]):
		h.up(i, last)
	default:
		h.down(i, last)
	}
}

// up puts an entry at i, or as far above as it belongs.
func (h *waiterHeap) up(i int, e heapEntry) {
	for i > 0 {
		parent := (i - 1) / 2
		if !e.before(h.w[parent]) {
			break
		}
		h.put(i, h.w[parent])
		i = parent
	}
	h.put(i, e)
}

// down puts an entry at i, or as far below as it belongs.
func (h *waiterHeap) down(i int, e heapEntry) {
	for {
		child := 2*i + 1
		if child+1 < len(h.w) && h.w[child+1].before(h.w[child]) {
			child++
		}
		if child >= len(h.w) || !h.w[child].before(e) {
			break
		}
		h.put(i, h.w[child])
		i = child
	}
	h.put(i, e)
}
