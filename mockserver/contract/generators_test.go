package contract_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/keyfit/keyfit/mockserver"
)

// documents loads the six documents: the vendors' and the admin API's.
func documents(t *testing.T) map[string]*openapi3.T {
	t.Helper()
	all := map[string][]byte{"admin": mockserver.AdminOpenAPI()}
	for _, p := range mockserver.Providers() {
		all[string(p)] = mockserver.OpenAPI(p)
	}
	out := make(map[string]*openapi3.T)
	for name, data := range all {
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = doc
	}
	return out
}

// The documents have nothing on which oapi-codegen 2.8 or openapi-typescript 7 fails
// or makes code that does not compile: both take all six.
func TestTheDocumentsSuitCodeGenerators(t *testing.T) {
	t.Parallel()
	for name, doc := range documents(t) {
		if len(doc.Servers) == 0 {
			t.Errorf("%s: no servers", name)
		}
		types := make(map[string]string) // Go names of components: each may be used once
		use := func(goName, where string) {
			if other, twice := types[strings.ToLower(goName)]; twice {
				t.Errorf("%s: %s and %s are both called %s", name, other, where, goName)
			}
			types[strings.ToLower(goName)] = where
		}
		for _, taken := range []string{"Client", "ClientOption", "ClientInterface", "ClientWithResponses", "RequestEditorFn", "HttpRequestDoer"} {
			use(taken, "a type of oapi-codegen")
		}
		for s, ref := range doc.Components.Schemas {
			use(s, "schema "+s)
			for p, inner := range ref.Value.Properties {
				if inner.Ref == "" && len(inner.Value.Enum) > 1 {
					use(s+p, "enum "+s+"."+p)
				}
			}
		}
		for p := range doc.Components.Parameters {
			use(p, "parameter "+p)
		}
		eachSchema(doc, func(where string, s *openapi3.Schema) {
			if s.Type == nil {
				return
			}
			if kinds := slices.DeleteFunc(slices.Clone(s.Type.Slice()), func(k string) bool { return k == "null" }); len(kinds) > 1 {
				t.Errorf("%s: %s has several types: %v", name, where, kinds)
			}
		})
	}
}

// A fault that is sent needs a kind; a state of a key that is met is in the list.
func TestTheAdminDocumentAsksForWhatTheServerAsksFor(t *testing.T) {
	t.Parallel()
	schemas := documents(t)["admin"].Components.Schemas
	if got := schemas["FaultInput"].Value.Required; !slices.Contains(got, "kind") {
		t.Errorf("FaultInput requires %v", got)
	}
	if status := schemas["Key"].Value.Properties["status"].Value.Enum; !slices.Contains(status, any("suspended")) {
		t.Errorf("states: %v", status)
	}
}

// eachSchema calls f for the schemas of the components, at any depth.
func eachSchema(doc *openapi3.T, f func(where string, s *openapi3.Schema)) {
	var walk func(string, *openapi3.SchemaRef)
	walk = func(where string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Ref != "" {
			return
		}
		f(where, ref.Value)
		for name, p := range ref.Value.Properties {
			walk(where+"."+name, p)
		}
		walk(where+"[]", ref.Value.Items)
	}
	for name, s := range doc.Components.Schemas {
		walk(name, &openapi3.SchemaRef{Value: s.Value})
	}
}
