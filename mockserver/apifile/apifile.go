// Package apifile reads the description of an API of one's own, a [mockserver.API], from a
// file in YAML or JSON, or from an OpenAPI document. docs/anyapi.md explains the members.
//
//	acme, err := apifile.Load("acme.yaml")
//	…
//	srv := mockserver.New(t, mockserver.WithAPI(acme.API))
//
// It is strict: a member that does not exist, a value of another kind, a member given twice
// and whatever [mockserver.API.Valid] refuses are errors that name the line, the member, what
// is allowed and the nearest name. It reads the file and the OpenAPI document that the file
// names, and nothing else: aliases, includes and tags of YAML are refused.
package apifile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/keyfit/keyfit/internal/strictyaml"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// Description is what a file describes.
type Description struct {
	API mockserver.API // valid, for mockserver.WithAPI
	// Check holds requests against the OpenAPI document of the API, for
	// mockserver.WithRequestCheck; nil, which checks nothing, if it has none.
	Check mockserver.RequestCheck
}

// Error is a mistake in a file, or in an OpenAPI document that it names.
type Error struct {
	File    string
	Line    int    // from 1; 0 is unknown
	Member  string // such as "schemes[0].header", or "GET /items" of a document; empty is the whole file
	Problem string
}

// Error is one line: "acme.yaml:3: schemes[0].heder: there is no such member; …".
func (e *Error) Error() string { return (*strictyaml.Error)(e).Error() }

// Load reads one API from a file: a description of ours, of at most 4 MiB, or an OpenAPI
// document. Of a mistake it returns an *Error.
// The file may be a pipe, which is read once; what it names lies in its directory.
func Load(file string) (Description, error) {
	data, err := strictyaml.Read(file, openapifile.MaxSize)
	if err != nil {
		return Description{}, fmt.Errorf("api file: %w", err)
	}
	dir, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return Description{}, fmt.Errorf("api file: %w", err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	return parse(dir.FS(), file, data)
}

// LoadFS reads one API as Load does, from a file system, such as that of go:embed, whose
// files it may name.
func LoadFS(files fs.FS, name string) (Description, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return Description{}, fmt.Errorf("api file: %w", err)
	}
	dir, err := fs.Sub(files, path.Dir(name))
	if err != nil {
		return Description{}, fmt.Errorf("api file: %w", err)
	}
	return parse(dir, name, data)
}

// Parse reads one API as Load does, from text that names no other file. name stands in errors.
func Parse(name string, text []byte) (Description, error) { return parse(nil, name, text) }

// parse reads text that may name files of dir; nil has none.
func parse(dir fs.FS, name string, text []byte) (Description, error) {
	if isDocument(text) {
		doc, err := openapifile.ParseIn(dir, name, text)
		return fromDocument(name, doc, err)
	}
	return fromOwn(dir, name, text)
}

// fromOwn reads a description of ours, which may stand on an OpenAPI document.
func fromOwn(dir fs.FS, name string, text []byte) (Description, error) {
	var own written
	lines, err := reader().Decode(name, text, &own)
	if err != nil {
		return Description{}, asError(err)
	}
	if own.OpenAPI == "" {
		return checked(own.API, nil, lines)
	}
	if !filepath.IsLocal(filepath.FromSlash(own.OpenAPI)) {
		return Description{}, asError(lines.Wrong("openapi", fmt.Sprintf("%.100q is not a file beside this one or below", own.OpenAPI)))
	}
	doc, err := document(dir, filepath.Dir(name), own.OpenAPI)
	if _, wrong := errors.AsType[*openapifile.Error](err); wrong {
		return Description{}, asError(err)
	}
	if err != nil {
		return Description{}, asError(lines.Wrong("openapi", strictyaml.OneLine(err)))
	}
	return checked(onto(doc.API(), own.API), doc.Check(), lines)
}

// document reads the OpenAPI document of that name, of a description in the directory at.
func document(dir fs.FS, at, name string) (*openapifile.Document, error) {
	if dir == nil {
		return nil, errors.New("the description was not read from a file, so it cannot name one")
	}
	name = path.Clean(filepath.ToSlash(name))
	f, err := dir.Open(name)
	if wrong, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("%.100q cannot be read beside this file: %w", name, wrong.Err)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says for what
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, openapifile.MaxSize+1))
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	beside, err := fs.Sub(dir, path.Dir(name))
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	return openapifile.ParseIn(beside, filepath.Join(at, filepath.FromSlash(name)), text) //nolint:wrapcheck // it names the file
}

// checked returns what describes an API that is valid.
func checked(a mockserver.API, check mockserver.RequestCheck, lines *strictyaml.Lines) (Description, error) {
	err := a.Valid()
	if wrong, ok := errors.AsType[*mockserver.DefinitionError](err); ok {
		return Description{}, asError(lines.Wrong(wrong.Member, wrong.Problem))
	}
	if err != nil {
		return Description{}, asError(lines.Wrong("", err.Error()))
	}
	return Description{a, check}, nil
}

// reader is that of descriptions.
func reader() strictyaml.Reader {
	return strictyaml.Reader{
		Needs: "name and schemes",
		Duration: func(text string) (time.Duration, error) {
			d, err := mockserver.ParseDuration(text)
			return d.Std(), err //nolint:wrapcheck // strictyaml says where
		},
	}
}

// asError makes an *Error of a mistake that either reader has found.
func asError(err error) error {
	if wrong, ok := errors.AsType[*strictyaml.Error](err); ok {
		return (*Error)(wrong)
	}
	if wrong, ok := errors.AsType[*openapifile.Error](err); ok {
		return &Error{wrong.File, wrong.Line, wrong.Where, wrong.Problem}
	}
	return err
}
