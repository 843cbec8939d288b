package exposure

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheModeSaysWhoElseCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no bits of unix")
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("c4n4rY"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o700: "", 0o711: "",
		0o644: "can be read by everybody on this machine (mode 0644)", 0o640: "can be read by its group (mode 0640)", 0o666: "can be read by everybody on this machine (mode 0666)",
		0o604: "can be read by everybody on this machine (mode 0604)", 0o620: "can be changed by its group (mode 0620)", 0o602: "can be changed by everybody on this machine (mode 0602)", 0o440: "can be read by its group (mode 0440)", 0o755: "can be read by everybody on this machine (mode 0755)",
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var wantAll, wantLink []string
		if want != "" {
			wantAll = []string{path + " " + want + ": chmod 600 makes it the owner's alone"}
			wantLink = []string{link + " " + want + ": chmod 600 makes it the owner's alone"}
		}
		if d := cmp.Diff([][]string{wantAll, wantLink, nil}, [][]string{Of(path), Of(link), Of(path + ".none")}); d != "" {
			t.Errorf("%04o: file, link, no file (-want +got):\n%s", mode, d)
		}
	}
}

// gitAt runs git in a directory, without the configuration of this machine.
func gitAt(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_AUTHOR_NAME=lorem", "GIT_AUTHOR_EMAIL=l@example.com", "GIT_COMMITTER_NAME=lorem", "GIT_COMMITTER_EMAIL=l@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// The index is read as git wrote it, in each version and layout.
func TestAFileThatGitTracksIsFound(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	layouts := map[string]func(t *testing.T) (tree string){
		"version 2": func(t *testing.T) string { t.Helper(); return newTree(t, "2") },
		"version 3": func(t *testing.T) string { // extended flags: an entry that is only intended
			t.Helper()
			tree := newTree(t, "3")
			writeFiles(t, tree, "a-intended")
			gitAt(t, tree, "add", "-N", "a-intended")
			return tree
		},
		"version 4": func(t *testing.T) string { t.Helper(); return newTree(t, "4") },
		"sha256":    func(t *testing.T) string { t.Helper(); return newTree(t, "2", "--object-format=sha256") },
		"split index": func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			gitAt(t, tree, "update-index", "--split-index")
			return tree
		},
		"linked working tree": func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			gitAt(t, tree, "commit", "-qm", "lorem")
			linked := filepath.Join(t.TempDir(), "linked")
			gitAt(t, tree, "worktree", "add", "-q", linked)
			writeFiles(t, linked, ".env.local", "deep/untracked", "zz")
			return linked
		},
	}
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := layout(t)
			want := map[string]bool{".env": true, ".env.local": false, "deep/er/key": true, "deep/untracked": false, "key with space": true, "zz": false, strings.Repeat("l", 60) + "/key": true, "none": false}
			got := map[string]bool{}
			for file := range want {
				found := Of(filepath.Join(tree, filepath.FromSlash(file)))
				got[file] = len(found) > 0 && strings.Contains(found[len(found)-1], "is tracked by git")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Where the working tree is, and how names are compared, is in the configuration of the
// repository; and a repository may lie within another one.
func TestAFileThatGitTracksIsFoundWhereverTheWorkingTreeIs(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	inner := func(t *testing.T, worktree func(tree string) string) string { // a working tree below the repository
		t.Helper()
		tree := t.TempDir()
		gitAt(t, tree, "init", "-q")
		writeFiles(t, tree, "inner/.env", ".env")
		gitAt(t, tree, "config", "core.worktree", worktree(tree))
		gitAt(t, filepath.Join(tree, "inner"), "add", ".env")
		return tree
	}
	withConfig := func(t *testing.T, text string, init ...string) string {
		t.Helper()
		tree := newTree(t, "2", init...)
		path := filepath.Join(tree, ".git", "config")
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(old, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		return tree
	}
	for name, c := range map[string]struct {
		tree func(t *testing.T) string
		want map[string]bool
	}{
		"core.worktree": {func(t *testing.T) string {
			t.Helper()
			return inner(t, func(tree string) string { return filepath.Join(tree, "inner") })
		}, map[string]bool{"inner/.env": true, ".env": false}},
		"core.worktree, relative": {func(t *testing.T) string {
			t.Helper()
			return inner(t, func(string) string { return "../inner" })
		}, map[string]bool{"inner/.env": true, ".env": false}},
		"core.worktree of a linked working tree's main one": {func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			gitAt(t, tree, "commit", "-qm", "lorem")
			linked := filepath.Join(t.TempDir(), "linked")
			gitAt(t, tree, "worktree", "add", "-q", linked)
			gitAt(t, tree, "config", "core.worktree", tree)
			return linked
		}, map[string]bool{".env": true}},
		"core.worktree of a working tree's own configuration": {func(t *testing.T) string {
			t.Helper()
			tree := inner(t, func(tree string) string { return filepath.Join(tree, "inner") })
			gitAt(t, tree, "config", "--unset", "core.worktree")
			gitAt(t, tree, "config", "extensions.worktreeConfig", "true")
			gitAt(t, tree, "config", "--worktree", "core.worktree", filepath.Join(tree, "inner"))
			return tree
		}, map[string]bool{"inner/.env": true, ".env": false}},
		"a working tree's own configuration that does not count": {func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			if err := os.WriteFile(filepath.Join(tree, ".git", "config.worktree"), []byte("[core]\n\tworktree = /none\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return tree
		}, map[string]bool{".env": true, "zz": false}},
		"a submodule": {func(t *testing.T) string {
			t.Helper()
			of, tree := newTree(t, "2"), newTree(t, "2")
			gitAt(t, of, "commit", "-qm", "lorem")
			gitAt(t, tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", of, "sub")
			return tree
		}, map[string]bool{".env": true, "sub/.env": true, "sub/deep/er/key": true, "sub/zz": false}},
		"links": {func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			away := t.TempDir()
			writeFiles(t, away, "key")
			for from, to := range map[string]string{"to-key": "deep/er/key", "to-dir": "deep", "to-away": filepath.Join(away, "key"), "to-link": "to-key"} {
				if err := os.Symlink(to, filepath.Join(tree, from)); err != nil {
					t.Fatal(err)
				}
			}
			gitAt(t, tree, "add", "to-away") // git tracks where it leads, and not what is there
			return tree
		}, map[string]bool{"to-key": true, "to-dir/er/key": true, "to-link": true, "to-dir/untracked": false, "to-away": false}},
		"a directory of git elsewhere": {func(t *testing.T) string {
			t.Helper()
			return newTree(t, "2", "--separate-git-dir="+filepath.Join(t.TempDir(), "elsewhere"))
		}, map[string]bool{".env": true, "zz": false}},
		"a link to the directory of git": {func(t *testing.T) string {
			t.Helper()
			tree, elsewhere := newTree(t, "2"), filepath.Join(t.TempDir(), "elsewhere")
			if err := errors.Join(os.Rename(filepath.Join(tree, ".git"), elsewhere), os.Symlink(elsewhere, filepath.Join(tree, ".git"))); err != nil {
				t.Fatal(err)
			}
			return tree
		}, map[string]bool{".env": true, "zz": false}},
		"tracked although it is ignored": {func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			if err := os.WriteFile(filepath.Join(tree, ".gitignore"), []byte("*\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			gitAt(t, tree, "add", "-f", "zz")
			return tree
		}, map[string]bool{".env": true, "zz": true, "deep/untracked": false}},
		"a directory .git that is no repository": {func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			writeFiles(t, tree, "deep/.git/empty", "deep/er/.git")
			return tree
		}, map[string]bool{".env": true, "deep/er/key": true, "deep/untracked": false}},
		"a repository that came later": {func(t *testing.T) string {
			t.Helper()
			tree := newTree(t, "2")
			gitAt(t, filepath.Join(tree, "deep"), "init", "-q")
			return tree
		}, map[string]bool{"deep/er/key": true, "deep/untracked": false}},
		"another case of letters": {func(t *testing.T) string {
			t.Helper()
			return withConfig(t, "[core]\n\tignorecase = true\n")
		}, map[string]bool{".ENV": true, "Deep/Er/Key": true, "none": false}},
		"another case of letters, where it counts": {func(t *testing.T) string {
			t.Helper()
			return withConfig(t, "[core] ignorecase = false\n")
		}, map[string]bool{".ENV": false, ".env": true}},
		"a comment that names SHA-256": {func(t *testing.T) string {
			t.Helper()
			return withConfig(t, "# objectformat = sha256\n")
		}, map[string]bool{".env": true, "deep/er/key2": true, "zz": false}},
		"SHA-256 written otherwise": {func(t *testing.T) string {
			t.Helper()
			return withConfig(t, "[Extensions] ObjectFormat=\"sha256\" ; by hand\n", "--object-format=sha256")
		}, map[string]bool{".env": true, "deep/er/key2": true, "zz": false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := c.tree(t)
			got := map[string]bool{}
			for file := range c.want {
				writeFiles(t, tree, file)
				found := Of(filepath.Join(tree, filepath.FromSlash(file)))
				got[file] = len(found) > 0 && strings.Contains(found[len(found)-1], "is tracked by git")
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// newTree makes a working tree with tracked and other files.
func newTree(t *testing.T, version string, init ...string) string {
	t.Helper()
	tree := t.TempDir()
	gitAt(t, tree, append([]string{"init", "-q"}, init...)...)
	gitAt(t, tree, "config", "index.version", version)
	tracked := []string{".env", "deep/er/key", "key with space", "other", "deep/er/key2", strings.Repeat("l", 60) + "/key"}
	writeFiles(t, tree, tracked...)
	gitAt(t, tree, append([]string{"add"}, tracked...)...)
	writeFiles(t, tree, ".env.local", "deep/untracked", "zz")
	return tree
}

func writeFiles(t *testing.T, tree string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(tree, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// An index is a stranger's file: whatever stands in it, reading it ends.
func FuzzIndex(f *testing.F) {
	entry := append(append(make([]byte, 60), 0, 4), ".env\x00\x00\x00\x00\x00\x00"...)
	f.Add(append([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01"), entry...), ".env")
	f.Add([]byte("DIRC\x00\x00\x00\x04\xff\xff\xff\xff"), "x")
	f.Add(append([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00"), "link\x00\x00\x00\x14aaaaaaaaaaaaaaaaaaaa"...), "x")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "index"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		found, _, _ := repository{dir: dir, hash: 20}.search("index", name)
		if found && !bytes.Contains(content, []byte{0}) {
			t.Fatalf("%q was found in %q", name, content)
		}
	})
}
