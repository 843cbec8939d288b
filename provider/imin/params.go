package imin

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// Radial is a circle on the earth: a centre in degrees and a radius in kilometres. A radius
// of 0 selects the exact point, as in the links from places to their events.
type Radial struct{ Lat, Lon, Km float64 }

// TimeRange is a range of time, both ends included. A zero end is open. Times are sent in
// UTC, as imin requires.
type TimeRange struct{ From, To time.Time }

// IsZero reports whether both ends are open.
func (r TimeRange) IsZero() bool { return r.From.IsZero() && r.To.IsZero() }

// TimeOfDay is a time of day, "HH:MM", in the time zone of imin's records. "" means none.
type TimeOfDay string

// TimeOfDayRange is a range of times of day, both ends included. An end of "" is open.
type TimeOfDayRange struct{ From, To TimeOfDay }

// AgeSpan is a range of ages in years, both ends included. A nil Max is open.
type AgeSpan struct {
	Min int
	Max *int
}

// PriceRange is a filter on a price. A field of "" does not filter.
type PriceRange struct {
	Exactly Decimal
	AtLeast Decimal // not documented; occurs in a public client
	AtMost  Decimal
}

// params collects the parameters of a query and the first error.
type params struct {
	of     string // the type of the query, for errors
	values url.Values
	err    error
}

func newParams(of string) *params { return &params{of: of, values: url.Values{}} }

// fail records the first error. Errors never quote values, which may be personal.
func (p *params) fail(field, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("imin: %s.%s %s", p.of, field, fmt.Sprintf(format, args...))
	}
}

// text adds a string unless it is empty.
func (p *params) text(name, value string) {
	if value != "" {
		p.values.Set(name, value)
	}
}

// oneOf adds a string filter that may be repeated, which means "is one of".
func (p *params) oneOf(field, name string, values []string) {
	if slices.Contains(values, "") {
		p.fail(field, "contains an empty string")
	}
	if len(values) > 0 {
		p.values[name] = slices.Clone(values)
	}
}

func (p *params) boolean(name string, value *bool) {
	if value != nil {
		p.values.Set(name, strconv.FormatBool(*value))
	}
}

func (p *params) window(limit, page int) {
	p.count("Limit", "limit", limit, maxLimit)
	p.count("Page", "page", page, maxPage)
}

func (p *params) count(field, name string, n, most int) {
	switch {
	case n < 0 || n > most:
		p.fail(field, "is %d: imin takes 1 to %d", n, most)
	case n > 0:
		p.values.Set(name, strconv.Itoa(n))
	}
}

func (p *params) age(field, name string, years *int) {
	switch {
	case years == nil:
	case *years < 0:
		p.fail(field, "is negative")
	default:
		p.values.Set(name, strconv.Itoa(*years))
	}
}

func (p *params) ages(field, name string, span *AgeSpan) {
	switch {
	case span == nil:
	case span.Min < 0:
		p.fail(field, "has a negative age")
	case span.Max == nil:
		p.values.Set(name, strconv.Itoa(span.Min))
	case *span.Max < span.Min:
		p.fail(field, "has a Max below its Min")
	default:
		p.values.Set(name, strconv.Itoa(span.Min)+","+strconv.Itoa(*span.Max))
	}
}

func (p *params) price(field, name string, value Decimal) {
	if _, err := wire.EncodeDecimal(string(value)); err != nil {
		p.fail(field, "is not a decimal number")
	}
	p.text(name, string(value))
}

// near adds geo[radial] unless r is nil.
func (p *params) near(r *Radial) {
	if r == nil {
		return
	}
	for _, c := range [...]struct {
		name             string
		value, low, high float64
	}{{"Lat", r.Lat, -90, 90}, {"Lon", r.Lon, -180, 180}, {"Km", r.Km, 0, math.MaxFloat64}} {
		if !(c.value >= c.low && c.value <= c.high) { // also true for NaN
			p.fail("Near", "has a %s that is out of range", c.name)
		}
	}
	p.values.Set("geo[radial]", degrees(r.Lat)+","+degrees(r.Lon)+","+degrees(r.Km))
}

func degrees(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (p *params) times(field, name string, r TimeRange) {
	if !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From) {
		p.fail(field, "ends before it begins")
	}
	if !r.From.IsZero() {
		p.values.Set(name+"[gte]", r.From.UTC().Format(time.RFC3339Nano))
	}
	if !r.To.IsZero() {
		p.values.Set(name+"[lte]", r.To.UTC().Format(time.RFC3339Nano))
	}
}

func (p *params) timesOfDay(field, name string, r TimeOfDayRange) {
	for op, t := range map[string]TimeOfDay{"[gte]": r.From, "[lte]": r.To} {
		if t == "" {
			continue
		}
		if _, err := time.Parse("15:04", string(t)); err != nil || len(t) != len("15:04") {
			p.fail(field, "has a time that is not HH:MM")
		}
		p.values.Set(name+op, string(t))
	}
}

func (p *params) days(field, name string, days []time.Weekday) {
	for _, d := range days {
		if d < time.Sunday || d > time.Saturday {
			p.fail(field, "contains an invalid day")
			return
		}
		p.values.Add(name, "schema:"+d.String())
	}
}
