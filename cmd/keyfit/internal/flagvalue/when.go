package flagvalue

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

const wantDuration = "a duration with its unit, such as 500ms, 90s, 24h or 7d"

// Duration adds a flag that takes a duration of at least low and, unless high is 0, at most
// high. The default is what to holds.
func Duration(f *pflag.FlagSet, to *time.Duration, name string, low, high time.Duration, usage string) {
	text := ""
	if *to != 0 {
		text = short(*to)
	}
	f.Var(&value{text: text, kind: "duration", parse: func(text string) error {
		d, err := ParseDuration(text, low, high)
		if err == nil {
			*to = d
		}
		return err
	}}, name, usage)
}

// ParseDuration reads a duration of at least low and, unless high is 0, at most high. A low of
// a nanosecond means more than 0.
func ParseDuration(text string, low, high time.Duration) (time.Duration, error) {
	d, err := mockserver.ParseDuration(text)
	wrong := &cli.ValueError{Value: text, Want: wantDuration}
	switch {
	case err != nil:
		return 0, wrong
	case d.Std() < low && low == 1:
		wrong.Want = "a duration of more than 0s, such as 500ms, 90s, 24h or 7d"
		return 0, wrong
	case d.Std() < low:
		wrong.Want = "a duration of at least " + short(low)
		return 0, wrong
	case high > 0 && d.Std() > high:
		wrong.Want = "a duration of at most " + short(high)
		return 0, wrong
	}
	return d.Std(), nil
}

// short is a duration as a person writes it.
func short(d time.Duration) string {
	text := d.String()
	if len(text) > 2 && strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Time adds a flag that takes a time or a date.
func Time(f *pflag.FlagSet, to *time.Time, name, usage string) {
	f.Var(&value{kind: "time", parse: func(text string) (err error) {
		at, err := ParseTime(text)
		if err == nil {
			*to = at
		}
		return err
	}}, name, usage)
}

// ParseTime reads a time of RFC 3339, a time as the commands print it, or a date, which is the
// begin of that day in UTC.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range [...]string{time.RFC3339, time.DateOnly, "2006-01-02 15:04:05Z07:00"} {
		at, err := time.Parse(layout, strings.TrimSpace(text))
		if err == nil && at.Year() >= 1970 && at.Year() < 2150 { // the range of the mock's clock
			return at, nil
		}
		if err == nil {
			return time.Time{}, &cli.ValueError{Value: text, Want: "a time from 1970 to 2149"}
		}
	}
	return time.Time{}, &cli.ValueError{Value: text, Want: "a time with its zone, such as 2027-01-31T00:00:00Z, or a date, such as 2027-01-31"}
}
