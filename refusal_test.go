package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// respond makes a response of a transport.
func respond(req *http.Request, status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}

// newerKey is a client whose provider takes the new key only, while the source has the new
// key and the ring does not know it yet. The old key is refused with that status and body.
func newerKey(t *testing.T, p keyfit.Provider, refuse func(*http.Request) *http.Response) (c *keyfit.Client, sent *[]string) {
	t.Helper()
	var now atomic.Value
	now.Store("old-lorem-fitsum")
	sent = new([]string)
	p.Name, p.BaseURL, p.Scheme = "newer", "https://newer.example", keyfit.Header("X-Api-Key")
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		key, _, _ := strings.Cut(req.Header.Get("X-Api-Key"), "-")
		*sent = append(*sent, key)
		if key == "new" {
			return respond(req, 200, "{}"), nil
		}
		return refuse(req), nil
	})
	source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
		return keyfit.APIKey(now.Load().(string)), nil
	})
	c, err := keyfit.New(p, keyfit.WithSource(source), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	now.Store("new-lorem-fitsum")
	return c, sent
}

// A 401 refuses the credential that came with the request, whatever its words; and if it says
// that none came, a newer one is tried nevertheless.
func TestA401IsHealedByANewerKeyWhateverItsWords(t *testing.T) {
	t.Parallel()
	bodies := []string{
		"", "Unauthorized", "Missing API key", `{"error":"MISSING_API_KEY","message":"API key is required"}`, `{"code":"missing_api_key"}`,
		`{"error":"insufficient_quota"}`, `<html><title>401</title></html>`, `{"message":`, "\x1f\x8b",
	}
	for _, words := range []string{"A valid API key is required", "Authentication required", "No API key found in request", "key not provided", "Please sign in", "Too many requests"} {
		bodies = append(bodies, words, `{"message":"`+words+`"}`, `{"error":"`+words+`"}`, `{"error":{"message":"`+words+`"}}`, `["`+words+`"]`)
	}
	for _, body := range bodies {
		for _, challenge := range []string{"", "X-A: b", `WWW-Authenticate: Bearer realm="x"`, `WWW-Authenticate: ApiKey error="invalid_request"`} {
			synctest.Test(t, func(t *testing.T) {
				c, sent := newerKey(t, keyfit.Provider{}, func(req *http.Request) *http.Response { return respond(req, 401, body, challenge) })
				for range 3 {
					if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
						t.Errorf("%s, %s: %v", body, challenge, err)
					}
				}
				if diff := cmp.Diff([]string{"old", "new", "new", "new"}, *sent); diff != "" {
					t.Errorf("%s, %s: on the wire (-want +got):\n%s", body, challenge, diff)
				}
			})
		}
	}
}

// A provider that sees no key is believed if its own reader says so; the error is then typed,
// and there is no storm.
func TestAKeyThatDoesNotArriveIsTriedOnceMoreAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keyfit.Provider{ReadError: func(status int, _ http.Header, _ []byte) (keyfit.Problem, bool) {
			return keyfit.Problem{Class: keyfit.ClassMissingKey, Code: "NOTHING", Message: "nothing came"}, status == 401
		}}
		sent := 0
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) { sent++; return respond(req, 401, ""), nil })
		p.Name, p.BaseURL, p.Scheme = "stripped", "https://stripped.example", keyfit.Header("X-Api-Key")
		n := 0
		source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { // it always has another key
			n++
			return keyfit.APIKey(fmt.Sprintf("lorem-fitsum-%d", n)), nil
		})
		c, err := keyfit.New(p, keyfit.WithSource(source), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = keyfit.Get[struct{}](t.Context(), c, "/x")
		missing, ok := errors.AsType[*keyfit.MissingKeyError](err)
		if !ok || missing.Code != "NOTHING" || missing.Message != "nothing came" || sent != 2 {
			t.Errorf("%d requests, %T: %v", sent, err, err)
		}
		for range 100 {
			_, _ = keyfit.Get[struct{}](t.Context(), c, "/x")
		}
		if sent > 250 || n > 20 {
			t.Errorf("%d requests, and the source was asked %d times, for 101 calls at once", sent, n)
		}
	})
}

// A refusal for the limit is one whatever its status: typed, with its wait, and waited for. No
// other key is tried, and nobody else is let through before.
func TestALimitIsALimitWhateverItsStatus(t *testing.T) {
	t.Parallel()
	const wait = 30 * time.Second
	own := keyfit.Provider{ErrorsInSuccess: true, ReadError: func(status int, h http.Header, body []byte) (keyfit.Problem, bool) {
		if strings.Contains(string(body), "E42") {
			return keyfit.Problem{Class: keyfit.ClassRateLimit, Code: "E42", RetryAfter: wait}, true
		}
		return keyfit.ReadError(status, h, body)
	}}
	for name, tt := range map[string]struct {
		provider keyfit.Provider
		status   int
		body     string
		headers  []string
	}{
		"403, nothing remains":           {status: 403, headers: []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30"}},
		"403, draft 11":                  {status: 403, headers: []string{`RateLimit: "a";r=0;t=30`}},
		"403, Retry-After":               {status: 403, headers: []string{"Retry-After: 30"}},
		"403, in the body":               {status: 403, body: `{"error":{"retryAfter":30}}`},
		"403, in words":                  {status: 403, body: `{"message":"You have exceeded a secondary rate limit."}`, headers: []string{"X-RateLimit-Reset: 30"}},
		"403, Google":                    {status: 403, body: `{"error":{"code":403,"errors":[{"reason":"userRateLimitExceeded"}],"details":[{"retryDelay":"30s"}]}}`},
		"403, Azure":                     {status: 403, body: `{"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 00:00:30."}`, headers: []string{"Retry-After: 30"}},
		"400, AWS":                       {status: 400, body: `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}`, headers: []string{"Retry-After: 30"}},
		"400, its own code":              {provider: own, status: 400, body: `{"code":"E42"}`},
		"409, its own code":              {provider: own, status: 409, body: `E42`},
		"500, its own code":              {provider: own, status: 500, body: `E42`},
		"200, its own code":              {provider: own, status: 200, body: `{"code":"E42"}`},
		"200, as Slack":                  {provider: keyfit.Provider{ErrorsInSuccess: true}, status: 200, body: `{"ok":false,"error":"ratelimited"}`, headers: []string{"Retry-After: 30"}},
		"200, as GraphQL":                {provider: keyfit.Provider{ErrorsInSuccess: true}, status: 200, body: `{"data":null,"errors":[{"message":"m","extensions":{"code":"THROTTLED"}}],"retryAfter":30}`},
		"403, its own field":             {provider: keyfit.Provider{WaitField: "limits.wait_ms", WaitUnit: time.Millisecond}, status: 403, body: `{"limits":[{"wait_ms":30000}]}`},
		"403, its own header":            {provider: keyfit.Provider{WaitHeader: "X-Wait"}, status: 403, headers: []string{"X-Wait: 30"}},
		"403, its own reset, in words":   {provider: keyfit.Provider{ResetHeader: "X-Reset", WaitUnit: time.Minute}, status: 403, body: `{"error":"rate_limited"}`, headers: []string{"X-Reset: 0.5"}},
		"429 with a code of the key":     {status: 429, body: `{"error":"INVALID_API_KEY"}`, headers: []string{"Retry-After: 30"}},
		"429 with an unheard-of content": {status: 429, body: "\x00", headers: []string{"Retry-After: 30", "Content-Encoding: lorem"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var refusing atomic.Bool
				refusing.Store(true)
				c, sent := newerKey(t, tt.provider, func(req *http.Request) *http.Response {
					if !refusing.Load() {
						return respond(req, 200, `{"ok":true}`)
					}
					return respond(req, tt.status, tt.body, append([]string{"Content-Type: application/json"}, tt.headers...)...)
				})
				_, err := keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
				limited, ok := errors.AsType[*keyfit.RateLimitError](err)
				if !ok || !errors.Is(err, keyfit.ErrRateLimited) || limited.RetryAfter != wait || limited.APIError.RetryAfter != wait || limited.StatusCode != tt.status {
					t.Fatalf("%T: %v", err, err)
				}
				if s := c.Stats(); s.Refusals.Limit != 1 || s.Gate.Paused < wait-time.Second {
					t.Errorf("refusals %+v, paused for %v", s.Refusals, s.Gate.Paused)
				}
				refusing.Store(false)
				began := time.Now()
				if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/x", nil); err != nil || time.Since(began) < wait-time.Second {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				refusing.Store(true)
				again := time.AfterFunc(time.Second, func() { refusing.Store(false) })
				defer again.Stop()
				if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/x", nil); err != nil {
					t.Errorf("a POST is not tried again: %v", err)
				}
				if diff := cmp.Diff([]string{"old", "old", "old", "old"}, *sent); diff != "" {
					t.Errorf("keys on the wire (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// After a rotation the previous key is not tried for a limit.
func TestALimitIsNoReasonForThePreviousKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		limited := false
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			sent = append(sent, req.Header.Get("X-Api-Key"))
			if limited {
				return respond(req, 403, `{"message":"API rate limit exceeded"}`, "Retry-After: 30", "X-RateLimit-Remaining: 0"), nil
			}
			return respond(req, 200, "{}"), nil
		})
		c := lastingClient(t, wire)
		if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
			t.Fatal(err)
		}
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey("other-lorem-fitsum")); err != nil {
			t.Fatal(err)
		}
		limited = true
		for range 3 {
			_, _ = keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: time.Nanosecond}))
		}
		if diff := cmp.Diff([]string{"lasting-lorem-fitsum", "other-lorem-fitsum"}, sent); diff != "" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
	})
}

// Every response that asks to wait has its wait in the error.
func TestEveryErrorHasTheWaitThatTheResponseAsksFor(t *testing.T) {
	t.Parallel()
	for status := 400; status < 600; status++ {
		for header, want := range map[string]time.Duration{"Retry-After: 120": 2 * time.Minute, "Retry-After-Ms: 1500": 1500 * time.Millisecond, "X-A: b": 0} {
			wire := roundTripFunc(func(req *http.Request) (*http.Response, error) { return respond(req, status, "{}", header), nil })
			c := lastingClient(t, wire, keyfit.WithGate(openGate{}))
			_, err := keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
			api, ok := errors.AsType[*keyfit.APIError](err)
			if !ok || api.RetryAfter != want || strings.Contains(err.Error(), "retry after") != (want > 0) && status != 401 && status != 403 {
				t.Errorf("%d, %s: %v", status, header, err)
			}
		}
	}
}
