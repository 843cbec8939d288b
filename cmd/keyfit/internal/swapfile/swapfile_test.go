package swapfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/filetest"
)

func TestReplaceKeepsModeAndLeavesNothingBeside(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o600, 0o644, 0o440} {
		dir := t.TempDir()
		filetest.Put(t, filepath.Join(dir, ".env"), "old", mode)
		f, err := Open(filepath.Join(dir, ".env"))
		if err != nil {
			t.Fatal(err)
		}
		looked := ""
		if err := f.Replace([]byte("new"), func(path string) error {
			content, err := os.ReadFile(path)
			looked = string(content)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(map[string]string{".env": fmt.Sprintf("%o new", mode)}, filetest.List(t, dir)); d != "" || looked != "new" {
			t.Errorf("looked at %q (-want +got):\n%s", looked, d)
		}
	}
}

func TestReplaceFollowsSymlinksToTheirTarget(t *testing.T) {
	t.Parallel()
	dir, far := t.TempDir(), t.TempDir()
	filetest.Put(t, filepath.Join(far, "real"), "old", 0o600)
	for link, target := range map[string]string{"b": filepath.Join(far, "real"), ".env": "b"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("new"), nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{".env": "→ b", "b": "→ " + filepath.Join(far, "real")}, filetest.List(t, dir)); d != "" {
		t.Errorf("links (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"real": "600 new"}, filetest.List(t, far)); d != "" {
		t.Errorf("target (-want +got):\n%s", d)
	}
}

func TestReplaceLeavesAChangedFileAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, path string){
		"written": func(t *testing.T, path string) { t.Helper(); filetest.Put(t, path, "theirs", 0o600) },
		"replaced by the same content": func(t *testing.T, path string) {
			t.Helper()
			filetest.Put(t, path+"2", "old", 0o600)
			if err := os.Rename(path+"2", path); err != nil {
				t.Fatal(err)
			}
		},
		"deleted": func(t *testing.T, path string) { t.Helper(); _ = os.Remove(path) },
	} {
		for _, late := range []bool{false, true} { // before the swap, or in its midst
			dir := t.TempDir()
			path := filepath.Join(dir, ".env")
			filetest.Put(t, path, "old", 0o600)
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			var theirs map[string]string
			act := func() { change(t, path); theirs = filetest.List(t, dir) }
			if !late {
				act()
			}
			err = f.Replace([]byte("new"), func(temp string) error {
				if late {
					act()
					delete(theirs, filepath.Base(temp))
				}
				return nil
			})
			if !errors.Is(err, ErrChanged) {
				t.Errorf("%s, late %v: %v", name, late, err)
			}
			if d := cmp.Diff(theirs, filetest.List(t, dir)); d != "" {
				t.Errorf("%s, late %v (-want +got):\n%s", name, late, d)
			}
		}
	}
}

func TestAFailureLeavesTheFileAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, ".env")
	filetest.Put(t, path, "old", 0o600)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("wrong")
	if err := f.Replace([]byte("new"), func(string) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff(map[string]string{".env": "600 old"}, filetest.List(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestOpenRefusesWhatIsNoFileOfKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	filetest.Put(t, filepath.Join(dir, "large"), strings.Repeat("x", maxSize+1), 0o600)
	filetest.Put(t, filepath.Join(dir, "linked"), "x", 0o600)
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "is no regular file", "absent": "no such file", "dangling": "no such file", "large": "larger than"} {
		if _, err := Open(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAHardLinkIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, ".env")
	filetest.Put(t, path, "old", 0o600)
	if err := os.Link(path, path+"2"); err != nil {
		t.Skip(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("new"), nil); err == nil || !strings.Contains(err.Error(), "hard links") {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff(map[string]string{".env": "600 old", ".env2": "600 old"}, filetest.List(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The process is killed at each point of the swap: kill -9, no deferred call runs.
func TestACrashLeavesTheOldOrTheNewFileWhole(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("KEYFIT_TEST_SWAP"); path != "" {
		swapUntil(t, path, point(os.Getenv("KEYFIT_TEST_POINT")))
		return
	}
	for at, want := range map[point]string{created: "old", written: "old", synced: "old", renamed: "new"} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, ".env")
			filetest.Put(t, path, "600 old", 0o600)
			cmd := exec.Command(os.Args[0], "-test.run=^TestACrashLeavesTheOldOrTheNewFileWhole$")
			cmd.Env = append(os.Environ(), "KEYFIT_TEST_SWAP="+path, "KEYFIT_TEST_POINT="+string(at))
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("it was to be killed: %v: %s", err, out)
			}
			left := filetest.List(t, dir)
			if left[".env"] != "600 600 "+want {
				t.Errorf("the file holds %q", left[".env"])
			}
			for name := range left { // what is left is for its owner alone, and the next run but those of now removes it
				if name == ".env" {
					continue
				}
				for _, rule := range []string{".env.*", "*.env"} { // of a .gitignore: a key may be in it
					if ok, err := filepath.Match(rule, name); err != nil || !ok {
						t.Errorf("the rule %s does not ignore %s", rule, name)
					}
				}
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", name, info.Mode(), err)
				}
				past := time.Now().Add(-time.Hour)
				if err := os.Chtimes(filepath.Join(dir, name), past, past); err != nil {
					t.Fatal(err)
				}
			}
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Replace([]byte("next"), nil); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(map[string]string{".env": "600 next"}, filetest.List(t, dir)); d != "" {
				t.Errorf("after the next run (-want +got):\n%s", d)
			}
		})
	}
}

func swapUntil(t *testing.T, path string, end point) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.reach = func(p point) {
		if p == end {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
	}
	t.Fatal(f.Replace([]byte("600 new"), nil))
}
