package odata

import (
	"net/url"
	"strconv"
	"strings"
)

// Query is a checked query. The zero Query selects everything.
type Query struct {
	typ     *Type
	filter  node
	orderBy []orderKey
	top     int // -1: no limit
	skip    int
	Count   bool // $count=true
	token   skipToken
	shape   *shape
}

type orderKey struct {
	by   node
	desc bool
}

// shape is the part of a row that is written: properties and expanded relations.
type shape struct {
	typ      *Type
	selected []int // indices of the selected properties, in the type's order
	explicit bool  // $select was given
	expand   []expansion
}

type expansion struct {
	link  int
	shape *shape
}

// Options is the set of query options that a request may use.
type Options uint8

const (
	// ForOne allows the options of a request for one entity: $select and $expand.
	ForOne Options = iota
	// ForMany allows all options; it is for a request for a collection.
	ForMany
	// ForCount allows $filter; it is for the number of a collection's members.
	ForCount
)

// Parse parses a raw query string, without the leading "?", for rows of t. It
// takes the raw text because a semicolon separates nested options in $expand,
// and net/url refuses semicolons. Every error is an *Error.
func Parse(t *Type, raw string, allowed Options) (*Query, error) {
	if len(raw) > maxQuery {
		return nil, fail("The query is longer than %d characters.", maxQuery)
	}
	q := &Query{typ: t, top: -1, shape: &shape{typ: t}}
	seen := make(map[string]bool)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, err := unescape(pair)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, fail("Query option '%s' was specified more than once, but it must be specified at most once.", clip(name))
		}
		seen[name] = true
		if err := q.set(name, value, allowed); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func unescape(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(rawName); err == nil {
		value, err = url.QueryUnescape(rawValue)
	}
	if err != nil {
		return "", "", fail("The query holds a broken percent-encoding.")
	}
	return strings.TrimSpace(name), strings.TrimSpace(value), nil
}

func (q *Query) set(name, value string, allowed Options) (err error) {
	if allowed == ForCount {
		if name != "$filter" {
			return fail("The query parameter '%s' is not supported.", clip(name))
		}
		q.filter, err = parseFilter(q.typ, value)
		return err
	}
	switch name {
	case "$select":
		return q.shape.setSelect(value)
	case "$expand":
		return q.shape.setExpand(value, 1)
	case "$format":
		if kind, _, _ := strings.Cut(strings.ToLower(value), ";"); kind == "json" || kind == "application/json" {
			return nil
		}
		return fail("The query option '$format' with the value '%s' is not supported.", clip(value))
	}
	if allowed == ForMany {
		switch name {
		case "$filter":
			q.filter, err = parseFilter(q.typ, value)
			return err
		case "$orderby":
			q.orderBy, err = parseOrderBy(q.typ, value)
			return err
		case "$top":
			q.top, err = natural(name, value)
			return err
		case "$skip":
			q.skip, err = natural(name, value)
			return err
		case "$skiptoken":
			q.token, err = parseSkipToken(value)
			return err
		case "$count":
			q.Count = value == "true"
			if !q.Count && value != "false" {
				return fail("Invalid value '%s' for $count query option found. Valid values are 'false', 'true'.", clip(value))
			}
			return nil
		}
	}
	return fail("The query parameter '%s' is not supported.", clip(name))
}

func natural(name, value string) (int, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return 0, fail("Invalid value '%s' for %s query option found. The %s query option requires a non-negative integer value.", clip(value), name, name)
	}
	return int(n), nil
}

func parseOrderBy(t *Type, src string) ([]orderKey, error) {
	p, err := newParser(t, src)
	if err != nil {
		return nil, err
	}
	var keys []orderKey
	for {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		key := orderKey{by: n, desc: p.isWord("desc")}
		if key.desc || p.isWord("asc") {
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		if keys = append(keys, key); len(keys) > maxOrderBy {
			return nil, fail("The number of clauses in $orderby query option is %d or more.", maxOrderBy)
		}
		if p.tok.kind == tokEnd {
			return keys, nil
		}
		if !p.isPunct(",") {
			return nil, p.syntax()
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// setSelect parses "a,b" or "*". A relation may be named, but only $expand
// includes it.
func (s *shape) setSelect(value string) error {
	s.explicit = true
	chosen := make([]bool, len(s.typ.Props))
	for item := range strings.SplitSeq(value, ",") {
		name := strings.TrimSpace(item)
		i := s.typ.prop(name)
		switch {
		case name == "*":
			for i := range chosen {
				chosen[i] = true
			}
		case name == "":
			return fail("Term '%s' is not valid in a $select or $expand expression.", clip(value))
		case i >= 0:
			chosen[i] = true
		case s.typ.link(name) < 0:
			return noSuchProperty(name, s.typ)
		}
	}
	s.selected = make([]int, 0, len(chosen))
	for i, yes := range chosen {
		if yes {
			s.selected = append(s.selected, i)
		}
	}
	return nil
}

// setExpand parses "a,b($select=c;$expand=d)".
func (s *shape) setExpand(value string, depth int) error {
	if depth > maxExpand {
		return fail("The request includes a $expand path which is too deep. The maximum depth allowed is %d.", maxExpand)
	}
	items, err := split(value, ',')
	if err != nil {
		return err
	}
	for _, item := range items {
		name, options, nested := strings.Cut(item, "(")
		name = strings.TrimSpace(name)
		i := s.typ.link(name)
		switch {
		case name == "":
			return fail("Term '%s' is not valid in a $select or $expand expression.", clip(value))
		case name == "*" && !nested:
			for i := range s.typ.Links {
				s.add(i, &shape{typ: s.typ.Links[i].Type})
			}
			continue
		case i < 0 && s.typ.prop(name) >= 0:
			return fail("Property '%s' on type '%s' is not a navigation property or complex property. Only navigation properties can be expanded.", clip(name), s.typ.Name)
		case i < 0:
			return noSuchProperty(name, s.typ)
		}
		inner := &shape{typ: s.typ.Links[i].Type}
		if nested {
			options, closed := strings.CutSuffix(strings.TrimSpace(options), ")")
			if !closed {
				return fail("')' expected at the end of '%s'.", clip(item))
			}
			if err := inner.setOptions(options, depth); err != nil {
				return err
			}
		}
		if !s.add(i, inner) {
			return fail("The navigation property '%s' is expanded more than once.", clip(name))
		}
	}
	return nil
}

func (s *shape) add(link int, inner *shape) bool {
	for _, e := range s.expand {
		if e.link == link {
			return false
		}
	}
	s.expand = append(s.expand, expansion{link, inner})
	return true
}

// setOptions parses the options in the parentheses of an expanded relation. A
// relation leads to at most one row, so only $select and $expand apply.
func (s *shape) setOptions(value string, depth int) error {
	options, err := split(value, ';')
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, option := range options {
		name, arg, _ := strings.Cut(option, "=")
		name, arg = strings.TrimSpace(name), strings.TrimSpace(arg)
		if seen[name] {
			return fail("Query option '%s' was specified more than once, but it must be specified at most once.", clip(name))
		}
		seen[name] = true
		switch name {
		case "$select":
			err = s.setSelect(arg)
		case "$expand":
			err = s.setExpand(arg, depth+1)
		default:
			err = fail("The query option '%s' is not supported in $expand of a single-valued navigation property.", clip(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// split splits s at each sep outside parentheses and quotes.
func split(s string, sep byte) ([]string, error) {
	var parts []string
	depth, start, quoted := 0, 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
			if depth < 0 {
				return nil, fail("Syntax error at position %d in '%s'.", i, clip(s))
			}
		case c == sep && depth == 0:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	if depth != 0 || quoted {
		return nil, fail("')' or a closing quote is missing in '%s'.", clip(s))
	}
	return append(parts, s[start:]), nil
}
