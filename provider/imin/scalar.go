package imin

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Decimal is a number that keeps the digits that imin sent, such as "6.50": that of all typed
// clients.
type Decimal = keyfit.Decimal

// Time is a time with the time zone that imin sent. If the text is not a valid time (a date,
// a time without a time zone, a mistake of a provider), Time is zero and Text holds the text,
// so that the record can still be decoded.
type Time struct {
	time.Time
	Text string // "" if Time is set
}

// IsZero reports whether there is neither a time nor a text.
func (t Time) IsZero() bool { return t.Time.IsZero() && t.Text == "" }

// UnmarshalJSON decodes an ISO 8601 time with a time zone, with or without seconds.
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

// MarshalJSON encodes Text if it is set, otherwise the time in RFC 3339 format.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.Text != "" || t.Time.IsZero() {
		return json.Marshal(t.Text)
	}
	return json.Marshal(t.Format(time.RFC3339Nano)) // time.Time.MarshalJSON refuses some time zones that it can decode
}

// Scalar is a member that providers send as a string, a number or a structure, such as an
// identifier. It holds the JSON as sent. "" means that there is no value.
type Scalar string

// String returns the text of a JSON string, and other JSON unchanged.
func (s Scalar) String() string {
	if text, ok := wire.String([]byte(s)); ok {
		return text
	}
	return string(s)
}

// UnmarshalJSON keeps the JSON.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	b, err := json.Marshal(json.RawMessage(b)) // the form in which it is encoded
	if string(b) == "null" || string(b) == `""` {
		b = nil
	}
	*s = Scalar(b)
	return err
}

// MarshalJSON returns the JSON.
func (s Scalar) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	if !json.Valid([]byte(s)) {
		return nil, errors.New("a Scalar is not valid JSON: a string needs quotes")
	}
	return []byte(s), nil
}

// List is an array; providers may send a single element without the array. What was read
// without the array is written without it again.
//
// A List that was read from a single element has unused room for eight more, and any other that
// was read has none: so it stays an ordinary slice, and one that a program makes or changes is
// written as an array.
type List[T any] []T

// roomOfOne is the capacity of a list that was read from a single element. It is none that append
// gives a list of one, nor that of a list of days which a program cuts to one.
const roomOfOne = 9

// UnmarshalJSON decodes an array, or a single element.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	many, err := wire.OneOrMany[T](b)
	*l = slices.Clip(many)
	if text := bytes.TrimSpace(b); len(many) == 1 && text[0] != '[' {
		*l = append(make(List[T], 0, roomOfOne), many...)
	}
	return err
}

// MarshalJSON encodes an array, or a single element if one was decoded.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if len(l) == 1 && cap(l) == roomOfOne {
		return json.Marshal(l[0])
	}
	return json.Marshal([]T(l))
}

// Reference refers to another record by its URL.
type Reference struct {
	Type        string                     `json:"type,omitempty"`
	ID          string                     `json:"id,omitempty"`
	Name        string                     `json:"name,omitempty"`
	Description string                     `json:"description,omitempty"`
	URL         string                     `json:"url,omitempty"`
	Extra       map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes an object, or a string with the ID; it keeps unknown members in Extra.
func (r *Reference) UnmarshalJSON(b []byte) error {
	if id, ok := wire.String(b); ok {
		*r = Reference{ID: id}
		return nil
	}
	type plain Reference
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON encodes a string if only the ID is set, otherwise an object with the members
// of Extra.
func (r Reference) MarshalJSON() ([]byte, error) {
	if r.Type == "" && r.Name == "" && r.Description == "" && r.URL == "" && len(bytes.TrimSpace([]byte(r.ID))) > 0 && len(r.Extra) == 0 {
		return json.Marshal(r.ID)
	}
	type plain Reference
	return wire.Encode(plain(r), r.Extra)
}
