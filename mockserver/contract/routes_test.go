package contract_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestTheMockAndItsDocumentListTheSameOperations(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`\{[^{}]*\}`)
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			doc := load(t, p)
			var described []string
			for path, item := range doc.Paths.Map() {
				for method := range item.Operations() {
					described = append(described, name.ReplaceAllString(method+" "+path, "{}"))
				}
			}
			var played []string
			for _, op := range mockserver.New(t).Operations(p) {
				played = append(played, name.ReplaceAllString(op, "{}"))
			}
			slices.Sort(described)
			slices.Sort(played)
			if d := cmp.Diff(described, played); d != "" {
				t.Errorf("(-document +mock):\n%s", d)
			}
		})
	}
}

func TestEveryOperationSaysWhetherTheVendorDocumentsIt(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			doc := load(t, p)
			if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
				t.Errorf("openapi is %q, want 3.1", doc.OpenAPI)
			}
			ids := make(map[string]string)
			for path, item := range doc.Paths.Map() {
				for method, op := range item.Operations() {
					where := method + " " + path
					if _, ok := op.Extensions["x-documented"].(bool); !ok {
						t.Errorf("%s: x-documented is neither true nor false", where)
					}
					if other, twice := ids[op.OperationID]; twice || op.OperationID == "" {
						t.Errorf("%s: operationId %q is empty or that of %s", where, op.OperationID, other)
					}
					ids[op.OperationID] = where
				}
			}
		})
	}
}
