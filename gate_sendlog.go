package keyfit

import (
	"sort"
	"time"
)

// sendLog remembers when the last requests had certainly reached the server, oldest first:
// a ring that grows by doubling up to max entries and then forgets the oldest.
type sendLog struct {
	buf  []time.Duration // len is a power of two
	head int             // index of the oldest
	n    int
	max  int
}

const (
	minLog = 64
	maxLog = 1 << 14 // for a limit that has to be learned: 128 KiB at most
	topLog = 1 << 20 // for one that is published
)

// fit shrinks a limit that is too large for a log to one of the same rate.
func fit(n int, per time.Duration) (int, time.Duration) {
	if n <= topLog {
		return n, per
	}
	return topLog, time.Duration(float64(per) * topLog / float64(n))
}

// push appends t, and returns it: what would be older than the newest entry counts as new as that.
func (g *sendLog) push(t time.Duration) time.Duration {
	if g.n > 0 {
		t = max(t, g.at(g.n-1))
	}
	switch {
	case g.n == g.max:
		g.head = (g.head + 1) & (len(g.buf) - 1)
		g.n--
	case g.n == len(g.buf):
		g.grow()
	}
	g.buf[(g.head+g.n)&(len(g.buf)-1)] = t
	g.n++
	return t
}

// remove takes one entry of the time t out, if there still is one. It is rare: of attempts
// that were never sent, and took long to find that out.
func (g *sendLog) remove(t time.Duration) {
	i := g.n - g.since(t) - 1
	if i < 0 || g.at(i) != t {
		return
	}
	for ; i+1 < g.n; i++ {
		g.buf[(g.head+i)&(len(g.buf)-1)] = g.at(i + 1)
	}
	g.n--
}

// at returns entry i, 0 being the oldest.
func (g *sendLog) at(i int) time.Duration { return g.buf[(g.head+i)&(len(g.buf)-1)] }

// since counts the entries after t.
func (g *sendLog) since(t time.Duration) int {
	return g.n - sort.Search(g.n, func(i int) bool { return g.at(i) > t })
}

func (g *sendLog) grow() {
	buf := make([]time.Duration, max(minLog, 2*len(g.buf)))
	for i := range g.n {
		buf[i] = g.at(i)
	}
	g.buf, g.head = buf, 0
}
