package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Date is a calendar day. Provider packages declare types with the same fields and convert
// them to it. The zero Date means that there is no date.
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

// Valid reports whether the day exists, in the years 1 to 9999.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

// MarshalJSON encodes the date as a string and the zero Date as null. It returns an error
// for a day that does not exist.
func (d Date) MarshalJSON() ([]byte, error) {
	switch {
	case d == Date{}:
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
	t, err := Time(s, time.UTC)
	if err != nil || !t.Equal(DateOf(t).In(t.Location())) {
		return errors.New("not a date")
	}
	if *d = DateOf(t); t.IsZero() {
		*d = Date{}
	}
	return nil
}
