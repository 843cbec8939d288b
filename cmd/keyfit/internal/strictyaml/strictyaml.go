// Package strictyaml reads what people write in YAML or JSON into a Go value, strictly, by the
// json tags of its type.
//
// A member that does not exist, a value of another kind and a member given twice are errors
// that name the line, the member, what is allowed and the nearest name. It reads the document
// and nothing else: aliases, includes and tags of YAML are refused.
package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxSize is the largest document, in bytes.
const MaxSize = 4 << 20

// Error is a mistake in a file.
type Error struct {
	File    string
	Line    int    // from 1; 0 is unknown
	Member  string // such as "schemes[0].header"; empty is the whole file
	Problem string
}

// Error is one line: "acme.yaml:3: schemes[0].heder: there is no such member; …".
func (e *Error) Error() string {
	out := e.File
	if e.Line > 0 {
		out = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Member != "" {
		out += ": " + e.Member
	}
	return out + ": " + e.Problem
}

// Read reads a file, at most longest bytes of it and one more.
func Read(path string, longest int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer func() { _ = f.Close() }()                // it was only read
	return io.ReadAll(io.LimitReader(f, longest+1)) //nolint:wrapcheck // as above
}

// Lines are the places of the members of a document.
type Lines struct {
	file  string
	lines map[string]int // by member
}

// Decode decodes a document, which is one mapping, into a pointer to a struct. name stands in
// errors; needs says what a document of this kind must have. Of a mistake it returns an *Error.
func Decode(name string, document []byte, into any, needs string) (*Lines, error) {
	d := &decoder{Lines{name, make(map[string]int)}, needs}
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
func DecodeNode(name string, n *yaml.Node, into any) (*Lines, error) {
	d := &decoder{Lines{name, map[string]int{"": 1}}, ""}
	if n == nil {
		return &d.Lines, nil
	}
	if err := d.value(n, reflect.ValueOf(into).Elem(), ""); err != nil {
		return nil, err
	}
	return &d.Lines, nil
}

// Wrong returns the error for a member that was found to be wrong after decoding.
func (ln *Lines) Wrong(member, problem string) *Error {
	return &Error{ln.file, ln.of(member), member, problem}
}

// root parses the document, which is one mapping.
func (d *decoder) root(document []byte) (*yaml.Node, error) {
	if len(document) > MaxSize {
		return nil, &Error{d.file, 0, "", fmt.Sprintf("it has more than %d bytes", MaxSize)}
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(document)))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{d.file, 0, "", "it is empty; it needs " + d.needs}
	} else if err != nil {
		return nil, &Error{d.file, 0, "", "it is neither YAML nor JSON: " + OneLine(err)}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{d.file, more.Line, "", "it has more than one document; one is wanted"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &Error{d.file, 0, "", "it is empty; it needs " + d.needs}
	}
	return doc.Content[0], nil
}

// OneLine is the text of an error without line breaks and without the library's prefix.
func OneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "yaml: ", "")), " ")
}

// of returns the line of a member, or of the nearest one around it.
func (ln *Lines) of(member string) int {
	for member != "" {
		if line, ok := ln.lines[member]; ok {
			return line
		}
		member = member[:max(0, strings.LastIndexAny(member, ".["))]
	}
	return ln.lines[""]
}
