package contract_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/keyfit/keyfit/mockserver"
)

// Every example of the documents is one that its schema allows.
func TestTheExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		doc := load(t, p)
		fits := func(where string, schema *openapi3.SchemaRef, example any) {
			if schema == nil || example == nil {
				return
			}
			if err := schema.Value.VisitJSON(example, openapi3.MultiErrors()); err != nil {
				t.Errorf("%s: %s: %v does not fit: %v", p, where, example, err)
			}
		}
		content := func(where string, all openapi3.Content) {
			for kind, m := range all {
				fits(where+" "+kind, m.Schema, m.Example)
				for name, e := range m.Examples {
					fits(where+" "+kind+" "+name, m.Schema, e.Value.Value)
				}
			}
		}
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				where := method + " " + path
				for _, ref := range append(append(openapi3.Parameters{}, item.Parameters...), op.Parameters...) {
					fits(where+" "+ref.Value.Name, ref.Value.Schema, ref.Value.Example)
					for name, e := range ref.Value.Examples {
						fits(where+" "+ref.Value.Name+" "+name, ref.Value.Schema, e.Value.Value)
					}
				}
				if op.RequestBody != nil {
					content(where, op.RequestBody.Value.Content)
				}
				for status, res := range op.Responses.Map() {
					content(where+" "+status, res.Value.Content)
				}
			}
		}
		for name, schema := range doc.Components.Schemas {
			fits("schema "+name, schema, schema.Value.Example)
		}
	}
}
