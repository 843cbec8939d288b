// Package privatefile writes files that may hold a secret.
//
// A new file is readable by its owner alone (mode 0600) and never written through a link or a
// file that somebody else put there. Its content is written into a temporary file beside it,
// which then takes its name: a reader sees the whole file or none of it.
//
// A process that is killed in between leaves the temporary file, with the secret in it. Its
// name is BASE.keyfit-NUMBER.EXT, such as .env.keyfit-17.env, so that an ignore rule for the
// file by its beginning (.env.*) or by its end (*.env) is a rule for the temporary file too.
package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Stale is the age for [Sweep] beside a file that several processes write. Writing takes
// milliseconds, so the process that made an older temporary file has ended.
const Stale = 10 * time.Minute

// infix marks the temporary files of this package.
const infix = ".keyfit-"

// CreateTemp makes the temporary file that will take the place of path: in the same directory,
// new, with mode 0600. The caller renames or removes it.
func CreateTemp(path string) (*os.File, error) {
	prefix, suffix := affixes(path)
	return os.CreateTemp(filepath.Dir(path), prefix+"*"+suffix)
}

// affixes are what stands before and after the number in the name of a temporary file.
func affixes(path string) (prefix, suffix string) {
	base := filepath.Base(path)
	suffix = filepath.Ext(base)
	if strings.Contains(suffix, "*") { // os.CreateTemp would put the number there
		suffix = ""
	}
	return base + infix, suffix
}

// ErrNotRegular says that the path names a directory, a pipe, a device or the like, which is
// left unchanged.
var ErrNotRegular = errors.New("is there already and is no regular file")

// Replace puts data in the place of path, whether or not there is such a file; mode 0600. A
// symbolic link to a file, or to nothing, is replaced and not followed. The error names path
// and not the data; it leaves what was there as it was, and no temporary file.
func Replace(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // /dev/stdout is a link
		return fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	return place(path, data, os.Rename)
}

// Create is [Replace] for a file that must be new. If path is taken, by a link too, the error
// wraps [fs.ErrExist] and nothing is changed.
func Create(path string, data []byte) error {
	return place(path, data, func(temp, path string) error {
		err := os.Link(temp, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// A file system without hard links. The name is reserved first, so that nothing of
		// somebody else's is replaced.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the caller's own path
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		return os.Rename(temp, path)
	})
}

// place writes the temporary file and lets put give it its name.
func place(path string, data []byte, put func(temp, path string) error) error {
	temp, err := CreateTemp(path)
	if err != nil {
		return fmt.Errorf("no file can be made beside %s: %w", path, cause(err))
	}
	defer func() { _ = os.Remove(temp.Name()) }() // after a rename it is gone already
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if closing := temp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = put(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	SyncDir(filepath.Dir(path))
	return nil
}

// SyncDir makes a rename in the directory durable, where the file system can.
func SyncDir(dir string) {
	if d, err := os.Open(dir); err == nil { //nolint:gosec // the caller's own directory
		_ = d.Sync()
		_ = d.Close()
	}
}

// Sweep removes the temporary files of path that are older than age: those of processes that
// were killed. It also finds those of earlier versions, which had a dot before the name.
func Sweep(path string, age time.Duration) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return // nothing can be removed either
	}
	prefix, _ := affixes(path)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) && !strings.HasPrefix(e.Name(), "."+prefix) {
			continue
		}
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) >= age {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name())) // made by this package; its process was killed
		}
	}
}

// cause leaves out the paths, one of which is that of the temporary file.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
