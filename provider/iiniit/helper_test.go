package iiniit_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
)

const (
	tokenURL    = "https://www.iiniit.com/oauth2/authorize"
	redirectURL = "https://app.example/callback"
	resource    = "/resource" // the echo resource of the mock
)

// echo is the response of the mock's resource.
type echo struct {
	Method, Path, Credential, Carrier, Scope, User string
	Bytes                                          int
}

// newApp registers an app with a mock.
func newApp(tb testing.TB, srv *mockserver.Server, c mockserver.OAuthClient) *iiniit.App {
	tb.Helper()
	if c.RedirectURIs == nil {
		c.RedirectURIs = []string{redirectURL}
	}
	reg, err := srv.OAuth().Register(c)
	if err != nil {
		tb.Fatal(err)
	}
	return &iiniit.App{
		ClientID: reg.ID, ClientSecret: keyfit.NewSecret(reg.Secret.Reveal()), RedirectURL: redirectURL,
		Scopes: []string{"read:user"}, TokenURL: tokenURL, Transport: srv.Transport(),
	}
}

// over returns options that send a client's requests to a mock.
func over(srv *mockserver.Server) keyfit.Option {
	return keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()})
}

// browse acts as the user's browser and returns the query of the redirect URI.
func browse(tb testing.TB, srv *mockserver.Server, page string) url.Values {
	tb.Helper()
	req, err := http.NewRequest(http.MethodGet, page, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil {
		tb.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		tb.Fatalf("%d: %v", resp.StatusCode, err)
	}
	return back.Query()
}

// logIn runs the whole authorization code flow.
func logIn(tb testing.TB, srv *mockserver.Server, app *iiniit.App) iiniit.Token {
	tb.Helper()
	login, err := app.Login()
	if err != nil {
		tb.Fatal(err)
	}
	token, err := app.Exchange(tb.Context(), login, browse(tb, srv, login.URL))
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// newOAuth returns a client whose first token is the given one.
func newOAuth(tb testing.TB, srv *mockserver.Server, app *iiniit.App, first iiniit.Token, opts ...iiniit.TokensOption) *iiniit.Client {
	tb.Helper()
	tokens, err := app.Tokens(first, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := iiniit.NewOAuth(tokens, over(srv))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// revokeAll revokes every access token at the server.
func revokeAll(tb testing.TB, srv *mockserver.Server, kinds ...mockserver.KeyKind) {
	tb.Helper()
	for _, k := range srv.OAuth().Tokens() {
		for _, kind := range kinds {
			if k.Kind == kind && k.Status != mockserver.StatusRevoked && k.Status != mockserver.StatusExpired {
				if err := srv.Keys().Revoke(k.ID, ""); err != nil {
					tb.Fatal(err)
				}
			}
		}
	}
}

// tokenRequests matches requests to the token endpoint; calls matches requests to the resource.
func tokenRequests() mockserver.Match {
	return mockserver.Match{Method: "POST", Path: "/oauth2/authorize"}
}
func calls() mockserver.Match { return mockserver.Match{Path: resource} }
