package optimove

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
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

// Decimal is a number that keeps its digits, for money: that of all typed clients.
type Decimal = keyfit.Decimal

// LocalTime is a time without a time zone, such as "2027-01-14 10:00:00". Optimove's pages do
// not name the time zone. "" means that there is no time.
type LocalTime string

// In returns the time in the given time zone. A time that contains a time zone keeps it. ""
// gives the zero time.
func (t LocalTime) In(zone *time.Location) (time.Time, error) { return wire.Time(string(t), zone) }

// Date is a calendar day: that of all typed clients.
type Date = keyfit.Date

// DateOf returns the calendar day of t in its time zone.
func DateOf(t time.Time) Date { return keyfit.DateOf(t) }
