package mockserver

import (
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// Clock is the one clock of a namespace. Keys, rate-limit windows, last-used
// stamps, the journal and injected delays all read it.
//
// A new clock shows the machine's time. Freeze stops it, Advance moves it
// forward, Run continues from the present time, faster or slower. Every change
// wakes whoever waits on the clock: an injected delay of an hour ends when the
// test advances an hour. On a frozen clock a delay waits for Advance.
//
// All methods are safe for concurrent use. Use the clock of a Server; the zero
// Clock is not ready.
type Clock struct{ engine *clock.Clock }

// Now returns the clock's time in UTC.
func (c *Clock) Now() time.Time { return c.engine.Now() }

// Freeze stops the clock at a time, which may lie in the past.
func (c *Clock) Freeze(at time.Time) { c.engine.Freeze(at) }

// Advance moves the clock forward by d, frozen or running, and wakes whoever
// waits on it. A negative d is ignored: time does not run backwards by
// Advance; use Freeze.
func (c *Clock) Advance(d time.Duration) { c.engine.Advance(d) }

// Run continues from the present time, scale times as fast as the machine's
// time: 1 is real time, 60 a minute each second. A scale that is not a
// positive number freezes the clock.
func (c *Clock) Run(scale float64) { c.engine.Run(scale) }

// Frozen reports whether the clock stands still.
func (c *Clock) Frozen() bool { return c.engine.Frozen() }

// ClockState is a clock at rest. The zero ClockState shows the machine's time.
type ClockState struct {
	FrozenAt time.Time `json:"frozenAt,omitzero"` // frozen: the time that it shows
	Offset   Duration  `json:"offset,omitzero"`   // running: ahead of the machine's time, or behind
	Scale    float64   `json:"scale,omitzero"`    // running: 0 is 1, real time
}

func (cst ClockState) state() clock.State {
	return clock.State{FrozenAt: cst.FrozenAt, Offset: cst.Offset.Std(), Scale: cst.Scale}
}

func clockStateOf(s clock.State) ClockState {
	return ClockState{FrozenAt: s.FrozenAt, Offset: Duration(s.Offset), Scale: s.Scale}
}
