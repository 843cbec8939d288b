package keyfit_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowedImports is every arrow of the module: which packages of ours, without the module's
// path, and which other modules' packages a package may import. "." is the root. Tests are
// not in it, nor are directories with a go.mod of their own.
//
// A new arrow is a decision, not an accident: TestEveryImportIsAllowed prints the line to put
// here, and the tests below it hold what no line here may break.
func allowedImports() map[string][]string {
	return map[string][]string{
		".":                              {"github.com/hashicorp/go-retryablehttp", "internal/backoff", "internal/clock", "internal/command", "internal/envfile", "internal/exposure", "internal/histogram", "internal/httpbody", "internal/keyring", "internal/keytext", "internal/limiter", "internal/oneline", "internal/problem", "internal/ratehint", "internal/redact", "internal/retrybudget", "internal/rfc3339", "internal/smallfile", "internal/wire"},
		"cmd/keyfit":                     {".", "cmd/keyfit/internal/admin", "cmd/keyfit/internal/cli", "cmd/keyfit/internal/curl", "cmd/keyfit/internal/drift", "cmd/keyfit/internal/flagvalue", "cmd/keyfit/internal/job", "cmd/keyfit/internal/keycheck", "cmd/keyfit/internal/keyinput", "cmd/keyfit/internal/keyplaces", "cmd/keyfit/internal/mcpserver", "cmd/keyfit/internal/mockclient", "cmd/keyfit/internal/replica", "cmd/keyfit/internal/rotate", "cmd/keyfit/internal/vendors", "github.com/modelcontextprotocol/go-sdk/mcp", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/sys/windows", "golang.org/x/term", "internal/heaproom", "internal/oneline", "internal/privatefile", "mockserver", "mockserver/apifile", "mockserver/openapifile", "mockserver/scenariofile", "software.sslmate.com/src/go-pkcs12"},
		"cmd/keyfit/internal/admin":      {},
		"cmd/keyfit/internal/cli":        {},
		"cmd/keyfit/internal/curl":       {"mockserver"},
		"cmd/keyfit/internal/drift":      {".", "cmd/keyfit/internal/vendors", "internal/redact", "mockserver"},
		"cmd/keyfit/internal/flagvalue":  {"cmd/keyfit/internal/cli", "github.com/spf13/pflag", "mockserver"},
		"cmd/keyfit/internal/job":        {"golang.org/x/sys/unix"},
		"cmd/keyfit/internal/keycheck":   {".", "cmd/keyfit/internal/cli", "cmd/keyfit/internal/vendors"},
		"cmd/keyfit/internal/keyinput":   {".", "cmd/keyfit/internal/cli", "golang.org/x/term", "internal/smallfile"},
		"cmd/keyfit/internal/keyplaces":  {".", "cmd/keyfit/internal/keycheck", "cmd/keyfit/internal/vendors", "internal/envfile", "internal/smallfile"},
		"cmd/keyfit/internal/mcpserver":  {"cmd/keyfit/internal/admin", "github.com/modelcontextprotocol/go-sdk/mcp"},
		"cmd/keyfit/internal/mockclient": {},
		"cmd/keyfit/internal/replica":    {"cmd/keyfit/internal/admin", "cmd/keyfit/internal/cli"},
		"cmd/keyfit/internal/rotate":     {".", "cmd/keyfit/internal/admin", "cmd/keyfit/internal/cli", "cmd/keyfit/internal/flagvalue", "cmd/keyfit/internal/keycheck", "cmd/keyfit/internal/keyinput", "cmd/keyfit/internal/replica", "cmd/keyfit/internal/swapfile", "cmd/keyfit/internal/vendors", "github.com/spf13/pflag", "golang.org/x/term", "internal/envfile", "internal/exposure", "internal/rfc3339", "internal/smallfile", "mockserver"},
		"cmd/keyfit/internal/swapfile":   {"internal/privatefile"},
		"cmd/keyfit/internal/vendors":    {".", "internal/envfile", "internal/smallfile"},
		"examples/anyapi":                {".", "mockserver", "mockserver/apifile", "mockserver/scenariofile"},
		"examples/integrationtest":       {"."},
		"examples/quickstart":            {".", "mockserver"},
		"examples/rotation":              {".", "mockserver"},
		"internal/backoff":               {},
		"internal/clock":                 {},
		"internal/command":               {},
		"internal/cputime":               {"golang.org/x/sys/unix"},
		"internal/envfile":               {"github.com/joho/godotenv"},
		"internal/exposure":              {"internal/smallfile"},
		"internal/filetest":              {},
		"internal/heaproom":              {},
		"internal/histogram":             {},
		"internal/httpbody":              {},
		"internal/keyring":               {"internal/backoff", "internal/clock", "internal/oneline", "internal/singleflight"},
		"internal/keytext":               {},
		"internal/limiter":               {"internal/clock", "internal/histogram"},
		"internal/oneline":               {},
		"internal/privatefile":           {},
		"internal/problem":               {},
		"internal/ratehint":              {},
		"internal/redact":                {},
		"internal/retrybudget":           {},
		"internal/rfc3339":               {},
		"internal/singleflight":          {},
		"internal/smallfile":             {},
		"internal/strictyaml":            {"go.yaml.in/yaml/v4", "internal/smallfile"},
		"internal/wire":                  {},
		"mockserver":                     {"mockserver/internal/authserver", "mockserver/internal/clock", "mockserver/internal/fault", "mockserver/internal/iiniit", "mockserver/internal/imin", "mockserver/internal/imkit", "mockserver/internal/mindkey", "mockserver/internal/mockkey", "mockserver/internal/optimove", "mockserver/internal/redact", "mockserver/internal/statefile", "mockserver/internal/strictjson", "mockserver/internal/surface"},
		"mockserver/apifile":             {"internal/strictyaml", "mockserver", "mockserver/openapifile"},
		"mockserver/internal/authserver": {"mockserver/internal/surface"},
		"mockserver/internal/clock":      {},
		"mockserver/internal/fault":      {},
		"mockserver/internal/iiniit":     {"mockserver/internal/authserver", "mockserver/internal/surface"},
		"mockserver/internal/imin":       {"mockserver/internal/surface"},
		"mockserver/internal/imkit":      {"mockserver/internal/strictjson", "mockserver/internal/surface"},
		"mockserver/internal/measure":    {"internal/heaproom", "mockserver"},
		"mockserver/internal/mindkey":    {"mockserver/internal/odata", "mockserver/internal/surface"},
		"mockserver/internal/mockkey":    {},
		"mockserver/internal/odata":      {},
		"mockserver/internal/optimove":   {"mockserver/internal/strictjson", "mockserver/internal/surface"},
		"mockserver/internal/redact":     {},
		"mockserver/internal/statefile":  {"internal/privatefile"},
		"mockserver/internal/strictjson": {},
		"mockserver/internal/surface":    {"mockserver/internal/strictjson"},
		"mockserver/openapifile":         {"github.com/getkin/kin-openapi/openapi3", "github.com/getkin/kin-openapi/openapi3filter", "github.com/getkin/kin-openapi/routers", "go.yaml.in/yaml/v4", "mockserver"},
		"mockserver/scenariofile":        {"go.yaml.in/yaml/v4", "internal/strictyaml", "mockserver"},
		"provider/iiniit":                {".", "golang.org/x/oauth2", "golang.org/x/oauth2/clientcredentials", "internal/wire"},
		"provider/imin":                  {".", "internal/wire"},
		"provider/imkit":                 {".", "internal/wire"},
		"provider/mindkey":               {".", "internal/wire"},
		"source/internal/secrettext":     {".", "internal/rfc3339"},
		"provider/optimove":              {".", "internal/wire"},
	}
}

// neutralLeaves are the packages of internal/ that the mock may use: they know no scheme, no
// header name and no rule of a provider, so the mock cannot agree with the SDK's mistakes.
func neutralLeaves() []string {
	return []string{
		"internal/backoff", "internal/clock", "internal/envfile", "internal/heaproom", "internal/histogram", "internal/oneline", "internal/privatefile", "internal/rfc3339", "internal/smallfile", "internal/strictyaml",
	}
}

// eachSource parses every source of this module, for all systems, tests excepted.
func eachSource(t *testing.T, mode parser.Mode, see func(name string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && isOutsideModule(name):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, mode)
		if err == nil {
			see(filepath.ToSlash(name), file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// importGraph has the imports of every package of this module.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	graph := map[string][]string{}
	eachSource(t, parser.ImportsOnly, func(name string, file *ast.File) {
		pkg := path.Dir(name)
		graph[pkg] = append([]string{}, graph[pkg]...) // also if it imports nothing
		for _, spec := range file.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			switch first, _, _ := strings.Cut(to, "/"); {
			case to == housePath:
				graph[pkg] = append(graph[pkg], ".")
			case strings.HasPrefix(to, housePath+"/"):
				graph[pkg] = append(graph[pkg], strings.TrimPrefix(to, housePath+"/"))
			case strings.Contains(first, "."): // not of the standard library
				graph[pkg] = append(graph[pkg], to)
			}
		}
	})
	for pkg, to := range graph {
		slices.Sort(to)
		graph[pkg] = slices.Compact(to)
	}
	if len(graph) < 20 || len(graph["."]) == 0 {
		t.Fatalf("found %d packages: the test looks in the wrong place", len(graph))
	}
	return graph
}

// isOutsideModule reports whether the go command takes a directory for no part of the module.
func isOutsideModule(dir string) bool {
	base := filepath.Base(dir)
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// importLine is a line of allowedImports.
func importLine(pkg string, to []string) string {
	quoted := make([]string, len(to))
	for i, p := range to {
		quoted[i] = strconv.Quote(p)
	}
	return fmt.Sprintf("\t\t%q: {%s},", pkg, strings.Join(quoted, ", "))
}

func TestEveryImportIsAllowed(t *testing.T) {
	t.Parallel()
	graph, allowed := importGraph(t), allowedImports()
	for _, pkg := range slices.Sorted(maps.Keys(graph)) {
		listed, known := allowed[pkg]
		var news, gone []string
		for _, to := range graph[pkg] {
			if !slices.Contains(listed, to) {
				news = append(news, to)
			}
		}
		for _, to := range listed {
			if !slices.Contains(graph[pkg], to) {
				gone = append(gone, to)
			}
		}
		if !known || len(news) > 0 || len(gone) > 0 {
			t.Errorf("%s: not allowed yet: %v; allowed and not imported any more: %v\nif that is meant, the line in imports_test.go is\n%s", pkg, news, gone, importLine(pkg, graph[pkg]))
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(allowed)) {
		if _, ok := graph[pkg]; !ok {
			t.Errorf("%s is gone: remove its line from imports_test.go", pkg)
		}
	}
}

// isUnder reports whether a package is that one or below it.
func isUnder(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

func isOurs(to string) bool {
	first, _, _ := strings.Cut(to, "/")
	return to == "." || !strings.Contains(first, ".")
}

// Whatever the table says, imports point down: the root, its engines, their leaves.
func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	graph := importGraph(t)
	isLeaf := func(pkg string) bool { return !slices.ContainsFunc(graph[pkg], isOurs) }
	for pkg, imports := range graph {
		for _, to := range imports {
			if !isOurs(to) {
				continue
			}
			var why string
			switch {
			case isUnder(pkg, "internal"):
				switch {
				case !isUnder(to, "internal"):
					why = "an engine knows nothing of the packages above it"
				case !isLeaf(to):
					why = "an engine imports leaves only, never another engine"
				}
			case isUnder(pkg, "mockserver"):
				if !isUnder(to, "mockserver") && !slices.Contains(neutralLeaves(), to) {
					why = "the mock would agree with the SDK's own mistakes"
				}
			case isUnder(pkg, "provider"):
				if to != "." && to != "internal/wire" && !isUnder(to, pkg) {
					why = "a provider package stands on the root and internal/wire alone"
				}
			case pkg == ".":
				if !isUnder(to, "internal") {
					why = "the root stands on internal packages alone"
				}
			case isUnder(to, "cmd") && !isUnder(pkg, "cmd"), isUnder(to, "examples"):
				why = "nothing stands on a program"
			}
			if why != "" {
				t.Errorf("%s imports %s: %s", pkg, to, why)
			}
		}
	}
}

// A leaf of internal/ is of use to every layer, so it brings no other module with it.
func TestInternalPackagesBringNoModuleWithThem(t *testing.T) {
	t.Parallel()
	doors := map[string]string{
		"github.com/joho/godotenv": "internal/envfile",
		"go.yaml.in/yaml/v4":       "internal/strictyaml",
		"golang.org/x/sys/unix":    "internal/cputime", // for tests alone
	}
	for pkg, imports := range importGraph(t) {
		if !isUnder(pkg, "internal") {
			continue
		}
		for _, to := range imports {
			if !isOurs(to) && doors[to] != pkg {
				t.Errorf("%s imports %s", pkg, to)
			}
		}
	}
}
