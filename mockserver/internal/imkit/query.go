package imkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
)

// This file implements the part of MongoDB's query language that the page
// list-users documents, and $and, $or, $nor and $not. Queries are bounded. Regular
// expressions are Go's, which match in linear time; look-ahead and
// back-references are refused.

const (
	maxQuery   = 8 << 10
	maxDepth   = 20
	maxPattern = 512     // bytes of a regular expression
	maxProgram = 500     // instructions of its program: x{1000} has a thousand
	maxSubject = 4 << 10 // bytes of a value that are matched
)

var errQuery = errors.New("imkit: invalid query")

// filter reports whether a document matches. The values of a document are of type
// string, float64, bool, time.Time or []string.
type filter func(doc map[string]any) bool

// predicate reports whether a value matches; nil means that the field is absent.
type predicate func(value any) bool

// parseFilter parses a query; "" matches everything.
func parseFilter(q string) (filter, error) {
	if strings.TrimSpace(q) == "" {
		return func(map[string]any) bool { return true }, nil
	}
	if len(q) > maxQuery {
		return nil, errQuery
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(q)))
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return nil, errQuery
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errQuery
	}
	return parseObject(object, 0)
}

func parseObject(object map[string]any, depth int) (filter, error) {
	if depth > maxDepth {
		return nil, errQuery
	}
	all := make([]filter, 0, len(object))
	for name, value := range object {
		var f filter
		var err error
		if strings.HasPrefix(name, "$") {
			f, err = parseLogic(name, value, depth+1)
		} else {
			var t predicate
			t, err = parseTest(value, depth+1)
			f = func(doc map[string]any) bool { return t(doc[name]) }
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return every(all), nil
}

func every(all []filter) filter {
	return func(doc map[string]any) bool {
		return !slices.ContainsFunc(all, func(f filter) bool { return !f(doc) })
	}
}

func parseLogic(name string, value any, depth int) (filter, error) {
	items, ok := value.([]any)
	if !ok || len(items) == 0 {
		return nil, errQuery
	}
	parts := make([]filter, 0, len(items))
	for _, item := range items {
		object, ok := item.(map[string]any)
		if !ok {
			return nil, errQuery
		}
		f, err := parseObject(object, depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f)
	}
	some := func(doc map[string]any) bool {
		return slices.ContainsFunc(parts, func(f filter) bool { return f(doc) })
	}
	switch name {
	case "$and":
		return every(parts), nil
	case "$or":
		return some, nil
	case "$nor":
		return func(doc map[string]any) bool { return !some(doc) }, nil
	}
	return nil, errQuery
}

// parseTest parses the condition of a field: a value, or an object of operators.
func parseTest(value any, depth int) (predicate, error) {
	if depth > maxDepth {
		return nil, errQuery
	}
	object, ok := value.(map[string]any)
	if !ok {
		return equal(value)
	}
	tests := make([]predicate, 0, len(object))
	for op, operand := range object {
		if op == "$options" { // belongs to $regex
			if _, ok := object["$regex"]; !ok {
				return nil, errQuery
			}
			continue
		}
		t, err := parseOperator(op, operand, object["$options"], depth+1)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return func(v any) bool { return !slices.ContainsFunc(tests, func(t predicate) bool { return !t(v) }) }, nil
}

func parseOperator(op string, operand, options any, depth int) (predicate, error) {
	switch op {
	case "$eq":
		return equal(operand)
	case "$ne":
		return negate(equal(operand))
	case "$gt", "$gte", "$lt", "$lte":
		return compare(op, operand)
	case "$in":
		return oneOf(operand)
	case "$nin":
		return negate(oneOf(operand))
	case "$regex":
		return matches(operand, options)
	case "$exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, errQuery
		}
		return func(v any) bool { return (v != nil) == want }, nil
	case "$type":
		return hasType(operand)
	case "$not":
		if _, ok := operand.(map[string]any); !ok {
			return nil, errQuery
		}
		return negate(parseTest(operand, depth))
	}
	return nil, errQuery
}

func negate(t predicate, err error) (predicate, error) {
	if err != nil {
		return nil, err
	}
	return func(v any) bool { return !t(v) }, nil
}

// equal compares with a scalar. An array matches if one element does; null matches
// an absent field.
func equal(operand any) (predicate, error) {
	switch operand.(type) {
	case nil, string, float64, bool:
	default:
		return nil, errQuery
	}
	return func(v any) bool {
		if list, ok := v.([]string); ok {
			s, isText := operand.(string)
			return isText && slices.Contains(list, s)
		}
		if at, ok := v.(time.Time); ok {
			other, ok := asTime(operand)
			return ok && at.Equal(other)
		}
		return v == operand
	}, nil
}

func compare(op string, operand any) (predicate, error) {
	switch operand.(type) {
	case string, float64:
	default:
		return nil, errQuery
	}
	return func(v any) bool {
		n, ok := ordered(v, operand)
		switch {
		case !ok:
			return false
		case op == "$gt":
			return n > 0
		case op == "$gte":
			return n >= 0
		case op == "$lt":
			return n < 0
		}
		return n <= 0
	}, nil
}

// ordered compares a value of a document with an operand; false if their types
// differ.
func ordered(v, operand any) (int, bool) {
	switch v := v.(type) {
	case string:
		s, ok := operand.(string)
		return strings.Compare(v, s), ok
	case float64:
		f, ok := operand.(float64)
		switch {
		case v < f:
			return -1, ok
		case v > f:
			return 1, ok
		}
		return 0, ok
	case time.Time:
		at, ok := asTime(operand)
		return v.Compare(at), ok
	}
	return 0, false
}

// asTime converts an operand to a time, like a database with a schema: ISO 8601 or
// milliseconds since 1970.
func asTime(operand any) (time.Time, bool) {
	switch o := operand.(type) {
	case string:
		return parseTime(o, false)
	case float64:
		return time.UnixMilli(int64(o)), true
	}
	return time.Time{}, false
}

func oneOf(operand any) (predicate, error) {
	items, ok := operand.([]any)
	if !ok {
		return nil, errQuery
	}
	tests := make([]predicate, 0, len(items))
	for _, item := range items {
		t, err := equal(item)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return func(v any) bool { return slices.ContainsFunc(tests, func(t predicate) bool { return t(v) }) }, nil
}

func matches(operand, options any) (predicate, error) {
	pattern, ok := operand.(string)
	if !ok || len(pattern) > maxPattern {
		return nil, errQuery
	}
	flags, ok := options.(string)
	if options != nil && !ok || strings.Trim(flags, "ims") != "" {
		return nil, errQuery
	}
	if flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	re, err := compile(pattern)
	if err != nil {
		return nil, errQuery
	}
	match := func(s string) bool { return re.MatchString(s[:min(len(s), maxSubject)]) }
	return func(v any) bool {
		switch v := v.(type) {
		case string:
			return match(v)
		case []string:
			return slices.ContainsFunc(v, match)
		}
		return false
	}, nil
}

// compile refuses expressions with a large program, because the cost of a match
// grows with its size.
func compile(pattern string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxProgram {
		return nil, errQuery
	}
	return regexp.Compile(pattern)
}

// hasType accepts the names of the MongoDB types that can occur.
func hasType(operand any) (predicate, error) {
	name, ok := operand.(string)
	if !ok {
		return nil, errQuery
	}
	switch name {
	case "string", "number", "double", "int", "long", "bool", "date", "array", "object", "null", "objectId":
	default:
		return nil, errQuery
	}
	return func(v any) bool {
		switch v.(type) {
		case string:
			return name == "string"
		case float64:
			return name == "number" || name == "double" || name == "int" || name == "long"
		case bool:
			return name == "bool"
		case time.Time:
			return name == "date"
		case []string:
			return name == "array"
		}
		return false
	}, nil
}
