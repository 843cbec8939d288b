package keyfit

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// The values that the typed clients in provider/ share, and that a type of the caller's own may
// have as well. Their errors quote no value.

// Date is a calendar day without a time or time zone. The zero Date means that there is no
// date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the calendar day of t in its time zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// In returns the start of the day in a time zone.
func (d Date) In(zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
}

// String returns the date in ISO 8601 format: 2027-01-31.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Valid reports whether the day exists, in the years 1 to 9999.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

// MarshalJSON encodes the date as a string and the zero Date as null. It returns an error
// for a day that does not exist.
func (d Date) MarshalJSON() ([]byte, error) {
	switch {
	case d.IsZero():
		return []byte("null"), nil
	case !d.Valid():
		return nil, errors.New("not a valid calendar date")
	}
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON decodes a date, or a time at the start of a day. null and "" give the zero
// Date.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("not a date")
	}
	t, err := wire.Time(s, time.UTC)
	if err != nil || !t.Equal(DateOf(t).In(t.Location())) {
		return errors.New("not a date")
	}
	if *d = DateOf(t); t.IsZero() {
		*d = Date{}
	}
	return nil
}

// Decimal is a number that keeps the digits that were sent, such as 6.50, because a price is
// not a float. "" means that there is no number.
type Decimal string

// Float64 returns the number as a float, for distances and sorting; false if there is no
// number or it is out of range.
func (dec Decimal) Float64() (float64, bool) {
	f, err := strconv.ParseFloat(string(dec), 64)
	return f, err == nil
}

// Int returns an integer, such as an age; false if there is no number or it is not an integer.
func (dec Decimal) Int() (int, bool) {
	f, ok := dec.Float64()
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// MarshalJSON encodes a JSON number, and "" as null.
func (dec Decimal) MarshalJSON() ([]byte, error) { return wire.EncodeDecimal(string(dec)) }

// UnmarshalJSON decodes a JSON number, or a string that contains one; null and "" give "".
func (dec *Decimal) UnmarshalJSON(b []byte) error {
	s, err := wire.Decimal(b)
	*dec = Decimal(s)
	return err
}
