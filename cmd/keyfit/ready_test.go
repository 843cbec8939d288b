package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/mockserver"
)

// startLocalMock is a mock of this process that prints nothing.
func startLocalMock(t *testing.T, args ...string) *localMock {
	t.Helper()
	var s settings
	flags := pflag.NewFlagSet("mock", pflag.ContinueOnError)
	s.flags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	m, err := newLocalMock(t.Context(), &s, nil, mockserver.AdminConfig{}, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.close() })
	return m
}

// What stands at the path, or at the name beside it that was once used, is never written
// through: the file has the admin token and every key of the mock.
func TestTheReadyFileIsNewAndForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	m := startLocalMock(t, "--providers", "imin")
	for name, c := range map[string]struct {
		plant map[string]string // name → target of a link; "" is a file that all may write
		want  []string
	}{
		"nothing there":                {nil, []string{"r.json"}},
		"a file that all may write":    {map[string]string{"r.json": ""}, []string{"r.json"}},
		"a link to somebody's file":    {map[string]string{"r.json": "theirs", "theirs": ""}, []string{"r.json", "theirs"}},
		"a link that leads nowhere":    {map[string]string{"r.json": "nowhere"}, []string{"r.json"}},
		"a file at the old name, kept": {map[string]string{"r.json.tmp": ""}, []string{"r.json", "r.json.tmp"}},
		"a link at the old name, kept": {map[string]string{"r.json.tmp": "theirs", "theirs": ""}, []string{"r.json", "r.json.tmp", "theirs"}},
	} {
		dir := t.TempDir()
		for plant, target := range c.plant {
			path := filepath.Join(dir, plant)
			if target != "" {
				if err := os.Symlink(filepath.Join(dir, target), path); err != nil {
					t.Skip(err)
				}
				continue
			}
			if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "r.json")
		if err := m.writeReady(path); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		var doc readyDocument
		data, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(data, &doc) != nil || doc.Admin.Token == "" {
			t.Errorf("%s: %v: %s", name, err, data)
		}
		if theirs, err := os.ReadFile(filepath.Join(dir, "theirs")); err == nil && string(theirs) != "theirs" {
			t.Errorf("%s: somebody's file was written", name)
		}
		if d := cmp.Diff(c.want, dirNames(t, dir)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestAReadyFileThatCannotBeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	m := startLocalMock(t, "--providers", "imin")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, filepath.Join(dir, "stdout")); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{filepath.Join(dir, "stdout"), filepath.Join(dir, "d"), filepath.Join(dir, "d") + string(filepath.Separator), filepath.Join(dir, "none", "r.json")} {
		if err := m.writeReady(path); err == nil {
			t.Errorf("%s: no error", path)
		}
		if d := cmp.Diff([]string{"d", "stdout"}, dirNames(t, dir)); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

// A mock that ends removes its own ready file, and not that of another which has taken the path.
func TestAMockRemovesOnlyItsOwnReadyFile(t *testing.T) {
	t.Parallel()
	first, second := startLocalMock(t, "--providers", "imin"), startLocalMock(t, "--providers", "imin")
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	for _, m := range []*localMock{first, second} {
		if err := m.writeReady(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.close(); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"r.json"}, dirNames(t, dir)); d != "" {
		t.Errorf("after the first (-want +got):\n%s", d)
	}
	if err := second.close(); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{}, dirNames(t, dir)); d != "" {
		t.Errorf("after the second (-want +got):\n%s", d)
	}
}

// Two mocks that start at once with the same new file end up with one token; nobody is made to
// read a token through a link that somebody else has put there.
func TestTheAdminTokenFileIsMadeByOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	tokens := make(chan string, 8)
	for range cap(tokens) {
		go func() {
			a := &app{}
			a.Env = func(string) (string, bool) { return "", false }
			token, err := a.mockToken(path)
			if err != nil {
				t.Error(err)
			}
			tokens <- token
		}()
	}
	first := <-tokens
	for range cap(tokens) - 1 {
		if got := <-tokens; got != first || len(got) < 16 {
			t.Errorf("%d and %d characters: not the same token", len(got), len(first))
		}
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "token")); err != nil {
		t.Skip(err)
	}
	a := &app{}
	a.Env = func(string) (string, bool) { return "", false }
	if token, err := a.mockToken(filepath.Join(dir, "token")); err == nil || token != "" {
		t.Error("a token was written through a link")
	}
	if d := cmp.Diff([]string{"token"}, dirNames(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
