//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const acmeFile = `name: acme
schemes:
  - authorization: Bearer
limit: {requests: 2, per: 1m}
routes:
  - route: GET /v1/items/{id}
    reply: {body: '{"id": "{path.id}"}'}
`

// TestRunPlaysAnAPIOfOnesOwn runs a command against the API of a file.
func TestRunPlaysAnAPIOfOnesOwn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "acme.yaml")
	if err := os.WriteFile(path, []byte(acmeFile), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runKeyfit(t, nil, "run", "--api", path, "--providers", "acme", "--", "sh", "-c", "echo $ACME_BASE_URL $ACME_API_KEY $IMKIT_BASE_URL")
	words := strings.Fields(got.out)
	if got.code != 0 || len(words) != 2 || !strings.HasPrefix(words[0], "http://127.0.0.1:") || len(words[1]) != 32 {
		t.Errorf("got %+v", got)
	}
}

// TestRunTakesOtherKeysOfAnOwnAPIOut gives the command variables that belong to the real API.
func TestRunTakesOtherKeysOfAnOwnAPIOut(t *testing.T) { //nolint:paralleltest // sets environment variables
	path := filepath.Join(t.TempDir(), "acme.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(acmeFile, "acme", "acme-pay", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"ACME_PAY_API_KEY": "sk_live_1", "ACME_PAY_API_KEY_OLD": "sk_live_2", "ACME_PAY_SECRET": "sk_live_3", "ACME_PAY_HOST": "sk_live_4",
		"ACME_PAY_REGION": "region", "ACME_PAYROLL_REGION": "roll", "ACME_TOKEN": "token",
	} {
		t.Setenv(name, value)
	}
	for _, tt := range []struct{ played, want string }{
		{"acme-pay", "[region roll token]"}, {"imkit", "[region roll token]"},
	} {
		got := runKeyfit(t, nil, "run", "--api", path, "--providers", tt.played, "--", "sh", "-c",
			`env | grep -c sk_live; echo "[$ACME_PAY_REGION $ACME_PAYROLL_REGION $ACME_TOKEN]"`)
		if got.out != "0\n"+tt.want+"\n" {
			t.Errorf("%s: %+v", tt.played, got)
		}
	}
}

func TestAnAPIFileWithAMistakeStartsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ text, says string }{
		"member":   {strings.Replace(acmeFile, "limit", "limt", 1), "a.yaml:4: limt: there is no such member"},
		"name":     {strings.Replace(acmeFile, "acme", "imkit", 1), "a.yaml:1: name:"},
		"template": {strings.Replace(acmeFile, "{path.id}", "{path.ib}", 1), "did you mean path.id?"},
	} {
		path := filepath.Join(dir, name, "a.yaml")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := runKeyfit(t, nil, "mock", "--api", path)
		if got.code != 2 || got.out != "" || !strings.Contains(got.err, tt.says) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestRequestsAreCheckedOnRequest holds for an API from a document and for the five.
func TestRequestsAreCheckedOnRequest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "acme.openapi.yaml")
	const text = `openapi: 3.0.3
info: {title: Acme, version: '1'}
paths: {/a: {get: {parameters: [{name: n, in: query, required: true, schema: {type: integer}}], responses: {'200': {description: d}}}}}
components: {securitySchemes: {k: {type: apiKey, in: header, name: X-Acme-Key}}}
security: [{k: []}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const ask = `curl -s -o /dev/null -w '%{http_code} ' -H "X-Acme-Key: $ACME_API_KEY" $ACME_BASE_URL/a $ACME_BASE_URL/a?n=1
curl -s -o /dev/null -D - -H "IM-API-KEY: $IMKIT_API_KEY" $IMKIT_BASE_URL/admin/clients?limit=x | grep -c invalid_request; true`
	for flag, want := range map[string]string{"--validate": "400 200 1\n", "--validate=false": "200 200 0\n"} {
		if got := runKeyfit(t, nil, "run", "--api", path, flag, "--", "sh", "-c", ask); got.code != 0 || got.out != want {
			t.Errorf("%s: %+v", flag, got)
		}
	}
}
