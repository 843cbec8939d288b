// Package swapfile replaces a file as a whole: whoever reads it, at any moment and after a
// crash at any moment, sees the old content or the new, never a part and never nothing.
package swapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keyfit/keyfit/internal/privatefile"
)

// ErrChanged says that somebody else wrote the file after it was opened. It is left as it is.
var ErrChanged = errors.New("the file was changed by somebody else meanwhile, and is left as it is")

// maxSize is far above any file that a person keeps keys in.
const maxSize = 1 << 20

// File is a file as it was when it was opened.
type File struct {
	path    string // behind all symlinks
	info    os.FileInfo
	content []byte
	reach   func(point) // a test ends the process at a point; nil otherwise
}

// point is a moment of a swap.
type point string

const (
	created point = "created" // the temporary file is there and empty
	written point = "written" // it has the new content
	synced  point = "synced"  // its content is on the disk
	renamed point = "renamed" // it has taken the file's place
)

// Open reads a regular file of at most 1 MiB. Symlinks are followed, and it is their target
// that is replaced later.
func Open(path string) (*File, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		target, err = filepath.Abs(target)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	f := &File{path: target}
	if f.info, f.content, err = read(target); err != nil {
		return nil, fmt.Errorf("%s: %w", target, cause(err))
	}
	return f, nil
}

func read(path string) (os.FileInfo, []byte, error) {
	before, err := os.Stat(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() { // opening a pipe would wait
		return nil, nil, errors.New("is no regular file")
	}
	f, err := os.Open(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("is larger than %d bytes, so it is not what was meant", maxSize)
	}
	return info, content, err
}

// Path is the file itself, behind all symlinks.
func (f *File) Path() string { return f.path }

// Content is what the file held. It is not to be changed.
func (f *File) Content() []byte { return f.content }

// Replace puts content in the place of the file, which keeps its mode and owner. The way is
// a temporary file in the same directory, synced, renamed over the file, and the directory
// synced. check, if not nil, looks at the finished temporary file; its error, like every
// other, leaves the file as it was and the temporary file removed. The error is
// [ErrChanged] if the file is not what Open saw: the last look is taken just before the
// rename, which leaves a gap of microseconds that only a lock known to all could close.
func (f *File) Replace(content []byte, check func(path string) error) error {
	privatefile.Sweep(f.path, privatefile.Stale) // what a run that was killed left behind: a key is in it
	if err := f.unchanged(); err != nil {
		return err
	}
	temp, err := f.write(content)
	if err == nil && check != nil {
		err = check(temp)
	}
	if err == nil {
		err = f.unchanged()
	}
	if err == nil {
		if err = os.Rename(temp, f.path); err != nil { //nolint:gosec // the user's own file
			err = fmt.Errorf("%s cannot be replaced: %w", f.path, cause(err))
		}
	}
	if err != nil {
		if temp != "" {
			_ = os.Remove(temp) //nolint:gosec // our own file; the first error is the one to tell
		}
		return err
	}
	f.at(renamed)
	privatefile.SyncDir(filepath.Dir(f.path))
	return nil
}

// write makes the temporary file. Its name is returned as soon as there is one.
func (f *File) write(content []byte) (string, error) {
	temp, err := privatefile.CreateTemp(f.path)
	if err != nil {
		return "", fmt.Errorf("no new file can be made beside %s: %w", f.path, cause(err))
	}
	f.at(created)
	if err = keepOwner(temp, f.info); err == nil {
		err = temp.Chmod(f.info.Mode().Perm())
	}
	if err == nil {
		_, err = temp.Write(content)
	}
	f.at(written)
	if err == nil {
		err = temp.Sync()
	}
	if closing := temp.Close(); err == nil {
		err = closing
	}
	f.at(synced)
	if err != nil {
		err = fmt.Errorf("the new file beside %s: %w", f.path, cause(err))
	}
	return temp.Name(), err
}

// unchanged looks whether the file is still the one that was opened.
func (f *File) unchanged() error {
	info, content, err := read(f.path)
	if err != nil || !os.SameFile(info, f.info) || !bytes.Equal(content, f.content) {
		return fmt.Errorf("%s: %w", f.path, ErrChanged)
	}
	return nil
}

func (f *File) at(p point) {
	if f.reach != nil {
		f.reach(p)
	}
}

// cause leaves out the path, which the message has already.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
