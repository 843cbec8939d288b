package rfc3339_test

import (
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/rfc3339"
)

func TestADateOrATimeIsReadAndNothingElse(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2027-01-31":                day,
		" 2027-01-31\r\n":           day,
		"2027-01-31T12:00:00Z":      day.Add(12 * time.Hour),
		"2027-01-31T12:00:00+02:00": day.Add(10 * time.Hour),
		"":                          {}, "soon": {}, "2027-02-30": {}, "31.01.2027": {}, "2027-01-31 12:00:00": {}, "1801396800": {},
	} {
		got, ok := rfc3339.Parse(text)
		if !got.Equal(want) || ok == want.IsZero() {
			t.Errorf("%q: want %s, got %s, %v", text, want, got, ok)
		}
	}
}
