// Package statefile keeps a document in one file: read at the start, locked
// while it is in use, replaced as a whole after changes.
//
// A change is saved in one of two ways. Later saves it within Debounce, for
// changes that nobody waits for. Flush returns once it is on the disk; callers
// that wait at the same moment share one write.
package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/keyfit/keyfit/internal/privatefile"
)

// Debounce is how long a change that nobody waits for may stay unsaved.
const Debounce = 200 * time.Millisecond

// ErrNotSaved says that a document could not be written.
var ErrNotSaved = errors.New("the state was not saved")

// Config is what a File works with. Every function is called from several
// goroutines, though never two calls of Snapshot at once.
type Config struct {
	Path     string
	Snapshot func() ([]byte, error) // the document as it is now
	Load     func([]byte) error     // takes over the document found at the start
	// After runs f after a time and returns what stops it (time.AfterFunc).
	After func(d time.Duration, f func()) (stop func() bool)
	// OnError is told about saves that failed with nobody waiting; may be nil.
	OnError func(error)
}

// File writes a document to one file. All methods are safe for concurrent use.
// A nil File keeps nothing: its methods succeed and do nothing.
type File struct {
	cfg Config

	mu     sync.Mutex
	cond   *sync.Cond
	phase  phase
	wanted uint64 // saves asked for
	done   uint64 // asked for before a save that has ended
	saving bool
	stop   func() bool // of the debounce timer; nil when none runs
	health Health
	unlock func() // of the lock file
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
	unlock, err := lock(f.cfg.Path + ".lock")
	if err != nil {
		return fmt.Errorf("state file %s: %w", f.cfg.Path, err)
	}
	privatefile.Sweep(f.cfg.Path, 0) // the process that has the lock is the only one that writes
	if err := f.load(); err != nil {
		unlock()
		return err
	}
	f.mu.Lock()
	f.unlock, f.phase = unlock, open
	f.mu.Unlock()
	if err := f.Flush(); err != nil {
		f.mu.Lock()
		f.phase = unread
		f.mu.Unlock()
		unlock()
		return err
	}
	return nil
}

func (f *File) load() error {
	data, err := os.ReadFile(f.cfg.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := f.cfg.Load(data); err != nil {
		return fmt.Errorf("state file %s is left as it is: %w; mend it, or move it away to start empty", f.cfg.Path, err)
	}
	return nil
}

// Later saves within Debounce. It is cheap: one lock, and nothing else while a
// save is due.
func (f *File) Later() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase != open || f.stop != nil {
		return
	}
	f.stop = f.cfg.After(Debounce, func() {
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
		err := f.save()
		f.mu.Lock()
		f.saving, f.done, f.health.Err = false, upTo, err
		f.health.Saves++
		if err != nil {
			f.health.Failed++
		}
		f.cond.Broadcast()
	}
	return f.health.Err
}

// FlushOrReport is Flush where nobody can be given an error.
func (f *File) FlushOrReport() {
	if err := f.Flush(); err != nil && f.cfg.OnError != nil {
		f.cfg.OnError(err)
	}
}

func (f *File) save() error {
	data, err := f.cfg.Snapshot()
	if err == nil {
		err = privatefile.Replace(f.cfg.Path, data)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
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
	f.mu.Unlock()
	if was != open {
		return nil
	}
	err := f.Flush()
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
