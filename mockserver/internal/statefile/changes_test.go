package statefile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/statefile"
)

// list is a document that only grows: a line for each of its items.
type list struct {
	mu      sync.Mutex
	items   []string
	unsaved []string
}

// marked begins a document that has changes beside it.
const marked = "with changes\n"

var errMissing = errors.New("the changes are missing")

// padding makes a document that is not replaced at each save.
var padding = strings.Repeat("lorem fitsum\n", 6000)

func (l *list) add(item string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items, l.unsaved = append(l.items, item), append(l.unsaved, item)
}

func (l *list) file(path string) *statefile.File {
	return statefile.New(statefile.Config{
		Path: path,
		Snapshot: func(changes bool) ([]byte, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			mark := ""
			if changes {
				mark = marked
			}
			return []byte(mark + padding + strings.Join(l.items, "\n")), nil
		},
		Changes: func() (statefile.Changes, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			took := l.unsaved
			l.unsaved = nil
			c := statefile.Changes{Undo: func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.unsaved = append(took, l.unsaved...)
			}}
			if len(took) > 0 {
				c.Line = []byte(strings.Join(took, " "))
			}
			return c, nil
		},
		Load: func(document []byte, changes [][]byte) error {
			l.items = nil
			document, is := bytes.CutPrefix(document, []byte(marked))
			if is && changes == nil {
				return errMissing
			}
			if text := strings.TrimPrefix(string(document), padding); text != "" {
				l.items = strings.Split(text, "\n")
			}
			for _, line := range changes {
				for item := range strings.SplitSeq(string(line), " ") {
					if len(l.items) == 0 || l.items[len(l.items)-1] < item { // a change may come twice
						l.items = append(l.items, item)
					}
				}
			}
			return nil
		},
		After: func(time.Duration, func()) func() bool { return func() bool { return true } },
	})
}

// openList opens a list and adds items, each of them saved.
func openList(t *testing.T, path string, items ...string) (*list, *statefile.File) {
	t.Helper()
	l := &list{}
	f := l.file(path)
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		l.add(item)
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	return l, f
}

// restarted returns what a process finds that starts with these two files; nil for one
// that does not start.
func restarted(t *testing.T, document, changes []byte) ([]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	for name, data := range map[string][]byte{path: document, path + ".changes": changes} {
		if data == nil {
			continue
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := &list{}
	f := l.file(path)
	if err := f.Open(); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return l.items, nil
}

func TestASaveWritesWhatChangedAndNotTheDocument(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	l, f := openList(t, path)
	whole := read(t, path)
	if err := f.Flush(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + ".changes"); err == nil {
		t.Error("nothing changed, and it was saved")
	}
	l.add("a")
	if err := f.Flush(); err != nil || read(t, path) != marked+whole+"a" {
		t.Errorf("the document does not say that changes will belong to it: %v", err)
	}
	before := read(t, path)
	l.add("b")
	if err := f.Flush(); err != nil || read(t, path) != before {
		t.Errorf("the document was replaced: %v", err)
	}
	if got := read(t, path+".changes"); strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, " b\n") {
		t.Errorf("saved as %q", got)
	}
	if err := f.Close(); err != nil || read(t, path) != whole+"a\nb" {
		t.Errorf("closed, and the document has not everything: %v", err)
	}
}

// Whenever the process is killed, the next one has what was saved and nothing torn.
func TestChangesSurviveAKillAtAnyByte(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	_, f := openList(t, path, "a", "b", "c", "d")
	document, changes := []byte(read(t, path)), []byte(read(t, path+".changes"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for cut := 0; cut <= len(changes); cut++ {
		if cut > 0 && changes[cut-1] == '\n' {
			lines++
		}
		if lines == 0 { // the first line is written before the file has its name
			continue
		}
		want := []string{"a", "b", "c", "d"}[:lines]
		got, err := restarted(t, document, changes[:cut])
		if err != nil || cmp.Diff(want, append([]string{}, got...)) != "" {
			t.Errorf("cut at %d of %d: %q, %v, want %q", cut, len(changes), got, err, want)
		}
	}
}

// A line that is not as it was written is not believed, and what follows it is not lost
// in silence.
func TestDamagedChangesAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	_, f := openList(t, path, "0000", "aaaa", "bbbb", "cccc")
	document, changes := []byte(read(t, path)), []byte(read(t, path+".changes"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(changes, '\n') + 1
	last := bytes.LastIndexByte(changes[:len(changes)-1], '\n') + 1
	for at := first; at < len(changes); at += 4 {
		broken := bytes.Clone(changes)
		broken[at] ^= 1
		if got, err := restarted(t, document, broken); err == nil || !strings.Contains(err.Error(), "damaged in line") {
			t.Errorf("byte %d: %q, %v", at, got, err)
		}
	}
	for name, torn := range map[string][]byte{
		"the last line without its end": changes[:len(changes)-3],
		"a block of it was not written": slices.Concat(changes[:last], make([]byte, 9), changes[last+9:]),
	} {
		if got, err := restarted(t, document, torn); err != nil || cmp.Diff([]string{"0000", "aaaa", "bbbb"}, got) != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	lines := bytes.SplitAfter(changes, []byte("\n"))
	for name, other := range map[string][]byte{
		"another": []byte("something else\n"), "zeros": make([]byte, 500), "emptied": {}, "torn before the first line": changes[:20],
		"missing": nil, "without its first line": changes[first:],
		"a line cut out":     bytes.Join([][]byte{lines[0], lines[2], lines[3]}, nil),
		"two lines cut out":  bytes.Join([][]byte{lines[0], lines[3], lines[3]}, nil),
		"all but the last":   bytes.Join([][]byte{lines[0], lines[3]}, nil),
		"a line twice":       bytes.Join([][]byte{lines[0], lines[1], lines[1], lines[2]}, nil),
		"lines changed over": bytes.Join([][]byte{lines[0], lines[2], lines[1], lines[3]}, nil),
	} {
		if got, err := restarted(t, document, other); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Killed between the changes of a document and the document itself, nothing is missing.
func TestChangesOfADocumentThatNeverCameAreForgotten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	_, f := openList(t, path, "a")
	changes := []byte(read(t, path+".changes"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := restarted(t, []byte(padding), changes); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

// A save replaces the file under one name: a mock that uses it under another would go on
// with the old one.
func TestAFileWithTwoNamesIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	_, f := openList(t, path, "a")
	if err := os.Link(path, path+"2"); err != nil {
		t.Skip(err)
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("the system does not say how many names a file has")
	}
	if err := (&list{}).file(path + "2").Open(); err == nil || !strings.Contains(err.Error(), "2 names") {
		t.Errorf("%v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := (&document{}).file(path).Open(); err != nil { // one name is left
		t.Error(err)
	}
}

// Somebody who puts a document in the place of ours means that one.
func TestChangesOfAnotherDocumentAreSetAside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	_, f := openList(t, path, "a", "b")
	changes := read(t, path+".changes")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".changes", []byte(changes), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string][]byte{"another": []byte(padding + "x"), "none": nil} {
		_ = os.Remove(path)
		if document != nil {
			if err := os.WriteFile(path, document, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path+".changes", []byte(changes), 0o600); err != nil {
			t.Fatal(err)
		}
		l, f := openList(t, path)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.items, ""); got != strings.TrimPrefix(string(document), padding) {
			t.Errorf("%s: %q", name, got)
		}
		if read(t, path+".changes.other") != changes {
			t.Errorf("%s: the changes are lost", name)
		}
	}
}

// While the changes are put into the document, saves go on; whenever the process is
// killed meanwhile, nothing that was saved is lost.
func TestCompactingLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	l, f := openList(t, path)
	var want []string
	for i := range 25 {
		item := fmt.Sprintf("%06d-%s", i, strings.Repeat("x", 100_000)) // 2.5 MB: at least two compactions
		want = append(want, item)
		l.add(item)
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		if i%3 != 0 {
			continue
		}
		// What a killed process leaves: changes first, so that the document is the later one.
		changes, err := os.ReadFile(path + ".changes")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		got, err := restarted(t, []byte(read(t, path)), changes)
		if again, _ := os.ReadFile(path + ".changes"); !bytes.Equal(again, changes) {
			continue // it was replaced between the two reads
		}
		if err != nil || cmp.Diff(want, got) != "" {
			t.Fatalf("after %d: %d items, %v", i+1, len(got), err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := restarted(t, []byte(read(t, path)), nil); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("closed: %d items, %v", len(got), err)
	}
	if info, err := os.Stat(path + ".changes"); err == nil {
		t.Errorf("closed, and %d bytes of changes are left", info.Size())
	}
}

func TestAChangeThatCannotBeSavedIsSavedLater(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	l, f := openList(t, path)
	if err := os.Mkdir(path+".changes", 0o700); err != nil { // nothing can be appended
		t.Fatal(err)
	}
	l.add("a")
	if err := f.Flush(); !errors.Is(err, statefile.ErrNotSaved) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(path + ".changes"); err != nil {
		t.Fatal(err)
	}
	l.add("b")
	if err := f.Flush(); err != nil {
		t.Error(err)
	}
	if got, err := restarted(t, []byte(read(t, path)), []byte(read(t, path+".changes"))); err != nil || cmp.Diff([]string{"a", "b"}, got) != "" {
		t.Errorf("%q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// A file that has several names is one file.
func TestLinksToTheFileAreFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link, chain := filepath.Join(dir, "real"), filepath.Join(dir, "link"), filepath.Join(dir, "chain")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o700), os.Symlink("real", link), os.Symlink("link", chain)); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{file, link, chain, filepath.Join(dir, "d", "..", "link")} { // first it does not exist
		one := &document{text: path}
		f := one.file(path)
		if err := f.Open(); err != nil {
			t.Fatal(err)
		}
		if path != file && (&document{}).file(file).Open() == nil {
			t.Errorf("%s is locked by name", path)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: the link is no longer one", path)
		}
		if got := read(t, file); got != path {
			t.Errorf("%s: the file has %q", path, got)
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := (&document{}).file(loop).Open(); err == nil {
		t.Error("a link to itself is taken")
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{dir: "directory", "/dev/zero": "device", "/dev/null": "device"} {
		if _, err := os.Stat(path); err != nil {
			continue // not on this system
		}
		if err := (&document{}).file(path).Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat("/dev/zero.lock"); err == nil {
		t.Error("a lock file stands beside a device")
	}
}

// What earlier versions left when they were killed.
func TestOpenSweepsTheTemporaryFilesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{".s.json.123", ".s.json.keyfit-9.json", "s.json.keyfit-17.json", ".s.json.bak", ".s.json.", ".t.json.4"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := (&document{text: "{}"}).file(filepath.Join(dir, "s.json"))
	if err := errors.Join(f.Open(), f.Close()); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".lock" {
			names = append(names, e.Name())
		}
	}
	if d := cmp.Diff([]string{".s.json.", ".s.json.bak", ".t.json.4", "s.json"}, names); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

// FuzzChanges: whatever stands in the file of changes, the start neither panics nor
// takes what has no checksum.
func FuzzChanges(f *testing.F) {
	f.Add([]byte("keyfit-mock-changes 2 0\nffffffff x\n"))
	f.Add([]byte("keyfit-mock-changes 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"))
	f.Add([]byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, changes []byte) {
		if got, err := restarted(t, []byte(padding), changes); err == nil && len(got) > 0 {
			t.Errorf("%q", got)
		}
	})
}
