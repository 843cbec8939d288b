package privatefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/filetest"
	"github.com/keyfit/keyfit/internal/privatefile"
)

// A rule that ignores the file by its beginning or by its end ignores its temporary files.
func TestIgnoreRulesOfAFileHoldForItsTemporaryFiles(t *testing.T) {
	t.Parallel()
	for base, rules := range map[string][]string{
		".env":            {".env.*", ".env*", "*.env"},
		".env.local":      {".env.*", ".env*", ".env.local*", "*.local"},
		".env.production": {".env.*", ".env*", "*.production"},
		"prod.env":        {"prod.env*", "prod.env.*", "*.env"},
		"imin.key":        {"imin.key*", "*.key"},
		"token":           {"token*", "token.*"},
		"ready.json":      {"ready.json*", "ready.json.*", "*.json"},
		"a b.pem":         {"a b.pem*", "*.pem"},
		"odd.x*y":         {"odd.x*"},
	} {
		f, err := privatefile.CreateTemp(filepath.Join(t.TempDir(), base))
		if err != nil {
			if runtime.GOOS == "windows" {
				continue // not every name is one there
			}
			t.Fatal(err)
		}
		_ = f.Close()
		name := filepath.Base(f.Name())
		if !strings.HasPrefix(name, base+".keyfit-") {
			t.Errorf("%s: the temporary file is %q", base, name)
		}
		for _, rule := range rules {
			if ok, err := path.Match(rule, name); err != nil || !ok {
				t.Errorf("%s: the rule %q does not match %q", base, rule, name)
			}
		}
	}
}

func TestReplaceWritesAWholeFileForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		before  func(t *testing.T, dir string)
		want    map[string]string
		refused bool
	}{
		{"nothing there", func(*testing.T, string) {}, map[string]string{"f.json": "600 new"}, false},
		{"a file that others can read", func(t *testing.T, dir string) {
			t.Helper()
			filetest.Put(t, filepath.Join(dir, "f.json"), "old", 0o666)
		}, map[string]string{"f.json": "600 new"}, false},
		{"a link to somebody's file", func(t *testing.T, dir string) {
			t.Helper()
			filetest.Put(t, filepath.Join(dir, "theirs"), "theirs", 0o600)
			if err := os.Symlink(filepath.Join(dir, "theirs"), filepath.Join(dir, "f.json")); err != nil {
				t.Skip(err)
			}
		}, map[string]string{"f.json": "600 new", "theirs": "600 theirs"}, false},
		{"a link at the name that was once used", func(t *testing.T, dir string) {
			t.Helper()
			filetest.Put(t, filepath.Join(dir, "theirs"), "theirs", 0o600)
			if err := os.Symlink(filepath.Join(dir, "theirs"), filepath.Join(dir, "f.json.tmp")); err != nil {
				t.Skip(err)
			}
		}, map[string]string{"f.json": "600 new", "f.json.tmp": "→ theirs", "theirs": "600 theirs"}, false},
		{"a directory", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(dir, "f.json"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, map[string]string{"f.json": "directory"}, true},
		{"a link to a directory", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Symlink(dir, filepath.Join(dir, "f.json")); err != nil {
				t.Skip(err)
			}
		}, map[string]string{"f.json": "→ ."}, true},
		{"a link to a device", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Symlink(os.DevNull, filepath.Join(dir, "f.json")); err != nil {
				t.Skip(err)
			}
		}, map[string]string{"f.json": "→ " + os.DevNull}, true},
		{"a link that leads nowhere", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "f.json")); err != nil {
				t.Skip(err)
			}
		}, map[string]string{"f.json": "600 new"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c.before(t, dir)
			err := privatefile.Replace(filepath.Join(dir, "f.json"), []byte("new"))
			if errors.Is(err, privatefile.ErrNotRegular) != c.refused || (err != nil) != c.refused || err != nil && strings.Contains(err.Error(), "keyfit-") {
				t.Errorf("error %v, want one: %v, and no temporary name in it", err, c.refused)
			}
			if d := cmp.Diff(c.want, filetest.List(t, dir)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestNoDirectoryIsAnErrorWithThePath(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "none", "f")
	for _, write := range []func(string, []byte) error{privatefile.Replace, privatefile.Create} {
		if err := write(name, []byte("lorem")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "lorem") {
			t.Errorf("%v", err)
		}
	}
}

func TestCreateReplacesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	filetest.Put(t, filepath.Join(dir, "file"), "old", 0o644)
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "link", "dir"} {
		if err := privatefile.Create(filepath.Join(dir, name), []byte("new")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := privatefile.Create(filepath.Join(dir, "new"), []byte("new")); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(map[string]string{"file": "644 old", "link": "→ nowhere", "dir": "directory", "new": "600 new"}, filetest.List(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Of many that create the same file one succeeds, and all find its content whole.
func TestCreateIsForOne(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "token")
	var group sync.WaitGroup
	var mu sync.Mutex
	var winner string
	for i := range 8 {
		group.Go(func() {
			content := strings.Repeat(string(rune('a'+i)), 100)
			err := privatefile.Create(name, []byte(content))
			got, readErr := os.ReadFile(name)
			if readErr != nil || len(got) != 100 {
				t.Errorf("%d bytes, %v", len(got), readErr)
			}
			if errors.Is(err, fs.ErrExist) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil || winner != "" {
				t.Errorf("a second one, or %v", err)
			}
			winner = content
		})
	}
	group.Wait()
	if got, err := os.ReadFile(name); err != nil || string(got) != winner {
		t.Errorf("%q, %v; want %q", got, err, winner)
	}
}

func TestSweepRemovesWhatKilledProcessesLeft(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "with [brackets]") // no pattern
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{".env", ".env.local", ".env.keyfit-1.env", "..env.keyfit-2", ".env.keyfit-3.env", ".environment"} {
		filetest.Put(t, filepath.Join(dir, name), "x", 0o600)
		if name != ".env.keyfit-3.env" {
			if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	privatefile.Sweep(filepath.Join(dir, ".env"), time.Minute)
	if d := cmp.Diff(map[string]string{".env": "600 x", ".env.local": "600 x", ".environment": "600 x", ".env.keyfit-3.env": "600 x"}, filetest.List(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
