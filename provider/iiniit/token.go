package iiniit

import (
	"context"
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

// Token is what the token endpoint gave. Its halves do not print; to keep one, store the
// revealed values.
type Token struct {
	Access  keyfit.Secret
	Refresh keyfit.Secret // zero if the server gave none
	Expires time.Time     // zero if the server did not say
	Scopes  []string      // what was granted; nil if the server did not say
}

// TokenError is a refusal of the authorization page or the token endpoint. Its texts are
// the server's, with every secret of the request taken out.
type TokenError struct {
	Grant       string // what was asked with: "authorization", "authorization code", "refresh token", "client credentials"
	StatusCode  int    // the HTTP status; 0 if the browser brought the refusal
	Code        string // RFC 6749, sections 4.1.2.1 and 5.2: access_denied, invalid_grant …; "" if there was none
	Description string // the server's words; may be ""
}

// Error is one line without secrets.
func (e *TokenError) Error() string {
	parts := []string{"iiniit: " + e.Grant + " refused", "", e.Code, e.Description}
	if e.StatusCode != 0 {
		parts[1] = strings.TrimSpace(strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode))
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// Is matches [keyfit.ErrUnauthorized] where client or grant are not good (any more), and
// [keyfit.ErrForbidden] where the user or the server said no.
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
	return &TokenError{Grant: grant, StatusCode: status, Code: line(code, 64, secrets), Description: line(description, 300, secrets)}
}

// line makes a server's text fit for one line of a log.
func line(text string, limit int, secrets []keyfit.Secret) string {
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

// fetch runs one request of x/oauth2 and makes of what it returns what may be printed.
func (a *App) fetch(ctx context.Context, grant string, secrets []keyfit.Secret, request func(context.Context) (*oauth2.Token, error)) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTime)
	defer cancel()
	t, err := request(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport: a.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return fmt.Errorf("%w: the token endpoint redirects, and the secret stays here", keyfit.ErrCrossOrigin)
		},
	}))
	if err != nil {
		return Token{}, plain(ctx, grant, secrets, err)
	}
	if kind := t.Type(); !strings.EqualFold(kind, "Bearer") { // RFC 6749, section 7.1
		return Token{}, fmt.Errorf("iiniit: %s: the token is of type %q, and only Bearer is known", grant, line(kind, 64, secrets))
	}
	out := Token{Access: keyfit.NewSecret(t.AccessToken), Refresh: keyfit.NewSecret(t.RefreshToken), Expires: t.Expiry}
	if scope, ok := t.Extra("scope").(string); ok {
		out.Scopes = strings.Fields(scope)
	}
	return out, nil
}

// plain is the error without what x/oauth2 and net/http put around it: the body of the
// answer, which may repeat the request, and the URL.
func plain(ctx context.Context, grant string, secrets []keyfit.Secret, err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		return newTokenError(grant, status, refused.ErrorCode, refused.ErrorDescription, secrets)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if text := err.Error(); line(text, len(text), secrets) != text {
		return fmt.Errorf("iiniit: %s: %s", grant, line(text, 300, secrets))
	}
	return fmt.Errorf("iiniit: %s: %w", grant, err)
}
