// Package smallfile reads the small text files that hold a key or settings.
//
// What an operator names may be something else than was meant: a log of gigabytes, a named
// pipe, a file in UTF-16. [Read] takes no more memory than its limit, does not wait for a
// pipe that nobody writes to, and says what is wrong. Its errors name no path and quote no
// content, because both may be secret and the caller names the place in its own words.
//
// The functions keep no state and are safe for concurrent use. Each call opens the file anew
// by its path, so a swapped symbolic link or a renamed file is followed. How a file is
// opened differs between systems: open_unix.go and open_other.go.
package smallfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxPipeWait is how long the writer of a pipe in place of a file may take: the shell makes
// one of <(command).
const maxPipeWait = 5 * time.Second

// Read returns the content of a file of at most limit bytes.
//
// The error of the operating system is returned without its path, so [errors.Is] finds
// [fs.ErrNotExist] and the like. A larger file and one in UTF-16 are errors too.
func Read(path string, limit int64) ([]byte, error) {
	f, err := open(filepath.Clean(path))
	if err != nil {
		return nil, withoutPath(err)
	}
	return readAll(f, limit)
}

// ErrOutside says that a file does not lie in the directory where it must.
var ErrOutside = errors.New("lies outside the directory")

// ReadWithin reads a file as [Read] does, if it lies in dir or below it: neither .. nor a
// symbolic link may lead out of it, at the moment the file is opened. Otherwise the error is
// [ErrOutside]. Both paths are absolute.
func ReadWithin(dir, path string, limit int64) ([]byte, error) {
	name, ok := within(dir, path)
	if !ok {
		return nil, ErrOutside
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = root.Close() }()
	f, err := openIn(root, name)
	if escapes(err) { // a link by an absolute path escapes for os.Root, wherever it leads
		if name, ok = resolve(dir, path); !ok {
			return nil, ErrOutside
		}
		f, err = openIn(root, name)
	}
	if escapes(err) {
		return nil, ErrOutside
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	return readAll(f, limit)
}

// escapes reports whether a path leads out of its [os.Root]: os has no name for this error.
func escapes(err error) bool {
	return err != nil && strings.Contains(withoutPath(err).Error(), "escapes")
}

// resolve returns the path relative to dir without links in either, if that is below dir. What
// does not exist is a name in a directory that does.
func resolve(dir, path string) (name string, ok bool) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return resolveParent(dir, path)
	}
	return below(dir, resolved)
}

// within returns the path relative to dir, if it is below dir as both are spelt, or as they
// are once the links of the directories are followed.
func within(dir, path string) (name string, ok bool) {
	if name, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(name) {
		return name, true
	}
	return resolveParent(dir, path)
}

func resolveParent(dir, path string) (name string, ok bool) {
	parent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", false
	}
	return below(dir, filepath.Join(parent, filepath.Base(path)))
}

// below returns a path whose directories have no links relative to dir, if it is below that.
func below(dir, path string) (name string, ok bool) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", false
	}
	name, err = filepath.Rel(dir, path)
	return name, err == nil && filepath.IsLocal(name)
}

// readAll reads an open file and closes it.
func readAll(f *os.File, limit int64) ([]byte, error) {
	defer func() { _ = f.Close() }()
	_ = f.SetReadDeadline(time.Now().Add(maxPipeWait)) // an error means that it is no pipe
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("is a pipe whose writer is not done after %v: %w", maxPipeWait, os.ErrDeadlineExceeded)
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("larger than %d bytes, so it is not what was meant", limit)
	}
	if len(content) >= 2 && (content[0] == 0xff && content[1] == 0xfe || content[0] == 0xfe && content[1] == 0xff) {
		return nil, errors.New("is saved as UTF-16: save it as UTF-8")
	}
	return content, nil
}

func withoutPath(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
