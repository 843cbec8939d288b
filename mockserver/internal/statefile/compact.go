package statefile

import (
	"crypto/sha256"
	"os"
)

// compactIfDue begins to put the changes into the document when there are many. Saves
// go on meanwhile: what they append is carried over. The caller holds f.mu.
func (f *File) compactIfDue() {
	if f.compacting || f.phase != open || f.changes == nil || f.changes.size < max(minCompact, f.docSize, f.giveUp) {
		return
	}
	f.compacting = true
	old, offset := f.changes, f.changes.size
	go func() {
		ok := f.compact(old, offset)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.compacting = false; !ok {
			f.giveUp = 2 * offset
		}
		f.cond.Broadcast()
	}()
}

// compact writes the document with what stands before offset in the changes, and new
// changes with the rest. It reports false if it could not: then everything is as before.
func (f *File) compact(old *changes, offset int64) bool {
	data, err := f.cfg.Snapshot(true)
	if err != nil {
		return false
	}
	temp, err := write(f.path, data)
	if err != nil {
		return false
	}
	f.mu.Lock()
	for f.saving {
		f.cond.Wait()
	}
	f.saving = true
	f.mu.Unlock()
	ok := f.changes == old && f.swap(temp, data, offset) // else the document was replaced meanwhile
	f.mu.Lock()
	f.saving = false
	f.cond.Broadcast()
	f.mu.Unlock()
	if !ok {
		discard(temp)
	}
	return ok
}

// swap replaces the document and the changes.
func (f *File) swap(temp *os.File, data []byte, offset int64) bool {
	tail, err := f.changes.tail(offset)
	if err != nil {
		return false
	}
	doc := sum(sha256.Sum256(data))
	if f.changes.next(doc, offset) != nil || f.rename(temp, data) != nil {
		return false
	}
	next, err := createChanges(f.changesPath(), doc, tail)
	if err != nil {
		return false // the old ones say what of them the document has, and go on
	}
	_ = f.changes.f.Close() // all of it was synced
	f.changes = next
	return true
}
