package mockserver

import (
	"errors"
	"time"
)

// instant is a time in a request to the admin API: RFC 3339, or without a zone, or a
// date alone. Without a zone it is UTC, in which the mock writes every time.
type instant struct{ time.Time }

// UnmarshalText reads an instant.
func (in *instant) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			in.Time = t.UTC()
			return nil
		}
	}
	return errors.New("a time is written 2027-01-31T09:00:00Z; without a zone, or as 2027-01-31, it is UTC")
}

// UnmarshalJSON reads an instant from a JSON string; time.Time's own would not accept
// one without a zone.
func (in *instant) UnmarshalJSON(data []byte) error {
	if len(data) < 2 || data[0] != '"' {
		return in.UnmarshalText(nil)
	}
	return in.UnmarshalText(data[1 : len(data)-1])
}
