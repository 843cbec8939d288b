package limiter

import (
	"sort"
	"time"
)

// passLog records when the last requests that passed had reached the server, oldest first. It
// is a ring buffer that doubles up to maxLog entries and then drops the oldest.
type passLog struct {
	buf  []time.Duration // its length is a power of two
	head int             // index of the oldest entry
	n    int
}

const (
	minLog = 16
	maxLog = 1 << 14 // 128 KiB
)

// fit scales a limit that is too large for the log down to one of the same rate.
func fit(l Limit) Limit {
	if l.Requests <= 0 || l.Per <= 0 {
		return Limit{}
	}
	l.Per = min(l.Per, longest)
	if l.Requests <= maxLog {
		return l
	}
	return Limit{maxLog, time.Duration(float64(l.Per) * maxLog / float64(l.Requests))}
}

// insert puts t where it belongs, which is near the end.
func (pl *passLog) insert(t time.Duration) {
	switch pl.n {
	case maxLog:
		pl.head = (pl.head + 1) & (maxLog - 1)
		pl.n--
	case len(pl.buf):
		pl.grow()
	}
	i := pl.n
	pl.n++
	for ; i > 0 && pl.at(i-1) > t; i-- {
		pl.set(i, pl.at(i-1))
	}
	pl.set(i, t)
}

// remove takes one entry of the time t out, if there is one.
func (pl *passLog) remove(t time.Duration) {
	i := pl.n - pl.since(t) - 1
	if i < 0 || pl.at(i) != t {
		return
	}
	for ; i+1 < pl.n; i++ {
		pl.set(i, pl.at(i+1))
	}
	pl.n--
}

// at returns entry i; 0 is the oldest.
func (pl *passLog) at(i int) time.Duration { return pl.buf[(pl.head+i)&(len(pl.buf)-1)] }

func (pl *passLog) set(i int, t time.Duration) { pl.buf[(pl.head+i)&(len(pl.buf)-1)] = t }

// since counts the entries after t.
func (pl *passLog) since(t time.Duration) int {
	return pl.n - sort.Search(pl.n, func(i int) bool { return pl.at(i) > t })
}

func (pl *passLog) grow() {
	buf := make([]time.Duration, max(minLog, 2*len(pl.buf)))
	for i := range pl.n {
		buf[i] = pl.at(i)
	}
	pl.buf, pl.head = buf, 0
}

// room returns when one may be sent that has ahead others before it, if at most n may pass in
// every per: out are in flight, of which none was sent before since. It is a time before which
// that is impossible; never if an answer has to come first.
func (pl *passLog) room(l Limit, out, ahead int, since, now time.Duration) time.Duration {
	before := out + ahead
	turns, before := before/l.Requests, before%l.Requests // the last turn has so many before it
	if turns > 0 && ahead == 0 {
		return never
	}
	at := now
	switch i := pl.n - l.Requests + before; {
	case i >= 0:
		at = pl.at(i) + l.Per
		if turns > 0 {
			at = max(at, since)
		}
	case turns > 0 && before < out:
		at = since
	}
	return at + time.Duration(min(turns, int(10*longest/l.Per)))*l.Per
}
