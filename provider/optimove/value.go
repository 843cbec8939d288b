package optimove

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// ID is a number that names an action, a campaign, a channel and so on. Optimove writes
// most as numbers and some as strings; both are read.
type ID int64

// UnmarshalJSON reads an integer, or a string that holds one; null and "" are 0.
func (id *ID) UnmarshalJSON(b []byte) error {
	s, err := wire.Decimal(b)
	if err != nil {
		return errors.New("not an ID")
	}
	if s == "" {
		*id = 0
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return errors.New("not an ID")
	}
	*id = ID(n)
	return nil
}

// Bool is a boolean, which Optimove writes as the string "true" or "false".
type Bool bool

// UnmarshalJSON reads a boolean, or a string that holds one without regard to case; null
// and "" are false.
func (v *Bool) UnmarshalJSON(b []byte) error {
	text, ok := wire.String(b)
	if !ok {
		text = string(bytes.TrimSpace(b))
	}
	switch strings.ToLower(text) {
	case "true":
		*v = true
	case "false", "null", "":
		*v = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}

// MarshalJSON writes a string, as Optimove does.
func (v Bool) MarshalJSON() ([]byte, error) {
	return []byte(strconv.Quote(strconv.FormatBool(bool(v)))), nil
}

// Decimal is a number with the digits that it was written with, for money. "" is none.
type Decimal string

// UnmarshalJSON reads a number, or a string that holds one; null and "" are none.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	s, err := wire.Decimal(b)
	*d = Decimal(s)
	return err
}

// MarshalJSON writes a number, null for "".
func (d Decimal) MarshalJSON() ([]byte, error) { return wire.EncodeDecimal(string(d)) }

// LocalTime is a time as Optimove writes it, "2027-01-14 10:00:00": without a zone, and no
// page names one. "" is none.
type LocalTime string

// In is the time in the zone that the caller knows Optimove to mean. A time that does
// carry a zone keeps it. "" is the zero time.
func (t LocalTime) In(zone *time.Location) (time.Time, error) { return wire.Time(string(t), zone) }

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

// String is the date as Optimove writes it: 2027-01-31.
func (d Date) String() string { return wire.Date(d).String() }

func (d Date) valid() bool { return wire.Date(d).Valid() }

// MarshalJSON writes the date as a string, null for the zero Date. A day that the
// calendar does not have is an error.
func (d Date) MarshalJSON() ([]byte, error) { return wire.Date(d).MarshalJSON() }

// UnmarshalJSON reads a date, or the time at which one begins; null and "" are the zero
// Date.
func (d *Date) UnmarshalJSON(b []byte) error { return (*wire.Date)(d).UnmarshalJSON(b) }
