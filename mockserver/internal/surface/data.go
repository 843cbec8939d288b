package surface

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The bounds of one Replace; a vendor may set lower ones.
const (
	maxDataBytes = 64 << 20
	maxItems     = 100_000 // in one collection
)

// ErrNoCollection is returned for a collection name that the surface does not have.
var ErrNoCollection = errors.New("no such collection")

// Data is the stored state of a surface: named collections, each a JSON array.
// It excludes what the surface derives from the seed and the clock. All methods
// are safe for concurrent use with each other and with the surface's routes.
type Data interface {
	// Names lists the collections in a fixed order.
	Names() []string
	// Counts returns how many items each collection has.
	Counts() map[string]int
	// Dump returns a consistent snapshot of the named collections, of all of them if none
	// is named. The same data gives the same bytes.
	Dump(names ...string) map[string][]json.RawMessage
	// Replace replaces the items of the named collections and keeps the others.
	// Members that the items' types do not know are kept. It validates everything first, including references between collections;
	// an error names the element and member, and nothing has changed.
	Replace(map[string][]json.RawMessage) error
}

// Tables implements Data for a document D, a struct with one slice per collection.
type Tables[D any] struct {
	Collections []Collection[D]
	// Snapshot copies the stored state into a document.
	Snapshot func() D
	// Update runs edit on a snapshot, validates the result and stores it, all
	// under one lock.
	Update func(edit func(*D) error) error

	extras Extras
}

// Collection is one slice of a document.
type Collection[D any] struct {
	Name string
	key  []string
	size func(*D) int
	dump func(*D) ([]json.RawMessage, error)
	load func(*D, []json.RawMessage) error
}

// NewCollection returns the collection that is stored in the given slice. key names
// the members that identify an item together; what an item's type does not know is
// kept by it.
func NewCollection[D, T any](name string, slice func(*D) *[]T, key ...string) Collection[D] {
	return Collection[D]{
		Name: name, key: key,
		size: func(d *D) int { return len(*slice(d)) },
		dump: func(d *D) ([]json.RawMessage, error) {
			out := make([]json.RawMessage, 0, len(*slice(d)))
			for _, item := range *slice(d) {
				raw, err := json.Marshal(item)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				out = append(out, raw)
			}
			return out, nil
		},
		load: func(d *D, items []json.RawMessage) error {
			out := make([]T, len(items))
			for i, raw := range items {
				if err := decodeItem(raw, &out[i]); err != nil {
					return ElementError(name, i, err)
				}
			}
			*slice(d) = out
			return nil
		},
	}
}

// Names implements Data.
func (t *Tables[D]) Names() []string {
	names := make([]string, 0, len(t.Collections))
	for _, c := range t.Collections {
		names = append(names, c.Name)
	}
	return names
}

// Counts implements Data.
func (t *Tables[D]) Counts() map[string]int {
	d, out := t.Snapshot(), make(map[string]int, len(t.Collections))
	for _, c := range t.Collections {
		out[c.Name] = c.size(&d)
	}
	return out
}

// Dump implements Data.
func (t *Tables[D]) Dump(names ...string) map[string][]json.RawMessage {
	d, out := t.Snapshot(), make(map[string][]json.RawMessage, len(t.Collections))
	for _, c := range t.Collections {
		if len(names) > 0 && !slices.Contains(names, c.Name) {
			continue
		}
		items, err := c.dump(&d)
		if err != nil {
			panic("mockserver: " + err.Error()) // a document only holds values that JSON can encode; a test dumps each one
		}
		out[c.Name] = t.extras.Add(c.Name, c.key, items)
	}
	return out
}

// Replace implements Data.
func (t *Tables[D]) Replace(next map[string][]json.RawMessage) error {
	if err := CheckBounds(next, t.Names(), maxItems); err != nil {
		return err
	}
	known := make(map[string][]json.RawMessage, len(next))
	err := t.Update(func(d *D) error {
		for _, c := range t.Collections {
			items, ok := next[c.Name]
			if !ok {
				continue
			}
			if err := c.load(d, items); err != nil {
				return err
			}
			encoded, err := c.dump(d) // before Update makes its own of it
			if err != nil {
				return err
			}
			known[c.Name] = encoded
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range t.Collections {
		if encoded, ok := known[c.Name]; ok {
			t.extras.Replace(c.Name, c.key, next[c.Name], encoded)
		}
	}
	return nil
}

// CheckBounds returns an error for a collection that is not among names, a
// collection with more than most items, or too many bytes in total.
func CheckBounds(next map[string][]json.RawMessage, names []string, most int) error {
	size := 0
	for name, items := range next {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%w: %.300q; there are %s", ErrNoCollection, name, strings.Join(names, ", "))
		}
		if len(items) > most {
			return fmt.Errorf("%s: %d items, the maximum is %d", name, len(items), most)
		}
		for _, raw := range items {
			size += len(raw)
		}
	}
	if size > maxDataBytes {
		return fmt.Errorf("%d bytes, the maximum is %d", size, maxDataBytes)
	}
	return nil
}

// elementError is an error about one element of a collection.
type elementError struct {
	collection string
	index      int
	err        error
}

func (e *elementError) Error() string { return fmt.Sprintf("%s[%d]: %v", e.collection, e.index, e.err) }
func (e *elementError) Unwrap() error { return e.err }

// ElementError adds the collection and the index of the element to an error;
// nil stays nil.
func ElementError(collection string, i int, err error) error {
	if err == nil {
		return nil
	}
	return &elementError{collection, i, err}
}

// CollectionOf returns the collection whose element an error of Replace is about.
func CollectionOf(err error) (string, bool) {
	e, ok := errors.AsType[*elementError](err)
	if !ok {
		return "", false
	}
	return e.collection, true
}

// CheckDistinct returns an error if two elements have the same key.
func CheckDistinct[T any, K comparable](collection string, items []T, member string, key func(*T) K) error {
	seen := make(map[K]int, len(items))
	for i := range items {
		k := key(&items[i])
		if first, twice := seen[k]; twice {
			return ElementError(collection, i, fmt.Errorf("%s is already used by %s[%d]", member, collection, first))
		}
		seen[k] = i
	}
	return nil
}
