package contract_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/keyfit/keyfit/mockserver"
)

const (
	iiniitURL = "http://iiniit.localhost"
	callback  = "https://app.example.com/callback?from=lorem"
)

// flow is an OAuth client of the field against the mock; every answer on the
// way is checked against the document.
type flow struct {
	*world
	client mockserver.OAuthClient
	config *oauth2.Config
	ctx    context.Context
}

func newFlow(t testing.TB, c mockserver.OAuthClient, tokenPath string, style oauth2.AuthStyle) *flow {
	t.Helper()
	w := newWorld(t, mockserver.Iiniit)
	if c.RedirectURIs == nil {
		c.RedirectURIs = []string{callback}
	}
	client, err := w.srv.OAuth().Register(c)
	if err != nil {
		t.Fatal(err)
	}
	return &flow{w, client, &oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret.Reveal(), RedirectURL: callback, Scopes: []string{"read:user"},
		Endpoint: oauth2.Endpoint{AuthURL: iiniitURL + "/auth/login", TokenURL: iiniitURL + tokenPath, AuthStyle: style},
	}, context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: w.rt})}
}

// authorize sends the user's browser to authURL and returns what comes back.
func (f *flow) authorize(t testing.TB, authURL string) url.Values {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, authURL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.rt.RoundTrip(r) // no redirect is followed
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Fatalf("authorization answers %d %s", res.StatusCode, res.Header.Get("X-Mock-Diagnosis"))
	}
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if got := to.Scheme + "://" + to.Host + to.Path; got != "https://app.example.com/callback" || to.Query().Get("from") != "lorem" {
		t.Errorf("sent back to %s, not to the redirect URI with its query", to)
	}
	return to.Query()
}

// login runs the code flow with PKCE.
func (f *flow) login(t testing.TB) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	back := f.authorize(t, f.config.AuthCodeURL("state1", oauth2.S256ChallengeOption(verifier)))
	if back.Get("state") != "state1" || back.Get("code") == "" {
		t.Fatalf("came back with %v", back)
	}
	token, err := f.config.Exchange(f.ctx, back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// resource asks for /resource with an access token.
func (f *flow) resource(t testing.TB, access string) answer {
	t.Helper()
	return send(t, f.rt, mockserver.Iiniit, http.MethodGet, "/resource", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) })
}

// refreshed asks for new tokens with a refresh token.
func (f *flow) refreshed(refresh string) (*oauth2.Token, error) {
	return f.config.TokenSource(f.ctx, &oauth2.Token{RefreshToken: refresh}).Token()
}

func wantError(t testing.TB, err error, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func TestTheCodeFlowOfXOAuth2(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		client    mockserver.OAuthClient
		tokenPath string
		style     oauth2.AuthStyle
	}{
		"basic":              {mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader},
		"post":               {mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInParams},
		"found out":          {mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleAutoDetect},
		"documented path":    {mockserver.OAuthClient{}, "/oauth2/authorize", oauth2.AuthStyleInParams},
		"authorization path": {mockserver.OAuthClient{}, "/oauth/authorize", oauth2.AuthStyleInHeader},
		"public":             {mockserver.OAuthClient{Public: true}, "/oauth/token", oauth2.AuthStyleInParams},
		"public, found out":  {mockserver.OAuthClient{Public: true}, "/oauth/token", oauth2.AuthStyleAutoDetect},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, tt.client, tt.tokenPath, tt.style)
			f.srv.OAuth().ApproveNext("lorem")
			token := f.login(t)
			if token.Type() != "Bearer" || token.RefreshToken == "" || token.Extra("scope") != "read:user" || token.ExpiresIn != 3600 {
				t.Errorf("token type %s, expires in %d, scope %v", token.Type(), token.ExpiresIn, token.Extra("scope"))
			}
			want := `{"method":"GET","path":"/resource","credential":"bearer","carrier":"header","scope":"read:user","user":"lorem","bytes":0}`
			if got := f.resource(t, token.AccessToken); got.status != 200 || got.body != want {
				t.Errorf("resource: %d %s", got.status, got.body)
			}
		})
	}
}

func TestClientCredentialsOfXOAuth2(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{Scopes: []string{"read:user", "write:lorem"}}, "/oauth/token", 0)
	config := clientcredentials.Config{ClientID: f.client.ID, ClientSecret: f.client.Secret.Reveal(), TokenURL: iiniitURL + "/oauth/token"}
	token, err := config.Token(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if token.RefreshToken != "" || token.Extra("scope") != "read:user write:lorem" {
		t.Errorf("refresh token %t, scope %v", token.RefreshToken != "", token.Extra("scope"))
	}
	if got := f.resource(t, token.AccessToken).status; got != 200 {
		t.Errorf("resource: %d", got)
	}
	config.Scopes = []string{"write:lorem"}
	token, err = config.Token(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := f.resource(t, token.AccessToken)
	if want := `Bearer realm="iiniit", error="insufficient_scope", scope="read:user"`; got.status != 403 || got.header.Get("WWW-Authenticate") != want {
		t.Errorf("without the scope: %d %s", got.status, got.header.Get("WWW-Authenticate"))
	}
	config.Scopes = []string{"root"}
	_, err = config.Token(f.ctx)
	wantError(t, err, "invalid_scope")
	config.Scopes, config.ClientSecret = nil, "not-the-secret"
	_, err = config.Token(f.ctx)
	wantError(t, err, "invalid_client")
}

func TestRefreshRotatesAndAReplayEndsTheFamily(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	first, other := f.login(t), f.login(t)
	second, err := f.refreshed(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("the refresh did not rotate")
	}
	_, err = f.refreshed(first.RefreshToken)
	wantError(t, err, "invalid_grant")
	_, err = f.refreshed(second.RefreshToken) // the thief's or the owner's: nobody knows
	wantError(t, err, "invalid_grant")
	want := map[string]int{"first": 401, "second": 401, "another login": 200}
	got := map[string]int{
		"first": f.resource(t, first.AccessToken).status, "second": f.resource(t, second.AccessToken).status,
		"another login": f.resource(t, other.AccessToken).status,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("access tokens (-want +got):\n%s", d)
	}
	if _, err := f.refreshed(other.RefreshToken); err != nil {
		t.Errorf("another login's refresh: %v", err)
	}
}

func TestBogusRefreshTokensAreRefused(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	other, err := f.srv.OAuth().Register(mockserver.OAuthClient{})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := f.srv.OAuth().Issue(other.ID, "lorem")
	if err != nil {
		t.Fatal(err)
	}
	mine := f.login(t)
	for name, refresh := range map[string]string{
		"invented": "lorem", "an access token": mine.AccessToken, "another client's": foreign.Refresh.Secret.Reveal(),
		"the secret": f.client.Secret.Reveal(), "cut": mine.RefreshToken[:40], "an API key": f.key.Secret.Reveal(),
	} {
		if _, err := f.refreshed(refresh); err == nil {
			t.Errorf("%s is accepted", name)
		} else {
			wantError(t, err, "invalid_grant")
		}
	}
	if _, err := f.refreshed(mine.RefreshToken); err != nil {
		t.Errorf("the real one afterwards: %v", err)
	}
}

func TestACodeIsUsedOnceAndAReuseRevokesItsTokens(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	code := f.authorize(t, f.config.AuthCodeURL("s")).Get("code")
	token, err := f.config.Exchange(f.ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.resource(t, token.AccessToken).status; got != 200 {
		t.Errorf("before the reuse: %d", got)
	}
	_, err = f.config.Exchange(f.ctx, code)
	wantError(t, err, "invalid_grant")
	if got := f.resource(t, token.AccessToken).status; got != 401 {
		t.Errorf("after the reuse: %d", got)
	}
	_, err = f.refreshed(token.RefreshToken)
	wantError(t, err, "invalid_grant")
}

func TestOfManyExchangesOfACodeOneWinsAndNothingSurvives(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	code := f.authorize(t, f.config.AuthCodeURL("s")).Get("code")
	var mu sync.Mutex
	var won []*oauth2.Token
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if token, err := f.config.Exchange(f.ctx, code); err == nil {
				mu.Lock()
				won = append(won, token)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(won) > 1 {
		t.Fatalf("%d exchanges won", len(won))
	}
	for _, token := range won {
		if got := f.resource(t, token.AccessToken).status; got != 401 {
			t.Errorf("the winner's token: %d, want 401: the code was used twice", got)
		}
	}
}

func TestPKCEIsHeld(t *testing.T) {
	t.Parallel()
	verifier, other := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	s256 := oauth2.S256ChallengeOption(verifier)
	param := oauth2.SetAuthURLParam
	for name, opts := range map[string][]oauth2.AuthCodeOption{
		"plain":              {param("code_challenge", verifier), param("code_challenge_method", "plain")},
		"no method is plain": {param("code_challenge", verifier)},
		"a method alone":     {param("code_challenge_method", "S256")},
		"no hash":            {param("code_challenge", "short"), param("code_challenge_method", "S256")},
	} {
		if back := f.authorize(t, f.config.AuthCodeURL("s", opts...)); back.Get("error") != "invalid_request" || back.Get("state") != "s" {
			t.Errorf("%s: came back with %v", name, back)
		}
	}
	code := f.authorize(t, f.config.AuthCodeURL("s", s256)).Get("code")
	for name, opts := range map[string][]oauth2.AuthCodeOption{"another verifier": {oauth2.VerifierOption(other)}, "no verifier": nil} {
		if _, err := f.config.Exchange(f.ctx, code, opts...); err == nil {
			t.Errorf("%s is accepted", name)
		} else {
			wantError(t, err, "invalid_grant")
		}
	}
	if _, err := f.config.Exchange(f.ctx, code, oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("the right verifier afterwards: %v", err)
	}
	without := f.authorize(t, f.config.AuthCodeURL("s")).Get("code")
	_, err := f.config.Exchange(f.ctx, without, oauth2.VerifierOption(verifier))
	wantError(t, err, "invalid_grant")

	public := newFlow(t, mockserver.OAuthClient{Public: true}, "/oauth/token", oauth2.AuthStyleInParams)
	if back := public.authorize(t, public.config.AuthCodeURL("s")); back.Get("error") != "invalid_request" {
		t.Errorf("a public client without PKCE: %v", back)
	}
}

func TestTheUserAnswersAsTold(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{Scopes: []string{"read:user", "write:lorem"}}, "/oauth/token", oauth2.AuthStyleInHeader)
	f.config.Scopes = []string{"read:user", "write:lorem"}
	f.srv.OAuth().DenyNext()
	f.srv.OAuth().ApproveNext("fitsum", "read:user")
	f.srv.OAuth().ApproveNext("fitsum", "something:else")
	if back := f.authorize(t, f.config.AuthCodeURL("s")); back.Get("error") != "access_denied" || back.Get("code") != "" {
		t.Errorf("denied: %v", back)
	}
	if token := f.login(t); token.Extra("scope") != "read:user" {
		t.Errorf("narrowed to %v", token.Extra("scope"))
	}
	if back := f.authorize(t, f.config.AuthCodeURL("s")); back.Get("error") != "access_denied" {
		t.Errorf("nothing of what was asked for: %v", back)
	}
	if token := f.login(t); token.Extra("scope") != "read:user write:lorem" {
		t.Errorf("by default %v", token.Extra("scope"))
	}
	f.config.Scopes = []string{"root"}
	if back := f.authorize(t, f.config.AuthCodeURL("s")); back.Get("error") != "invalid_scope" {
		t.Errorf("a scope that is not the client's: %v", back)
	}
}

func TestLivesEndOnTheClock(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	code := f.authorize(t, f.config.AuthCodeURL("s")).Get("code")
	f.srv.Clock().Advance(time.Minute)
	_, err := f.config.Exchange(f.ctx, code)
	wantError(t, err, "invalid_grant")

	token := f.login(t)
	f.srv.Clock().Advance(time.Hour - time.Second)
	if got := f.resource(t, token.AccessToken).status; got != 200 {
		t.Errorf("a second before the hour: %d", got)
	}
	f.srv.Clock().Advance(time.Second)
	got := f.resource(t, token.AccessToken)
	if challenge := got.header.Get("WWW-Authenticate"); got.status != 401 || !strings.Contains(challenge, `error="invalid_token"`) ||
		!strings.HasPrefix(got.header.Get("X-Mock-Diagnosis"), "expired: ") {
		t.Errorf("at the hour: %d %s %s", got.status, challenge, got.header.Get("X-Mock-Diagnosis"))
	}
	f.srv.Clock().Advance(29 * 24 * time.Hour)
	next, err := f.refreshed(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	f.srv.Clock().Advance(23*time.Hour - time.Second) // 30 days after the login, rotation or not
	last, err := f.refreshed(next.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	f.srv.Clock().Advance(time.Second)
	_, err = f.refreshed(last.RefreshToken)
	wantError(t, err, "invalid_grant")
}

func TestExpireAllLeavesTheRefreshTokenIfTold(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	token := f.login(t)
	if n := f.srv.OAuth().ExpireAll(mockserver.KindBearer); n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	if got := f.resource(t, token.AccessToken).status; got != 401 {
		t.Errorf("expired token: %d", got)
	}
	next, err := f.refreshed(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if n := f.srv.OAuth().ExpireAll(); n != 2 {
		t.Errorf("%d expired, want the access and the refresh token", n)
	}
	_, err = f.refreshed(next.RefreshToken)
	wantError(t, err, "invalid_grant")
}

// post sends a form to the authorization server.
func (f *flow) post(t testing.TB, path string, form url.Values, basic bool) answer {
	t.Helper()
	return send(t, f.rt, mockserver.Iiniit, http.MethodPost, path, form.Encode(), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if basic {
			r.SetBasicAuth(url.QueryEscape(f.client.ID), url.QueryEscape(f.client.Secret.Reveal()))
		}
	})
}

func TestRevokeAndIntrospect(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	f.srv.OAuth().ApproveNext("lorem")
	token := f.login(t)
	active := func(token string) string {
		got := f.post(t, "/oauth/introspect", url.Values{"token": {token}}, true)
		if got.status != 200 {
			t.Errorf("introspect: %d %s", got.status, got.body)
		}
		return got.body
	}
	want := `{"active":true,"scope":"read:user","client_id":"` + f.client.ID + `","username":"lorem","token_type":"Bearer","exp":1800007200,"iat":1800003600,"sub":"lorem"}`
	if got := active(token.AccessToken); got != want {
		t.Errorf("access token:\n%s\nwant\n%s", got, want)
	}
	if got := active(token.RefreshToken); !strings.Contains(got, `"active":true`) || strings.Contains(got, "token_type") {
		t.Errorf("refresh token: %s", got)
	}
	const inactive = `{"active":false}`
	for _, bogus := range []string{"lorem", f.key.Secret.Reveal(), f.client.Secret.Reveal()} {
		if got := active(bogus); got != inactive {
			t.Errorf("bogus: %s", got)
		}
	}
	if got := f.post(t, "/oauth/introspect", url.Values{"token": {token.AccessToken}}, false); got.status != 401 {
		t.Errorf("introspect without a client: %d", got.status)
	}
	if got := f.post(t, "/oauth/revoke", url.Values{"token": {"lorem"}}, true); got.status != 200 || got.body != "" {
		t.Errorf("revoke an unknown token: %d %s", got.status, got.body)
	}
	other := f.login(t)
	if got := f.post(t, "/oauth/revoke", url.Values{"token": {other.AccessToken}, "token_type_hint": {"refresh_token"}}, true); got.status != 200 {
		t.Errorf("revoke an access token: %d", got.status)
	}
	if got := active(other.AccessToken); got != inactive {
		t.Errorf("revoked: %s", got)
	}
	if _, err := f.refreshed(other.RefreshToken); err != nil {
		t.Errorf("its refresh token: %v", err)
	}
	f.post(t, "/oauth/revoke", url.Values{"token": {token.RefreshToken}}, true)
	if got := active(token.AccessToken); got != inactive {
		t.Errorf("access token of a revoked refresh token: %s", got)
	}
}

func TestAnotherClientCannotRevoke(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	other, err := f.srv.OAuth().Register(mockserver.OAuthClient{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := f.srv.OAuth().Issue(other.ID, "lorem")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.post(t, "/oauth/revoke", url.Values{"token": {tokens.Access.Secret.Reveal()}}, true); got.status != 400 {
		t.Errorf("revoke: %d %s", got.status, got.body)
	}
	if got := f.resource(t, tokens.Access.Secret.Reveal()).status; got != 200 {
		t.Errorf("the token afterwards: %d", got)
	}
}

func TestUntrustedAuthorizationRequestsAreNotRedirected(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{RedirectURIs: []string{callback, "https://app.example.com/second"}}, "/oauth/token", 0)
	id := "client_id=" + f.client.ID
	for name, query := range map[string]string{
		"no client":          "response_type=code",
		"unknown client":     "response_type=code&client_id=lorem",
		"two clients":        "response_type=code&" + id + "&" + id,
		"no redirect of two": "response_type=code&" + id,
		"another redirect":   "response_type=code&" + id + "&redirect_uri=" + url.QueryEscape("https://evil.example.com/callback"),
		"longer redirect":    "response_type=code&" + id + "&redirect_uri=" + url.QueryEscape(callback+"/x"),
		"trailing slash":     "response_type=code&" + id + "&redirect_uri=" + url.QueryEscape("https://app.example.com/second/"),
		"another case":       "response_type=code&" + id + "&redirect_uri=" + url.QueryEscape("https://APP.example.com/second"),
		"malformed":          id + "&%zz",
	} {
		for _, path := range []string{"/auth/login", "/oauth/authorize"} {
			if got := send(t, f.rt, mockserver.Iiniit, http.MethodGet, path+"?"+query, ""); got.status != 400 || got.header.Get("Location") != "" {
				t.Errorf("%s: %d, Location %q", name, got.status, got.header.Get("Location"))
			}
		}
	}
	back := f.authorize(t, iiniitURL+"/auth/login?response_type=token&"+id+"&state=s&redirect_uri="+url.QueryEscape(callback))
	if back.Get("error") != "unsupported_response_type" || back.Get("state") != "s" {
		t.Errorf("response_type token: %v", back)
	}
	back = f.authorize(t, iiniitURL+"/auth/login?response_type=code&response_type=code&"+id+"&redirect_uri="+url.QueryEscape(callback))
	if back.Get("error") != "invalid_request" {
		t.Errorf("response_type twice: %v", back)
	}
}

func TestBadTokenRequests(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", 0)
	id, secret := f.client.ID, f.client.Secret.Reveal()
	own := "client_id=" + id + "&client_secret=" + secret
	form, js := "application/x-www-form-urlencoded", "application/json"
	for name, tt := range map[string]struct {
		kind, body, auth string
		status           int
		code             string
	}{
		"nothing":               {form, "", "", 401, "invalid_client"},
		"no grant":              {form, own, "", 400, "invalid_request"},
		"another grant":         {form, own + "&grant_type=password", "", 400, "unsupported_grant_type"},
		"no code":               {form, own + "&grant_type=authorization_code", "", 400, "invalid_request"},
		"unknown code":          {form, own + "&grant_type=authorization_code&code=lorem", "", 400, "invalid_grant"},
		"no refresh token":      {form, own + "&grant_type=refresh_token", "", 400, "invalid_request"},
		"twice":                 {form, own + "&grant_type=client_credentials&grant_type=client_credentials", "", 400, "invalid_request"},
		"malformed form":        {form, own + "&%zz", "", 400, "invalid_request"},
		"another content type":  {"text/plain", own + "&grant_type=client_credentials", "", 400, "invalid_request"},
		"JSON":                  {js, `{"grant_type":"client_credentials","client_id":"` + id + `","client_secret":"` + secret + `"}`, "", 200, ""},
		"JSON header on a form": {js, own + "&grant_type=client_credentials", "", 200, ""},
		"JSON number":           {js, `{"grant_type":1}`, "", 400, "invalid_request"},
		"JSON twice":            {js, `{"grant_type":"a","grant_type":"b"}`, "", 400, "invalid_request"},
		"JSON array":            {js, `[]`, "", 400, "invalid_request"},
		"JSON cut":              {js, `{"grant_type":"client_credentials"`, "", 400, "invalid_request"},
		"JSON and more":         {js, `{} {}`, "", 400, "invalid_request"},
		"two authentications":   {form, own + "&grant_type=client_credentials", "Basic", 400, "invalid_request"},
		"bearer":                {form, "grant_type=client_credentials", "Bearer lorem", 401, "invalid_client"},
		"id alone":              {form, "grant_type=client_credentials&client_id=" + id, "", 401, "invalid_client"},
		"unknown client":        {form, "grant_type=client_credentials&client_id=lorem&client_secret=" + secret, "", 401, "invalid_client"},
		"wrong secret":          {form, "grant_type=client_credentials&client_id=" + id + "&client_secret=lorem", "", 401, "invalid_client"},
	} {
		got := send(t, f.rt, mockserver.Iiniit, http.MethodPost, "/oauth/token", tt.body, func(r *http.Request) {
			r.Header.Set("Content-Type", tt.kind)
			switch tt.auth {
			case "":
			case "Basic":
				r.SetBasicAuth(id, secret)
			default:
				r.Header.Set("Authorization", tt.auth)
			}
		})
		if got.status != tt.status || tt.code != "" && !strings.Contains(got.body, `"error":"`+tt.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, tt.status, tt.code)
		}
	}
}

func TestASecretIsRotatedWithAnOverlap(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	next, err := f.srv.Keys().Rotate(f.client.KeyID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	status := func(secret string) bool {
		config := clientcredentials.Config{ClientID: f.client.ID, ClientSecret: secret, TokenURL: iiniitURL + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader}
		_, err := config.Token(f.ctx)
		return err == nil
	}
	if !status(f.client.Secret.Reveal()) || !status(next.Secret.Reveal()) {
		t.Error("in the overlap both secrets work")
	}
	f.srv.Clock().Advance(time.Hour)
	if status(f.client.Secret.Reveal()) || !status(next.Secret.Reveal()) {
		t.Error("after the overlap only the new one works")
	}
}

func TestMetadataLeadsToTheEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.Iiniit)
	for host, want := range map[string]string{"iiniit.localhost": "http://iiniit.localhost", "api.iiniit.com": "https://api.iiniit.com"} {
		got := send(t, w.rt, mockserver.Iiniit, http.MethodGet, "/.well-known/oauth-authorization-server", "", func(r *http.Request) { r.Host, r.URL.Host = host, host })
		if !strings.Contains(got.body, `"issuer":"`+want+`"`) || !strings.Contains(got.body, `"token_endpoint":"`+want+`/oauth/token"`) {
			t.Errorf("%s: %s", host, got.body)
		}
	}
}
