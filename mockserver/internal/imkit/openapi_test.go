package imkit

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

func TestTheOpenAPIDocumentHasEveryRouteAndNothingElse(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../openapi/imkit.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			ID         string `json:"operationId"`
			Documented *bool  `json:"x-documented"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	var described, played []string
	names := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			call := strings.ToUpper(method) + " " + path
			described = append(described, call)
			if op.Documented == nil || op.ID == "" || names[op.ID] {
				t.Errorf("%s: x-documented %v, operationId %q", call, op.Documented, op.ID)
			}
			names[op.ID] = true
		}
	}
	for _, r := range New(surface.Env{}).Routes {
		played = append(played, strings.TrimSuffix(r.Pattern, "{$}"))
	}
	slices.Sort(described)
	slices.Sort(played)
	if d := cmp.Diff(described, played); d != "" {
		t.Errorf("(-described +played):\n%s", d)
	}
}
