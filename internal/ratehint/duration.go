package ratehint

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// This file reads one value: a number, an epoch, a date.

const numeric = "0123456789+-.eE"

// duration reads a number of units, an epoch in seconds or milliseconds, a duration with its
// units, one of the three dates of HTTP, or one of RFC 3339.
func (p *parser) duration(s string, unit time.Duration) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, errEmpty
	}
	if v, err := number(s); err == nil {
		return p.scale(v, unit)
	}
	if d, err := withUnits(s); err == nil {
		return d, within(d)
	}
	t, err := http.ParseTime(s)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, s); err != nil {
			return 0, errForm
		}
	}
	return p.until(t)
}

// withUnits reads a duration such as "30s", "1.5s" or "6m0s", as google.protobuf.Duration and
// some vendors write it.
func withUnits(s string) (time.Duration, error) {
	if len(s) > maxQuote {
		return 0, errForm
	}
	return time.ParseDuration(s)
}

// within is the error of a duration that is not believed.
func within(d time.Duration) error {
	switch {
	case d < 0:
		return errNegative
	case d > Max:
		return errLong
	}
	return nil
}

// number reads a decimal number; strconv alone would take hexadecimal, NaN and Inf as well.
func number(s string) (float64, error) {
	if strings.Trim(s, numeric) != "" {
		return 0, errNumber
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range: infinite
		return 0, errNumber
	}
	return v, nil
}

// Numbers from these on are not durations but times: 31 years, in seconds or milliseconds.
const (
	epochSeconds = 1e9
	epochMillis  = 1e12
)

// scale turns a number into a wait; it compares before it converts, so nothing overflows.
func (p *parser) scale(v float64, unit time.Duration) (time.Duration, error) {
	switch {
	case math.IsNaN(v) || v < 0:
		return 0, errNegative
	case v >= epochMillis:
		return p.epoch(v / 1000)
	case unit == time.Second && v >= epochSeconds, p.isNear(v):
		return p.epoch(v)
	}
	ns := math.Round(v * float64(unit))
	if ns > float64(Max) {
		return 0, errLong
	}
	return time.Duration(ns), nil
}

// isNear reports whether v seconds after 1970 is within a year of now. That is so where the
// clock is one of a test, which begins in the year 2000, before epochSeconds.
func (p *parser) isNear(v float64) bool {
	const year = 366 * 24 * 3600
	return v > year && math.Abs(v-float64(p.now.Unix())) < year
}

// epoch returns the wait until v seconds after 1970.
func (p *parser) epoch(v float64) (time.Duration, error) {
	if v > 1e11 { // the year 5138
		return 0, errLong
	}
	s, frac := math.Modf(v)
	return p.until(time.Unix(int64(s), int64(frac*1e9)))
}

// until returns the wait until t by the server's clock, which is the Date of the response and
// need not agree with ours. If that gives no plausible wait, our clock counts.
func (p *parser) until(t time.Time) (time.Duration, error) {
	if date, err := http.ParseTime(p.line("Date")); err == nil {
		if d := t.Sub(date); d <= Max {
			return max(d, 0), nil
		}
	}
	if d := t.Sub(p.now); d <= Max {
		return max(d, 0), nil
	}
	return 0, errLong
}

// count reads a number of requests; ok is false if there is none or it is not believed.
func (p *parser) count(source, s string) (n int, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false
	}
	v, err := number(s)
	switch {
	case err != nil:
		p.drop(source, s, err)
		return 0, false
	case v < 0:
		p.drop(source, s, errNegative)
		return 0, false
	}
	return int(min(v, 1<<30)), true
}

// seconds reads a number of seconds, an epoch or a date; 0 if there is none or it is not
// believed.
func (p *parser) seconds(source, s string) time.Duration { return p.time(source, s, time.Second) }

// time is seconds for numbers of another unit.
func (p *parser) time(source, s string, unit time.Duration) time.Duration {
	if strings.TrimSpace(s) == "" {
		return 0
	}
	d, err := p.duration(s, unit)
	if err != nil {
		p.drop(source, s, err)
		return 0
	}
	return d
}
