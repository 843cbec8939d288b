package mockserver_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestAKnownIMKITUserIsUpdated(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t)
	app.ok(platform, "POST /admin/clients", `{"_id":"ann","nickname":"Ann","email":"ann@example.com"}`)
	app.srv.Clock().Advance(time.Minute)
	got := app.ok(platform, "POST /admin/clients", `{"_id":"ann","nickname":"Anna"}`)
	want := map[string]any{
		"_id": "ann", "__v": 0.0, "appID": "LoremFitsum", "nickname": "Anna", "email": "ann@example.com", "isRobot": false,
		"updatedAt": "2027-01-01T00:01:00.000Z", "mute": []any{}, "id": "ann", "lastLoginTimeMS": 0.0,
	}
	same(t, "user", want, got)
	if n := app.ok(platform, "GET /admin/clients", "")["totalCount"]; n != 1.0 {
		t.Errorf("%v users", n)
	}
}

func TestIMKITUsersArePagedAndQueried(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t)
	app.ok(platform, "POST /admin/clients/list", `{"data":[{"_id":"ann","nickname":"Ann AB","email":"a@x"},{"_id":"bob","nickname":"Bob"},{"_id":"cat","nickname":"cat ab"}]}`)
	app.srv.Clock().Advance(time.Hour)
	app.ok(platform, "POST /admin/clients", `{"_id":"dan","issueAccessToken":true}`)
	for query, want := range map[string]struct {
		total float64
		ids   []string
	}{
		"":                                   {4, []string{"ann", "bob", "cat", "dan"}},
		"limit=2":                            {4, []string{"ann", "bob"}},
		"limit=2&skip=3":                     {4, []string{"dan"}},
		"skip=9":                             {4, []string{}},
		"limit=100000000":                    {4, []string{"ann", "bob", "cat", "dan"}},
		`q={"nickname":{"$regex":".*AB.*"}}`: {1, []string{"ann"}},
		`q={"nickname":{"$regex":"ab","$options":"i"}}&skip=1`:                  {2, []string{"cat"}},
		`q={"email":{"$exists":true}}`:                                          {1, []string{"ann"}},
		`q={"_id":{"$in":["bob","dan","x"]}}`:                                   {2, []string{"bob", "dan"}},
		`q={"createdAt":{"$gte":"2027-01-01T00:30:00Z"}}`:                       {1, []string{"dan"}},
		`q={"createdAt":{"$lt":"2027-01-02"},"lastLoginTimeMS":{"$lte":0}}`:     {4, []string{"ann", "bob", "cat", "dan"}},
		`q={"$or":[{"_id":"ann"},{"nickname":"Bob"}],"_id":{"$ne":"ann"}}`:      {1, []string{"bob"}},
		`q={"nickname":{"$not":{"$regex":"^B"}},"nickname":{"$type":"string"}}`: {3, []string{"ann", "bob", "cat"}},
		`q={"nickname":null}`:                                                   {1, []string{"dan"}},
	} {
		v, err := url.ParseQuery(strings.ReplaceAll(query, "+", "%2B"))
		if err != nil {
			t.Fatal(err)
		}
		got := app.ok(platform, "GET /admin/clients?"+v.Encode(), "")
		if d := cmp.Diff(want.ids, ids(got["data"])); d != "" || got["totalCount"] != want.total {
			t.Errorf("%s: total %v, want %v (-want +got):\n%s", query, got["totalCount"], want.total, d)
		}
	}
	if got := app.do(platform, "GET /admin/clients", ""); strings.Contains(got.body, "token") {
		t.Errorf("a list shows a token: %s", got.body)
	}
}

func TestTooLargeAListOfIMKITUsersIsRefused(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t)
	for i := range 3 {
		app.ok(platform, "POST /admin/clients", fmt.Sprintf(`{"_id":"u%d","description":%q}`, i, strings.Repeat("x", 500_000)))
	}
	got := app.do(platform, "GET /admin/clients", "")
	same(t, "body", enveloped(413, "Query result too large", "RESULT_TOO_LARGE", "Please use more specific query or smaller limit"), got.body)
	app.ok(platform, "GET /admin/clients?limit=2", "")
}

// as calls GET /me with a client key and a token, and says the status and as
// whom.
func (a *imkitApp) as(token string) string {
	a.t.Helper()
	r := a.request("owner of the client key", "GET /me", "")
	r.Header.Set("IM-Authorization", token)
	got := call(a.t, a.rt, r)
	_, id, _ := strings.Cut(got.body, `"_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	if got.status != http.StatusOK {
		id = ""
	}
	return strings.TrimSpace(fmt.Sprint(got.status, " ", id))
}

func TestAnIssuedIMKITTokenStandsForItsUserForSevenDays(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t)
	token, _ := app.ok(platform, "POST /admin/clients", `{"_id":"ann","issueAccessToken":true}`)["token"].(string)
	got := []string{app.as(token)}
	app.srv.Clock().Advance(7*24*time.Hour - time.Nanosecond)
	got = append(got, app.as(token))
	app.srv.Clock().Advance(time.Nanosecond)
	got = append(got, app.as(token))
	same(t, "now, just before the end, at the end", []string{"200 ann", "200 ann", "401"}, got)
}

func TestIMKITTokensAreAssignedReplacedAndRevoked(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	for _, step := range []struct {
		call, body string
		want       map[string]string
	}{
		{"POST /admin/clients", `{"_id":"ann","token":"one","expirationDate":"2027-01-02T00:00:00Z"}`, map[string]string{"one": "200 ann"}},
		{"POST /admin/clients", `{"_id":"ann","token":"two"}`, map[string]string{"one": "200 ann", "two": "200 ann"}},
		{"PUT /admin/clients/ann/token", `{"token":"three","expirationDate":"2027-02-01"}`, map[string]string{"one": "401", "two": "401", "three": "200 ann"}},
		{"PUT /admin/clients/ann/token", `{"token":"three","expirationDate":"2026-01-01"}`, map[string]string{"three": "401"}},
		{"PUT /admin/clients/ann/token", `{"token":"three","expirationDate":"2027-03-01"}`, map[string]string{"three": "200 ann"}},
		{"POST /admin/clients", `{"_id":"bob","token":"four"}`, map[string]string{"four": "200 bob", "three": "200 ann"}},
		{"DELETE /admin/clients/ann/token", `{"token":"three"}`, map[string]string{"three": "401", "four": "200 bob"}},
		{"DELETE /admin/clients/bob/token", ``, map[string]string{"four": "401"}},
	} {
		if got := app.do(platform, step.call, step.body); got.status != 200 {
			t.Fatalf("%s %s: %d %s", step.call, step.body, got.status, got.body)
		}
		got := map[string]string{}
		for token := range step.want {
			got[token] = app.as(token)
		}
		same(t, step.call+" "+step.body, step.want, got)
	}
	if got := app.do(platform, "PUT /admin/clients/ann/token", `{"token":"three","expirationDate":"2027-03-01"}`); got.status != 409 {
		t.Errorf("a revoked token came back: %d %s", got.status, got.body)
	}
}

func TestATokenOfAPairCanBeRevokedThroughTheAPI(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t)
	app.request("eve", "GET /me", "") // issues the pair; nobody has called with it
	same(t, "answer", `{"success":true,"message":"All tokens revoked successfully","revokedTokens":1}`, app.do(platform, "DELETE /admin/clients/eve/token", "").body)
	if got := app.do("eve", "GET /me", ""); got.status != 401 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestVariantsOfIMKITUsersAndTokens(t *testing.T) {
	t.Parallel()
	const create = `{"_id":"ann","nickname":"Ann","issueAccessToken":true}`
	for name, tt := range map[string]struct {
		variant          mockserver.Variant
		call, body, want string
	}{
		"bare issue": {
			mockserver.BareTokens, "POST /admin/clients", create,
			`{"_id":"ann","nickname":"Ann","issueAccessToken":true,"token":"<token>","expirationDate":"2027-01-08T00:00:00.000Z"}`,
		},
		"bare assign": {
			mockserver.BareTokens, "POST /admin/clients", `{"_id":"ann","token":"t","expirationDate":"2027-06-30T12:00:00Z"}`,
			`{"_id":"ann","issueAccessToken":false,"token":"t","expirationDate":"2027-06-30T12:00:00.000Z"}`,
		},
		"enveloped update": {
			mockserver.EnvelopedTokens, "PUT /admin/clients/bob/token", `{"token":"t","expirationDate":"2027-06-30T12:00:00Z"}`,
			`{"RC":0,"RM":"OK","result":{"_id":"bob","nickname":"BOB","issueAccessToken":false,"token":"t","expirationDate":"2027-06-30T12:00:00.000Z","updatedAt":"2027-01-01T00:00:00.000Z"}}`,
		},
		"enveloped revoke": {
			mockserver.EnvelopedTokens, "DELETE /admin/clients/bob/token", `{}`,
			`{"RC":0,"RM":"OK","result":{"success":true,"message":"All tokens revoked successfully","revokedTokens":0}}`,
		},
		"a user twice": {mockserver.UserConflict, "POST /admin/clients", `{"_id":"bob"}`, flat("USER_EXISTS", "User with _id 'bob' already exists")},
	} {
		app := newIMKIT(t, variant(tt.variant))
		app.do(platform, "POST /admin/clients", `{"_id":"bob","nickname":"BOB"}`)
		same(t, name, tt.want, made(app.do(platform, tt.call, tt.body).body))
	}
}

func TestAMutedRoomIsMutedForOneUser(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok("ann", "POST /me/mute/r", "")
	app.ok("ann", "POST /me/mute/r", "") // twice is once
	muted := func(user string) any {
		rooms, _ := app.ok(user, "GET /rooms", "")["data"].([]any)
		room, _ := rooms[0].(map[string]any)
		return room["muted"]
	}
	same(t, "ann, bob", []any{true, false}, []any{muted("ann"), muted("bob")})
	same(t, "mute", []any{}, app.ok(platform, "DELETE /admin/clients/ann/mute/r", "")["mute"])
}

func TestAKeyActsForTheUserItNames(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	ask := func(call, user string) answer {
		r := app.request(platform, call, "")
		r.Header.Set("IM-CLIENT-ID", user)
		res, err := app.rt.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return answer{status: res.StatusCode}
	}
	same(t, "statuses", []int{200, 200, 404}, []int{ask("GET /me", "ann").status, ask("GET /rooms", "bob").status, ask("GET /me", "nobody").status})
	r := app.request("ann", "GET /rooms", "")
	r.Header.Set("IM-CLIENT-ID", "bob")
	if got := call(t, app.rt, r); got.status != 403 {
		t.Errorf("ann as bob: %d %s", got.status, got.body)
	}
}

func TestAssignedIMKITTokensAreNotJournalled(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok(platform, "POST /admin/clients", `{"_id":"ann","token":"my-custom-token"}`)
	app.do(platform, "PUT /admin/clients/ann/token", `{"token":"another-token","expirationDate":"2027-02-01"}`)
	app.do(platform, "PUT /admin/clients/nobody/token", `{"token":"refused-token","expirationDate":"2027-02-01"}`)
	app.do(platform, "DELETE /admin/clients/ann/token", `{"token":"another-token"}`)
	journal := fmt.Sprint(app.srv.Requests(mockserver.Match{}))
	for _, token := range []string{"my-custom-token", "another-token", "refused-token"} {
		if strings.Contains(journal, token) {
			t.Errorf("%s is in the journal", token)
		}
	}
}
