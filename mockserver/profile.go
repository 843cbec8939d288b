package mockserver

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Shape is how a vendor with two documented error bodies writes errors.
type Shape uint8

const (
	// Flat is {"error": CODE, "message": TEXT} (IMKIT's key pages).
	Flat Shape = iota + 1
	// Enveloped is {"RC": STATUS, "RM": TEXT, "error": {"code", "message"}}
	// (IMKIT's resource pages).
	Enveloped
)

// Hint is a set of places in which a 429 says how long to wait.
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
	// HintNone says nothing, also where the vendor's default says something.
	HintNone
)

// Answer is a refusal as data. Either Body is given, with "{retryAfter}" where
// the seconds belong, or Code and Message, written in the profile's Shape.
type Answer struct {
	Status      int
	ContentType string // default application/json for Code, text/plain for Body
	Body        string
	Code        string
	Message     string
	Challenge   string // WWW-Authenticate; "{scope}" stands for the scope that is missing
}

// Profile is what a vendor answers where the credential, the limit or the path
// is the matter. It is data: change what your account sees differently.
// Fields left zero keep the vendor's default.
type Profile struct {
	Shape   Shape
	Hints   Hint
	Answers map[Outcome]Answer
	// Client and Token answer for the halves of a pair (IMKIT); Answers fills
	// what they leave out.
	Client, Token map[Outcome]Answer
	// Bearer answers for OAuth access tokens (iiniit); Answers fills what it
	// leaves out.
	Bearer map[Outcome]Answer
	// Variants chooses between what the vendor documents in two ways (IMKIT).
	Variants Variant
}

// over returns p with the set fields of o on top.
func (p Profile) over(o Profile) Profile {
	merge := func(base, top map[Outcome]Answer) map[Outcome]Answer {
		out := make(map[Outcome]Answer, len(base)+len(top))
		maps.Copy(out, base)
		maps.Copy(out, top)
		return out
	}
	if o.Shape != 0 {
		p.Shape = o.Shape
	}
	if o.Hints != 0 {
		p.Hints = o.Hints
	}
	if o.Variants != 0 {
		p.Variants = o.Variants
	}
	p.Answers = merge(p.Answers, o.Answers)
	p.Client, p.Token, p.Bearer = merge(p.Client, o.Client), merge(p.Token, o.Token), merge(p.Bearer, o.Bearer)
	return p
}

// answer picks the refusal for an outcome and the half it is about.
func (p *Profile) answer(o Outcome, blame credKind) Answer {
	switch blame {
	case credClient:
		if a, ok := p.Client[o]; ok {
			return a
		}
	case credToken:
		if a, ok := p.Token[o]; ok {
			return a
		}
	case credBearer:
		if a, ok := p.Bearer[o]; ok {
			return a
		}
	default:
	}
	if a, ok := p.Answers[o]; ok {
		return a
	}
	return Answer{Status: http.StatusUnauthorized, Body: "Unauthorized"}
}

// tooLarge refuses a body that the mock does not read, in the vendor's shape
// where it has one.
func (p *Profile) tooLarge() Answer {
	if p.Shape != 0 {
		return Answer{Status: http.StatusRequestEntityTooLarge, Code: "INVALID_BODY", Message: "Request body is too large"}
	}
	return Answer{Status: http.StatusRequestEntityTooLarge, Body: "request body too large"}
}

// render writes the body. retryAfter in whole seconds counts for 429 only.
func (p *Profile) render(a Answer, retryAfter int64) (contentType string, body []byte) {
	contentType = a.ContentType
	wait := strconv.FormatInt(retryAfter, 10)
	if a.Code == "" {
		if contentType == "" {
			contentType = "text/plain; charset=utf-8"
		}
		return contentType, []byte(strings.ReplaceAll(a.Body, "{retryAfter}", wait))
	}
	if contentType == "" {
		contentType = "application/json; charset=utf-8"
	}
	hint := a.Status == http.StatusTooManyRequests && p.Hints&HintBody != 0
	if p.Shape == Enveloped {
		return contentType, envelopedBody(a, hint, wait)
	}
	return contentType, flatBody(a, hint, wait)
}

// flatBody is laid out as on IMKIT's API Key page, byte for byte.
func flatBody(a Answer, hint bool, wait string) []byte {
	s := "{\n  \"error\": " + quote(a.Code) + ",\n  \"message\": " + quote(a.Message)
	if hint {
		s += ",\n  \"retryAfter\": " + wait
	}
	return []byte(s + "\n}")
}

func envelopedBody(a Answer, hint bool, wait string) []byte {
	s := `{"RC": ` + strconv.Itoa(a.Status) + `, "RM": ` + quote(http.StatusText(a.Status)) +
		`, "error": {"code": ` + quote(a.Code) + `, "message": ` + quote(a.Message)
	if hint {
		s += `, "retryAfter": ` + wait
	}
	return []byte(s + "}}")
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(b)
}

// setHints writes the headers that the profile asks for. refused is set on a
// 429; the quota headers stand on every answer of a limited key.
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
// and an earlier date would let a client come too soon.
func ceilSecond(t time.Time) time.Time {
	return t.Add(time.Second - 1).Truncate(time.Second).UTC()
}
