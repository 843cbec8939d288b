package statefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/keyfit/keyfit/internal/privatefile"
)

// maxFile bounds what is read at the start: ten times what a million keys take.
const maxFile = 4 << 30

// place returns the file that a path stands for, so that a file which has several names
// is locked, replaced and swept under one. Links are followed, also one whose file does
// not exist yet.
func place(path string) (string, error) {
	for range 40 { // as many links as systems follow
		file, err := filepath.EvalSymlinks(path)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		target, err := os.Readlink(path)
		if err != nil { // a name that does not exist
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			return filepath.Join(dir, filepath.Base(path)), nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", errors.New("too many links")
}

// regular returns an error for a path that names something else than a regular file,
// or a file that is too large. There may be none.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory; name a file in it")
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file, but a pipe, a socket or a device")
	case info.Size() > maxFile:
		return fmt.Errorf("it has %d bytes, more than the %d that are read", info.Size(), int64(maxFile))
	}
	return nil
}

// oneName returns an error for a file that has further names (hard links): a save puts a
// new file in the place of one name, and a mock that uses another would not see it.
func oneName(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // there is none yet; regular has told anything else
	}
	if n := links(info); n > 1 {
		return fmt.Errorf("it has %d names (hard links), and a save would replace one of them only; use a copy, or a symbolic link", n)
	}
	return nil
}

// readFile reads a regular file; nil if there is none. Anything else is refused before
// it is opened: a pipe would wait for its other end, and a device may not end.
func readFile(path string) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path) //nolint:gosec // the path is the user's own
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, err
}

// write writes a temporary file beside path, which the caller renames or removes.
func write(path string, data []byte) (*os.File, error) {
	f, err := privatefile.CreateTemp(path)
	if err != nil {
		return nil, explain(err)
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err != nil {
		discard(f)
		return nil, explain(err)
	}
	return f, nil
}

// discard removes a temporary file.
func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name()) // the next start sweeps what is left
}

// explain names the remedy of an error whose own words do not tell it, without the
// names of temporary files.
func explain(err error) error {
	if errors.Is(err, syscall.EBUSY) {
		return errors.New("the file is mounted by itself, so it cannot be replaced; mount the directory that it is in")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// sweep removes what killed processes have left of path: temporary files of this
// version and of earlier ones, which were called .NAME.123.
func sweep(path string) {
	privatefile.Sweep(path, 0)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return // nothing can be removed either
	}
	prefix := "." + filepath.Base(path) + "."
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), prefix)
		if ok && e.Type().IsRegular() && number != "" && strings.Trim(number, "0123456789") == "" {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}
