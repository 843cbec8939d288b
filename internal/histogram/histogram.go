// Package histogram counts durations and returns their quantiles.
//
// A [Histogram] has eight buckets for each doubling, from a microsecond to fifty days, so a
// quantile is right to within 7 % and the whole takes 1.3 KB whatever is counted. A longer
// duration is counted in the last bucket, a negative one in the first; the sum and the
// maximum are exact.
//
// The zero Histogram is empty and ready for use; it allocates its buckets with the first
// duration. It is not safe for concurrent use: whoever shares one guards it.
package histogram

import (
	"math/bits"
	"time"
)

// Histogram counts durations. The zero value is empty.
type Histogram struct {
	buckets    []uint32
	count      uint64
	total, max time.Duration
}

// Summary describes all durations of a histogram.
type Summary struct {
	Count    uint64
	Total    time.Duration
	P50, P99 time.Duration // to within 7 %
	Max      time.Duration
}

const (
	subBits = 3 // two to this power buckets for each doubling
	buckets = 40 << subBits
)

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	if h.buckets == nil {
		h.buckets = make([]uint32, buckets)
	}
	h.buckets[bucket(d)]++
	h.count++
	h.total += d
	h.max = max(h.max, d)
}

// Quantile returns the duration that the given part of all, from 0 to 1, does not exceed.
func (h *Histogram) Quantile(part float64) time.Duration {
	rank, seen := uint64(part*float64(h.count)), uint64(0)
	for i, n := range h.buckets {
		if seen += uint64(n); seen > rank {
			return min(middle(i), h.max)
		}
	}
	return h.max
}

// Summary returns the summary of what has been counted so far.
func (h *Histogram) Summary() Summary {
	return Summary{Count: h.count, Total: h.total, P50: h.Quantile(0.5), P99: h.Quantile(0.99), Max: h.max}
}

// bucket returns the index of the bucket that counts d.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < 1<<subBits {
		return int(us)
	}
	octave := bits.Len64(us) - 1 - subBits
	return min(octave<<subBits+int(us>>octave), buckets-1) //nolint:gosec // us>>octave is below 16
}

// middle returns a duration in the middle of a bucket.
func middle(i int) time.Duration {
	if i < 2<<subBits {
		return time.Duration(i) * time.Microsecond
	}
	octave := i>>subBits - 1
	low := int64(1<<subBits+i&(1<<subBits-1)) << octave // up to 2^42: too long for an int of 32 bits
	return time.Duration(low+1<<octave/2) * time.Microsecond
}
