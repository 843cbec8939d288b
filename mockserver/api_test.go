package mockserver_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

const acme mockserver.Provider = "acme"

// acmeAPI is an API of one's own with a bit of everything.
func acmeAPI() mockserver.API {
	return mockserver.API{
		Name: acme, Title: "Acme", Hosts: []string{"api.acme.example"},
		Schemes:   []mockserver.Scheme{{Header: "X-Acme-Key"}, {Authorization: "Token"}, {Query: "acme_key"}, {Basic: true}},
		Key:       mockserver.KeyShape{Prefix: "sk_test_", Length: 24},
		Life:      90 * 24 * time.Hour,
		Limit:     mockserver.Limit{Requests: 3, Per: time.Minute},
		Quota:     mockserver.QuotaHeaders{Limit: "X-Acme-Limit", Remaining: "X-Acme-Left", Reset: "X-Acme-Reset", ResetAs: "duration"},
		Hints:     mockserver.HintSeconds,
		RequestID: "X-Acme-Request",
		Scopes:    []string{"items:read", "items:write"},
		ErrorBody: `{"err":{"code":"{code}","text":"{message}","id":"{requestId}","after":"{retryAfter}"}}`,
		Refusals: map[mockserver.Outcome]mockserver.Refusal{
			mockserver.UnknownKey: {Code: "BAD", Message: `no "such" key`},
			mockserver.Expired:    {Status: 403, Code: "OLD", Message: "expired"},
		},
		Routes: []mockserver.Route{
			{Pattern: "GET /items/{id}", Scope: "items:read", Reply: mockserver.Reply{Body: `{"id":"{path.id}","q":"{query.q}","key":"{keyId}"}`}},
			{Pattern: "GET /ping", Open: true, Reply: mockserver.Reply{Type: "text/plain", Body: "pong"}},
			{Pattern: "POST /items", Scope: "items:write", Reply: mockserver.Reply{Status: 201, Header: map[string]string{"Location": "/items/1"}}},
		},
	}
}

// acmeRequest is a request to a path of Acme.
func acmeRequest(tb testing.TB, path string) *http.Request {
	tb.Helper()
	return newRequest(tb, acme, "GET", path, "")
}

func TestAnAPIOfOnesOwnHasKeysLifeAndLimit(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()), mockserver.WithFrozenClock(epoch))
	key, err := srv.Keys().TryIssue(acme)
	if err != nil {
		t.Fatal(err)
	}
	rt := srv.Transport()
	send := func() answer {
		r := acmeRequest(t, `/items/a%22b?q=<x>`)
		key.Apply(r)
		return call(t, rt, r)
	}
	got := send()
	want := answer{200, `{"id":"a\"b","q":"\u003cx\u003e","key":"key_000001"}`, http.Header{
		"Content-Type": {"application/json"}, "X-Acme-Limit": {"3"}, "X-Acme-Left": {"2"}, "X-Acme-Reset": {"1m0s"}, "X-Acme-Request": {"req_000000000001"},
	}}
	got.header.Del("Date")
	got.header.Del("Content-Length")
	if d := cmp.Diff(want, got, cmp.AllowUnexported(answer{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	send()
	send()
	srv.Clock().Advance(59 * time.Second)
	limited := send()
	if limited.status != 429 || limited.header.Get("Retry-After") != "1" ||
		limited.body != `{"err":{"code":"rate_limit_exceeded","text":"Too many requests; try again in 1 s.","id":"req_000000000004","after":"1"}}` {
		t.Errorf("limited: %+v", limited)
	}
	srv.Clock().Advance(time.Second)
	if got := send(); got.status != 200 {
		t.Errorf("in the next window: %+v", got)
	}
	srv.Clock().Advance(90*24*time.Hour - time.Minute)
	if got := send(); got.status != 403 || !strings.Contains(got.body, `"code":"OLD"`) {
		t.Errorf("after its life: %+v", got)
	}
}

func TestAKeyGoesWhereTheAPIReadsIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		present func(r *http.Request, key string)
		want    mockserver.Outcome
		says    string
	}{
		"header":           {func(r *http.Request, key string) { r.Header.Set("X-Acme-Key", key) }, mockserver.OK, ""},
		"scheme word":      {func(r *http.Request, key string) { r.Header.Set("Authorization", "token "+key) }, mockserver.OK, ""},
		"query":            {func(r *http.Request, key string) { r.URL.RawQuery = "acme_key=" + key }, mockserver.OK, ""},
		"basic":            {func(r *http.Request, key string) { r.SetBasicAuth(key, "") }, mockserver.OK, ""},
		"basic, password":  {func(r *http.Request, key string) { r.SetBasicAuth(key, "anything") }, mockserver.OK, ""},
		"basic, as secret": {func(r *http.Request, key string) { r.SetBasicAuth("", key) }, mockserver.MissingKey, "without a user"},
		"no base64":        {func(r *http.Request, key string) { r.Header.Set("Authorization", "Basic "+key) }, mockserver.MissingKey, ""},
		"other scheme":     {func(r *http.Request, key string) { r.Header.Set("Authorization", "Bearer "+key) }, mockserver.WrongScheme, "`Bearer`; Acme wants `X-Acme-Key` or `Authorization: Token …`"},
		"imin's header":    {func(r *http.Request, key string) { r.Header.Set("X-API-KEY", key) }, mockserver.WrongHeader, "sent `X-API-KEY`"},
		"two of them":      {func(r *http.Request, key string) { r.Header.Set("X-Acme-Key", key); r.SetBasicAuth(key, "") }, mockserver.DuplicateKey, ""},
		"none":             {func(*http.Request, string) {}, mockserver.MissingKey, "sent no credential"},
		"another's shape":  {func(r *http.Request, _ string) { r.Header.Set("X-Acme-Key", "sk_live_4242424242424242") }, mockserver.NotAMockKey, "production key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()))
			key := srv.Keys().Issue(acme)
			r := acmeRequest(t, "/items/1")
			tt.present(r, key.Secret.Reveal())
			call(t, srv.Transport(), r)
			all := srv.Requests(mockserver.Match{Provider: acme})
			if len(all) != 1 || all[0].Diagnosis.Outcome != tt.want || !strings.Contains(all[0].Diagnosis.Why, tt.says) {
				t.Fatalf("got %+v", all)
			}
			shown, _ := json.Marshal(all)
			secret := key.Secret.Reveal()
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret + ":")), "4242424242"} {
				if strings.Contains(string(shown), form) {
					t.Errorf("the journal shows the key: %s", shown)
				}
			}
		})
	}
}

func TestAKeyOfOnesOwnInAnothersPlaceIsNamed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()))
	key := srv.Keys().Issue(acme)
	for _, tt := range []struct {
		name string
		put  func(*http.Request)
		want mockserver.Diagnosis
	}{
		{"header", func(r *http.Request) { r.Header.Set("X-Acme-Key", key.Secret.Reveal()) }, mockserver.Diagnosis{Outcome: mockserver.WrongHeader, Why: "sent `X-Acme-Key`"}},
		{"query", func(r *http.Request) { r.URL.RawQuery = "acme_key=" + key.Secret.Reveal() }, mockserver.Diagnosis{Outcome: mockserver.WrongHeader, Why: "sent `?acme_key=`"}},
		{"its key in IMKIT's place", func(r *http.Request) { r.Header.Set("IM-API-KEY", key.Secret.Reveal()) }, mockserver.Diagnosis{Outcome: mockserver.UnknownKey, Why: "key_000001 is a key of Acme, sent to IMKIT"}},
	} {
		r := newRequest(t, mockserver.IMKIT, "GET", "/admin/connection-count", "")
		tt.put(r)
		if d := srv.Keys().Verify(mockserver.IMKIT, r); d.Outcome != tt.want.Outcome || !strings.HasPrefix(d.Why, tt.want.Why) {
			t.Errorf("%s: %+v", tt.name, d)
		}
	}
}

func TestAPairIsIssuedSentAndRotatedAsOne(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithAPI(mockserver.API{
		Name: "dog", Schemes: []mockserver.Scheme{{Pair: [2]string{"DOG-API-KEY", "DOG-APP-KEY"}}},
		Key: mockserver.KeyShape{Alphabet: "hex"}, Second: mockserver.KeyShape{Alphabet: "hex", Length: 40},
		Routes: []mockserver.Route{{Pattern: "GET /v1/validate"}},
	}))
	first := srv.Keys().Issue("dog")
	next, err := srv.Keys().Rotate(first.ID, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	send := func(key mockserver.Issued, without string) string {
		r := newRequest(t, "dog", "GET", "/v1/validate", "")
		key.Apply(r)
		r.Header.Del(without)
		res := call(t, srv.Transport(), r)
		return fmt.Sprint(res.status, " ", res.header.Get("X-Mock-Diagnosis"))
	}
	if len(first.Secret.Reveal()) != 32 || len(first.Token.Reveal()) != 40 || first.Kind != mockserver.KindPair {
		t.Errorf("issued %+v", first)
	}
	got := []string{send(first, ""), send(next, ""), send(next, "DOG-API-KEY"), send(next, "DOG-APP-KEY")}
	srv.Clock().Advance(time.Minute)
	got = append(got, send(first, ""), send(next, ""))
	want := []string{
		"200 ", "200 ",
		"401 missing_pair: sent `DOG-APP-KEY` without `DOG-API-KEY`; dog wants both",
		"401 missing_pair: sent `DOG-API-KEY` without `DOG-APP-KEY`; dog wants both",
	}
	if d := cmp.Diff(want, got[:4]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !strings.HasPrefix(got[4], "401 expired") || got[5] != "200 " {
		t.Errorf("after the overlap: %q", got[4:])
	}
}

func TestHandleAnswersBehindKeyLimitFaultsAndJournal(t *testing.T) {
	t.Parallel()
	for _, p := range append(mockserver.Providers(), acme) {
		srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()), mockserver.WithLimit(p, mockserver.Limit{Requests: 2, Per: time.Minute}))
		key := srv.Keys().Issue(p)
		get(t, srv.Transport(), srv.Keys().Issue(p)) // the routes exist before the stub does
		srv.Handle(p, "GET /stub/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = fmt.Fprintf(w, "stub %s", r.PathValue("id"))
		}))
		send := func(apply func(*http.Request)) string {
			r := newRequest(t, p, "GET", "/stub/7", "")
			apply(r)
			got := call(t, srv.Transport(), r)
			return fmt.Sprint(got.status, " ", got.body)
		}
		got := []string{send(func(*http.Request) {})[:3], send(key.Apply), send(key.Apply), send(key.Apply)[:3]}
		if d := cmp.Diff([]string{"401", "202 stub 7", "202 stub 7", "429"}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", p, d)
		}
		srv.Expect(t, mockserver.Match{Provider: p, Path: "/stub/7"}, 4)
		if err := srv.Reset(mockserver.KeepKeys); err != nil {
			t.Fatal(err)
		}
		if got := send(key.Apply); got != "202 stub 7" {
			t.Errorf("%s: after a reset: %s", p, got)
		}
	}
}

func TestAStubReplacesAnOperationAndNeedsAScope(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()))
	for _, body := range []string{"one", "two"} {
		if err := srv.AddRoute(mockserver.MindKey, mockserver.Route{
			Pattern: "GET /ping", Scope: "Employee", Reply: mockserver.Reply{Type: "text/plain", Body: body},
		}); err != nil {
			t.Fatal(err)
		}
	}
	ping := func(opts ...mockserver.KeyOption) answer {
		r := newRequest(t, mockserver.MindKey, "GET", "/ping", "")
		srv.Keys().Issue(mockserver.MindKey, opts...).Apply(r)
		return call(t, srv.Transport(), r)
	}
	if got := ping(); got.body != "two" {
		t.Errorf("got %+v", got)
	}
	if got := ping(mockserver.Scopes()); got.status != 404 || !strings.Contains(got.header.Get("X-Mock-Diagnosis"), "lacks scope `Employee`") {
		t.Errorf("without the scope: %+v", got)
	}
	if err := srv.AddRoute("nobody", mockserver.Route{Pattern: "GET /"}); !errors.Is(err, mockserver.ErrNoSuchVendor) {
		t.Errorf("an unknown provider: %v", err)
	}
}

func TestAMistakeInADescriptionIsNamed(t *testing.T) {
	t.Parallel()
	with := func(change func(*mockserver.API)) mockserver.API {
		a := acmeAPI()
		change(&a)
		return a
	}
	route := func(r mockserver.Route) mockserver.API {
		return with(func(a *mockserver.API) { a.Routes = []mockserver.Route{r} })
	}
	for _, tt := range []struct {
		api          mockserver.API
		member, says string
	}{
		{with(func(a *mockserver.API) { a.Name = "Acme" }), "name", "small letter"},
		{with(func(a *mockserver.API) { a.Name = "imkit" }), "name", "taken"},
		{with(func(a *mockserver.API) { a.Hosts = []string{"https://x"} }), "hosts[0]", "without scheme"},
		{with(func(a *mockserver.API) { a.Hosts = []string{"search.imin.co"} }), "hosts[0]", "another API's"},
		{with(func(a *mockserver.API) { a.Schemes = nil }), "schemes", "there is none"},
		{with(func(a *mockserver.API) { a.Schemes[1] = mockserver.Scheme{Header: "X-B", Basic: true} }), "schemes[1]", "exactly one"},
		{with(func(a *mockserver.API) { a.Schemes[1] = a.Schemes[0] }), "schemes[1]", "same as schemes[0]"},
		{with(func(a *mockserver.API) { a.Schemes[0].Header = "User-Agent" }), "schemes[0].header", "meaning of its own"},
		{with(func(a *mockserver.API) { a.Schemes[0].Header = "Authorization" }), "schemes[0].header", "authorization: WORD"},
		{with(func(a *mockserver.API) { a.Key.Alphabet = "base26" }), "key.alphabet", "did you mean base32?"},
		{with(func(a *mockserver.API) { a.Key.Length = 9 }), "key.length", "13 or more"},
		{with(func(a *mockserver.API) { a.Second.Length = 40 }), "second", "only a pair"},
		{with(func(a *mockserver.API) { a.Life = -1 }), "life", "not between"},
		{with(func(a *mockserver.API) { a.Limit.Per = 0 }), "limit", "positive"},
		{with(func(a *mockserver.API) { a.Quota.ResetAs = "second" }), "quota.resetAs", "did you mean seconds?"},
		{with(func(a *mockserver.API) { a.Quota.Reset = "Content-Length" }), "quota.reset", "writes Content-Length itself"},
		{with(func(a *mockserver.API) { a.Scopes = []string{"a", "a"} }), "scopes[1]", "twice"},
		{with(func(a *mockserver.API) { a.ErrorBody = "{mesage}" }), "errorBody", "did you mean message?"},
		{with(func(a *mockserver.API) { a.RequestID = "" }), "errorBody", "{requestId} needs requestId"},
		{with(func(a *mockserver.API) { a.Refusals = map[mockserver.Outcome]mockserver.Refusal{"expird": {}} }), "refusals.expird", "did you mean expired?"},
		{with(func(a *mockserver.API) { a.Refusals[mockserver.Expired] = mockserver.Refusal{Status: 200} }), "refusals.expired.status", "between 400 and 599"},
		{route(mockserver.Route{Pattern: "items"}), "routes[0].route", "method and a path"},
		{route(mockserver.Route{Pattern: "GET /{a}/{a}"}), "routes[0].route", "{a} twice"},
		{route(mockserver.Route{Pattern: "GET /{a...}"}), "routes[0].route", "segment"},
		{route(mockserver.Route{Pattern: "GET /a", Scope: "items:raed"}), "routes[0].scope", "did you mean items:read?"},
		{route(mockserver.Route{Pattern: "GET /a", Open: true, Scope: "items:read"}), "routes[0].open", "without a key"},
		{route(mockserver.Route{Pattern: "GET /a/{id}", Reply: mockserver.Reply{Body: "{path.di}"}}), "routes[0].reply.body", "did you mean path.id?"},
		{route(mockserver.Route{Pattern: "GET /a", Reply: mockserver.Reply{Body: "{query.acme_key}"}}), "routes[0].reply.body", "no value"},
		{route(mockserver.Route{Pattern: "GET /a", Reply: mockserver.Reply{Header: map[string]string{"A": "b\nc"}}}), "routes[0].reply.header.A", "one line"},
		{with(func(a *mockserver.API) { a.Routes = append(a.Routes, mockserver.Route{Pattern: "GET /items/{x}"}) }), "routes[3].route", "same requests as routes[0]"},
	} {
		_, err := mockserver.NewHandler(mockserver.WithAPI(tt.api))
		wrong, ok := errors.AsType[*mockserver.DefinitionError](err)
		if !ok || wrong.Member != tt.member || !strings.Contains(wrong.Problem, tt.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s (%s): %v", tt.member, tt.says, err)
		}
	}
	if _, err := mockserver.NewHandler(mockserver.WithAPI(acmeAPI(), acmeAPI())); err == nil {
		t.Error("two APIs have one name")
	}
}

// TestAnAPIOfOnesOwnIsExportedWithItsScheme asks the admin API for what others need to call it.
func TestAnAPIOfOnesOwnIsExportedWithItsScheme(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()))
	key := srv.Keys().Issue(acme)
	for _, put := range []func(*http.Request){
		key.Apply,
		func(r *http.Request) { r.URL.RawQuery = "acme_key=" + key.Secret.Reveal() },
		func(r *http.Request) { r.SetBasicAuth(key.Secret.Reveal(), "") },
	} {
		r := acmeRequest(t, "/items/1")
		put(r)
		call(t, srv.Transport(), r)
	}
	admin := func(path string) string {
		r := newRequest(t, acme, "GET", path, "")
		r.URL.Host, r.Host = "localhost", "localhost"
		r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
		w := httptest.NewRecorder()
		srv.AdminHandler().ServeHTTP(w, r)
		return w.Body.String()
	}
	for path, want := range map[string]string{
		"/v1/namespaces/default/requests/export?format=curl&provider=acme": `-H "X-Acme-Key: $ACME_API_KEY"`,
		"/v1/namespaces/default/requests/export?format=go":                 "is not one of the five providers",
		"/openapi/acme":                         `"/items/{id}"`,
		"/openapi.json":                         `"acme"`,
		"/v1/namespaces/default/providers/acme": `"wants":"`,
		"/v1/namespaces/default/keys":           `"provider":"acme"`,
		"/metrics":                              `provider="acme",outcome="ok"`,
	} {
		if got := admin(path); !strings.Contains(got, want) || strings.Contains(got, key.Secret.Reveal()) {
			t.Errorf("%s: no %s in %.1000s", path, want, got)
		}
	}
}

// TestANamespaceHasAnAPIOfOnesOwnToo holds that faults, clock and keys of a namespace are its own.
func TestANamespaceHasAnAPIOfOnesOwnToo(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()), mockserver.WithFrozenClock(epoch))
	room := srv.InNamespace("room")
	mine, theirs := room.Keys().Issue(acme), srv.Keys().Issue(acme)
	room.Clock().Advance(91 * 24 * time.Hour)
	srv.Inject(mockserver.Match{Provider: acme}, mockserver.Fault{Kind: mockserver.FaultStatus, Status: 503})
	send := func(key mockserver.Issued) int {
		r := acmeRequest(t, "/items/1")
		key.Apply(r)
		return call(t, srv.Transport(), r).status
	}
	if d := cmp.Diff([]int{403, 503}, []int{send(mine), send(theirs)}); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	room.Expect(t, mockserver.Match{Provider: acme, Outcome: mockserver.Expired}, 1)
}
