// Package apifile reads the description of an API of one's own, a [mockserver.API], from a
// file in YAML or JSON. docs/anyapi.md explains the members.
//
// It is strict: a member that does not exist, a value of another kind, a member given twice
// and whatever [mockserver.API.Valid] refuses are errors that name the line, the member, what
// is allowed and the nearest name. It reads the file and nothing else: aliases, includes and
// tags of YAML are refused.
package apifile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/keyfit/keyfit/mockserver"
)

// MaxSize is the largest file, in bytes.
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

// Load reads one API from a file. Of a mistake it returns an *Error.
func Load(path string) (mockserver.API, error) {
	f, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return mockserver.API{}, fmt.Errorf("api file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return mockserver.API{}, fmt.Errorf("api file: %w", err)
	}
	return Parse(path, data)
}

// Parse reads one API from a document. name stands in errors.
func Parse(name string, document []byte) (mockserver.API, error) {
	d := &decoder{file: name, lines: make(map[string]int)}
	var a mockserver.API
	root, err := d.root(document)
	if err != nil {
		return mockserver.API{}, err
	}
	if err := d.value(root, reflect.ValueOf(&a).Elem(), ""); err != nil {
		return mockserver.API{}, err
	}
	if err := a.Valid(); err != nil {
		wrong, ok := errors.AsType[*mockserver.DefinitionError](err)
		if !ok {
			return mockserver.API{}, &Error{name, 0, "", err.Error()}
		}
		return mockserver.API{}, &Error{name, d.lineOf(wrong.Member), wrong.Member, wrong.Problem}
	}
	return a, nil
}

// root parses the document, which is one mapping.
func (d *decoder) root(document []byte) (*yaml.Node, error) {
	if len(document) > MaxSize {
		return nil, &Error{d.file, 0, "", fmt.Sprintf("it has more than %d bytes", MaxSize)}
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(document)))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{d.file, 0, "", "it is empty; it needs name and schemes"}
	} else if err != nil {
		return nil, &Error{d.file, 0, "", "it is neither YAML nor JSON: " + oneLine(err)}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{d.file, more.Line, "", "it has more than one document; a file describes one API"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &Error{d.file, 0, "", "it is empty; it needs name and schemes"}
	}
	return doc.Content[0], nil
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "yaml: ", "")), " ")
}

// lineOf returns the line of a member, or of the nearest one around it.
func (d *decoder) lineOf(member string) int {
	for member != "" {
		if line, ok := d.lines[member]; ok {
			return line
		}
		member = member[:max(0, strings.LastIndexAny(member, ".["))]
	}
	return d.lines[""]
}
