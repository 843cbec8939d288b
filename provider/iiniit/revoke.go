package iiniit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
)

// errRevoked is why there is no further token after Revoke.
var errRevoked = fmt.Errorf("%w (this program has revoked the grant)", ErrLoginAgain)

// Revoke revokes the refresh token and the access token at the server ([App.RevokeURL], RFC
// 7009), for example because the user logs out. From then on no new token is fetched and no
// call is sent: they fail with [ErrLoginAgain], also if the server could not be reached, or if
// the App has no RevokeURL. The error is a [*TokenError] if the server refuses the revocation, an
// error of the connection, or says that the RevokeURL is missing; Revoke may be called again
// then. Where there is no token, nothing is sent.
func (t *Tokens) Revoke(ctx context.Context) error {
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer t.unlock()
	ended := errRevoked
	t.ended.Store(&ended)
	t.dueAt.Store(0)
	t.revoked.Store(true)
	if _, err := t.ask(ctx, revocation, keyfit.Secret{}, "", nil); err != nil {
		return err // of the URL, also where there is no token
	}
	var failed error
	for _, of := range []struct {
		token keyfit.Secret
		hint  string
	}{{t.token.Refresh, "refresh_token"}, {t.token.Access, "access_token"}} {
		if !of.token.IsZero() {
			_, err := t.ask(ctx, revocation, of.token, of.hint, t.known)
			if failed != nil && err != nil {
				err = fmt.Errorf("%w; %w", failed, err)
			}
			failed = cmp.Or(err, failed)
		}
	}
	return failed
}

// Introspection is what the server says about a token (RFC 7662, section 2.2). Of an inactive
// token it says nothing else.
type Introspection struct {
	Active   bool
	Scopes   []string
	ClientID string
	Username string
	Subject  string
	Expires  time.Time // zero if the server does not say
	Issued   time.Time // zero if the server does not say
}

// Introspect asks the server about the current access token ([App.IntrospectURL], RFC 7662).
// It fetches no new token: one that has ended is not active. The error is a [*TokenError] if
// the server refuses to say, as it may refuse a public client, or an error of the connection.
func (t *Tokens) Introspect(ctx context.Context) (Introspection, error) {
	if err := t.lock(ctx); err != nil {
		return Introspection{}, err
	}
	token, known := t.token.Access, slices.Clone(t.known)
	t.unlock()
	if _, err := t.ask(ctx, introspection, keyfit.Secret{}, "", nil); err != nil {
		return Introspection{}, err
	}
	if token.IsZero() {
		return Introspection{}, errors.New("iiniit: introspection: there is no access token yet")
	}
	body, err := t.ask(ctx, introspection, token, "access_token", known)
	if err != nil {
		return Introspection{}, err
	}
	var said struct {
		Active   bool        `json:"active"`
		Scope    string      `json:"scope"`
		ClientID string      `json:"client_id"`
		Username string      `json:"username"`
		Subject  string      `json:"sub"`
		Expires  json.Number `json:"exp"`
		Issued   json.Number `json:"iat"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return Introspection{}, errors.New("iiniit: introspection: the response is not that of RFC 7662")
	}
	if !said.Active {
		return Introspection{}, nil
	}
	return Introspection{
		Active: said.Active, Scopes: strings.Fields(said.Scope), ClientID: said.ClientID, Username: said.Username,
		Subject: said.Subject, Expires: numericDate(said.Expires), Issued: numericDate(said.Issued),
	}, nil
}

// numericDate reads the seconds of RFC 7519, section 2.
func numericDate(n json.Number) time.Time {
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// question is what is asked of an endpoint that the vendor does not document.
type question string

const (
	revocation    question = "revocation"
	introspection question = "introspection"
)

// endpoint returns the URL of the endpoint for a question.
func (a *App) endpoint(what question) (string, error) {
	field, raw := "RevokeURL", a.RevokeURL
	if what == introspection {
		field, raw = "IntrospectURL", a.IntrospectURL
	}
	if raw == "" {
		return "", fmt.Errorf("iiniit: the app has no %s: the vendor documents none; ask the vendor", field)
	}
	if u, err := url.Parse(raw); err != nil || !secure(u) {
		return "", fmt.Errorf("iiniit: %s: %w", field, errNotSecure)
	}
	return raw, nil
}

// maxAnswer bounds the response of an endpoint, in bytes.
const maxAnswer = 1 << 20

// ask sends a token to an endpoint, with the credentials of the app, and returns the body of a
// success. Without a token it only looks at the endpoint's URL, and sends nothing. Its errors hold
// no secret, and none of those that the server may know.
func (a *App) ask(ctx context.Context, what question, token keyfit.Secret, hint string, known []keyfit.Secret) ([]byte, error) {
	at, err := a.endpoint(what)
	if err != nil {
		return nil, err
	}
	if token.IsZero() {
		return nil, nil
	}
	secrets := append([]keyfit.Secret{a.ClientSecret, token}, known...)
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}, "client_id": {a.ClientID}}
	if !a.ClientSecret.IsZero() {
		form.Set("client_secret", a.ClientSecret.Reveal())
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("iiniit: %s: the URL is not one", what)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := a.sender().Do(req)
	if err != nil {
		return nil, cleanError(ctx, string(what), secrets, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, cleanError(ctx, string(what), secrets, err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		var refusal struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(body, &refusal) // a refusal without them has its status
		return nil, newTokenError(string(what), resp.StatusCode, refusal.Code, refusal.Description, append(secrets, tokensIn(body)...))
	}
	return body, nil
}
