package mockserver

import (
	"fmt"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// memento is what a namespace was before a change of all of it, to undo the change if
// it cannot be saved. It shares keys and data with the namespace, so it is good for a
// moment only; a State is a copy.
type memento struct {
	keys    map[string]*record
	seq     uint64
	faults  []*Injection
	vendors []vendorMemento
	clock   clock.State
}

type vendorMemento struct {
	limit   *Limit
	profile *Profile
	groups  *map[string]Limit
	changed bool
	routes  *routes
}

func (n *Namespace) memento() memento {
	n.keys.mu.RLock()
	m := memento{keys: n.keys.byID, seq: n.keys.seq, clock: n.clock.State()}
	n.keys.mu.RUnlock()
	m.faults = n.faults.all()
	for i := range n.vendors {
		v := &n.vendors[i]
		m.vendors = append(m.vendors, vendorMemento{v.limit.Load(), v.profile.Load(), v.groups.Load(), v.changed.Load(), v.routes.Load()})
	}
	return m
}

// recall makes the namespace what it was.
func (n *Namespace) recall(m memento) {
	n.keys.replace(m.keys, m.seq)
	n.faults.replace(m.faults, 0)
	for i := range m.vendors {
		v, was := &n.vendors[i], &m.vendors[i]
		v.limit.Store(was.limit)
		v.profile.Store(was.profile)
		v.groups.Store(was.groups)
		v.changed.Store(was.changed)
		if n.srv.vendors[i].own {
			was.routes = nil // they have no data, and may be redefined
		}
		n.setRoutes(n.srv.vendors[i], was.routes)
	}
	if n.clock.State() != m.clock {
		n.clock.Restore(m.clock)
	}
	n.srv.unsaved.namespace(n)
}

// saveWhole saves all of a namespace that has changed from m, or makes it what it was.
func (n *Namespace) saveWhole(m memento) error {
	n.srv.unsaved.namespace(n)
	if err := n.srv.file.Flush(); err != nil {
		n.recall(m)
		return fmt.Errorf("nothing was changed: %w", err)
	}
	return nil
}
