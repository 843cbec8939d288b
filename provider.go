package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/oneline"
)

// Provider describes one API: where it is, how it takes a key, what it limits. It is
// data, so another API is one composite literal in the caller's own code:
//
//	acme := keyfit.Provider{
//		Name:    "acme",
//		BaseURL: "https://api.acme.example",
//		Scheme:  keyfit.Header("X-Acme-Key"),
//		EnvVar:  "ACME_API_KEY",
//		Limit:   keyfit.Limit{Requests: 100, Per: time.Minute},
//	}
//
// The five providers of this package are functions that return a new value, so a field can
// be changed before the value is given to [New].
type Provider struct {
	// Name appears in errors, events and logs. Required.
	Name string
	// BaseURL is scheme, host, port and a path if all calls have one in common, without query
	// or user. The paths of calls are appended to it, and the key goes nowhere else. Required,
	// unless EnvURL or [WithBaseURL] gives it.
	BaseURL string
	// Scheme puts the key on a request. Required.
	Scheme Scheme
	// EnvVar names the variable that contains the key, in the process environment and in
	// .env; EnvVar_FILE, EnvVar_EXPIRES and EnvVar_ISSUED belong to it. If it is "", the
	// client reads neither.
	EnvVar string
	// EnvID names the variable of a pair's public half; "" for a single key.
	EnvID string
	// EnvURL names the variable that overrides BaseURL, in the process environment and in .env,
	// where it holds only for a key of the same file (see [WithDotEnv]); "" for none.
	EnvURL string
	// Limit is the published limit per key; zero if none is published, in which case the
	// client learns it from responses.
	Limit Limit
	// LimitGroups are routes that have a limit of their own beside Limit. Their requests count
	// against that of their group alone.
	LimitGroups []LimitGroup
	// ReadError reads an error response: which refusal it is, its code and message, its request
	// id, how long to wait. It is called with the status, the headers (without cookies) and at
	// most 64 KiB of the body, without its content coding and with keys redacted. Its result is
	// false if it does not know the response, which is then read as [ReadError] does; nil reads
	// all responses so. It must be safe for concurrent use, and must not keep or change its
	// arguments.
	ReadError func(status int, h http.Header, body []byte) (Problem, bool)
	// ErrorsInSuccess is set if a response with a good status may be an error too: then
	// ReadError is asked for every response with a body of JSON, XML or text.
	ErrorsInSuccess bool
	// WaitField is the member of an error's JSON body that says how long to wait, a dotted path
	// ("error.limits.wait"; lists on the way need no name). Its value is a number of WaitUnit, a
	// duration ("1m30s"), a time since 1970, or a date of HTTP or RFC 3339. "" means retryAfter,
	// retry_after, and other common names.
	WaitField string
	// WaitHeader and ResetHeader name headers of the same, beside Retry-After and
	// X-RateLimit-Reset: how long to wait, and when the window of the limit ends.
	WaitHeader, ResetHeader string
	// WaitUnit is the unit of plain numbers in these three; 0 means a second.
	WaitUnit time.Duration
	// RequestIDHeader names the response header with the id of the exchange; "" means
	// X-Request-Id, and other common names.
	RequestIDHeader string
	// IdempotencyHeader names the request header of [WithIdempotencyKey] and IdempotencyKeys; ""
	// means Idempotency-Key.
	IdempotencyHeader string
	// IdempotencyKeys is set if the provider documents that it takes idempotency keys: then a
	// POST or PATCH without one is sent with a random one, the same in all attempts, and is
	// tried again as a GET is. See [WithIdempotencyKey].
	IdempotencyKeys bool
	// KeyLife is how long a key is valid from its issue; zero if that is not published.
	KeyLife time.Duration
	// RotateEvery is how old a key may become that does not expire, or whose expiry is not known:
	// the client reminds of it once at this age and again at each multiple, with [KeyRotationDue]
	// and in [KeyStatus]. The age counts from [Credential.Issued], or else from when the program
	// first had the key. Zero if the provider does not ask for regular rotation.
	RotateEvery time.Duration
	// KeyShape is what the provider documents about the look of its keys; zero if nothing.
	KeyShape KeyShape
	// Probe is the path of the cheapest call that needs a key, for [Client.Check] and
	// [Client.Probe]; it begins with a slash. "" if the provider documents none.
	Probe string
}

// rotateRegularly is the [Provider.RotateEvery] of providers that ask for regular rotation. None
// of their pages names a number; 90 days is what secret stores commonly set.
const rotateRegularly = 90 * 24 * time.Hour

// LimitGroup is a group of routes with a limit of its own.
type LimitGroup struct {
	// Name identifies the group. Required.
	Name string
	// Paths are the ends of the paths that belong to the group, "/SendTransactionalMail" for
	// example; upper and lower case are the same. At least one.
	Paths []string
	// Limit is the limit of the group; zero if it is learned.
	Limit Limit
}

// limitGroup returns the name of the group that a path belongs to; "" if it belongs to none.
func (p *Provider) limitGroup(path string) string {
	for i := range p.LimitGroups {
		for _, end := range p.LimitGroups[i].Paths {
			if n := len(path) - len(end); n >= 0 && strings.EqualFold(path[n:], end) {
				return p.LimitGroups[i].Name
			}
		}
	}
	return ""
}

// Imin returns the imin Events, Facilities and Places search API: header X-API-KEY, key
// from IMIN_API_KEY, no published limit. A key is rotated with notice, and for a time old
// and new key are both valid. Source: docs.imin.co, Authentication.
func Imin() Provider {
	return Provider{
		Name: "imin", BaseURL: "https://search.imin.co", Scheme: Header("X-API-KEY"),
		EnvVar: "IMIN_API_KEY", EnvURL: "IMIN_BASE_URL", KeyShape: KeyShape{iminKeys, iminShape},
		Probe: "/events-api/v2/event-series?mode=discovery-geo&geo%5Bradial%5D=51.7520131%2C-1.2578499%2C1&limit=1",
	}
}

// MindKey returns the MindKey Connector API: Authorization: ApiKey-v2, key from
// MINDKEY_API_KEY, valid for 365 days and refused afterwards. A key without the permission
// is answered 404, never 403. Source: developer.mindkey.com, Connector API, Authentication
// and Error handling.
func MindKey() Provider {
	return Provider{
		Name: "mindkey", BaseURL: "https://connector.mindkey.com", Scheme: Authorization("ApiKey-v2"),
		EnvVar: "MINDKEY_API_KEY", EnvURL: "MINDKEY_BASE_URL",
		KeyLife: 365 * 24 * time.Hour, Probe: "/ping", ReadError: readMindKey,
	}
}

// IMKIT returns the IMKIT Platform API of one application (https://app.imkit.io) as its
// administrator: header IM-API-KEY, key from IMKIT_API_KEY, 1000 requests a minute, 429
// with retryAfter in the body. With app "" the base URL must come from IMKIT_BASE_URL or
// [WithBaseURL]. Source: docs.imkit.io, Authentication, API Key.
func IMKIT(app string) Provider {
	p := Provider{
		Name: "imkit", Scheme: Header("IM-API-KEY"),
		EnvVar: "IMKIT_API_KEY", EnvURL: "IMKIT_BASE_URL",
		Limit: Limit{Requests: 1000, Per: time.Minute}, WaitField: "retryAfter", ReadError: readIMKIT, KeyShape: KeyShape{imkitKeys, imkitShape},
		Probe: "/admin/connection-count", RotateEvery: rotateRegularly,
	}
	if app != "" {
		p.BaseURL = "https://" + url.PathEscape(app) + ".imkit.io" // a name with a slash is none, and not another host
	}
	return p
}

// IMKITUser returns the IMKIT Platform API of one application as one of its users: the
// pair IM-CLIENT-KEY and IM-Authorization, from IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN. No
// limit is published for a pair. Source: docs.imkit.io, Authentication, Client Key.
func IMKITUser(app string) Provider {
	p := IMKIT(app)
	p.Scheme = Pair("IM-CLIENT-KEY", "IM-Authorization")
	p.EnvVar, p.EnvID = "IMKIT_USER_TOKEN", "IMKIT_CLIENT_KEY"
	p.Limit, p.Probe, p.KeyShape = Limit{}, "/me", KeyShape{} // a token may be any text that the application chose
	p.RotateEvery = 0                                         // the page asks that of the API key
	return p
}

// Optimove returns the Optimove API on the host that Optimove assigned to the customer
// ("api4.optimove.net"): header X-API-KEY, key from OPTIMOVE_API_KEY, 50 requests in any
// 10 seconds, a 429 without a hint, errors as plain text. With host "" the base URL must come
// from OPTIMOVE_BASE_URL or [WithBaseURL]. Source: developer.optimove.com, Authentication
// Guide and Understanding API Rate Limits.
func Optimove(host string) Provider {
	p := Provider{
		Name: "optimove", Scheme: Header("X-API-KEY"),
		EnvVar: "OPTIMOVE_API_KEY", EnvURL: "OPTIMOVE_BASE_URL",
		Limit: Limit{Requests: 50, Per: 10 * time.Second}, ReadError: readOptimove,
		LimitGroups: []LimitGroup{{
			Name: "SendTransactionalMail", Paths: []string{"/SendTransactionalMail"},
			Limit: Limit{Requests: 10, Per: time.Second},
		}},
		Probe: "/current/general/GetLastDataUpdate", RotateEvery: rotateRegularly,
	}
	if host != "" {
		p.BaseURL = "https://" + host
	}
	return p
}

// Iiniit returns the iiniit API: Authorization: ApiKey, key from IINIIT_API_KEY. For
// ?api_key= set Scheme to Query("api_key"), for an OAuth 2.0 token to [Bearer]. Source:
// www.iiniit.com, Authentication methods for the iiniit API.
func Iiniit() Provider {
	return Provider{
		Name: "iiniit", BaseURL: "https://api.iiniit.com", Scheme: Authorization("ApiKey"),
		EnvVar: "IINIIT_API_KEY", EnvURL: "IINIIT_BASE_URL", RotateEvery: rotateRegularly,
	}
}

// schemeValidator is implemented by the schemes of this package, which check their own
// parameters.
type schemeValidator interface{ validate() error }

// validateLife checks how long keys live.
func (p *Provider) validateLife() error {
	if p.KeyLife < 0 || p.RotateEvery < 0 {
		return errors.New("the life of a key is negative")
	}
	return nil
}

func (p *Provider) validate() error {
	if p.Name == "" {
		return errors.New("the provider has no name")
	}
	if p.Scheme == nil {
		return fmt.Errorf("%s: the provider has no scheme, so it is not known where the key goes", p.Name)
	}
	if v, ok := p.Scheme.(schemeValidator); ok {
		if err := v.validate(); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	if err := p.KeyShape.validate(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	for _, name := range []string{p.WaitHeader, p.ResetHeader, p.RequestIDHeader, p.IdempotencyHeader} {
		if name != "" && !validToken(name) {
			return fmt.Errorf("%s: %q is not the name of a header", p.Name, oneline.Text(name, 40))
		}
	}
	if p.Probe != "" && !strings.HasPrefix(p.Probe, "/") {
		return fmt.Errorf("%s: the probe is not a path, which begins with a slash", p.Name)
	}
	if err := p.validateLife(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	if p.WaitUnit < 0 {
		return fmt.Errorf("%s: the unit of the wait is negative", p.Name)
	}
	if (p.Limit.Requests > 0) != (p.Limit.Per > 0) || p.Limit.Requests < 0 || p.Limit.Per < 0 {
		return fmt.Errorf("%s: the limit needs a positive number of requests and a positive time", p.Name)
	}
	return nil
}
