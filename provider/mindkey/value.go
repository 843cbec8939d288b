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

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Property is the operand of a filter or sort key: a property ("nameLastName"), a property
// of a relation ("position/title"), or a function of one, see [Lower]. Names are
// case-sensitive. Calls return an error for any other text.
type Property string

// Lower returns the property in lower case, for comparisons that ignore case.
func Lower(p Property) Property { return "tolower(" + p + ")" }

// Upper returns the property in upper case.
func Upper(p Property) Property { return "toupper(" + p + ")" }

// Trim returns the property without leading and trailing white space.
func Trim(p Property) Property { return "trim(" + p + ")" }

// Length returns the number of characters of the property.
func Length(p Property) Property { return "length(" + p + ")" }

// Year returns the year of a property that is a date or time.
func Year(p Property) Property { return "year(" + p + ")" }

// Month returns the month, from 1, of a property that is a date or time.
func Month(p Property) Property { return "month(" + p + ")" }

// Day returns the day of the month of a property that is a date or time.
func Day(p Property) Property { return "day(" + p + ")" }

// check returns an error unless p is a path or a known function of one.
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

// checkPath returns an error unless p consists of identifiers joined by slashes (OData
// ABNF, odataIdentifier).
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
		return errors.New("the property name is empty")
	}
	return fmt.Errorf("%.80q is not a property name", string(p))
}

// Value is a value that a property can be compared with. Strings are quoted; [Decimal] and
// numbers are written as numbers, [Date] as a date, and time.Time with its time zone.
type Value interface {
	~string | ~bool | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 |
		~float32 | ~float64 | Date | time.Time
}

// Decimal is a number that keeps its digits, for money: that of all typed clients.
type Decimal = keyfit.Decimal

// Literal returns a value as an OData literal, in which an apostrophe in a string is
// doubled. It returns an error for values without a literal: text that is not UTF-8, NaN and
// infinity, a Decimal that is not a number, and the zero Date and time (see [IsNull]).
func Literal[V Value](value V) (string, error) {
	switch v := any(value).(type) {
	case Decimal:
		return number(string(v))
	case json.Number:
		return number(string(v))
	case Date:
		if !v.Valid() {
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
	default: // signed integers; their String method may be overridden
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
