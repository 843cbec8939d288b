// Package clock is the mock's time: a clock that can be stopped, moved forward
// and run faster, and that wakes whoever waits on it.
//
// It is the only package of the mock that reads the machine's time. A Clock is
// in one of three modes:
//
//	machine  shows the machine's time (a new Clock)
//	running  started from some time, runs at some speed
//	frozen   stands still
//
//	machine ──Freeze, Run(0)──► frozen ──Run(x)──► running ──Freeze, Run(0)──► frozen
//	   └──────Advance, Run(x)──► running
//
// Advance keeps a frozen clock frozen; Restore goes to any mode.
package clock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is a clock that can be controlled. All methods are safe for concurrent
// use. Make one with New.
type Clock struct {
	mu       sync.Mutex // serializes changes
	current  atomic.Pointer[setting]
	onChange func()           // may be nil
	stops    Stops            // may be nil
	wall     func() time.Time // the machine's time; a test steps it
}

// setting is what a Clock was last set to. It is immutable: a change replaces
// it and closes changed.
type setting struct {
	machine bool // shows the machine's time
	base    time.Time
	real    time.Time // the machine's time at which the clock showed base
	scale   float64   // clock seconds per machine second; 0 is frozen
	changed chan struct{}

	// steady is how much time Sleep had seen when this setting began: what passed and
	// what Advance, Freeze and Restore skipped. Steps of the machine's time are not in it.
	steady time.Duration
}

// New returns a Clock that shows the machine's time. onChange is called after
// every change, under the Clock's lock; it may be nil and must not change the
// Clock.
func New(onChange func()) *Clock {
	c := &Clock{onChange: onChange, wall: machineTime}
	c.current.Store(&setting{machine: true, scale: 1, real: time.Now(), changed: make(chan struct{})})
	return c
}

func (s *setting) now(wall func() time.Time) time.Time {
	switch {
	case s.machine:
		return wall()
	case s.scale == 0:
		return s.base
	}
	return s.base.Add(time.Duration(float64(time.Since(s.real)) * s.scale))
}

// steadyNow is the time by which Sleep measures. It passes as the clock does, but by
// the monotonic clock: a delay of a second takes a second, whatever somebody does to
// the machine's time meanwhile.
func (s *setting) steadyNow() time.Duration {
	if s.scale == 0 {
		return s.steady
	}
	return s.steady + time.Duration(float64(time.Since(s.real))*s.scale)
}

// machineTime has no monotonic part: clock times are compared with parsed dates.
func machineTime() time.Time { return time.Now().UTC().Round(0) }

// Now returns the clock's time in UTC.
func (c *Clock) Now() time.Time { return c.current.Load().now(c.wall) }

// Freeze stops the clock at a time, which may lie in the past.
func (c *Clock) Freeze(at time.Time) {
	c.change(func(setting) setting { return setting{base: at.UTC().Round(0)} })
}

// Advance moves the clock forward by d, frozen or running. A d of 0 or less is
// ignored.
func (c *Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.change(func(s setting) setting { return setting{base: s.now(c.wall).Add(d), scale: s.scale} })
}

// Run continues from the present time, scale times as fast as the machine's
// time. A scale that is not a positive finite number freezes the clock.
func (c *Clock) Run(scale float64) {
	if !(scale > 0) || math.IsInf(scale, 0) {
		scale = 0
	}
	c.change(func(s setting) setting { return setting{base: s.now(c.wall), scale: scale} })
}

// Frozen reports whether the clock stands still.
func (c *Clock) Frozen() bool { return c.current.Load().scale == 0 }

// Moved reports whether the clock may differ from the machine's time.
func (c *Clock) Moved() bool { return !c.current.Load().machine }

func (c *Clock) change(next func(setting) setting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := next(*c.current.Load())
	s.real = time.Now()
	c.reach(s.now(c.wall))
	c.set(s)
}

// set replaces the setting. The caller holds c.mu.
func (c *Clock) set(s setting) {
	old := c.current.Load()
	was := old.now(c.wall)
	s.real, s.changed = time.Now(), make(chan struct{})
	s.steady = old.steadyNow() + s.now(c.wall).Sub(was)
	c.current.Store(&s)
	close(old.changed)
	if c.onChange != nil {
		c.onChange()
	}
}

// Sleep waits until d has passed on this clock and returns true. It returns
// false as soon as ctx or stop ends. On a frozen clock it waits for Advance.
func (c *Clock) Sleep(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	return c.SleepUntil(ctx, stop, c.Steady()+d)
}

// Steady returns the time that has passed on this clock, whatever the wall clock did.
func (c *Clock) Steady() time.Duration { return c.current.Load().steadyNow() }

// SleepUntil is Sleep until a reading of Steady.
func (c *Clock) SleepUntil(ctx context.Context, stop <-chan struct{}, until time.Duration) bool {
	for {
		s := c.current.Load()
		left := until - s.steadyNow()
		if left <= 0 {
			return true
		}
		if !s.wait(ctx, stop, left) {
			return false
		}
	}
}

// wait returns true when left has passed or the clock was changed, false when
// ctx or stop ended.
func (s *setting) wait(ctx context.Context, stop <-chan struct{}, left time.Duration) bool {
	var passed <-chan time.Time // never, on a frozen clock
	if s.scale > 0 {
		timer := time.NewTimer(time.Duration(math.Ceil(float64(left) / s.scale)))
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
	case <-s.changed:
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	}
	return true
}

// AfterMachineTime runs f once d of the machine's time has passed, for what
// must not wait for a frozen clock. stop is time.Timer's.
func AfterMachineTime(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }

// InMachineTime returns the machine's time in d, for the deadlines of
// connections.
func InMachineTime(d time.Duration) time.Time { return time.Now().Add(d) }

// State is a clock at rest. The zero State is the machine's time.
type State struct {
	FrozenAt time.Time     // frozen: the time that it shows
	Offset   time.Duration // running: ahead of the machine's time, or behind
	Scale    float64       // running: 0 is 1, real time
}

// MaxOffset is how far from the machine's time a restored clock may be. A
// larger offset could soon exceed a time.Duration.
const MaxOffset = 140 * 365 * 24 * time.Hour

// Valid returns an error for a State that Restore could not show.
func (st *State) Valid() error {
	switch {
	case !st.FrozenAt.IsZero() && (st.FrozenAt.Year() < 1970 || st.FrozenAt.Year() > 2200 || st.Offset != 0 || st.Scale != 0):
		return errors.New("clock: frozenAt stands alone and lies between 1970 and 2200")
	case st.Offset > MaxOffset || st.Offset < -MaxOffset:
		return fmt.Errorf("clock: an offset of %s is too far", st.Offset)
	case !(st.Scale >= 0) || st.Scale > 1e6:
		return errors.New("clock: scale lies between 0 and 1000000")
	}
	return nil
}

// State describes the clock; Restore makes another one like it. A running
// clock stays as far ahead of the machine's time as it was.
func (c *Clock) State() State {
	s := c.current.Load()
	switch {
	case s.machine:
		return State{}
	case s.scale == 0:
		return State{FrozenAt: s.base}
	}
	out := State{Offset: s.now(c.wall).Sub(c.wall()).Round(time.Millisecond)}
	if s.scale != 1 {
		out.Scale = s.scale
	}
	return out
}

// Restore sets the clock to what State described. It does not check it.
func (c *Clock) Restore(to State) {
	c.change(func(setting) setting {
		switch {
		case to == State{}:
			return setting{machine: true, scale: 1}
		case !to.FrozenAt.IsZero():
			return setting{base: to.FrozenAt.UTC()}
		case to.Scale == 0:
			to.Scale = 1
		}
		return setting{base: c.wall().Add(to.Offset), scale: to.Scale}
	})
}
