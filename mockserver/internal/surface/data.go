package surface

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of what one Replace takes; a vendor may have tighter ones.
const (
	maxDataBytes = 64 << 20
	maxItems     = 100_000 // of one collection
)

// ErrNoCollection says that a surface has no collection of a name.
var ErrNoCollection = errors.New("no such collection")

// Data is what a surface stores: named collections, each a JSON array. What it
// derives from seed and clock is not in it. All methods are safe for
// concurrent use with each other and with the surface's routes.
type Data interface {
	// Names lists the collections, always in the same order.
	Names() []string
	// Dump returns the collections, all of the same moment and with the same
	// bytes for the same data.
	Dump() map[string][]json.RawMessage
	// Replace puts other items in the place of the collections that it names;
	// the others stay. It checks everything first, references between
	// collections too: an error, which names element and member, changes
	// nothing.
	Replace(map[string][]json.RawMessage) error
}

// Tables is Data over a document D, a struct with a slice for each collection.
type Tables[D any] struct {
	Collections []Collection[D]
	// Show copies what is stored into a document.
	Show func() D
	// Change runs edit on such a copy, checks what comes out and takes it over,
	// all under one lock.
	Change func(edit func(*D) error) error
}

// Collection is one slice of a document.
type Collection[D any] struct {
	Name string
	show func(*D) ([]json.RawMessage, error)
	read func(*D, []json.RawMessage) error
}

// Of makes the collection of a slice.
func Of[D, T any](name string, slice func(*D) *[]T) Collection[D] {
	return Collection[D]{
		Name: name,
		show: func(d *D) ([]json.RawMessage, error) {
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
		read: func(d *D, items []json.RawMessage) error {
			out := make([]T, len(items))
			for i, raw := range items {
				if err := strictly(raw, &out[i]); err != nil {
					return At(name, i, err)
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

// Dump implements Data.
func (t *Tables[D]) Dump() map[string][]json.RawMessage {
	d, out := t.Show(), make(map[string][]json.RawMessage, len(t.Collections))
	for _, c := range t.Collections {
		items, err := c.show(&d)
		if err != nil {
			panic("mockserver: " + err.Error()) // a document holds what JSON can write: a test dumps every one
		}
		out[c.Name] = items
	}
	return out
}

// Replace implements Data.
func (t *Tables[D]) Replace(next map[string][]json.RawMessage) error {
	if err := Bounded(next, t.Names(), maxItems); err != nil {
		return err
	}
	return t.Change(func(d *D) error {
		for _, c := range t.Collections {
			if items, ok := next[c.Name]; ok {
				if err := c.read(d, items); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Bounded fails for a collection that is not among names, one with more than
// most items, and for more bytes in all than fit.
func Bounded(next map[string][]json.RawMessage, names []string, most int) error {
	size := 0
	for name, items := range next {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%w: %.40q; there are %s", ErrNoCollection, name, strings.Join(names, ", "))
		}
		if len(items) > most {
			return fmt.Errorf("%s: %d items, at most %d fit", name, len(items), most)
		}
		for _, raw := range items {
			size += len(raw)
		}
	}
	if size > maxDataBytes {
		return fmt.Errorf("%d bytes, at most %d fit", size, maxDataBytes)
	}
	return nil
}

// At says which element of a collection an error is about.
func At(collection string, i int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s[%d]: %w", collection, i, err)
}

// Distinct fails when two elements have the same key.
func Distinct[T any, K comparable](collection string, items []T, member string, key func(*T) K) error {
	seen := make(map[K]int, len(items))
	for i := range items {
		k := key(&items[i])
		if first, twice := seen[k]; twice {
			return At(collection, i, fmt.Errorf("%s is that of %s[%d]", member, collection, first))
		}
		seen[k] = i
	}
	return nil
}

// strictly reads one element without unknown members.
func strictly(raw json.RawMessage, into any) error {
	if first := bytes.TrimSpace(raw); len(first) == 0 || first[0] != '{' {
		return errors.New("it is no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is something after its end")
		}
	}
	wrong, isWrong := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case isWrong && wrong.Field != "":
		return fmt.Errorf("%s is a %s, which it must not be", wrong.Field, wrong.Value)
	case isWrong:
		return fmt.Errorf("a %s stands where another kind of value belongs", wrong.Value)
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
