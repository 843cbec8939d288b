package statefile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The file of changes stands beside the document and holds what was saved since the
// document was written, one change a line, oldest first. Its first line names the
// document that the changes belong to, by SHA-256. Each further line begins with a
// checksum of itself:
//
//	keyfit-mock-changes 1 SHA256
//	CRC32 {…}
//	CRC32 next SHA256 OFFSET
//
// The last kind of line is written before the document is replaced: the next document
// has that sum, and what stands before OFFSET is in it. So the two files belong
// together at every moment, whenever the process is killed.
const changesHead = "keyfit-mock-changes 1 "

// errDamaged says that a line in the middle of a file of changes is not as it was
// written. A torn last line is no damage: nobody was told that it is saved.
var errDamaged = errors.New("it is damaged")

type sum [sha256.Size]byte

func (s sum) String() string { return hex.EncodeToString(s[:]) }

// changes is the open file of changes of one document.
type changes struct {
	f    *os.File
	size int64 // of what was written whole
}

// changesHeader returns the first line.
func changesHeader(doc sum) []byte { return []byte(changesHead + doc.String() + "\n") }

// changesLine returns a line with its checksum.
func changesLine(text []byte) []byte {
	line := make([]byte, 0, len(text)+10)
	line = fmt.Appendf(line, "%08x ", crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
	return append(append(line, text...), '\n')
}

// createChanges makes the file for a document, replacing what is there.
func createChanges(path string, doc sum) (*changes, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600) //nolint:gosec // beside the user's own path
	if err != nil {
		return nil, explain(err)
	}
	c := &changes{f: f}
	if err := c.write(changesHeader(doc)); err != nil {
		_ = f.Close()
		return nil, err
	}
	return c, nil
}

// reopenChanges opens the file of a process that was killed, so that the document which
// replaces the present one can be announced in it. It returns nil if it cannot.
func reopenChanges(path string, size int64) *changes {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // beside the user's own path
	if err != nil {
		return nil
	}
	if size == 0 || f.Truncate(size) != nil {
		_ = f.Close()
		return nil
	}
	return &changes{f: f, size: size}
}

// append saves a change. If that fails the file is as before; a torn line that cannot
// be taken back either is the last one, which readChanges leaves out.
func (c *changes) append(text []byte) error { return c.write(changesLine(text)) }

// next announces the document that replaces the present one and has everything that
// stands before offset.
func (c *changes) next(doc sum, offset int64) error {
	return c.append([]byte("next " + doc.String() + " " + strconv.FormatInt(offset, 10)))
}

func (c *changes) write(line []byte) error {
	_, err := c.f.WriteAt(line, c.size)
	if err == nil {
		err = c.f.Sync()
	}
	if err != nil {
		_ = c.f.Truncate(c.size) // else the next line overwrites it
		return explain(err)
	}
	c.size += int64(len(line))
	return nil
}

// tail returns what was written from offset on.
func (c *changes) tail(offset int64) ([]byte, error) {
	out := make([]byte, c.size-offset)
	if _, err := c.f.ReadAt(out, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(err)
	}
	return out, nil
}

// saved is what a file of changes has.
type saved struct {
	lines [][]byte // that are not in the document, oldest first
	size  int64    // of the lines that were written whole, the first one too
	ours  bool     // false: it belongs to another document
}

// readChanges reads a file of changes. doc is the document that stands beside it.
func readChanges(data []byte, doc sum) (saved, error) {
	head, rest, found := bytes.Cut(data, []byte("\n"))
	if !found && len(data) > len(changesHeader(doc)) {
		return saved{}, fmt.Errorf("%w: it does not begin with %q", errDamaged, strings.TrimSpace(changesHead))
	}
	if !found {
		return saved{ours: true}, nil // torn before anything was saved
	}
	of, is := strings.CutPrefix(string(head), changesHead)
	if !is {
		return saved{}, fmt.Errorf("%w: it does not begin with %q", errDamaged, strings.TrimSpace(changesHead))
	}
	out := saved{size: int64(len(head) + 1), ours: of == doc.String()}
	var at []int64 // where each line begins
	from := int64(0)
	for number := 2; len(rest) > 0; number++ {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		text, good := checkedLine(line)
		if !whole || !good {
			if whole && len(after) > 0 {
				return saved{}, fmt.Errorf("%w in line %d", errDamaged, number)
			}
			break
		}
		if next, offset, is := seal(text); !is {
			out.lines, at = append(out.lines, text), append(at, out.size)
		} else if next == doc.String() && next != of {
			out.ours, from = true, offset
		}
		out.size, rest = out.size+int64(len(line))+1, after
	}
	for len(at) > 0 && at[0] < from {
		out.lines, at = out.lines[1:], at[1:]
	}
	return out, nil
}

// seal reads a line that announces the next document.
func seal(text []byte) (next string, offset int64, is bool) {
	next, is = strings.CutPrefix(string(text[:min(len(text), 100)]), "next ")
	next, number, _ := strings.Cut(next, " ")
	offset, err := strconv.ParseInt(number, 10, 64)
	return next, offset, is && err == nil
}

// checkedLine returns what stands behind a line's checksum; false if it is another.
func checkedLine(line []byte) ([]byte, bool) {
	if len(line) < 10 {
		return nil, false
	}
	text := line[9:]
	return text, bytes.Equal(changesLine(text), append(slices.Clip(line), '\n'))
}
