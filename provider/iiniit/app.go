package iiniit

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/keyfit/keyfit"
)

// AuthURL is the authorization page that the vendor documents.
const AuthURL = "https://www.iiniit.com/auth/login"

// App is an application as the Developer Portal registered it. It is data: fill it once
// and use it from many goroutines.
type App struct {
	// ClientID is the public name of the app. Required.
	ClientID string
	// ClientSecret is its secret; zero for an app that cannot keep one, such as a desktop
	// program, where PKCE alone protects the code.
	ClientSecret keyfit.Secret
	// RedirectURL is where the user comes back to, exactly as registered: the vendor
	// compares case and trailing slash. Required for [App.Login].
	RedirectURL string
	// Scopes are asked for; the vendor documents read:user. Empty asks for none, and the
	// server decides.
	Scopes []string
	// AuthURL is the authorization page. "" means [AuthURL].
	AuthURL string
	// TokenURL is the token endpoint. Required: the vendor prints its path,
	// /oauth2/authorize, and no host, so there is no default.
	TokenURL string
	// Transport sends the requests to TokenURL. nil means http.DefaultTransport.
	// Redirects are never followed: they would carry the secret elsewhere.
	Transport http.RoundTripper
}

// tokenTime bounds a request to the token endpoint.
const tokenTime = 30 * time.Second

// ErrState says that the state which came back is not that of the login: the answer
// belongs to another login, or somebody forged it (RFC 6749, section 10.12).
var ErrState = errors.New("iiniit: the state is not that of this login")

// Login is one user's way through the authorization page. Keep it in the user's session
// until the redirect URI is called, and use it once. To store it keep the revealed State
// and Verifier; the URL is not needed any more by then.
type Login struct {
	// URL is where to send the user's browser. It holds the state, as it must.
	URL string
	// State ties the answer to this login.
	State keyfit.Secret
	// Verifier proves that who redeems the code is who asked for it (RFC 7636).
	Verifier keyfit.Secret
}

// Login makes a new way with a random state and PKCE verifier. The error names what the
// App lacks. Nothing is sent.
func (a *App) Login() (Login, error) {
	if err := a.validate(); err != nil {
		return Login{}, err
	}
	page, err := url.Parse(a.authURL())
	if err != nil || !secure(page) {
		return Login{}, fmt.Errorf("iiniit: AuthURL: %w", errNotSecure)
	}
	if back, err := url.Parse(a.RedirectURL); err != nil || !back.IsAbs() || back.Fragment != "" {
		return Login{}, errors.New("iiniit: RedirectURL must be absolute and without fragment, as the app registered it")
	}
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	return Login{
		URL:   a.config().AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)),
		State: keyfit.NewSecret(state), Verifier: keyfit.NewSecret(verifier),
	}, nil
}

// Exchange redeems what the redirect URI was called with: query is that of the request.
// The error is [ErrState] if the state is not the login's, and a [*TokenError] if the user
// said no (Code access_denied) or the server refused the code.
func (a *App) Exchange(ctx context.Context, login Login, query url.Values) (Token, error) {
	if err := a.validate(); err != nil {
		return Token{}, err
	}
	if login.State.IsZero() || login.Verifier.IsZero() {
		return Token{}, errors.New("iiniit: the login has no state or verifier: is it the one that App.Login made")
	}
	state := query["state"]
	if len(state) != 1 || subtle.ConstantTimeCompare([]byte(state[0]), []byte(login.State.Reveal())) != 1 {
		return Token{}, ErrState
	}
	code := query["code"]
	secrets := []keyfit.Secret{a.ClientSecret, login.State, login.Verifier, keyfit.NewSecret(query.Get("code"))}
	if reason := query.Get("error"); reason != "" {
		return Token{}, newTokenError("authorization", 0, reason, query.Get("error_description"), secrets)
	}
	if len(code) != 1 || code[0] == "" {
		return Token{}, errors.New("iiniit: the redirect URI was called without exactly one code")
	}
	return a.fetch(ctx, "authorization code", secrets, func(ctx context.Context) (*oauth2.Token, error) {
		return a.config().Exchange(ctx, code[0], oauth2.VerifierOption(login.Verifier.Reveal()))
	})
}

func (a *App) authURL() string {
	if a.AuthURL == "" {
		return AuthURL
	}
	return a.AuthURL
}

// config is the App as x/oauth2 takes it. It is made for one request and not kept, since
// it holds the secret as plain text. The vendor sends client_id and client_secret as
// fields; trying both ways would spend a code on the wrong one.
func (a *App) config() *oauth2.Config {
	return &oauth2.Config{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret.Reveal(), RedirectURL: a.RedirectURL, Scopes: a.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: a.authURL(), TokenURL: a.TokenURL, AuthStyle: oauth2.AuthStyleInParams},
	}
}

var errNotSecure = fmt.Errorf("%w: want an absolute https URL without user and fragment", keyfit.ErrInsecure)

func (a *App) validate() error {
	if a.ClientID == "" {
		return errors.New("iiniit: the app has no ClientID")
	}
	if a.TokenURL == "" {
		return errors.New("iiniit: the app has no TokenURL: the vendor documents the path /oauth2/authorize and no host, so ask it for the host")
	}
	if u, err := url.Parse(a.TokenURL); err != nil || !secure(u) {
		return fmt.Errorf("iiniit: TokenURL: %w", errNotSecure)
	}
	return nil
}

// secure reports whether secrets may go to u: https, or this machine itself.
func secure(u *url.URL) bool {
	if u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || ip != nil && ip.IsLoopback())
}
