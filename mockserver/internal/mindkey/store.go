package mindkey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// store implements surface.Data with one collection per entity set. An item
// holds the properties of its type and omits null ones. A relation is stored as
// a key: employee is an employeeId, and an Employee's position is the
// positionVersionId of the current version. The relation position of a
// PositionVersion is derived from its properties. Members that a type does not know
// are kept; no query sees them.
type store struct {
	mu     sync.Mutex // serialises changes and dumps
	sets   []*entity
	extras surface.Extras
}

// The entity sets that relations refer to.
const (
	employeeSet = "Employee"
	versionSet  = "PositionVersion"
)

// Names implements surface.Data.
func (s *store) Names() []string {
	names := make([]string, 0, len(s.sets))
	for _, e := range s.sets {
		names = append(names, e.typ.Name)
	}
	return names
}

// Counts implements surface.Data.
func (s *store) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.sets))
	for _, e := range s.sets {
		out[e.typ.Name] = len(e.rows())
	}
	return out
}

// Dump implements surface.Data.
func (s *store) Dump(names ...string) map[string][]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.dump(names)
	for _, e := range s.sets {
		if items, dumped := out[e.typ.Name]; dumped {
			out[e.typ.Name] = s.extras.Add(e.typ.Name, e.key(), items)
		}
	}
	return out
}

// dump encodes what the types know, of all entity sets if none is named.
func (s *store) dump(names []string) map[string][]json.RawMessage {
	versions := make(map[*odata.Row]any) // version keys by the position row that employees link to
	for _, e := range s.sets {
		if e.typ.Name == versionSet {
			for _, row := range e.rows() {
				versions[row.Links[1]] = row.Values[0]
			}
		}
	}
	out := make(map[string][]json.RawMessage, len(s.sets))
	for _, e := range s.sets {
		if len(names) > 0 && !slices.Contains(names, e.typ.Name) {
			continue
		}
		items := make([]json.RawMessage, 0, len(e.rows()))
		for _, row := range e.rows() {
			items = append(items, e.write(row, versions))
		}
		out[e.typ.Name] = items
	}
	return out
}

// write encodes a row as an item.
func (e *entity) write(row *odata.Row, versions map[*odata.Row]any) json.RawMessage {
	var b bytes.Buffer
	add := func(name string, v any) {
		value, err := json.Marshal(v)
		if v == nil || err != nil { // strings, numbers and booleans always encode
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":`) // names are letters
		b.Write(value)
	}
	for i, p := range e.typ.Props {
		v := row.Values[i]
		if t, ok := v.(time.Time); ok {
			v = t.Format(layoutOf(p.Kind))
		}
		add(p.Name, v)
	}
	for i, l := range e.typ.Links {
		switch {
		case row.Links[i] == nil:
		case l.Name == "employee":
			add(l.Name, row.Links[i].Values[0])
		case e.typ.Name == employeeSet:
			add(l.Name, versions[row.Links[i]])
		}
	}
	return json.RawMessage("{" + b.String() + "}")
}

func layoutOf(k odata.Kind) string {
	if k == odata.Date {
		return time.DateOnly
	}
	return time.RFC3339Nano
}

// maxRows bounds an entity set.
const maxRows = 10_000

// Replace implements surface.Data.
func (s *store) Replace(next map[string][]json.RawMessage) error {
	if err := surface.CheckBounds(next, s.Names(), maxRows); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.dump(nil)
	maps.Copy(all, next)
	read := make(map[string][]*item, len(s.sets))
	for _, e := range s.sets {
		items, err := e.read(all[e.typ.Name])
		if err != nil {
			return err
		}
		read[e.typ.Name] = items
	}
	if err := s.relate(read); err != nil {
		return err
	}
	for _, e := range s.sets {
		rows := make([]*odata.Row, 0, len(read[e.typ.Name]))
		for _, it := range read[e.typ.Name] {
			rows = append(rows, it.row)
		}
		e.stored.Store(&rows)
	}
	if len(next) == 0 {
		return nil
	}
	for name, known := range s.dump(slices.Collect(maps.Keys(next))) {
		s.extras.Replace(name, s.set(name).key(), next[name], known)
	}
	return nil
}

// set returns the entity set with a name that Names has.
func (s *store) set(name string) *entity {
	return s.sets[slices.IndexFunc(s.sets, func(e *entity) bool { return e.typ.Name == name })]
}

// key names the member that identifies an item.
func (e *entity) key() []string { return []string{e.typ.Props[0].Name} }

// item is a row whose relations are still keys.
type item struct {
	row  *odata.Row
	keys map[string]string
}

// read reads the items of one entity set.
func (e *entity) read(items []json.RawMessage) ([]*item, error) {
	out := make([]*item, 0, len(items))
	for i, raw := range items {
		it, err := e.readItem(raw)
		if err != nil {
			return nil, surface.ElementError(e.typ.Name, i, err)
		}
		out = append(out, it)
	}
	return out, surface.CheckDistinct(e.typ.Name, out, e.typ.Props[0].Name, func(it **item) any { return (*it).row.Values[0] })
}

func (e *entity) readItem(raw json.RawMessage) (*item, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, errors.New("not a JSON object")
	}
	it := &item{&odata.Row{Values: make([]any, len(e.typ.Props)), Links: make([]*odata.Row, len(e.typ.Links))}, map[string]string{}}
	for i, p := range e.typ.Props {
		v, err := readValue(p.Kind, member(members, p.Name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		it.row.Values[i] = v
	}
	for _, l := range e.typ.Links {
		if l.Name == "employee" || e.typ.Name == employeeSet {
			key, err := readValue(odata.String, member(members, l.Name))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.Name, err)
			}
			if key != nil {
				it.keys[l.Name], _ = key.(string)
			}
		}
	}
	if key, ok := it.row.Values[0].(string); !ok || key == "" {
		return nil, fmt.Errorf("%s is missing", e.typ.Props[0].Name)
	}
	return it, nil
}

// member returns a member, in the spelling of raw mode too.
func member(members map[string]json.RawMessage, name string) json.RawMessage {
	if v, ok := members[name]; ok {
		return v
	}
	return members[capital(name)]
}

// readValue decodes a property; it returns nil for null and for an absent one.
func readValue(kind odata.Kind, raw json.RawMessage) (any, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil //nolint:nilnil // null is a valid value of every property
	}
	var err error
	var out any
	switch kind {
	case odata.Int:
		out, err = value[int64](raw)
	case odata.Decimal:
		out, err = value[float64](raw)
	case odata.Bool:
		out, err = value[bool](raw)
	case odata.Date, odata.DateTime:
		var text string
		if text, err = value[string](raw); err == nil {
			var t time.Time
			t, err = time.Parse(layoutOf(kind), text)
			out = t.UTC()
		}
	default:
		out, err = value[string](raw)
	}
	if err != nil {
		return nil, fmt.Errorf("not an %s", kind)
	}
	return out, nil
}

func value[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// relate replaces keys by rows. The simple employee or position of a relation
// holds the first properties of the full row.
func (s *store) relate(read map[string][]*item) error {
	employees, versions := make(map[string]*odata.Row), make(map[string]*odata.Row)
	for _, it := range read[employeeSet] {
		id, _ := it.row.Values[0].(string)
		employees[id] = &odata.Row{Values: it.row.Values[:5]}
	}
	for _, it := range read[versionSet] {
		id, _ := it.row.Values[0].(string)
		versions[id] = &odata.Row{Values: it.row.Values[1:3]}
		it.row.Links[1] = versions[id]
	}
	for _, e := range s.sets {
		for i, it := range read[e.typ.Name] {
			for k, l := range e.typ.Links {
				key, given := it.keys[l.Name]
				if !given {
					continue
				}
				among := employees
				if l.Name == "position" {
					among = versions
				}
				if it.row.Links[k] = among[key]; among[key] == nil {
					return surface.ElementError(e.typ.Name, i, fmt.Errorf("%s: %.40q does not exist", l.Name, key))
				}
			}
		}
	}
	return nil
}
