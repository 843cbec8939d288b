package authserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// tokenResponse is the response of the token endpoint, with the members that
// the vendor documents.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// token implements the token endpoint, RFC 6749 section 3.2.
func (s *server) token(w http.ResponseWriter, c *surface.Call) {
	out, bad := s.grantTokens(c)
	if bad != nil {
		bad.write(w)
		return
	}
	noStore(w)
	surface.JSON(w, http.StatusOK, out)
}

func (s *server) grantTokens(c *surface.Call) (*tokenResponse, *refusal) {
	f, bad := readForm(c)
	if bad != nil {
		return nil, bad
	}
	client, bad := s.authenticateClient(c, f)
	if bad != nil {
		return nil, bad
	}
	grant := f["grant_type"]
	switch {
	case grant == "":
		return nil, invalid("grant_type is required")
	case !slices.Contains(s.Grants, grant):
		return nil, refusing("unsupported_grant_type", "grant_type must be "+oneOf(s.Grants))
	case grant == AuthorizationCode:
		return s.redeemCode(c, client, f)
	case grant == RefreshToken:
		return s.refresh(c, client, f)
	}
	return s.clientCredentials(c, client, f)
}

// oneOf is a list in words.
func oneOf(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// refusing is a refusal with status 400.
func refusing(code, description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: code, description: description}
}

func invalidGrant(description string) *refusal {
	return refusing("invalid_grant", description)
}

// findGrant looks up a code or refresh token of the client. If it was used or
// revoked before, findGrant revokes everything issued from the same
// authorization, because the value may have been stolen (RFC 6749 sections
// 4.1.2 and 10.4).
func (s *server) findGrant(c *surface.Call, client surface.Client, value string, use surface.Use, what string) (surface.Granted, *refusal) {
	g, p := s.env.Authority.Find(value)
	switch {
	case p.Outcome != "":
		c.Explain(p.Outcome, p.Why)
	case g.Use != use:
		c.Explain(unknownKey, g.ID+" is not a "+what)
	case g.Client != client.ID && use == surface.Code:
		s.endMisused(c, &g, "the code belongs to another client")
	case g.Client != client.ID:
		c.Explain(unknownKey, g.ID+" belongs to another client")
	case g.Ended:
		s.revokeReplayed(c, &g, what)
	case !g.Expires.IsZero() && !c.Now.Before(g.Expires):
		c.Explain(expired, g.ID+" expired at "+g.Expires.Format(time.RFC3339))
	default:
		return g, nil
	}
	return g, invalidGrant("the " + what + " is invalid, expired, revoked or was used before")
}

func (s *server) revokeReplayed(c *surface.Call, g *surface.Granted, what string) {
	c.Explain(revoked, g.ID+" was used or revoked before; every token of its authorization is now revoked")
	s.env.Authority.EndFamily(g.Family, what+" was used twice")
}

// redeemCode exchanges a code for tokens, RFC 6749 section 4.1.3. The first
// attempt ends a code, whether it succeeds or not (RFC 9700 section 4.2.4): a
// request that does not match the authorization request may come from an attacker
// who has intercepted the code.
func (s *server) redeemCode(c *surface.Call, client surface.Client, f form) (*tokenResponse, *refusal) {
	if f["code"] == "" {
		return nil, invalid("code is required")
	}
	g, bad := s.findGrant(c, client, f["code"], surface.Code, "code")
	if bad != nil {
		return nil, bad
	}
	if mismatch := codeMismatch(&g, client, f); mismatch != "" {
		s.endMisused(c, &g, mismatch)
		return nil, invalidGrant(mismatch)
	}
	if !s.env.Authority.Spend(g.ID) {
		s.revokeReplayed(c, &g, "code")
		return nil, invalidGrant("the code is invalid, expired, revoked or was used before")
	}
	return s.issue(c, g.Grant, g.Scopes, ""), nil
}

// codeMismatch says how a token request differs from the authorization request
// that the code was issued for; "" if it does not.
func codeMismatch(g *surface.Granted, client surface.Client, f form) string {
	uri, verifier := f["redirect_uri"], f["code_verifier"]
	switch {
	case g.Redirect != "" && uri != g.Redirect, g.Redirect == "" && uri != "" && !slices.Contains(client.Redirects, uri):
		return "redirect_uri differs from the authorization request"
	case g.Challenge == "" && verifier != "": // PKCE downgrade, RFC 9700 section 2.1.1
		return "code_verifier was sent, but the authorization request had no code_challenge"
	case g.Challenge != "" && !verifyPKCE(verifier, g.Challenge):
		return "code_verifier does not match the code_challenge"
	}
	return ""
}

// endMisused ends a code that was presented in a request that does not match its
// authorization, and the tokens that were issued for it.
func (s *server) endMisused(c *surface.Call, g *surface.Granted, why string) {
	c.Explain(unknownKey, why+"; "+g.ID+" has ended and cannot be redeemed any more: begin a new authorization")
	s.env.Authority.EndFamily(g.Family, "misused: "+why)
}

// verifyPKCE checks a code_verifier against an S256 challenge, RFC 7636 section
// 4.6.
func verifyPKCE(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// refresh exchanges a refresh token for new tokens, RFC 6749 section 6. The old
// one ends; its successor keeps its scopes and its expiry, because rotation
// never extends a lifetime.
func (s *server) refresh(c *surface.Call, client surface.Client, f form) (*tokenResponse, *refusal) {
	if f["refresh_token"] == "" {
		return nil, invalid("refresh_token is required")
	}
	g, bad := s.findGrant(c, client, f["refresh_token"], surface.RefreshToken, "refresh token")
	if bad != nil {
		return nil, bad
	}
	scopes, ok := f.scopes()
	if !ok || !containsAll(g.Scopes, scopes) {
		return nil, invalidScope()
	}
	if len(scopes) == 0 {
		scopes = g.Scopes
	}
	if !s.env.Authority.Spend(g.ID) {
		s.revokeReplayed(c, &g, "refresh token")
		return nil, invalidGrant("the refresh token is invalid, expired, revoked or was used before")
	}
	next := g.Grant
	next.Until = g.Expires
	return s.issue(c, next, scopes, g.ID), nil
}

func invalidScope() *refusal {
	return refusing("invalid_scope", "a scope was not granted")
}

// clientCredentials issues an access token for the client itself, without a
// refresh token (RFC 6749 section 4.4.3).
func (s *server) clientCredentials(c *surface.Call, client surface.Client, f form) (*tokenResponse, *refusal) {
	if client.Public {
		return nil, refusing("unauthorized_client", "a public client may not use client_credentials")
	}
	scopes, ok := f.scopes()
	if !ok || !containsAll(client.Scopes, scopes) {
		return nil, invalidScope()
	}
	if len(scopes) == 0 {
		scopes = client.Scopes
	}
	value, g := s.env.Authority.Issue(surface.Grant{Client: client.ID, Scopes: scopes, Family: s.env.Authority.NewFamily()})
	return newTokenResponse(c, value, &g, ""), nil
}

// issue creates an access token with the given scopes and a refresh token with
// all scopes of the grant, both in the grant's family. A server without that grant type
// issues no refresh token.
func (s *server) issue(c *surface.Call, g surface.Grant, scopes []string, replaces string) *tokenResponse {
	value, access := s.env.Authority.Issue(surface.Grant{Client: g.Client, User: g.User, Scopes: scopes, Family: g.Family})
	if !slices.Contains(s.Grants, RefreshToken) {
		return newTokenResponse(c, value, &access, "")
	}
	refresh, _ := s.env.Authority.Issue(surface.Grant{
		Use: surface.RefreshToken, Client: g.Client, User: g.User, Scopes: g.Scopes, Family: g.Family,
		Until: g.Until, Replaces: replaces,
	})
	return newTokenResponse(c, value, &access, refresh)
}

func newTokenResponse(c *surface.Call, value string, g *surface.Granted, refresh string) *tokenResponse {
	return &tokenResponse{value, "Bearer", int64(g.Expires.Sub(c.Now) / time.Second), refresh, strings.Join(g.Scopes, " ")}
}
