package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Decimal decodes a JSON number, or a string that contains one, and keeps its digits as
// sent. null and "" give "". It serves types declared as "type Decimal string".
func Decimal(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	if s, ok := String(b); ok {
		b = []byte(strings.TrimSpace(s))
	}
	if len(b) == 0 || isNull(b) {
		return "", nil
	}
	if !isNumber(b) {
		return "", errors.New("not a decimal number")
	}
	return string(b), nil
}

// EncodeDecimal encodes a decimal as a JSON number and "" as null.
func EncodeDecimal(s string) ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	if !isNumber([]byte(s)) {
		return nil, errors.New("not a decimal number")
	}
	return []byte(s), nil
}

func isNumber(b []byte) bool {
	return len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9') && json.Valid(b) && b[len(b)-1] > ' '
}

// Time parses an RFC 3339 time with any fraction of a second, a time without a time zone,
// or a date; the last two are interpreted in loc. "" gives the zero time.
func Time(s string, loc *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("not an RFC 3339 time") // package time's error would quote the value
}

// Millis decodes a JSON number, or a string that contains one, as milliseconds since 1970
// and returns a time in UTC. 0, null and "" give the zero time.
func Millis(b []byte) (time.Time, error) {
	s, err := Decimal(b)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	whole, _, _ := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || ms > maxMillis || ms < -maxMillis {
		return time.Time{}, errors.New("not a number of milliseconds")
	}
	if ms == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(ms).UTC(), nil
}

// maxMillis is the end of the year 9999, the last one that RFC 3339 supports.
const maxMillis = 253402300799999

// EncodeMillis encodes a time as milliseconds since 1970 and the zero time as 0.
func EncodeMillis(t time.Time) []byte {
	if t.IsZero() {
		return []byte("0")
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10)
}
