package mockserver_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// eachSource parses every non-test file of the mock. internal/measure is not
// part of it: it measures the mock from outside.
func eachSource(t *testing.T, visit func(path string, f *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if path == filepath.Join("internal", "measure") {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		if err == nil {
			visit(path, f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyTheClockReadsTheMachinesTime(t *testing.T) {
	t.Parallel()
	banned := map[string]bool{"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true}
	eachSource(t, func(path string, f *ast.File) {
		if path == filepath.Join("internal", "clock", "clock.go") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && banned[sel.Sel.Name] {
					t.Errorf("%s uses time.%s: read the mock clock", path, sel.Sel.Name)
				}
			}
			return true
		})
	})
}

// TestTheMockImportsOnlyItselfAndTheStandardLibrary: and the one package that writes files with
// secrets in them, which knows nothing of requests (TestImportsPointDown). The readers of files
// stand beside the mock, link libraries, and are imported by nothing of it.
func TestTheMockImportsOnlyItselfAndTheStandardLibrary(t *testing.T) {
	t.Parallel()
	const own, files = "github.com/keyfit/keyfit/mockserver/", "github.com/keyfit/keyfit/internal/privatefile"
	eachSource(t, func(path string, f *ast.File) {
		if dir := filepath.Dir(path); dir == "apifile" || dir == "openapifile" || dir == "scenariofile" {
			return // TestEveryImportIsAllowed has what they may import
		}
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(name, "/")
			reader := name == own+"apifile" || name == own+"openapifile" || name == own+"scenariofile"
			if strings.Contains(first, ".") && !strings.HasPrefix(name, own) && name != files || reader {
				t.Errorf("%s imports %s", path, name)
			}
			if name == own || strings.HasPrefix(path, "internal/") && strings.HasPrefix(name, own) && !strings.HasPrefix(name, own+"internal/") {
				t.Errorf("%s imports %s: surfaces do not know the core", path, name)
			}
		}
	})
}

func TestThereIsNoMutablePackageState(t *testing.T) {
	t.Parallel()
	eachSource(t, func(path string, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init", path)
			}
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR || isEmbedded(gen) {
				continue
			}
			for _, s := range gen.Specs {
				spec := s.(*ast.ValueSpec)
				for i, name := range spec.Names {
					if name.Name == "_" || i < len(spec.Values) && isErrorsNew(spec.Values[i]) {
						continue
					}
					t.Errorf("%s has package variable %s", path, name.Name)
				}
			}
		}
	})
}

// isEmbedded reports whether the variable is an embed.FS, which is read only.
func isEmbedded(d *ast.GenDecl) bool {
	if len(d.Specs) != 1 {
		return false
	}
	t, ok := d.Specs[0].(*ast.ValueSpec).Type.(*ast.SelectorExpr)
	return ok && t.X.(*ast.Ident).Name == "embed" && t.Sel.Name == "FS"
}

func isErrorsNew(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "New" && sel.X.(*ast.Ident).Name == "errors"
}
