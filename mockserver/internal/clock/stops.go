package clock

import (
	"context"
	"time"
)

// Stops are times at which something is to happen. A Clock that is moved over one stands
// still there until it has happened, before anybody reads a later time.
type Stops interface {
	// Next returns the earliest time that has not been reached; false if there is none.
	Next() (time.Time, bool)
	// Reach does what is to be done at that time. It is called under the Clock's lock, must
	// not change the Clock, and Next is a later one afterwards.
	Reach(at time.Time)
}

// Stopping makes c keep to the stops and returns it. It is called before c is used.
func (c *Clock) Stopping(s Stops) *Clock {
	c.stops = s
	return c
}

// CatchUp reaches the stops that the clock has passed by itself, because it runs.
func (c *Clock) CatchUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reach(c.Now())
}

// reach goes from stop to stop as far as to. The caller holds c.mu.
func (c *Clock) reach(to time.Time) {
	for c.stops != nil {
		at, ok := c.stops.Next()
		if !ok || at.After(to) {
			return
		}
		if at.After(c.Now()) {
			c.set(setting{base: at})
		}
		c.stops.Reach(at)
	}
}

// WaitUntil waits until the clock shows a time and returns true. It returns false as soon
// as ctx or stop ends.
func (c *Clock) WaitUntil(ctx context.Context, stop <-chan struct{}, at time.Time) bool {
	for {
		s := c.current.Load()
		left := at.Sub(s.now(c.wall))
		if left <= 0 {
			return true
		}
		if !s.wait(ctx, stop, left) {
			return false
		}
	}
}
