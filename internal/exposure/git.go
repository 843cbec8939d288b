package exposure

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyfit/keyfit/internal/smallfile"
)

// trackedIn returns the root of the working tree whose git tracks a file. path is absolute and
// without symbolic links. A repository within another one may have come later: both are asked.
func trackedIn(path string) (tree string, tracked bool) {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if repo, ok := repositoryOf(dir); ok {
			if name, err := filepath.Rel(repo.tree, path); err == nil && repo.tracks(filepath.ToSlash(name)) {
				return repo.tree, true
			}
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// repository is where git keeps its files: for a linked working tree or a submodule the index
// is elsewhere than the configuration.
type repository struct {
	dir        string // with the index
	tree       string // the root of the working tree
	hash       int    // the length of an object's name, in bytes
	ignoreCase bool   // names that differ in the case of letters alone are one file
}

const maxGitFile = 64 << 10 // of its small files

// repositoryOf returns the repository of dir, whose working tree begins there unless its
// configuration names another place.
func repositoryOf(dir string) (repository, bool) {
	git := filepath.Join(dir, ".git")
	info, err := os.Stat(git)
	if err != nil {
		return repository{}, false
	}
	if !info.IsDir() { // gitrepository-layout(5): a file with gitdir: PATH
		to, found := strings.CutPrefix(firstLine(git), "gitdir: ")
		if !found {
			return repository{}, false
		}
		if git = to; !filepath.IsAbs(git) {
			git = filepath.Join(dir, git)
		}
	}
	common := git
	if to := firstLine(filepath.Join(git, "commondir")); to != "" {
		if common = to; !filepath.IsAbs(common) {
			common = filepath.Join(git, common)
		}
	}
	c := configOf(git, common)
	repo := repository{dir: git, tree: dir, hash: 20, ignoreCase: c.ignoreCase}
	if c.sha256 {
		repo.hash = 32
	}
	if c.worktree != "" {
		if repo.tree = c.worktree; !filepath.IsAbs(repo.tree) {
			repo.tree = filepath.Join(git, repo.tree)
		}
		if repo.tree, err = filepath.EvalSymlinks(repo.tree); err != nil {
			return repository{}, false
		}
	}
	return repo, true
}

// firstLine returns the first line of a small file; "" if it cannot be read.
func firstLine(path string) string {
	content, err := smallfile.Read(path, maxGitFile)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimRight(line, "\r")
}

// tracks reports whether the index has a file. name is relative to the working tree.
func (repo repository) tracks(name string) bool {
	found, shared, _ := repo.search("index", name)
	if !found && shared != "" { // a split index: most entries are in the other file
		found, _, _ = repo.search("sharedindex."+shared, name)
	}
	return found
}

// search looks for a name in one file of the index. shared names the other file of a split
// index, if the search reached the end of the entries.
func (repo repository) search(file, name string) (found bool, shared string, err error) {
	f, err := os.Open(filepath.Join(repo.dir, file)) //nolint:gosec // the repository around the key file
	if err != nil {
		return false, "", err
	}
	defer func() { _ = f.Close() }() // only read
	in := &index{in: bufio.NewReaderSize(f, 32<<10), hash: repo.hash}
	entries, err := in.header()
	if err != nil {
		return false, "", err
	}
	for range entries {
		entry, err := in.next()
		if err != nil || repo.same(entry, []byte(name)) {
			return err == nil, "", err
		}
	}
	return false, in.link(), nil
}

func (repo repository) same(entry, name []byte) bool {
	return bytes.Equal(entry, name) || repo.ignoreCase && bytes.EqualFold(entry, name)
}

// index reads the file that lists what git tracks: gitformat-index(5).
type index struct {
	in      *bufio.Reader
	hash    int
	version uint32
	name    []byte // of the last entry
}

const maxName = 1 << 16 // far above any path

var errIndex = errors.New("not an index of git")

func (in *index) header() (entries uint32, err error) {
	var head [12]byte
	if _, err := io.ReadFull(in.in, head[:]); err != nil {
		return 0, err
	}
	in.version = binary.BigEndian.Uint32(head[4:])
	if string(head[:4]) != "DIRC" || in.version < 2 || in.version > 4 {
		return 0, errIndex
	}
	return binary.BigEndian.Uint32(head[8:]), nil
}

// next returns the name of the next entry, which is valid until the next call.
func (in *index) next() ([]byte, error) {
	var fixed [40 + 32 + 2]byte // the file's data, the object, the flags
	size := 40 + in.hash + 2
	if _, err := io.ReadFull(in.in, fixed[:size]); err != nil {
		return nil, err
	}
	if flags := binary.BigEndian.Uint16(fixed[size-2:]); flags&0x4000 != 0 && in.version >= 3 { // extended flags
		if _, err := in.in.Discard(2); err != nil {
			return nil, err
		}
		size += 2
	}
	keep := 0
	if in.version == 4 { // the last name without its final drop bytes, and a rest
		drop, err := in.varint()
		if err != nil || drop > len(in.name) {
			return nil, errIndex
		}
		keep = len(in.name) - drop
	}
	rest, err := in.in.ReadSlice(0)
	if err != nil || keep+len(rest) > maxName {
		return nil, errIndex
	}
	in.name = append(in.name[:keep], rest[:len(rest)-1]...)
	if in.version < 4 { // 1 to 8 NUL bytes fill the entry to a multiple of 8
		if _, err := in.in.Discard(7 - (size+len(in.name))%8); err != nil {
			return nil, err
		}
	}
	return in.name, nil
}

// varint reads the number of the offset encoding of git's pack files.
func (in *index) varint() (int, error) {
	n := 0
	for i := 0; ; i++ {
		b, err := in.in.ReadByte()
		if err != nil || i > 3 {
			return 0, errIndex
		}
		if i > 0 {
			n++
		}
		n = n<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			return n, nil
		}
	}
}

// link returns the name of the shared index, from the extension of a split index behind the
// entries; "" if it is none.
func (in *index) link() string {
	for {
		var head [8]byte
		if _, err := io.ReadFull(in.in, head[:]); err != nil {
			return ""
		}
		size := binary.BigEndian.Uint32(head[4:])
		if string(head[:4]) == "link" && int(size) >= in.hash {
			name := make([]byte, in.hash)
			if _, err := io.ReadFull(in.in, name); err != nil {
				return ""
			}
			return hex.EncodeToString(name)
		}
		if size > 1<<30 {
			return ""
		}
		if _, err := in.in.Discard(int(size)); err != nil {
			return ""
		}
	}
}
