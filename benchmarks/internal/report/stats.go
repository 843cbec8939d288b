// Package report formats measurements as tables, verdicts and plots.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Number is a measured value.
type Number interface{ ~int | ~int64 | ~float64 }

// Median returns the median of the values; 0 if there are none.
func Median[T Number](values []T) T {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Percentile returns the p-th percentile by the nearest rank; 0 if there are no values.
func Percentile[T cmp.Ordered](values []T, p int) T {
	if len(values) == 0 {
		var zero T
		return zero
	}
	s := slices.Sorted(slices.Values(values))
	return s[(len(s)*p+99)/100-1]
}

// Rounds formats the median of the rounds and, if they differ, the minimum and the maximum.
func Rounds[T Number](values []T, format func(T) string) string {
	if len(values) == 0 {
		return "–"
	}
	mid := format(Median(values))
	least, most := format(slices.Min(values)), format(slices.Max(values))
	if least == most {
		return mid
	}
	return fmt.Sprintf("%s (%s–%s)", mid, least, most)
}

// Integer formats an integer.
func Integer(n int) string { return strconv.Itoa(n) }

// Seconds formats a duration in seconds.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

// Millis formats a duration in milliseconds.
func Millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms >= 100 {
		return fmt.Sprintf("%.0f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}

// Ratio formats a ratio.
func Ratio(r float64) string { return fmt.Sprintf("%.3f", r) }

// Bar is a target for keyfit in one table, with the violations.
type Bar struct {
	words  string
	misses []string
}

// NewBar returns a bar with a description.
func NewBar(words string) *Bar { return &Bar{words: words} }

// Want records a violation unless ok.
func (b *Bar) Want(ok bool, format string, args ...any) {
	if !ok {
		b.misses = append(b.misses, fmt.Sprintf(format, args...))
	}
}

// Held reports whether there is no violation.
func (b *Bar) Held() bool { return len(b.misses) == 0 }

func (b *Bar) String() string {
	if b.Held() {
		return "Bar for keyfit: " + b.words + ". **Held.**"
	}
	return "Bar for keyfit: " + b.words + ". **Not held:** " + strings.Join(b.misses, "; ") + "."
}
