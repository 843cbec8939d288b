// Package openapifile reads an OpenAPI document, 3.0 or 3.1, as the description of an API
// that the mock plays: routes, schemes, scopes, answers and refusals. What a document does
// not say, a key's shape and life, limits and windows, the caller adds to the
// [mockserver.API]. [Document.Check] holds requests against the document.
//
//	doc, err := openapifile.Load("acme.openapi.yaml")
//	…
//	srv := mockserver.New(t, mockserver.WithAPI(doc.API()), mockserver.WithRequestCheck("acme", doc.Check()))
//
// Nothing is fetched: a reference to a host, or to a file outside the document's directory,
// is an error. So is everything that the mock cannot play; an [Error] says in which line.
package openapifile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v4"

	"github.com/keyfit/keyfit/mockserver"
)

// MaxSize is the largest document with all files that it refers to, in bytes.
const MaxSize = 16 << 20

// Error is a mistake in a document, or something in it that the mock cannot play.
type Error struct {
	File    string
	Line    int    // from 1; 0 is unknown
	Where   string // such as "GET /items/{id}"; empty is the whole document
	Problem string
}

// Error is one line: "acme.yaml:12: GET /items: …".
func (e *Error) Error() string {
	out := e.File
	if e.Line > 0 {
		out = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Where != "" {
		out += ": " + e.Where
	}
	return out + ": " + e.Problem
}

// Document is an OpenAPI document that was read. Its methods may be called by several
// goroutines.
type Document struct {
	file string
	spec *openapi3.T
	api  mockserver.API
	own  *yaml.Node            // x-keyfit
	ops  map[string]*operation // by the pattern with nameless wildcards
}

// Load reads a document, in YAML or JSON, and the files of its directory that it refers to.
func Load(path string) (*Document, error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	f, err := os.Open(path)            //nolint:gosec // the user's own choice
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return ParseIn(dir.FS(), path, data)
}

// Parse reads a document that refers to no file. name stands in errors, and its last element
// up to the first dot is the name of the API; the title is, if that is no name.
func Parse(name string, document []byte) (*Document, error) { return ParseIn(nil, name, document) }

// ParseIn reads a document as Parse does. The files that it refers to are those of dir. It
// returns an *Error for every mistake, also for one on which the library gives up.
func ParseIn(dir fs.FS, name string, document []byte) (doc *Document, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = nil, &Error{name, 0, "", "the document cannot be read: " + oneLine(fmt.Sprint(p))}
		}
	}()
	r := &reader{file: name, dir: dir, left: MaxSize}
	spec, err := r.load(document)
	if err != nil {
		return nil, err
	}
	im := &importer{reader: r, spec: spec, doc: &Document{file: name, spec: spec, own: r.own, ops: make(map[string]*operation)}}
	if err := im.all(); err != nil {
		return nil, err
	}
	return im.doc, nil
}

// API returns the description. The caller may change it; it has Schemes only if the document
// has some, and is checked by mockserver.WithAPI.
func (d *Document) API() mockserver.API { return d.api }

// Extension is the document's member x-keyfit, in which an author can write what OpenAPI
// has no member for; nil without one.
func (d *Document) Extension() *yaml.Node { return d.own }

// oneLine is a text of the library without line breaks, of bounded length.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	s = strings.ReplaceAll(strings.TrimPrefix(s, "yaml: "), ": yaml: ", ": ") // "acme.yaml: …" is a file
	return s[:min(len(s), 400)]
}

// asError makes an *Error of what the library returns, with the line if it has one.
func (r *reader) asError(err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	line := 0
	if at, ok := errors.AsType[interface {
		error
		OriginLine() int
	}](err); ok {
		line = at.OriginLine()
	}
	return &Error{r.file, line, "", oneLine(err.Error())}
}
