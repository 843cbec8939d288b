package keyfit

import (
	"container/heap"
	"math"
	"time"
)

// never is the time of what no timer will bring about.
const never = time.Duration(math.MaxInt64)

// waiter is an attempt that may not go out yet.
type waiter struct {
	entry    Entry
	entered  time.Duration
	deadline time.Duration // the latest start that the context's deadline leaves; never if it has none
	giveUp   time.Duration // the latest start at all: MaxWait included
	ready    chan struct{} // closed when one of the results below is there

	place   int32 // granted: the attempt's place in flight
	gen     uint32
	granted bool
	err     error // refused

	prev, next *waiter
	index      int // in the heap; -1 if not there
}

// queue holds those who wait: a list in the order of arrival, from whose middle anyone can
// leave in O(1), and a heap by the time at which waiting becomes pointless, O(log n).
type queue struct {
	first, last *waiter
	n           int
	byGiveUp    waiterHeap
}

func (q *queue) push(w *waiter) {
	if w.prev = q.last; w.prev != nil {
		w.prev.next = w
	} else {
		q.first = w
	}
	q.last = w
	q.n++
	w.index = -1
	if w.giveUp != never {
		heap.Push(&q.byGiveUp, w)
	}
}

func (q *queue) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.last = w.prev
	}
	w.prev, w.next = nil, nil
	q.n--
	if w.index >= 0 {
		heap.Remove(&q.byGiveUp, w.index)
	}
}

// patient lets one wait on for its context alone.
func (q *queue) patient(w *waiter) { heap.Remove(&q.byGiveUp, w.index) }

// nextGiveUp is when the first of all waiters has to give up.
func (q *queue) nextGiveUp() time.Duration {
	if len(q.byGiveUp) == 0 {
		return never
	}
	return q.byGiveUp[0].giveUp
}

type waiterHeap []*waiter

func (h waiterHeap) Len() int           { return len(h) }
func (h waiterHeap) Less(i, j int) bool { return h[i].giveUp < h[j].giveUp }
func (h waiterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements [heap.Interface].
func (h *waiterHeap) Push(x any) {
	w := x.(*waiter) //nolint:errcheck // heap.Push is called with waiters alone
	w.index = len(*h)
	*h = append(*h, w)
}

// Pop implements [heap.Interface].
func (h *waiterHeap) Pop() any {
	n := len(*h) - 1
	w := (*h)[n]
	(*h)[n] = nil
	*h = (*h)[:n]
	w.index = -1
	return w
}
