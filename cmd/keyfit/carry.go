package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// requestMatch selects requests of the journal: also by what they carry.
type requestMatch struct {
	mockserver.Match
}

// requestFlags adds the flags that select requests of the journal.
func (a *app) requestFlags(cmd *cobra.Command, m *requestMatch) {
	a.outcomeFlags(cmd, &m.Match)
	f := cmd.Flags()
	f.Var(&pairValue{add: m.addQuery, want: "name=value, such as limit=50"}, "query", "only requests with this query parameter, as `name=value`; * is any value; may be repeated")
	f.Var(&pairValue{add: m.addHeader, want: "the name of a header, such as X-Request-Id"}, "header", "only requests with a header of this `name`; may be repeated")
	f.Var(&pairValue{add: m.addField, want: "member=value, such as user.name=Ann"}, "field", "only requests whose JSON body has this `member=value`, as user.name=Ann or /user/name=Ann; may be repeated")
}

// pairValue is a flag that may be repeated, and adds to a match each time.
type pairValue struct {
	text []string
	want string
	add  func(text string) bool
}

func (v *pairValue) String() string { return strings.Join(v.text, ",") }
func (v *pairValue) Type() string   { return "pair" }

func (v *pairValue) Set(text string) error {
	if !v.add(text) {
		return &cli.ValueError{Value: text, Want: v.want}
	}
	v.text = append(v.text, text)
	return nil
}

func (m *requestMatch) addQuery(text string) bool {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return false
	}
	if m.Query == nil {
		m.Query = make(map[string]string)
	}
	m.Query[name] = value
	return true
}

func (m *requestMatch) addHeader(text string) bool {
	if text == "" || strings.ContainsAny(text, " :=,\t\r\n") {
		return false
	}
	m.Headers = append(m.Headers, text)
	return true
}

// addField reads the value as JSON where it is a number, a truth value, null or in quotes.
func (m *requestMatch) addField(text string) bool {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return false
	}
	var member any = value
	var scalar any
	if json.Unmarshal([]byte(value), &scalar) == nil {
		switch scalar.(type) {
		case map[string]any, []any: // not compared
		default:
			member = scalar
		}
	}
	if m.Body == nil {
		m.Body = make(map[string]any)
	}
	m.Body[name] = member
	return true
}

// query is the match as parameters of a GET.
func (m *requestMatch) query() url.Values {
	q := matchQuery(&m.Match)
	if len(m.Query) > 0 {
		parameters := url.Values{}
		for name, value := range m.Query {
			parameters.Set(name, value)
		}
		q.Set("query", parameters.Encode())
	}
	if len(m.Headers) > 0 {
		q.Set("header", strings.Join(m.Headers, ","))
	}
	if len(m.Body) > 0 {
		data, err := json.Marshal(m.Body)
		if err == nil { // always: scalars of JSON
			q.Set("body", string(data))
		}
	}
	return q
}

// times says how many requests there have to be.
type times struct {
	exactly, atLeast, atMost int
	between                  string
}

func (n *times) add(f *pflag.FlagSet) {
	intFlag := func(to *int, name, usage string) { countFlag(f, to, name, usage) }
	intFlag(&n.exactly, "expect", "fail unless exactly `N` requests match")
	intFlag(&n.atLeast, "at-least", "fail unless at least `N` requests match")
	intFlag(&n.atMost, "at-most", "fail unless at most `N` requests match")
	flagvalue.Text(f, &n.between, "between", "fail unless `LOW:HIGH` requests match, as --at-least LOW --at-most HIGH", n.readRange)
}

// readRange reads the value of --between.
func (n *times) readRange(text string) (string, error) {
	lower, upper, ok := strings.Cut(text, ":")
	low, err := flagvalue.ParseInt(lower, 0, math.MaxInt32)
	high, err2 := flagvalue.ParseInt(upper, 0, math.MaxInt32)
	if !ok || err != nil || err2 != nil || low > high {
		return "", &cli.ValueError{Value: text, Want: "two numbers, the smaller one first, such as 1:3"}
	}
	n.atLeast, n.atMost = int(low), int(high)
	return text, nil
}

// within makes --between stand for both bounds.
func within(given func(flag string) bool) func(flag string) bool {
	return func(flag string) bool {
		return given(flag) || (flag == "at-least" || flag == "at-most") && given("between")
	}
}

// bounds are the limits that were given, by their names in the admin API. given reports
// whether a flag was given.
func (n *times) bounds(given func(flag string) bool) (map[string]any, error) {
	if given("between") && (given("expect") || given("at-least") || given("at-most")) {
		return nil, cli.Usagef("--between excludes --expect, --at-least and --at-most")
	}
	given = within(given)
	out := make(map[string]any)
	for flag, member := range map[string]string{"expect": "n", "at-least": "atLeast", "at-most": "atMost"} {
		if given(flag) {
			out[member] = map[string]int{"expect": n.exactly, "at-least": n.atLeast, "at-most": n.atMost}[flag]
		}
	}
	switch {
	case given("expect") && len(out) > 1:
		return nil, cli.Usagef("--expect excludes --at-least and --at-most")
	case given("at-least") && given("at-most") && n.atLeast > n.atMost:
		return nil, cli.Usagef("--at-least %d is more than --at-most %d", n.atLeast, n.atMost)
	}
	return out, nil
}

// met returns an error unless a count is within the bounds that were given.
func (n *times) met(c *mockserver.Counts, given func(flag string) bool) error {
	given = within(given)
	var wanted string
	var ok bool
	switch {
	case given("expect"):
		wanted, ok = strconv.Itoa(n.exactly), c.Total == n.exactly
	case given("at-least") && given("at-most"):
		wanted, ok = fmt.Sprintf("%d to %d", n.atLeast, n.atMost), c.Total >= n.atLeast && c.Total <= n.atMost
	case given("at-least"):
		wanted, ok = fmt.Sprintf("at least %d", n.atLeast), c.Total >= n.atLeast
	case given("at-most"):
		wanted, ok = fmt.Sprintf("at most %d", n.atMost), c.Total <= n.atMost
	default:
		return nil
	}
	if !ok {
		return fmt.Errorf("%d requests match, expected %s", c.Total, wanted)
	}
	if c.Folded > 0 {
		return fmt.Errorf("%d requests match and %d more may, expected %s: there were more kinds of requests than are counted one by one", c.Total, c.Folded, wanted)
	}
	return nil
}

// elsewhere says which outcomes the requests had that a match by outcome leaves out.
func elsewhere(m *requestMatch, c *mockserver.Counts) string {
	var parts []string
	for _, o := range slices.Sorted(maps.Keys(c.ByOutcome)) {
		if o != m.Outcome && c.ByOutcome[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.ByOutcome[o], o))
		}
	}
	return strings.Join(parts, ", ")
}
