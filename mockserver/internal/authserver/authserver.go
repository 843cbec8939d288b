// Package authserver is an OAuth 2.0 authorization server over the core's keys: that of
// iiniit, and of each API of one's own that has one.
//
// It follows RFC 6749 (flows), RFC 7636 (PKCE), RFC 7009 (revocation), RFC 7662
// (introspection), RFC 8414 (metadata) and, in what it refuses, RFC 9700.
package authserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// The grant types.
const (
	AuthorizationCode = "authorization_code"
	RefreshToken      = "refresh_token"
	ClientCredentials = "client_credentials"
)

// Grants lists the grant types.
func Grants() []string { return []string{AuthorizationCode, RefreshToken, ClientCredentials} }

// Config is what differs between the APIs that have an authorization server.
type Config struct {
	Realm  string   // of the challenge to a client: letters, digits, "-"
	Scopes []string // that the metadata announces
	Grants []string // grant types; nil are all
	Handle string   // how Go code reaches the server's controls, for diagnoses: "OAuth()"

	// Paths of the endpoints. The metadata announces the first of several; a server without
	// one does not have that endpoint.
	Authorize, Token             []string
	Revoke, Introspect, Metadata string
}

const (
	jsonContent      = "application/json; charset=utf-8"
	maxParameterSize = 8 << 10
)

type server struct {
	env surface.Env
	Config
}

type handler = func(http.ResponseWriter, *surface.Call)

// Routes returns the endpoints. They are open: a client authenticates itself.
func Routes(env surface.Env, c Config) []surface.Route {
	if c.Grants == nil {
		c.Grants = Grants()
	}
	s := &server{env, c}
	handlers := make(map[string]map[string]handler) // by path and method
	add := func(method string, h handler, paths ...string) {
		for _, path := range paths {
			switch {
			case path == "":
			case handlers[path] == nil:
				handlers[path] = map[string]handler{method: h}
			default:
				handlers[path][method] = h
			}
		}
	}
	add(http.MethodGet, s.authorize, c.Authorize...)
	add(http.MethodPost, s.token, c.Token...)
	add(http.MethodPost, s.revoke, c.Revoke)
	add(http.MethodPost, s.introspect, c.Introspect)
	add(http.MethodGet, s.metadata, c.Metadata)
	routes := make([]surface.Route, 0, 2*len(handlers))
	for _, path := range slices.Sorted(maps.Keys(handlers)) {
		routes = append(routes, OnPath(path, surface.Need{Open: true}, handlers[path])...)
	}
	return routes
}

// OnPath returns the routes of a path, with one that refuses every other method.
func OnPath(path string, need surface.Need, methods map[string]func(http.ResponseWriter, *surface.Call)) []surface.Route {
	allow := slices.Sorted(maps.Keys(methods))
	routes := make([]surface.Route, 0, len(allow)+1)
	for _, method := range allow {
		routes = append(routes, surface.Route{Pattern: method + " " + path, Need: need, Handle: methods[method]})
	}
	return append(routes, surface.Route{Pattern: path, Need: need, Handle: func(w http.ResponseWriter, c *surface.Call) {
		c.Explain("not_found", "the path takes "+strings.Join(allow, ", "))
		w.Header().Set("Allow", strings.Join(allow, ", "))
		surface.Raw(w, http.StatusMethodNotAllowed, jsonContent, []byte(`{"error":"method_not_allowed"}`))
	}})
}

// ValidScope reports whether s is a single scope token, RFC 6749 section 3.3.
func ValidScope(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}
