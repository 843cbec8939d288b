package mockserver

import (
	"strings"
)

// document is the OpenAPI 3.1 document of an API of one's own: its routes, and how a key
// is sent.
func (v *vendor) document(operations []string) map[string]any {
	schemes, security := make(map[string]any), []any{}
	for i := range v.carriers {
		c := &v.carriers[i]
		name, scheme := "key"+string(rune('1'+i)), map[string]any{"type": "apiKey", "in": "header", "name": c.header}
		switch {
		case c.query != "":
			scheme["in"], scheme["name"] = "query", c.query
		case c.cookie != "":
			scheme["in"], scheme["name"] = "cookie", c.cookie
		case c.basic || strings.EqualFold(c.scheme, "Bearer"):
			scheme = map[string]any{"type": "http", "scheme": strings.ToLower(c.scheme)}
		case c.scheme != "":
			scheme["description"] = c.scheme + " and the key"
		default:
			scheme["name"] = c.spelt()
		}
		schemes[name] = scheme
		if c.kind == credToken { // together with its first half
			security[len(security)-1].(map[string]any)[name] = []any{} //nolint:errcheck,forcetypeassert // made below
			continue
		}
		security = append(security, map[string]any{name: []any{}})
	}
	paths := make(map[string]map[string]any)
	for _, op := range operations {
		method, path, _ := strings.Cut(op, " ")
		if paths[path] == nil {
			paths[path] = make(map[string]any)
		}
		paths[path][strings.ToLower(method)] = operationOf(method, path)
	}
	return map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": v.title, "version": "1"},
		"paths": paths, "security": security, "components": map[string]any{"securitySchemes": schemes},
	}
}

func operationOf(method, path string) map[string]any {
	params := []any{}
	for segment := range strings.SplitSeq(path, "/") {
		for _, name := range namesIn(segment) {
			params = append(params, map[string]any{"name": name, "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
	}
	return map[string]any{
		"operationId": operationID(method, path), "parameters": params,
		"responses": map[string]any{"default": map[string]any{"description": "the answer"}},
	}
}
