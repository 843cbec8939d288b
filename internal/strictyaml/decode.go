package strictyaml

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Decode decodes a document, which is one mapping, into a pointer to a struct. name stands in
// errors. Of a mistake it returns an *Error.
func (rd Reader) Decode(name string, document []byte, into any) (*Lines, error) {
	d := &decoder{Lines{name, make(map[string]int)}, rd}
	root, err := d.root(document)
	if err != nil {
		return nil, err
	}
	if err := d.value(root, reflect.ValueOf(into).Elem(), ""); err != nil {
		return nil, err
	}
	return &d.Lines, nil
}

// DecodeNode decodes a part of a document that was parsed already, as Decode does; nil is a
// part without members.
func (rd Reader) DecodeNode(name string, n *yaml.Node, into any) (*Lines, error) {
	d := &decoder{Lines{name, map[string]int{"": 1}}, rd}
	if n == nil {
		return &d.Lines, nil
	}
	if err := d.value(n, reflect.ValueOf(into).Elem(), ""); err != nil {
		return nil, err
	}
	return &d.Lines, nil
}

// decoder fills a Go value from a document, by the json tags of its type, and remembers
// where each member stands.
type decoder struct {
	Lines
	Reader
}

func (d *decoder) wrong(n *yaml.Node, member, problem string, args ...any) error {
	return &Error{d.file, n.Line, member, fmt.Sprintf(problem, args...)}
}

// root parses the document, which is one mapping.
func (d *decoder) root(document []byte) (*yaml.Node, error) {
	if len(document) > MaxSize {
		return nil, &Error{d.file, 0, "", fmt.Sprintf("it has more than %d bytes", MaxSize)}
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(document)))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{d.file, 0, "", "it is empty; it needs " + d.Needs}
	} else if err != nil {
		return nil, &Error{d.file, 0, "", "it is neither YAML nor JSON: " + OneLine(err)}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{d.file, more.Line, "", "it has more than one document; one is wanted"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &Error{d.file, 0, "", "it is empty; it needs " + d.Needs}
	}
	return doc.Content[0], nil
}

// value decodes a node.
func (d *decoder) value(n *yaml.Node, into reflect.Value, member string) error {
	d.lines[member] = n.Line
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return d.wrong(n, member, "anchors and aliases of YAML are not allowed; write it out")
	case n.Style&yaml.TaggedStyle != 0:
		return d.wrong(n, member, "tags of YAML are not allowed")
	case isDuration(into):
		return d.duration(n, into, member)
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		return d.value(n, into.Elem(), member)
	}
	if slices.Contains(d.ByMember, into.Type()) { // its own reader knows no lines
		return d.object(n, into, member)
	}
	if _, own := reflect.TypeAssert[json.Unmarshaler](into.Addr()); own {
		return d.leaf(n, into, member)
	}
	if text, own := reflect.TypeAssert[encoding.TextUnmarshaler](into.Addr()); own {
		return d.text(n, text, member)
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
	case reflect.Int, reflect.Int64:
		return d.scalar(n, "!!int", "a whole number", into, member)
	case reflect.Uint64:
		return d.scalar(n, "!!int", "a whole number of 0 or more", into, member)
	case reflect.Float64:
		return d.number(n, into, member)
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

// number decodes a number, whole or not.
func (d *decoder) number(n *yaml.Node, into reflect.Value, member string) error {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" || n.Decode(into.Addr().Interface()) != nil {
		return d.wrong(n, member, "%s is not a number", kindOf(n))
	}
	return nil
}

// text decodes a value that reads text itself.
func (d *decoder) text(n *yaml.Node, into encoding.TextUnmarshaler, member string) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
		return d.wrong(n, member, "%s is not text; put it in quotes", kindOf(n))
	}
	if err := into.UnmarshalText([]byte(n.Value)); err != nil {
		return d.wrong(n, member, "%s", OneLine(err))
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

// isDuration reports whether a value is a time.Duration, or one with text of its own.
func isDuration(v reflect.Value) bool {
	_, own := reflect.TypeAssert[interface{ Std() time.Duration }](v)
	return v.Type() == reflect.TypeFor[time.Duration]() || own && v.Kind() == reflect.Int64
}

// duration decodes "90s", "24h" or "365d".
func (d *decoder) duration(n *yaml.Node, into reflect.Value, member string) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		if length, err := d.Duration(n.Value); err == nil {
			into.SetInt(int64(length))
			return nil
		}
	}
	return d.wrong(n, member, "%s is no duration, such as 90s, 24h or 365d", kindOf(n))
}

// leaf decodes a value that reads JSON itself: a limit, hints.
func (d *decoder) leaf(n *yaml.Node, into reflect.Value, member string) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return d.wrong(n, member, "it is an empty value")
	}
	if err := d.decodeJSON(n, into.Addr().Interface()); err != nil {
		return d.wrong(n, member, "%s", OneLine(err))
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
		return d.value(value, into.FieldByIndex(i), at)
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
