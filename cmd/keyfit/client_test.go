package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/mockclient"
)

// suiteDir returns a directory with the suites and the clients as the command prints them.
func suiteDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/client")); err != nil {
		t.Fatal(err)
	}
	for _, file := range mockclient.Files() {
		out, err := program("client", file.Language).Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Jest comes from npm, so its suite is part of the long tests.
func TestPrintedClientUnderJest(t *testing.T) {
	t.Parallel()
	if os.Getenv("KEYFIT_LONG") == "" {
		t.Skip("set KEYFIT_LONG=1 to install Jest")
	}
	dir := suiteDir(t)
	if out, err := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "jest@30").CombinedOutput(); err != nil {
		t.Skipf("npm cannot install Jest here: %v: %.300s", err, out)
	}
	cmd := program("run", "--", "npx", "jest", "--testMatch", "**/*.jest.js")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// suite is how a suite of another language is run.
type suite struct {
	needs []string // it is skipped unless this succeeds; CI installs what it takes
	run   []string
}

// suites are Node's and pytest's, the latter also of the system's Python where that is another
// one. A long run starts Node's as its users do, which takes a process for each file.
func suites() map[string]suite {
	pytest := func(python string) suite {
		return suite{
			[]string{python, "-c", "import importlib.util, sys; sys.exit(not importlib.util.find_spec('pytest'))"},
			[]string{python, "-m", "pytest", "-q", "-p", "no:cacheprovider"},
		}
	}
	node := suite{[]string{"node", "--version"}, []string{"node", "--input-type=module", "-e", `await import("./keys.test.cjs"); await import("./esm.test.mjs")`}}
	if os.Getenv("KEYFIT_LONG") != "" {
		node.run = []string{"node", "--test"}
	}
	all := map[string]suite{"node": node, "pytest": pytest("python3")}
	const system = "/usr/bin/python3"
	if first, err := exec.LookPath("python3"); err == nil && first != system {
		all["the system's pytest"] = pytest(system)
	}
	return all
}

// The suites of other languages run with the clients that the command prints.
func TestPrintedClients(t *testing.T) {
	t.Parallel()
	dir := suiteDir(t)
	for name, suite := range suites() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := exec.Command(suite.needs[0], suite.needs[1:]...).Run(); err != nil {
				t.Skipf("%s: %v", strings.Join(suite.needs, " "), err)
			}
			cmd := program(append([]string{"run", "--"}, suite.run...)...)
			cmd.Dir = dir
			cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
