package mockserver

import (
	"maps"
	"slices"
	"sync"
)

// unsaved is what has changed since the state file was last written. Whoever changes
// something first changes it, then notes it here, then asks the file to save: so what a
// save leaves out is noted for the next one. It notes what, not how: a save writes the
// present state of it.
type unsaved struct {
	off bool // without WithStateFile nothing is noted

	mu sync.Mutex
	noted
}

// noted is what one save writes.
type noted struct {
	all      bool // the whole document
	whole    map[*Namespace]bool
	dropped  map[string]bool // names of deleted namespaces
	settings map[*Namespace]bool
	data     map[*Namespace]map[int]bool // by vendor.index
	keys     map[*record]bool
}

func (n *noted) nothing() bool {
	return !n.all && len(n.whole) == 0 && len(n.dropped) == 0 && len(n.settings) == 0 && len(n.data) == 0 && len(n.keys) == 0
}

// note runs add under the lock, unless nothing is noted.
func (u *unsaved) note(add func(*noted)) {
	if u.off {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	add(&u.noted)
}

// marked returns a set with k in it.
func marked[K comparable](m map[K]bool, k K) map[K]bool {
	if m == nil {
		m = make(map[K]bool)
	}
	m[k] = true
	return m
}

// everything notes that the whole document changed.
func (u *unsaved) everything() { u.note(func(n *noted) { n.all = true }) }

// namespace notes that all of a namespace changed.
func (u *unsaved) namespace(ns *Namespace) { u.note(func(n *noted) { n.whole = marked(n.whole, ns) }) }

// dropNamespace notes that a namespace was deleted.
func (u *unsaved) dropNamespace(name string) {
	u.note(func(n *noted) { n.dropped = marked(n.dropped, name) })
}

// setting notes that the clock, a limit, a profile or the faults of a namespace changed.
func (u *unsaved) setting(ns *Namespace) {
	u.note(func(n *noted) { n.settings = marked(n.settings, ns) })
}

// vendorData notes that the data of a vendor changed.
func (u *unsaved) vendorData(ns *Namespace, vendor int) {
	u.note(func(n *noted) {
		if n.data == nil {
			n.data = make(map[*Namespace]map[int]bool)
		}
		n.data[ns] = marked(n.data[ns], vendor)
	})
}

// key notes that a key was stored, changed or forgotten.
func (u *unsaved) key(r *record) {
	u.note(func(n *noted) {
		n.keys = marked(n.keys, r)
		r.unsaved.Store(true)
	})
}

// take returns what was noted, and notes from the beginning.
func (u *unsaved) take() noted {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.noted
	u.noted = noted{}
	for r := range out.keys {
		r.unsaved.Store(false) // before the save reads the record
	}
	return out
}

// putBack notes again what could not be saved.
func (u *unsaved) putBack(old noted) {
	u.note(func(n *noted) {
		n.all = n.all || old.all
		for r := range old.keys {
			r.unsaved.Store(true)
		}
		for ns, vendors := range old.data {
			if n.data == nil {
				n.data = make(map[*Namespace]map[int]bool)
			}
			n.data[ns] = merged(n.data[ns], vendors)
		}
		n.whole, n.dropped = merged(n.whole, old.whole), merged(n.dropped, old.dropped)
		n.settings, n.keys = merged(n.settings, old.settings), merged(n.keys, old.keys)
	})
}

func merged[K comparable](a, b map[K]bool) map[K]bool {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}

// spaces lists the namespaces of which anything is noted and which still exist, by name.
func (n *noted) spaces(s *Server) []*Namespace {
	some := make(map[*Namespace]bool)
	maps.Copy(some, n.whole)
	maps.Copy(some, n.settings)
	for ns := range n.data {
		some[ns] = true
	}
	for r := range n.keys {
		some[r.ns] = true
	}
	return slices.DeleteFunc(s.Namespaces(), func(ns *Namespace) bool { return !some[ns] })
}
