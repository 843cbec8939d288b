package flagvalue

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// Int adds a flag that takes a whole number from low to high, which are part of the range. The
// default is what to holds.
func Int[T int | int64](f *pflag.FlagSet, to *T, name string, low, high T, usage string) {
	text := ""
	if *to != 0 {
		text = strconv.FormatInt(int64(*to), 10)
	}
	f.Var(&value{text: text, kind: "int", parse: func(text string) error {
		n, err := ParseInt(text, int64(low), int64(high))
		if err == nil {
			*to = T(n)
		}
		return err
	}}, name, usage)
}

// ParseInt reads a whole number from low to high.
func ParseInt(text string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && n >= low && n <= high {
		return n, nil
	}
	want := "a whole number"
	switch {
	case low > math.MinInt32 && high < math.MaxInt32:
		want += fmt.Sprintf(" from %d to %d", low, high)
	case low > math.MinInt32:
		want += fmt.Sprintf(" of at least %d", low)
	}
	if errors.Is(err, strconv.ErrRange) || err == nil && high >= math.MaxInt32 && n > high {
		want += ", and not as large"
	}
	return 0, &cli.ValueError{Value: text, Want: want}
}

// Fraction adds a flag that takes a number from 0 to 1.
func Fraction(f *pflag.FlagSet, to *float64, name, usage string) {
	f.Var(&value{kind: "float", parse: func(text string) error {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x >= 0 && x <= 1) {
			return &cli.ValueError{Value: text, Want: "a number from 0 to 1, such as 0.25"}
		}
		*to = x
		return nil
	}}, name, usage)
}
