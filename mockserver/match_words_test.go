package mockserver_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// What can never match is an error: "at most 0" would pass in vain.
func TestVerifyRefusesWhatCanNeverMatch(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for want, m := range map[string]mockserver.Match{
		`did you mean "POST"?`:         {Method: "post"},
		"does not begin with a slash":  {Path: "rooms"},
		"unknown provider":             {Provider: "acme"},
		"unknown outcome":              {Outcome: "fine"},
		"a name is empty":              {Headers: []string{""}},
		"not a string, number, boolea": {Body: map[string]any{"a": []int{1}}},
	} {
		for name, err := range map[string]error{"Verify": srv.Verify(m, mockserver.AtMost(0)), "VerifyInOrder": srv.VerifyInOrder(m)} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %q: %v", name, want, err)
			}
		}
	}
}

// What was wanted is told in words, not as a Go value.
func TestVerifySaysWhatItWantedInWords(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for want, m := range map[string]mockserver.Match{
		"0 requests match (any request), want 2":                                     {},
		"0 requests match (POST /rooms/*, of imkit, outcome ok, status 200), want 2": {Provider: "imkit", Method: "POST", Path: "/rooms/*", Outcome: "ok", Status: 200},
		`0 requests match (key key_1, query a=1, header X-A, body a.b="c"), want 2`:  {KeyID: "key_1", Query: map[string]string{"a": "1"}, Headers: []string{"X-A"}, Body: map[string]any{"a.b": "c"}},
		"0 requests match (GET, body n=1, body z=null), want 2":                      {Method: "GET", Body: map[string]any{"z": nil, "n": 1}},
	} {
		if d := cmp.Diff("mockserver: "+want, srv.Verify(m, mockserver.Exactly(2)).Error()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	got := adminCall(t, srv, "POST", "/v1/namespaces/default/requests/verify", `{"inOrder":[{"path":"/rooms"}]}`)
	if !strings.Contains(got.body, `"why":"no request matches step 1: /rooms"`) {
		t.Errorf("%s", got.body)
	}
}

// Somebody may look for a key in a request: the failure of a test must not print it.
func TestVerifyDoesNotRepeatAKey(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	const foreign = "prod-0123456789abcdefghij"
	minted := srv.Keys().Issue(mockserver.Iiniit).Secret.Reveal()
	for _, key := range []string{minted, foreign} {
		for name, m := range map[string]mockserver.Match{
			"query": {Query: map[string]string{"api_key": key}},
			"body":  {Body: map[string]any{"api_key": key}},
		} {
			for _, err := range []error{srv.Verify(m, mockserver.AtLeast(1)), srv.VerifyInOrder(m)} {
				if err == nil || strings.Contains(err.Error(), key[5:]) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if err := srv.Verify(mockserver.Match{Path: "/x/" + minted}, mockserver.AtLeast(1)); err == nil || strings.Contains(err.Error(), minted[5:]) {
		t.Errorf("path: %v", err)
	}
}

// Of two members of one name a decoder takes one, and nobody knows which was meant.
func TestTheAdminAPIRefusesAMemberThatOccursTwice(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for path, body := range map[string]string{
		"/v1/namespaces":                         `{"name":"a","name":"b"}`,
		"/v1/namespaces/default/faults":          `{"fault":{"kind":"status","status":503,"status":500}}`,
		"/v1/namespaces/default/requests/verify": `{"match":{"method":"GET","method":"PUT"},"n":0}`,
	} {
		if got := adminCall(t, srv, "POST", path, body); got.status != 400 || !strings.Contains(got.body, "occurs twice") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}
