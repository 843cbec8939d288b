// Package scenariofile reads a scenario of bad days, a [mockserver.Scenario], from a file in
// YAML or JSON, as strictly as package strictyaml does, and writes one. docs/scenarios.md
// explains the members.
package scenariofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/internal/strictyaml"
	"github.com/keyfit/keyfit/mockserver"
)

// Find returns the ready scenario of that name or, for anything that looks like a path, the
// scenario of a file, checked for a mock that plays these providers.
func Find(nameOrFile string, played []mockserver.Provider) (mockserver.Scenario, error) {
	var names []string
	for _, s := range mockserver.Scenarios() {
		if s.Name == nameOrFile {
			return s, nil
		}
		names = append(names, s.Name)
	}
	data, err := strictyaml.Read(nameOrFile, strictyaml.MaxSize)
	isPath := strings.ContainsAny(nameOrFile, `/\`) || filepath.Ext(nameOrFile) != ""
	switch {
	case errors.Is(err, fs.ErrNotExist) && !isPath:
		return mockserver.Scenario{}, cli.Unknown("the scenario", nameOrFile, names)
	case err != nil:
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return mockserver.Scenario{}, fmt.Errorf("scenario file %q: %w", nameOrFile, err)
	}
	return Parse(nameOrFile, data, played)
}

// Parse reads a scenario from a document. name stands in errors. Of a mistake it returns a
// *strictyaml.Error.
func Parse(name string, document []byte, played []mockserver.Provider) (mockserver.Scenario, error) {
	var s mockserver.Scenario
	lines, err := reader().Decode(name, document, &s)
	if err != nil {
		return mockserver.Scenario{}, err //nolint:wrapcheck // it names the file
	}
	if err := s.ValidFor(played); err != nil {
		if wrong, ok := errors.AsType[*mockserver.ScenarioError](err); ok {
			return mockserver.Scenario{}, lines.Wrong(wrong.Member, wrong.Problem)
		}
		return mockserver.Scenario{}, lines.Wrong("", err.Error())
	}
	return s, nil
}

// reader is that of scenarios.
func reader() strictyaml.Reader {
	return strictyaml.Reader{
		Needs:    "name and steps",
		ByMember: []reflect.Type{reflect.TypeFor[mockserver.Fault]()},
		Duration: func(text string) (time.Duration, error) {
			d, err := mockserver.ParseDuration(text)
			return d.Std(), err //nolint:wrapcheck // strictyaml says where
		},
	}
}

// Write returns a scenario as YAML, which Parse reads.
func Write(s mockserver.Scenario) ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	var doc yaml.Node // JSON is YAML, and keeps the order of the members
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	plain(&doc)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return out.Bytes(), nil
}

// plain takes the style of JSON from a node, but for what would be read as another kind.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}
