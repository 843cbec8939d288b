package contract_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
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

// flow is an independent OAuth client of the mock. Every response is checked
// against the document.
type flow struct {
	*world
	client mockserver.OAuthClient
	config *oauth2.Config
	ctx    context.Context
}

func newFlow(t *testing.T, c mockserver.OAuthClient, tokenPath string, style oauth2.AuthStyle) *flow {
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

// authorize requests authURL like the user's browser and returns the query of
// the redirect.
func (f *flow) authorize(t *testing.T, authURL string) url.Values {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, authURL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.rt.RoundTrip(r) // RoundTrip does not follow redirects
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
func (f *flow) login(t *testing.T) *oauth2.Token {
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

// resource requests /resource with an access token.
func (f *flow) resource(t *testing.T, access string) answer {
	t.Helper()
	return send(t, f.rt, mockserver.Iiniit, http.MethodGet, "/resource", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) })
}

// refreshed exchanges a refresh token for new tokens.
func (f *flow) refreshed(refresh string) (*oauth2.Token, error) {
	return f.config.TokenSource(f.ctx, &oauth2.Token{RefreshToken: refresh}).Token()
}

func wantError(t *testing.T, err error, code string) {
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
	_, err = f.refreshed(second.RefreshToken) // a replay by an attacker or by the owner
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
	f.srv.Clock().Advance(23*time.Hour - time.Second) // 30 days after the login, regardless of rotation
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
