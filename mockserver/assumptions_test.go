package mockserver_test

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// ASSUMPTIONS.md is the table for people; go test -update writes it.
func TestTheTableOfAssumptionsIsUpToDate(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# What the mock assumes\n\n" +
		"Where a vendor's documentation is silent or contradictory, the mock chooses. All other behaviour follows the\n" +
		"documentation, as far as it was read; what its pages name and the mock does not have is listed too. `Assumptions()` returns the same, the admin API serves it at `/v1/assumptions`,\n" +
		"and `go test ./mockserver -run Assumptions -update` writes this file.\n")
	titles := map[mockserver.Provider]string{
		mockserver.Imin: "imin", mockserver.MindKey: "MindKey", mockserver.IMKIT: "IMKIT",
		mockserver.Optimove: "Optimove", mockserver.Iiniit: "iiniit", "": "All of them",
	}
	for _, p := range append(mockserver.Providers(), "") {
		fmt.Fprintf(&b, "\n## %s\n\n| what | the mock's choice | changed with |\n| --- | --- | --- |\n", titles[p])
		for _, a := range mockserver.Assumptions() {
			if a.Provider == p && !a.NotPlayed {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(a.Topic), cell(a.Choice), code(a.Change))
			}
		}
		if p == "" {
			continue
		}
		b.WriteString("\n### Not played\n\n| what | the mock's answer |\n| --- | --- |\n")
		for _, a := range mockserver.Assumptions() {
			if a.Provider == p && a.NotPlayed {
				fmt.Fprintf(&b, "| %s | %s |\n", cell(a.Topic), cell(a.Choice))
			}
		}
	}
	golden(t, "ASSUMPTIONS.md", b.String())
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(cell(s), ", ", "`, `") + "`"
}

func TestAssumptionsAreCompleteAndTheirOptionsExist(t *testing.T) {
	t.Parallel()
	exported := map[string]bool{}
	eachSource(t, func(path string, f *ast.File) {
		if strings.Contains(path, "/") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.IsExported() {
				exported[id.Name] = true
			}
			return true
		})
	})
	known := map[mockserver.Provider]int{"": 0}
	for _, p := range mockserver.Providers() {
		known[p] = 0
	}
	seen := map[string]bool{}
	name := regexp.MustCompile(`\b[A-Z]\w+`)
	for _, a := range mockserver.Assumptions() {
		if _, ok := known[a.Provider]; !ok || a.Topic == "" || a.Choice == "" || seen[string(a.Provider)+a.Topic] {
			t.Errorf("unknown provider, empty or twice: %+v", a)
		}
		known[a.Provider]++
		seen[string(a.Provider)+a.Topic] = true
		for _, n := range name.FindAllString(a.Change, -1) {
			if !exported[n] {
				t.Errorf("%q is changed with %s, which does not exist", a.Topic, n)
			}
		}
	}
	for p, n := range known {
		if n == 0 {
			t.Errorf("nothing about %q", p)
		}
	}
}
