//go:build unix

package smallfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/smallfile"
)

func TestAPipeThatNobodyWritesReadsAsEmptyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	got, err := smallfile.Read(path, limit)
	if took := time.Since(began); len(got) > 0 || err != nil || took > 4*time.Second {
		t.Errorf("%q, %v after %v; want nothing, at once", got, err, took)
	}
}

func TestAPipeIsReadUntilItsWriterIsDone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // keeps what was written, however late Read opens the pipe
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("lorem"); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = w.WriteString(" fitsum"); _ = w.Close() }()
	if got, err := smallfile.Read(path, limit); string(got) != "lorem fitsum" || err != nil {
		t.Errorf("%q, %v; want all that was written", got, err)
	}
}
