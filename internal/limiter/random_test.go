package limiter

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// replay runs one seed of the random worlds and tells what it is:
//
//	go test ./internal/limiter -run RandomWorlds -v -replay 17
var replay = flag.Uint64("replay", 0, "the seed of a random world to run alone")

// TestRandomWorlds draws servers, hints, ways, work and deadlines, and compares what the
// limiter serves with an oracle that knows the server. Its bars are on the distribution: a
// single world may be hard.
func TestRandomWorlds(t *testing.T) {
	t.Parallel()
	worlds := uint64(150)
	if os.Getenv("KEYFIT_LONG") == "1" {
		worlds = 3000
	}
	first := uint64(1)
	if *replay > 0 {
		first, worlds = *replay, 1
	}
	type result struct {
		seed    uint64
		percent float64
		what    string
	}
	var all []result
	var good, refused, sent, late, certainUnsent int
	for seed := first; seed < first+worlds; seed++ {
		wo, what := randomWorld(seed)
		ac := wo.play()
		good, refused, sent, late = good+ac.good, refused+ac.refused, sent+ac.sent, late+ac.late
		if _, ok := wo.server.(*slidingWindow); ok && wo.published.Requests > 0 && wo.stray == nil {
			certainUnsent += ac.unsent
			if ac.refused > ac.good/300+1 {
				t.Errorf("seed %d: a published limit that is right was refused %d times: %s", seed, ac.refused, what)
			}
		}
		all = append(all, result{seed, ac.percent(), fmt.Sprintf("%d of %d, %d refused: %s", ac.good, ac.best, ac.refused, what)})
	}
	slices.SortFunc(all, func(a, b result) int { return int(100*a.percent) - int(100*b.percent) })
	if *replay > 0 {
		t.Log(all[0].what)
		return
	}
	p25, p10 := all[len(all)/4].percent, all[len(all)/10].percent
	t.Logf("p25 %.1f %%, p10 %.1f %%, worst %.1f %%; %.4f refusals per good call; %d of %d sent too late; %d never sent under a certain limit",
		p25, p10, all[0].percent, float64(refused)/float64(good), late, sent, certainUnsent)
	for _, r := range all[:5] {
		t.Logf("seed %d: %.0f %%, %s", r.seed, r.percent, r.what)
	}
	if p25 < 97 || p10 < 85 {
		t.Errorf("p25 %.1f %%, p10 %.1f %%, want at least 97 and 85", p25, p10)
	}
	if most := good / 8; refused > most {
		t.Errorf("%d refused for %d good calls, want at most %d", refused, good, most)
	}
	if certainUnsent > 0 && worlds <= 150 {
		t.Errorf("%d calls waited in vain for a limit that is certain, want none", certainUnsent)
	}
	if late > sent/200 {
		t.Errorf("%d of %d were sent too late, want at most one in 200", late, sent)
	}
}

// randomWorld draws a world and describes it.
func randomWorld(seed uint64) (wo world, what string) {
	r := rand.New(rand.NewPCG(seed, 7))
	between := func(a, b float64) float64 { return a + (b-a)*r.Float64() }
	per := []time.Duration{sec, 10 * sec, time.Minute}[r.IntN(3)]
	n := int(between(3, 100))
	limit := Limit{n, per}
	kind := r.IntN(5)
	wo = world{seed: seed, published: limit, latency: time.Duration(between(1, 20)) * ms, deadline: time.Duration(between(1, 30)) * sec}
	if r.IntN(4) == 0 {
		wo.latency = time.Duration(between(20, 300)) * ms
	}
	switch kind {
	case 0:
		wo.server = &fixedWindow{n: n, per: per, offset: time.Duration(r.Int64N(int64(per)))}
	case 1, 2:
		wo.server = &slidingWindow{n: n, per: per}
	case 3:
		wo.server = &tokenBucket{n: n, burst: 1 + r.IntN(n), per: per}
	case 4:
		wo.server = &both{&slidingWindow{n: n, per: per}, &slidingWindow{n: max(1, n/4), per: per / 10}}
	}
	hint := r.IntN(5)
	wo.hint = []simHint{nil, hintExact, hintCeil, hintDate, hintOne}[hint]
	if told := r.IntN(2) == 0; !told {
		wo.published = Limit{}
	}
	if r.IntN(5) == 0 {
		strays := rand.New(rand.NewPCG(seed, 8))
		rate := between(0.001, 0.02)
		wo.stray = func(int) (time.Duration, bool) { return sec, strays.Float64() < rate }
	}
	pace := float64(per) / float64(n)
	load, calls := between(0.5, 1.6), min(3*n+30, 400)
	switch r.IntN(3) {
	case 0:
		wo.arrivals = steady(calls, time.Duration(pace/load))
	case 1:
		size := 1 + r.IntN(n)
		wo.arrivals = bursts(size, 1+calls/size, time.Duration(float64(size)*pace/load))
	case 2:
		wo.arrivals = bursts(calls, 1, 0)
	}
	return wo, fmt.Sprintf("%T %+v, told %v, hint %d, %d calls, deadline %v, latency %v, strays %v",
		wo.server, limit, wo.published.Requests > 0, hint, len(wo.arrivals), wo.deadline, wo.latency, wo.stray != nil)
}
