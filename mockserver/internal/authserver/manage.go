package authserver

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// tokenRequest reads a request to the revocation or introspection endpoint: an
// authenticated client and a token. It ignores token_type_hint.
func (s *server) tokenRequest(c *surface.Call) (surface.Client, string, *refusal) {
	f, bad := readForm(c)
	if bad != nil {
		return surface.Client{}, "", bad
	}
	client, bad := s.authenticateClient(c, f)
	if bad != nil {
		return client, "", bad
	}
	if f["token"] == "" {
		return client, "", invalid("token is required")
	}
	return client, f["token"], nil
}

// revoke implements RFC 7009. An unknown token counts as revoked; revoking a
// refresh token also revokes the access tokens of its authorization.
func (s *server) revoke(w http.ResponseWriter, c *surface.Call) {
	client, token, bad := s.tokenRequest(c)
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
	surface.Raw(w, http.StatusOK, jsonContent, []byte("{}")) // RFC 7009 leaves the body open; some clients insist on JSON
}

// introspection is a response of RFC 7662. For an inactive token it holds only
// the member active.
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

// introspect lets any confidential client inspect any access or refresh token,
// because a resource server inspects tokens that were issued to others.
func (s *server) introspect(w http.ResponseWriter, c *surface.Call) {
	client, token, bad := s.tokenRequest(c)
	if bad == nil && client.Public {
		bad = s.invalidClient("a public client may not use introspection")
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

// metadata implements RFC 8414. The issuer is the origin under which the client
// reached the server.
func (s *server) metadata(w http.ResponseWriter, c *surface.Call) {
	issuer := "http://" + c.Host
	if c.TLS != nil || !isLocal(c.Host) { // the in-memory transport carries https to a real host without TLS
		issuer = "https://" + c.Host
	}
	methods := []string{"client_secret_basic", "client_secret_post"}
	doc := map[string]any{
		"issuer":                                issuer,
		"scopes_supported":                      s.Scopes,
		"response_types_supported":              []string{},
		"grant_types_supported":                 s.Grants,
		"token_endpoint_auth_methods_supported": append(slices.Clone(methods), "none"),
	}
	if slices.Contains(s.Grants, AuthorizationCode) {
		doc["response_types_supported"], doc["response_modes_supported"] = []string{"code"}, []string{"query"}
		doc["code_challenge_methods_supported"] = []string{"S256"}
	}
	for name, path := range map[string]string{
		"authorization": first(s.Authorize), "token": first(s.Token), "revocation": s.Revoke, "introspection": s.Introspect,
	} {
		if path == "" {
			continue
		}
		doc[name+"_endpoint"] = issuer + path
		switch name {
		case "revocation":
			doc[name+"_endpoint_auth_methods_supported"] = append(slices.Clone(methods), "none")
		case "introspection":
			doc[name+"_endpoint_auth_methods_supported"] = methods
		}
	}
	surface.JSON(w, http.StatusOK, doc)
}

// first is the path that the metadata announces.
func first(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	return paths[0]
}

// isLocal reports whether a host is localhost or a loopback address.
func isLocal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
