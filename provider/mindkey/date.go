package mindkey

import (
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// Date is a day of the calendar, without time and zone. The zero Date is none.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day that t shows in its zone.
func DateOf(t time.Time) Date { return Date(wire.DateOf(t)) }

// In is the first moment of the day in a zone.
func (d Date) In(zone *time.Location) time.Time { return wire.Date(d).In(zone) }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String is the date as ISO 8601 has it: 2027-01-31.
func (d Date) String() string { return wire.Date(d).String() }

func (d Date) valid() bool { return wire.Date(d).Valid() }

// MarshalJSON writes the date as a string, null for the zero Date. A day that the
// calendar does not have is an error.
func (d Date) MarshalJSON() ([]byte, error) { return wire.Date(d).MarshalJSON() }

// UnmarshalJSON reads a date, or the time at which one begins; null and "" are the zero
// Date.
func (d *Date) UnmarshalJSON(b []byte) error { return (*wire.Date)(d).UnmarshalJSON(b) }
