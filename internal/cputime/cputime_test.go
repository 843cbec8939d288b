package cputime_test

import (
	"crypto/sha256"
	"testing"

	"github.com/keyfit/keyfit/internal/cputime"
)

func TestTheTimeOfWorkGrowsWithTheWork(t *testing.T) {
	t.Parallel()
	work := func(n int) func() {
		return func() {
			var sum [32]byte
			for range n {
				sum = sha256.Sum256(sum[:])
			}
		}
	}
	few, many := cputime.Of(work(1_000)), cputime.Of(work(100_000))
	if few < 0 || many <= few {
		t.Errorf("a hundred times the work takes %s, the work %s", many, few)
	}
}
