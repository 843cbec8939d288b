package mockserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// debounce is how long a change that nobody waits for may stay unsaved.
const debounce = 200 * time.Millisecond

var errNotSaved = errors.New("the state was not saved")

// stateFile writes the server's state to one file. Everybody who waits for a
// save shares one write with all who came before it began, so that a hundred
// keys issued at once cost a few writes, not a hundred. A nil stateFile keeps
// nothing.
type stateFile struct {
	srv  *Server
	path string

	mu      sync.Mutex
	cond    *sync.Cond
	wanted  uint64 // saves asked for
	done    uint64 // asked for before a save that has ended
	saving  bool
	ready   bool // read: from here on it may be written
	closed  bool
	stop    func() bool // of the debounce timer; nil when none runs
	err     error       // of the last save
	saves   int
	failed  int
	release func() // of the lock
}

func newStateFile(s *Server, path string) *stateFile {
	f := &stateFile{srv: s, path: path}
	f.cond = sync.NewCond(&f.mu)
	return f
}

// open locks and reads the file. A missing one is an empty one. It is written
// at once, so that a place that cannot be written is known at the start.
func (f *stateFile) open() error {
	if f == nil {
		return nil
	}
	release, err := lockFile(f.path + ".lock")
	if err != nil {
		return fmt.Errorf("state file %s: %w", f.path, err)
	}
	f.release = release
	data, err := os.ReadFile(f.path)
	if err == nil {
		err = f.load(data)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		f.mu.Lock()
		f.ready = true
		f.mu.Unlock()
		err = f.flush()
	}
	if err != nil {
		release()
		f.mu.Lock()
		f.ready = false
		f.mu.Unlock()
	}
	return err
}

func (f *stateFile) load(data []byte) error {
	st, err := ParseState(data)
	if err == nil {
		err = f.srv.restoreAll(st)
	}
	if err != nil {
		return fmt.Errorf("state file %s is left as it is: %w; mend it, or move it away to start empty", f.path, err)
	}
	return nil
}

// later saves within the debounce time. It is cheap: one lock when nothing is
// pending, and nothing without a file.
func (f *stateFile) later() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ready || f.closed || f.stop != nil {
		return
	}
	f.stop = clock.AfterMachineTime(debounce, func() {
		f.mu.Lock()
		f.stop = nil
		f.mu.Unlock()
		f.flushOrTell()
	})
}

// flush returns once everything that happened before the call is on the disk.
func (f *stateFile) flush() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ready {
		return nil
	}
	f.wanted++
	mine := f.wanted
	for f.done < mine {
		if f.saving {
			f.cond.Wait()
			continue
		}
		upTo := f.wanted
		f.saving = true
		f.mu.Unlock()
		err := f.save()
		f.mu.Lock()
		f.saving, f.done, f.err = false, upTo, err
		f.saves++
		if err != nil {
			f.failed++
		}
		f.cond.Broadcast()
	}
	return f.err
}

// flushOrTell is flush for where nobody can be given an error.
func (f *stateFile) flushOrTell() {
	if err := f.flush(); err != nil && f.srv.opts.logger != nil {
		f.srv.opts.logger.Error("mock state not saved", "error", err)
	}
}

func (f *stateFile) save() error {
	data, err := f.srv.SnapshotAll().Encode()
	if err == nil {
		err = writeAtomic(f.path, data)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNotSaved, err)
	}
	return nil
}

// close saves for the last time.
func (f *stateFile) close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	closed := f.closed || !f.ready
	f.closed = true
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	f.mu.Unlock()
	if closed {
		return nil
	}
	err := f.flush()
	f.mu.Lock()
	f.ready = false
	f.mu.Unlock()
	f.release()
	return err
}

// health is the error of the last save.
func (f *stateFile) health() (saves, failed int, err error) {
	if f == nil {
		return 0, 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.saves, f.failed, f.err
}

// writeAtomic replaces a file as a whole: a temporary file beside it, synced,
// renamed. Whoever reads it, also after a crash, sees the old or the new one.
func writeAtomic(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if closing := tmp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the write's error is the one to tell
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync() // the rename itself; not every file system can
		_ = dir.Close()
	}
	return nil
}
