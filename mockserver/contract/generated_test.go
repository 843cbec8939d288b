package contract_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	_ "github.com/oapi-codegen/runtime"       // what is generated imports it
	_ "github.com/oapi-codegen/runtime/types" // and this

	"github.com/keyfit/keyfit/mockserver"
)

// apiDocuments are the six documents by the name of their API.
func apiDocuments() map[string][]byte {
	all := map[string][]byte{"admin": mockserver.AdminOpenAPI()}
	for _, p := range mockserver.Providers() {
		all[string(p)] = mockserver.OpenAPI(p)
	}
	return all
}

// generated writes a client for each document and the program of testdata that uses
// them, and returns the file that shows them to the go command as parts of this module.
func generated(t *testing.T) (overlay string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), make(map[string]string)
	put := func(as, text string) {
		file := filepath.Join(dir, strings.ReplaceAll(as, "/", "_"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(here, "generated", filepath.FromSlash(as))] = file
	}
	for name, data := range apiDocuments() {
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := codegen.Configuration{PackageName: name, Generate: codegen.GenerateOptions{Models: true, Client: true}}
		code, err := codegen.Generate(doc, c.UpdateDefaults())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		put(name+"/client.go", code)
	}
	program, err := os.ReadFile(filepath.Join("testdata", "calls.go.txt"))
	if err != nil {
		t.Fatal(err)
	}
	put("calls/main.go", string(program))
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// mockOfAll starts a mock and returns the environment that its clients read: an address and a
// credential of each API.
func mockOfAll(t *testing.T) (env []string) {
	t.Helper()
	srv := mockserver.New(t)
	env = append(os.Environ(), "URL_admin="+srv.AdminURL(), "KEY_admin="+srv.AdminToken().Reveal())
	for _, p := range mockserver.Providers() {
		env = append(env, "URL_"+string(p)+"="+srv.BaseURL(p), "KEY_"+string(p)+"="+srv.Keys().Issue(p).Secret.Reveal())
	}
	return env
}

// answersOfAll is what the programs of testdata print, in any language.
const answersOfAll = "admin 200 5\nimin 200 GOLDEN: Evening Yoga\nmindkey 200 60\nimkit 200 0\noptimove 200 4\niiniit 200 true\n"

// run runs a command and returns what it prints.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%.3000s%.3000s", cmd, err, out, problems.String())
	}
	return string(out)
}

// The clients that oapi-codegen makes of the six documents compile, and what the mock
// answers fits their types.
func TestGeneratedClientsCallTheMock(t *testing.T) { //nolint:paralleltest // its compiler takes every processor
	cmd := exec.CommandContext(t.Context(), "go", "run", "-overlay", generated(t), "./generated/calls") //nolint:gosec // a path of this test
	cmd.Env = mockOfAll(t)
	if d := cmp.Diff(answersOfAll, run(t, cmd)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What the test of the TypeScript clients takes from npm.
var typeScript = []string{"openapi-typescript@7", "openapi-fetch@0.14", "typescript@5"}

// installed returns a folder with packages of npm. The test is skipped where npm or its
// registry is missing.
func installed(t *testing.T, packages ...string) string {
	t.Helper()
	if os.Getenv("KEYFIT_LONG") == "" {
		t.Skip("set KEYFIT_LONG=1 to install packages of npm")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed: nothing was tried")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), npm, append([]string{"install", "--prefix", dir, "--no-audit", "--no-fund"}, packages...)...) //nolint:gosec // constants
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install them here: nothing was tried: %v: %.300s", err, said)
	}
	return dir
}

// The types that openapi-typescript makes of the six documents compile in strict mode together
// with the program of testdata, and its calls are answered. The packages come from npm, so this
// is part of the long tests.
func TestTypeScriptClientsCallTheMock(t *testing.T) { //nolint:paralleltest // as above
	dir := installed(t, typeScript...)
	tool := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", name), args...) //nolint:gosec // installed by this test
		cmd.Dir = dir
		return cmd
	}
	for name, data := range apiDocuments() {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, tool("openapi-typescript", name+".json", "-o", name+".d.ts"))
	}
	program, err := os.ReadFile(filepath.Join("testdata", "calls.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "calls.mts"), program, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, tool("tsc", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom", "calls.mts"))
	cmd := exec.CommandContext(t.Context(), "node", "calls.mjs")
	cmd.Dir, cmd.Env = dir, mockOfAll(t)
	if d := cmp.Diff(answersOfAll, run(t, cmd)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
