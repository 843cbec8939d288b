package mindkey

import (
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// Date is a calendar day without a time or time zone. The zero Date means that there is no
// date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the calendar day of t in its time zone.
func DateOf(t time.Time) Date { return Date(wire.DateOf(t)) }

// In returns the start of the day in a time zone.
func (d Date) In(zone *time.Location) time.Time { return wire.Date(d).In(zone) }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the date in ISO 8601 format: 2027-01-31.
func (d Date) String() string { return wire.Date(d).String() }

func (d Date) valid() bool { return wire.Date(d).Valid() }

// MarshalJSON encodes the date as a string and the zero Date as null. It returns an error
// for a day that does not exist.
func (d Date) MarshalJSON() ([]byte, error) { return wire.Date(d).MarshalJSON() }

// UnmarshalJSON decodes a date, or a time at the start of a day. null and "" give the zero
// Date.
func (d *Date) UnmarshalJSON(b []byte) error { return (*wire.Date)(d).UnmarshalJSON(b) }
