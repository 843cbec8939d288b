package mockserver

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// What is not compared letter by letter, as lengths differ too much, has the same distance,
// and what ends early has a distance above the bound.
func TestAPathDistanceNeedsNoLettersOfLengthsThatAreFarApart(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	path := func() []string {
		out := make([]string, rnd.IntN(4))
		for i := range out {
			out[i] = strings.Repeat("ab", 8)[rnd.IntN(2):][:rnd.IntN(14)]
		}
		return out
	}
	for range 2000 {
		a, b := path(), path()
		const all = 1000
		want := editDistance(len(a), len(b), insertedSegment, all, func(i, j int) int { return wordDistance(a[i], b[j], all) })
		for most := range 12 {
			if got := pathDistance(a, b, most); got != want && (got <= most || want <= most) {
				t.Fatalf("%q and %q: %d of at most %d, want %d", a, b, got, most, want)
			}
		}
	}
}
