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

// AuthURL is the documented URL of the authorization page.
const AuthURL = "https://www.iiniit.com/auth/login"

// App describes an application registered in the Developer Portal. It must not be modified
// after first use; it is then safe for concurrent use.
type App struct {
	// ClientID is the public identifier of the app. Required.
	ClientID string
	// ClientSecret is the secret of the app. It is zero for a public client, such as a
	// desktop program, which PKCE alone protects.
	ClientSecret keyfit.Secret
	// RedirectURL is the redirect URI exactly as registered, including case and trailing
	// slash. Required for [App.Login].
	RedirectURL string
	// Scopes are the requested scopes; the vendor documents read:user. If empty, the server
	// chooses the scopes.
	Scopes []string
	// AuthURL is the URL of the authorization page. Default: [AuthURL].
	AuthURL string
	// TokenURL is the URL of the token endpoint. Required: the vendor documents its path,
	// /oauth2/authorize, but not its host.
	TokenURL string
	// RevokeURL is the URL of the revocation endpoint (RFC 7009), for [Tokens.Revoke]. The
	// vendor documents none.
	RevokeURL string
	// IntrospectURL is the URL of the introspection endpoint (RFC 7662), for
	// [Tokens.Introspect]. The vendor documents none.
	IntrospectURL string
	// Transport sends the requests to TokenURL, RevokeURL and IntrospectURL. Default: http.DefaultTransport. Redirects
	// are never followed, because they would send the secret to another host.
	Transport http.RoundTripper
}

// tokenTimeout bounds a request to the token endpoint.
const tokenTimeout = 30 * time.Second

// ErrState is returned if the state in the redirect differs from that of the login: the
// redirect belongs to another login or was forged (RFC 6749, section 10.12).
var ErrState = errors.New("iiniit: the state is not that of this login")

// Login is one user's pending authorization. Keep it in the user's session until the
// redirect URI is called, and use it once. To store it, store the revealed State and
// Verifier; the URL is no longer needed after the redirect.
type Login struct {
	// URL is the address to which to send the user's browser. It contains the state.
	URL string
	// State binds the redirect to this login.
	State keyfit.Secret
	// Verifier is the PKCE code verifier (RFC 7636).
	Verifier keyfit.Secret
}

// Login returns a new login with a random state and PKCE verifier. It sends no request. The
// error names a missing or invalid field of the App.
func (a *App) Login() (Login, error) {
	if err := a.validate(); err != nil {
		return Login{}, err
	}
	page, err := url.Parse(a.authURL())
	if err != nil || !secure(page) {
		return Login{}, fmt.Errorf("iiniit: AuthURL: %w", errNotSecure)
	}
	if back, err := url.Parse(a.RedirectURL); err != nil || !back.IsAbs() || back.Fragment != "" {
		return Login{}, errors.New("iiniit: RedirectURL must be absolute and without fragment, exactly as registered")
	}
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	return Login{
		URL:   a.config().AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)),
		State: keyfit.NewSecret(state), Verifier: keyfit.NewSecret(verifier),
	}, nil
}

// Exchange exchanges the code for a token. query is the query of the request to the
// redirect URI. The error is [ErrState] if the state is not that of the login, and a
// [*TokenError] if the user denied access (Code access_denied) or the server refused the
// code.
func (a *App) Exchange(ctx context.Context, login Login, query url.Values) (Token, error) {
	if err := a.validate(); err != nil {
		return Token{}, err
	}
	if login.State.IsZero() || login.Verifier.IsZero() {
		return Token{}, errors.New("iiniit: the login has no state or verifier: use the one that App.Login returned")
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

// config returns the configuration of x/oauth2. It is created per request, because it
// contains the secret as plain text. The vendor documents client_id and client_secret as
// form fields; probing for the style would use up a code.
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
		return errors.New("iiniit: the app has no TokenURL: the vendor documents the path /oauth2/authorize but not the host; ask the vendor")
	}
	if u, err := url.Parse(a.TokenURL); err != nil || !secure(u) {
		return fmt.Errorf("iiniit: TokenURL: %w", errNotSecure)
	}
	return nil
}

// place names the token endpoint for a person, without a query, which is nobody's business.
func (a *App) place() string {
	u, err := url.Parse(a.TokenURL)
	if err != nil {
		return "the token endpoint"
	}
	return "the token endpoint " + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// secure reports whether secrets may be sent to u: over https, or to a loopback address.
func secure(u *url.URL) bool {
	if u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || ip != nil && ip.IsLoopback())
}
