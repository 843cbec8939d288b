package imin

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// Decimal is a number with the digits that imin sent, "6.50" as "6.50": a price is not a
// float. "" is none.
type Decimal string

// Float64 returns the number as a float, for distances and for sorting; false if there is
// none or it is out of range.
func (d Decimal) Float64() (float64, bool) {
	f, err := strconv.ParseFloat(string(d), 64)
	return f, err == nil
}

// Int returns a whole number, as ages are; false if there is none, or it is not whole.
func (d Decimal) Int() (int, bool) {
	f, ok := d.Float64()
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// UnmarshalJSON reads a JSON number or a string that holds one.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	s, err := wire.Decimal(b)
	*d = Decimal(s)
	return err
}

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return wire.EncodeDecimal(string(d)) }

// Time is a moment, with the zone that imin sent. What is none (a date alone, a time
// without zone, a provider's mistake) does not make the record unreadable: Time is zero
// then and Text has what was sent.
type Time struct {
	time.Time
	Text string // "" if Time is set
}

// IsZero reports whether nothing was sent.
func (t Time) IsZero() bool { return t.Time.IsZero() && t.Text == "" }

// UnmarshalJSON reads ISO 8601 with a zone, with or without seconds.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, s); err == nil && !at.IsZero() {
			*t = Time{Time: at}
			return nil
		}
	}
	*t = Time{Text: s}
	return nil
}

// MarshalJSON writes Text if it is set, otherwise the time in RFC 3339.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.Text != "" || t.Time.IsZero() {
		return json.Marshal(t.Text)
	}
	return json.Marshal(t.Format(time.RFC3339Nano)) // time's own encoding refuses some zones that it reads
}

// Scalar is a member that providers write as a string, a number or a structure of their
// own, such as an identifier: the JSON as it was sent. "" is none.
type Scalar string

// String returns the text of a JSON string, and other JSON as it is.
func (s Scalar) String() string {
	if text, ok := wire.String([]byte(s)); ok {
		return text
	}
	return string(s)
}

// UnmarshalJSON keeps the JSON.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	b, err := json.Marshal(json.RawMessage(b)) // the form in which it will be written
	if string(b) == "null" || string(b) == `""` {
		b = nil
	}
	*s = Scalar(b)
	return err
}

// MarshalJSON writes the JSON again.
func (s Scalar) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	if !json.Valid([]byte(s)) {
		return nil, errors.New("a Scalar is not JSON: a string needs its quotes")
	}
	return []byte(s), nil
}

// List is an array that providers may write as its only element.
type List[T any] []T

// UnmarshalJSON reads an array, or one element.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	many, err := wire.OneOrMany[T](b)
	*l = many
	return err
}

// Reference points at another record by its URL.
type Reference struct {
	Type        string                     `json:"type,omitempty"`
	ID          string                     `json:"id,omitempty"`
	Name        string                     `json:"name,omitempty"`
	Description string                     `json:"description,omitempty"`
	URL         string                     `json:"url,omitempty"`
	Extra       map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an object, or the ID alone; it keeps unknown members in Extra.
func (r *Reference) UnmarshalJSON(b []byte) error {
	if id, ok := wire.String(b); ok {
		*r = Reference{ID: id}
		return nil
	}
	type plain Reference
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON writes the ID alone if there is nothing else, and the members of Extra.
func (r Reference) MarshalJSON() ([]byte, error) {
	if r.Type == "" && r.Name == "" && r.Description == "" && r.URL == "" && len(bytes.TrimSpace([]byte(r.ID))) > 0 && len(r.Extra) == 0 {
		return json.Marshal(r.ID)
	}
	type plain Reference
	return wire.Encode(plain(r), r.Extra)
}
