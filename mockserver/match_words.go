package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// valid returns an error for a Match that can never match on a server that plays these
// providers: a misspelt value would look like no requests.
func (m *Match) valid(played []Provider) error {
	if m.Provider != "" && !slices.Contains(played, m.Provider) {
		return fmt.Errorf("match: unknown provider; one of %s", joinProviders(played))
	}
	if m.Outcome != "" && !slices.Contains(Outcomes(), m.Outcome) {
		return fmt.Errorf("match: unknown outcome; one of %s", joinOutcomes())
	}
	if upper := strings.ToUpper(m.Method); upper != m.Method {
		return fmt.Errorf("match: method %.20q: methods are case-sensitive; did you mean %.20q?", m.Method, upper)
	}
	if m.Path != "" && m.Path[0] != '/' && m.Path[0] != '*' {
		return fmt.Errorf("match: path %.60q does not begin with a slash", m.Path)
	}
	return m.fineValid()
}

// fineValid returns an error for conditions that can never be met.
func (m *Match) fineValid() error {
	if slices.Contains(m.Headers, "") {
		return errors.New("match: headers: a name is empty")
	}
	for path, value := range m.Body {
		switch value.(type) {
		case nil, bool, string, float64, json.Number, int, int64, uint64:
		default:
			return fmt.Errorf("match: body: the value of %.60q is not a string, number, boolean or null; name a member of it", path)
		}
		if path == "" {
			return errors.New("match: body: a path is empty")
		}
	}
	return nil
}

// words says what the match selects, for people.
func (m *Match) words() string {
	var parts []string
	add := func(format, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, value))
		}
	}
	add("%s", strings.TrimSpace(m.Method+" "+m.Path))
	add("of %s", string(m.Provider))
	add("key %s", m.KeyID)
	add("outcome %s", string(m.Outcome))
	if m.Status != 0 {
		add("status %s", strconv.Itoa(m.Status))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Query)) {
		parts = append(parts, fmt.Sprintf("query %.60s=%.60s", name, m.Query[name]))
	}
	for _, name := range m.Headers {
		add("header %s", name)
	}
	for _, path := range slices.Sorted(maps.Keys(m.Body)) {
		value, err := json.Marshal(m.Body[path])
		if err != nil {
			value = []byte("?") // not a number of JSON
		}
		parts = append(parts, fmt.Sprintf("body %.60s=%.60s", path, value))
	}
	if parts == nil {
		return "any request"
	}
	return strings.Join(parts, ", ")
}
