// Package statefile keeps a document in one file: read at the start, locked
// while it is in use, replaced as a whole. Beyond a size that happens now and then, and
// what changes meanwhile is appended to a second file beside it: so a save costs what the
// change costs, however large the document is.
//
// A change is saved in one of two ways. Later saves it within Debounce, for
// changes that nobody waits for. Flush returns once it is on the disk; callers
// that wait at the same moment share one write.
package statefile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/keyfit/keyfit/internal/privatefile"
)

const (
	// Debounce is how long a change that nobody waits for may stay unsaved.
	Debounce = 200 * time.Millisecond
	// Again is when a save that failed is tried again.
	Again = 5 * time.Second
	// smallDocument is the size up to which a document is replaced at each save. A
	// larger one would make the cost of a change depend on what has not changed.
	smallDocument = 64 << 10
	// minCompact is the size of the file of changes from which on it is put into the
	// document, if it is larger than the document too. So the work for that is in
	// proportion to the changes.
	minCompact = 1 << 20
)

// ErrNotSaved says that a document could not be written.
var ErrNotSaved = errors.New("the state was not saved")

// Config is what a File works with. Every function is called from several
// goroutines, though never two calls of Changes at once.
type Config struct {
	Path string
	// Snapshot returns the document as it is now. With changes, the document says that a
	// file of changes belongs to it, so that Load can tell when that is missing.
	Snapshot func(changes bool) ([]byte, error)
	// Changes returns what has changed since it was last called. It may be nil: then
	// each save writes the document.
	Changes func() (Changes, error)
	// Load takes over the document found at the start, and the lines of Changes that
	// were saved since, oldest first; nil is that no file of changes belongs to it.
	Load func(document []byte, changes [][]byte) error
	// After runs f after a time and returns what stops it (time.AfterFunc).
	After func(d time.Duration, f func()) (stop func() bool)
	// OnError is told about saves that failed with nobody waiting; may be nil.
	OnError func(error)
}

// Changes is what one save has to write.
type Changes struct {
	Line  []byte // one line that brings the document up to date; nil if nothing changed
	Whole bool   // too much for a line: write the document
	Undo  func() // called if it could not be saved: the next call returns it again; may be nil
}

// File writes a document to one file. All methods are safe for concurrent use.
// A nil File keeps nothing: its methods succeed and do nothing.
type File struct {
	cfg  Config
	path string // what cfg.Path stands for; set by Open

	mu         sync.Mutex
	cond       *sync.Cond
	phase      phase
	wanted     uint64 // saves asked for
	done       uint64 // asked for before a save that has ended
	saving     bool
	compacting bool
	stop       func() bool // of the debounce timer; nil when none runs
	health     Health
	unlock     func() // of the lock file

	// Of whoever set saving.
	doc     sum      // of the document in the file
	docSize int64    //
	changes *changes // nil while nothing was appended
	giveUp  int64    // the size of the changes up to which compacting is not tried again
}

// phase is where a File stands in its life; it only moves forward.
type phase uint8

const (
	unread  phase = iota // not opened yet, or opening failed: nothing may be written
	open                 // was read: changes are saved
	closing              // Flush still saves, Later does not
	closed
)

// Health is how saving went so far.
type Health struct {
	Saves  int
	Failed int
	Err    error // of the last save
}

// New returns a File that is not open yet.
func New(cfg Config) *File {
	f := &File{cfg: cfg}
	f.cond = sync.NewCond(&f.mu)
	return f
}

// Open locks and loads the file. A missing one is an empty one. It is written
// at once, so that a place that cannot be written is known at the start. A file
// that Load refuses is left as it is.
func (f *File) Open() error {
	if f == nil {
		return nil
	}
	path, err := place(f.cfg.Path)
	if err == nil {
		err = regular(path)
	}
	if err == nil {
		err = oneName(path)
	}
	if err != nil {
		return fmt.Errorf("state file %s: %w", f.cfg.Path, explain(err))
	}
	f.path = path
	unlock, err := lock(f.path + ".lock")
	if err != nil {
		return fmt.Errorf("state file %s: %w", f.cfg.Path, err)
	}
	sweep(f.path) // the process that has the lock is the only one that writes
	if err = f.load(); err == nil {
		f.setPhase(open, unlock)
		if err = f.flush(f.saveDocument); err != nil {
			f.setPhase(unread, nil)
		}
	}
	if err != nil {
		f.dropChanges()
		unlock()
		return err
	}
	return nil
}

func (f *File) setPhase(p phase, unlock func()) {
	f.mu.Lock()
	f.phase, f.unlock = p, unlock
	f.mu.Unlock()
}

func (f *File) changesPath() string { return f.path + ".changes" }

// load reads the document and what was appended since. Changes that belong to another
// document, because somebody has put one in the place of ours, are set aside.
func (f *File) load() error {
	data, err := readFile(f.path)
	if err != nil {
		return fmt.Errorf("state file %s: %w", f.cfg.Path, explain(err))
	}
	appended, err := readFile(f.changesPath())
	if err != nil {
		return fmt.Errorf("state file %s: its changes, %s: %w", f.cfg.Path, f.changesPath(), explain(err))
	}
	var since saved
	if appended != nil {
		if since, err = readChanges(appended, sha256.Sum256(data)); err != nil {
			return fmt.Errorf("state file %s: its changes, %s: %w; bring it back, or move it away to start from the document alone", f.cfg.Path, f.changesPath(), err)
		}
	}
	others := len(since.lines) > 0 && !since.ours
	if !since.ours {
		since.lines = nil
	}
	if data != nil {
		if err := f.cfg.Load(data, since.lines); err != nil {
			return fmt.Errorf("state file %s is left as it is: %w; mend it, or move it away to start empty", f.cfg.Path, err)
		}
	}
	switch {
	case others:
		_ = os.Rename(f.changesPath(), f.changesPath()+".other") // else it is overwritten
	case since.ours:
		// So that the document which replaces the present one can be announced in it; one that
		// cannot be opened is replaced too.
		f.changes, _ = openChanges(f.changesPath(), since.size, since.chain)
	}
	return nil
}

// Later saves within Debounce. It is cheap: one lock, and nothing else while a
// save is due.
func (f *File) Later() {
	if f != nil {
		f.after(Debounce)
	}
}

func (f *File) after(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase != open || f.stop != nil {
		return
	}
	f.stop = f.cfg.After(d, func() {
		f.mu.Lock()
		f.stop = nil
		f.mu.Unlock()
		f.FlushOrReport()
	})
}

// Flush returns once everything that happened before the call is on the disk,
// with ErrNotSaved if that failed.
func (f *File) Flush() error {
	if f == nil {
		return nil
	}
	return f.flush(f.save)
}

func (f *File) flush(save func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase != open && f.phase != closing {
		return nil
	}
	f.wanted++
	for mine := f.wanted; f.done < mine; {
		if f.saving {
			f.cond.Wait()
			continue
		}
		upTo := f.wanted // who asked by now shares this save
		f.saving = true
		f.mu.Unlock()
		err := save()
		f.mu.Lock()
		if f.saving, f.done, f.health.Err = false, upTo, err; err == nil {
			f.compactIfDue()
		}
		f.health.Saves++
		if err != nil {
			f.health.Failed++
		}
		f.cond.Broadcast()
	}
	return f.health.Err
}

// FlushOrReport is Flush where nobody can be given an error. A save that fails is
// tried again.
func (f *File) FlushOrReport() {
	if err := f.Flush(); err != nil {
		if f.cfg.OnError != nil {
			f.cfg.OnError(err)
		}
		f.after(Again)
	}
}

// save appends what has changed, or writes the document: where there is much to say,
// where no file of changes belongs to it yet, or where the document is small, so that a
// small one is always up to date.
func (f *File) save() error {
	if f.cfg.Changes == nil {
		return f.saveDocument()
	}
	c, err := f.cfg.Changes()
	switch {
	case err != nil:
	case c.Whole, c.Line != nil && f.changes == nil:
		err = f.replace(f.docSize > smallDocument)
	case c.Line != nil:
		if err = f.changes.append(c.Line); err != nil {
			err = fmt.Errorf("%s: %w", f.changesPath(), err)
		}
	}
	return notSaved(err, c)
}

// saveDocument writes the document, with whatever has changed.
func (f *File) saveDocument() error {
	var c Changes
	var err error
	if f.cfg.Changes != nil {
		c, err = f.cfg.Changes()
	}
	if err == nil {
		err = f.replace(false)
	}
	return notSaved(err, c)
}

func notSaved(err error, c Changes) error {
	if err == nil {
		return nil
	}
	if c.Undo != nil {
		c.Undo()
	}
	return fmt.Errorf("%w: %w", ErrNotSaved, err)
}

// replace writes the document, which then has all changes. With changes, it begins a new
// file of them, otherwise it removes the old one.
func (f *File) replace(changes bool) error {
	data, err := f.cfg.Snapshot(changes)
	if err != nil {
		return err
	}
	temp, err := write(f.path, data)
	if err != nil {
		return fmt.Errorf("%s: %w", f.cfg.Path, err)
	}
	doc, old := sum(sha256.Sum256(data)), f.changes
	switch {
	case old != nil:
		err = old.next(doc, old.size)
	case changes: // before the document that says so
		f.changes, err = createChanges(f.changesPath(), doc, nil)
	}
	if err == nil {
		err = f.rename(temp, data)
	}
	if err != nil {
		discard(temp)
		if old == nil {
			f.dropChanges()
		}
		return fmt.Errorf("%s: %w", f.cfg.Path, err)
	}
	switch {
	case !changes:
		f.dropChanges()
		_ = os.Remove(f.changesPath()) // what is left of it belongs to another document
	case old != nil:
		if next, err := createChanges(f.changesPath(), doc, nil); err == nil { // else the old ones go on
			f.dropChanges()
			f.changes = next
		}
	}
	f.giveUp = 0
	privatefile.SyncDir(filepath.Dir(f.path))
	return nil
}

// dropChanges closes the file of changes. All of it was synced.
func (f *File) dropChanges() {
	if f.changes != nil {
		_ = f.changes.f.Close()
	}
	f.changes = nil
}

// rename puts the temporary file with a document in its place.
func (f *File) rename(temp *os.File, data []byte) error {
	if err := temp.Close(); err != nil {
		return explain(err)
	}
	if err := os.Rename(temp.Name(), f.path); err != nil {
		return explain(err)
	}
	f.doc, f.docSize = sha256.Sum256(data), int64(len(data))
	return nil
}

// Close saves for the last time and unlocks the file. Closing again does
// nothing.
func (f *File) Close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	was := f.phase
	if was == open {
		f.phase = closing
	}
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	for f.compacting {
		f.cond.Wait()
	}
	f.mu.Unlock()
	if was != open {
		return nil
	}
	err := f.flush(f.saveDocument)
	f.mu.Lock()
	f.phase = closed
	f.mu.Unlock()
	f.unlock()
	return err
}

// Health returns how saving went so far.
func (f *File) Health() Health {
	if f == nil {
		return Health{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.health
}
