// Package iiniit mocks iiniit: one echo resource that accepts the three
// credential carriers, and an OAuth 2.0 authorization server.
//
// The vendor documents the authorization code flow by example and documents no
// resource; its only example address ends in the placeholder /resource. Where
// its pages are silent, the mock follows RFC 6749 (flows), RFC 7636 (PKCE),
// RFC 6750 (bearer errors), RFC 7009 (revocation), RFC 7662 (introspection) and
// RFC 8414 (metadata).
package iiniit

import (
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Resource is the path of the echo resource.
const Resource = "/resource"

// ReadUser is the only scope that the vendor's pages name.
const ReadUser = "read:user"

// DefaultScopes returns the scopes of keys, tokens and clients that are created
// without scopes.
func DefaultScopes() []string { return []string{ReadUser} }

// Authority is the authorization server. The vendor documents /auth/login and, as the token
// endpoint, /oauth2/authorize; the other paths are assumed.
func Authority() authserver.Config {
	return authserver.Config{
		Realm: "iiniit", Scopes: DefaultScopes(), Handle: "OAuth()",
		Authorize: []string{"/oauth/authorize", "/auth/login"},
		Token:     []string{"/oauth/token", "/oauth/authorize", "/oauth2/authorize"},
		Revoke:    "/oauth/revoke", Introspect: "/oauth/introspect", Metadata: "/.well-known/oauth-authorization-server",
	}
}

// New builds the surface. It has no Data: the core keeps clients, codes and
// tokens as hashed keys, and the resource stores nothing.
func New(env surface.Env) surface.Surface {
	type handler = func(http.ResponseWriter, *surface.Call)
	resource := authserver.OnPath(Resource, surface.Need{Scope: ReadUser}, map[string]handler{http.MethodGet: echo, http.MethodPost: echo})
	return surface.Surface{Routes: append(resource, authserver.Routes(env, Authority())...)}
}

// echo describes the request, without the credential.
func echo(w http.ResponseWriter, c *surface.Call) {
	out := struct {
		Method     string `json:"method"`
		Path       string `json:"path"`
		Credential string `json:"credential"` // api_key or bearer
		Carrier    string `json:"carrier"`    // header or query
		Scope      string `json:"scope"`
		User       string `json:"user,omitempty"`
		Bytes      int    `json:"bytes"` // length of the body
	}{c.Method, c.URL.Path, "api_key", "header", strings.Join(c.Caller.Scopes, " "), c.Caller.User, len(c.Data)}
	switch {
	case c.Caller.Kind == surface.Bearer:
		out.Credential = "bearer"
	case c.Header.Get("Authorization") == "":
		out.Carrier = "query"
	}
	surface.JSON(w, http.StatusOK, out)
}
