// Package rfc3339 reads the dates that stand beside keys.
package rfc3339

import (
	"strings"
	"time"
)

// Parse reads an RFC 3339 time (2027-01-31T12:00:00Z), or a full-date (2027-01-31), which is
// the beginning of that day in UTC. White space around it is taken off. ok is false for
// anything else, the empty text included.
func Parse(text string) (t time.Time, ok bool) {
	text = strings.TrimSpace(text)
	for _, layout := range [...]string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
