package keyfit

import (
	"testing"
	"testing/synctest"
	"time"
)

// What was never sent costs no room: as soon as that is known, another may go.
func TestGateGivesBackWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	unsent := Outcome{Remaining: -1, Unsent: true}
	for _, tt := range []struct {
		name  string
		limit Limit
		out   time.Duration // how long until it is known
	}{
		{"at once", Limit{3, time.Minute}, 0},
		{"when it counts as arrived already", Limit{3, time.Minute}, 30 * sec},
		{"limit unknown", Limit{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewGate(tt.limit)
				mustEnter(t, g)(ok())
				var leaves []func(Outcome)
				for range 2 {
					leaves = append(leaves, mustEnter(t, g))
				}
				time.Sleep(tt.out)
				for _, leave := range leaves {
					leave(unsent)
					leave(refusedFor(time.Hour)) // a second time is harmless
				}
				start := time.Now()
				for range 2 {
					mustEnter(t, g)(ok())
				}
				for range 100 { // never sent: the window stays as it is
					if tt.limit.Requests == 0 {
						mustEnter(t, g)(unsent)
					}
				}
				if d := time.Since(start); d > 0 {
					t.Errorf("those after it waited %v, want not at all", d)
				}
				if tt.limit.Requests == 0 {
					return
				}
				mustEnter(t, g)(ok())
				if d, want := time.Since(start), tt.limit.Per-tt.out; d != want {
					t.Errorf("the fourth that was sent went after %v, want %v", d, want)
				}
			})
		})
	}
}

// A canary that never flew leaves the next one to be it; nobody takes its silence for a yes.
func TestGateSendsAnotherCanaryForOneThatNeverWent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{})
		mustEnter(t, g)(refusedFor(sec))
		mustEnter(t, g)(Outcome{Remaining: -1, Unsent: true})
		leave := mustEnter(t, g)
		gone := make(chan struct{})
		go func() {
			mustEnter(t, g)(ok())
			close(gone)
		}()
		synctest.Wait()
		select {
		case <-gone:
			t.Error("a second one went beside the canary")
		default:
		}
		leave(ok())
		<-gone
	})
}
