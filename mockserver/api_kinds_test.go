package mockserver_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// kinds are APIs that read keys in different ways, and two others to tell them from.
func kinds() []mockserver.API {
	routes := []mockserver.Route{{Pattern: "GET /v1/x", Reply: mockserver.Reply{Body: "{}"}}}
	api := func(name mockserver.Provider, schemes ...mockserver.Scheme) mockserver.API {
		return mockserver.API{Name: name, Schemes: schemes, Routes: routes, Key: mockserver.KeyShape{Prefix: "lf_"}}
	}
	return []mockserver.API{
		api("dog", mockserver.Scheme{Pair: [2]string{"DD-API-KEY", "DD-APPLICATION-KEY"}}),
		api("stripes", mockserver.Scheme{Basic: true}, mockserver.Scheme{Authorization: "Bearer"}),
		api("maps", mockserver.Scheme{Query: "mapkey"}),
		api("jar", mockserver.Scheme{Cookie: "sid"}),
	}
}

// TestEveryKindOfSchemeRefusesWhatIsWrong is the wrong-key table of two headers, Basic, a
// parameter and a cookie.
func TestEveryKindOfSchemeRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(kinds()...))
	issued := make(map[mockserver.Provider]mockserver.Issued)
	for _, p := range srv.Providers() {
		issued[p] = srv.Keys().Issue(p)
	}
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	const ok, missing, unknown, foreign = mockserver.OK, mockserver.MissingKey, mockserver.UnknownKey, mockserver.NotAMockKey
	type put map[string]string // header, or "?"
	for _, tt := range []struct {
		of   mockserver.Provider
		send func(key, second string) put
		want mockserver.Outcome
		sent string
	}{
		{"dog", func(k, s string) put { return put{"Dd-Api-Key": k, "Dd-Application-Key": s} }, ok, ""},
		{"dog", func(k, _ string) put { return put{"Dd-Api-Key": k} }, mockserver.MissingPair, "`DD-API-KEY`"},
		{"dog", func(_, s string) put { return put{"Dd-Application-Key": s} }, mockserver.MissingPair, "`DD-APPLICATION-KEY`"},
		{"dog", func(k, s string) put { return put{"Dd-Api-Key": s, "Dd-Application-Key": k} }, unknown, ""},
		{"dog", func(k, _ string) put { return put{"Dd-Api-Key": k, "Dd-Application-Key": k} }, unknown, ""},
		{"dog", func(k, _ string) put { return put{"Dd-Api-Key": k, "Dd-Application-Key": ""} }, mockserver.MissingPair, "`DD-API-KEY`"},
		{"dog", func(k, _ string) put { return put{"Authorization": "Bearer " + k} }, mockserver.WrongHeader, "`Authorization` with scheme `Bearer`"},
		{"dog", func(k, _ string) put { return put{"?": "mapkey=" + k} }, mockserver.WrongHeader, "`?mapkey=`"},
		{"dog", func(k, _ string) put { return put{"Cookie": "sid=" + k} }, mockserver.WrongHeader, "`Cookie: sid=…`"},
		{"dog", func(string, string) put { return nil }, missing, ""},

		{"stripes", func(k, _ string) put { return put{"Authorization": basic(k, "")} }, ok, ""},
		{"stripes", func(k, _ string) put { return put{"Authorization": basic(k, "x")} }, ok, ""},
		{"stripes", func(k, _ string) put { return put{"Authorization": "bearer " + k} }, ok, ""},
		{"stripes", func(k, _ string) put { return put{"Authorization": basic("", k)} }, missing, "`Authorization: Basic …`"},
		{"stripes", func(k, _ string) put { return put{"Authorization": "Basic " + k} }, missing, "`Authorization: Basic …`"},
		{"stripes", func(k, _ string) put { return put{"Authorization": k} }, mockserver.WrongScheme, "`Authorization` without a scheme"},
		{"stripes", func(k, _ string) put { return put{"Authorization": "Token " + k} }, mockserver.WrongScheme, "`Authorization` with scheme `Token`"},
		{"stripes", func(string, string) put { return put{"Authorization": basic("sk_live_4242424242", "")} }, foreign, ""},
		{"stripes", func(k, _ string) put { return put{"Stripes-Key": k} }, missing, ""},
		{"stripes", func(k, _ string) put { return put{"Dd-Api-Key": k} }, mockserver.WrongHeader, "`DD-API-KEY`"},

		{"maps", func(k, _ string) put { return put{"?": "a=b&mapkey=" + k} }, ok, ""},
		{"maps", func(k, _ string) put { return put{"?": "mapkey=" + k + "&mapkey=" + k} }, mockserver.DuplicateKey, ""},
		{"maps", func(string, string) put { return put{"?": "mapkey="} }, missing, "`?mapkey=`"},
		{"maps", func(k, _ string) put { return put{"?": "Mapkey=" + k} }, missing, ""},
		{"maps", func(k, _ string) put { return put{"X-Api-Key": k} }, mockserver.WrongHeader, "`X-API-KEY`"},
		{"maps", func(k, _ string) put { return put{"?": "mapkey=" + k + "x"} }, foreign, ""},

		{"jar", func(k, _ string) put { return put{"Cookie": "a=b; sid=" + k + "; c=d"} }, ok, ""},
		{"jar", func(k, _ string) put { return put{"Cookie": "sid=" + k + ";sid=" + k} }, mockserver.DuplicateKey, ""},
		{"jar", func(string, string) put { return put{"Cookie": "sid="} }, missing, "`Cookie: sid=…`"},
		{"jar", func(k, _ string) put { return put{"Cookie": "SID=" + k} }, missing, ""},
		{"jar", func(k, _ string) put { return put{"Cookie": `sid="` + k + `"`} }, foreign, ""},
		{"jar", func(k, _ string) put { return put{"Authorization": "Bearer " + k} }, mockserver.WrongHeader, "`Authorization` with scheme `Bearer`"},
	} {
		key, second := issued[tt.of].Secret.Reveal(), issued[tt.of].Token.Reveal()
		r := newRequest(t, tt.of, "GET", "/v1/x", "")
		for name, value := range tt.send(key, second) {
			if name == "?" {
				r.URL.RawQuery = value
				continue
			}
			r.Header[name] = []string{value}
		}
		shown := strings.ReplaceAll(fmt.Sprint(tt.send("KEY", "SECOND")), "map", "")
		got := call(t, srv.Transport(), r)
		all := srv.Requests(mockserver.Match{})
		d := all[len(all)-1].Diagnosis
		if d.Outcome != tt.want || d.Sent != tt.sent && tt.sent != "" || (got.status == 200) != (tt.want == ok) {
			t.Errorf("%s %s: %d %+v", tt.of, shown, got.status, d)
		}
		journal, _ := json.Marshal(all)
		for _, text := range []string{string(journal), got.body, fmt.Sprint(got.header), srv.Curl(&all[len(all)-1])} {
			if strings.Contains(text, key) || second != "" && strings.Contains(text, second) || strings.Contains(text, "4242424242") {
				t.Errorf("%s %s: the key is shown: %s", tt.of, shown, text)
			}
		}
	}
}

// TestAKeyOfEveryKindIsIssuedWithWhatPresentsIt asks the admin API for a key, sends it as told,
// and exports the request.
func TestAKeyOfEveryKindIsIssuedWithWhatPresentsIt(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(kinds()...))
	want := map[mockserver.Provider]string{
		"dog": `-H "DD-API-KEY: $DOG_CLIENT_KEY" \` + "\n  " + `-H "DD-APPLICATION-KEY: $DOG_USER_TOKEN"`, "stripes": `-u "$STRIPES_API_KEY:"`,
		"maps": `'/v1/x?mapkey='"$MAPS_API_KEY"`, "jar": `-H "Cookie: sid=$JAR_API_KEY"`,
	}
	for p, curl := range want {
		got := adminJSON[struct {
			Headers map[string]string
			Query   string
		}](t, srv, 201, "POST", "/v1/namespaces/default/keys", fmt.Sprintf(`{"provider":%q}`, p))
		r := newRequest(t, p, "GET", "/v1/x", "")
		for name, value := range got.Headers {
			r.Header.Set(name, value)
		}
		r.URL.RawQuery = got.Query
		if got := call(t, srv.Transport(), r); got.status != 200 {
			t.Errorf("%s: %+v", p, got)
		}
		all := srv.Requests(mockserver.Match{Provider: p})
		if text := srv.Curl(&all[0]); !strings.Contains(text, curl) {
			t.Errorf("%s: no %s in %s", p, curl, text)
		}
	}
}

// TestRedefineChangesAnswersAndNothingElse replaces a description while the server runs.
func TestRedefineChangesAnswersAndNothingElse(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(acmeAPI()), mockserver.WithFrozenClock(epoch))
	room := srv.InNamespace("room")
	keys := []mockserver.Issued{srv.Keys().Issue(acme), room.Keys().Issue(acme)}
	srv.Handle(acme, "GET /mine", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("mine")) }))
	get := func(path string) (out []string) {
		for _, key := range keys {
			r := acmeRequest(t, path)
			key.Apply(r)
			got := call(t, srv.Transport(), r)
			out = append(out, fmt.Sprint(got.status, " ", got.body))
		}
		return out
	}
	get("/items/1")
	next := acmeAPI()
	next.Limit.Requests = 2
	next.Routes = []mockserver.Route{{Pattern: "GET /new", Reply: mockserver.Reply{Body: "{}"}}}
	next.ErrorBody = "{code}"
	if err := srv.Redefine(next); err != nil {
		t.Fatal(err)
	}
	got := [][]string{get("/mine"), get("/items/1")}
	srv.Clock().Advance(time.Hour)
	room.Clock().Advance(time.Hour)
	got = append(got, get("/new"), get("/new"), get("/new"))
	srv.Reset()
	keys[0] = srv.Keys().Issue(acme)
	srv.Clock().Advance(time.Hour)
	room.Clock().Advance(time.Hour)
	got = append(got, get("/new"))
	want := [][]string{
		{"200 mine", "200 mine"},
		{"404 not_found", "404 not_found"},
		{"200 {}", "200 {}"},
		{"200 {}", "200 {}"},
		{"429 rate_limit_exceeded", "429 rate_limit_exceeded"},
		{"200 {}", "200 {}"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for member, change := range map[string]func(*mockserver.API){
		"schemes": func(a *mockserver.API) { a.Schemes = a.Schemes[1:] }, "life": func(a *mockserver.API) { a.Life++ }, "key": func(a *mockserver.API) { a.Key.Length++ },
		"scopes": func(a *mockserver.API) { a.Scopes = a.Scopes[:1]; a.Routes = nil }, "title": func(a *mockserver.API) { a.Title = "B" }, "name": func(a *mockserver.API) { a.Name = "b" },
		"routes[0].route": func(a *mockserver.API) { a.Routes = []mockserver.Route{{Pattern: "x"}} }, "quota": func(a *mockserver.API) { a.Quota.Limit = "" },
	} {
		bad := acmeAPI()
		change(&bad)
		err := srv.Redefine(next, bad)
		if wrong, ok := errors.AsType[*mockserver.DefinitionError](err); !ok || wrong.Member != member {
			t.Errorf("%s: %v", member, err)
		}
	}
}
