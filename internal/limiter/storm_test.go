package limiter

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// processor is what the callers and the server of one machine share: their steps come one
// after the other, so a request takes longer in a crowd, and now and then another program is
// in the way.
type processor struct {
	sim   *sim
	work  time.Duration // for one step of a request, in the mean
	stall float64       // how often another program is in the way
	free  time.Duration // when all is done that was asked for
}

// takes returns how long a step takes that is asked for now.
func (p *processor) takes(r *rand.Rand) time.Duration {
	p.free = max(p.free, p.sim.now) + time.Duration(float64(p.work)*min(8, r.ExpFloat64()))
	if r.Float64() < p.stall {
		p.free += time.Duration(r.Int64N(int64(12 * ms)))
	}
	return p.free - p.sim.now
}

// storm is a limit that is stormed by callers of one machine for ten windows.
type storm struct {
	server  func(n int, per time.Duration) simServer
	per     time.Duration
	hint    simHint
	most    int // limits are drawn from 50 to this
	n       int
	callers int
}

// play draws the limit, the callers and the machine's speed from the seed.
func (st *storm) play(seed uint64) *sim {
	r := rand.New(rand.NewPCG(seed, 7))
	st.n, st.callers = 50+r.IntN(st.most-49), 32+r.IntN(200)
	s := newSim(st.server(st.n, st.per), st.hint, Limit{}, seed)
	p := &processor{sim: s, work: 20*time.Microsecond + time.Duration(r.Int64N(int64(80*time.Microsecond))), stall: 0.004 * r.Float64()}
	s.way = p.takes
	s.run(10*st.n, st.callers)
	return s
}

// The first collision of a storm refuses what is in flight. What is learned from it holds from
// then on: no doubt raises it while the server's window is new, so no flight runs into it.
func TestLimiterHoldsAStormOnABusyMachine(t *testing.T) {
	t.Parallel()
	fixed := func(n int, per time.Duration) simServer { return &fixedWindow{n: n, per: per} }
	bucket := func(n int, per time.Duration) simServer { return &tokenBucket{n: n, burst: n, per: per} }
	seeds := uint64(2)
	if os.Getenv("KEYFIT_LONG") != "" {
		seeds = 100
	}
	for _, tt := range []struct {
		name  string
		storm storm
		later int // refused after the first collision, at most
		over  int // arrivals beyond the limit within 50 ms, at most: one in so many
		miss  int // of a hundred seeds, so many may miss these bars
	}{
		{"fixed, 1 s, hint of whole seconds", storm{server: fixed, per: sec, hint: hintCeil, most: 500}, 8, 50, 0},
		{"fixed, 1 s, hint of 1", storm{server: fixed, per: sec, hint: hintOne, most: 500}, 8, 50, 0},
		{"fixed, 1 s, date", storm{server: fixed, per: sec, hint: hintDate, most: 500}, 8, 50, 0},
		{"fixed, 1 s, exact hint", storm{server: fixed, per: sec, hint: hintExact, most: 100}, 8, 50, 30},
		{"fixed, 5 s, taken for 10 s", storm{server: fixed, per: 5 * sec, hint: hintCeil, most: 500}, 8, 50, 0},
		{"fixed, 10 s", storm{server: fixed, per: 10 * sec, hint: hintCeil, most: 500}, 8, 50, 0},
		{"bucket, 1 s", storm{server: bucket, per: sec, hint: hintCeil, most: 100}, 10, 20, 0},
	} {
		missed := 0
		for seed := range seeds {
			st := tt.storm
			s := st.play(seed)
			all, later, burst := s.refused(), s.refusedLater(), s.burst(50*ms)
			if most := max(40, 10+st.n/5); all > most || later > tt.later || burst > st.n+1+st.n/tt.over {
				missed++
				t.Logf("%s, seed %d: %d refused, %d after the first collision, %d arrivals within 50 ms, want at most %d, %d, %d (%d callers, %d in a window)",
					tt.name, seed, all, later, burst, most, tt.later, st.n+1+st.n/tt.over, st.callers, st.n)
			}
			if x := float64(s.last()) / float64(9*st.per); s.failed > 0 || x > 1.1 {
				t.Errorf("%s, seed %d: %.3f times the ideal and %d failed, want at most 1.1 and none", tt.name, seed, x, s.failed)
			}
		}
		if most := tt.miss * int(seeds) / 100; missed > most {
			t.Errorf("%s: %d of %d seeds missed the bars, want at most %d", tt.name, missed, seeds, most)
		}
	}
}
