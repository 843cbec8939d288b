package mindkey

import (
	"time"

	"github.com/keyfit/keyfit"
)

// Date is a calendar day: that of all typed clients.
type Date = keyfit.Date

// DateOf returns the calendar day of t in its time zone.
func DateOf(t time.Time) Date { return keyfit.DateOf(t) }
