//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package statefile_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileIsUsedByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	one, other := &document{text: "one"}, &document{text: "other"}
	f, g := one.file(path), other.file(path)
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	if err := g.Open(); err == nil || !strings.Contains(err.Error(), "another mock uses it") {
		t.Errorf("%v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := g.Open(); err != nil || other.loaded != "one" {
		t.Errorf("loaded %q, %v", other.loaded, err)
	}
}
