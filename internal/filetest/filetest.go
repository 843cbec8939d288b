// Package filetest writes and lists the files of a directory, for tests of packages that
// replace files.
package filetest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Put writes a file with exactly this mode, whatever the umask and an earlier file say.
func Put(tb testing.TB, name, content string, mode os.FileMode) {
	tb.Helper()
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		tb.Fatal(err)
	}
}

// List returns what a directory holds, by name: "600 content" of a file, "directory", or
// "→ target" of a symbolic link, relative to dir if the target is below it. Windows has no
// modes: there it is 600 of each file.
func List(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		found[e.Name()] = describe(tb, dir, e)
	}
	return found
}

func describe(tb testing.TB, dir string, e os.DirEntry) string {
	tb.Helper()
	name := filepath.Join(dir, e.Name())
	if target, err := os.Readlink(name); err == nil {
		if below, err := filepath.Rel(dir, target); err == nil && !strings.HasPrefix(below, "..") {
			target = below
		}
		return "→ " + target
	}
	if e.IsDir() {
		return "directory"
	}
	info, err := e.Info()
	if err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(name) //nolint:gosec // a test's own directory
	if err != nil {
		tb.Fatal(err)
	}
	mode := info.Mode().Perm()
	if runtime.GOOS == "windows" {
		mode = 0o600
	}
	return fmt.Sprintf("%o %s", mode, content)
}
