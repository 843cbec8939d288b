package apifile

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyfit/keyfit/mockserver"
)

// decoder fills a Go value from a document, by the json tags of its type, and remembers
// where each member stands.
type decoder struct {
	file  string
	lines map[string]int // by member
}

func (d *decoder) wrong(n *yaml.Node, member, problem string, args ...any) error {
	return &Error{d.file, n.Line, member, fmt.Sprintf(problem, args...)}
}

// value decodes a node.
func (d *decoder) value(n *yaml.Node, into reflect.Value, member string) error {
	d.lines[member] = n.Line
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return d.wrong(n, member, "anchors and aliases of YAML are not allowed; write it out")
	case n.Style&yaml.TaggedStyle != 0:
		return d.wrong(n, member, "tags of YAML are not allowed")
	case into.Type() == reflect.TypeFor[time.Duration]():
		return d.duration(n, into, member)
	}
	if _, own := reflect.TypeAssert[json.Unmarshaler](into.Addr()); own {
		return d.leaf(n, into, member)
	}
	switch into.Kind() {
	case reflect.Struct:
		return d.object(n, into, member)
	case reflect.Map:
		return d.mapping(n, into, member)
	case reflect.Slice, reflect.Array:
		return d.list(n, into, member)
	case reflect.String:
		return d.scalar(n, "!!str", "text; put it in quotes", into, member)
	case reflect.Int:
		return d.scalar(n, "!!int", "a whole number", into, member)
	case reflect.Bool:
		return d.scalar(n, "!!bool", "true or false", into, member)
	default:
		return d.wrong(n, member, "it cannot be given in a file")
	}
}

// scalar decodes text, a number, or true and false.
func (d *decoder) scalar(n *yaml.Node, tag, want string, into reflect.Value, member string) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tag {
		return d.wrong(n, member, "%s is not %s", kindOf(n), want)
	}
	if err := n.Decode(into.Addr().Interface()); err != nil {
		return d.wrong(n, member, "it is not %s", want)
	}
	return nil
}

// kindOf is a node in words.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "an empty value"
		}
		return fmt.Sprintf("%.60q", n.Value)
	default:
		return "this"
	}
}

// duration decodes "90s", "24h" or "365d".
func (d *decoder) duration(n *yaml.Node, into reflect.Value, member string) error {
	var length mockserver.Duration
	if err := d.decodeJSON(n, &length); err != nil {
		return d.wrong(n, member, "%s is no duration, such as 90s, 24h or 365d", kindOf(n))
	}
	into.SetInt(int64(length.Std()))
	return nil
}

// leaf decodes a value that reads JSON itself: a limit, hints.
func (d *decoder) leaf(n *yaml.Node, into reflect.Value, member string) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return d.wrong(n, member, "it is an empty value")
	}
	if err := d.decodeJSON(n, into.Addr().Interface()); err != nil {
		return d.wrong(n, member, "%s", oneLine(err))
	}
	return nil
}

func (d *decoder) decodeJSON(n *yaml.Node, into any) error {
	if hasAlias(n) {
		return errors.New("anchors and aliases of YAML are not allowed")
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return err //nolint:wrapcheck // the caller says where
	}
	data, err := json.Marshal(v)
	if err != nil {
		return errors.New("it has names that are no text")
	}
	return json.Unmarshal(data, into) //nolint:wrapcheck // the caller says where
}

// hasAlias reports whether anything in a node is an alias: it may stand for much.
func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || slices.ContainsFunc(n.Content, hasAlias)
}

// object decodes a mapping with the members of a struct.
func (d *decoder) object(n *yaml.Node, into reflect.Value, member string) error {
	fields, names := fieldsOf(into.Type())
	return d.pairs(n, member, func(key, value *yaml.Node, at string) error {
		i, known := fields[key.Value]
		if !known {
			return d.wrong(key, at, "there is no such member; there are %s%s", strings.Join(names, ", "), meant(key.Value, names))
		}
		return d.value(value, into.Field(i), at)
	})
}

// mapping decodes a mapping with names of the user's own.
func (d *decoder) mapping(n *yaml.Node, into reflect.Value, member string) error {
	into.Set(reflect.MakeMap(into.Type()))
	return d.pairs(n, member, func(key, value *yaml.Node, at string) error {
		v := reflect.New(into.Type().Elem()).Elem()
		if err := d.value(value, v, at); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(key.Value).Convert(into.Type().Key()), v)
		return nil
	})
}

// pairs walks over a mapping whose names are text and different.
func (d *decoder) pairs(n *yaml.Node, member string, each func(key, value *yaml.Node, at string) error) error {
	if n.Kind != yaml.MappingNode {
		return d.wrong(n, member, "%s is not a mapping of names to values", kindOf(n))
	}
	first := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			return d.wrong(key, member, "a name is plain text")
		}
		at := key.Value
		if member != "" {
			at = member + "." + key.Value
		}
		if line, twice := first[key.Value]; twice {
			return d.wrong(key, at, "it is given twice, first in line %d", line)
		}
		first[key.Value] = key.Line
		if err := each(key, value, at); err != nil {
			return err
		}
	}
	return nil
}

// list decodes a sequence.
func (d *decoder) list(n *yaml.Node, into reflect.Value, member string) error {
	if n.Kind != yaml.SequenceNode {
		return d.wrong(n, member, "%s is not a list", kindOf(n))
	}
	if into.Kind() == reflect.Slice {
		into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	}
	if len(n.Content) != into.Len() {
		return d.wrong(n, member, "it has %d elements, and %d are wanted", len(n.Content), into.Len())
	}
	for i, c := range n.Content {
		if err := d.value(c, into.Index(i), fmt.Sprintf("%s[%d]", member, i)); err != nil {
			return err
		}
	}
	return nil
}

// fieldsOf returns the fields of a struct by the name of their json tag, and the names.
func fieldsOf(t reflect.Type) (fields map[string]int, names []string) {
	fields = make(map[string]int)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "-" && name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	return fields, names
}

// meant proposes the nearest name, "" if none is near.
func meant(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); len(name) < 64 && d <= least {
			best, least = k, d-1
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0]++
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
