// Package scenariofile reads a scenario of bad days, a [mockserver.Scenario], from a file in
// YAML or JSON, and writes one. docs/scenarios.md explains the members.
//
//	day, err := scenariofile.Load("bad-day.yaml", "acme")
//	…
//	playing, err := srv.Play(day)
//
// It is strict: a member that does not exist, a value of another kind, a member given twice
// and whatever [mockserver.Scenario.ValidFor] refuses are errors that name the line, the
// member, what is allowed and the nearest name. It reads the file and nothing else.
package scenariofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyfit/keyfit/internal/strictyaml"
	"github.com/keyfit/keyfit/mockserver"
)

// Error is a mistake in a file.
type Error struct {
	File    string
	Line    int    // from 1; 0 is unknown
	Member  string // such as "steps[0].rotate.overlap"; empty is the whole file
	Problem string
}

// Error is one line: "my-day.yaml:6: steps[0].rotate.overlp: there is no such member; …".
func (e *Error) Error() string { return (*strictyaml.Error)(e).Error() }

// Load reads a scenario from a file of at most 4 MiB, for a mock that plays these providers;
// without any, for every mock. Of a mistake it returns an *Error.
func Load(path string, played ...mockserver.Provider) (mockserver.Scenario, error) {
	data, err := strictyaml.Read(path, strictyaml.MaxSize)
	if wrong, ok := errors.AsType[*fs.PathError](err); ok {
		err = wrong.Err
	}
	if err != nil {
		return mockserver.Scenario{}, fmt.Errorf("scenario file %q: %w", path, err)
	}
	return Parse(path, data, played...)
}

// Parse reads a scenario as Load does, from text. name stands in errors.
func Parse(name string, text []byte, played ...mockserver.Provider) (mockserver.Scenario, error) {
	var s mockserver.Scenario
	lines, err := reader().Decode(name, text, &s)
	if err != nil {
		return mockserver.Scenario{}, asError(err)
	}
	if err := s.ValidFor(played); err != nil {
		if wrong, ok := errors.AsType[*mockserver.ScenarioError](err); ok {
			return mockserver.Scenario{}, asError(lines.Wrong(wrong.Member, wrong.Problem))
		}
		return mockserver.Scenario{}, asError(lines.Wrong("", err.Error()))
	}
	return s, nil
}

// asError makes an *Error of a mistake that the reader has found.
func asError(err error) error {
	if wrong, ok := errors.AsType[*strictyaml.Error](err); ok {
		return (*Error)(wrong)
	}
	return err
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
