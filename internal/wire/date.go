package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Date is a day of the calendar, for types of the same fields, which convert to it. The
// zero Date is none.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day that t shows in its zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// In is the first moment of the day in a zone.
func (d Date) In(zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
}

// String is the date as ISO 8601 has it: 2027-01-31.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// Valid reports whether the calendar has the day.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

// MarshalJSON writes the date as a string, null for the zero Date. A day that the
// calendar does not have is an error.
func (d Date) MarshalJSON() ([]byte, error) {
	switch {
	case d == Date{}:
		return []byte("null"), nil
	case !d.Valid():
		return nil, errors.New("not a date of the calendar")
	}
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON reads a date, or the time at which one begins; null and "" are the zero
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
