package keyfit_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// errorShape is an error response as one API or framework sends it.
type errorShape struct {
	who     string
	status  int
	headers []string
	body    string
	want    shapeSeen
}

// shapeSeen is what the client makes of it.
type shapeSeen struct {
	Type, Code, Message, RequestID string
	Wait                           time.Duration
}

// errorShapes is the table of docs/errors.md. The bodies are those of the APIs' documentation,
// shortened.
func errorShapes() []errorShape {
	const api, invalid, missing, limited, permission = "APIError", "InvalidKeyError", "MissingKeyError", "RateLimitError", "PermissionError"
	const s = time.Second
	retry := func(v string) []string { return []string{"Retry-After: " + v} }
	return []errorShape{
		{"RFC 9457", 403, nil, `{"type":"https://example.com/probs/out-of-credit","title":"You do not have enough credit.","detail":"Your balance is 30.","instance":"/account/1","balance":30}`, shapeSeen{permission, "", "Your balance is 30.", "", 0}},
		{"RFC 9457, several errors", 422, nil, `{"type":"https://example.net/validation-error","title":"Your request is not valid.","errors":[{"detail":"must be a positive integer","pointer":"#/age"}]}`, shapeSeen{api, "", "must be a positive integer", "", 0}},
		{"RFC 9457, a limit", 403, nil, `{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Quota exceeded"}`, shapeSeen{limited, "", "Quota exceeded", "", 0}},
		{"RFC 6749, 6750 (OAuth)", 401, nil, `{"error":"invalid_token","error_description":"The access token expired"}`, shapeSeen{invalid, "invalid_token", "The access token expired", "", 0}},
		{"JSON:API", 422, nil, `{"errors":[{"status":"422","code":"TOO_LONG","title":"Invalid","detail":"name too long","source":{"pointer":"/data/attributes/name"}}]}`, shapeSeen{api, "TOO_LONG", "name too long", "", 0}},
		{"GraphQL", 400, nil, `{"errors":[{"message":"Cannot query field x","path":["x"],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`, shapeSeen{api, "GRAPHQL_VALIDATION_FAILED", "Cannot query field x", "", 0}},
		{"GraphQL, in a 200", 200, nil, `{"data":null,"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}`, shapeSeen{limited, "THROTTLED", "Throttled", "", 0}},
		{"Google, a limit", 429, nil, `{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"30s"}]}}`, shapeSeen{limited, "RESOURCE_EXHAUSTED", "Quota exceeded.", "", 30 * s}},
		{"Google, a bad key", 400, nil, `{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}`, shapeSeen{invalid, "INVALID_ARGUMENT", "API key not valid.", "", 0}},
		{"Google, a limit by its reason", 403, nil, `{"error":{"code":403,"message":"Quota exceeded for reads.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"googleapis.com"}]}}`, shapeSeen{limited, "PERMISSION_DENIED", "Quota exceeded for reads.", "", 0}},
		{"Google, of a stream", 429, nil, `[{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12.5s"}]}}]`, shapeSeen{limited, "RESOURCE_EXHAUSTED", "Quota exceeded.", "", 12500 * time.Millisecond}},
		{"Google, older", 403, nil, `{"error":{"errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded","message":"User Rate Limit Exceeded"}],"code":403,"message":"User Rate Limit Exceeded"}}`, shapeSeen{limited, "userRateLimitExceeded", "User Rate Limit Exceeded", "", 0}},
		{"GitHub, a limit", 403, []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 60", "X-GitHub-Request-Id: r-1"}, `{"message":"API rate limit exceeded for user ID 1.","documentation_url":"https://docs.github.com/rest"}`, shapeSeen{limited, "", "API rate limit exceeded for user ID 1.", "r-1", 60 * s}},
		{"GitHub, the secondary limit", 403, retry("30"), `{"message":"You have exceeded a secondary rate limit."}`, shapeSeen{limited, "", "You have exceeded a secondary rate limit.", "", 30 * s}},
		{"GitHub, a validation", 422, nil, `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`, shapeSeen{api, "missing_field", "Validation Failed", "", 0}},
		{"Azure API Management, the key", 401, nil, `{"statusCode":401,"message":"Access denied due to missing subscription key."}`, shapeSeen{invalid, "", "Access denied due to missing subscription key.", "", 0}},
		{"Azure API Management, a limit", 429, retry("28"), `{"statusCode":429,"message":"Rate limit is exceeded. Try again in 28 seconds."}`, shapeSeen{limited, "", "Rate limit is exceeded. Try again in 28 seconds.", "", 28 * s}},
		{"Azure API Management, a quota", 403, nil, `{"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 12:00:00."}`, shapeSeen{limited, "", "Out of call volume quota. Quota will be replenished in 12:00:00.", "", 0}},
		{"Microsoft Graph, Azure", 403, nil, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges.","innerError":{"request-id":"r-1"}}}`, shapeSeen{permission, "Authorization_RequestDenied", "Insufficient privileges.", "r-1", 0}},
		{"AWS, XML", 403, nil, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.</Message><RequestId>r-1</RequestId></Error>`, shapeSeen{invalid, "InvalidAccessKeyId", "The key does not exist.", "r-1", 0}},
		{"AWS, XML, a limit", 400, nil, `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, shapeSeen{limited, "Throttling", "Rate exceeded", "r-1", 0}},
		{"AWS, JSON", 400, nil, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"Exceeded."}`, shapeSeen{limited, "ProvisionedThroughputExceededException", "Exceeded.", "", 0}},
		{"AWS, JSON, the code in a header", 400, []string{"X-Amzn-ErrorType: ThrottlingException:http://internal.amazon.com/coral/"}, `{"message":"Rate exceeded"}`, shapeSeen{limited, "ThrottlingException", "Rate exceeded", "", 0}},
		{"AWS API Gateway", 403, nil, `{"message":"Forbidden"}`, shapeSeen{permission, "", "Forbidden", "", 0}},
		{"FastAPI", 422, nil, `{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required"}]}`, shapeSeen{api, "missing", "Field required", "", 0}},
		{"FastAPI, a limit", 429, nil, `{"detail":{"error":"rate_limited","retry_after":7}}`, shapeSeen{limited, "rate_limited", "", "", 7 * s}},
		{"FastAPI, HTTPException", 401, nil, `{"detail":"Not authenticated"}`, shapeSeen{invalid, "", "Not authenticated", "", 0}},
		{"Spring Boot", 404, nil, `{"timestamp":"2026-11-29T12:00:00Z","status":404,"error":"Not Found","message":"No room 7","path":"/rooms/7"}`, shapeSeen{api, "", "No room 7", "", 0}},
		{"NestJS", 400, nil, `{"statusCode":400,"message":["name must be a string","age must be a number"],"error":"Bad Request"}`, shapeSeen{api, "", "name must be a string; age must be a number", "", 0}},
		{"ASP.NET Core", 400, nil, `{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"One or more validation errors occurred.","status":400,"errors":{"Name":["The Name field is required."]},"traceId":"t-1"}`, shapeSeen{api, "", "Name: The Name field is required.", "t-1", 0}},
		{"Rails", 422, nil, `{"errors":{"name":["is too short"]}}`, shapeSeen{api, "", "name: is too short", "", 0}},
		{"Stripe", 402, []string{"Request-Id: req_1"}, `{"error":{"type":"card_error","code":"card_declined","message":"Your card was declined.","param":"source"}}`, shapeSeen{api, "card_declined", "Your card was declined.", "req_1", 0}},
		{"Stripe, a bad key", 401, nil, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`, shapeSeen{invalid, "invalid_request_error", "Invalid API Key provided", "", 0}},
		{"OpenAI", 429, []string{"Retry-After-Ms: 1500"}, `{"error":{"message":"Rate limit reached.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`, shapeSeen{limited, "rate_limit_exceeded", "Rate limit reached.", "", 1500 * time.Millisecond}},
		{"Anthropic", 403, nil, `{"type":"error","error":{"type":"permission_error","message":"Your key lacks this."},"request_id":"req_1"}`, shapeSeen{permission, "permission_error", "Your key lacks this.", "req_1", 0}},
		{"Twilio", 401, nil, `{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}`, shapeSeen{invalid, "20003", "Authenticate", "", 0}},
		{"HubSpot", 429, nil, `{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","correlationId":"c-1","policyName":"DAILY"}`, shapeSeen{limited, "RATE_LIMIT", "You have reached your daily limit.", "c-1", 0}},
		{"SendGrid", 400, nil, `{"errors":[{"message":"The from email is not valid.","field":"from","help":null}]}`, shapeSeen{api, "", "The from email is not valid.", "", 0}},
		{"Slack, in a 200", 200, nil, `{"ok":false,"error":"invalid_auth"}`, shapeSeen{invalid, "invalid_auth", "", "", 0}},
		{"Slack, in a 200, no key", 200, nil, `{"ok":false,"error":"not_authed"}`, shapeSeen{missing, "not_authed", "", "", 0}},
		{"Slack, a limit", 429, retry("30"), `{"ok":false,"error":"ratelimited"}`, shapeSeen{limited, "ratelimited", "", "", 30 * s}},
		{"Telegram", 429, nil, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}`, shapeSeen{limited, "429", "Too Many Requests: retry after 5", "", 5 * s}},
		{"Discord", 429, nil, `{"message":"You are being rate limited.","retry_after":0.65,"global":false}`, shapeSeen{limited, "", "You are being rate limited.", "", 650 * time.Millisecond}},
		{"Salesforce", 403, nil, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, shapeSeen{limited, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "", 0}},
		{"Cloudflare", 403, nil, `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null}`, shapeSeen{permission, "10000", "Authentication error", "", 0}},
		{"PayPal", 422, nil, `{"name":"UNPROCESSABLE_ENTITY","message":"The action could not be done.","debug_id":"d-1","details":[{"issue":"DUPLICATE","description":"Twice."}]}`, shapeSeen{api, "UNPROCESSABLE_ENTITY", "The action could not be done.", "d-1", 0}},
		{"Okta", 401, nil, `{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorId":"o-1","errorCauses":[]}`, shapeSeen{invalid, "E0000011", "Invalid token provided", "o-1", 0}},
		{"Kubernetes", 403, nil, `{"kind":"Status","status":"Failure","message":"pods is forbidden","reason":"Forbidden","code":403}`, shapeSeen{permission, "Forbidden", "pods is forbidden", "", 0}},
		{"OData", 404, nil, `{"error":{"code":"NotFound","message":{"lang":"en-US","value":"Resource not found."}}}`, shapeSeen{api, "NotFound", "Resource not found.", "", 0}},
		{"Kong", 401, nil, `{"message":"No API key found in request"}`, shapeSeen{invalid, "", "No API key found in request", "", 0}},
		{"Apigee", 401, nil, `{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}`, shapeSeen{invalid, "oauth.v2.InvalidApiKey", "Invalid ApiKey", "", 0}},
		{"Apigee, a limit", 429, nil, `{"fault":{"faultstring":"Rate limit quota violation.","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}`, shapeSeen{limited, "policies.ratelimit.QuotaViolation", "Rate limit quota violation.", "", 0}},
		{"IMKIT's codes", 401, nil, `{"error":"MISSING_API_KEY","message":"IM-API-KEY header is required"}`, shapeSeen{missing, "MISSING_API_KEY", "IM-API-KEY header is required", "", 0}},
		{"IMKIT, with an envelope", 403, nil, `{"RC":403,"RM":"Forbidden","error":{"code":"INSUFFICIENT_PERMISSIONS","message":"not a manager"}}`, shapeSeen{permission, "INSUFFICIENT_PERMISSIONS", "not a manager", "", 0}},
		{"Shopify", 403, nil, `{"errors":"[API] Invalid API key or access token"}`, shapeSeen{invalid, "", "[API] Invalid API key or access token", "", 0}},
		{"CoinMarketCap", 400, nil, `{"status":{"error_code":400,"error_message":"Invalid value for \"id\""}}`, shapeSeen{api, "400", "Invalid value for \"id\"", "", 0}},
		{"Instagram", 400, nil, `{"meta":{"code":400,"error_type":"OAuthParameterException","error_message":"Missing client_id."}}`, shapeSeen{api, "OAuthParameterException", "Missing client_id.", "", 0}},
		{"a list in error", 400, nil, `{"error":[{"code":"TOO_LONG","message":"name too long"},{"code":"MISSING","message":"age missing"}]}`, shapeSeen{api, "TOO_LONG", "name too long; age missing", "", 0}},
		{"a list of texts", 400, nil, `["name too long","age missing"]`, shapeSeen{api, "", "name too long; age missing", "", 0}},
		{"an error in text", 400, nil, `{"error":"name too long"}`, shapeSeen{api, "", "name too long", "", 0}},
		{"SOAP", 500, nil, `<soap:Envelope><soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>no</faultstring></soap:Fault></soap:Body></soap:Envelope>`, shapeSeen{api, "soap:Server", "no", "", 0}},
		{"HTML", 502, nil, `<html><head><title>502 Bad Gateway</title></head><body>…</body></html>`, shapeSeen{api, "", "502 Bad Gateway", "", 0}},
		{"text", 400, nil, `Dear Alice, your card was declined.`, shapeSeen{api, "", "", "", 0}},
		{"text, of a 403 for the key", 403, nil, `Invalid API key`, shapeSeen{invalid, "", "", "", 0}},
		{"a JSON text", 400, nil, `"name too long"`, shapeSeen{api, "", "", "", 0}},
		{"nothing", 401, nil, ``, shapeSeen{invalid, "", "", "", 0}},
		{"broken JSON", 429, retry("7"), `{"error":`, shapeSeen{limited, "", "", "", 7 * s}},
	}
}

func (sh errorShape) header() http.Header { return respond(nil, sh.status, "", sh.headers...).Header }

func seeShape(err error) shapeSeen {
	e, ok := errors.AsType[*keyfit.APIError](err)
	if !ok {
		return shapeSeen{Type: fmt.Sprint(err)}
	}
	return shapeSeen{strings.TrimPrefix(fmt.Sprintf("%T", err), "*keyfit."), e.Code, e.Message, e.RequestID, e.RetryAfter}
}

func TestEveryCommonShapeOfAnErrorIsRead(t *testing.T) {
	t.Parallel()
	for _, sh := range errorShapes() {
		t.Run(sh.who, func(t *testing.T) {
			t.Parallel()
			p := keyfit.Provider{Name: "lasting", ErrorsInSuccess: sh.status < 300}
			got := keyfit.ErrorOf(p, sh.status, sh.header(), []byte(sh.body))
			if diff := cmp.Diff(sh.want, seeShape(got)); diff != "" {
				t.Errorf("ErrorOf (-want +got):\n%s", diff)
			}
			p.BaseURL, p.Scheme = "https://lasting.example", keyfit.Header("X-Api-Key")
			c, err := keyfit.New(p, keyfit.WithKey("lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithGate(openGate{}),
				keyfit.WithHTTPClient(&http.Client{Transport: answers(sh.status, sh.body, sh.headers...)}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
			if diff := cmp.Diff(sh.want, seeShape(err)); diff != "" {
				t.Errorf("a call (-want +got):\n%s", diff)
			}
			p.ReadError = keyfit.ReadError // it is what nil stands for
			if diff := cmp.Diff(sh.want, seeShape(keyfit.ErrorOf(p, sh.status, sh.header(), []byte(sh.body)))); diff != "" {
				t.Errorf("with ReadError (-want +got):\n%s", diff)
			}
		})
	}
}

// The table of docs/errors.md is the table above, as the client reads it.
func TestThePageOfErrorShapesIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`` " + strings.ReplaceAll(text, "|", `\|`) + " ``"
	}
	var want strings.Builder
	for _, sh := range errorShapes() {
		got := seeShape(keyfit.ErrorOf(keyfit.Provider{ErrorsInSuccess: true}, sh.status, sh.header(), []byte(sh.body)))
		wait := ""
		if got.Wait > 0 {
			wait = got.Wait.String()
		}
		sent := fmt.Sprint(sh.status)
		for _, line := range sh.headers {
			sent += "<br>" + line
		}
		fmt.Fprintf(&want, "| %s | %s | %s | `%s` | %s | %s | %s | %s |\n", sh.who, sent, code(sh.body), got.Type, code(got.Code), got.Message, got.RequestID, wait)
	}
	_, after, _ := strings.Cut(string(page), "| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	table, _, _ := strings.Cut(after, "\n\n")
	if diff := cmp.Diff(want.String(), table+"\n"); diff != "" {
		t.Errorf("the table of docs/errors.md (-want +got):\n%s", diff)
		if os.Getenv("KEYFIT_UPDATE") != "" {
			text := strings.Replace(string(page), after, want.String()+strings.TrimPrefix(after, table+"\n"), 1)
			if err := os.WriteFile("docs/errors.md", []byte(text), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}

// The Go blocks of docs/errors.md, word for word; that they compile is the proof.
var _ = []any{docsReadError, docsLiteral}

func docsReadError(acme keyfit.Provider) keyfit.Provider {
	acme.ReadError = func(status int, h http.Header, body []byte) (keyfit.Problem, bool) {
		p, ok := keyfit.ReadError(status, h, body)
		switch p.Code {
		case "E_QUOTA":
			p.Class = keyfit.ClassRateLimit
		case "E_TOKEN":
			p.Class = keyfit.ClassInvalidKey
		}
		return p, ok
	}
	return acme
}

func docsLiteral() error {
	return &keyfit.RateLimitError{APIError: &keyfit.APIError{StatusCode: 429}, RetryAfter: time.Minute}
}

func TestTheBlocksOfThePageOfErrorsCompile(t *testing.T) {
	t.Parallel()
	normal := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	compiled := normal(readText(t, "errorshapes_test.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readText(t, "docs/errors.md"), -1)
	for _, block := range blocks {
		if !strings.Contains(compiled, normal(block[1])) {
			t.Errorf("this block of docs/errors.md is not in errorshapes_test.go, so nothing compiles it:\n%s", block[1])
		}
	}
	if len(blocks) != 2 {
		t.Errorf("%d blocks: is the pattern right?", len(blocks))
	}
}
