package statefile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/statefile"
)

// document is a text that can be changed, with a debounce timer that the test
// fires.
type document struct {
	mu      sync.Mutex
	text    string
	loaded  string
	refuse  error
	pending []func()
	errs    []error
}

func (d *document) set(text string) {
	d.mu.Lock()
	d.text = text
	d.mu.Unlock()
}

// fire lets the debounce time pass.
func (d *document) fire() int {
	d.mu.Lock()
	due := d.pending
	d.pending = nil
	d.mu.Unlock()
	for _, f := range due {
		f()
	}
	return len(due)
}

func (d *document) file(path string) *statefile.File {
	return statefile.New(statefile.Config{
		Path: path,
		Snapshot: func(bool) ([]byte, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return []byte(d.text), d.refuse
		},
		Load: func(data []byte, _ [][]byte) error {
			d.loaded = string(data)
			return d.refuse
		},
		After: func(wait time.Duration, f func()) func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			if wait != statefile.Debounce && wait != statefile.Again {
				panic(wait)
			}
			d.pending = append(d.pending, f)
			return func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.pending = nil
				return true
			}
		},
		OnError: func(err error) { d.errs = append(d.errs, err) },
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestChangesReachTheDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	d := &document{text: "one"}
	f := d.file(path)
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "one" || d.loaded != "" {
		t.Errorf("opened: %q, loaded %q", got, d.loaded)
	}
	d.set("two")
	f.Later()
	f.Later()
	if got := read(t, path); got != "one" {
		t.Errorf("before the debounce time: %q", got)
	}
	if n := d.fire(); n != 1 || read(t, path) != "two" {
		t.Errorf("after the debounce time: %q, %d timers", read(t, path), n)
	}
	d.set("three")
	if err := f.Flush(); err != nil || read(t, path) != "three" {
		t.Errorf("flushed: %q, %v", read(t, path), err)
	}
	d.set("four")
	f.Later()
	if err := f.Close(); err != nil || read(t, path) != "four" {
		t.Errorf("closed: %q, %v", read(t, path), err)
	}
	d.set("five")
	f.Later()
	if n := d.fire(); n != 0 || f.Flush() != nil || f.Close() != nil || read(t, path) != "four" {
		t.Errorf("after Close: %q, %d timers", read(t, path), n)
	}
	if d := cmp.Diff(statefile.Health{Saves: 4}, f.Health()); d != "" {
		t.Errorf("health (-want +got):\n%s", d)
	}
	again := &document{text: "six"}
	if err := again.file(path).Open(); err != nil || again.loaded != "four" {
		t.Errorf("loaded %q, %v", again.loaded, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

func TestWhoWaitsAtTheSameMomentSharesOneWrite(t *testing.T) {
	t.Parallel()
	d := &document{text: "x"}
	f := d.file(filepath.Join(t.TempDir(), "state.json"))
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	const callers = 100
	d.mu.Lock() // no snapshot can be taken
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if err := f.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	d.mu.Unlock()
	wg.Wait()
	if n := f.Health().Saves; n < 2 || n > callers/2 {
		t.Errorf("%d writes for %d callers", n, callers)
	}
}

func TestARefusedDocumentIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("it is broken")
	d := &document{text: "other", refuse: broken}
	f := d.file(path)
	if err := f.Open(); !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	f.Later()
	if d.fire() != 0 || f.Flush() != nil || f.Close() != nil || read(t, path) != "precious" {
		t.Errorf("the file holds %q", read(t, path))
	}
	d.refuse = nil // the lock is free again
	if err := f.Open(); err != nil || read(t, path) != "other" {
		t.Errorf("the file holds %q: %v", read(t, path), err)
	}
}

func TestASaveThatFailsIsToldToWhoWaits(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := &document{text: "x"}
	f := d.file(filepath.Join(dir, "state.json"))
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	full := errors.New("full")
	d.refuse = full
	if err := f.Flush(); !errors.Is(err, statefile.ErrNotSaved) || !errors.Is(err, full) {
		t.Errorf("flush: %v", err)
	}
	f.Later()
	d.fire()
	if len(d.errs) != 1 || !errors.Is(d.errs[0], full) {
		t.Errorf("reported: %v", d.errs)
	}
	if h := f.Health(); h.Failed != 2 || h.Saves != 3 || !errors.Is(h.Err, full) {
		t.Errorf("health: %+v", h)
	}
	d.refuse = nil
	if err := f.Flush(); err != nil || f.Health().Err != nil {
		t.Errorf("recovered: %v, %+v", err, f.Health())
	}
}

// What a killed process leaves, beside the file that it was about to replace, is gone after the
// next start.
func TestOpenRemovesTemporaryFilesOfTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"state.json.keyfit-17.json", "state.jsonx", "other.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := (&document{text: "{}"}).file(filepath.Join(dir, "state.json"))
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".lock" { // not every system has it
			names = append(names, e.Name())
		}
	}
	if d := cmp.Diff([]string{"other.json", "state.json", "state.jsonx"}, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestANilFileKeepsNothing(t *testing.T) {
	t.Parallel()
	var f *statefile.File
	f.Later()
	f.FlushOrReport()
	if f.Open() != nil || f.Flush() != nil || f.Close() != nil || f.Health() != (statefile.Health{}) {
		t.Error("a nil File fails")
	}
}

// FuzzDocument: what was saved is what is loaded, byte by byte.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("{}"))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0, 255}, 5000))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "state.json")
		one := &document{text: string(data)}
		file := one.file(path)
		if err := errors.Join(file.Open(), file.Close()); err != nil {
			t.Fatal(err)
		}
		other := &document{text: "x"}
		again := other.file(path)
		if err := errors.Join(again.Open(), again.Close()); err != nil || other.loaded != string(data) {
			t.Fatalf("loaded %q: %v", other.loaded, err)
		}
	})
}
