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

// The suites of other languages run with the clients that the command prints.
func TestPrintedClients(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		needs []string // the suite is skipped without them; CI installs them
		suite []string
	}{
		"node":   {[]string{"node", "--version"}, []string{"node", "--test"}},
		"pytest": {[]string{"python3", "-m", "pytest", "--version"}, []string{"python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"}},
		"the system's pytest": {
			[]string{"/usr/bin/python3", "-m", "pytest", "--version"},
			[]string{"/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := exec.Command(test.needs[0], test.needs[1:]...).Run(); err != nil {
				t.Skipf("%s: %v", strings.Join(test.needs, " "), err)
			}
			cmd := program(append([]string{"run", "--"}, test.suite...)...)
			cmd.Dir = suiteDir(t)
			cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
