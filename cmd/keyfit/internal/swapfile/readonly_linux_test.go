package swapfile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/filetest"
)

// asNobody runs f on a thread whose file accesses are those of a user without rights, also
// where the test itself is root.
func asNobody(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if os.Getuid() == 0 {
			_ = syscall.Setfsgid(65534)
			_ = syscall.Setfsuid(65534)
		}
		f()
	}()
	<-done
}

func TestADirectoryThatCannotBeWrittenKeepsTheFile(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "keyfit-test-*") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700); _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, ".env")
	filetest.Put(t, path, "old", 0o644)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	var failure error
	asNobody(func() {
		var f *File
		if f, failure = Open(path); failure == nil {
			failure = f.Replace([]byte("new"), nil)
		}
	})
	if failure == nil || !strings.Contains(failure.Error(), "no new file can be made beside") || !strings.Contains(failure.Error(), "permission denied") {
		t.Errorf("%v", failure)
	}
	if d := cmp.Diff(map[string]string{".env": "644 old"}, filetest.List(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAnOwnerThatCannotBeKeptKeepsTheFile(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can make another user's file")
	}
	dir, err := os.MkdirTemp("", "keyfit-test-*") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, ".env")
	filetest.Put(t, path, "old", 0o644)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var failure error
	asNobody(func() {
		var f *File
		if f, failure = Open(path); failure == nil {
			failure = f.Replace([]byte("new"), nil)
		}
	})
	if failure == nil || !strings.Contains(failure.Error(), "owner 0 and group 0 cannot be kept") {
		t.Errorf("%v", failure)
	}
	if err := os.Chown(path, 12345, 23456); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("new"), nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 12345 || s.Gid != 23456 {
		t.Errorf("the owner is %d:%d", s.Uid, s.Gid)
	}
}
