package limiter

import (
	"sort"
	"time"
)

// sendLog records when the last requests had certainly reached the server, oldest first. It
// is a ring buffer that doubles up to max entries and then drops the oldest.
type sendLog struct {
	buf  []time.Duration // its length is a power of two
	head int             // index of the oldest entry
	n    int
	max  int
}

const (
	minLog = 64
	maxLog = 1 << 14 // for a limit that has to be learned: 128 KiB at most
	topLog = 1 << 20 // for a published limit
)

// fit scales a limit that is too large for the log down to one of the same rate.
func fit(n int, per time.Duration) (int, time.Duration) {
	if n <= topLog {
		return n, per
	}
	return topLog, time.Duration(float64(per) * topLog / float64(n))
}

// push appends t and returns the entry: the log is in order, so a t before the newest entry
// is recorded as that.
func (s *sendLog) push(t time.Duration) time.Duration {
	t = max(t, s.newest())
	switch {
	case s.n == s.max:
		s.head = (s.head + 1) & (len(s.buf) - 1)
		s.n--
	case s.n == len(s.buf):
		s.grow()
	}
	s.buf[(s.head+s.n)&(len(s.buf)-1)] = t
	s.n++
	return t
}

// remove takes one entry of the time t out, if there is one. It is O(n) and rare: it is for
// requests that turn out never to have been sent, long after they were let through.
func (s *sendLog) remove(t time.Duration) {
	i := s.n - s.since(t) - 1
	if i < 0 || s.at(i) != t {
		return
	}
	for ; i+1 < s.n; i++ {
		s.buf[(s.head+i)&(len(s.buf)-1)] = s.at(i + 1)
	}
	s.n--
}

// at returns entry i; 0 is the oldest.
func (s *sendLog) at(i int) time.Duration { return s.buf[(s.head+i)&(len(s.buf)-1)] }

// newest returns the last entry; 0 if there is none.
func (s *sendLog) newest() time.Duration {
	if s.n == 0 {
		return 0
	}
	return s.at(s.n - 1)
}

// since counts the entries after t.
func (s *sendLog) since(t time.Duration) int {
	return s.n - sort.Search(s.n, func(i int) bool { return s.at(i) > t })
}

func (s *sendLog) grow() {
	buf := make([]time.Duration, max(minLog, 2*len(s.buf)))
	for i := range s.n {
		buf[i] = s.at(i)
	}
	s.buf, s.head = buf, 0
}
