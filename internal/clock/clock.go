// Package clock reads the time cheaply.
//
// A [Clock] counts from its own start. It reads the monotonic time alone, which takes half
// as long as [time.Now]. A reading is a plain [time.Duration]; 0 stands for no reading, so a
// field that holds one needs no flag beside it. Code that has read its clock passes the
// reading on instead of reading again.
//
// Readings of two clocks differ by a constant, which [Clock.Lag] returns.
//
// The zero Clock is not usable; [Start] makes one. A Clock is a value that never changes:
// copies are the same clock, and all methods are safe for concurrent use.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that counts from its start.
type Clock struct{ start time.Time }

// Start returns a clock that starts now.
func Start() Clock { return Clock{time.Now()} }

// Now returns the time since the start, plus one nanosecond, because 0 stands for no reading.
func (c Clock) Now() time.Duration { return time.Since(c.start) + 1 }

// Lag returns how much later c started than behind. A reading of behind, less the lag, is
// the reading of c at the same moment.
func (c Clock) Lag(behind Clock) time.Duration { return c.start.Sub(behind.start) }

// Time returns the time of a reading; the zero time for no reading.
func (c Clock) Time(reading time.Duration) time.Time {
	if reading == 0 {
		return time.Time{}
	}
	return c.start.Add(reading - 1)
}

// Reading returns what the clock reads at t: the inverse of [Clock.Time]. It is below 1
// before the start, and 0 for the zero time.
func (c Clock) Reading(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return t.Sub(c.start) + 1
}

// Latest is the latest of the readings observed by any number of goroutines. The zero value
// holds none. It must not be copied after first use.
type Latest struct{ reading atomic.Int64 }

// Load returns the latest reading; 0 if there is none.
func (l *Latest) Load() time.Duration { return time.Duration(l.reading.Load()) }

// Observe takes a reading, unless a later one is known.
func (l *Latest) Observe(reading time.Duration) {
	for known := l.Load(); known < reading; known = l.Load() {
		if l.reading.CompareAndSwap(int64(known), int64(reading)) {
			return
		}
	}
}
