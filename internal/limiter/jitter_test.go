package limiter

import (
	"math/rand/v2"
	"testing"
	"time"
)

// roughWire is one way of a wire that is mostly fast (0.1 to 2.5 ms), and stalls for 10 to
// 20 ms in one of a hundred times, as on a machine that others use as well.
func roughWire(r *rand.Rand) time.Duration {
	if r.IntN(100) == 0 {
		return 10*ms + time.Duration(r.Int64N(int64(10*ms)))
	}
	return ms/10 + time.Duration(r.Int64N(int64(24*ms/10)))
}

// A bucket saves up what comes late, so over a jittery way a few above the limit pass. The limiter
// does not take that for a higher limit again and again. Asserted is the mean of many runs:
// what a single one costs is left to the wire.
func TestLimiterIsNotMisledByABucketOverAJitteryWay(t *testing.T) {
	t.Parallel()
	const runs = 20
	var all, later int
	for seed := range uint64(runs) {
		s := newSim(&tokenBucket{n: 100, burst: 100, per: sec}, hintCeil, Limit{}, seed)
		s.way = roughWire
		s.run(1000, 64)
		all, later = all+s.refused(), later+s.refusedLater()
		if s.failed > 0 {
			t.Errorf("seed %d: %d failed", seed, s.failed)
		}
	}
	t.Logf("%.1f refused in the mean, %.1f after the first collision", float64(all)/runs, float64(later)/runs)
	if all > 34*runs || later > 17*runs {
		t.Errorf("refused in %d runs: %d, after the first collision %d, want at most 34 and 17 in each", runs, all, later)
	}
}
