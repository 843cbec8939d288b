package keyfit

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The quantiles of a histogram are those of the values themselves, to within 7 %.
func TestHistogramKnowsTheQuantiles(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []time.Duration{10 * time.Microsecond, ms, sec, time.Hour, 10 * 24 * time.Hour} {
		var h histogram
		var all []time.Duration
		for range 1000 {
			d := time.Duration(r.Int64N(int64(longest)))
			h.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		for _, part := range []float64{0, 0.5, 0.99, 1} {
			want := all[min(int(part*1000), 999)]
			got := h.quantile(part)
			if off := (got - want).Abs(); off > want*7/100+time.Microsecond {
				t.Errorf("up to %v: quantile %v is %v, want %v", longest, part, got, want)
			}
		}
		if w := h.waits(); w.Count != 1000 || w.Max != all[999] {
			t.Errorf("up to %v: %+v, want 1000 and at most %v", longest, w, all[999])
		}
	}
	var h histogram
	h.add(-time.Second)
	h.add(400 * 24 * time.Hour)
	if w := h.waits(); w.Count != 2 || w.Max != 400*24*time.Hour {
		t.Errorf("out of range: %+v, want both counted", w)
	}
}
