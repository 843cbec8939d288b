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
	resource    = "/resource" // the mock's echo, after the placeholder in the vendor's example
)

// echo is what the mock's resource answers.
type echo struct {
	Method, Path, Credential, Carrier, Scope, User string
	Bytes                                          int
}

// newApp registers an app at a mock.
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

// over sends a client's requests to a mock.
func over(srv *mockserver.Server) keyfit.Option {
	return keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()})
}

// browse is the user's browser: it returns the query with which the redirect URI is called.
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

// logIn goes the whole way of a user.
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

// newOAuth returns a client over tokens that begin with the given one.
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

// revokeAll ends every access token at the server.
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

// tokenRequests matches the requests to the token endpoint, calls those to the resource.
func tokenRequests() mockserver.Match {
	return mockserver.Match{Method: "POST", Path: "/oauth2/authorize"}
}
func calls() mockserver.Match { return mockserver.Match{Path: resource} }
