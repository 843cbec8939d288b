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

// waiterHeap is a heap of waiters, ordered by one of two times.
type waiterHeap struct {
	by int
	w  []*waiter
}

const (
	byTurn = iota
	byGiveUp
)

func (h *waiterHeap) Len() int { return len(h.w) }
func (h *waiterHeap) Less(i, j int) bool {
	if h.by == byGiveUp {
		return h.w[i].giveUp < h.w[j].giveUp
	}
	return arrivedBefore(h.w[i], h.w[j])
}

func (h *waiterHeap) Swap(i, j int) {
	h.w[i], h.w[j] = h.w[j], h.w[i]
	h.w[i].index[h.by], h.w[j].index[h.by] = i, j
}

// Push implements [heap.Interface].
func (h *waiterHeap) Push(x any) {
	w := x.(*waiter) //nolint:errcheck // heap.Push is called with waiters alone
	w.index[h.by] = len(h.w)
	h.w = append(h.w, w)
}

// Pop implements [heap.Interface].
func (h *waiterHeap) Pop() any {
	n := len(h.w) - 1
	w := h.w[n]
	h.w[n] = nil
	h.w = h.w[:n]
	w.index[h.by] = -1
	return w
}
