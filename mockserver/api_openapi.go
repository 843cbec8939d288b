package mockserver

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// document is the OpenAPI 3.1 document of an API of one's own: its routes with what they
// need of a caller, how a key is sent, and which refusals there are.
func (n *Namespace) document(v *vendor) map[string]any {
	schemes, ways := v.securitySchemes()
	paths := make(map[string]map[string]any)
	for _, r := range n.router(v).all {
		method, path, ok := strings.Cut(strings.TrimSuffix(r.Pattern, "{$}"), " ")
		if !ok {
			continue // it only refuses
		}
		if paths[path] == nil {
			paths[path] = make(map[string]any)
		}
		if _, stubbed := paths[path][strings.ToLower(method)]; !stubbed { // the first one answers
			paths[path][strings.ToLower(method)] = n.operationOf(v, &r, method, path, ways)
		}
	}
	return map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": v.title, "version": "1"},
		"paths": paths, "security": requirements(ways, nil), "components": map[string]any{"securitySchemes": schemes},
	}
}

// way is one way to send a credential: the names of its security schemes, two for a pair.
type way []string

// requirements is security for a route that needs scopes: any of the ways.
func requirements(ways []way, scopes []string) []any {
	all := make([]any, 0, len(ways))
	for _, w := range ways {
		one := make(map[string]any)
		for _, name := range w {
			one[name] = append([]string{}, scopes...) // names of roles where the scheme has no scopes (OpenAPI 3.1)
		}
		all = append(all, one)
	}
	return all
}

// securitySchemes are the places of the vendor's credentials.
func (v *vendor) securitySchemes() (schemes map[string]any, ways []way) {
	schemes = make(map[string]any)
	for i := range v.carriers {
		c, name := &v.carriers[i], "key"+strconv.Itoa(i+1)
		schemes[name] = v.securityScheme(c)
		if c.kind == credToken { // together with its first half
			ways[len(ways)-1] = append(ways[len(ways)-1], name)
			continue
		}
		ways = append(ways, way{name})
	}
	return schemes, ways
}

func (v *vendor) securityScheme(c *carrier) map[string]any {
	switch {
	case c.kind == credBearer && !c.keys:
		return map[string]any{"type": "oauth2", "flows": v.flows()}
	case c.query != "":
		return map[string]any{"type": "apiKey", "in": "query", "name": c.query}
	case c.cookie != "":
		return map[string]any{"type": "apiKey", "in": "cookie", "name": c.cookie}
	case c.basic || strings.EqualFold(c.scheme, bearer):
		return map[string]any{"type": "http", "scheme": strings.ToLower(c.scheme)}
	case c.scheme != "":
		return map[string]any{"type": "apiKey", "in": "header", "name": c.header, "description": c.scheme + " and the key"}
	}
	return map[string]any{"type": "apiKey", "in": "header", "name": c.spelt()}
}

// flows are those of the authorization server.
func (v *vendor) flows() map[string]any {
	scopes := make(map[string]string)
	for _, s := range v.scopes {
		scopes[s] = s
	}
	config, flows := &v.oauth.config, make(map[string]any)
	if slices.Contains(config.Grants, authserver.ClientCredentials) {
		flows["clientCredentials"] = map[string]any{"tokenUrl": config.Token[0], "scopes": scopes}
	}
	if slices.Contains(config.Grants, authserver.AuthorizationCode) {
		flows["authorizationCode"] = map[string]any{"authorizationUrl": config.Authorize[0], "tokenUrl": config.Token[0], "scopes": scopes}
	}
	return flows
}

func (n *Namespace) operationOf(v *vendor, r *surface.Route, method, path string, ways []way) map[string]any {
	params := []any{}
	for segment := range strings.SplitSeq(path, "/") {
		for _, name := range namesIn(segment) {
			params = append(params, map[string]any{"name": name, "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
	}
	op := map[string]any{"operationId": operationID(method, path), "parameters": params, "responses": n.responsesOf(v, &r.Need)}
	if method == http.MethodPost && v.oauth != nil && v.oauth.serves(path) {
		op["requestBody"] = map[string]any{"content": map[string]any{"application/x-www-form-urlencoded": map[string]any{"schema": map[string]any{"type": "object"}}}}
	}
	need, scopes := &r.Need, slices.Clone(r.Need.Scopes)
	if need.Scope != "" {
		scopes = slices.Insert(scopes, 0, need.Scope)
	}
	switch {
	case need.Open:
		op["security"] = []any{}
	case need.First:
		first := make([]way, len(ways))
		for i, w := range ways {
			first[i] = w[:1]
		}
		op["security"] = requirements(first, scopes)
	case len(scopes) > 0:
		op["security"] = requirements(ways, scopes)
	}
	var words []string
	if len(need.Access) > 0 {
		words = append(words, "Access: "+strings.Join(need.Access, " or ")+".")
	}
	if need.Group != "" {
		words = append(words, "Limit: "+need.Group+".")
	}
	if len(words) > 0 {
		op["description"] = strings.Join(words, " ")
	}
	return op
}

// responsesOf are the answers of an operation: that of its route, and the refusals.
func (n *Namespace) responsesOf(v *vendor, need *surface.Need) map[string]any {
	out := map[string]any{"default": map[string]any{"description": "the answer"}}
	if need.Open {
		return out
	}
	outcomes := []Outcome{MissingKey, UnknownKey, Expired, Revoked, Suspended}
	if need.Scope != "" || len(need.Scopes) > 0 {
		outcomes = append(outcomes, InsufficientScope)
	}
	if len(need.Access) > 0 {
		outcomes = append(outcomes, AccessDenied)
	}
	if limit := n.vendors[v.index].limit.Load(); !limit.none() || need.Group != "" {
		outcomes = append(outcomes, RateLimited)
	}
	profile := n.vendors[v.index].profile.Load()
	said := make(map[int][]string)
	content := make(map[int]string)
	for _, o := range outcomes {
		a := profile.answer(o, credKey)
		said[a.Status], content[a.Status] = append(said[a.Status], string(o)), cmp.Or(content[a.Status], a.ContentType)
	}
	for status, names := range said {
		out[strconv.Itoa(status)] = map[string]any{
			"description": strings.Join(names, ", "), "content": map[string]any{content[status]: map[string]any{}},
		}
	}
	return out
}
