package histogram_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/histogram"
)

// The quantiles of a histogram are those of the values themselves, to within 7 %.
func TestQuantilesAreThoseOfTheValues(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []time.Duration{10 * time.Microsecond, time.Millisecond, time.Second, time.Hour, 10 * 24 * time.Hour} {
		var h histogram.Histogram
		var all []time.Duration
		for range 1000 {
			d := time.Duration(r.Int64N(int64(longest)))
			h.Add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		for _, part := range []float64{0, 0.5, 0.99, 1} {
			want := all[min(int(part*1000), 999)]
			got := h.Quantile(part)
			if off := (got - want).Abs(); off > want*7/100+time.Microsecond {
				t.Errorf("up to %v: quantile %v is %v, want %v", longest, part, got, want)
			}
		}
		if w := h.Summary(); w.Count != 1000 || w.Max != all[999] {
			t.Errorf("up to %v: %+v, want 1000 and at most %v", longest, w, all[999])
		}
	}
}

func TestDurationsOutOfRangeAreCounted(t *testing.T) {
	t.Parallel()
	var h histogram.Histogram
	h.Add(-time.Second)
	h.Add(400 * 24 * time.Hour)
	want := histogram.Summary{
		Count: 2, Total: 400*24*time.Hour - time.Second, Max: 400 * 24 * time.Hour,
		P50: 31 << 37 * time.Microsecond, P99: 31 << 37 * time.Microsecond, // the middle of the last bucket
	}
	if diff := cmp.Diff(want, h.Summary()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestAnEmptyHistogramIsZero(t *testing.T) {
	t.Parallel()
	var h histogram.Histogram
	if diff := cmp.Diff(histogram.Summary{}, h.Summary()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
