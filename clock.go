package keyfit

import (
	"sync/atomic"
	"time"
)

// clock counts from its own beginning. It asks for the monotonic time alone, which takes half
// as long as time.Now. A call reads the clock of its client when it begins and when its
// answer is there, and hands on what it read.
type clock struct{ start time.Time }

func startClock() clock { return clock{time.Now()} }

// now reads the clock: the time since its beginning, and a nanosecond more, since 0 stands
// for no reading.
func (c clock) now() time.Duration { return time.Since(c.start) + 1 }

// lag is how much later this clock began than another: what that reads, less the lag, is
// what this reads.
func (c clock) lag(behind clock) time.Duration { return c.start.Sub(behind.start) }

// time is that of a reading; the zero time for none.
func (c clock) time(reading time.Duration) time.Time {
	if reading == 0 {
		return time.Time{}
	}
	return c.start.Add(reading - 1)
}

// latest is the latest reading for something, from many goroutines at once; 0 is none.
type latest struct{ reading atomic.Int64 }

func (l *latest) load() time.Duration { return time.Duration(l.reading.Load()) }

// note takes a reading, unless there is a later one.
func (l *latest) note(reading time.Duration) {
	for was := l.load(); was < reading; was = l.load() {
		if l.reading.CompareAndSwap(int64(was), int64(reading)) {
			return
		}
	}
}
