package iiniit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/keyfit/keyfit"
)

// Token is a response of the token endpoint. Its secrets are never printed; to store a
// token, store the revealed values.
type Token struct {
	Access  keyfit.Secret
	Refresh keyfit.Secret // zero if the server returned none
	Expires time.Time     // zero if unknown
	Scopes  []string      // the granted scopes; nil if unknown
}

// TokenError is a refusal by the authorization page or the token endpoint. It contains the
// server's texts, in which every secret of the request is redacted.
type TokenError struct {
	Grant       string // "authorization", "authorization code", "refresh token", "client credentials", "revocation" or "introspection"
	StatusCode  int    // HTTP status; 0 for a refusal in the redirect
	Code        string // RFC 6749, sections 4.1.2.1 and 5.2: access_denied, invalid_grant …; may be ""
	Description string // the server's error_description; may be ""
}

// Error returns one line without secrets.
func (e *TokenError) Error() string {
	parts := []string{"iiniit: " + e.Grant + " refused", "", e.Code, e.Description}
	if e.StatusCode != 0 {
		parts[1] = strings.TrimSpace(strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode))
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// Is matches [keyfit.ErrUnauthorized] if the client or the grant is invalid, and
// [keyfit.ErrForbidden] if the user or the server denied access.
func (e *TokenError) Is(target error) bool {
	switch e.Code {
	case "invalid_grant", "invalid_client":
		return target == keyfit.ErrUnauthorized
	case "access_denied", "unauthorized_client", "invalid_scope":
		return target == keyfit.ErrForbidden
	}
	return false
}

func newTokenError(grant string, status int, code, description string, secrets []keyfit.Secret) *TokenError {
	return &TokenError{Grant: grant, StatusCode: status, Code: oneLine(code, 64, secrets), Description: oneLine(description, 300, secrets)}
}

// oneLine redacts a server's text and shortens it to one line.
func oneLine(text string, limit int, secrets []keyfit.Secret) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(keyfit.Redact(text, secrets...), " "))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// fetch runs one request of x/oauth2 and returns a token or an error that is safe to print.
func (a *App) fetch(ctx context.Context, grant string, secrets []keyfit.Secret, request func(context.Context) (*oauth2.Token, error)) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	t, err := request(context.WithValue(ctx, oauth2.HTTPClient, a.sender()))
	if err != nil {
		return Token{}, cleanError(ctx, grant, secrets, err)
	}
	if kind := t.Type(); !strings.EqualFold(kind, "Bearer") { // RFC 6749, section 7.1
		secrets = append(secrets, keyfit.NewSecret(t.AccessToken), keyfit.NewSecret(t.RefreshToken))
		return Token{}, fmt.Errorf("iiniit: %s: the token type is %q, but only Bearer is supported", grant, oneLine(kind, 64, secrets))
	}
	out := Token{Access: keyfit.NewSecret(t.AccessToken), Refresh: keyfit.NewSecret(t.RefreshToken), Expires: t.Expiry}
	if scope, ok := t.Extra("scope").(string); ok {
		out.Scopes = strings.Fields(scope)
	}
	return out, nil
}

// tokensIn returns the tokens in a response that is a refusal all the same: its description may
// repeat them.
func tokensIn(body []byte) []keyfit.Secret {
	var in struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &in); err != nil && in.Access == "" {
		form, _ := url.ParseQuery(string(body)) // as x/oauth2 does
		in.Access, in.Refresh, in.ID = form.Get("access_token"), form.Get("refresh_token"), form.Get("id_token")
	}
	return []keyfit.Secret{keyfit.NewSecret(in.Access), keyfit.NewSecret(in.Refresh), keyfit.NewSecret(in.ID)}
}

// sender returns the client for requests with secrets in them. It follows no redirect.
func (a *App) sender() *http.Client {
	return &http.Client{
		Transport: a.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return fmt.Errorf("%w: the token endpoint redirects, which would expose the secret", keyfit.ErrCrossOrigin)
		},
	}
}

// cleanError removes from an error what x/oauth2 and net/http add: the URL and the body of the
// response, which may echo the request.
func cleanError(ctx context.Context, grant string, secrets []keyfit.Secret, err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		return newTokenError(grant, status, refused.ErrorCode, refused.ErrorDescription, append(secrets, tokensIn(refused.Body)...))
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if text := err.Error(); oneLine(text, len(text), secrets) != text {
		return fmt.Errorf("iiniit: %s: %s", grant, oneLine(text, 300, secrets))
	}
	return fmt.Errorf("iiniit: %s: %w", grant, err)
}
