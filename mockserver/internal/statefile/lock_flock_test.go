//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package statefile_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Nobody writes to the pipe, so reading it would wait for ever.
func TestAPipeIsRefusedBeforeItIsOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if err := (&document{}).file(path).Open(); err == nil || !strings.Contains(err.Error(), "a pipe") {
		t.Errorf("%v", err)
	}
}

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
