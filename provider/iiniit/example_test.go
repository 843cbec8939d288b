package iiniit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
)

// A mock replaces www.iiniit.com and api.iiniit.com. A real program sets IINIIT_API_KEY and
// needs no options.
func Example() {
	srv, err := mockserver.NewHandler()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	key := srv.Keys().Issue(mockserver.Iiniit)

	c, err := iiniit.New(keyfit.WithKey(key.Secret.Reveal()), keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := iiniit.Get[map[string]any](context.Background(), c, "/resource")
	fmt.Println(answer["credential"], answer["carrier"], err)
	// Output: api_key header <nil>
}

func ExampleApp_Login() {
	srv, err := mockserver.NewHandler()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	registered, err := srv.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"https://app.example/callback"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := iiniit.App{
		ClientID: registered.ID, ClientSecret: keyfit.NewSecret(registered.Secret.Reveal()),
		RedirectURL: "https://app.example/callback", Scopes: []string{"read:user"},
		TokenURL:  "https://www.iiniit.com/oauth2/authorize",
		Transport: srv.Transport(), // omit it for the real server
	}

	// The handler that redirects the user stores login in the session.
	login, err := app.Login()
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := http.NewRequestWithContext(context.Background(), http.MethodGet, login.URL, http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := srv.Transport().RoundTrip(page) // the user's browser
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		fmt.Println(err)
		return
	}

	// The handler of the redirect URI reads it from the session.
	token, err := app.Exchange(context.Background(), login, back.Query())
	if err != nil {
		fmt.Println(err)
		return
	}
	save := func(context.Context, iiniit.Token) error { return nil } // store next.Refresh.Reveal(), encrypted
	tokens, err := app.Tokens(token, iiniit.OnRefresh(save))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := iiniit.NewOAuth(tokens, keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
	if err != nil {
		fmt.Println(err)
		return
	}
	me, err := iiniit.Get[map[string]any](context.Background(), c, "/resource")
	if errors.Is(err, iiniit.ErrLoginAgain) {
		fmt.Println("the user took the grant back")
	}
	fmt.Println(me["user"], me["scope"], err)
	fmt.Printf("%+v\n", token.Access)
	// Output:
	// user001 read:user <nil>
	// [redacted]
}

func ExampleApp_ClientCredentials() {
	srv, err := mockserver.NewHandler()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	registered, err := srv.OAuth().Register(mockserver.OAuthClient{})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := iiniit.App{
		ClientID: registered.ID, ClientSecret: keyfit.NewSecret(registered.Secret.Reveal()),
		TokenURL: "https://www.iiniit.com/oauth2/authorize", Transport: srv.Transport(),
	}
	tokens, err := app.ClientCredentials()
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := iiniit.NewOAuth(tokens, keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := iiniit.Get[map[string]any](context.Background(), c, "/resource")
	fmt.Println(answer["credential"], err)
	// Output: bearer <nil>
}
