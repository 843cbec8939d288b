package iiniit_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
)

func TestALoginAsksAsTheVendorDocumentsWithPKCE(t *testing.T) {
	t.Parallel()
	app := iiniit.App{ClientID: "lorem", RedirectURL: redirectURL + "?a=b", Scopes: []string{"read:user", "x"}, TokenURL: tokenURL}
	one, err := app.Login()
	if err != nil {
		t.Fatal(err)
	}
	two, err := app.Login()
	if err != nil {
		t.Fatal(err)
	}
	if one.State.Reveal() == two.State.Reveal() || one.Verifier.Reveal() == two.Verifier.Reveal() || len(one.State.Reveal()) < 22 {
		t.Error("state and verifier are not made anew")
	}
	u, err := url.Parse(one.URL)
	if err != nil {
		t.Fatal(err)
	}
	got := u.Query()
	if len(got.Get("code_challenge")) != 43 {
		t.Errorf("challenge %q", got.Get("code_challenge"))
	}
	got.Del("code_challenge")
	want := url.Values{
		"response_type": {"code"}, "client_id": {"lorem"}, "redirect_uri": {redirectURL + "?a=b"}, "scope": {"read:user x"},
		"state": {one.State.Reveal()}, "code_challenge_method": {"S256"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff("www.iiniit.com/auth/login", u.Host+u.Path); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestExchangeGivesAToken(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for name, c := range map[string]mockserver.OAuthClient{"with a secret": {}, "public": {Public: true}} {
		app := newApp(t, srv, c)
		token := logIn(t, srv, app)
		if token.Access.IsZero() || token.Refresh.IsZero() || token.Expires.IsZero() {
			t.Errorf("%s: %+v", name, token)
		}
		if d := cmp.Diff([]string{"read:user"}, token.Scopes); d != "" {
			t.Errorf("%s: scopes (-want +got):\n%s", name, d)
		}
	}
}

func TestExchangeRefusesWhatIsNotTheAnswerToThisLogin(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	other, err := app.Login()
	if err != nil {
		t.Fatal(err)
	}
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	code := func(want string) func(error) bool {
		return func(err error) bool {
			refused, ok := errors.AsType[*iiniit.TokenError](err)
			return ok && refused.Code == want
		}
	}
	for name, test := range map[string]struct {
		change func(l *iiniit.Login, q url.Values)
		want   func(error) bool
		sent   int
	}{
		"no state":          {func(_ *iiniit.Login, q url.Values) { q.Del("state") }, is(iiniit.ErrState), 0},
		"another state":     {func(_ *iiniit.Login, q url.Values) { q.Set("state", other.State.Reveal()) }, is(iiniit.ErrState), 0},
		"two states":        {func(_ *iiniit.Login, q url.Values) { q.Add("state", "x") }, is(iiniit.ErrState), 0},
		"another login":     {func(l *iiniit.Login, _ url.Values) { *l = other }, is(iiniit.ErrState), 0},
		"an empty login":    {func(l *iiniit.Login, q url.Values) { *l = iiniit.Login{}; q.Set("state", "") }, func(err error) bool { return err != nil }, 0},
		"no code":           {func(_ *iiniit.Login, q url.Values) { q.Del("code") }, func(err error) bool { return err != nil }, 0},
		"two codes":         {func(_ *iiniit.Login, q url.Values) { q.Add("code", "x") }, func(err error) bool { return err != nil }, 0},
		"the user said no":  {func(_ *iiniit.Login, q url.Values) { q.Set("error", "access_denied") }, is(keyfit.ErrForbidden), 0},
		"a wrong code":      {func(_ *iiniit.Login, q url.Values) { q.Set("code", "lorem") }, code("invalid_grant"), 1},
		"another verifier":  {func(l *iiniit.Login, _ url.Values) { l.Verifier = other.Verifier }, code("invalid_grant"), 1},
		"an unasked denial": {func(_ *iiniit.Login, q url.Values) { q.Set("error", "access_denied"); q.Set("state", "x") }, is(iiniit.ErrState), 0},
	} {
		login, err := app.Login()
		if err != nil {
			t.Fatal(err)
		}
		query := browse(t, srv, login.URL)
		test.change(&login, query)
		before := srv.Counts(tokenRequests()).Total
		token, err := app.Exchange(t.Context(), login, query)
		if !test.want(err) || !token.Access.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
		if sent := srv.Counts(tokenRequests()).Total - before; sent != test.sent {
			t.Errorf("%s: %d requests to the token endpoint", name, sent)
		}
	}
	srv.OAuth().DenyNext()
	login, err := app.Login()
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.Exchange(t.Context(), login, browse(t, srv, login.URL))
	if d := cmp.Diff("iiniit: authorization refused: access_denied: the user denied the request", err.Error()); d != "" {
		t.Errorf("denied (-want +got):\n%s", d)
	}
}

func TestACodeIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	app.ClientSecret = keyfit.NewSecret("not the secret")
	login, err := app.Login()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exchange(t.Context(), login, browse(t, srv, login.URL)); !errors.Is(err, keyfit.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
	srv.Expect(t, tokenRequests(), 1) // not a second time with the secret in another place
}

func TestAnAppThatCannotWorkIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	good := iiniit.App{ClientID: "lorem", ClientSecret: keyfit.NewSecret("ipsum"), RedirectURL: redirectURL, TokenURL: tokenURL}
	if _, err := good.Login(); err != nil {
		t.Fatal(err)
	}
	first := iiniit.Token{Access: keyfit.NewSecret("a"), Refresh: keyfit.NewSecret("r")}
	for name, spoil := range map[string]func(*iiniit.App){
		"no client": func(a *iiniit.App) { a.ClientID = "" }, "no token endpoint": func(a *iiniit.App) { a.TokenURL = "" },
		"plain http": func(a *iiniit.App) { a.TokenURL = "http://www.iiniit.com/oauth2/authorize" },
		"relative":   func(a *iiniit.App) { a.TokenURL = "/oauth2/authorize" },
		"user in it": func(a *iiniit.App) { a.TokenURL = "https://u:p@www.iiniit.com/" },
	} {
		app := good
		spoil(&app)
		_, err1 := app.Login()
		_, err2 := app.Exchange(t.Context(), iiniit.Login{State: keyfit.NewSecret("s"), Verifier: keyfit.NewSecret("v")}, url.Values{"state": {"s"}, "code": {"c"}})
		_, err3 := app.Tokens(first)
		_, err4 := app.ClientCredentials()
		if err1 == nil || err2 == nil || err3 == nil || err4 == nil {
			t.Errorf("%s: %v, %v, %v, %v", name, err1, err2, err3, err4)
		}
	}
	for name, spoil := range map[string]func(*iiniit.App){
		"no redirect": func(a *iiniit.App) { a.RedirectURL = "" }, "redirect with fragment": func(a *iiniit.App) { a.RedirectURL += "#x" },
		"plain page": func(a *iiniit.App) { a.AuthURL = "http://www.iiniit.com/auth/login" },
	} {
		app := good
		spoil(&app)
		if _, err := app.Login(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	secretless := good
	secretless.ClientSecret = keyfit.Secret{}
	if _, err := secretless.ClientCredentials(); err == nil {
		t.Error("client credentials without a secret are taken")
	}
	for name, opts := range map[string][]iiniit.TokensOption{"nil": {nil}, "negative": {iiniit.RefreshAhead(-1)}, "no function": {iiniit.OnRefresh(nil)}} {
		if _, err := good.Tokens(first, opts...); err == nil {
			t.Errorf("option %s is taken", name)
		}
	}
	if _, err := good.Tokens(iiniit.Token{}); err == nil {
		t.Error("an empty first token is taken")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheSecretFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		hosts := map[string]int{}
		app := iiniit.App{ClientID: "lorem", ClientSecret: keyfit.NewSecret("ipsum-dolor"), TokenURL: tokenURL}
		app.Transport = transport(func(r *http.Request) (*http.Response, error) {
			hosts[r.URL.Host]++
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://evil.example/"}}, Body: http.NoBody, Request: r}, nil
		})
		tokens, err := app.ClientCredentials()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.Credential(t.Context()); !errors.Is(err, keyfit.ErrCrossOrigin) {
			t.Errorf("%d: %v", status, err)
		}
		if d := cmp.Diff(map[string]int{"www.iiniit.com": 1}, maps.Clone(hosts)); d != "" {
			t.Errorf("%d (-want +got):\n%s", status, d)
		}
	}
}
