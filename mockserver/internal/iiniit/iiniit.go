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

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Resource is the path of the echo resource.
const Resource = "/resource"

// ReadUser is the only scope that the vendor's pages name.
const ReadUser = "read:user"

// DefaultScopes returns the scopes of keys, tokens and clients that are created
// without scopes.
func DefaultScopes() []string { return []string{ReadUser} }

// ValidScope reports whether s is a single scope token, RFC 6749 section 3.3.
func ValidScope(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

// The paths of the authorization server. The vendor documents /auth/login and,
// as the token endpoint, /oauth2/authorize; the others are assumed.
const (
	loginPath        = "/auth/login"
	authorizePath    = "/oauth/authorize"
	vendorGrantPath  = "/oauth2/authorize"
	grantPath        = "/oauth/token"
	revokePath       = "/oauth/revoke"
	introspectPath   = "/oauth/introspect"
	wellKnownOAuth   = "/.well-known/oauth-authorization-server"
	realm            = `realm="iiniit"`
	jsonContent      = "application/json; charset=utf-8"
	maxParameterSize = 8 << 10
)

type server struct{ env surface.Env }

// New builds the surface. It has no Data: the core keeps clients, codes and
// tokens as hashed keys, and the resource stores nothing.
func New(env surface.Env) surface.Surface {
	s := &server{env}
	open, user := surface.Need{Open: true}, surface.Need{Scope: ReadUser}
	type handler = func(http.ResponseWriter, *surface.Call)
	routes := []surface.Route{}
	add := func(path string, need surface.Need, methods map[string]handler) {
		var allow []string
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if h := methods[method]; h != nil {
				routes = append(routes, surface.Route{Pattern: method + " " + path, Need: need, Handle: h})
				allow = append(allow, method)
			}
		}
		routes = append(routes, surface.Route{Pattern: path, Need: need, Handle: func(w http.ResponseWriter, c *surface.Call) {
			c.Explain("not_found", "the path takes "+strings.Join(allow, ", "))
			w.Header().Set("Allow", strings.Join(allow, ", "))
			surface.Raw(w, http.StatusMethodNotAllowed, jsonContent, []byte(`{"error":"method_not_allowed"}`))
		}})
	}
	const get, post = http.MethodGet, http.MethodPost
	add(Resource, user, map[string]handler{get: echo, post: echo})
	add(loginPath, open, map[string]handler{get: s.authorize})
	add(authorizePath, open, map[string]handler{get: s.authorize, post: s.token})
	add(vendorGrantPath, open, map[string]handler{post: s.token})
	add(grantPath, open, map[string]handler{post: s.token})
	add(revokePath, open, map[string]handler{post: s.revoke})
	add(introspectPath, open, map[string]handler{post: s.introspect})
	add(wellKnownOAuth, open, map[string]handler{get: metadata})
	return surface.Surface{Routes: routes}
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
