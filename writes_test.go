package keyfit_test

import (
	"go/ast"
	"go/parser"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// allowedWrites are the places that make a file in another way than by internal/privatefile,
// which makes it for its owner alone, under a name that ignore rules match, as a whole.
func allowedWrites() map[string]string {
	return map[string]string{
		"internal/privatefile":                      "it is the package",
		"cmd/keyfit/verify.go os.WriteFile":         "the file that the user names for the output; keys are SHA-256 sums or redacted there",
		"cmd/keyfit/localmock.go os.MkdirTemp":      "the directory of the mock's certificate",
		"cmd/keyfit/environment.go os.CreateTemp":   "certificates, which are public",
		"cmd/keyfit/internal/rotate os.OpenFile":    "--backup: a new file (O_EXCL, 0600) under the name that the user gives",
		"mockserver/internal/statefile os.OpenFile": "the lock file, which is empty, and the changes of the state (0600), which have sums of keys and no key",
		"mockserver/internal/measure os.MkdirTemp":  "state files of a mock that is measured, with sums of keys",
		"mockserver/internal/measure os.Create":     "a profile of the mock's speed",
		"internal/filetest os.WriteFile":            "for tests alone",
		"internal/smallfile os.OpenFile":            "opened for reading",
		"examples os.WriteFile":                     "a program to read, with keys of its own mock",
		"examples os.MkdirTemp":                     "a program to read, with keys of its own mock",
	}
}

// A new place that writes files uses internal/privatefile, or gets a reason here.
func TestSecretsAreWrittenToDiskByOnePackage(t *testing.T) {
	t.Parallel()
	allowed, used := allowedWrites(), map[string]bool{}
	eachSource(t, parser.SkipObjectResolution, func(name string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Name != "os" {
				return true
			}
			switch sel.Sel.Name {
			case "WriteFile", "Create", "CreateTemp", "MkdirTemp", "OpenFile":
			default:
				return true
			}
			if rule := ruleFor(allowed, name, "os."+sel.Sel.Name); rule != "" {
				used[rule] = true
				return true
			}
			t.Errorf("%s calls os.%s: use internal/privatefile, or give the reason in writes_test.go", name, sel.Sel.Name)
			return true
		})
	})
	want := map[string]bool{}
	for rule := range allowed {
		want[rule] = true
	}
	if d := cmp.Diff(want, used); d != "" {
		t.Errorf("rules that nothing needs any more (-listed +used):\n%s", d)
	}
}

// ruleFor finds the rule for a call: of the file or of a directory above it.
func ruleFor(allowed map[string]string, name, call string) string {
	for at := name; at != "."; at = filepath.ToSlash(filepath.Dir(at)) {
		for _, rule := range []string{at, at + " " + call} {
			if _, ok := allowed[rule]; ok {
				return rule
			}
		}
	}
	return ""
}
