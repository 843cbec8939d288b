package keyfit

import (
	"sync/atomic"
	"time"
)

// clock is a clock for the hot path: it asks for the monotonic time alone, which takes half as
// long as time.Now. Its times are those of time.Now but for one thing: they do not follow
// when the time of day is set anew. A call reads it when it begins and when its answer is
// there, and hands on what it read.
type clock struct{ start time.Time }

func startClock() clock { return clock{time.Now()} }

func (c clock) now() time.Time { return c.start.Add(time.Since(c.start)) }

// stamp is a time as a number that fits an atomic, and is never 0.
func (c clock) stamp(t time.Time) int64 { return int64(t.Sub(c.start)) + 1 }

// time is that of a stamp; the zero time for 0.
func (c clock) time(stamp int64) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return c.start.Add(time.Duration(stamp - 1))
}

// latest is the latest stamp of something, from many goroutines at once; 0 is none.
type latest struct{ stamp atomic.Int64 }

func (l *latest) load() int64 { return l.stamp.Load() }

// note takes a stamp, unless there is a later one. Of two that are noted at the same time it
// may keep either: they are close to each other.
func (l *latest) note(stamp int64) {
	if l.stamp.Load() < stamp {
		l.stamp.Store(stamp)
	}
}
