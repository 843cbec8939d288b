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

	"github.com/keyfit/keyfit/cmd/keyfit/internal/strictyaml"
	"github.com/keyfit/keyfit/mockserver"
)

// Load reads one API from a file. Of a mistake it returns a *strictyaml.Error.
func Load(path string) (mockserver.API, error) {
	data, err := strictyaml.Read(path)
	if err != nil {
		return mockserver.API{}, fmt.Errorf("api file: %w", err)
	}
	return Parse(path, data)
}

// Parse reads one API from a document. name stands in errors.
func Parse(name string, document []byte) (mockserver.API, error) {
	var a mockserver.API
	lines, err := strictyaml.Decode(name, document, &a, "name and schemes")
	if err != nil {
		return mockserver.API{}, err //nolint:wrapcheck // it names the file
	}
	if err := a.Valid(); err != nil {
		if wrong, ok := errors.AsType[*mockserver.DefinitionError](err); ok {
			return mockserver.API{}, lines.Wrong(wrong.Member, wrong.Problem)
		}
		return mockserver.API{}, lines.Wrong("", err.Error())
	}
	return a, nil
}
