// Package rfc3339 parses the expiry dates of keys.
package rfc3339

import (
	"strings"
	"time"
)

// Parse parses an RFC 3339 time (2027-01-31T12:00:00Z) or full-date (2027-01-31). A date
// means the start of that day in UTC. Parse ignores surrounding white space. ok is false
// for any other text, including the empty one.
func Parse(text string) (t time.Time, ok bool) {
	text = strings.TrimSpace(text)
	for _, layout := range [...]string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
