package problem_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/problem"
)

func TestEveryShapeOfABodyIsRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       problem.Problem
	}{
		{"nothing", "", problem.Problem{}},
		{"code and message", `{"error":"INVALID_API_KEY","message":"no"}`, problem.Problem{Code: "INVALID_API_KEY", Message: "no"}},
		{"an inner error", `{"RC":401,"RM":"outer","error":{"code":"C","message":"inner"}}`, problem.Problem{Code: "C", Message: "inner"}},
		{"an inner error without words", `{"RM":"outer","error":{"code":7}}`, problem.Problem{Code: "7", Message: "outer"}},
		{"a message alone", `{"Message":"Unauthorized"}`, problem.Problem{Message: "Unauthorized"}},
		{"a sentence in place of a code", `{"status":429,"error":"Too Many Requests","message":"m"}`, problem.Problem{Message: "m"}},
		{"a sentence alone", `{"error":"Too Many Requests"}`, problem.Problem{Message: "Too Many Requests"}},
		{"RFC 9457", `{"type":"about:blank","title":"t","status":403,"detail":"d","instance":"/x"}`, problem.Problem{Message: "d"}},
		{"RFC 9457 without detail", `{"title":"t","status":403}`, problem.Problem{Message: "t"}},
		{"RFC 6749", `{"error":"invalid_token","error_description":"expired"}`, problem.Problem{Code: "invalid_token", Message: "expired"}},
		{"a request id", `{"code":"C","requestId":"r-1"}`, problem.Problem{Code: "C", RequestID: "r-1"}},
		{"a code that is a number", `{"code":1001,"message":"m"}`, problem.Problem{Code: "1001", Message: "m"}},
		{"members that are no text", `{"code":[1],"message":null,"requestId":{}}`, problem.Problem{}},
		{"after a byte order mark", "\ufeff" + `{"message":"m"}`, problem.Problem{Message: "m"}},
		{"a JSON text", `"no"`, problem.Problem{Message: "no"}},
		{"HTML with a title", "<html><title>\n502 &amp; more</title></html>", problem.Problem{Message: "502 & more"}},
		{"HTML without a title", "<h1>Access <b>denied</b></h1>", problem.Problem{Message: "Access  denied"}},
		{"broken JSON", `{"message":"m`, problem.Problem{}},
		{"a list", `[1]`, problem.Problem{}},
		{"plain text", "Invalid API Key\n", problem.Problem{Message: "Invalid API Key"}},
		{"a long text", strings.Repeat("x", 10<<10), problem.Problem{Message: strings.Repeat("x", 4<<10)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, problem.Parse([]byte(tt.body))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAnswerHasOneKind(t *testing.T) {
	t.Parallel()
	rules := problem.Rules{KindOf: func(code string) problem.Kind {
		return map[string]problem.Kind{"LIMIT": problem.RateLimited, "SCOPE": problem.Permission}[code]
	}}
	hidden := problem.Rules{NotFoundIsPermission: true}
	for _, tt := range []struct {
		name      string
		status    int
		challenge string
		body      problem.Problem
		rules     problem.Rules
		want      problem.Kind
	}{
		{"a good status", 200, "", problem.Problem{Code: "LIMIT"}, rules, problem.Other},
		{"the code decides", 403, "", problem.Problem{Code: "LIMIT"}, rules, problem.RateLimited},
		{"the code decides before the challenge", 401, `error="invalid_token"`, problem.Problem{Code: "SCOPE"}, rules, problem.Permission},
		{"not where the server failed", 503, "", problem.Problem{Code: "LIMIT"}, rules, problem.Other},
		{"an unknown code", 429, "", problem.Problem{Code: "X"}, rules, problem.RateLimited},
		{"no rules", 429, "", problem.Problem{Code: "SCOPE"}, problem.Rules{}, problem.RateLimited},
		{"scope in the challenge", 401, `Bearer error="insufficient_scope"`, problem.Problem{}, rules, problem.Permission},
		{"401", 401, "", problem.Problem{}, rules, problem.InvalidKey},
		{"401 that misses the key", 401, "", problem.Problem{Message: "API key is required"}, rules, problem.MissingKey},
		{"401 that speaks of both", 401, "", problem.Problem{Message: "a valid key is required, the key is expired"}, rules, problem.InvalidKey},
		{"401 with a challenge that knows better", 401, `error="invalid_token"`, problem.Problem{Message: "token is required"}, rules, problem.InvalidKey},
		{"403", 403, "", problem.Problem{}, rules, problem.Permission},
		{"403 for the key", 403, "", problem.Problem{Message: "Invalid API key"}, rules, problem.InvalidKey},
		{"404", 404, "", problem.Problem{}, rules, problem.Other},
		{"404 that hides a permission", 404, "", problem.Problem{}, hidden, problem.Permission},
		{"400", 400, "", problem.Problem{Message: "missing"}, rules, problem.Other},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Www-Authenticate": {tt.challenge}}
			if got := problem.Classify(tt.status, header, tt.body, tt.rules); got != tt.want {
				t.Errorf("kind %d, want %d", got, tt.want)
			}
		})
	}
}

func TestARequestIDIsTakenFromTheHeaderFirst(t *testing.T) {
	t.Parallel()
	body := problem.Problem{RequestID: "body"}
	for want, h := range map[string]http.Header{
		"body": {}, "a": {"X-Request-Id": {"a"}, "Cf-Ray": {"b"}}, "b": {"Cf-Ray": {"b"}},
	} {
		if got := problem.RequestID(h, body); got != want {
			t.Errorf("%v: %q, want %q", h, got, want)
		}
	}
}

func FuzzABodyIsReadWithoutSurprise(f *testing.F) {
	for _, body := range []string{
		`{"error":{"code":401,"message":null},"code":1e999,"requestId":{}}`, "<html><title>502 Bad\nGateway</title></html>", "<h1>no</h1><script>",
		"", "null", "42", "[1]", `"text"`, "{", "\xff\xfe{", "\ufeff{}", `{"error":"invalid_token","error_description":"expired"}`,
	} {
		f.Add([]byte(body), 401, `Bearer error="invalid_token"`)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, challenge string) {
		p := problem.Parse(body)
		for _, s := range []string{p.Code, p.Message, p.RequestID} {
			if len(s) > 3*len(body) { // an invalid byte becomes the three of U+FFFD
				t.Fatalf("%d bytes out of %d", len(s), len(body))
			}
		}
		kind := problem.Classify(status, http.Header{"Www-Authenticate": {challenge}}, p, problem.Rules{})
		if kind != problem.Other && status < 400 || kind == problem.Other && (status == 401 || status == 403 || status == 429) {
			t.Fatalf("status %d is of kind %d", status, kind)
		}
	})
}
