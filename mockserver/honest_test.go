package mockserver_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// A client key is judged before the token, known or not: the same answer for an
// unknown and for a revoked one, with any token.
func TestTheClientKeyOfAPairIsJudgedFirst(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	gone := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	if err := srv.Keys().Revoke(gone.ID, ""); err != nil {
		t.Fatal(err)
	}
	off := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("bob"))
	if err := srv.Keys().Suspend(off.ID); err != nil {
		t.Fatal(err)
	}
	me := func(client, token string) answer {
		r := newRequest(t, mockserver.IMKIT, "GET", "/me", "")
		r.Header.Set("IM-CLIENT-KEY", client)
		r.Header.Set("IM-Authorization", token)
		return call(t, srv.Transport(), r)
	}
	want := me("no-client-key-of-anybody", "no-token-of-anybody")
	for _, pair := range []mockserver.Issued{gone, off} {
		for _, token := range []string{"no-token-of-anybody", pair.Token.Reveal()} {
			got := me(pair.Secret.Reveal(), token)
			if got.status != want.status || got.body != want.body || got.status != http.StatusForbidden {
				t.Errorf("%s: %d %s, an unknown client key gets %d %s", pair.ID, got.status, got.body, want.status, want.body)
			}
		}
	}
}

// Every refusal of a client key or a user token comes in the envelope, every
// refusal of an API key flat.
func TestIMKITsRefusalsHaveTheShapeOfTheirPages(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	for name, c := range map[string]struct {
		header [2]string
		more   [2]string
		code   string // inside error, or error itself
		flat   bool
	}{
		"bad token":          {[2]string{"IM-CLIENT-KEY", pair.Secret.Reveal()}, [2]string{"IM-Authorization", "nope"}, "INVALID_TOKEN", false},
		"bad client key":     {[2]string{"IM-CLIENT-KEY", "nope-nope-nope"}, [2]string{"IM-Authorization", pair.Token.Reveal()}, "INVALID_CLIENT_KEY", false},
		"without a token":    {[2]string{"IM-CLIENT-KEY", pair.Secret.Reveal()}, [2]string{}, "INVALID_TOKEN", false},
		"without client key": {[2]string{"IM-Authorization", pair.Token.Reveal()}, [2]string{}, "MISSING_CLIENT_KEY", false},
		"bad API key":        {[2]string{"IM-API-KEY", "nope-nope-nope"}, [2]string{}, "INVALID_API_KEY", true},
		"no API key":         {[2]string{"X-Other", "x"}, [2]string{}, "MISSING_API_KEY", true},
	} {
		r := newRequest(t, mockserver.IMKIT, "GET", "/me", "")
		r.Header.Set(c.header[0], c.header[1])
		if c.more[0] != "" {
			r.Header.Set(c.more[0], c.more[1])
		}
		got := call(t, srv.Transport(), r)
		var body struct {
			RC    int
			Error json.RawMessage `json:"error"`
		}
		if err := json.Unmarshal([]byte(got.body), &body); err != nil {
			t.Fatalf("%s: %s", name, got.body)
		}
		var code string
		var detail struct{ Code string }
		flat := json.Unmarshal(body.Error, &code) == nil
		if !flat {
			_ = json.Unmarshal(body.Error, &detail) // not flat: an object
			code = detail.Code
		}
		if flat != c.flat || code != c.code || !flat && body.RC != got.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// A credential beside a good one, where the vendor reads credentials, is refused.
func TestTwoCredentialsAreRefusedWhateverTheirScheme(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		provider mockserver.Provider
		header   string
		more     []string
		want     mockserver.Outcome
	}{
		{mockserver.MindKey, "Authorization", []string{"Basic dTpw"}, mockserver.DuplicateKey},
		{mockserver.MindKey, "Authorization", []string{"ApiKey-v1 lorem"}, mockserver.DuplicateKey},
		{mockserver.MindKey, "Authorization", []string{"lorem"}, mockserver.DuplicateKey},
		{mockserver.MindKey, "Authorization", []string{""}, mockserver.DuplicateKey},
		{mockserver.MindKey, "Authorization", []string{"ApiKey-v2"}, mockserver.DuplicateKey},
		{mockserver.MindKey, "X-Api-Key", []string{""}, mockserver.OK}, // MindKey does not read it
		{mockserver.MindKey, "Authorization", nil, mockserver.OK},
		{mockserver.Iiniit, "Authorization", []string{"Bearer lorem"}, mockserver.DuplicateKey},
		{mockserver.Iiniit, "Authorization", []string{"Digest lorem"}, mockserver.DuplicateKey},
		{mockserver.Iiniit, "Authorization", []string{"ApiKey "}, mockserver.DuplicateKey},
		{mockserver.Iiniit, "Authorization", []string{""}, mockserver.DuplicateKey},
		{mockserver.Iiniit, "Authorization", nil, mockserver.OK},
		{mockserver.Imin, "X-Api-Key", []string{"lorem"}, mockserver.DuplicateKey},
		{mockserver.Imin, "X-Api-Key", []string{""}, mockserver.DuplicateKey},
		{mockserver.Imin, "Authorization", []string{"Basic dTpw"}, mockserver.OK}, // imin does not read it
		{mockserver.Optimove, "X-Api-Key", []string{"lorem"}, mockserver.DuplicateKey},
		{mockserver.Optimove, "X-Api-Key", []string{""}, mockserver.DuplicateKey},
		{mockserver.IMKIT, "Im-Api-Key", []string{"lorem"}, mockserver.DuplicateKey},
		{mockserver.IMKIT, "Im-Api-Key", []string{""}, mockserver.DuplicateKey},
		{mockserver.IMKIT, "Im-Authorization", []string{""}, mockserver.DuplicateKey},
		{mockserver.IMKIT, "Im-Client-Key", []string{""}, mockserver.DuplicateKey},
	} {
		srv := mockserver.New(t)
		method, path := probe(c.provider)
		r := newRequest(t, c.provider, method, path, "")
		srv.Keys().Issue(c.provider).Apply(r)
		r.Header[c.header] = append(r.Header[c.header], c.more...)
		if d := srv.Keys().Verify(c.provider, r); d.Outcome != c.want {
			t.Errorf("%s with %s %q: %s", c.provider, c.header, c.more, d)
		}
	}
}

// The same in the query, and for the halves of a pair, where an empty one may be a missing one.
func TestAnEmptyCredentialBesideAGoodOneIsRefused(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	pair, key := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann")), srv.Keys().Issue(mockserver.Iiniit).Secret.Reveal()
	for _, c := range []struct {
		query  string
		header http.Header
		want   mockserver.Outcome
	}{
		{"api_key=" + key + "&api_key=", nil, mockserver.DuplicateKey},
		{"api_key=&api_key=" + key, nil, mockserver.DuplicateKey},
		{"api_key=" + key, http.Header{"Authorization": {""}}, mockserver.DuplicateKey},
		{"api_key=" + key, http.Header{"Authorization": {"ApiKey"}}, mockserver.DuplicateKey},
		{"api_key=" + key + "&other=", nil, mockserver.OK},
		{"api_key=", nil, mockserver.MissingKey},
		{"api_key=&api_key=", nil, mockserver.MissingKey},
	} {
		method, path := probe(mockserver.Iiniit)
		r := newRequest(t, mockserver.Iiniit, method, path+"?"+c.query, "")
		maps.Copy(r.Header, c.header)
		if d := srv.Keys().Verify(mockserver.Iiniit, r); d.Outcome != c.want {
			t.Errorf("%v: %s", c.header, d)
		}
	}
	for header, want := range map[string]mockserver.Outcome{"Im-Api-Key": mockserver.DuplicateKey, "Im-Client-Key": mockserver.DuplicateKey, "Im-Authorization": mockserver.DuplicateKey} {
		r := newRequest(t, mockserver.IMKIT, "GET", "/me", "")
		pair.Apply(r)
		r.Header.Add(header, "")
		if d := srv.Keys().Verify(mockserver.IMKIT, r); d.Outcome != want {
			t.Errorf("a pair with an empty %s: %s", header, d)
		}
	}
	for header, other := range map[string]string{"Im-Client-Key": "Im-Authorization", "Im-Authorization": "Im-Client-Key"} {
		r := newRequest(t, mockserver.IMKIT, "GET", "/me", "")
		pair.Apply(r)
		r.Header.Set(header, "")
		if d := srv.Keys().Verify(mockserver.IMKIT, r); d.Outcome != mockserver.MissingPair {
			t.Errorf("half a pair, %s alone: %s", other, d)
		}
	}
}

// A proxy that joins the fields of a name makes one value of two keys.
func TestADiagnosisNamesTheCommaOfJoinedFields(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, p := range []mockserver.Provider{mockserver.Imin, mockserver.Optimove, mockserver.IMKIT} {
		key := srv.Keys().Issue(p).Secret.Reveal()
		method, path := probe(p)
		r := newRequest(t, p, method, path, "")
		name := map[mockserver.Provider]string{mockserver.IMKIT: "IM-API-KEY"}[p]
		if name == "" {
			name = "X-API-KEY"
		}
		r.Header.Set(name, key+", "+key)
		if d := srv.Keys().Verify(p, r); !strings.Contains(d.Why, "a comma") || strings.Contains(d.Why, key) {
			t.Errorf("%s: %s", p, d)
		}
	}
}

// Update Member Property takes any property and value, shows it, keeps it over a
// snapshot, and forgets it with the member.
func TestAnyPropertyOfAMemberCanBeSet(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	own := func() map[string]any {
		for _, m := range app.ok(platform, "GET /rooms/r", "")["memberProperties"].([]any) { //nolint:forcetypeassert // as the page has it
			if m := m.(map[string]any); m["client"] == "bob" { //nolint:forcetypeassert // as above
				delete(m, "badge")
				delete(m, "client")
				return m
			}
		}
		return nil
	}
	for _, c := range []struct {
		caller, body string
		status       int
	}{
		{"ann", `{"property":"nickname","value":"B"}`, 200},
		{"bob", `{"property":"level","value":{"a":[1,true]}}`, 200},
		{"bob", `{"property":"role","value":"admin"}`, 403},
		{"ann", `{"property":"role","value":"boss"}`, 400},
		{"ann", `{"property":"badge","value":7}`, 400},
		{"ann", `{"property":"x"}`, 400},
		{"ann", `{"value":"x"}`, 400},
		{"cat", `{"property":"x","value":1}`, 403},
	} {
		if got := app.do(c.caller, "PUT /rooms/r/member/bob", c.body); got.status != c.status {
			t.Errorf("%s %s: %d %s", c.caller, c.body, got.status, got.body)
		}
	}
	want := map[string]any{"nickname": "B", "level": map[string]any{"a": []any{1.0, true}}}
	if d := cmp.Diff(want, own()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := app.srv.Restore(app.srv.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, own()); d != "" {
		t.Errorf("restored (-want +got):\n%s", d)
	}
	app.ok("ann", "POST /rooms/r/delete/members", `{"members":["bob"]}`)
	app.ok("ann", "POST /rooms/r/members", `{"invitees":["bob"]}`)
	if d := cmp.Diff(map[string]any{}, own()); d != "" {
		t.Errorf("after coming back (-want +got):\n%s", d)
	}
}

// A body without JSON's content type, or compressed, is refused with the reason in
// the diagnosis; a wrong type is named by the member, not by a Go type.
func TestABodyThatIsNotReadSaysWhy(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.Keys().Issue(mockserver.IMKIT)
	for _, c := range []struct{ contentType, coding, body, diagnosis, text string }{
		{"text/plain", "", `{"_id":"ann"}`, "another Content-Type", "Content-Type"},
		{"", "", `{"_id":"ann"}`, "without a Content-Type", "Content-Type"},
		{"application/x-www-form-urlencoded", "", `_id=ann`, "another Content-Type", "Content-Type"},
		{"application/json", "gzip", "\x1f\x8b\x08\x00", "Content-Encoding is gzip", "JSON"},
		{"application/json", "BR", "\x1f", "Content-Encoding is br", "JSON"},
		{"application/json", "s3cret", "\x1f", "Content-Encoding is an unknown coding", "JSON"},
		{"application/json", "", `{"_id":5}`, "", "_id has the wrong type"},
		{"application/json", "", `{"_id":"x","nickname":["s"]}`, "", "nickname has the wrong type"},
	} {
		r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", c.body)
		r.Header.Del("Content-Type")
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		if c.coding != "" {
			r.Header.Set("Content-Encoding", c.coding)
		}
		key.Apply(r)
		got := call(t, srv.Transport(), r)
		why := got.header.Get("X-Mock-Diagnosis")
		if got.status != 400 || !strings.Contains(why, c.diagnosis) || !strings.Contains(got.body, c.text) ||
			strings.Contains(got.body, "userInput") || strings.Contains(why, "s3cret") {
			t.Errorf("%+v: %d %s (%s)", c, got.status, got.body, why)
		}
	}
}

// "OPTIONS *" asks about the whole server. No vendor documents it, so it is a path that no
// operation has: refused in the vendor's shape, after the key check, and journalled.
func TestOptionsOfTheWholeServerIsARequestLikeAnyOther(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	ask := func(p mockserver.Provider, key *mockserver.Issued) int {
		r := newRequest(t, p, http.MethodOptions, "/", "")
		if key != nil {
			key.Apply(r)
		}
		r.URL = &url.URL{Scheme: "http", Host: strings.TrimPrefix(srv.BaseURL(p), "http://"), Opaque: "*"}
		got := call(t, srv.Client().Transport, r)
		return got.status
	}
	for _, p := range mockserver.Providers() {
		key := srv.Keys().Issue(p)
		before := len(srv.Requests(mockserver.Match{Provider: p, Path: "*"}))
		got := []int{ask(p, nil), ask(p, &key), len(srv.Requests(mockserver.Match{Provider: p, Path: "*"})) - before}
		if d := cmp.Diff([]int{http.StatusUnauthorized, http.StatusNotFound, 2}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", p, d)
		}
	}
}

// A scheme word in IM-Authorization and a missing IM-CLIENT-ID are explained.
func TestIMKITsContradictionsAreExplained(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	r := app.request("ann", "GET /config", "")
	r.Header.Set("IM-Authorization", "Bearer "+r.Header.Get("IM-Authorization"))
	if why := call(t, app.rt, r).header.Get("X-Mock-Diagnosis"); !strings.Contains(why, "scheme `Bearer`") {
		t.Errorf("Bearer: %q", why)
	}
	for _, op := range []string{"POST /badges/byRoomTags", "GET /me/badge"} {
		if got := app.do(platform, op, ""); got.status != 400 || !strings.Contains(got.header.Get("X-Mock-Diagnosis"), "IM-CLIENT-ID") {
			t.Errorf("%s with the key alone: %d %q", op, got.status, got.header.Get("X-Mock-Diagnosis"))
		}
	}
}

// A misspelt scope, attribute or channel is refused when the key is issued or
// edited, with the name that was probably meant.
func TestAMisspeltNameIsRefusedAtIssue(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, c := range []struct {
		provider mockserver.Provider
		option   mockserver.KeyOption
		hint     string // "" for accepted
	}{
		{mockserver.MindKey, mockserver.Scopes("employee"), "did you mean Employee?"},
		{mockserver.MindKey, mockserver.Scopes("Employee", "TimeTraking"), "did you mean TimeTracking?"},
		{mockserver.MindKey, mockserver.Scopes("zzz"), "it has Employee, "},
		{mockserver.MindKey, mockserver.Scopes("Employee", "Leave"), ""},
		{mockserver.MindKey, mockserver.Scopes(), ""},
		{mockserver.Optimove, mockserver.ShareAttributes("country"), "did you mean Country?"},
		{mockserver.Optimove, mockserver.EnableChannels(504, 5), "no channel"},
		{mockserver.Optimove, mockserver.EnableChannels(504, 505), ""},
		{mockserver.IMKIT, mockserver.ShareAttributes("Country"), "IMKIT has no customer attributes"},
		{mockserver.Iiniit, mockserver.Scopes("write:lorem"), ""}, // its list of scopes is not documented
	} {
		_, err := srv.Keys().TryIssue(c.provider, c.option)
		if (err == nil) != (c.hint == "") || err != nil && (!errors.Is(err, mockserver.ErrNoSuchName) || !strings.Contains(err.Error(), c.hint)) {
			t.Errorf("%s: %v, want %q", c.provider, err, c.hint)
		}
	}
	id := srv.Keys().Issue(mockserver.MindKey).ID
	if got := adminCall(t, srv, "PATCH", "/v1/namespaces/default/keys/"+id, `{"scopes":["employee"]}`); got.status != 400 || !strings.Contains(got.body, "Employee?") {
		t.Errorf("edit: %d %s", got.status, got.body)
	}
}

// A suspended key is refused until it is enabled, over a restart too; its expiry
// does not move.
func TestAKeyIsSuspendedAndEnabled(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		srv := mockserver.New(t)
		key := srv.Keys().Issue(p, mockserver.ExpiresIn(time.Hour))
		if err := srv.Keys().Suspend(key.ID); err != nil {
			t.Fatal(err)
		}
		if err := srv.Restore(srv.Snapshot()); err != nil {
			t.Fatal(err)
		}
		_, bad := refusals(p)
		off := get(t, srv.Transport(), key)
		if d := cmp.Diff(bad, refusal{off.status, off.body}, cmp.AllowUnexported(refusal{})); d != "" {
			t.Errorf("%s: suspended (-want +got):\n%s", p, d)
		}
		srv.Expect(t, mockserver.Match{Outcome: mockserver.Suspended, KeyID: key.ID}, 1)
		if k, _ := srv.Keys().Get(key.ID); k.Status != mockserver.StatusSuspended || k.Suspended.IsZero() {
			t.Errorf("%s: %+v", p, k)
		}
		if _, err := srv.Keys().Rotate(key.ID, 0); !errors.Is(err, mockserver.ErrKeySuspended) {
			t.Errorf("%s: rotate: %v", p, err)
		}
		if err := srv.Keys().Enable(key.ID); err != nil {
			t.Fatal(err)
		}
		if on := get(t, srv.Transport(), key); on.status != 200 {
			t.Errorf("%s: enabled: %d", p, on.status)
		}
		srv.Clock().Advance(time.Hour)
		if err := srv.Keys().Enable(key.ID); !errors.Is(err, mockserver.ErrKeyEnded) {
			t.Errorf("%s: enable after the end: %v", p, err)
		}
	}
}

func TestAKeyIsSuspendedOverTheAdminAPI(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.InNamespace("team").Keys().Issue(mockserver.Optimove)
	path := "/v1/namespaces/team/keys/" + key.ID // an ID fits into a path as it is
	for _, step := range []struct {
		verb   string
		status int
	}{{"suspend", 403}, {"suspend", 403}, {"enable", 200}, {"enable", 200}} {
		if got := adminCall(t, srv, "POST", path+"/"+step.verb, "{}"); got.status != 200 {
			t.Fatalf("%s: %d %s", step.verb, got.status, got.body)
		}
		if got := get(t, srv.Transport(), key); got.status != step.status {
			t.Errorf("after %s: %d", step.verb, got.status)
		}
	}
}

// A key of access type Integrations reads the attributes that it shares, no others,
// and none if it was issued without any.
func TestAnIntegrationsKeyReadsTheAttributesThatItShares(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(optimoveTime))
	day := optimoveTime.AddDate(0, 0, -1).Format(time.DateOnly)
	for _, c := range []struct {
		opts      []mockserver.KeyOption
		attribute string
		status    int
	}{
		{[]mockserver.KeyOption{mockserver.ShareAttributes("Country")}, "Country", 200},
		{[]mockserver.KeyOption{mockserver.ShareAttributes("Country")}, "Email", 403},
		{nil, "Country", 403},
	} {
		key := srv.Keys().Issue(mockserver.Optimove, append(c.opts, mockserver.Access(mockserver.Integrations))...)
		r := newRequest(t, mockserver.Optimove, "GET", "/current/customers/GetCustomerOneTimeActionsByDate?Date="+day+"&CustomerAttributes="+c.attribute, "")
		key.Apply(r)
		if got := call(t, srv.Transport(), r); got.status != c.status {
			t.Errorf("%s: %d %.200s", c.attribute, got.status, got.body)
		}
		r = newRequest(t, mockserver.Optimove, "POST", "/current/customers/UpdateCustomerAttributes", "{}")
		key.Apply(r)
		if got := call(t, srv.Transport(), r); got.status != 403 {
			t.Errorf("a write: %d", got.status)
		}
	}
}

// Every recipient group of every action that the functions name has customers.
func TestEveryRecipientGroupHasCustomers(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	for back := range 10 {
		day := optimoveTime.AddDate(0, 0, -1-back).Format(time.DateOnly)
		for _, g := range w.rows("/current/groups/GetTargetGroupsByDate?Date=" + day) {
			for _, a := range w.rows(fmt.Sprintf("/current/actions/GetActionsByTargetGroup?Date=%s&TargetGroupID=%v", day, g["TargetGroupID"])) {
				path := fmt.Sprintf("/current/customers/GetCustomersByAction?Date=%s&RecipientGroupID=%v&ActionID=%v", day, a["RecipientGroupID"], a["ActionID"])
				if len(w.rows(path)) == 0 {
					t.Errorf("nobody in %s", path)
				}
			}
		}
	}
}

// The calls that vendors would make are recorded whole, and sent, in their order,
// to loopback addresses on request.
func TestCallsToClientsAreRecordedAndSentToLoopback(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, r.Method+" "+r.Header.Get("Content-Type")+" "+string(body))
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()
	app := newIMKIT(t, mockserver.WithCallbackDelivery()).seed()
	app.ok(platform, "POST /rooms/", `{"_id":"hooked","members":["ann"],"webhook":"`+receiver.URL+`/hook"}`)
	app.ok(platform, "POST /rooms/", `{"_id":"far","members":["ann"],"webhook":"https://example.com/hook"}`)
	below := strings.Replace(receiver.URL, "127.0.0.1", "Hooks.LOCALHOST", 1) // which no name server knows
	app.ok(platform, "POST /rooms/", `{"_id":"below","members":["ann"],"webhook":"`+below+`"}`)
	long := strings.Repeat("lorem ", 10_000)
	app.say("hooked", "ann", long)
	app.ok(platform, "POST /rooms/hooked/members", `{"invitees":["bob"]}`)
	app.ok(platform, "POST /rooms/hooked/delete/members", `{"members":["bob"]}`)
	app.say("far", "ann", "hello")
	app.say("below", "ann", "hello")
	calls := waitForCallbacks(t, app.srv, 5)
	var events []string
	for _, c := range calls {
		var body struct{ Event, RoomID string }
		if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
			t.Errorf("not whole: %v", err)
		}
		events = append(events, fmt.Sprint(body.RoomID, " ", body.Event, " ", c.Status, " ", c.Error))
	}
	want := []string{
		"hooked MESSAGE 202 ", "hooked ADD_MEMBERS 202 ", "hooked DELETE_MEMBERS 202 ",
		"far MESSAGE 0 not sent: the mock only calls loopback addresses", "below MESSAGE 202 ",
	}
	if d := cmp.Diff(want, events); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 4 || !strings.HasPrefix(got[0], "POST application/json; charset=utf-8 {") || !strings.Contains(got[0], long) {
		t.Errorf("%d calls arrived: %.200q", len(got), got)
	}
}

// waitForCallbacks waits until n calls are recorded and have ended.
func waitForCallbacks(t *testing.T, srv *mockserver.Server, n int) []mockserver.Callback {
	t.Helper()
	deadline, again := time.Now().Add(10*time.Second), time.NewTicker(time.Millisecond) // the calls are real ones
	defer again.Stop()
	for {
		calls, ended := srv.Callbacks(), 0
		for _, c := range calls {
			if c.Status != 0 || c.Error != "" {
				ended++
			}
		}
		if ended >= n || time.Now().After(deadline) {
			return calls
		}
		<-again.C
	}
}

// Optimove's listeners hear of every day of data, and of each campaign and channel
// of it, at the first request after it.
func TestOptimovesListenersAreCalled(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	w.want("POST", "/current/general/RegisterEventListener", `{"EventTypeID":2,"ListenerURL":"https://example.com/day"}`, 200, "")
	w.want("POST", "/current/general/RegisterEventListener", `{"EventTypeID":13,"ListenerURL":"https://example.com/sms","ChannelID":4}`, 200, "")
	if n := len(w.srv.Callbacks()); n != 0 {
		t.Errorf("%d calls before anything happened", n)
	}
	w.srv.Clock().Advance(48 * time.Hour)
	w.rows("/current/actions/GetAllActions")
	urls := map[string]int{}
	for _, c := range w.srv.Callbacks() {
		urls[c.URL]++
	}
	if d := cmp.Diff(map[string]int{"https://example.com/day": 2, "https://example.com/sms": 2}, urls); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A key that was suspended or enabled is so after a kill, and not at all if that could
// not be saved.
func TestASuspendedKeyIsSavedWhenItIsAcknowledged(t *testing.T) {
	t.Parallel()
	srv, path := saving(t, manyKeys)
	key := srv.Keys().Issue(mockserver.Optimove)
	for _, step := range []struct {
		do   func(string) error
		want mockserver.KeyStatus
	}{{srv.Keys().Suspend, mockserver.StatusSuspended}, {srv.Keys().Enable, mockserver.StatusActive}} {
		if err := step.do(key.ID); err != nil {
			t.Fatal(err)
		}
		if got, ok := killed(t, path).Keys().Get(key.ID); !ok || got.Status != step.want {
			t.Errorf("%s after a kill, want %s", got.Status, step.want)
		}
	}
}
