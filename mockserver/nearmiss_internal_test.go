package mockserver

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// What is not compared letter by letter, as lengths differ too much, has the same distance.
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
		want := editDistance(len(a), len(b), insertedSegment, func(i, j int) int { return wordDistance(a[i], b[j]) })
		if got := pathDistance(a, b); got != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	}
}
