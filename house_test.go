package keyfit_test

import (
	"bufio"
	"bytes"
	"debug/buildinfo"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const housePath = "github.com/keyfit/keyfit"

// houseFiles parses the sources of the root package and of those under internal, without
// their tests.
func houseFiles(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	engines, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, engines...)
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(fset, name, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 10 {
		t.Fatalf("found %d source files: the test looks in the wrong place", len(files))
	}
	return fset, files
}

// houseGo runs the go command and returns its lines.
func houseGo(t *testing.T, dir string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.Fields(string(out))
}

// A program that uses the SDK alone, built as a user would build it.
func TestALinkedProgramHasThreeModulesBesideTheSDK(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The sums come from here, so that nothing is asked of a checksum server.
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sums))
	write("go.mod", fmt.Sprintf("module example.com/user\n\ngo 1.26\n\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", housePath, root))
	write("main.go", `package main

import (
	"context"
	"fmt"

	"github.com/keyfit/keyfit"
)

func main() {
	c, err := keyfit.New(keyfit.IMKIT("your-app"))
	if err != nil {
		fmt.Println(err)
		return
	}
	go c.Keys().Watch(context.Background(), 1e10)
	_, err = keyfit.Get[map[string]any](context.Background(), c, "/admin/clients")
	fmt.Println(err)
}
`)
	binary := filepath.Join(dir, "user")
	houseGo(t, dir, "build", "-mod=mod", "-buildvcs=false", "-o", binary, ".")

	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, m := range info.Deps {
		got = append(got, m.Path)
	}
	want := []string{
		"github.com/hashicorp/go-cleanhttp",
		"github.com/hashicorp/go-retryablehttp",
		"github.com/joho/godotenv",
		housePath,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("linked modules (-want +got):\n%s", diff)
	}
}

func TestTheSDKAndTheMockDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	const mock, providers = housePath + "/mockserver", housePath + "/provider/"
	isMock := func(p string) bool { return p == mock || strings.HasPrefix(p, mock+"/") }
	isProvider := func(p string) bool { return strings.HasPrefix(p, providers) }

	// Each line is a package of the module and all that it reaches.
	reached := map[string][]string{}
	for _, line := range houseGo(t, "", "list", "-f", "{{.ImportPath}}{{range .Deps}},{{.}}{{end}}", "./...") {
		deps := strings.Split(line, ",")
		reached[deps[0]] = deps
	}
	var sdk, mocks int
	for p, deps := range reached {
		switch {
		case p == housePath || isProvider(p):
			sdk++
			if !slices.Contains(deps, housePath) {
				t.Fatalf("the dependencies of %s have no %s: the test looks in the wrong place", p, housePath)
			}
			for _, dep := range deps {
				switch {
				case isMock(dep):
					t.Errorf("%s reaches %s", p, dep)
				case isProvider(dep) && dep != p && !strings.HasPrefix(dep, p+"/"):
					t.Errorf("%s reaches %s: provider packages do not import each other", p, dep)
				}
			}
		case isMock(p):
			mocks++
			for _, dep := range deps {
				if dep == housePath || isProvider(dep) {
					t.Errorf("the mock's %s reaches %s: a wrong scheme would agree with itself", p, dep)
				}
			}
		}
	}
	if sdk < 2 || mocks == 0 {
		t.Fatalf("found %d packages of the SDK and %d of the mock: the test looks in the wrong place", sdk, mocks)
	}
}

func TestEachDependencyIsImportedByOneFile(t *testing.T) {
	t.Parallel()
	doors := map[string]string{
		"github.com/hashicorp/go-retryablehttp": "retry.go",
		"github.com/joho/godotenv":              "internal/envfile/godotenv.go",
		"go.yaml.in/yaml/v4":                    "internal/strictyaml/decode.go",
		"golang.org/x/sys/unix":                 "internal/cputime/cputime_linux.go", // for tests alone
	}
	_, files := houseFiles(t)
	got := map[string]string{}
	for name, file := range files {
		for _, path := range houseImports(t, file) {
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !strings.HasPrefix(path, housePath+"/") {
				got[path] = strings.TrimPrefix(got[path]+" "+filepath.ToSlash(name), " ")
			}
		}
	}
	if diff := cmp.Diff(doors, got); diff != "" {
		t.Errorf("imports of other modules (-want +got):\n%s", diff)
	}
}

// Load, Overload, Exec and the like of godotenv write the process environment.
func TestOneFileOfTheModuleImportsGodotenvAndOnlyParses(t *testing.T) {
	t.Parallel()
	const godotenv, door = "github.com/joho/godotenv", "internal/envfile/godotenv.go"
	var got []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if !slices.Contains(houseImports(t, file), godotenv) {
			return nil
		}
		got = append(got, filepath.ToSlash(path))
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pure := []string{"Unmarshal", "UnmarshalBytes", "Parse"}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "godotenv" && !slices.Contains(pure, sel.Sel.Name) {
				t.Errorf("%s uses godotenv.%s: only %v leave files and the process alone", path, sel.Sel.Name, pure)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{door}, got); diff != "" {
		t.Errorf("files that import godotenv (-want +got):\n%s", diff)
	}
}

// houseImports returns the paths that a file imports.
func houseImports(t *testing.T, file *ast.File) []string {
	t.Helper()
	paths := make([]string, 0, len(file.Imports))
	for _, imp := range file.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestNothingHappensBeforeTheFirstCall(t *testing.T) {
	t.Parallel()
	// What a package variable may be: a sentinel or a compiled regexp, both never changed.
	// compiled is one that is compiled when it is first needed.
	constant := []string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "compiled"}
	fset, files := houseFiles(t)
	for _, file := range files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: an init function", fset.Position(f.Pos()))
			}
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if name.Name == "_" {
						continue // an assertion for the compiler
					}
					if i >= len(v.Values) || !slices.Contains(constant, houseCallee(v.Values[i])) {
						t.Errorf("%s: the package variable %s is neither a sentinel nor a compiled regexp", fset.Position(name.Pos()), name.Name)
					}
				}
			}
		}
	}
}

// houseCallee names the function that an expression calls, as in errors.New or, of its own package, compiled; "" for none.
func houseCallee(e ast.Expr) string {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return ""
	}
	if own, ok := call.Fun.(*ast.Ident); ok {
		return own.Name
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + sel.Sel.Name
}

// A file of more than 400 lines holds two concepts.
func TestNoSourceIsLongerThanFourHundredLines(t *testing.T) {
	t.Parallel()
	_, files := houseFiles(t)
	for name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for scan := bufio.NewScanner(bytes.NewReader(content)); scan.Scan(); {
			lines++
		}
		if lines > 400 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
}

// TestAReceiverNameBelongsToOneType holds for each package of the house. Types of one role
// share a name: errors e, options o.
func TestAReceiverNameBelongsToOneType(t *testing.T) {
	t.Parallel()
	_, files := houseFiles(t)
	owners := map[string]string{} // by package and receiver name
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, decl := range files[name].Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || len(fn.Recv.List[0].Names) == 0 {
				continue
			}
			recv, typ := fn.Recv.List[0].Names[0].Name, receiverType(fn.Recv.List[0].Type)
			if recv == "_" || recv == "e" && strings.HasSuffix(strings.ToLower(typ), "error") || recv == "o" && strings.HasSuffix(strings.ToLower(typ), "option") {
				continue
			}
			at := filepath.Dir(name) + " " + recv
			if owner := owners[at]; owner != "" && owner != typ {
				t.Errorf("%s: the receiver %s is that of %s and of %s", name, recv, owner, typ)
			}
			owners[at] = typ
		}
	}
}

// receiverType returns the name of a receiver's type without pointer and type parameters.
func receiverType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverType(e.X)
	case *ast.IndexExpr:
		return receiverType(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
