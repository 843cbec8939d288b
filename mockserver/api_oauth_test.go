package mockserver_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/keyfit/keyfit/mockserver"
)

// oauthUser is a program that uses the authorization server of an API of one's own.
type oauthUser struct {
	tb     testing.TB
	srv    *mockserver.Server
	api    *mockserver.API
	client mockserver.OAuthClient
}

// post sends a form of the client, and returns the answer.
func (u *oauthUser) post(path string, form url.Values) answer {
	u.tb.Helper()
	r := newRequest(u.tb, u.api.Name, "POST", path, form.Encode())
	r.Header.Set("Content-Type", formType)
	if !u.client.Public {
		r.SetBasicAuth(url.QueryEscape(u.client.ID), url.QueryEscape(u.client.Secret.Reveal()))
	}
	return call(u.tb, u.srv.Transport(), r)
}

// code lets the user approve an authorization request.
func (u *oauthUser) code(verifier string) string {
	u.tb.Helper()
	sum := sha256.Sum256([]byte(verifier))
	ask := url.Values{
		"response_type": {"code"}, "client_id": {u.client.ID}, "redirect_uri": {u.client.RedirectURIs[0]}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	got := call(u.tb, u.srv.Transport(), newRequest(u.tb, u.api.Name, "GET", u.api.OAuth.Authorize+"?"+ask.Encode(), ""))
	back, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.status != http.StatusFound || back.Query().Get("state") != "s" {
		u.tb.Fatalf("authorize: %d %s %s", got.status, got.header, got.body)
	}
	return back.Query().Get("code")
}

// use sends an access token, and returns the outcome.
func (u *oauthUser) use(token string) mockserver.Outcome {
	u.tb.Helper()
	r := thing(u.tb, u.api)
	r.Header.Set("Authorization", "Bearer "+token)
	d := u.srv.Keys().Verify(u.api.Name, r)
	if got := call(u.tb, u.srv.Transport(), r); (got.status == 200) != (d.Outcome == mockserver.OK) {
		u.tb.Errorf("%d, and Verify says %s", got.status, d)
	}
	return d.Outcome
}

// TestAnyAPIsTokensLiveAsTheyShould drives both flows of random APIs: issue, life, refresh
// with rotation, reuse, revocation, introspection, a wrong client, and the state round trip.
func TestAnyAPIsTokensLiveAsTheyShould(t *testing.T) {
	t.Parallel()
	overRandomAPIs(t, func(t *testing.T, draw *rand.Rand, a mockserver.API) {
		t.Helper()
		if a.OAuth.Token == "" {
			return
		}
		var log bytes.Buffer
		opts := []mockserver.Option{
			mockserver.WithAPI(a), mockserver.WithoutRateLimits(), mockserver.WithFrozenClock(epoch), mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))),
		}
		srv, heir := mockserver.New(t, opts...), mockserver.New(t, opts...)
		client, err := srv.OAuthOf(a.Name).Register(mockserver.OAuthClient{RedirectURIs: []string{"http://localhost/cb"}, Public: draw.IntN(3) == 0})
		if err != nil {
			t.Fatal(err)
		}
		u := &oauthUser{t, srv, &a, client}
		life := a.OAuth.Life
		if life == 0 {
			life = time.Hour
		}
		if !client.Public {
			got := u.post(a.OAuth.Token, url.Values{"grant_type": {"client_credentials"}})
			token := member(t, got, "access_token")
			if got.status != 200 || u.use(token) != mockserver.OK || member(t, got, "refresh_token") != "" {
				t.Errorf("client_credentials: %d %s", got.status, got.body)
			}
			if bad := u.post(a.OAuth.Token, url.Values{"grant_type": {"client_credentials"}, "scope": {"root"}}); member(t, bad, "error") != "invalid_scope" {
				t.Errorf("a scope of nobody: %d %s", bad.status, bad.body)
			}
			wrong := *u
			wrong.client.Secret = srv.Keys().Issue(a.Name).Secret
			if bad := wrong.post(a.OAuth.Token, url.Values{"grant_type": {"client_credentials"}}); bad.status != 401 || bad.header.Get("WWW-Authenticate") != `Basic realm="`+string(a.Name)+`"` {
				t.Errorf("a wrong secret: %d %s", bad.status, bad.body)
			}
		}
		verifier := strings.Repeat("v", 43)
		redeem := url.Values{"grant_type": {"authorization_code"}, "code": {u.code(verifier)}, "redirect_uri": {"http://localhost/cb"}, "code_verifier": {verifier}}
		if client.Public {
			redeem.Set("client_id", client.ID)
		}
		first := u.post(a.OAuth.Token, redeem)
		token, refresh := member(t, first, "access_token"), member(t, first, "refresh_token")
		if first.status != 200 || u.use(token) != mockserver.OK || u.use(refresh) == mockserver.OK {
			t.Errorf("authorization_code: %d %s", first.status, first.body)
		}
		if d := cmp.Diff(a.OAuth.Access.Prefix, token[:len(a.OAuth.Access.Prefix)]); d != "" {
			t.Error(d)
		}
		srv.Clock().Advance(life - time.Nanosecond)
		edge := []mockserver.Outcome{u.use(token)}
		srv.Clock().Advance(time.Nanosecond)
		if d := cmp.Diff([]mockserver.Outcome{mockserver.OK, mockserver.Expired}, append(edge, u.use(token))); d != "" {
			t.Errorf("around the end of a token (-want +got):\n%s", d)
		}

		was := srv.Snapshot()
		if err := heir.Restore(was); err != nil {
			t.Fatal(err)
		}
		one, _ := json.Marshal(was)
		two, _ := json.Marshal(heir.Snapshot())
		if d := cmp.Diff(string(one), string(two)); d != "" {
			t.Errorf("the state that came back (-want +got):\n%s", d)
		}
		turn := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": redeem["client_id"]}
		for _, u := range []*oauthUser{u, {t, heir, &a, client}} { // the heir goes on with what it was given
			next := u.post(a.OAuth.Token, turn)
			newest := member(t, next, "access_token")
			if next.status != 200 || u.use(newest) != mockserver.OK {
				t.Errorf("refresh: %d %s", next.status, next.body)
			}
			if again := u.post(a.OAuth.Token, turn); member(t, again, "error") != "invalid_grant" || u.use(newest) != mockserver.Revoked {
				t.Errorf("a refresh token used twice: %d %s", again.status, again.body)
			}
		}
		mine, err := srv.OAuthOf(a.Name).Issue(client.ID, "user007")
		if err != nil {
			t.Fatal(err)
		}
		asked := url.Values{"token": {mine.Access.Secret.Reveal()}, "client_id": redeem["client_id"]}
		if got := u.post(a.OAuth.Introspect, asked); client.Public != (got.status == 401) || !client.Public && !strings.Contains(got.body, `"username":"user007"`) {
			t.Errorf("introspection: %d %s", got.status, got.body)
		}
		u.post(a.OAuth.Revoke, url.Values{"token": {mine.Refresh.Secret.Reveal()}, "client_id": redeem["client_id"]})
		if got := u.use(mine.Access.Secret.Reveal()); got != mockserver.Revoked {
			t.Errorf("after the revocation: %s", got)
		}
		journal, _ := json.Marshal(srv.Requests(mockserver.Match{}))
		for _, secret := range []string{client.Secret.Reveal(), token, refresh, redeem.Get("code"), mine.Access.Secret.Reveal()} {
			if shown := fmt.Sprintf("%s %s %s", journal, log.String(), one); secret != "" && strings.Contains(shown, secret) {
				t.Errorf("%q is shown in %s", secret, shown)
			}
		}
	})
}

// oauthAPI has an authorization server, and keys in a header.
func oauthAPI() mockserver.API {
	return mockserver.API{
		Name: acme, Title: "Acme", Schemes: []mockserver.Scheme{{Header: "X-Acme-Key"}}, Scopes: []string{"items:read", "items:write"},
		OAuth:  mockserver.OAuthServer{Token: "/oauth/token", Authorize: "/oauth/authorize", Metadata: "/.well-known/oauth-authorization-server", Access: mockserver.KeyShape{Prefix: "at_"}},
		Routes: []mockserver.Route{{Pattern: "GET /items", Scope: "items:read"}, {Pattern: "POST /items", Scope: "items:write"}},
	}
}

// TestALibraryOfOthersGetsTokensOfAnAPIOfOnesOwn lets x/oauth2 find, fetch and refresh.
func TestALibraryOfOthersGetsTokensOfAnAPIOfOnesOwn(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(oauthAPI()))
	base := srv.BaseURL(acme)
	machine, err := srv.OAuthOf(acme).Register(mockserver.OAuthClient{Scopes: []string{"items:read"}})
	if err != nil {
		t.Fatal(err)
	}
	config := clientcredentials.Config{ClientID: machine.ID, ClientSecret: machine.Secret.Reveal(), TokenURL: base + "/oauth/token"}
	var got []int
	status := func(c *http.Client, method string) {
		r, err := http.NewRequestWithContext(t.Context(), method, base+"/items", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		got = append(got, res.StatusCode)
	}
	http1 := config.Client(t.Context())
	status(http1, "GET")
	status(http1, "POST") // the client lacks the scope
	app, err := srv.OAuthOf(acme).Register(mockserver.OAuthClient{Name: "app"})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := srv.OAuthOf(acme).Issue(app.ID, "user001")
	if err != nil {
		t.Fatal(err)
	}
	flow := oauth2.Config{ClientID: app.ID, ClientSecret: app.Secret.Reveal(), Endpoint: oauth2.Endpoint{TokenURL: base + "/oauth/token"}}
	status(flow.Client(t.Context(), &oauth2.Token{RefreshToken: tokens.Refresh.Secret.Reveal()}), "POST")
	if d := cmp.Diff([]int{200, 403, 200}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	meta := call(t, srv.Transport(), newRequest(t, acme, "GET", "/.well-known/oauth-authorization-server", ""))
	for _, want := range []string{`"token_endpoint":"http://acme.localhost/oauth/token"`, `"scopes_supported":["items:read","items:write"]`, `"authorization_code"`} {
		if !strings.Contains(meta.body, want) {
			t.Errorf("no %s in %s", want, meta.body)
		}
	}
	if strings.Contains(meta.body, "revocation") {
		t.Errorf("an endpoint that is not there: %s", meta.body)
	}
}

// TestTwoAuthorizationServersDoNotMix sends what one has issued to the other, and to iiniit's.
func TestTwoAuthorizationServersDoNotMix(t *testing.T) {
	t.Parallel()
	other := oauthAPI()
	other.Name = "zeta"
	srv := mockserver.New(t, mockserver.WithAPI(oauthAPI(), other))
	client, err := srv.OAuthOf(acme).Register(mockserver.OAuthClient{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := srv.OAuthOf(acme).Issue(client.ID, "user001")
	if err != nil {
		t.Fatal(err)
	}
	srv.OAuthOf("zeta").DenyNext() // is not acme's
	for _, tt := range []struct {
		to   mockserver.Provider
		want string
	}{{acme, "200 200"}, {"zeta", "401 401"}, {mockserver.Iiniit, "401 401"}} {
		path := map[bool]string{true: "/resource", false: "/items"}[tt.to == mockserver.Iiniit]
		r := newRequest(t, tt.to, "GET", path, "")
		r.Header.Set("Authorization", "Bearer "+tokens.Access.Secret.Reveal())
		used := call(t, srv.Transport(), r)
		r = newRequest(t, tt.to, "POST", "/oauth/token", credentialsOf(client).Encode())
		r.Header.Set("Content-Type", formType)
		if got := fmt.Sprint(used.status, " ", call(t, srv.Transport(), r).status); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.to, got, tt.want)
		}
		if got := len(srv.OAuthOf(tt.to).Clients()); (got == 1) != (tt.to == acme) {
			t.Errorf("%s has %d clients", tt.to, got)
		}
	}
	for _, p := range []mockserver.Provider{mockserver.IMKIT, "nobody"} {
		o := srv.OAuthOf(p)
		o.DenyNext()
		_, err := o.Register(mockserver.OAuthClient{})
		_, issueErr := o.Issue(client.ID, "user001")
		if !errors.Is(err, mockserver.ErrNoAuthority) || !errors.Is(issueErr, mockserver.ErrNoAuthority) || len(o.Clients())+len(o.Tokens())+o.ExpireAll() != 0 {
			t.Errorf("%s: %v, %v", p, err, issueErr)
		}
	}
	if _, err := srv.OAuthOf(acme).Register(mockserver.OAuthClient{Scopes: []string{"items:raed"}}); !errors.Is(err, mockserver.ErrScope) {
		t.Error(err)
	}
}

func TestADiagnosisTellsTokensFromKeys(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(oauthAPI()))
	client, err := srv.OAuthOf(acme).Register(mockserver.OAuthClient{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := srv.OAuthOf(acme).Issue(client.ID, "user001")
	if err != nil {
		t.Fatal(err)
	}
	other := mockserver.New(t, mockserver.WithAPI(oauthAPI()))
	key, stranger := srv.Keys().Issue(acme), other.Keys().Issue(acme, mockserver.Bearer())
	for _, tt := range []struct {
		header, value, why string
		outcome            mockserver.Outcome
	}{
		{"Authorization", "Bearer " + tokens.Access.Secret.Reveal(), "", mockserver.OK},
		{"X-Acme-Key", key.Secret.Reveal(), "", mockserver.OK},
		{"X-Acme-Key", tokens.Access.Secret.Reveal(), "is a bearer and was sent as another kind of credential", mockserver.UnknownKey},
		{"Authorization", "Bearer " + key.Secret.Reveal(), "is a key and was sent as another kind", mockserver.UnknownKey},
		{"Authorization", "Bearer " + tokens.Refresh.Secret.Reveal(), "is a refresh and was sent as another kind", mockserver.UnknownKey},
		{"Authorization", "Bearer " + client.Secret.Reveal(), "is a client and was sent as another kind", mockserver.UnknownKey},
		{"Authorization", "Bearer " + stranger.Secret.Reveal(), "from another run", mockserver.UnknownKey},
		{"Authorization", "Bearer eyJwcm9kdWN0aW9u", "was not issued by a mock", mockserver.NotAMockKey},
		{"Authorization", "Token " + tokens.Access.Secret.Reveal(), "`X-Acme-Key` or `Authorization: Bearer …`", mockserver.WrongScheme},
	} {
		r := newRequest(t, acme, "GET", "/items", "")
		r.Header.Set(tt.header, tt.value)
		if d := srv.Keys().Verify(acme, r); d.Outcome != tt.outcome || !strings.Contains(d.Why, tt.why) {
			t.Errorf("%s: %+v, want %s, %q", tt.header, d, tt.outcome, tt.why)
		}
	}
}

// TestAMistakeInAnAuthorizationServerIsRefused is the table of what can be wrong.
func TestAMistakeInAnAuthorizationServerIsRefused(t *testing.T) {
	t.Parallel()
	type server = mockserver.OAuthServer
	for want, srv := range map[string]server{
		"oauth.token: there is none":               {Authorize: "/a"},
		`oauth.token: "oauth/token" is no path`:    {Token: "oauth/token"},
		`oauth.token: "/t/{id}" is no path`:        {Token: "/t/{id}"},
		"oauth.token: \"/_mock/x\" is no path":     {Token: "/_mock/x"},
		`oauth.revoke: "/t" is that of oauth.tok`:  {Token: "/t", Revoke: "/t"},
		"oauth.grants[0]: \"password\" is none of": {Token: "/t", Grants: []string{"password"}},
		"did you mean client_credentials?":         {Token: "/t", Grants: []string{"client_credential"}},
		"oauth.grants[1]: \"client_credentials\"":  {Token: "/t", Grants: []string{"client_credentials", "client_credentials"}},
		"refresh_token needs oauth.authorize":      {Token: "/t", Grants: []string{"refresh_token"}},
		"oauth.life: -1s":                          {Token: "/t", Life: -time.Second},
		"oauth.codeLife: 1ns is not between":       {Token: "/t", CodeLife: 1},
		"oauth.refresh.alphabet: \"hax\" is none":  {Token: "/t", Refresh: mockserver.KeyShape{Alphabet: "hax"}},
		"oauth.secret.length":                      {Token: "/t", Secret: mockserver.KeyShape{Length: 3}},
		`routes[0].route: "/items" is the path of`: {Token: "/items"},
	} {
		a := oauthAPI()
		a.OAuth = srv
		if err := a.Valid(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", srv, err, want)
		}
	}
	same := oauthAPI()
	same.OAuth.Authorize = same.OAuth.Token // GET and POST, as iiniit's
	if err := same.Valid(); err != nil {
		t.Error(err)
	}
}

// TestTheAdminAPIKnowsEveryAuthorizationServer names the provider, or one without a server.
func TestTheAdminAPIKnowsEveryAuthorizationServer(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(oauthAPI()))
	ask := func(method, path, body string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost/v1/namespaces/default/oauth"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
		w := httptest.NewRecorder()
		srv.AdminHandler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	_, made := ask("POST", "/clients", `{"provider": "acme", "name": "app"}`)
	var client struct{ ID string }
	if err := json.Unmarshal([]byte(made), &client); err != nil || client.ID == "" {
		t.Fatalf("%v: %s", err, made)
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/clients?provider=acme", "", 200, client.ID},
		{"GET", "/clients", "", 200, `"items":[]`},
		{"POST", "/tokens", `{"provider": "acme", "client": "` + client.ID + `"}`, 201, `"secret":"at_`},
		{"POST", "/tokens", `{"client": "` + client.ID + `"}`, 404, "no such OAuth client"},
		{"GET", "/tokens?provider=acme", "", 200, `"kind":"refresh"`},
		{"POST", "/approve-next", `{"provider": "acme", "deny": true}`, 200, "queued"},
		{"POST", "/expire-all", `{"provider": "acme"}`, 200, `"ended":2`},
		{"GET", "/clients?provider=imkit", "", 400, "imkit has no authorization server; there are those of iiniit, acme"},
		{"POST", "/clients", `{"provider": "acne"}`, 404, "no such provider"},
		{"POST", "/clients", `{"provider": "acme", "scopes": ["x"]}`, 400, "scope"},
	} {
		if status, says := ask(tt.method, tt.path, tt.body); status != tt.status || !strings.Contains(says, tt.says) {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, status, says)
		}
	}
}
