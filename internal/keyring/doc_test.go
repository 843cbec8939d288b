package keyring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// methods returns the names of a type's methods in the files of this package.
func methods(t *testing.T, typeName string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok && star.X.(*ast.Ident).Name == typeName {
					names[f.Name.Name] = true
				}
			}
		}
	}
	return names
}

// TestTheDiagramsNameTheTransitions holds the package comment to the code: each transition
// of the diagrams is a method, and each method that is a transition is in the comment.
func TestTheDiagramsNameTheTransitions(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(file.Doc.Text(), -1) {
		words[word] = true
	}
	for typeName, transitions := range map[string][]string{
		"Set":     {"stage", "verify", "reject", "restage", "discard", "promote", "prefer", "demote", "retire"},
		"circuit": {"beginTrial", "trialFailed", "keyChanged", "keyOffered"},
		"Ring":    {"trip", "reset"},
	} {
		has := methods(t, typeName)
		for _, name := range transitions {
			if !has[name] || !words[name] {
				t.Errorf("%s.%s: a method %v, in the package comment %v", typeName, name, has[name], words[name])
			}
		}
	}
	var states []string
	for s := Staged; s <= Retired; s++ {
		states = append(states, s.String())
	}
	for s := Closed; s <= HalfOpen; s++ {
		states = append(states, s.String())
	}
	var missing []string
	for _, name := range states {
		if title := strings.ReplaceAll(strings.ToUpper(name[:1])+name[1:], "-o", "O"); !words[title] {
			missing = append(missing, title)
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("states that the package comment does not name (-want +got):\n%s", diff)
	}
}
