package mockserver

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// The modes of a clock.
const (
	clockReal    = "real"
	clockFrozen  = "frozen"
	clockRunning = "running"
)

type clockView struct {
	Mode   string    `json:"mode"` // real, running or frozen
	Now    time.Time `json:"now"`
	Scale  float64   `json:"scale"`           // 1 is real time, 0 is frozen
	Offset Duration  `json:"offset,omitzero"` // running: ahead of the machine's time
}

func viewClock(c *clock.Clock) clockView {
	st := c.State()
	v := clockView{Mode: clockRunning, Now: c.Now(), Scale: 1, Offset: Duration(st.Offset)}
	switch {
	case st == clock.State{}:
		v.Mode = clockReal
	case !st.FrozenAt.IsZero():
		v.Mode, v.Scale = clockFrozen, 0
	case st.Scale != 0:
		v.Scale = st.Scale
	}
	return v
}

func adminClock(c *adminCall) (any, error) { return viewClock(c.ns.clock), nil }

type clockBody struct {
	Mode  string   `json:"mode"  required:"true" doc:"real, running or frozen"`
	At    *instant `json:"at"    doc:"frozen: the time to stop at; now if absent; without a zone it is UTC"`
	Scale float64  `json:"scale" doc:"running: how fast; 1 if absent, 60 is a minute each second"`
}

func adminSetClock(c *adminCall) (any, error) {
	var in clockBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.At != nil && in.Mode != clockFrozen, in.Scale != 0 && in.Mode != clockRunning:
		return nil, refused(http.StatusBadRequest, `at belongs to mode "frozen", scale to mode "running"`)
	case in.Mode == clockFrozen && in.At == nil:
		c.ns.clock.Run(0)
	case in.Mode == clockFrozen && (in.At.Year() < 1970 || in.At.Year() > 2150): // what nanoseconds since 1970 can hold
		return nil, refused(http.StatusBadRequest, "at lies between 1970 and 2150")
	case in.Mode == clockFrozen:
		c.ns.clock.Freeze(in.At.Time)
	case in.Mode == clockRunning && (in.Scale < 0 || in.Scale > 1e6):
		return nil, refused(http.StatusBadRequest, "scale lies between 0 and 1000000")
	case in.Mode == clockRunning:
		if in.Scale == 0 {
			in.Scale = 1
		}
		c.ns.clock.Run(in.Scale)
	case in.Mode == clockReal:
		c.ns.clock.Restore(clock.State{})
	default:
		return nil, refused(http.StatusBadRequest, "mode: one of real, running, frozen")
	}
	return viewClock(c.ns.clock), nil
}

type advanceBody struct {
	By Duration `json:"by" required:"true"`
}

func adminAdvance(c *adminCall) (any, error) {
	var in advanceBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.By <= 0 || in.By.Std() > clock.MaxOffset || c.ns.clock.Now().Add(in.By.Std()).Year() > 2150 {
		return nil, refused(http.StatusBadRequest, `by is a positive duration such as "61s" or "366d", and the year stays below 2150`)
	}
	c.ns.clock.Advance(in.By.Std())
	return viewClock(c.ns.clock), nil
}
