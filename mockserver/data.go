package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Collection is a named part of what a provider's mock stores.
type Collection struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// DataState is what a provider's mock stores, by collection: the items as JSON
// objects. A value that contains a credential of the server is replaced by
// "[redacted]#" and eight digits of its SHA-256.
type DataState map[string][]json.RawMessage

// Errors about data.
var (
	ErrNoSuchCollection = errors.New("no such collection")
	ErrInvalidData      = errors.New("the data does not fit")
)

// Collections lists what p's mock stores, with counts: IMKIT's users and rooms,
// imin's places and event series, MindKey's entities, Optimove's customers. What
// is derived from seed and clock (sessions, slots, campaigns) is not stored.
// iiniit's list is empty: its clients and tokens are keys, see OAuth. It fails
// with ErrNoSuchVendor.
func (n *Namespace) Collections(p Provider) ([]Collection, error) {
	played, err := n.played(p)
	if err != nil {
		return nil, fmt.Errorf("mockserver: collections of %q: %w", p, err)
	}
	out := []Collection{}
	if played.data != nil {
		counts := played.data.Counts()
		for _, name := range played.data.Names() {
			out = append(out, Collection{name, counts[name]})
		}
	}
	return out, nil
}

// Data returns the items of one collection, in a fixed order and encoding: two
// reads of unchanged data return the same bytes. SetData accepts them. It fails
// with ErrNoSuchVendor or ErrNoSuchCollection.
func (n *Namespace) Data(p Provider, collection string) ([]json.RawMessage, error) {
	played, err := n.played(p)
	if err == nil {
		err = known(played.data, collection)
	}
	if err != nil {
		return nil, fmt.Errorf("mockserver: data of %q: %w", p, err)
	}
	return n.redactItems(played.data.Dump(collection)[collection]), nil
}

// SetData replaces a whole collection and returns once the state file has it. It
// first checks everything: required members, duplicate IDs, references to missing
// items, counts and sizes. It fails with ErrInvalidData, which names the element
// and the member, ErrNoSuchVendor or ErrNoSuchCollection, and then changes
// nothing; nor does it if the state file could not be written. Members that the mock
// does not know are kept and come out of Data as they went in; no operation uses them.
//
// Load collections in the order of Collections: each refers to those before it only, but
// for position of MindKey's Employee. What the mock started with does not stand in the
// way: a collection that still is the sample data is emptied if it refers to what goes
// (IMKIT's loses the records that do). docs/fixtures.md has the required members.
func (n *Namespace) SetData(p Provider, collection string, items []json.RawMessage) error {
	undo, err := n.setData(p, collection, items)
	if err == nil {
		if err = n.srv.file.Flush(); err != nil {
			undo()
			err = fmt.Errorf("nothing was changed: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("mockserver: set data of %q: %w", p, err)
	}
	return nil
}

// setData replaces a collection and returns what undoes it.
func (n *Namespace) setData(p Provider, collection string, items []json.RawMessage) (undo func(), err error) {
	played, err := n.played(p)
	if err == nil {
		err = known(played.data, collection)
	}
	if err != nil {
		return nil, err
	}
	played.loading.Lock()
	defer played.loading.Unlock()
	var before map[string][]json.RawMessage
	if n.srv.file != nil {
		before = played.data.Dump()
	}
	next := map[string][]json.RawMessage{collection: items}
	if err := n.replaceData(p, played.data, next); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidData, err)
	}
	maps.DeleteFunc(before, func(name string, _ []json.RawMessage) bool {
		_, replaced := next[name]
		return !replaced
	})
	was, i := played.changed.Swap(true), n.srv.vendor(p).index
	n.srv.unsaved.vendorData(n, i)
	return func() {
		_ = played.data.Replace(before) // it was valid
		played.changed.Store(was)
		n.srv.unsaved.vendorData(n, i)
	}, nil
}

// replaceData replaces collections. Collections of sample data that refer to what goes
// are emptied and added to next.
func (n *Namespace) replaceData(p Provider, data surface.Data, next map[string][]json.RawMessage) error {
	err := data.Replace(next)
	if err == nil {
		return nil
	}
	first := err
	for err != nil {
		name, ok := surface.CollectionOf(err)
		if _, given := next[name]; !ok || given || !n.isSample(p, data, name) {
			return first
		}
		next[name] = []json.RawMessage{}
		err = data.Replace(next)
	}
	return nil
}

// isSample reports whether a collection is what a new mock has.
func (n *Namespace) isSample(p Provider, data surface.Data, collection string) bool {
	fresh := n.play(n.srv.vendor(p)).data.Dump(collection)[collection]
	return slices.EqualFunc(fresh, data.Dump(collection)[collection], func(a, b json.RawMessage) bool { return string(a) == string(b) })
}

// played returns the surface of p.
func (n *Namespace) played(p Provider) (*routes, error) {
	v := n.srv.vendor(p)
	if v == nil {
		return nil, ErrNoSuchVendor
	}
	return n.router(v), nil
}

// known returns an error for a collection that data does not have.
func known(data surface.Data, collection string) error {
	switch {
	case data == nil:
		return fmt.Errorf("%w: it stores none", ErrNoSuchCollection)
	case !slices.Contains(data.Names(), collection):
		return fmt.Errorf("%w %.300q; there are %s", ErrNoSuchCollection, collection, strings.Join(data.Names(), ", "))
	}
	return nil
}

// showData returns the data of a vendor, nil if it was never changed.
func (n *Namespace) showData(i int) DataState {
	r := n.vendors[i].routes.Load()
	if r == nil || r.data == nil || !r.changed.Load() {
		return nil
	}
	out := make(DataState)
	for name, items := range r.data.Dump() {
		out[name] = n.redactItems(items)
	}
	return out
}

// reviveData makes surfaces with the data of a state document. A collection that
// is not in it has its initial data.
func (n *Namespace) reviveData(all map[Provider]DataState) (map[int]*routes, error) {
	out := make(map[int]*routes, len(all))
	for _, p := range slices.Sorted(maps.Keys(all)) {
		v := n.srv.vendor(p)
		if v == nil {
			return nil, fmt.Errorf("data: %w: %q", ErrNoSuchVendor, p)
		}
		r := n.play(v)
		if r.data == nil {
			return nil, fmt.Errorf("data: %s: it stores none", p)
		}
		if err := r.data.Replace(all[p]); err != nil {
			return nil, fmt.Errorf("data: %s: %w", p, err)
		}
		r.changed.Store(true)
		out[v.index] = r
	}
	return out, nil
}

// redactItems redacts what clients stored, in place.
func (n *Namespace) redactItems(items []json.RawMessage) []json.RawMessage {
	red := redact.New(&n.srv.vault)
	for i, raw := range items {
		items[i] = red.JSON(raw)
	}
	return items
}
