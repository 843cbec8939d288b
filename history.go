package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Attempt describes an attempt that did not succeed, for [RetryPolicy.Retry] and in the History
// of an error. It holds no key, no query and no body but what [APIError] has.
type Attempt struct {
	Method, Path   string        // of the call; Path is without query
	Number         int           // 1 for the first attempt of a call; redirects and replays count
	StatusCode     int           // 0 if no response came
	KeyFingerprint string        // the credential used
	Duration       time.Duration // until the headers of the response arrived, or the failure
	Err            error         // the error response as an *[APIError], which must not be changed, or why no whole response came; nil for a redirect
	Again          bool          // for [RetryPolicy.Retry]: whether the attempt would be tried again without the rule
}

// String returns one line.
func (a Attempt) String() string {
	said := "no response"
	var answer *APIError
	switch {
	case a.Err != nil && !errors.As(a.Err, &answer):
		said = a.Err.Error()
	case a.StatusCode != 0:
		said = fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode))
	}
	return fmt.Sprintf("attempt %d: %s after %s", a.Number, said, roughly(a.Duration))
}

// record keeps an attempt that did not succeed for the history of the call.
func (k *call) record(err error, took time.Duration) {
	r := k.retry()
	a := Attempt{
		Method: k.method, Path: k.redactor().Text(k.path()), Number: k.attempts, StatusCode: k.status,
		KeyFingerprint: k.fingerprint(), Duration: took, Err: err,
	}
	if err == nil && r.answer != nil {
		a.Err = r.answer
	}
	r.attempts = append(r.attempts, a)
}

// history returns the attempts that did not succeed.
func (k *call) history() []Attempt {
	if k.trouble == nil {
		return nil
	}
	return slices.Clone(k.trouble.retry.attempts)
}

// lastAttempt describes the last attempt to the caller's rule.
func (k *call) lastAttempt(err error, again bool) Attempt {
	var a Attempt
	if all := k.retry().attempts; len(all) > 0 {
		a = all[len(all)-1]
	}
	if err != nil {
		a.Err = withoutURL(err)
	}
	a.Again = again
	return a
}

// roughly rounds a duration to what a person reads.
func roughly(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
