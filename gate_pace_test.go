package keyfit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A bucket that holds far less than it gets in a second shows its burst at the first
// refusal; the flow behind it is found within a few windows, and kept without many refusals.
func TestGateFindsTheFlowBehindASmallBurst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rate, burst int // per second
		latency     time.Duration
	}{
		{100, 1, 2 * ms},
		{100, 5, 2 * ms},
		{100, 5, 5 * ms},
		{100, 10, 2 * ms},
		{100, 20, 5 * ms},
		{100, 50, 2 * ms},
		{400, 20, 2 * ms},
		{30, 3, 5 * ms},
	} {
		for _, h := range simHints {
			t.Run(fmt.Sprintf("%d per second, %d at once, %v/%s", tt.rate, tt.burst, tt.latency, h.name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newSim(&tokenBucket{n: tt.rate, burst: tt.burst, per: sec}, h.hint, NewGate(Limit{}), 1)
					s.latency = tt.latency
					s.runFor(90*sec, 64)
					found, _ := s.count(0, 20*sec)
					passed, refused := s.count(30*sec, 90*sec)
					t.Logf("%d in the first 20 s, then %.0f%% of the flow, %d refused", found, float64(passed)/60/float64(tt.rate)*100, refused)
					if passed < 60*tt.rate*4/10 {
						t.Errorf("%d passed in a minute, want at least 4 in 10 of %d", passed, 60*tt.rate)
					}
					if refused > passed/50+10 {
						t.Errorf("%d refused in a minute, want at most 1 in 50", refused)
					}
					if s.failed > 0 {
						t.Errorf("%d calls failed", s.failed)
					}
				})
			})
		}
	}
}
