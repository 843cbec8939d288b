package mockserver

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A request that was received a moment before it is decided counts as one that is decided by the
// clock: no window is opened twice, and none is left early.
func TestAdmitCountsAsTakeDoes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, kind := range []LimitKind{Fixed, Sliding} {
		limit := Limit{Requests: 5, Per: time.Second, Kind: kind}
		var one, two limiter
		now, ended := start, 0
		clock := func() time.Time { return now }
		for i := range 3000 {
			received := now
			switch n := rng.IntN(20); n {
			case 0:
				now = now.Add(time.Second) // the window ends while the request waits for its turn
				ended++
			case 1:
				now = now.Add(-time.Hour) // the clock is set back, also for the request
				received = now
			default:
				now = now.Add(time.Duration(n) * 10 * time.Millisecond)
				if received = now; n%2 == 0 {
					received = now.Add(-time.Duration(rng.IntN(5)) * time.Microsecond)
				}
			}
			if kind == Fixed && one.count > 0 && one.count < limit.Requests && received.UnixNano()-one.start < int64(time.Second) && received.UnixNano() >= one.start {
				before := one.count
				if q := one.admit(&limit, received, clock); q.retryAfter != 0 || one.count != before+1 {
					t.Fatalf("round %d: a request inside its window: %+v, count %d after %d", i, q, one.count, before)
				}
				two = limiter{limit: one.limit, start: one.start, count: one.count}
				continue
			}
			if d := cmp.Diff(two.take(limit, clock, false), one.admit(&limit, received, clock), cmp.AllowUnexported(quota{})); d != "" {
				t.Fatalf("round %d (-take +admit):\n%s", i, d)
			}
		}
		if ended == 0 {
			t.Error("no window ended meanwhile")
		}
	}
}
