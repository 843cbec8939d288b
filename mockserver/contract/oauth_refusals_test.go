package contract_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/keyfit/keyfit/mockserver"
)

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
	for name, opts := range map[string][]oauth2.AuthCodeOption{"another verifier": {oauth2.VerifierOption(other)}, "no verifier": nil} {
		code := f.authorize(t, f.config.AuthCodeURL("s", s256)).Get("code")
		if _, err := f.config.Exchange(f.ctx, code, opts...); err == nil {
			t.Errorf("%s is accepted", name)
		} else {
			wantError(t, err, "invalid_grant")
		}
		_, err := f.config.Exchange(f.ctx, code, oauth2.VerifierOption(verifier))
		wantError(t, err, "invalid_grant") // the attempt has ended the code
	}
	without := f.authorize(t, f.config.AuthCodeURL("s")).Get("code")
	_, err := f.config.Exchange(f.ctx, without, oauth2.VerifierOption(verifier))
	wantError(t, err, "invalid_grant")

	public := newFlow(t, mockserver.OAuthClient{Public: true}, "/oauth/token", oauth2.AuthStyleInParams)
	if back := public.authorize(t, public.config.AuthCodeURL("s")); back.Get("error") != "invalid_request" {
		t.Errorf("a public client without PKCE: %v", back)
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
