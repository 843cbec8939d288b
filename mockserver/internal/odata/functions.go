package odata

import (
	"strings"
	"time"
	"unicode/utf8"
)

// function is a built-in function of OData. A null argument makes the result
// null, so call never receives nil.
type function struct {
	params   []Kind
	optional int // number of trailing params that may be omitted
	result   Kind
	call     func(args []any, now time.Time) any
}

func (f *function) accepts(args []node) bool {
	if len(args) > len(f.params) || len(args) < len(f.params)-f.optional {
		return false
	}
	for i, a := range args {
		if !a.kind().comparable(f.params[i]) {
			return false
		}
	}
	return true
}

type invocation struct {
	function *function
	args     []node
}

func (n *invocation) kind() Kind { return n.function.result }

func (n *invocation) eval(row *Row, now time.Time) any {
	args := make([]any, len(n.args))
	for i, a := range n.args {
		if args[i] = a.eval(row, now); args[i] == nil {
			return nil
		}
	}
	return n.function.call(args, now)
}

// functionOf returns the function with the given name, which is case-sensitive.
func functionOf(name string) (*function, bool) {
	switch name {
	case "contains":
		return onTwo(strings.Contains), true
	case "startswith":
		return onTwo(strings.HasPrefix), true
	case "endswith":
		return onTwo(strings.HasSuffix), true
	case "tolower":
		return onOne(String, func(s string) any { return strings.ToLower(s) }), true
	case "toupper":
		return onOne(String, func(s string) any { return strings.ToUpper(s) }), true
	case "trim":
		return onOne(String, func(s string) any { return strings.TrimSpace(s) }), true
	case "length":
		return onOne(Int, func(s string) any { return int64(utf8.RuneCountInString(s)) }), true
	case "concat":
		return &function{params: []Kind{String, String}, result: String, call: func(a []any, _ time.Time) any {
			return text(a[0]) + text(a[1])
		}}, true
	case "indexof":
		return &function{params: []Kind{String, String}, result: Int, call: indexOf}, true
	case "substring":
		return &function{params: []Kind{String, Int, Int}, optional: 1, result: String, call: substring}, true
	case "now":
		return &function{result: DateTime, call: func(_ []any, now time.Time) any { return now }}, true
	}
	return dateFunction(name)
}

func dateFunction(name string) (*function, bool) {
	part := func(of func(time.Time) int) (*function, bool) {
		return &function{params: []Kind{DateTime}, result: Int, call: func(a []any, _ time.Time) any {
			return int64(of(instant(a[0])))
		}}, true
	}
	switch name {
	case "year":
		return part(time.Time.Year)
	case "month":
		return part(func(t time.Time) int { return int(t.Month()) })
	case "day":
		return part(time.Time.Day)
	case "hour":
		return part(time.Time.Hour)
	case "minute":
		return part(time.Time.Minute)
	case "second":
		return part(time.Time.Second)
	case "date":
		return &function{params: []Kind{DateTime}, result: Date, call: func(a []any, _ time.Time) any {
			return instant(a[0]).Truncate(24 * time.Hour)
		}}, true
	}
	return nil, false
}

func onTwo(f func(s, t string) bool) *function {
	return &function{params: []Kind{String, String}, result: Bool, call: func(a []any, _ time.Time) any {
		return f(text(a[0]), text(a[1]))
	}}
}

func onOne(result Kind, f func(string) any) *function {
	return &function{params: []Kind{String}, result: result, call: func(a []any, _ time.Time) any { return f(text(a[0])) }}
}

// indexOf returns a position in characters, not bytes.
func indexOf(a []any, _ time.Time) any {
	before, _, ok := strings.Cut(text(a[0]), text(a[1]))
	if !ok {
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(before))
}

// substring clamps positions outside the string, as OData 4.01 allows.
func substring(a []any, _ time.Time) any {
	r := []rune(text(a[0]))
	from := clamp(number(a[1]), len(r))
	to := len(r)
	if len(a) == 3 {
		to = from + clamp(number(a[2]), len(r)-from)
	}
	return string(r[from:to])
}

func clamp(n int64, high int) int { return int(max(0, min(n, int64(high)))) }

// text, instant and number convert an argument whose kind accepts has checked.

func text(v any) string {
	s, _ := v.(string)
	return s
}

func instant(v any) time.Time {
	t, _ := v.(time.Time)
	return t.UTC()
}

func number(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(max(-1e9, min(v, 1e9)))
	}
	return 0
}
