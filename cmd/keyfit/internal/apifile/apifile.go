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
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
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

// Load reads one API from a file: a description of ours, or an OpenAPI document. check holds
// requests against the OpenAPI document of the API; it is nil without one. Of a mistake it
// returns an *Error or an *openapifile.Error.
func Load(path string) (api mockserver.API, check mockserver.RequestCheck, err error) {
	f, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return mockserver.API{}, nil, fmt.Errorf("api file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, openapifile.MaxSize+1))
	if err != nil {
		return mockserver.API{}, nil, fmt.Errorf("api file: %w", err)
	}
	if isDocument(data) {
		doc, err := openapifile.Load(path)
		if err != nil {
			return mockserver.API{}, nil, err //nolint:wrapcheck // it names the file
		}
		return fromDocument(path, doc)
	}
	var doc *openapifile.Document
	api, err = parse(path, data, func(name string) (*openapifile.Document, error) {
		doc, err = openapifile.Load(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
		return doc, err
	})
	if err != nil || doc == nil {
		return api, nil, err
	}
	return api, doc.Check(), nil
}

// Parse reads one API from a description of ours that names no OpenAPI document. name
// stands in errors.
func Parse(name string, document []byte) (mockserver.API, error) {
	return parse(name, document, func(string) (*openapifile.Document, error) {
		return nil, errors.New("it was not read from a file, so it cannot name one")
	})
}

// parse reads a description, which may stand on an OpenAPI document that load reads.
func parse(name string, document []byte, load func(string) (*openapifile.Document, error)) (mockserver.API, error) {
	d := &decoder{file: name, lines: make(map[string]int)}
	root, err := d.root(document)
	if err != nil {
		return mockserver.API{}, err
	}
	var own description
	if err := d.value(root, reflect.ValueOf(&own).Elem(), ""); err != nil {
		return mockserver.API{}, err
	}
	a := own.API
	if own.OpenAPI != "" {
		if !filepath.IsLocal(filepath.FromSlash(own.OpenAPI)) {
			return mockserver.API{}, &Error{name, d.lineOf("openapi"), "openapi", fmt.Sprintf("%.100q is not a file beside this one or below", own.OpenAPI)}
		}
		doc, err := load(own.OpenAPI)
		if wrong, ok := errors.AsType[*openapifile.Error](err); ok {
			return mockserver.API{}, wrong
		}
		if err != nil {
			return mockserver.API{}, &Error{name, d.lineOf("openapi"), "openapi", oneLine(err)}
		}
		a = onto(doc.API(), a)
	}
	return d.checked(a)
}

// checked returns an API that is valid.
func (d *decoder) checked(a mockserver.API) (mockserver.API, error) {
	name := d.file
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
