// Package keycheck tries one key at a vendor's real API, and says what the response means.
package keycheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// Result is what is known of one vendor's key. It holds no key.
type Result struct {
	Vendor      string    `json:"vendor"`
	Verdict     Verdict   `json:"verdict"`
	Place       string    `json:"place,omitempty"`
	Host        string    `json:"host,omitempty"`    // where the key goes
	OwnHost     bool      `json:"ownHost,omitempty"` // that is an address of the vendor's own
	Scheme      string    `json:"scheme"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	// ExpiresInDays is the whole days until then, negative once it is past; nil if Expires is unknown.
	ExpiresInDays *int   `json:"expiresInDays,omitempty"`
	Mode          string `json:"mode,omitempty"` // of the file that has the key, such as 0600
	// AlsoIn are the other places with the same key; NotUsed are the other keys of the vendor, in
	// places that the SDK does not come to.
	AlsoIn    []string `json:"alsoIn,omitempty"`
	NotUsed   []Other  `json:"notUsed,omitempty"`
	Status    int      `json:"status,omitempty"` // of the response; 0 if none came
	Answer    string   `json:"answer"`
	LatencyMS float64  `json:"latencyMs,omitempty"`
	Quota     *Quota   `json:"quota,omitempty"`
	RequestID string   `json:"requestId,omitempty"`
	Error     string   `json:"error,omitempty"`
	Advice    string   `json:"advice,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

// Other is a key that is not used.
type Other struct {
	Place       string `json:"place"`
	Fingerprint string `json:"fingerprint"`
}

// Quota is a rate limit: from the response's headers, or else from the vendor's page.
type Quota struct {
	Requests  int    `json:"requests"`
	Per       string `json:"per,omitempty"`
	Remaining *int   `json:"remaining,omitempty"`
}

// String is the quota for a person; "" for nil.
func (q *Quota) String() string {
	switch {
	case q == nil:
		return ""
	case q.Remaining != nil:
		return fmt.Sprintf("%d of %d left", *q.Remaining, q.Requests)
	}
	return fmt.Sprintf("%d per %s", q.Requests, q.Per)
}

// Try sends the vendor's cheapest call once, without retries, and completes the result.
// The place, the fingerprint and the end of the key are the caller's to set before; what the end
// means for the verdict is for [Result.Judge].
func (r *Result) Try(ctx context.Context, v *vendors.Vendor, c *keyfit.Client) {
	if l := v.Provider.Limit; l.Requests > 0 {
		r.Quota = &Quota{Requests: l.Requests, Per: shortDuration(l.Per)}
	}
	r.Host, r.OwnHost = c.BaseURL(), v.OwnHost(c.BaseURL())
	if v.Provider.Probe == "" {
		r.Verdict, r.Advice = Unproven, "the vendor documents no call to try it with: keyfit check "+v.Name+" --probe PATH, with a path of yours"
		return
	}
	var answer keyfit.Response
	begin := time.Now()
	_, err := keyfit.Get[struct{}](ctx, c, v.Provider.Probe, keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}), keyfit.WithResponse(&answer))
	r.LatencyMS = float64(time.Since(begin).Microseconds()) / 1000
	r.Status, r.RequestID = answer.StatusCode, answer.RequestID
	if q := quotaOf(answer.Header); q != nil {
		r.Quota = q
	}
	if r.Answer = "no answer"; r.Status != 0 {
		r.Answer = strings.TrimSpace(strconv.Itoa(r.Status) + " " + http.StatusText(r.Status))
	}
	if err != nil {
		r.Verdict, r.Error, r.Advice = verdictOf(err), err.Error(), r.advice(v, err)
		return
	}
	r.Verdict = Accepted
}

// advice says what to do about a failed call.
func (r *Result) advice(v *vendors.Vendor, err error) string {
	if errors.Is(err, keyfit.ErrRateLimited) {
		if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok && limited.RetryAfter > 0 {
			return "the rate limit is used up, so the key is not judged: check again in " + limited.RetryAfter.Round(time.Second).String()
		}
		return "the rate limit is used up, so the key is not judged: check again later"
	}
	if _, ok := errors.AsType[*keyfit.MissingKeyError](err); ok {
		return "the vendor saw no key: something on the way removes the header; look for a proxy, and at " + v.Provider.EnvURL
	}
	path, _, _ := strings.Cut(v.Provider.Probe, "?")
	switch {
	case errors.Is(err, keyfit.ErrUnauthorized):
		return "the vendor does not know this key: is it another environment's, expired or revoked? put a good one into " + r.Place
	case errors.Is(err, keyfit.ErrForbidden):
		return "the key may not read " + path + ": give it that permission, or ignore this if it should not have it"
	case errors.Is(err, keyfit.ErrServer):
		return "the vendor's server fails, so the key is not judged: check again later"
	case errors.Is(err, keyfit.ErrNotFound):
		return "there is no " + path + " at that address: look at " + v.Provider.EnvURL
	case r.Status == 0 && errors.Is(err, context.DeadlineExceeded):
		return "no answer within --timeout: look at network, proxy and " + v.Provider.EnvURL
	case r.Status == 0:
		return "look at network, proxy and " + v.Provider.EnvURL
	}
	return "the key is not judged: read the vendor's message"
}

// quotaOf reads the two rate limit headers that most APIs send; nil if they are not there.
func quotaOf(h http.Header) *Quota {
	limit, err := strconv.Atoi(h.Get("X-Ratelimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	if err != nil || err2 != nil || limit <= 0 || remaining < 0 {
		return nil
	}
	return &Quota{Requests: limit, Remaining: &remaining}
}

// shortDuration is 1m for 1m0s, and 1h for 1h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
