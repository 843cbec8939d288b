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

// The clients that oapi-codegen makes of the six documents compile, and what the mock
// answers fits their types.
func TestGeneratedClientsCallTheMock(t *testing.T) { //nolint:paralleltest // its compiler takes every processor
	srv := mockserver.New(t)
	env := append(os.Environ(), "URL_admin="+srv.AdminURL(), "KEY_admin="+srv.AdminToken().Reveal())
	for _, p := range mockserver.Providers() {
		env = append(env, "URL_"+string(p)+"="+srv.BaseURL(p), "KEY_"+string(p)+"="+srv.Keys().Issue(p).Secret.Reveal())
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "-overlay", generated(t), "./generated/calls") //nolint:gosec // a path of this test
	cmd.Env = env
	var problems strings.Builder
	cmd.Stderr = &problems
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%.3000s", err, problems.String())
	}
	const want = "admin 200 5\nimin 200 GOLDEN: Evening Yoga\nmindkey 200 60\nimkit 200 0\noptimove 200 4\niiniit 200 true\n"
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// openapi-typescript makes types of the six documents. It comes from npm, so this is
// part of the long tests.
func TestTypeScriptTypesAreGenerated(t *testing.T) {
	t.Parallel()
	if os.Getenv("KEYFIT_LONG") == "" {
		t.Skip("set KEYFIT_LONG=1 to generate types with openapi-typescript")
	}
	npx, err := exec.LookPath("npx")
	if err != nil {
		t.Skip("npm is not installed: nothing was generated")
	}
	dir := t.TempDir()
	for name, data := range apiDocuments() {
		in, out := filepath.Join(dir, name+".json"), filepath.Join(dir, name+".ts")
		if err := os.WriteFile(in, data, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), npx, "--yes", "openapi-typescript@7", in, "-o", out) //nolint:gosec // files of this test
		if said, err := cmd.CombinedOutput(); err != nil {
			if strings.Contains(string(said), "npm error network") || strings.Contains(string(said), "npm error code E") {
				t.Skipf("openapi-typescript cannot be installed here: nothing was generated: %.300s", said)
			}
			t.Fatalf("%s: %v\n%.2000s", name, err, said)
		}
		made, err := os.ReadFile(out)
		if err != nil || !strings.Contains(string(made), "export interface paths") {
			t.Errorf("%s: %.300s, %v", name, made, err)
		}
	}
}
