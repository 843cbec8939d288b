package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

// Somebody sets the machine's clock while a request is delayed.
func TestADelaySurvivesStepsOfTheMachinesTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(*Clock)
		step   time.Duration
		during func(*Clock)
		want   time.Duration
	}{
		"back":                        {nil, -time.Hour, nil, 10 * time.Second},
		"forward":                     {nil, time.Hour, nil, 10 * time.Second},
		"back, and it is advanced":    {nil, -time.Hour, func(c *Clock) { c.Advance(4 * time.Second) }, 6 * time.Second},
		"forward, and it is advanced": {nil, time.Hour, func(c *Clock) { c.Advance(4 * time.Second) }, 6 * time.Second},
		"back, and it is set to run":  {nil, -time.Hour, func(c *Clock) { c.Run(3) }, 4 * time.Second},
		"back, running":               {func(c *Clock) { c.Run(2) }, -time.Hour, nil, 5 * time.Second},
		"forward, running":            {func(c *Clock) { c.Advance(time.Hour) }, time.Hour, nil, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var step time.Duration
				c := New(nil)
				c.wall = func() time.Time { return machineTime().Add(step) }
				if tt.before != nil {
					tt.before(c)
				}
				began, over := time.Now(), make(chan time.Duration)
				go func() {
					if !c.Sleep(t.Context(), nil, 10*time.Second) {
						t.Error("the delay was given up")
					}
					over <- time.Since(began)
				}()
				<-time.After(time.Second)
				synctest.Wait()
				step = tt.step
				if tt.during != nil {
					tt.during(c)
				}
				if got := <-over; got != tt.want {
					t.Errorf("took %s, want %s", got, tt.want)
				}
			})
		})
	}
}
