package keyfit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// errorKey is the key of these tests, errorQuery their query: neither may come back.
const (
	errorKey   = "c4n4rY-key-c4n4rY"
	errorQuery = "c4n4rY-query"
)

// errorClient is a client whose every call is answered by responder, once.
func errorClient(t *testing.T, p keyfit.Provider, responder httpmock.Responder) *keyfit.Client {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(responder)
	c, err := keyfit.New(p, keyfit.WithKey(errorKey), keyfit.WithHTTPClient(&http.Client{Transport: mock}),
		keyfit.WithBaseURL("https://api.example"), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// errorAnswer answers with a status, "Name: value" headers and a body.
func errorAnswer(status int, body string, headers ...string) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(status, body)
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			resp.Header.Add(name, value)
		}
		return resp, nil
	}
}

// errorSeen is everything that a caller can tell apart.
type errorSeen struct {
	Types     string // what errors.As finds
	Is        string // the sentinels that errors.Is finds
	Code      string
	Message   string
	RequestID string
	Note      string
	Line      string // Error(), with FP for the key's fingerprint
}

func seeError(err error) (errorSeen, *keyfit.APIError) {
	var seen errorSeen
	add := func(list *string, name string, found bool) {
		if found {
			*list = strings.TrimSpace(*list + " " + name)
		}
	}
	_, missing := errors.AsType[*keyfit.MissingKeyError](err)
	_, invalid := errors.AsType[*keyfit.InvalidKeyError](err)
	_, limited := errors.AsType[*keyfit.RateLimitError](err)
	_, permission := errors.AsType[*keyfit.PermissionError](err)
	base, api := errors.AsType[*keyfit.APIError](err)
	add(&seen.Types, "missing", missing)
	add(&seen.Types, "invalid", invalid)
	add(&seen.Types, "limited", limited)
	add(&seen.Types, "permission", permission)
	add(&seen.Types, "api", api)
	for _, s := range []struct {
		name string
		err  error
	}{
		{"unauthorized", keyfit.ErrUnauthorized},
		{"forbidden", keyfit.ErrForbidden},
		{"notfound", keyfit.ErrNotFound},
		{"conflict", keyfit.ErrConflict},
		{"badrequest", keyfit.ErrBadRequest},
		{"ratelimited", keyfit.ErrRateLimited},
		{"server", keyfit.ErrServer},
		{"nokey", keyfit.ErrNoKey},
		{"insecure", keyfit.ErrInsecure},
		{"crossorigin", keyfit.ErrCrossOrigin},
		{"toolarge", keyfit.ErrTooLarge},
	} {
		add(&seen.Is, s.name, errors.Is(err, s.err))
	}
	if api {
		seen.Code, seen.Message, seen.RequestID, seen.Note = base.Code, base.Message, base.RequestID, base.Note
		seen.Line = strings.ReplaceAll(err.Error(), keyfit.APIKey(errorKey).Fingerprint(), "FP")
	}
	return seen, base
}

// The bodies of docs.imkit.io, "API Key", Error Handling, byte for byte.
const (
	imkitInvalid = `{
  "error": "INVALID_API_KEY",
  "message": "The provided API key is invalid or expired"
}`
	imkitMissing = `{
  "error": "MISSING_API_KEY",
  "message": "IM-API-KEY header is required"
}`
	imkitLimited = `{
  "error": "RATE_LIMIT_EXCEEDED",
  "message": "Too many requests, please try again later",
  "retryAfter": 60
}`
	imkitPermission = `{
  "error": "INSUFFICIENT_PERMISSIONS",
  "message": "API key does not have permission for this operation"
}`
)

func TestARefusalIsDecodedWhateverItsShape(t *testing.T) {
	t.Parallel()
	imkit, mindkey, optimove, iiniit := keyfit.IMKIT(""), keyfit.MindKey(), keyfit.Optimove(""), keyfit.Iiniit()
	const both = "not found, or the key lacks the scope: the provider answers 404 for both"
	tests := []struct {
		name     string
		provider keyfit.Provider
		status   int
		body     string
		headers  []string
		want     errorSeen
	}{
		// IMKIT, key and token pages: flat.
		{"IMKIT invalid", imkit, 401, imkitInvalid, nil, errorSeen{
			"invalid api", "unauthorized", "INVALID_API_KEY", "The provided API key is invalid or expired", "", "",
			"imkit: GET /p: 401 Unauthorized: INVALID_API_KEY: The provided API key is invalid or expired (key FP)",
		}},
		{"IMKIT missing", imkit, 401, imkitMissing, nil, errorSeen{
			"missing api", "unauthorized", "MISSING_API_KEY", "IM-API-KEY header is required", "", "",
			"imkit: GET /p: 401 Unauthorized: MISSING_API_KEY: IM-API-KEY header is required (key FP)",
		}},
		{"IMKIT limited", imkit, 429, imkitLimited, nil, errorSeen{
			"limited api", "ratelimited", "RATE_LIMIT_EXCEEDED", "Too many requests, please try again later", "", "",
			"imkit: GET /p: 429 Too Many Requests: RATE_LIMIT_EXCEEDED: Too many requests, please try again later (key FP): retry after 1m0s",
		}},
		{"IMKIT permission", imkit, 403, imkitPermission, nil, errorSeen{
			"permission api", "forbidden", "INSUFFICIENT_PERMISSIONS", "API key does not have permission for this operation", "", "",
			"imkit: GET /p: 403 Forbidden: INSUFFICIENT_PERMISSIONS: API key does not have permission for this operation (key FP)",
		}},
		{"IMKIT token page", imkit, 401, `{"error":"UNAUTHORIZED","message":"no"}`, nil, errorSeen{
			"invalid api", "unauthorized", "UNAUTHORIZED", "no", "", "", "imkit: GET /p: 401 Unauthorized: UNAUTHORIZED: no (key FP)",
		}},
		// The page prints no status: the code decides.
		{"IMKIT code under another status", imkit, 400, imkitInvalid, nil, errorSeen{
			"invalid api", "unauthorized badrequest", "INVALID_API_KEY", "The provided API key is invalid or expired", "", "",
			"imkit: GET /p: 400 Bad Request: INVALID_API_KEY: The provided API key is invalid or expired (key FP)",
		}},
		{"IMKIT code under a server error", imkit, 500, imkitInvalid, nil, errorSeen{
			"api", "server", "INVALID_API_KEY", "The provided API key is invalid or expired", "", "",
			"imkit: GET /p: 500 Internal Server Error: INVALID_API_KEY: The provided API key is invalid or expired (key FP)",
		}},
		// IMKIT, resource pages: enveloped.
		{"IMKIT enveloped invalid", imkit, 401, `{"RC": 401, "RM": "Unauthorized", "error": {"code": "INVALID_API_KEY", "message": "bad"}}`, nil, errorSeen{
			"invalid api", "unauthorized", "INVALID_API_KEY", "bad", "", "", "imkit: GET /p: 401 Unauthorized: INVALID_API_KEY: bad (key FP)",
		}},
		{"IMKIT enveloped token", imkit, 401, `{"RC":401,"RM":"Unauthorized","error":{"code":"INVALID_TOKEN","message":"bad"}}`, nil, errorSeen{
			"invalid api", "unauthorized", "INVALID_TOKEN", "bad", "", "", "imkit: GET /p: 401 Unauthorized: INVALID_TOKEN: bad (key FP)",
		}},
		{"IMKIT enveloped client key", imkit, 403, `{"RC":403,"RM":"Forbidden","error":{"code":"INVALID_CLIENT_KEY","message":"bad"}}`, nil, errorSeen{
			"invalid api", "unauthorized forbidden", "INVALID_CLIENT_KEY", "bad", "", "", "imkit: GET /p: 403 Forbidden: INVALID_CLIENT_KEY: bad (key FP)",
		}},
		{"IMKIT enveloped permission", imkit, 403, `{"RC":403,"RM":"Forbidden","error":{"code":"PERMISSION_DENIED","message":"no"}}`, nil, errorSeen{
			"permission api", "forbidden", "PERMISSION_DENIED", "no", "", "", "imkit: GET /p: 403 Forbidden: PERMISSION_DENIED: no (key FP)",
		}},
		{"IMKIT enveloped member", imkit, 403, `{"RC":403,"RM":"Forbidden","error":{"code":"NOT_ROOM_MEMBER","message":"no"}}`, nil, errorSeen{
			"permission api", "forbidden", "NOT_ROOM_MEMBER", "no", "", "", "imkit: GET /p: 403 Forbidden: NOT_ROOM_MEMBER: no (key FP)",
		}},
		{"IMKIT enveloped limit", imkit, 429, `{"RC":429,"RM":"x","error":{"code":"RATE_LIMIT_EXCEEDED","message":"slow","retryAfter":30}}`, nil, errorSeen{
			"limited api", "ratelimited", "RATE_LIMIT_EXCEEDED", "slow", "", "",
			"imkit: GET /p: 429 Too Many Requests: RATE_LIMIT_EXCEEDED: slow (key FP): retry after 30s",
		}},
		{"IMKIT enveloped conflict", imkit, 409, `{"RC":409,"RM":"Conflict","error":{"code":"USER_EXISTS","message":"there"}}`, nil, errorSeen{
			"api", "conflict", "USER_EXISTS", "there", "", "", "imkit: GET /p: 409 Conflict: USER_EXISTS: there (key FP)",
		}},
		{"IMKIT enveloped without error", imkit, 404, `{"RC":404,"RM":"Not Found"}`, nil, errorSeen{
			"api", "notfound", "", "Not Found", "", "", "imkit: GET /p: 404 Not Found: Not Found (key FP)",
		}},

		// MindKey: 401 for every bad key, 404 for a missing scope, 400 for a bad query.
		{"MindKey 401", mindkey, 401, "", nil, errorSeen{"invalid api", "unauthorized", "", "", "", "", "mindkey: GET /p: 401 Unauthorized (key FP)"}},
		{"MindKey 401 with a message", mindkey, 401, `{"Message": "Unauthorized"}`, nil, errorSeen{
			"invalid api", "unauthorized", "", "Unauthorized", "", "", "mindkey: GET /p: 401 Unauthorized: Unauthorized (key FP)",
		}},
		{"MindKey 404", mindkey, 404, "", nil, errorSeen{
			"permission api", "forbidden notfound", "", "", "", both, "mindkey: GET /p: 404 Not Found (" + both + ", key FP)",
		}},
		{"MindKey 400", mindkey, 400, `{"Message": "The query specified in the URI is not valid."}`, nil, errorSeen{
			"api", "badrequest", "", "The query specified in the URI is not valid.", "", "",
			"mindkey: GET /p: 400 Bad Request: The query specified in the URI is not valid. (key FP)",
		}},

		// Optimove: JSON for the limit, plain text for the key.
		{"Optimove 429", optimove, 429, `{"status": 429, "error": "Too Many Requests", "message": "You have exceeded the rate limit for this API group. Please retry later."}`, nil, errorSeen{
			"limited api", "ratelimited", "", "You have exceeded the rate limit for this API group. Please retry later.", "", "",
			"optimove: GET /p: 429 Too Many Requests: You have exceeded the rate limit for this API group. Please retry later. (key FP)",
		}},
		{"Optimove 401", optimove, 401, "Missing API Key", nil, errorSeen{
			"invalid api", "unauthorized", "", "Missing API Key", "", "", "optimove: GET /p: 401 Unauthorized: Missing API Key (key FP)",
		}},
		{"Optimove 403, bad key", optimove, 403, "Invalid API Key", nil, errorSeen{
			"invalid api", "unauthorized forbidden", "", "Invalid API Key", "", "", "optimove: GET /p: 403 Forbidden: Invalid API Key (key FP)",
		}},
		{"Optimove 403, expired", optimove, 403, "Authorization-Token Expired\r\n", nil, errorSeen{
			"invalid api", "unauthorized forbidden", "", "Authorization-Token Expired", "", "", "optimove: GET /p: 403 Forbidden: Authorization-Token Expired (key FP)",
		}},
		{"Optimove 403, permission", optimove, 403, "Insufficient permissions", nil, errorSeen{
			"permission api", "forbidden", "", "Insufficient permissions", "", "", "optimove: GET /p: 403 Forbidden: Insufficient permissions (key FP)",
		}},

		// Nothing but a status.
		{"bare 401", imkit, 401, "", nil, errorSeen{"invalid api", "unauthorized", "", "", "", "", "imkit: GET /p: 401 Unauthorized (key FP)"}},
		{"bare 403", imkit, 403, "", nil, errorSeen{"permission api", "forbidden", "", "", "", "", "imkit: GET /p: 403 Forbidden (key FP)"}},
		{"bare 404", imkit, 404, "", nil, errorSeen{"api", "notfound", "", "", "", "", "imkit: GET /p: 404 Not Found (key FP)"}},
		{"bare 410", imkit, 410, "", nil, errorSeen{"api", "notfound", "", "", "", "", "imkit: GET /p: 410 Gone (key FP)"}},
		{"bare 409", imkit, 409, "", nil, errorSeen{"api", "conflict", "", "", "", "", "imkit: GET /p: 409 Conflict (key FP)"}},
		{"bare 412", imkit, 412, "", nil, errorSeen{"api", "conflict", "", "", "", "", "imkit: GET /p: 412 Precondition Failed (key FP)"}},
		{"bare 400", imkit, 400, "", nil, errorSeen{"api", "badrequest", "", "", "", "", "imkit: GET /p: 400 Bad Request (key FP)"}},
		{"bare 422", imkit, 422, "", nil, errorSeen{"api", "badrequest", "", "", "", "", "imkit: GET /p: 422 Unprocessable Entity (key FP)"}},
		{"bare 429", imkit, 429, "", nil, errorSeen{"limited api", "ratelimited", "", "", "", "", "imkit: GET /p: 429 Too Many Requests (key FP)"}},
		{"bare 408", imkit, 408, "", nil, errorSeen{"api", "", "", "", "", "", "imkit: GET /p: 408 Request Timeout (key FP)"}},
		{"bare 418", imkit, 418, "", nil, errorSeen{"api", "", "", "", "", "", "imkit: GET /p: 418 I'm a teapot (key FP)"}},
		{"bare 304", imkit, 304, "", nil, errorSeen{"api", "", "", "", "", "", "imkit: GET /p: 304 Not Modified (key FP)"}},
		{"bare 500", imkit, 500, "", nil, errorSeen{"api", "server", "", "", "", "", "imkit: GET /p: 500 Internal Server Error (key FP)"}},
		{"bare 503", imkit, 503, "", nil, errorSeen{"api", "server", "", "", "", "", "imkit: GET /p: 503 Service Unavailable (key FP)"}},
		{"a status without a name", imkit, 599, "", nil, errorSeen{"api", "server", "", "", "", "", "imkit: GET /p: 599 (key FP)"}},

		{"RFC 9457", iiniit, 403, `{"type":"https://example.com/out-of-credit","title":"You do not have enough credit.","status":403,"detail":"Your balance is 30, but that costs 50.","instance":"/a/1"}`, []string{"Content-Type: application/problem+json"}, errorSeen{
			"permission api", "forbidden", "", "Your balance is 30, but that costs 50.", "", "", "iiniit: GET /p: 403 Forbidden: Your balance is 30, but that costs 50. (key FP)",
		}},
		{"RFC 9457 without detail", iiniit, 400, `{"type":"about:blank","title":"Bad","status":400}`, nil, errorSeen{
			"api", "badrequest", "", "Bad", "", "", "iiniit: GET /p: 400 Bad Request: Bad (key FP)",
		}},
		{"OAuth, body", iiniit, 401, `{"error":"invalid_token","error_description":"The access token expired"}`, nil, errorSeen{
			"invalid api", "unauthorized", "invalid_token", "The access token expired", "", "", "iiniit: GET /p: 401 Unauthorized: invalid_token: The access token expired (key FP)",
		}},
		// RFC 6750, section 3.1.
		{"OAuth, header", iiniit, 401, "token is required", []string{`WWW-Authenticate: Bearer realm="x", error="invalid_token", error_description="expired"`}, errorSeen{
			"invalid api", "unauthorized", "", "", "", "", "iiniit: GET /p: 401 Unauthorized (key FP)",
		}},
		{"OAuth, scope in the header", iiniit, 401, "", []string{`WWW-Authenticate: Bearer error="insufficient_scope", scope="read"`}, errorSeen{
			"permission api", "unauthorized forbidden", "", "", "", "", "iiniit: GET /p: 401 Unauthorized (key FP)",
		}},

		{"HTML of a gateway", imkit, 502, "<!DOCTYPE html>\n<html><head><title>\n 502 Bad&nbsp;Gateway </title></head><body><h1>x</h1></body></html>", []string{"Content-Type: text/html"}, errorSeen{
			"api", "server", "", "502 Bad Gateway", "", "", "imkit: GET /p: 502 Bad Gateway: 502 Bad Gateway (key FP)",
		}},
		{"HTML without a title", imkit, 403, "<h1>Access <b>denied</b></h1>\n<p>a &amp; b</p>", nil, errorSeen{
			"permission api", "forbidden", "", "", "", "", "imkit: GET /p: 403 Forbidden (key FP)",
		}},
		{"broken JSON", imkit, 401, `{"error": "INVALID_API_KEY", "mess`, nil, errorSeen{"invalid api", "unauthorized", "", "", "", "", "imkit: GET /p: 401 Unauthorized (key FP)"}},
		{"JSON array", imkit, 400, `[{"error":"x"}]`, nil, errorSeen{"api", "badrequest", "", "", "", "", "imkit: GET /p: 400 Bad Request (key FP)"}},
		{"JSON string", imkit, 400, `"no such\nthing"`, nil, errorSeen{"api", "badrequest", "", "", "", "", "imkit: GET /p: 400 Bad Request (key FP)"}},
		{"JSON number", imkit, 400, `42`, nil, errorSeen{"api", "badrequest", "", "", "", "", "imkit: GET /p: 400 Bad Request (key FP)"}},
		{"JSON null", imkit, 400, `null`, nil, errorSeen{"api", "badrequest", "", "", "", "", "imkit: GET /p: 400 Bad Request (key FP)"}},
		{"members of other types", imkit, 400, `{"error":{"code":17,"message":["x"]},"message":{"a":1},"requestId":7}`, nil, errorSeen{
			"api", "badrequest", "17", "x", "7", "", "imkit: GET /p: 400 Bad Request: 17: x (request id 7, key FP)",
		}},
		{"byte order mark", imkit, 401, "\ufeff" + imkitMissing, nil, errorSeen{
			"missing api", "unauthorized", "MISSING_API_KEY", "IM-API-KEY header is required", "", "",
			"imkit: GET /p: 401 Unauthorized: MISSING_API_KEY: IM-API-KEY header is required (key FP)",
		}},

		{"request id in a header", imkit, 500, `{"requestId":"of the body"}`, []string{"X-Request-Id: r-1"}, errorSeen{
			"api", "server", "", "", "r-1", "", "imkit: GET /p: 500 Internal Server Error (request id r-1, key FP)",
		}},
		{"request id in the body", imkit, 500, `{"traceId":"t-1"}`, nil, errorSeen{
			"api", "server", "", "", "t-1", "", "imkit: GET /p: 500 Internal Server Error (request id t-1, key FP)",
		}},
		{"lines, controls and direction marks", imkit, 400, `{"code":"A\u0000B","message":"one\r\ntwo\u2028three\u202efour\tfive"}`, nil, errorSeen{
			"api", "badrequest", "A B", "one two three four five", "", "", "imkit: GET /p: 400 Bad Request: A B: one two three four five (key FP)",
		}},
		{"an echo", imkit, 400, `{"code":"` + errorKey + `","message":"key ` + errorKey + ` is bad"}`, []string{"X-Request-Id: " + strings.Repeat("r", 120) + errorKey}, errorSeen{
			"api", "badrequest", "[redacted]", "key [redacted] is bad", strings.Repeat("r", 120) + "[redacte…", "",
			"imkit: GET /p: 400 Bad Request: [redacted]: key [redacted] is bad (request id " + strings.Repeat("r", 120) + "[redacte…, key FP)",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := errorClient(t, tt.provider, errorAnswer(tt.status, tt.body, tt.headers...))
			_, err := keyfit.Get[struct{}](t.Context(), c, "/p", keyfit.Param("q", errorQuery))
			got, base := seeError(err)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if base.StatusCode != tt.status || base.Attempts != 1 || base.Provider != tt.provider.Name || base.Method != http.MethodGet || base.Path != "/p" {
				t.Errorf("the exchange is not told as it was: %+v", base)
			}
			if want := strings.ReplaceAll(tt.body, errorKey, "[redacted]"); string(base.Body()) != want {
				t.Errorf("body: want %q, got %q", want, base.Body())
			}
			if strings.Contains(err.Error(), errorQuery) || strings.Contains(err.Error(), errorKey) {
				t.Errorf("the line holds query or key: %q", err)
			}
		})
	}
}

func TestALongErrorBodyIsKeptTo64KiBAndItsLineShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 20_000)
	tests := []struct {
		name, body, message string
	}{
		{"text", long, strings.TrimSpace(long[:300]) + " …"},
		{"JSON", `{"error":"INVALID_API_KEY","message":"` + long + `"}`, ""}, // cut, so it is broken
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			imkit := keyfit.IMKIT("")
			imkit.ReadError = keyfit.Optimove("").ReadError // as if it documented such bodies
			c := errorClient(t, imkit, errorAnswer(401, tt.body))
			_, err := keyfit.Get[struct{}](t.Context(), c, "/p")
			invalid, ok := errors.AsType[*keyfit.InvalidKeyError](err)
			if !ok {
				t.Fatalf("the status decides where the body is too long to say: %v", err)
			}
			if diff := cmp.Diff(tt.body[:64<<10], string(invalid.Body())); diff != "" {
				t.Errorf("the body is not its first 64 KiB (-want +got):\n%s", diff)
			}
			if got := strings.ReplaceAll(invalid.Message, "…", " …"); strings.Join(strings.Fields(got), " ") != tt.message {
				t.Errorf("message: want %q, got %q", tt.message, got)
			}
		})
	}
}

func TestRateLimitErrorSaysHowLong(t *testing.T) {
	t.Parallel()
	c := errorClient(t, keyfit.IMKIT(""), errorAnswer(429, imkitLimited))
	_, err := keyfit.Get[struct{}](t.Context(), c, "/p")
	limited, ok := errors.AsType[*keyfit.RateLimitError](err)
	if !ok || limited.RetryAfter != time.Minute || limited.Deadline {
		t.Fatalf("want 1m0s, got %+v", limited)
	}
	attrs := map[string]string{}
	for _, a := range limited.LogValue().Group() {
		attrs[a.Key] = a.Value.String()
	}
	want := map[string]string{
		"provider": "imkit", "method": "GET", "path": "/p", "status": "429", "attempts": "1", "code": "RATE_LIMIT_EXCEEDED",
		"message": "Too many requests, please try again later", "key": keyfit.APIKey(errorKey).Fingerprint(),
		"retry_after": "1m0s", "deadline": "false",
	}
	if diff := cmp.Diff(want, attrs); diff != "" {
		t.Errorf("as log attributes (-want +got):\n%s", diff)
	}
}

func TestPermissionErrorSaysWhetherItIsCertain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		provider keyfit.Provider
		status   int
		want     bool
	}{{keyfit.MindKey(), 404, true}, {keyfit.MindKey(), 403, false}, {keyfit.IMKIT(""), 403, false}} {
		c := errorClient(t, tt.provider, errorAnswer(tt.status, ""))
		_, err := keyfit.Get[struct{}](t.Context(), c, "/p")
		permission, ok := errors.AsType[*keyfit.PermissionError](err)
		if !ok || permission.Ambiguous != tt.want {
			t.Errorf("%s %d: want ambiguous %v, got %v", tt.provider.Name, tt.status, tt.want, err)
		}
	}
}

func TestCheckResponseMakesTheSameErrorOfARawAnswer(t *testing.T) {
	t.Parallel()
	c := errorClient(t, keyfit.IMKIT(""), errorAnswer(403, imkitPermission))
	_, typed := keyfit.Get[struct{}](t.Context(), c, "/p")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/p?q="+errorQuery, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want, _ := seeError(typed)
	got, base := seeError(keyfit.CheckResponse(resp))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-typed +raw):\n%s", diff)
	}
	if string(base.Body()) != imkitPermission {
		t.Errorf("body: %q", base.Body())
	}
	var again json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&again); err != nil || string(again) != imkitPermission {
		t.Errorf("the body is not readable any more: %v", err)
	}
	if err := keyfit.CheckResponse(&http.Response{StatusCode: http.StatusNoContent}); err != nil {
		t.Errorf("204 is no error: %v", err)
	}
	foreign := keyfit.CheckResponse(&http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}})
	if !errors.Is(foreign, keyfit.ErrNotFound) {
		t.Errorf("another client's answer: %v", foreign)
	}
}

// decoded is one typed call: what came, or why not.
type decoded struct {
	Value  any
	Field  string
	Reason string
}

func decodeAs[T any](t *testing.T, status int, body string, headers ...string) decoded {
	t.Helper()
	c := errorClient(t, keyfit.IMKIT(""), errorAnswer(status, body, headers...))
	value, err := keyfit.Get[T](t.Context(), c, "/p", keyfit.Param("q", errorQuery))
	if err == nil {
		return decoded{Value: value}
	}
	e, ok := errors.AsType[*keyfit.DecodeError](err)
	if !ok {
		t.Fatalf("want a *DecodeError, got %T: %v", err, err)
	}
	where := ""
	if e.Field != "" {
		where = "field " + e.Field + ": "
	}
	if want := fmt.Sprintf("imkit: GET /p: %d response cannot be decoded: %s%s", status, where, e.Reason); e.Error() != want {
		t.Errorf("line: want %q, got %q", want, e.Error())
	}
	if strings.Contains(err.Error(), "c4n4rY") || e.StatusCode != status {
		t.Errorf("the error holds a value or has lost the status: %+v", e)
	}
	if _, isAPI := errors.AsType[*keyfit.APIError](err); isAPI {
		t.Error("a good status that cannot be decoded is not the provider's refusal")
	}
	return decoded{Field: e.Field, Reason: e.Reason}
}

type decodeUser struct {
	Name    string    `json:"name"`
	Age     int8      `json:"age"`
	Created time.Time `json:"created"`
	Inner   struct {
		Tags []string `json:"tags"`
	} `json:"inner"`
}

// decodeStrict has a decoder of its own, whose error quotes the value.
type decodeStrict struct{}

func (*decodeStrict) UnmarshalJSON(b []byte) error { return errors.New("strict: " + string(b)) }

func TestAnAnswerOfAnotherTypeNamesTheFieldAndNotTheValue(t *testing.T) {
	t.Parallel()
	const isJSON, isHTML = "Content-Type: application/json; charset=utf-8", "Content-Type: text/html"
	tests := []struct {
		name string
		got  decoded
		want decoded
	}{
		{"string for a number", decodeAs[decodeUser](t, 200, `{"age":"c4n4rY"}`, isJSON), decoded{nil, "age", "found a JSON string, wanted a Go int8"}},
		{"number for a string", decodeAs[decodeUser](t, 200, `{"name":31415926}`, isJSON), decoded{nil, "name", "found a JSON number, wanted a Go string"}},
		{"number too large", decodeAs[decodeUser](t, 201, `{"age":31415926}`, isJSON), decoded{nil, "age", "found a JSON number, wanted a Go int8"}},
		{"deep field", decodeAs[decodeUser](t, 200, `{"inner":{"tags":{"c4n4rY":1}}}`, isJSON), decoded{nil, "inner.tags", "found a JSON object, wanted a Go []string"}},
		{"list for an object", decodeAs[decodeUser](t, 200, `["c4n4rY"]`, isJSON), decoded{nil, "", "found a JSON array, wanted a Go keyfit_test.decodeUser"}},
		{"object for a list", decodeAs[[]decodeUser](t, 200, `{"c4n4rY":1}`, isJSON), decoded{nil, "", "found a JSON object, wanted a Go []keyfit_test.decodeUser"}},
		{"a time that is none", decodeAs[decodeUser](t, 200, `{"created":"c4n4rY"}`, isJSON), decoded{nil, "", "the decoder of the type failed (*time.ParseError)"}},
		{"a decoder that quotes", decodeAs[decodeStrict](t, 200, `"c4n4rY"`, isJSON), decoded{nil, "", "the decoder of the type failed (*errors.errorString)"}},
		{"empty", decodeAs[decodeUser](t, 200, "", isJSON), decoded{nil, "", "the body is empty, and a Go keyfit_test.decodeUser was asked for"}},
		{"only space", decodeAs[decodeUser](t, 200, " \n", isJSON), decoded{nil, "", "broken JSON at byte 2 of 2"}},
		{"broken off", decodeAs[decodeUser](t, 200, `{"name":"c4n4rY`, isJSON), decoded{nil, "", "broken JSON at byte 15 of 15"}},
		{"more behind", decodeAs[decodeUser](t, 200, `{}c4n4rY`, isJSON), decoded{nil, "", "broken JSON at byte 3 of 8"}},
		{"HTML", decodeAs[decodeUser](t, 200, "<html>c4n4rY</html>", isHTML), decoded{nil, "", "the body is not JSON"}},
		{"JSON without a type", decodeAs[decodeUser](t, 200, "c4n4rY"), decoded{nil, "", "the body is not JSON"}},
		{"object for a string", decodeAs[string](t, 200, `{"c4n4rY":1}`, isJSON), decoded{nil, "", "found a JSON object, wanted a Go string"}},

		{"object", decodeAs[decodeUser](t, 200, `{"name":"Ada","age":36,"unknown":1}`, isJSON), decoded{Value: decodeUser{Name: "Ada", Age: 36}}},
		{"object under another type", decodeAs[decodeUser](t, 200, `{"name":"Ada"}`, "Content-Type: text/plain"), decoded{Value: decodeUser{Name: "Ada"}}},
		{"null", decodeAs[decodeUser](t, 200, `null`, isJSON), decoded{Value: decodeUser{}}},
		{"no content", decodeAs[decodeUser](t, 204, ""), decoded{Value: decodeUser{}}},
		{"reset content", decodeAs[decodeUser](t, 205, ""), decoded{Value: decodeUser{}}},
		{"no content as a string", decodeAs[string](t, 204, ""), decoded{Value: ""}},
		{"bytes", decodeAs[[]byte](t, 200, " {\"a\" : 1}\n", isJSON), decoded{Value: []byte(" {\"a\" : 1}\n")}},
		{"raw JSON", decodeAs[json.RawMessage](t, 200, `{"a" : 1}`, isJSON), decoded{Value: json.RawMessage(`{"a" : 1}`)}},
		{"string of JSON", decodeAs[string](t, 200, `"a\nb"`, isJSON), decoded{Value: "a\nb"}},
		{"string of text", decodeAs[string](t, 200, "pong\n", "Content-Type: text/plain"), decoded{Value: "pong\n"}},
		{"the body does not matter", decodeAs[struct{}](t, 200, "<html>", isHTML), decoded{Value: struct{}{}}},
		{"map", decodeAs[map[string]int](t, 200, `{"a":1}`, "Content-Type: application/problem+json"), decoded{Value: map[string]int{"a": 1}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A decoder's error stays reachable, unless it would show the key.
func TestTheDecodersOwnErrorIsReachableUnlessItHoldsTheKey(t *testing.T) {
	t.Parallel()
	get := func(body string) *keyfit.DecodeError {
		c := errorClient(t, keyfit.IMKIT(""), errorAnswer(200, body, "Content-Type: application/json"))
		_, err := keyfit.Get[decodeUser](t.Context(), c, "/p")
		e, ok := errors.AsType[*keyfit.DecodeError](err)
		if !ok {
			t.Fatalf("want a *DecodeError, got %v", err)
		}
		return e
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](error(get(`{"age":""}`))); !ok || e.Field != "age" {
		t.Errorf("the decoder's error is lost: %v", e)
	}
	if e := get(`{"created":"` + errorKey + `"}`); e.Err != nil || strings.Contains(e.Error(), errorKey) {
		t.Errorf("the decoder's error shows the key: %v", e.Err)
	}
}

func TestAnAnswerAboveTheLimitIsNotCutSilently(t *testing.T) {
	t.Parallel()
	body := `"` + strings.Repeat("c4n4rY", 20) + `"`
	for _, tt := range []struct {
		name  string
		limit int64
		large bool
	}{{"at the limit", int64(len(body)), false}, {"above it", int64(len(body)) - 1, true}} {
		c := errorClient(t, keyfit.IMKIT(""), errorAnswer(200, body, "Content-Type: application/json"))
		_, err := keyfit.Get[string](t.Context(), c, "/p", keyfit.WithMaxResponseBytes(tt.limit))
		if errors.Is(err, keyfit.ErrTooLarge) != tt.large || !tt.large && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if e, ok := errors.AsType[*keyfit.RequestError](err); tt.large && (!ok || e.StatusCode != http.StatusOK || strings.Contains(err.Error(), "c4n4rY")) {
			t.Errorf("%s: want a *RequestError with the status and without the body, got %v", tt.name, err)
		}
	}
}

// A body of plain text may be anything, so it is quoted nowhere; a provider that documents such
// bodies is the exception, within bounds and without keys.
func TestATextBodyIsQuotedOnlyWhereTheProviderDocumentsIt(t *testing.T) {
	t.Parallel()
	const personal = "Dear Alice, your card 4111 1111 1111 1111 was declined"
	for name, body := range map[string]string{
		"text": personal, "text in lines": "\n" + personal + "\r\nat main.go:12\n", "a JSON string": `"` + personal + `"`, "HTML without a title": "<h1>" + personal + "</h1>", "XML": "<error><message>" + personal + "</message></error>",
		"after a byte order mark": "\ufeff" + personal, "broken JSON behind text": personal + `{"message":"x"}`, "form": "message=" + personal, "YAML": "message: " + personal,
	} {
		for _, contentType := range []string{"text/plain", "application/json"} {
			for _, status := range []int{400, 401, 403, 404, 409, 418, 429, 500, 503} {
				c := errorClient(t, keyfit.IMKIT(""), errorAnswer(status, body, "Content-Type: "+contentType))
				_, err := keyfit.Get[struct{}](t.Context(), c, "/p", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
				api, ok := errors.AsType[*keyfit.APIError](err)
				if !ok || !strings.Contains(string(api.Body()), personal) {
					t.Fatalf("%s, %d: the body is not reachable: %v", name, status, err)
				}
				if text := err.Error() + api.Message + api.LogValue().String() + fmt.Sprintf("%+v", *api); strings.Contains(text, "4111") {
					t.Errorf("%s, %d, %q: the error quotes the body: %s", name, status, contentType, err)
				}
			}
		}
	}
	c := errorClient(t, keyfit.Optimove(""), errorAnswer(401, "Authorization-Token "+errorKey+" Expired "+strings.Repeat("x", 1000), "Content-Type: text/plain"))
	_, err := keyfit.Get[struct{}](t.Context(), c, "/p")
	if text := err.Error(); !strings.Contains(text, ": Authorization-Token [redacted] Expired xxx") || len(text) > 450 {
		t.Errorf("Optimove documents texts: %s", text)
	}
}
