package limiter

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// never is the time of an event that no timer can cause.
const never = time.Duration(math.MaxInt64)

// The classes of waiting requests, in the order in which they are served.
const (
	probes = iota
	calls
	batches
	classes
)

func (pr Priority) class() int {
	switch {
	case pr > Call:
		return probes
	case pr < Call:
		return batches
	}
	return calls
}

// callsPerBatch is how many calls may overtake a batch in a row.
const callsPerBatch = 7

// queue contains the waiting requests: a heap for each class, ordered by arrival, and one
// of all, ordered by the time at which waiting becomes pointless. To enter, to leave and to
// leave from the middle costs O(log n) each.
type queue struct {
	n         int
	seq       uint64
	overtaken int // how many calls in a row have overtaken the batches
	waiters   [classes]waiterHeap
	newest    [classes]time.Duration // the latest arrival of the class
	byGiveUp  waiterHeap
}

// newWaiter returns a waiter that is not in the queue yet; since decides its place there.
func (q *queue) newWaiter(class int, now, since time.Duration) *waiter {
	q.seq++
	return &waiter{
		class: class, entered: now, since: since, seq: q.seq,
		deadline: never, giveUp: never, index: [2]int{-1, -1},
	}
}

func (q *queue) push(w *waiter) {
	q.n++
	q.newest[w.class] = max(q.newest[w.class], w.since)
	q.waiters[w.class].push(w)
	if w.giveUp != never {
		q.byGiveUp.by = byGiveUp
		q.byGiveUp.push(w)
	}
}

// first returns whose turn it is: a probe's, else a call's, but after callsPerBatch calls a
// batch's; within a class it is the turn of who arrived first.
func (q *queue) first() *waiter {
	for class := range q.waiters {
		if len(q.waiters[class].w) == 0 || class == calls && q.overtaken >= callsPerBatch && len(q.waiters[batches].w) > 0 {
			continue
		}
		return q.waiters[class].w[0].waiter
	}
	return nil
}

// maxVolunteers is among how many of a class a trial is looked for.
const maxVolunteers = 8

// volunteer returns who is sent to find something out: the first, or if that has
// been refused before, another one of the next; nil if there is none.
func (q *queue) volunteer() *waiter {
	first := q.first()
	if !first.noTrial {
		return first
	}
	var best *waiter
	class := q.waiters[first.class].w
	for _, e := range class[:min(len(class), maxVolunteers)] {
		if !e.noTrial && (best == nil || arrivedBefore(e.waiter, best)) {
			best = e.waiter
		}
	}
	return best
}

// take takes one out whose turn it is.
func (q *queue) take(w *waiter) *waiter {
	q.remove(w)
	switch {
	case w.class == batches || len(q.waiters[batches].w) == 0:
		q.overtaken = 0
	case w.class == calls:
		q.overtaken++
	}
	return w
}

func (q *queue) remove(w *waiter) {
	q.waiters[w.class].remove(w)
	q.n--
	if w.index[byGiveUp] >= 0 {
		q.byGiveUp.remove(w)
	}
}

// pop takes the first out.
func (q *queue) pop() *waiter { return q.take(q.first()) }

// ahead returns how many go before w at most, if no other request comes. It counts all of
// w's class as earlier.
func (q *queue) ahead(w *waiter) int {
	n := len(q.waiters[w.class].w)
	if w.index[byTurn] >= 0 {
		n-- // w itself
	}
	return n + q.aheadOfOtherClasses(w.class, n)
}

// aheadExactly is like ahead, but counts only those of w's class that arrived before it. That
// takes O(n) if somebody in the queue may have arrived later.
func (q *queue) aheadExactly(w *waiter) int {
	if w.since >= q.newest[w.class] {
		return q.ahead(w)
	}
	n := 0
	for _, other := range q.waiters[w.class].w {
		if arrivedBefore(other.waiter, w) {
			n++
		}
	}
	return n + q.aheadOfOtherClasses(w.class, n)
}

// aheadOfOtherClasses returns how many of the other classes go before a waiter that has n of
// its own class ahead.
func (q *queue) aheadOfOtherClasses(class, n int) int {
	others := 0
	switch class {
	case calls:
		others = min(len(q.waiters[batches].w), (q.overtaken+n)/callsPerBatch)
	case batches:
		others = min(len(q.waiters[calls].w), (n+1)*callsPerBatch-q.overtaken)
	}
	if class != probes {
		others += len(q.waiters[probes].w)
	}
	return others
}

// inOrder returns all who wait in the order of their turns.
func (q *queue) inOrder() []*waiter {
	var sorted [classes][]*waiter
	for class := range sorted {
		for _, e := range q.waiters[class].w {
			sorted[class] = append(sorted[class], e.waiter)
		}
		slices.SortFunc(sorted[class], func(a, b *waiter) int {
			return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.seq, b.seq))
		})
	}
	all, overtaken := sorted[probes], q.overtaken
	for len(sorted[calls]) > 0 && len(sorted[batches]) > 0 {
		class := calls
		overtaken++
		if overtaken > callsPerBatch {
			class, overtaken = batches, 0
		}
		all = append(all, sorted[class][0])
		sorted[class] = sorted[class][1:]
	}
	return append(append(all, sorted[calls]...), sorted[batches]...)
}

// hasty returns who gives up first of all who wait; nil if nobody ever does.
func (q *queue) hasty() *waiter {
	if len(q.byGiveUp.w) == 0 {
		return nil
	}
	return q.byGiveUp.w[0].waiter
}
