package optimove

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// ID is the number of an action, a campaign, a channel and so on. Optimove sends most IDs as
// numbers and some as strings; both are decoded.
type ID int64

// UnmarshalJSON decodes an integer, or a string that contains one; null and "" give 0.
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

// Bool is a boolean that Optimove sends as the string "true" or "false".
type Bool bool

// UnmarshalJSON decodes a boolean, or a string that contains one in any case; null and ""
// give false.
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

// MarshalJSON encodes a string, like Optimove.
func (v Bool) MarshalJSON() ([]byte, error) {
	return []byte(strconv.Quote(strconv.FormatBool(bool(v)))), nil
}

// Decimal is a number that keeps its digits, for money. "" means that there is no number.
type Decimal string

// UnmarshalJSON decodes a number, or a string that contains one; null and "" give "".
func (d *Decimal) UnmarshalJSON(b []byte) error {
	s, err := wire.Decimal(b)
	*d = Decimal(s)
	return err
}

// MarshalJSON encodes a number, and "" as null.
func (d Decimal) MarshalJSON() ([]byte, error) { return wire.EncodeDecimal(string(d)) }

// LocalTime is a time without a time zone, such as "2027-01-14 10:00:00". Optimove's pages do
// not name the time zone. "" means that there is no time.
type LocalTime string

// In returns the time in the given time zone. A time that contains a time zone keeps it. ""
// gives the zero time.
func (t LocalTime) In(zone *time.Location) (time.Time, error) { return wire.Time(string(t), zone) }

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

// String returns the date in Optimove's format: 2027-01-31.
func (d Date) String() string { return wire.Date(d).String() }

func (d Date) valid() bool { return wire.Date(d).Valid() }

// MarshalJSON encodes the date as a string and the zero Date as null. It returns an error for
// a day that does not exist.
func (d Date) MarshalJSON() ([]byte, error) { return wire.Date(d).MarshalJSON() }

// UnmarshalJSON decodes a date, or a time at the start of a day. null and "" give the zero
// Date.
func (d *Date) UnmarshalJSON(b []byte) error { return (*wire.Date)(d).UnmarshalJSON(b) }
