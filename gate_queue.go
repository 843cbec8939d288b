package keyfit

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"time"
)

// never is the time of what no timer will bring about.
const never = time.Duration(math.MaxInt64)

// waiter is an attempt that may not go out yet.
type waiter struct {
	entry    Entry
	class    int
	entered  time.Duration // into this line
	since    time.Duration // when the caller came
	seq      uint64        // and in which order, if at the same time
	deadline time.Duration // the latest start that the context's deadline leaves; never if it has none
	giveUp   time.Duration // the latest start at all: MaxWait included
	ready    chan struct{} // closed when one of the results below is there

	place   int32 // granted: the attempt's place in flight
	gen     uint32
	granted bool
	err     error // refused

	index [2]int // in the heap of its class and in the one by giveUp; -1 if not there
}

// batchTurn says how many calls may overtake a batch: then it is a batch's turn.
const batchTurn = 7

// queue holds those who wait: a heap for each class, by the time of arrival, and one of all
// by the time at which waiting becomes pointless. To come, to go and to leave from the
// middle costs O(log n) each.
type queue struct {
	n         int
	seq       uint64
	overtaken int // by so many calls have the batches been, in a row
	lines     [classes]waiterHeap
	newest    [classes]time.Duration // nobody in the line came later
	byGiveUp  waiterHeap
}

// waiter makes one that is not in line yet; its place there is that of since.
func (q *queue) waiter(e Entry, now, since time.Duration) *waiter {
	q.seq++
	return &waiter{
		entry: e, class: e.Priority.class(), entered: now, since: since, seq: q.seq,
		deadline: never, giveUp: never, index: [2]int{-1, -1},
	}
}

func (q *queue) push(w *waiter) {
	q.n++
	q.newest[w.class] = max(q.newest[w.class], w.since)
	heap.Push(&q.lines[w.class], w)
	if w.giveUp != never {
		q.byGiveUp.by = byGiveUp
		heap.Push(&q.byGiveUp, w)
	}
}

// first returns whose turn it is: a probe's, else a call's, but after batchTurn calls a
// batch's, and within a class that of who came first.
func (q *queue) first() *waiter {
	for class := range q.lines {
		if len(q.lines[class].w) == 0 || class == calls && q.overtaken >= batchTurn && len(q.lines[batches].w) > 0 {
			continue
		}
		return q.lines[class].w[0]
	}
	return nil
}

// pop takes out the first.
func (q *queue) pop() *waiter {
	w := q.first()
	q.remove(w)
	switch {
	case w.class == batches || len(q.lines[batches].w) == 0:
		q.overtaken = 0
	case w.class == calls:
		q.overtaken++
	}
	return w
}

func (q *queue) remove(w *waiter) {
	heap.Remove(&q.lines[w.class], w.index[byTurn])
	q.n--
	if w.index[byGiveUp] >= 0 {
		heap.Remove(&q.byGiveUp, w.index[byGiveUp])
	}
}

// ahead says how many go before w if nobody else comes, at the most. It counts those of w's
// own class only if w came before the last of them, and precision is asked for: that takes O(n).
func (q *queue) ahead(w *waiter, precisely bool) int {
	line := q.lines[w.class].w
	own := len(line)
	if precisely && w.since < q.newest[w.class] {
		own = 0
		for _, other := range line {
			if other.before(w) {
				own++
			}
		}
	} else if w.index[byTurn] >= 0 {
		own--
	}
	n := own
	switch w.class {
	case calls:
		n += min(len(q.lines[batches].w), (q.overtaken+own)/batchTurn)
	case batches:
		n += min(len(q.lines[calls].w), (own+1)*batchTurn-q.overtaken)
	}
	if w.class != probes {
		n += len(q.lines[probes].w)
	}
	return n
}

// inOrder returns all who wait in the order of their turns.
func (q *queue) inOrder() []*waiter {
	var lines [classes][]*waiter
	for class := range lines {
		lines[class] = slices.SortedFunc(slices.Values(q.lines[class].w), func(a, b *waiter) int {
			return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.seq, b.seq))
		})
	}
	all, overtaken := lines[probes], q.overtaken
	for len(lines[calls]) > 0 && len(lines[batches]) > 0 {
		class := calls
		overtaken++
		if overtaken > batchTurn {
			class, overtaken = batches, 0
		}
		all = append(all, lines[class][0])
		lines[class] = lines[class][1:]
	}
	return append(append(all, lines[calls]...), lines[batches]...)
}

// patient lets one wait on for its context alone.
func (q *queue) patient(w *waiter) { heap.Remove(&q.byGiveUp, w.index[byGiveUp]) }

// nextGiveUp is when the first of all waiters has to give up.
func (q *queue) nextGiveUp() time.Duration {
	if len(q.byGiveUp.w) == 0 {
		return never
	}
	return q.byGiveUp.w[0].giveUp
}

// before says whether w came before other; its place in the order of arrival counts where
// the times are the same.
func (w *waiter) before(other *waiter) bool {
	if w.since != other.since {
		return w.since < other.since
	}
	return w.seq < other.seq
}

// waiterHeap is a heap of waiters by the one or the other of two times.
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
	return h.w[i].before(h.w[j])
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
