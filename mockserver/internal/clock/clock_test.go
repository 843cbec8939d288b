package clock_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

var start = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

func TestAChangeKeepsOrSetsTheTimeAndTheSpeed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*clock.Clock)
		want   time.Time // ten seconds of machine time after the change
		frozen bool
	}{
		{"frozen", func(*clock.Clock) {}, start, true},
		{"frozen elsewhere", func(c *clock.Clock) { c.Freeze(start.AddDate(-1, 0, 0)) }, start.AddDate(-1, 0, 0), true},
		{"frozen in another zone", func(c *clock.Clock) { c.Freeze(start.In(time.FixedZone("", 3600))) }, start, true},
		{"advanced", func(c *clock.Clock) { c.Advance(time.Hour) }, start.Add(time.Hour), true},
		{"advanced by nothing", func(c *clock.Clock) { c.Advance(0) }, start, true},
		{"advanced backwards", func(c *clock.Clock) { c.Advance(-time.Hour) }, start, true},
		{"runs", func(c *clock.Clock) { c.Run(1) }, start.Add(10 * time.Second), false},
		{"runs faster", func(c *clock.Clock) { c.Run(60) }, start.Add(10 * time.Minute), false},
		{"runs and is advanced", func(c *clock.Clock) { c.Run(60); c.Advance(time.Hour) }, start.Add(70 * time.Minute), false},
		{"stops", func(c *clock.Clock) { c.Run(1); c.Run(0) }, start, true},
		{"a negative speed", func(c *clock.Clock) { c.Run(-1) }, start, true},
		{"no speed", func(c *clock.Clock) { c.Run(math.NaN()) }, start, true},
		{"an endless speed", func(c *clock.Clock) { c.Run(math.Inf(1)) }, start, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := clock.New(nil)
				if c.Moved() || c.Frozen() || !c.Now().Equal(time.Now()) {
					t.Fatal("a new clock does not show the machine's time")
				}
				c.Freeze(start)
				tt.change(c)
				<-time.After(10 * time.Second) // of the bubble
				if got := c.Now(); !got.Equal(tt.want) || got.Location() != time.UTC {
					t.Errorf("shows %s, want %s", got, tt.want)
				}
				if c.Frozen() != tt.frozen || !c.Moved() {
					t.Errorf("frozen %v, moved %v", c.Frozen(), c.Moved())
				}
			})
		})
	}
}

func TestASleepEndsByTheClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(*clock.Clock)
		during  func(c *clock.Clock, stop func(), cancel func()) // one machine second later
		took    time.Duration
		want    bool
	}{
		{"machine time", func(*clock.Clock) {}, nil, time.Minute, true},
		{"sixty times as fast", func(c *clock.Clock) { c.Run(60) }, nil, time.Second, true},
		{"frozen, then advanced", func(c *clock.Clock) { c.Freeze(start) }, func(c *clock.Clock, _, _ func()) { c.Advance(time.Hour) }, time.Second, true},
		{"frozen, advanced a little, then run", func(c *clock.Clock) { c.Freeze(start) }, func(c *clock.Clock, _, _ func()) { c.Advance(30 * time.Second); c.Run(1) }, 31 * time.Second, true},
		{"stopped", func(c *clock.Clock) { c.Freeze(start) }, func(_ *clock.Clock, stop, _ func()) { stop() }, time.Second, false},
		{"cancelled", func(*clock.Clock) {}, func(_ *clock.Clock, _, cancel func()) { cancel() }, time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := clock.New(nil)
				tt.prepare(c)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := make(chan struct{})
				if tt.during != nil {
					go func() {
						<-time.After(time.Second)
						tt.during(c, func() { close(stop) }, cancel)
					}()
				}
				before := time.Now()
				got := c.Sleep(ctx, stop, time.Minute)
				if took := time.Since(before); got != tt.want || took != tt.took {
					t.Errorf("%v after %s, want %v after %s", got, took, tt.want, tt.took)
				}
			})
		})
	}
}

func TestARestoredClockGoesOnAsItWas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		set  func(*clock.Clock)
		want clock.State
	}{
		{"machine time", func(*clock.Clock) {}, clock.State{}},
		{"frozen", func(c *clock.Clock) { c.Freeze(start) }, clock.State{FrozenAt: start}},
		{"ahead", func(c *clock.Clock) { c.Advance(time.Hour) }, clock.State{Offset: time.Hour}},
		{"behind and fast", func(c *clock.Clock) { c.Freeze(time.Now().Add(-time.Hour)); c.Run(60) }, clock.State{Offset: -time.Hour, Scale: 60}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, other := clock.New(nil), clock.New(nil)
				tt.set(c)
				got := c.State()
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("state (-want +got):\n%s", d)
				}
				if err := got.Valid(); err != nil {
					t.Error(err)
				}
				other.Restore(got)
				<-time.After(time.Minute) // of the bubble
				if !c.Now().Equal(other.Now()) || c.Frozen() != other.Frozen() || c.Moved() != other.Moved() {
					t.Errorf("%s, then restored %s", c.Now(), other.Now())
				}
			})
		})
	}
}

func TestAStateThatNoClockHasIsRefused(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]clock.State{
		"frozen with an offset": {FrozenAt: start, Offset: time.Second},
		"frozen with a speed":   {FrozenAt: start, Scale: 1},
		"frozen before 1970":    {FrozenAt: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)},
		"frozen after 2200":     {FrozenAt: time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC)},
		"too far ahead":         {Offset: clock.MaxOffset + 1},
		"too far behind":        {Offset: -clock.MaxOffset - 1},
		"backwards":             {Scale: -1},
		"no speed":              {Scale: math.NaN()},
		"more than a million":   {Scale: 1e6 + 1},
		"an endless speed":      {Scale: math.Inf(1)},
	} {
		if s.Valid() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestEveryChangeIsReported(t *testing.T) {
	t.Parallel()
	n := 0
	c := clock.New(func() { n++ })
	c.Freeze(start)
	c.Advance(time.Second)
	c.Advance(0) // no change
	c.Run(2)
	c.Restore(clock.State{})
	if n != 4 {
		t.Errorf("%d changes were reported, want 4", n)
	}
}
