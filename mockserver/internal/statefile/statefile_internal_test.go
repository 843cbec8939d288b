package statefile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a killed process leaves is named so that an ignore rule for the file matches it, and is
// gone after the next start.
func TestTemporaryFilesAreNamedAfterTheFileAndSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	prefix, suffix := temporary(path)
	left := prefix + "17" + suffix
	for _, rule := range []string{"state.json*", "state.json.*", "*.json"} {
		if ok, err := filepath.Match(rule, left); err != nil || !ok {
			t.Errorf("the rule %s does not match %s", rule, left)
		}
	}
	for _, name := range []string{left, "state.jsonx", "other.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sweep(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if d := cmp.Diff([]string{"other.json", "state.jsonx"}, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
