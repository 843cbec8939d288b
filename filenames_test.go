package keyfit_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryFileNameIsOneThatAModuleCanHave holds that the module can be fetched: one name with
// another character, such as a test leaves that writes a file beside itself, and `go get`
// fails for everybody (golang.org/x/mod/module, CheckFilePath).
func TestEveryFileNameIsOneThatAModuleCanHave(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case strings.ContainsFunc(d.Name(), func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'*<>?`|\\:", r)
		}):
			t.Errorf("%q", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
