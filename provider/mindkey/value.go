package mindkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyfit/keyfit/internal/wire"
)

// Property names what a filter or an order looks at: a property ("nameLastName"), one
// across a relation ("position/title"), or a function of one, see [Lower]. MindKey's
// names are case-sensitive. A text of another form is an error of the call.
type Property string

// Lower is the property in small letters, to compare without regard to case.
func Lower(p Property) Property { return "tolower(" + p + ")" }

// Upper is the property in capital letters.
func Upper(p Property) Property { return "toupper(" + p + ")" }

// Trim is the property without blanks at its ends.
func Trim(p Property) Property { return "trim(" + p + ")" }

// Length is how many characters the property has.
func Length(p Property) Property { return "length(" + p + ")" }

// Year is the year of a property that is a date or time.
func Year(p Property) Property { return "year(" + p + ")" }

// Month is the month, from 1, of a property that is a date or time.
func Month(p Property) Property { return "month(" + p + ")" }

// Day is the day of the month of a property that is a date or time.
func Day(p Property) Property { return "day(" + p + ")" }

// check refuses what is neither a path nor a known function of one.
func (p Property) check() error {
	name, rest, isCall := strings.Cut(string(p), "(")
	if !isCall {
		return p.checkPath()
	}
	inner, closed := strings.CutSuffix(rest, ")")
	switch name {
	case "tolower", "toupper", "trim", "length", "year", "month", "day":
		if closed {
			return Property(inner).check()
		}
	}
	return p.invalid()
}

// checkPath refuses what is not identifiers joined by slashes (OData ABNF, odataIdentifier).
func (p Property) checkPath() error {
	for part := range strings.SplitSeq(string(p), "/") {
		for i := range len(part) {
			c := part[i]
			letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
			if !letter && (i == 0 || c < '0' || c > '9') {
				return p.invalid()
			}
		}
		if part == "" || !utf8.ValidString(part) {
			return p.invalid()
		}
	}
	return nil
}

func (p Property) invalid() error {
	if p == "" {
		return errors.New("the property's name is empty")
	}
	return fmt.Errorf("%.80q is not the name of a property", string(p))
}

// Value is what a property can be compared with. Strings are quoted, [Decimal] and
// numbers are written as numbers, [Date] as a date, time.Time with its zone.
type Value interface {
	~string | ~bool | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 |
		~float32 | ~float64 | Date | time.Time
}

// Decimal is a number with the digits that it was written with, for money. "" is none.
type Decimal string

// UnmarshalJSON reads a number, or a string that holds one.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	s, err := wire.Decimal(b)
	*d = Decimal(s)
	return err
}

// MarshalJSON writes a number, null for "".
func (d Decimal) MarshalJSON() ([]byte, error) { return wire.EncodeDecimal(string(d)) }

// Literal writes a value as OData does: an apostrophe in a string is doubled, so that it
// does not end the string. It is an error if the value has no such form: text that is not
// UTF-8, NaN and infinity, a Decimal that is not a number, and the zero Date and time,
// for which there is [IsNull].
func Literal[V Value](value V) (string, error) {
	switch v := any(value).(type) {
	case Decimal:
		return number(string(v))
	case json.Number:
		return number(string(v))
	case Date:
		if !v.valid() {
			return "", errors.New("the date is zero or not in the calendar")
		}
		return v.String(), nil
	case time.Time:
		if v.IsZero() || v.Year() < 1 || v.Year() > 9999 {
			return "", errors.New("the time is zero or outside the years 1 to 9999")
		}
		return v.Format(time.RFC3339Nano), nil
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return "", errors.New("the text is not UTF-8")
		}
		return "'" + strings.ReplaceAll(v.String(), "'", "''") + "'", nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Float32, reflect.Float64:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return "", errors.New("the number is not finite")
		}
		return strconv.FormatFloat(f, 'f', -1, v.Type().Bits()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	default: // the signed integers are left; their own String may say anything
		return strconv.FormatInt(v.Int(), 10), nil
	}
}

func number(s string) (string, error) {
	b, err := wire.EncodeDecimal(s)
	if err != nil || s == "" {
		return "", errors.New("the decimal is not a number")
	}
	return string(b), nil
}
