package mockserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/statefile"
	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// stateChange is one save of what changed: a line beside the state document. Each part
// replaces what the document has of it, so a change may be applied twice.
type stateChange struct {
	Dropped    []string          `json:"dropped,omitempty"` // names of namespaces
	Namespaces []namespaceChange `json:"namespaces,omitempty"`
}

type namespaceChange struct {
	Name     string                 `json:"name"`
	Whole    *NamespaceState        `json:"whole,omitempty"`
	Settings *NamespaceState        `json:"settings,omitempty"` // without keys and data
	Data     map[Provider]DataState `json:"data,omitempty"`     // nil is the initial data
	Keys     []KeyState             `json:"keys,omitempty"`
	Gone     []string               `json:"gone,omitempty"` // IDs of keys
}

// changes is statefile.Config.Changes.
func (s *Server) changes() (statefile.Changes, error) {
	old := s.unsaved.take()
	out := statefile.Changes{Undo: func() { s.unsaved.putBack(old) }}
	switch {
	case old.nothing():
		return out, nil
	case old.all:
		out.Whole = true
		return out, nil
	}
	change := stateChange{Dropped: slices.Sorted(maps.Keys(old.dropped))}
	for _, n := range old.spaces(s) {
		change.Namespaces = append(change.Namespaces, n.change(&old))
	}
	var err error
	if out.Line, err = json.Marshal(change); err != nil {
		return out, fmt.Errorf("state: %w", err)
	}
	return out, nil
}

// change returns the present state of what is noted of the namespace.
func (n *Namespace) change(old *noted) namespaceChange {
	out := namespaceChange{Name: n.title()}
	if old.whole[n] {
		whole := n.show()
		out.Whole = &whole
		return out
	}
	if old.settings[n] {
		settings := n.showSettings()
		out.Settings = &settings
	}
	for i := range old.data[n] {
		if out.Data == nil {
			out.Data = make(map[Provider]DataState)
		}
		out.Data[n.srv.vendors[i].provider] = n.showData(i)
	}
	out.Keys, out.Gone = n.keys.showSome(old.keys)
	return out
}

// showSome returns the state of those of the records that the namespace has, and the
// IDs of those that it no longer has.
func (k *Keys) showSome(some map[*record]bool) (keys []KeyState, gone []string) {
	k.ops.Lock() // no half rotation is ever saved
	defer k.ops.Unlock()
	var mine []*record
	for r := range some {
		if r.ns == k.ns {
			mine = append(mine, r)
		}
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, r := range inOrder(slices.Values(mine)) {
		switch k.byID[r.id] {
		case r:
			keys = append(keys, r.show())
		case nil:
			gone = append(gone, strings.TrimPrefix(r.id, k.ns.prefix()))
		default: // another key has its ID, and is noted itself
		}
	}
	return keys, gone
}

// apply brings a document up to date with the lines that were saved after it.
func (st *State) apply(lines [][]byte) error {
	all := make(map[string]*revisedNamespace)
	var names []string
	find := func(name string) *revisedNamespace {
		if all[name] == nil {
			all[name] = &revisedNamespace{NamespaceState: NamespaceState{Name: name}}
			names = append(names, name)
		}
		return all[name]
	}
	for i := range st.Namespaces {
		find(st.Namespaces[i].Name).set(st.Namespaces[i])
	}
	for i, line := range lines {
		var change stateChange
		if err := strictjson.Decode(bytes.TrimSpace(line), &change); err != nil {
			return fmt.Errorf("change %d: %w", i+1, err)
		}
		for _, name := range change.Dropped {
			delete(all, name)
		}
		for j := range change.Namespaces {
			find(change.Namespaces[j].Name).change(&change.Namespaces[j])
		}
	}
	st.Namespaces = nil
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if n := all[name]; n != nil {
			st.Namespaces = append(st.Namespaces, n.state())
		}
	}
	if len(lines) > 0 {
		st.Version = stateVersion // what was applied is of this version
	}
	return nil
}

// revisedNamespace is a namespace of a document with the changes made to it.
type revisedNamespace struct {
	NamespaceState

	at map[string]int // the place of each key; -1 is gone
}

func (rn *revisedNamespace) set(ns NamespaceState) {
	rn.NamespaceState, rn.at = ns, make(map[string]int, len(ns.Keys))
	for i := range ns.Keys {
		rn.at[ns.Keys[i].ID] = i
	}
}

func (rn *revisedNamespace) change(c *namespaceChange) {
	if c.Whole != nil {
		rn.set(*c.Whole)
	}
	if s := c.Settings; s != nil {
		rn.Clock, rn.Providers, rn.Faults = s.Clock, s.Providers, s.Faults
	}
	for p, data := range c.Data {
		if rn.Data == nil {
			rn.Data = make(map[Provider]DataState)
		}
		if rn.Data[p] = data; data == nil {
			delete(rn.Data, p)
		}
	}
	if rn.at == nil {
		rn.at = make(map[string]int)
	}
	for _, id := range c.Gone {
		rn.at[id] = -1
	}
	for _, k := range c.Keys {
		if i, known := rn.at[k.ID]; known && i >= 0 {
			rn.Keys[i] = k
			continue
		}
		rn.at[k.ID] = len(rn.Keys)
		rn.Keys = append(rn.Keys, k)
	}
}

// state returns the namespace without the keys that are gone.
func (rn *revisedNamespace) state() NamespaceState {
	out, keys := rn.NamespaceState, make([]KeyState, 0, len(rn.Keys))
	for i := range out.Keys {
		if rn.at[out.Keys[i].ID] == i {
			keys = append(keys, out.Keys[i])
		}
	}
	out.Keys = keys
	return out
}
