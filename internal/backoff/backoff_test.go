package backoff_test

import (
	"math"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
)

const longestOfAll = time.Duration(math.MaxInt64)

func TestDelaysDoubleUpToTheLongest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		first, longest time.Duration
		n              int
		want           time.Duration
	}{
		{"the first", time.Second, 8 * time.Second, 0, time.Second},
		{"the second", time.Second, 8 * time.Second, 1, 2 * time.Second},
		{"the longest", time.Second, 8 * time.Second, 3, 8 * time.Second},
		{"no longer than that", time.Second, 8 * time.Second, 4, 8 * time.Second},
		{"not a power of two", time.Second, 5 * time.Second, 3, 5 * time.Second},
		{"the first is too long", time.Minute, time.Second, 0, time.Second},
		{"beyond what a duration holds", time.Hour, longestOfAll, 40, longestOfAll},
		{"far beyond", 1, longestOfAll, 1000, longestOfAll},
		{"before the first", time.Second, 8 * time.Second, -1, time.Second},
	} {
		if got := backoff.Exponential(tt.first, tt.longest, tt.n); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if tt.n < 0 || tt.n > 100 {
			continue
		}
		got := backoff.Next(0, tt.first, tt.longest)
		for range tt.n {
			got = backoff.Next(got, tt.first, tt.longest)
		}
		if got != tt.want {
			t.Errorf("%s, step by step: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestJitterTakesNoMoreThanItsPart(t *testing.T) {
	t.Parallel()
	for _, part := range []float64{0, 0.125, backoff.Equal, backoff.Full, 2} {
		for _, d := range []time.Duration{-time.Second, 0, 1, 2, time.Millisecond, time.Hour, longestOfAll} {
			low, high := d, time.Duration(0)
			for range 200 {
				got := backoff.Jitter(d, part)
				low, high = min(low, got), max(high, got)
			}
			if d <= 0 {
				if low != d {
					t.Errorf("part %v of %v: %v, want it unchanged", part, d, low)
				}
				continue
			}
			least := time.Duration(0)
			if part < 1 {
				least = d - time.Duration(part*float64(d))
			}
			if low < 1 || low < least || high > d {
				t.Errorf("part %v of %v: from %v to %v, want at least %v", part, d, low, high, least)
			}
			if spread := high - low; part > 0 && d >= time.Millisecond && spread < (d-least)/2 {
				t.Errorf("part %v of %v: 200 delays within %v: hardly at random", part, d, spread)
			}
		}
	}
}
