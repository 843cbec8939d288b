package mockserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// Hint is a set of places in which a 429 carries the time to wait.
type Hint uint8

const (
	// HintBody is a field of the body; only IMKIT has one (retryAfter, seconds).
	HintBody Hint = 1 << iota
	// HintSeconds is Retry-After in seconds. No vendor documents it.
	HintSeconds
	// HintDate is Retry-After as an HTTP date. No vendor documents it.
	HintDate
	// HintRateLimit is RateLimit and RateLimit-Policy as in
	// draft-ietf-httpapi-ratelimit-headers-10, on every answer. Undocumented.
	HintRateLimit
	// HintXRateLimit is X-RateLimit-Limit, -Remaining and -Reset (epoch
	// seconds), on every answer. Undocumented.
	HintXRateLimit
	// HintNone is no hint, also where the vendor's default has one.
	HintNone
)

type hintName struct {
	hint Hint
	name string
}

func hintNames() []hintName {
	return []hintName{
		{HintBody, "body"},
		{HintSeconds, "seconds"},
		{HintDate, "date"},
		{HintRateLimit, "ratelimit"},
		{HintXRateLimit, "x-ratelimit"},
		{HintNone, "none"},
	}
}

// MarshalJSON writes the hints as a list of names: body, seconds, date,
// ratelimit, x-ratelimit, none.
func (h Hint) MarshalJSON() ([]byte, error) {
	names := []string{}
	for _, n := range hintNames() {
		if h&n.hint != 0 {
			names = append(names, n.name)
		}
	}
	return json.Marshal(names)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *Hint) UnmarshalJSON(data []byte) error {
	var names []string
	if err := strictjson.Decode(data, &names); err != nil {
		return fmt.Errorf("hints: %w", err)
	}
	*h = 0
next:
	for _, name := range names {
		for _, n := range hintNames() {
			if n.name == name {
				*h |= n.hint
				continue next
			}
		}
		return fmt.Errorf("hints: unknown hint %q; one of body, seconds, date, ratelimit, x-ratelimit, none", name)
	}
	return nil
}

// setHints writes the headers of the profile's hints. refused is set for a 429;
// every response to a limited key has the quota headers.
func (p *Profile) setHints(h http.Header, q quota, now time.Time, refused bool) {
	if refused {
		switch {
		case p.Hints&HintSeconds != 0:
			h.Set("Retry-After", strconv.FormatInt(seconds(q.retryAfter), 10))
		case p.Hints&HintDate != 0:
			h.Set("Retry-After", ceilSecond(now.Add(q.retryAfter)).Format(http.TimeFormat))
		}
	}
	if q.limit.none() {
		return
	}
	n, left := strconv.Itoa(q.limit.Requests), strconv.Itoa(q.remaining)
	if p.Hints&HintRateLimit != 0 {
		h.Set("RateLimit-Policy", `"default";q=`+n+`;w=`+strconv.FormatInt(seconds(q.limit.Per), 10))
		h.Set("RateLimit", `"default";r=`+left+`;t=`+strconv.FormatInt(seconds(q.reset), 10))
	}
	if p.Hints&HintXRateLimit != 0 {
		h.Set("X-RateLimit-Limit", n)
		h.Set("X-RateLimit-Remaining", left)
		h.Set("X-RateLimit-Reset", strconv.FormatInt(ceilSecond(now.Add(q.reset)).Unix(), 10))
	}
}

// ceilSecond rounds up to a whole second, in UTC: HTTP dates have no fraction,
// and with an earlier date a client would retry too soon.
func ceilSecond(t time.Time) time.Time {
	return t.Add(time.Second - 1).Truncate(time.Second).UTC()
}
