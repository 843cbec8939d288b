package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const payFile = `name: imkit-pay
title: Lorem Pay
schemes: [{cookie: pay}]
access: [Reader, Writer]
limit: {requests: 2, per: 1m}
routes:
  - route: GET /v1/items/{id}
    reply: {body: '{"id": "{path.id}"}'}
`

// apiFile writes the description of an API and returns its path.
func apiFile(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "a,b.yaml") // no comma ends it
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestCommandsKnowTheAPIsOfTheRunningMock gives every command that takes a provider one that
// only the mock knows, although its name is like one of the five.
func TestCommandsKnowTheAPIsOfTheRunningMock(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--api", apiFile(t, payFile), "--providers", "imkit-pay,imkit")
	for _, tt := range []struct {
		line string
		code int
		says string
	}{
		{"keys list --provider imkit-pay", 0, "key_000004"},
		{"keys list --provider IMKIT-Pay", 0, "key_000004"},
		{"keys issue imkit-pay --access Writer -q", 0, ""},
		{"keys issue imkit-pay --access Riter", 2, "Reader, Writer"},
		{"keys issue imkit --access Admn", 2, "Admin"},
		{"requests list --provider imkit-pay", 0, ""},
		{"requests count --provider imkit-pay", 0, "0"},
		{"requests verify --provider imkit-pay --expect 0", 0, ""},
		{"fault add stall --provider imkit-pay", 0, "imkit-pay"},
		{"explain --provider imkit-pay -- curl -b pay=wrong /v1/items/1", 0, "not_a_mock_key"},
		{"openapi imkit-pay", 0, `"/v1/items/{id}"`},
		{"explain --provider imkit-pay -- curl /v1/items/1", 0, "`Cookie: pay=…`"},
		{"data list imkit-pay", 0, ""},
		{"data list", 0, "users"},
		{"namespace create team", 0, "team"},
		{"keys list --provider imkit-pai", 2, `did you mean "imkit-pay"?`},
		{"keys issue imkit-pai", 2, `did you mean "imkit-pay"?`},
		{"keys list --provider zeta", 2, "imkit-pay"},
		{"__complete keys list --provider ", 0, "imkit-pay\n"},
		{"__complete keys issue ", 0, "imkit-pay\n"},
		{"__complete explain --provider ", 0, "imkit-pay\n"},
	} {
		args := strings.Fields(tt.line)
		if strings.HasSuffix(tt.line, " ") {
			args = append(args, "")
		}
		got := runKeyfit(t, env, args...)
		if got.code != tt.code || !strings.Contains(got.out+got.err, tt.says) {
			t.Errorf("%s: %+v, want code %d and %q", tt.line, got, tt.code, tt.says)
		}
	}
	if got := runKeyfit(t, nil, "keys", "list", "--provider", "imkit-pay"); got.code != 2 {
		t.Errorf("without a mock: %+v", got)
	}
}

// TestAReloadReadsTheAPIsAgain changes the file of a running mock.
func TestAReloadReadsTheAPIsAgain(t *testing.T) {
	t.Parallel()
	path := apiFile(t, payFile)
	env := mockFor(t, "--log", "off", "--api", path, "--api", apiFile(t, strings.Replace(payFile, "imkit-pay", "zeta", 1)), "--providers", "imkit-pay")
	item := func() (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["IMKIT_PAY_BASE_URL"]+"/v1/items/1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", "pay="+env["IMKIT_PAY_API_KEY"])
		return fetch(t, r)
	}
	for _, tt := range []struct{ from, to, says, body string }{
		{`"id":`, `"new":`, "", `{"new": "1"}`},
		{"reply", "repli", "a,b.yaml:8: routes[0].repli: there is no such member", `{"new": "1"}`},
		{"cookie: pay", "cookie: pai", "schemes: it cannot change while the mock runs; restart it", `{"new": "1"}`},
		{"name: imkit-pay", "name: other", "imkit-pay", `{"new": "1"}`},
		{"path.id", "path.ib", "did you mean path.id?", `{"new": "1"}`},
		{"limit: {requests: 2", "limit: {requests: 1", "", `{"id": "1"}`},
	} {
		if err := os.WriteFile(path, []byte(strings.Replace(payFile, tt.from, tt.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		status, says := reload(t, env)
		if (status == http.StatusOK) != (tt.says == "") || !strings.Contains(says, tt.says) {
			t.Errorf("%s: %d %s", tt.to, status, says)
		}
		if status, body := item(); status != http.StatusOK || body != tt.body {
			t.Errorf("%s: then %d %s", tt.to, status, body)
		}
		runKeyfit(t, env, "clock", "advance", "1h")
	}
	item()
	if status, _ := item(); status != http.StatusTooManyRequests {
		t.Errorf("the second request in a window of one: %d", status)
	}
}

// TestAReloadReadsTheDocumentsOfValidateAgain changes what a request must fit.
func TestAReloadReadsTheDocumentsOfValidateAgain(t *testing.T) {
	t.Parallel()
	const text = `openapi: 3.0.3
info: {title: Acme, version: '1'}
paths: {/a: {get: {parameters: [{name: n, in: query, required: true, schema: {type: integer}}], responses: {'200': {description: d}}}}}
components: {securitySchemes: {k: {type: apiKey, in: header, name: X-Acme-Key}}}
security: [{k: []}]
x-keyfit: {name: acme}
`
	path := apiFile(t, text)
	env := mockFor(t, "--log", "off", "--api", path, "--providers", "acme", "--validate")
	var got []any
	for _, change := range []string{"required: true", "required: false", "required: {", "required: true"} {
		if err := os.WriteFile(path, []byte(strings.Replace(text, "required: true", change, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		status, _ := reload(t, env)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["ACME_BASE_URL"]+"/a", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Acme-Key", env["ACME_API_KEY"])
		answered, _ := fetch(t, r)
		got = append(got, status == http.StatusOK, answered)
	}
	if d := cmp.Diff([]any{true, 400, true, 200, false, 200, true, 400}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestExplainKnowsAnAPIOfAFile judges a request without a running mock.
func TestExplainKnowsAnAPIOfAFile(t *testing.T) {
	t.Parallel()
	path := apiFile(t, payFile)
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"explain --api FILE --provider imkit-pay -- curl -b pay=x /v1/items/1": {0, "would be refused: not_a_mock_key"},
		"explain --api FILE -- curl http://imkit-pay.localhost/v1/items/1":     {0, "would be refused: missing_key"},
		"explain --api FILE --provider imkit-pai -- curl /v1/items/1":          {2, `did you mean "imkit-pay"?`},
		"explain --api nowhere.yaml -- curl /v1/items/1":                       {2, "nowhere.yaml"},
		"explain --provider imkit-pay -- curl /v1/items/1":                     {2, "imkit-pay"},
		"drift imkit-pay": {2, "an API of your own has no assumptions to ask about"},
	} {
		got := runKeyfit(t, nil, strings.Fields(strings.Replace(line, "FILE", path, 1))...)
		if got.code != want.code || !strings.Contains(got.out+got.err, want.says) {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// fetch sends a request and returns status and body.
func fetch(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body strings.Builder
	if _, err := io.Copy(&body, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body.String()
}

// reload asks the mock to read its files again.
func reload(t *testing.T, env map[string]string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env["KEYFIT_ADMIN_URL"]+"/v1/reload", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+env["KEYFIT_ADMIN_TOKEN"])
	r.Header.Set("Content-Type", "application/json")
	return fetch(t, r)
}
