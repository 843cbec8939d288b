package mockserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// Bodies as printed on the vendors' pages.
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
	imkitForbidden = `{
  "error": "INSUFFICIENT_PERMISSIONS",
  "message": "API key does not have permission for this operation"
}`
	optimoveLimited = `{"status": 429, "error": "Too Many Requests", "message": "You have exceeded the rate limit for this API group. Please retry later."}`
)

// foreignKey is a key that no mock made, in IMKIT's shape.
const foreignKey = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcT09"

func TestEveryBadCredentialIsRefused(t *testing.T) {
	t.Parallel()
	type set func(*http.Request, mockserver.Issued)
	header := func(name, prefix string) set {
		return func(r *http.Request, k mockserver.Issued) { r.Header.Set(name, prefix+k.Secret.Reveal()) }
	}
	tests := map[string]struct {
		p       mockserver.Provider
		opts    []mockserver.KeyOption
		set     set
		status  int
		outcome mockserver.Outcome
		body    string
		why     string // part of the sentence
	}{
		"imin nothing":          {mockserver.Imin, nil, func(*http.Request, mockserver.Issued) {}, 401, mockserver.MissingKey, "", "imin wants `X-API-KEY`"},
		"imin foreign key":      {mockserver.Imin, nil, func(r *http.Request, _ mockserver.Issued) { r.Header.Set("X-API-KEY", strings.Repeat("a", 32)) }, 401, mockserver.NotAMockKey, "", "production key"},
		"imin bearer":           {mockserver.Imin, nil, header("Authorization", "Bearer "), 401, mockserver.WrongHeader, "", "sent `Authorization` with scheme `Bearer`"},
		"imin empty":            {mockserver.Imin, nil, func(r *http.Request, _ mockserver.Issued) { r.Header.Set("X-API-KEY", "") }, 401, mockserver.MissingKey, "", "empty value"},
		"imin twice":            {mockserver.Imin, nil, func(r *http.Request, k mockserver.Issued) { k.Apply(r); r.Header.Add("X-API-KEY", "again") }, 401, mockserver.DuplicateKey, "", "more than one"},
		"imin in the query":     {mockserver.Imin, nil, func(r *http.Request, k mockserver.Issued) { r.URL.RawQuery = "api_key=" + k.Secret.Reveal() }, 401, mockserver.WrongHeader, "", "sent `?api_key=`"},
		"mindkey nothing":       {mockserver.MindKey, nil, func(*http.Request, mockserver.Issued) {}, 401, mockserver.MissingKey, `{"Message":"Unauthorized"}`, "ApiKey-v2"},
		"mindkey old scheme":    {mockserver.MindKey, nil, header("Authorization", "ApiKey-v1 "), 401, mockserver.WrongScheme, "", "sent `Authorization` with scheme `ApiKey-v1`"},
		"mindkey no scheme":     {mockserver.MindKey, nil, header("Authorization", ""), 401, mockserver.WrongScheme, "", "without a scheme"},
		"mindkey other header":  {mockserver.MindKey, nil, header("X-API-KEY", ""), 401, mockserver.WrongHeader, "", "sent `X-API-KEY`; MindKey wants `Authorization: ApiKey-v2 ...`"},
		"mindkey missing scope": {mockserver.MindKey, []mockserver.KeyOption{mockserver.Scopes("Leave")}, header("Authorization", "ApiKey-v2 "), 404, mockserver.InsufficientScope, `{"Message":"Not Found"}`, "lacks scope `Employee`"},
		"imkit nothing":         {mockserver.IMKIT, nil, func(*http.Request, mockserver.Issued) {}, 401, mockserver.MissingKey, imkitMissing, "`IM-API-KEY`"},
		"imkit foreign key":     {mockserver.IMKIT, nil, func(r *http.Request, _ mockserver.Issued) { r.Header.Set("IM-API-KEY", foreignKey) }, 401, mockserver.NotAMockKey, imkitInvalid, "not issued by a mock"},
		"imkit pair on admin":   {mockserver.IMKIT, []mockserver.KeyOption{mockserver.ClientKey("u")}, func(r *http.Request, k mockserver.Issued) { k.Apply(r) }, 403, mockserver.InsufficientScope, imkitForbidden, "wants an API key"},
		"imkit half a pair":     {mockserver.IMKIT, []mockserver.KeyOption{mockserver.ClientKey("u")}, header("IM-CLIENT-KEY", ""), 401, mockserver.MissingPair, "", "without `IM-Authorization`"},
		"imkit token alone":     {mockserver.IMKIT, nil, header("IM-Authorization", ""), 401, mockserver.MissingPair, "", "without `IM-CLIENT-KEY`"},
		"imkit key and pair":    {mockserver.IMKIT, nil, func(r *http.Request, k mockserver.Issued) { k.Apply(r); r.Header.Set("IM-Authorization", "t") }, 401, mockserver.DuplicateKey, imkitInvalid, "more than one"},
		"imkit key as client key": {mockserver.IMKIT, nil, func(r *http.Request, k mockserver.Issued) {
			r.Header.Set("IM-CLIENT-KEY", k.Secret.Reveal())
			r.Header.Set("IM-Authorization", "x")
		}, 403, mockserver.UnknownKey, "", "another kind"},
		"optimove nothing":     {mockserver.Optimove, nil, func(*http.Request, mockserver.Issued) {}, 401, mockserver.MissingKey, "Missing API Key", "`X-API-KEY`"},
		"optimove foreign key": {mockserver.Optimove, nil, func(r *http.Request, _ mockserver.Issued) { r.Header.Set("X-API-KEY", "sk_live_1") }, 403, mockserver.NotAMockKey, "Invalid API Key", "production key"},
		"iiniit header and query": {mockserver.Iiniit, nil, func(r *http.Request, k mockserver.Issued) {
			k.Apply(r)
			r.URL.RawQuery = "api_key=" + k.Secret.Reveal()
		}, 401, mockserver.DuplicateKey, "", "more than one"},
		"iiniit key as bearer": {mockserver.Iiniit, nil, header("Authorization", "Bearer "), 401, mockserver.UnknownKey, "", "another kind"},
		"iiniit basic":         {mockserver.Iiniit, nil, header("Authorization", "Basic "), 401, mockserver.WrongScheme, "", "with scheme `Basic`"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t)
			key := srv.Keys().Issue(tt.p, tt.opts...)
			method, path := probe(tt.p)
			r := newRequest(t, tt.p, method, path, "")
			tt.set(r, key)
			got := call(t, srv.Transport(), r)
			if got.status != tt.status || tt.body != "" && got.body != tt.body {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tt.status, tt.body)
			}
			why := got.header.Get("X-Mock-Diagnosis")
			if !strings.HasPrefix(why, string(tt.outcome)+": ") || !strings.Contains(why, tt.why) {
				t.Errorf("diagnosis %q, want %s with %q", why, tt.outcome, tt.why)
			}
			srv.Expect(t, mockserver.Match{Outcome: tt.outcome, Status: tt.status}, 1)
		})
	}
}

func TestAccessTypesRefuseTheWrongOne(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt := srv.Transport()
	want := map[mockserver.AccessType]int{mockserver.Admin: 200, mockserver.Transactional: 200, mockserver.Integrations: 403}
	got := map[mockserver.AccessType]int{}
	for access := range want {
		r := newRequest(t, mockserver.Optimove, "GET", "/current/customers/GetCustomerOneTimeActionsByDate?Date=2027-01-01", "")
		srv.Keys().Issue(mockserver.Optimove, mockserver.Access(access)).Apply(r)
		got[access] = call(t, rt, r).status
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("statuses (-want +got):\n%s", d)
	}
	srv.Expect(t, mockserver.Match{Outcome: mockserver.AccessDenied}, 1)
}

func TestKeysOfOneVendorOrServerAreUnknownElsewhere(t *testing.T) {
	t.Parallel()
	srv, other := mockserver.New(t), mockserver.New(t)
	r := newRequest(t, mockserver.Optimove, "GET", "/current/general/GetLastDataUpdate", "")
	r.Header.Set("X-API-KEY", srv.Keys().Issue(mockserver.Imin).Secret.Reveal())
	if why := call(t, srv.Transport(), r).header.Get("X-Mock-Diagnosis"); !strings.Contains(why, "is a key of imin, sent to Optimove") {
		t.Errorf("diagnosis %q", why)
	}
	for _, p := range mockserver.Providers() {
		if why := get(t, srv.Transport(), other.Keys().Issue(p)).header.Get("X-Mock-Diagnosis"); !strings.Contains(why, "well-formed mock key") {
			t.Errorf("%s: diagnosis %q", p, why)
		}
	}
	srv.Expect(t, mockserver.Match{Outcome: mockserver.UnknownKey}, 1+len(mockserver.Providers()))
}

func TestAPairIsRefusedForTheHalfThatIsWrong(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	keys := srv.Keys()
	send := func(client, token mockserver.Secret) answer {
		r := newRequest(t, mockserver.IMKIT, "GET", "/me", "")
		r.Header.Set("IM-CLIENT-KEY", client.Reveal())
		r.Header.Set("IM-Authorization", token.Reveal())
		return call(t, srv.Transport(), r)
	}
	pair := keys.Issue(mockserver.IMKIT, mockserver.ClientKey("user001"), mockserver.ExpiresIn(time.Hour))
	if got := send(pair.Secret, pair.Token); got.status != 200 || !strings.Contains(got.body, `"_id":"user001"`) {
		t.Errorf("good pair: %d %s", got.status, got.body)
	}
	if got := send(pair.Secret, pair.Secret); got.status != 401 || !strings.Contains(got.body, "INVALID_TOKEN") {
		t.Errorf("bad token: %d %s", got.status, got.body)
	}
	if got := send(pair.Token, pair.Token); got.status != 403 || !strings.Contains(got.body, "INVALID_CLIENT_KEY") {
		t.Errorf("bad client key: %d %s", got.status, got.body)
	}
	srv.Clock().Advance(time.Hour)
	if got := send(pair.Secret, pair.Token); got.status != 401 || !strings.Contains(got.body, "INVALID_TOKEN") {
		t.Errorf("expired token: %d %s", got.status, got.body)
	}
	_ = keys.Revoke(pair.ID, "")
	if got := send(pair.Secret, pair.Token); got.status != 403 || !strings.Contains(got.body, "INVALID_CLIENT_KEY") {
		t.Errorf("revoked client key: %d %s", got.status, got.body)
	}
}

func TestEveryCarrierOfIiniitIsAccepted(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt, key, token := srv.Transport(), srv.Keys().Issue(mockserver.Iiniit), srv.Keys().Issue(mockserver.Iiniit, mockserver.Bearer())
	query := newRequest(t, mockserver.Iiniit, "GET", "/resource?api_key="+key.Secret.Reveal(), "")
	if a, b, c := get(t, rt, key).status, get(t, rt, token).status, call(t, rt, query).status; a != 200 || b != 200 || c != 200 {
		t.Errorf("ApiKey %d, Bearer %d, query %d", a, b, c)
	}
}

func TestAProfileChangesAnswers(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t,
		mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Shape: mockserver.Enveloped}),
		mockserver.WithProfile(mockserver.Imin, mockserver.Profile{Answers: map[mockserver.Outcome]mockserver.Answer{
			mockserver.MissingKey: {Status: 418, Body: "teapot"},
		}}))
	got := call(t, srv.Transport(), newRequest(t, mockserver.IMKIT, "GET", "/admin/clients", ""))
	want := `{"RC": 401, "RM": "Unauthorized", "error": {"code": "MISSING_API_KEY", "message": "IM-API-KEY header is required"}}`
	if got.body != want {
		t.Errorf("enveloped:\n%s\nwant\n%s", got.body, want)
	}
	if got := call(t, srv.Transport(), newRequest(t, mockserver.Imin, "GET", "/x", "")); got.status != 418 || got.body != "teapot" {
		t.Errorf("own answer: %d %s", got.status, got.body)
	}
}

func TestVerifySaysTheOutcomeAndChangesNothing(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Minute})
	key := srv.Keys().Issue(mockserver.IMKIT)
	r := newRequest(t, mockserver.IMKIT, "GET", "/admin/clients", "")
	key.Apply(r)
	for range 3 {
		if d := srv.Keys().Verify(mockserver.IMKIT, r); d.Outcome != mockserver.OK {
			t.Fatalf("%+v", d)
		}
	}
	get(t, srv.Transport(), key)
	want := mockserver.Diagnosis{Outcome: mockserver.RateLimited, KeyID: key.ID, RetryAfter: time.Minute, Why: "the key's window is full"}
	if d := cmp.Diff(want, srv.Keys().Verify(mockserver.IMKIT, r)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	srv.Expect(t, mockserver.Match{}, 1)
}
