package mindkey

import (
	"errors"
	"strings"
)

// Filter is a condition on entities: a comparison, or several joined by [And], [Or] and
// [Not]. The zero Filter holds for all.
type Filter struct {
	text  string
	err   error
	joint bool // needs brackets inside another
}

// RawFilter is the escape hatch: a $filter expression that the caller wrote, sent as it
// is. Nothing in it is checked or quoted; a value from outside belongs into [Eq] and its
// like, or through [Literal].
func RawFilter(expression string) Filter {
	if strings.TrimSpace(expression) == "" {
		return Filter{err: errors.New("the raw filter is empty")}
	}
	return Filter{text: expression, joint: true}
}

// Eq holds where the property equals the value.
func Eq[V Value](p Property, value V) Filter { return compare(p, "eq", value) }

// Ne holds where the property differs from the value, or is null.
func Ne[V Value](p Property, value V) Filter { return compare(p, "ne", value) }

// Lt holds where the property is less than the value.
func Lt[V Value](p Property, value V) Filter { return compare(p, "lt", value) }

// Le holds where the property is the value or less.
func Le[V Value](p Property, value V) Filter { return compare(p, "le", value) }

// Gt holds where the property is greater than the value.
func Gt[V Value](p Property, value V) Filter { return compare(p, "gt", value) }

// Ge holds where the property is the value or greater.
func Ge[V Value](p Property, value V) Filter { return compare(p, "ge", value) }

// IsNull holds where the property has no value.
func IsNull(p Property) Filter { return Filter{text: string(p) + " eq null", err: p.check()} }

// NotNull holds where the property has a value.
func NotNull(p Property) Filter { return Filter{text: string(p) + " ne null", err: p.check()} }

// In holds where the property equals one of the values. It is sent as comparisons joined
// by "or", which MindKey's pages show. No value at all is an error.
func In[V Value](p Property, values ...V) Filter {
	if len(values) == 0 {
		return Filter{err: errors.New("In needs at least one value")}
	}
	equal := make([]Filter, len(values))
	for i, v := range values {
		equal[i] = Eq(p, v)
	}
	return Or(equal...)
}

// Contains holds where the property has the text in it.
func Contains(p Property, text string) Filter { return call("contains", p, text) }

// StartsWith holds where the property begins with the text.
func StartsWith(p Property, text string) Filter { return call("startswith", p, text) }

// EndsWith holds where the property ends with the text.
func EndsWith(p Property, text string) Filter { return call("endswith", p, text) }

// And holds where all filters hold. Zero filters are left out, so that a condition may be
// optional.
func And(filters ...Filter) Filter {
	given := make([]Filter, 0, len(filters))
	for _, f := range filters {
		if !f.empty() {
			given = append(given, f)
		}
	}
	return join(" and ", given)
}

// Or holds where one of the filters holds. A zero filter is an error: it holds for all,
// and the others would not matter.
func Or(filters ...Filter) Filter {
	for _, f := range filters {
		if f.empty() {
			return Filter{err: errors.New("Or has an empty filter, which holds for all")}
		}
	}
	return join(" or ", filters)
}

// Not holds where the filter does not. A zero filter is an error.
func Not(f Filter) Filter {
	if f.empty() {
		return Filter{err: errors.New("Not has an empty filter, which holds for all")}
	}
	return Filter{text: "not (" + f.text + ")", err: f.err}
}

// String is the expression as it is sent, or what is wrong with it.
func (f Filter) String() string {
	text, err := f.expression()
	if err != nil {
		return "invalid filter: " + err.Error()
	}
	return text
}

func (f Filter) empty() bool { return f.text == "" && f.err == nil }

func (f Filter) expression() (string, error) {
	if f.err != nil {
		return "", f.err
	}
	return f.text, nil
}

func compare[V Value](p Property, operator string, value V) Filter {
	literal, err := Literal(value)
	if wrong := p.check(); wrong != nil {
		err = wrong
	} else if err != nil {
		err = errors.New(string(p) + ": " + err.Error())
	}
	return Filter{text: string(p) + " " + operator + " " + literal, err: err}
}

func call(function string, p Property, text string) Filter {
	f := compare(p, "eq", text)
	literal, _ := Literal(text) // compare has the error
	f.text = function + "(" + string(p) + "," + literal + ")"
	return f
}

func join(word string, filters []Filter) Filter {
	if len(filters) == 1 {
		return filters[0]
	}
	texts := make([]string, len(filters))
	for i, f := range filters {
		if f.err != nil {
			return f
		}
		if texts[i] = f.text; f.joint {
			texts[i] = "(" + f.text + ")"
		}
	}
	return Filter{text: strings.Join(texts, word), joint: true}
}
