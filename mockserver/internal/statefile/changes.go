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
	"path/filepath"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/internal/privatefile"
)

// The file of changes stands beside the document and holds what was saved since the
// document was written, one change a line, oldest first. Its first line names the
// document that the changes belong to, by SHA-256. Each further line begins with a
// checksum of everything from the first line to its own end, so that no line can be
// cut out of the middle unnoticed:
//
//	keyfit-mock-changes 2 SHA256
//	CRC32 {…}
//	CRC32 next SHA256 OFFSET
//
// The last kind of line is written before the document is replaced: the next document
// has that sum, and what stands before OFFSET is in it. So the two files belong
// together at every moment, whenever the process is killed.
const changesHead = "keyfit-mock-changes 2 "

// errDamaged says that a file of changes is not as it was written. A torn last line,
// without its end or with zeros where a block was not written, is no damage: nobody was
// told that it is saved. The first line is never torn: it is there before the file has
// its name.
var errDamaged = errors.New("it is damaged")

type sum [sha256.Size]byte

func (s sum) String() string { return hex.EncodeToString(s[:]) }

// changes is the open file of changes of one document.
type changes struct {
	f     *os.File
	size  int64 // of what was written whole
	chain chain // of the same
}

// chain is the checksum of a file of changes up to some line.
type chain uint32

// over returns the checksum of the same and of text behind it.
func (ch chain) over(text []byte) chain {
	return chain(crc32.Update(uint32(ch), crc32.MakeTable(crc32.Castagnoli), text))
}

// changesHeader returns the first line.
func changesHeader(doc sum) []byte { return []byte(changesHead + doc.String() + "\n") }

// line returns a line with its checksum, and the checksum for the next one.
func (ch chain) line(text []byte) ([]byte, chain) {
	ch = ch.over(text)
	line := make([]byte, 0, len(text)+sumLength+1)
	line = fmt.Appendf(line, "%08x ", uint32(ch))
	return append(append(line, text...), '\n'), ch
}

// createChanges makes the file for a document, with the lines that another file has
// for it, and puts it in the place of what is there.
func createChanges(path string, doc sum, lines []byte) (*changes, error) {
	data := changesHeader(doc)
	at := chain(0).over(data)
	for len(lines) > 0 {
		old, rest, _ := bytes.Cut(lines, []byte("\n"))
		var line []byte
		line, at = at.line(old[sumLength:])
		data, lines = append(data, line...), rest
	}
	temp, err := write(path, data)
	if err != nil {
		return nil, err
	}
	if err = temp.Close(); err == nil { // a system may not rename an open file
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		discard(temp)
		return nil, explain(err)
	}
	privatefile.SyncDir(filepath.Dir(path))
	return openChanges(path, int64(len(data)), at)
}

// openChanges opens the file, of which size bytes were written whole.
func openChanges(path string, size int64, at chain) (*changes, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // beside the user's own path
	if err != nil {
		return nil, explain(err)
	}
	if err := f.Truncate(size); err != nil { // what is torn
		_ = f.Close()
		return nil, explain(err)
	}
	return &changes{f, size, at}, nil
}

// append saves a change. If that fails the file is as before; a torn line that cannot
// be taken back either is the last one, which readChanges leaves out.
func (c *changes) append(text []byte) error {
	line, next := c.chain.line(text)
	_, err := c.f.WriteAt(line, c.size)
	if err == nil {
		err = c.f.Sync()
	}
	if err != nil {
		_ = c.f.Truncate(c.size) // else the next line overwrites it
		return explain(err)
	}
	c.size, c.chain = c.size+int64(len(line)), next
	return nil
}

// next announces the document that replaces the present one and has everything that
// stands before offset.
func (c *changes) next(doc sum, offset int64) error {
	return c.append([]byte("next " + doc.String() + " " + strconv.FormatInt(offset, 10)))
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
	chain chain    // of the same
	ours  bool     // false: it belongs to another document
}

// readChanges reads a file of changes. doc is the document that stands beside it.
func readChanges(data []byte, doc sum) (saved, error) {
	head, rest, whole := bytes.Cut(data, []byte("\n"))
	of, is := strings.CutPrefix(string(head), changesHead)
	if !whole || !is {
		return saved{}, fmt.Errorf("%w: it does not begin with %q", errDamaged, strings.TrimSpace(changesHead))
	}
	out := saved{lines: [][]byte{}, size: int64(len(head) + 1), ours: of == doc.String()}
	out.chain = out.chain.over(data[:out.size])
	var at []int64 // where each line begins
	from := int64(0)
	for number := 2; len(rest) > 0; number++ {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		text, next, good := out.chain.read(line)
		if !whole || !good {
			if whole && (len(after) > 0 || !bytes.Contains(line, []byte{0})) {
				return saved{}, fmt.Errorf("%w in line %d", errDamaged, number)
			}
			break
		}
		if later, offset, is := seal(text); !is {
			out.lines, at = append(out.lines, text), append(at, out.size)
		} else if later == doc.String() && later != of {
			out.ours, from = true, offset
		}
		out.size, out.chain, rest = out.size+int64(len(line))+1, next, after
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

// sumLength is the length of a line's checksum and the space behind it.
const sumLength = 9

// read returns what stands behind a line's checksum, and the checksum for the next one;
// false if it is another.
func (ch chain) read(line []byte) ([]byte, chain, bool) {
	if len(line) <= sumLength {
		return nil, ch, false
	}
	want, next := ch.line(line[sumLength:])
	return line[sumLength:], next, bytes.Equal(want[:sumLength], line[:sumLength])
}
