package iiniit

import (
	"net"
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// subject reads a request of the revocation and introspection endpoints: an
// authenticated client and a token. The hint is not needed and not read.
func (s *server) subject(c *surface.Call) (surface.Client, string, *refusal) {
	f, bad := readForm(c)
	if bad != nil {
		return surface.Client{}, "", bad
	}
	client, bad := s.client(c, f)
	if bad != nil {
		return client, "", bad
	}
	if f["token"] == "" {
		return client, "", invalid("token is required")
	}
	return client, f["token"], nil
}

// revoke is RFC 7009: an unknown token is revoked already, a refresh token
// takes the access tokens of its authorization with it.
func (s *server) revoke(w http.ResponseWriter, c *surface.Call) {
	client, token, bad := s.subject(c)
	if bad != nil {
		bad.write(w)
		return
	}
	g, p := s.env.Authority.Find(token)
	switch {
	case p.Outcome != "" || g.Use == surface.Code:
	case g.Client != client.ID:
		c.Explain(unknownKey, g.ID+" belongs to another client")
		invalidGrant("the token was issued to another client").write(w)
		return
	case g.Use == surface.RefreshToken:
		s.env.Authority.EndFamily(g.Family, "revoked by the client")
	default:
		s.env.Authority.End(g.ID, "revoked by the client")
	}
	noStore(w)
	w.WriteHeader(http.StatusOK)
}

// introspection is an answer of RFC 7662; only active stands in that of a token
// that is not.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
}

// introspect answers any client with a secret about any access or refresh
// token: resource servers ask about tokens that they did not get.
func (s *server) introspect(w http.ResponseWriter, c *surface.Call) {
	client, token, bad := s.subject(c)
	if bad == nil && client.Public {
		bad = invalidClient("a public client may not introspect")
	}
	if bad != nil {
		bad.write(w)
		return
	}
	noStore(w)
	g, p := s.env.Authority.Find(token)
	if p.Outcome != "" || g.Use == surface.Code || g.Ended || !g.Expires.IsZero() && !c.Now.Before(g.Expires) {
		surface.JSON(w, http.StatusOK, introspection{})
		return
	}
	out := introspection{
		Active: true, Scope: strings.Join(g.Scopes, " "), ClientID: g.Client, Username: g.User,
		Issued: g.Created.Unix(), Subject: g.User,
	}
	if out.Subject == "" {
		out.Subject = g.Client
	}
	if g.Use == surface.AccessToken {
		out.TokenType = "Bearer"
	}
	if !g.Expires.IsZero() {
		out.Expires = g.Expires.Unix()
	}
	surface.JSON(w, http.StatusOK, out)
}

// metadata is RFC 8414. The issuer is where the client reached the server.
func metadata(w http.ResponseWriter, c *surface.Call) {
	issuer := "http://" + c.Host
	if c.TLS != nil || !isLocal(c.Host) { // in memory, https to a real host has no TLS
		issuer = "https://" + c.Host
	}
	methods := []string{"client_secret_basic", "client_secret_post"}
	surface.JSON(w, http.StatusOK, map[string]any{
		"issuer":                                        issuer,
		"authorization_endpoint":                        issuer + authorizePath,
		"token_endpoint":                                issuer + grantPath,
		"revocation_endpoint":                           issuer + revokePath,
		"introspection_endpoint":                        issuer + introspectPath,
		"scopes_supported":                              DefaultScopes(),
		"response_types_supported":                      []string{"code"},
		"response_modes_supported":                      []string{"query"},
		"grant_types_supported":                         []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported":              []string{"S256"},
		"token_endpoint_auth_methods_supported":         append(methods, "none"),
		"revocation_endpoint_auth_methods_supported":    append(methods, "none"),
		"introspection_endpoint_auth_methods_supported": methods,
	})
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
