// Package apifile reads the description of an API of one's own, a [mockserver.API], from a
// file in YAML or JSON, or from an OpenAPI document. docs/anyapi.md explains the members.
//
// It is strict: a member that does not exist, a value of another kind, a member given twice
// and whatever [mockserver.API.Valid] refuses are errors that name the line, the member, what
// is allowed and the nearest name. It reads the file and the OpenAPI document that the file
// names, and nothing else: aliases, includes and tags of YAML are refused.
package apifile

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/strictyaml"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// Load reads one API from a file: a description of ours, or an OpenAPI document. check holds
// requests against the OpenAPI document of the API; it is nil without one. Of a mistake it
// returns a *strictyaml.Error or an *openapifile.Error.
func Load(path string) (api mockserver.API, check mockserver.RequestCheck, err error) {
	data, err := strictyaml.Read(path, openapifile.MaxSize)
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
	var own description
	lines, err := strictyaml.Decode(name, document, &own, "name and schemes")
	if err != nil {
		return mockserver.API{}, err //nolint:wrapcheck // it names the file
	}
	if own.OpenAPI == "" {
		return checked(own.API, lines)
	}
	if !filepath.IsLocal(filepath.FromSlash(own.OpenAPI)) {
		return mockserver.API{}, lines.Wrong("openapi", fmt.Sprintf("%.100q is not a file beside this one or below", own.OpenAPI))
	}
	doc, err := load(own.OpenAPI)
	if wrong, ok := errors.AsType[*openapifile.Error](err); ok {
		return mockserver.API{}, wrong
	}
	if err != nil {
		return mockserver.API{}, lines.Wrong("openapi", strictyaml.OneLine(err))
	}
	return checked(onto(doc.API(), own.API), lines)
}

// checked returns an API that is valid.
func checked(a mockserver.API, lines *strictyaml.Lines) (mockserver.API, error) {
	if err := a.Valid(); err != nil {
		if wrong, ok := errors.AsType[*mockserver.DefinitionError](err); ok {
			return mockserver.API{}, lines.Wrong(wrong.Member, wrong.Problem)
		}
		return mockserver.API{}, lines.Wrong("", err.Error())
	}
	return a, nil
}
