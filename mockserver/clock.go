package mockserver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is the one clock of a namespace. Keys, rate-limit windows, last-used
// stamps, the journal and injected delays all read it; nothing in this module
// part reads the machine's time anywhere else (a test holds that).
//
// A new clock shows the machine's time. Freeze stops it, Advance moves it
// forward, Run lets it go on, faster or slower. Every change wakes whoever
// waits on the clock, so an injected delay of an hour ends when the test
// advances an hour. On a frozen clock a delay waits for Advance.
//
// All methods are safe for concurrent use. Use the clock of a Server; the zero
// Clock is not ready.
type Clock struct {
	mu     sync.Mutex // serialises changes
	state  atomic.Pointer[clockState]
	notify func() // after every change; may be nil
}

// clockState is immutable: a change replaces it and closes changed.
type clockState struct {
	plain   bool // shows the machine's time unchanged
	base    time.Time
	real    time.Time // machine time at which the clock showed base
	scale   float64   // 0 is frozen
	changed chan struct{}
}

func newClock() *Clock {
	c := &Clock{}
	c.state.Store(&clockState{plain: true, scale: 1, changed: make(chan struct{})})
	return c
}

func (s *clockState) now() time.Time {
	switch {
	case s.plain:
		return time.Now().UTC().Round(0) // no monotonic part: values are compared with parsed dates
	case s.scale == 0:
		return s.base
	}
	return s.base.Add(time.Duration(float64(time.Since(s.real)) * s.scale))
}

// Now returns the clock's time in UTC.
func (c *Clock) Now() time.Time { return c.state.Load().now() }

// Freeze stops the clock at a time, which may lie in the past.
func (c *Clock) Freeze(at time.Time) {
	c.change(func(clockState) clockState { return clockState{base: at.UTC().Round(0)} })
}

// Advance moves the clock forward by d, frozen or running, and wakes whoever
// waits on it. A negative d is ignored: time does not run backwards by
// Advance; use Freeze.
func (c *Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.change(func(s clockState) clockState {
		return clockState{base: s.now().Add(d), scale: s.scale}
	})
}

// Run lets the clock go on from where it is, scale times as fast as the
// machine's time: 1 is real time, 60 a minute each second. A scale that is not
// a positive number freezes the clock.
func (c *Clock) Run(scale float64) {
	if !(scale > 0) || math.IsInf(scale, 0) {
		scale = 0
	}
	c.change(func(s clockState) clockState { return clockState{base: s.now(), scale: scale} })
}

// Frozen reports whether the clock stands still.
func (c *Clock) Frozen() bool { return c.state.Load().scale == 0 }

func (c *Clock) change(next func(clockState) clockState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.state.Load()
	s := next(*old)
	s.real, s.changed = time.Now(), make(chan struct{})
	c.state.Store(&s)
	close(old.changed)
	if c.notify != nil {
		c.notify()
	}
}

// ClockState is a clock at rest. The zero ClockState shows the machine's time.
type ClockState struct {
	FrozenAt time.Time `json:"frozenAt,omitzero"` // frozen: the time that it shows
	Offset   Duration  `json:"offset,omitzero"`   // running: ahead of the machine's time, or behind
	Scale    float64   `json:"scale,omitzero"`    // running: 0 is 1, real time
}

// maxOffset is how far from the machine's time a restored clock may be; more
// would not fit into a time.Duration for long.
const maxOffset = 140 * 365 * day

func (s *ClockState) valid() error {
	switch {
	case !s.FrozenAt.IsZero() && (s.FrozenAt.Year() < 1970 || s.FrozenAt.Year() > 2200 || s.Offset != 0 || s.Scale != 0):
		return errors.New("clock: frozenAt stands alone and lies between 1970 and 2200")
	case s.Offset.Std() > maxOffset || s.Offset.Std() < -maxOffset:
		return fmt.Errorf("clock: an offset of %s is too far", s.Offset)
	case !(s.Scale >= 0) || s.Scale > 1e6:
		return errors.New("clock: scale lies between 0 and 1000000")
	}
	return nil
}

// show describes the clock, so that restore makes another one like it. A clock
// that runs stays as far ahead of the machine's time as it was.
func (c *Clock) show() ClockState {
	s := c.state.Load()
	switch {
	case s.plain:
		return ClockState{}
	case s.scale == 0:
		return ClockState{FrozenAt: s.base}
	}
	out := ClockState{Offset: Duration(time.Until(s.now()).Round(time.Millisecond))}
	if s.scale != 1 {
		out.Scale = s.scale
	}
	return out
}

func (c *Clock) restore(to ClockState) {
	c.change(func(clockState) clockState {
		switch {
		case to == ClockState{}:
			return clockState{plain: true, scale: 1}
		case !to.FrozenAt.IsZero():
			return clockState{base: to.FrozenAt.UTC()}
		case to.Scale == 0:
			to.Scale = 1
		}
		return clockState{base: time.Now().UTC().Round(0).Add(to.Offset.Std()), scale: to.Scale}
	})
}

// afterReal runs f once d of the machine's time has passed: writing a file to
// disk does not wait for a frozen clock. stop is time.Timer's.
func afterReal(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }

// moved reports whether the clock may differ from the machine's time, in which
// case answers carry a Date of their own.
func (c *Clock) moved() bool { return !c.state.Load().plain }

// sleep waits d on this clock. It ends early, with false, when ctx or stop ends.
func (c *Clock) sleep(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	until := c.Now().Add(d)
	for {
		s := c.state.Load()
		left := until.Sub(s.now())
		if left <= 0 {
			return true
		}
		var fire <-chan time.Time
		var timer *time.Timer
		if s.scale > 0 {
			timer = time.NewTimer(time.Duration(math.Ceil(float64(left) / s.scale)))
			fire = timer.C
		}
		ended := false
		select {
		case <-fire:
		case <-s.changed:
		case <-ctx.Done():
			ended = true
		case <-stop:
			ended = true
		}
		if timer != nil {
			timer.Stop()
		}
		if ended {
			return false
		}
	}
}
