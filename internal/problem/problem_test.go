package problem_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/problem"
)

func TestEveryShapeOfABodyIsRead(t *testing.T) {
	t.Parallel()
	type want struct{ Code, Message, RequestID, Text string }
	for _, tt := range []struct {
		name, body string
		want       want
	}{
		{"nothing", "", want{}},
		{"code and message", `{"error":"INVALID_API_KEY","message":"no"}`, want{Code: "INVALID_API_KEY", Message: "no"}},
		{"an inner error", `{"RC":401,"RM":"outer","error":{"code":"C","message":"inner"}}`, want{Code: "C", Message: "inner"}},
		{"an inner error without words", `{"RM":"outer","error":{"code":7}}`, want{Code: "7", Message: "outer"}},
		{"an inner error with the status again", `{"code":"C","error":{"code":404,"message":"m"}}`, want{Code: "C", Message: "m"}},
		{"a message alone", `{"Message":"Unauthorized"}`, want{Message: "Unauthorized"}},
		{"a sentence in place of a code", `{"status":429,"error":"Too Many Requests","message":"m"}`, want{Message: "m"}},
		{"the status' name in place of a code", `{"status":403,"error":"Forbidden","message":"","path":"/x"}`, want{Message: "Forbidden"}},
		{"a code that is no status' name", `{"status":403,"error":"forbidden_region"}`, want{Code: "forbidden_region"}},
		{"a sentence alone", `{"error":"Too Many Requests"}`, want{Message: "Too Many Requests"}},
		{"RFC 9457", `{"type":"about:blank","title":"t","status":403,"detail":"d","instance":"/x"}`, want{Message: "d"}},
		{"RFC 9457 without detail", `{"title":"t","status":403}`, want{Message: "t"}},
		{"RFC 6749", `{"error":"invalid_token","error_description":"expired"}`, want{Code: "invalid_token", Message: "expired"}},
		{"a request id", `{"code":"C","requestId":"r-1"}`, want{Code: "C", RequestID: "r-1"}},
		{"a request id that is a number", `{"code":"C","requestId":7}`, want{Code: "C", RequestID: "7"}},
		{"a request id within", `{"error":{"code":"C","message":"m","innerError":{"request-id":"r-1"}}}`, want{Code: "C", Message: "m", RequestID: "r-1"}},
		{"a code that is a number", `{"code":1001,"message":"m"}`, want{Code: "1001", Message: "m"}},
		{"a code that is the status", `{"code":404,"reason":"NotFound","message":"m"}`, want{Code: "NotFound", Message: "m"}},
		{"a code in capitals beside a verdict", `{"status":"ERROR","name":"BAD","message":"m"}`, want{Code: "BAD", Message: "m"}},
		{"members that are no text", `{"code":[1],"message":null,"requestId":{}}`, want{}},
		{"members of another kind", `{"error":[[[]]],"errors":7,"detail":true,"fault":"x","type":{}}`, want{}},
		{"after a byte order mark", "\ufeff" + `{"message":"m"}`, want{Message: "m"}},
		{"a message in a message", `{"error":{"code":"C","message":{"lang":"en","value":"m"}}}`, want{Code: "C", Message: "m"}},
		{"a message for each field", `{"message":{"name":["is short","is blank"],"age":"is no number"}}`, want{Message: "age: is no number; name: is short; name: is blank"}},
		{"errors for each field", `{"title":"t","errors":{"Name":["is required"]}}`, want{Message: "Name: is required"}},
		{"a list of messages", `{"statusCode":400,"message":["a","b"],"error":"Bad Request"}`, want{Message: "a; b"}},
		{"errors in text", `{"errors":"not found"}`, want{Message: "not found"}},
		{"errors that are a code", `{"errors":"NOT_FOUND"}`, want{Code: "NOT_FOUND"}},
		{"a list of inner errors", `{"error":[{"code":"C","message":"m"},{"code":"D","message":"n"}]}`, want{Code: "C", Message: "m; n"}},
		{"a list of texts in error", `{"error":["m","n"]}`, want{Message: "m; n"}},
		{"an envelope in a list", `[{"error":{"code":401,"message":"m","status":"UNAUTHENTICATED"}}]`, want{Code: "UNAUTHENTICATED", Message: "m"}},
		{"an error in the status", `{"status":{"error_code":1001,"error_message":"m"}}`, want{Code: "1001", Message: "m"}},
		{"an error in meta", `{"meta":{"code":400,"error_type":"C","error_message":"m"}}`, want{Code: "C", Message: "m"}},
		{"a meta without an error", `{"meta":{"code":"C","message":"m","page":1},"errors":[{"code":"D","title":"t"}]}`, want{Code: "D", Message: "t"}},
		{"a code in detail", `{"detail":{"error":"C","retry_after":7}}`, want{Code: "C"}},
		{"a summary", `{"error_summary":"path/not_found/..","error":{".tag":"path"}}`, want{Message: "path/not_found/.."}},
		{"capitals", `{"ErrorCode":"C","ErrorMessage":"m"}`, want{Code: "C", Message: "m"}},
		{"many errors", `[` + strings.TrimSuffix(strings.Repeat(`"m",`, 20), ",") + `]`, want{Message: strings.Repeat("m; ", 15) + "…"}},
		{"a JSON text", `"no"`, want{Text: "no"}},
		{"HTML with a title", "<html><title>\n502 &amp; more</title></html>", want{Message: "502 & more"}},
		{"HTML without a title", "<h1>Access <b>denied</b></h1>", want{Text: "Access  denied"}},
		{"XML of an error", `<?xml version="1.0" encoding="ISO-8859-1"?><E><Error><Code>C</Code><Message>m &amp; n</Message></Error><RequestId>r</RequestId></E>`, want{Code: "C", Message: "m & n", RequestID: "r"}},
		{"XML without a code", `<error><message>Dear Alice</message></error>`, want{Text: "Dear Alice"}},
		{"XML of something else", `<a><b>c</b></a>`, want{Text: "c"}},
		{"a SOAP fault", `<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>C</faultcode><faultstring>m</faultstring></s:Fault></s:Body></s:Envelope>`, want{Code: "C", Message: "m"}},
		{"XML that is cut off", `<Error><Code>C</Code><Message>half a mess`, want{Code: "C", Message: "half a mess"}},
		{"HTML with such names", `<html><body><code>x</code><title>t</title></body></html>`, want{Message: "t"}},
		{"broken JSON", `{"message":"m`, want{}},
		{"a list", `[1]`, want{}},
		{"a broken list", `["m`, want{}},
		{"a broken text", `"m`, want{Text: `"m`}},
		{"plain text", "Invalid API Key\n", want{Text: "Invalid API Key"}},
		{"a long text", strings.Repeat("x", 10<<10), want{Text: strings.Repeat("x", 4<<10)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := problem.Parse([]byte(tt.body))
			if diff := cmp.Diff(tt.want, want{p.Code, p.Message, p.RequestID, p.Text}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAnswerHasOneKind(t *testing.T) {
	t.Parallel()
	code := func(code string) problem.Problem { return problem.Problem{Code: code} }
	says := func(words string) problem.Problem { return problem.Problem{Message: words} }
	for _, tt := range []struct {
		name      string
		status    int
		challenge string
		body      problem.Problem
		usedUp    bool
		want      problem.Kind
	}{
		{"401", 401, "", problem.Problem{}, false, problem.InvalidKey},
		{"401 that speaks of a limit in its headers", 401, "", problem.Problem{}, true, problem.InvalidKey},
		{"401 without a key, by its code", 401, "", code("MISSING_API_KEY"), false, problem.MissingKey},
		{"401 with a code", 401, `error="invalid_token"`, code("insufficient_scope"), false, problem.Permission},
		{"401 with a challenge", 401, `Bearer error="insufficient_scope"`, problem.Problem{}, false, problem.Permission},
		{"401 that denies the access", 401, "", code("ACCESS_DENIED"), false, problem.InvalidKey},
		{"403", 403, "", problem.Problem{}, false, problem.Permission},
		{"403 for the key, in words", 403, "", says("Invalid API key"), false, problem.InvalidKey},
		{"403 for the key, in text", 403, "", problem.Problem{Text: "The token expired"}, false, problem.InvalidKey},
		{"403 for the key, by its code", 403, "", code("invalid_auth"), false, problem.InvalidKey},
		{"403 of a limit, by its headers", 403, "", problem.Problem{}, true, problem.RateLimited},
		{"403 of a limit, in words", 403, "", says("API rate limit exceeded for user ID 1."), false, problem.RateLimited},
		{"403 of a limit, in text", 403, "", problem.Problem{Text: "Out of call volume quota. Quota will be replenished in 01:00:00."}, false, problem.RateLimited},
		{"403 of a limit, by its code", 403, "", code("userRateLimitExceeded"), false, problem.RateLimited},
		{"403 of a storage", 403, "", says("The user's storage quota has been exceeded."), false, problem.Permission},
		{"403 of a permission, with an empty window", 403, "", code("INSUFFICIENT_PERMISSIONS"), true, problem.Permission},
		{"403 of a storage, in words", 403, "", problem.Problem{Text: "storage quota exceeded"}, false, problem.Permission},
		{"403 of a quota, in text", 403, "", problem.Problem{Text: "Quota exceeded"}, false, problem.RateLimited},
		{"403 that denies, for a limit", 403, "", problem.Problem{Code: "PERMISSION_DENIED", Reasons: []string{"forbidden", "RATE_LIMIT_EXCEEDED"}}, false, problem.RateLimited},
		{"403 that denies, for the key", 403, "", problem.Problem{Code: "FORBIDDEN", Reasons: []string{"API_KEY_INVALID"}}, false, problem.InvalidKey},
		{"403 that denies, of a kind of errors", 403, "", problem.Problem{Code: "FORBIDDEN", Reasons: []string{"authentication_error"}}, false, problem.Permission},
		{"403 of a scope, of a kind of errors", 403, "", problem.Problem{Code: "INSUFFICIENT_SCOPES", Reasons: []string{"AUTHENTICATION_ERROR"}}, false, problem.Permission},
		{"403 of a permission, with the words of a key", 403, "", says("Your key is not permitted to delete unknown rooms"), false, problem.Permission},
		{"403 of a scope, with the words of a key", 403, "", says("This token lacks a scope: deleted rooms"), false, problem.Permission},
		{"403 for the key, by Azure's code", 403, "", code("AuthenticationFailed"), false, problem.InvalidKey},
		{"404", 404, "", problem.Problem{}, true, problem.Other},
		{"400 of a limit", 400, "", code("ThrottlingException"), false, problem.RateLimited},
		{"400 for the key", 400, "", problem.Problem{Code: "INVALID_ARGUMENT", Reasons: []string{"API_KEY_INVALID"}}, false, problem.InvalidKey},
		{"400 for a token that is a parameter", 400, "", code("invalid_token"), false, problem.Other},
		{"400 in words", 400, "", says("Invalid API key, the rate limit is exceeded"), true, problem.Other},
		{"429", 429, "", code("INVALID_API_KEY"), false, problem.RateLimited},
		{"where the server failed", 503, "", code("RATE_LIMIT_EXCEEDED"), true, problem.Other},
		{"200 of a limit", 200, "", code("ratelimited"), false, problem.RateLimited},
		{"200 for the key", 200, "", code("UNAUTHENTICATED"), false, problem.InvalidKey},
		{"200 without a key", 200, "", code("not_authed"), false, problem.MissingKey},
		{"200 of a permission", 200, "", code("missing_scope"), false, problem.Permission},
		{"200 of something else", 200, "", code("channel_not_found"), true, problem.Other},
		{"a long code", 403, "", code(strings.Repeat("RATE_LIMIT", 20)), false, problem.Permission},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Www-Authenticate": {tt.challenge}}
			if got := problem.Classify(tt.status, header, tt.body, tt.usedUp); got != tt.want {
				t.Errorf("kind %d, want %d", got, tt.want)
			}
		})
	}
}

// A credential came with the request, so a 401 refuses it, whatever words it is in.
func TestTheWordsOfA401DoNotCount(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"", "Unauthorized", "A valid API key is required", "Authentication required", "Missing Authentication Token", "No API key found in request",
		"API key not provided", "credentials are missing", "Please log in", "Full authentication is required to access this resource",
		"You do not have permission", "Too many requests", "rate limit exceeded", "<html>", "no",
	} {
		for _, body := range []string{`{"message":"` + words + `"}`, `{"error":"` + words + `"}`, `{"detail":"` + words + `"}`, `{"errors":["` + words + `"]}`, words, "<h1>" + words + "</h1>"} {
			if got := problem.Classify(401, http.Header{}, problem.Parse([]byte(body)), false); got != problem.InvalidKey {
				t.Errorf("%s: kind %d", body, got)
			}
		}
	}
}

func TestAnErrorInASuccessIsSeen(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"ok":false,"error":"invalid_auth"}`: true, `{"ok":false}`: true, `{"success":false,"errors":[{"code":1,"message":"m"}]}`: true,
		`{"data":null,"errors":[{"message":"m"}]}`: true, `{"error":{"code":1}}`: true, `{"error":"m"}`: true,
		`{"ok":true}`: false, `{"ok":true,"errors":[]}`: false, `{"error":null,"data":{}}`: false, `{"error":"","x":1}`: false, `{"error":false}`: false,
		`{"success":true}`: false, `{"error":0}`: false, `{"errors":{}}`: false, `[{"error":"x"}]`: false, `{"ok":false`: false, ``: false, `text`: false,
	} {
		if _, got := problem.InBand([]byte(body)); got != want {
			t.Errorf("%s: %t", body, got)
		}
	}
}

func TestDetailsAreWhatTheBodySaysBeside(t *testing.T) {
	t.Parallel()
	type item struct{ Code, Message, Path string }
	type want struct {
		Type, Title, Detail, Instance string
		Status                        int
		Errors                        []item
		Members                       string
	}
	for _, tt := range []struct {
		body string
		want want
	}{
		{
			`{"type":"https://e.example/out","title":"t","status":403,"detail":"d","instance":"/1","balance":30,"errors":[{"detail":"must be positive","pointer":"#/age"}]}`,
			want{"https://e.example/out", "t", "d", "/1", 403, []item{{"", "must be positive", "#/age"}}, "balance errors"},
		},
		{
			`{"errors":[{"status":"422","code":"C","detail":"d","source":{"pointer":"/data/a"}},{"code":"D","source":{"parameter":"p"}}]}`,
			want{Errors: []item{{"C", "d", "/data/a"}, {"D", "", "p"}}, Members: "errors"},
		},
		{`{"errors":[{"message":"m","path":["a",0,"b"],"extensions":{"code":"C"}}]}`, want{Errors: []item{{"C", "m", "a.0.b"}}, Members: "errors"}},
		{`{"detail":[{"loc":["body","name"],"msg":"field required","type":"missing"}]}`, want{Errors: []item{{"missing", "field required", "body.name"}}, Members: "detail"}},
		{`{"errors":{"a":["x"],"b":"y","c":7}}`, want{Errors: []item{{"", "x", "a"}, {"", "y", "b"}}, Members: "errors"}},
		{`{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}`, want{Errors: []item{{"API_KEY_INVALID", "", ""}}, Members: "error"}},
		{`[{"errorCode":"C","message":"m","fields":["a"]},"x"]`, want{Errors: []item{{"C", "m", ""}, {"", "x", ""}}}},
		{`{"status":"fail","type":7}`, want{Members: "status type"}},
	} {
		d, ok := problem.ParseDetails([]byte(tt.body))
		got := want{Type: d.Type, Title: d.Title, Detail: d.Detail, Instance: d.Instance, Status: d.Status, Members: strings.Join(slices.Sorted(maps.Keys(d.Members)), " ")}
		for _, it := range d.Errors {
			got.Errors = append(got.Errors, item{it.Code, it.Message, it.Path})
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
			t.Errorf("%s: %t (-want +got):\n%s", tt.body, ok, diff)
		}
	}
	for _, body := range []string{"", "text", "{", `"x"`, "7", "<a/>"} {
		if d, ok := problem.ParseDetails([]byte(body)); ok {
			t.Errorf("%q: %+v", body, d)
		}
	}
}

func TestACodeInAHeader(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"ThrottlingException:http://internal.example/coral/": "ThrottlingException", "com.example#InvalidKey": "InvalidKey", "ExpiredTokenException": "ExpiredTokenException",
		"": "", ":": "", "two words": "", strings.Repeat("x", 65): "",
	} {
		if got := problem.HeaderCode(http.Header{"X-Amzn-Errortype": {sent}}); got != want {
			t.Errorf("%q: %q, want %q", sent, got, want)
		}
	}
	if got := problem.HeaderCode(http.Header{"X-Ms-Error-Code": {"ServerBusy"}}); got != "ServerBusy" {
		t.Errorf("Azure's: %q", got)
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
		if d, _ := problem.ParseDetails(body); len(d.Errors) > 16 {
			t.Fatalf("%d errors", len(d.Errors))
		}
		problem.InBand(body)
		kind := problem.Classify(status, http.Header{"Www-Authenticate": {challenge}}, p, false)
		if kind != problem.Other && status >= 300 && status < 400 || kind == problem.Other && (status == 401 || status == 403 || status == 429) {
			t.Fatalf("status %d is of kind %d", status, kind)
		}
	})
}
