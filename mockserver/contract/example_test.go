package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// operation is one operation of a document with the request of its examples.
type operation struct {
	method, path string
	op           *openapi3.Operation
	params       openapi3.Parameters
	target       string // path and query
	body         string
	mediaType    string
	header       http.Header
}

// putHeader sets the header parameters on a request.
func (o *operation) putHeader(r *http.Request) { maps.Copy(r.Header, o.header) }

func (o *operation) String() string { return o.method + " " + o.path }

// operations returns the operations of a document, reading ones first and
// deleting ones last, so that the records in the examples exist.
func (d document) operations() []operation {
	var out []operation
	for path, item := range d.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{method: method, path: path, op: op, params: append(slices.Clone(item.Parameters), op.Parameters...)}
			o.example()
			out = append(out, o)
		}
	}
	rank := func(o operation) string {
		order := map[string]string{"GET": "0", "HEAD": "0", "POST": "1", "PUT": "2", "PATCH": "2", "DELETE": "3"}
		return order[o.method] + o.path
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(rank(a), rank(b)) })
	return out
}

// example builds the request from the examples of the document.
func (o *operation) example() {
	path, query := o.path, url.Values{}
	o.header = http.Header{}
	for _, ref := range o.params {
		p := ref.Value
		value, given := parameterExample(p)
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && (given || p.Required):
			query.Set(p.Name, value)
		case p.In == "header" && (given || p.Required):
			o.header.Set(p.Name, value)
		}
	}
	o.target = path
	if len(query) > 0 {
		o.target += "?" + query.Encode()
	}
	if o.op.RequestBody == nil {
		return
	}
	content := o.op.RequestBody.Value.Content
	for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "*/*"} {
		if m := content[kind]; m != nil {
			o.mediaType = kind
			o.body = bodyExample(m)
			return
		}
	}
}

// parameterExample returns the value of a parameter, and whether the document
// has an example.
func parameterExample(p *openapi3.Parameter) (string, bool) {
	if p.Example != nil {
		return fmt.Sprint(p.Example), true
	}
	for _, name := range sortedKeys(p.Examples) {
		return fmt.Sprint(p.Examples[name].Value.Value), true
	}
	if p.Schema != nil && p.Schema.Value.Example != nil {
		return fmt.Sprint(p.Schema.Value.Example), true
	}
	if p.Schema == nil {
		return "1", false
	}
	return fmt.Sprint(invent(p.Schema.Value, 0)), false
}

func bodyExample(m *openapi3.MediaType) string {
	var value any
	switch {
	case m.Example != nil:
		value = m.Example
	case len(m.Examples) > 0:
		value = m.Examples[sortedKeys(m.Examples)[0]].Value.Value
	case m.Schema != nil && m.Schema.Value.Example != nil:
		value = m.Schema.Value.Example
	case m.Schema != nil:
		value = invent(m.Schema.Value, 0)
	default:
		return `{"lorem":"fitsum"}`
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "{}"
	}
	return string(data)
}

// invent generates a value that matches a schema; it supports what the tests need.
func invent(s *openapi3.Schema, depth int) any {
	switch {
	case s == nil || depth > 6:
		return "x"
	case s.Example != nil:
		return s.Example
	case s.Default != nil:
		return s.Default
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return invent(s.OneOf[0].Value, depth+1)
	case len(s.AnyOf) > 0:
		return invent(s.AnyOf[0].Value, depth+1)
	case s.Type.Includes("object") || len(s.Properties) > 0:
		out := map[string]any{}
		for _, name := range s.Required {
			if p := s.Properties[name]; p != nil {
				out[name] = invent(p.Value, depth+1)
			}
		}
		return out
	case s.Type.Includes("array"):
		if s.Items == nil {
			return []any{}
		}
		return []any{invent(s.Items.Value, depth+1)}
	case s.Type.Includes("boolean"):
		return true
	case s.Type.Includes("integer"), s.Type.Includes("number"):
		if s.Min != nil {
			return *s.Min
		}
		return 1
	case s.Format == "date-time":
		return epoch.Format("2006-01-02T15:04:05Z07:00")
	case s.Format == "date":
		return epoch.AddDate(0, 0, -1).Format("2006-01-02")
	}
	return "lorem"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
