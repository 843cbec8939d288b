package keycheck

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// Verdict is the outcome of a check, for a script.
type Verdict string

// The verdicts.
const (
	Accepted Verdict = "ok"
	Refused  Verdict = "refused"  // the vendor refuses the key
	Ended    Verdict = "ended"    // the date of its end is past, whatever the vendor answers
	Failed   Verdict = "failed"   // there is no key that could be tried, or no address
	Ending   Verdict = "ending"   // it ends within the time that was asked for
	Unproven Verdict = "unproven" // neither accepted nor refused: no answer, a limit, a failing server, no call to try it with
)

// ExitCode is the exit code of keyfit check for a verdict. Each has its own.
func (v Verdict) ExitCode() int {
	switch v {
	case Accepted:
		return cli.ExitOK
	case Ended:
		return 3
	case Ending:
		return 4
	case Refused:
		return 5
	case Unproven:
		return 6
	case Failed:
	}
	return cli.ExitFailure
}

// Worst returns the verdict over several keys: the one that costs calls first, and what is
// certain before what nobody could say. It is Failed for none.
func Worst(all []Result) Verdict {
	if len(all) == 0 {
		return Failed
	}
	for _, v := range []Verdict{Refused, Ended, Failed, Ending, Unproven} {
		for i := range all {
			if all[i].Verdict == v {
				return v
			}
		}
	}
	return Accepted
}

// verdictOf says what a failed call means for the key.
func verdictOf(err error) Verdict {
	if _, ok := errors.AsType[*keyfit.MissingKeyError](err); !ok && errors.Is(err, keyfit.ErrUnauthorized) {
		return Refused
	}
	return Unproven
}

// soon is how long before its end a person is told of it, also without a time to fail within.
const soon = 30 * 24 * time.Hour

// day is what days are counted in.
const day = 24 * time.Hour

// Judge adds to the verdict what the end of the key means: that it is past, or, unless within is
// zero, that it is nearer than that.
func (r *Result) Judge(v *vendors.Vendor, now time.Time, within time.Duration) {
	if r.Expires.IsZero() {
		r.adviseDate(v, within)
		return
	}
	left := r.Expires.Sub(now)
	days := daysUntil(r.Expires, now)
	r.ExpiresInDays = &days
	answer := r.Verdict
	switch {
	case left <= 0:
		r.Verdict = Ended
		if answer == Accepted {
			r.Advice = "the vendor accepts it, though it ended at " + cli.Time(r.Expires) + ": correct the date (not_after in its file, if that has one, or else " + v.Provider.EnvVar + "_EXPIRES or _ISSUED beside it), or have a new key made before it is refused"
			return
		}
		r.Advice = "it expired at " + cli.Time(r.Expires) + ": have a new key made and put it into " + r.Place
	case left <= within && answer != Refused:
		r.Verdict = Ending
		fallthrough
	case left <= soon && answer == Accepted:
		r.Advice = fmt.Sprintf("it expires in %s, at %s: have the next one made, then keyfit rotate %s", Days(days), cli.Time(r.Expires), v.Name)
	}
}

// daysUntil is the whole days until a time, rounded down, so that it is negative once the time is
// past. A time.Duration ends at 292 years, and 9999-12-31 is "never" in some stores.
func daysUntil(at, now time.Time) int {
	const day = 24 * 60 * 60
	left := at.Unix() - now.Unix()
	if at.Nanosecond() < now.Nanosecond() {
		left--
	}
	days := int(left / day)
	if left < 0 && left%day != 0 {
		days--
	}
	return days
}

// adviseDate says that nobody can warn of the end of a key whose vendor limits its life.
func (r *Result) adviseDate(v *vendors.Vendor, within time.Duration) {
	if life := v.Provider.KeyLife; within > 0 && life > 0 && r.Verdict == Accepted {
		r.Advice = fmt.Sprintf("its end is unknown, so --fail-within cannot warn of it: keys of %s end %d days after their issue; set %s_EXPIRES or _ISSUED beside it",
			v.Name, int(life/day), v.Provider.EnvVar)
	}
}

// Days is a number of days for a person.
func Days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
