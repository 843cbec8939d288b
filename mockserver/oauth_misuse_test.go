package mockserver_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

const (
	pkceVerifier  = "verifier-that-is-long-enough-for-the-standard-01"
	pkceChallenge = "StTvPjItrCIL_UiAcZn1EoghaAK6FGCCG3PchyenVVg"
	redirectURI   = "https://app.example.com/cb"
)

// authorizationCode has the user approve an authorization request.
func authorizationCode(tb testing.TB, srv *mockserver.Server, client mockserver.OAuthClient, more url.Values) string {
	tb.Helper()
	q := url.Values{"response_type": {"code"}, "client_id": {client.ID}, "state": {"s"}}
	maps.Copy(q, more)
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, "http://iiniit.localhost/auth/login?"+q.Encode(), http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		tb.Fatalf("no code: %d %s %v", res.StatusCode, back, err)
	}
	return back.Query().Get("code")
}

// TestAMisusedCodeCannotBeRedeemed: whoever presents a code that is not theirs has one
// attempt and ends the code (RFC 9700, section 4.2.4).
func TestAMisusedCodeCannotBeRedeemed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	mine := register(t, srv.Namespace, mockserver.OAuthClient{RedirectURIs: []string{redirectURI}})
	other := register(t, srv.Namespace, mockserver.OAuthClient{RedirectURIs: []string{redirectURI}})
	public := register(t, srv.Namespace, mockserver.OAuthClient{RedirectURIs: []string{redirectURI}, Public: true})
	pkce := url.Values{"code_challenge": {pkceChallenge}, "code_challenge_method": {"S256"}}
	withURI := url.Values{"redirect_uri": {redirectURI}, "code_challenge": {pkceChallenge}, "code_challenge_method": {"S256"}}
	right := url.Values{"redirect_uri": {redirectURI}, "code_verifier": {pkceVerifier}, "client_id": {mine.ID}, "client_secret": {mine.Secret.Reveal()}}
	type change = map[string]string
	for _, tt := range []struct {
		name     string
		request  url.Values // of the authorization
		misuse   change     // of the right token request; "" omits a parameter
		want     string     // the error of the misuse
		survives bool
	}{
		{"another verifier", withURI, change{"code_verifier": strings.Repeat("x", 43)}, "invalid_grant", false},
		{"a verifier in another case", withURI, change{"code_verifier": strings.ToUpper(pkceVerifier)}, "invalid_grant", false},
		{"a verifier that is too short", withURI, change{"code_verifier": "x"}, "invalid_grant", false},
		{"a verifier that is too long", withURI, change{"code_verifier": strings.Repeat("x", 129)}, "invalid_grant", false},
		{"the challenge as verifier", withURI, change{"code_verifier": pkceChallenge}, "invalid_grant", false},
		{"no verifier", withURI, change{"code_verifier": ""}, "invalid_grant", false},
		{"another redirect URI", withURI, change{"redirect_uri": redirectURI + "/"}, "invalid_grant", false},
		{"no redirect URI", withURI, change{"redirect_uri": ""}, "invalid_grant", false},
		{"a foreign redirect URI, where none was sent", pkce, change{"redirect_uri": "https://evil.example/cb"}, "invalid_grant", false},
		{"another client", withURI, change{"client_id": other.ID, "client_secret": other.Secret.Reveal()}, "invalid_grant", false},
		{"a public client", withURI, change{"client_id": public.ID, "client_secret": ""}, "invalid_grant", false},
		{"another client, with a wrong verifier", withURI, change{"client_id": public.ID, "client_secret": "", "code_verifier": "x"}, "invalid_grant", false},
		{"a verifier where there was no challenge", url.Values{"redirect_uri": {redirectURI}}, change{}, "invalid_grant", false},
		// Who does not authenticate as a client, or does not ask for a code's tokens, does not redeem it.
		{"a wrong secret", withURI, change{"client_secret": other.Secret.Reveal()}, "invalid_client", true},
		{"no client", withURI, change{"client_id": "", "client_secret": ""}, "invalid_client", true},
		{"no grant type", withURI, change{"grant_type": ""}, "invalid_request", true},
		{"as a refresh token", withURI, change{"grant_type": "refresh_token", "refresh_token": "CODE"}, "invalid_grant", true},
	} {
		code := authorizationCode(t, srv, mine, tt.request)
		send := func(change map[string]string) answer {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
			maps.Copy(form, right)
			for name, value := range change {
				if form.Set(name, value); value == "CODE" {
					form.Set(name, code)
				}
			}
			return tokenRequest(t, srv.Transport(), form, formType)
		}
		if a := send(tt.misuse); a.status/100 != 4 || member(t, a, "error") != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.name, a.status, a.body, tt.want)
		}
		change := map[string]string{}
		if tt.request.Get("code_challenge") == "" {
			change["code_verifier"] = ""
		}
		a := send(change)
		if diff := cmp.Diff(tt.survives, a.status == http.StatusOK); diff != "" {
			t.Errorf("%s, then the right request: %d %s (-want +got):\n%s", tt.name, a.status, a.body, diff)
		}
		if all := srv.Requests(mockserver.Match{}); !tt.survives && all[len(all)-1].Diagnosis.Why == "" {
			t.Errorf("%s: nobody says why: %+v", tt.name, all[len(all)-1])
		}
	}
}

// TestAMisuseEndsWhatTheCodeWasRedeemedFor: the order of the thief and the owner does not
// matter.
func TestAMisuseEndsWhatTheCodeWasRedeemedFor(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	mine := register(t, srv.Namespace, mockserver.OAuthClient{RedirectURIs: []string{redirectURI}})
	public := register(t, srv.Namespace, mockserver.OAuthClient{RedirectURIs: []string{redirectURI}, Public: true})
	for name, thief := range map[string]url.Values{
		"the same client": {"client_id": {mine.ID}, "client_secret": {mine.Secret.Reveal()}, "code_verifier": {"x"}},
		"another client":  {"client_id": {public.ID}},
	} {
		code := authorizationCode(t, srv, mine, url.Values{"redirect_uri": {redirectURI}})
		form := credentialsOf(mine)
		form.Set("grant_type", "authorization_code")
		form.Set("code", code)
		form.Set("redirect_uri", redirectURI)
		token := member(t, tokenRequest(t, srv.Transport(), form, formType), "access_token")
		if token == "" {
			t.Fatalf("%s: no token", name)
		}
		thief.Set("grant_type", "authorization_code")
		thief.Set("code", code)
		if a := tokenRequest(t, srv.Transport(), thief, formType); member(t, a, "error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		r := newRequest(t, mockserver.Iiniit, http.MethodGet, "/resource", "")
		r.Header.Set("Authorization", "Bearer "+token)
		if a := call(t, srv.Transport(), r); a.status != http.StatusUnauthorized {
			t.Errorf("%s: the owner's token afterwards: %d", name, a.status)
		}
	}
}
