// Package backoff computes how long to wait before trying again.
//
// Two rules, for two kinds of callers. One that counts its attempts takes [Exponential], one
// that keeps its last delay takes [Next]; both double from a first delay up to a longest.
//
// Both results are exact, and an exact delay brings everybody who failed together back
// together. [Jitter] spreads it: over the whole delay ("full jitter") where the load on the
// server matters most, over half of it ("equal jitter") where the delay must not come out
// as nearly nothing, over less where it is a promise to somebody else.
//
// The functions keep no state and are safe for concurrent use. Their randomness needs no
// secrecy.
package backoff

import (
	"math/rand/v2"
	"time"
)

// How much of a delay [Jitter] may take off.
const (
	Full  = 1.0
	Equal = 0.5
)

// Exponential returns first, doubled n times, but at most longest.
func Exponential(first, longest time.Duration, n int) time.Duration {
	if n > 62 || first > longest>>max(n, 0) {
		return longest
	}
	return first << max(n, 0)
}

// Next returns the delay after last: its double, at least first and at most longest. After
// no delay, which is 0, it is first.
func Next(last, first, longest time.Duration) time.Duration {
	if last > longest/2 {
		return longest
	}
	return min(max(2*last, first), longest)
}

// Jitter returns a random duration above (1-part)·d and up to d itself. It never makes a
// positive delay 0, and leaves one that is not positive as it is.
func Jitter(d time.Duration, part float64) time.Duration {
	most := d
	if part < 1 {
		most = time.Duration(part * float64(d))
	}
	if most <= 0 {
		return d
	}
	return d - rand.N(most) //nolint:gosec // jitter needs no secrecy
}
