package mindkey

import (
	"errors"
	"strings"
)

// Filter is a condition on entities: a comparison, or several combined by [And], [Or] and
// [Not]. The zero Filter selects all entities.
type Filter struct {
	text  string
	err   error
	joint bool // needs parentheses inside another filter
}

// RawFilter returns a filter with a $filter expression that is sent unchanged. It checks and
// quotes nothing: pass untrusted values to [Eq] and similar functions, or to [Literal].
func RawFilter(expression string) Filter {
	if strings.TrimSpace(expression) == "" {
		return Filter{err: errors.New("the raw filter is empty")}
	}
	return Filter{text: expression, joint: true}
}

// Eq selects entities whose property equals the value.
func Eq[V Value](p Property, value V) Filter { return compare(p, "eq", value) }

// Ne selects entities whose property differs from the value or is null.
func Ne[V Value](p Property, value V) Filter { return compare(p, "ne", value) }

// Lt selects entities whose property is less than the value.
func Lt[V Value](p Property, value V) Filter { return compare(p, "lt", value) }

// Le selects entities whose property is at most the value.
func Le[V Value](p Property, value V) Filter { return compare(p, "le", value) }

// Gt selects entities whose property is greater than the value.
func Gt[V Value](p Property, value V) Filter { return compare(p, "gt", value) }

// Ge selects entities whose property is at least the value.
func Ge[V Value](p Property, value V) Filter { return compare(p, "ge", value) }

// IsNull selects entities whose property is null.
func IsNull(p Property) Filter { return Filter{text: string(p) + " eq null", err: p.check()} }

// NotNull selects entities whose property is not null.
func NotNull(p Property) Filter { return Filter{text: string(p) + " ne null", err: p.check()} }

// In selects entities whose property equals one of the values. It is sent as comparisons
// combined by "or", as on MindKey's pages. At least one value is required.
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

// Contains selects entities whose property contains the text.
func Contains(p Property, text string) Filter { return call("contains", p, text) }

// StartsWith selects entities whose property starts with the text.
func StartsWith(p Property, text string) Filter { return call("startswith", p, text) }

// EndsWith selects entities whose property ends with the text.
func EndsWith(p Property, text string) Filter { return call("endswith", p, text) }

// And selects entities that all filters select. It ignores zero filters, so that conditions
// can be optional.
func And(filters ...Filter) Filter {
	given := make([]Filter, 0, len(filters))
	for _, f := range filters {
		if !f.empty() {
			given = append(given, f)
		}
	}
	return join(" and ", given)
}

// Or selects entities that at least one filter selects. A zero filter is an error, because
// it would select all entities.
func Or(filters ...Filter) Filter {
	for _, f := range filters {
		if f.empty() {
			return Filter{err: errors.New("Or has an empty filter, which selects all entities")}
		}
	}
	return join(" or ", filters)
}

// Not selects entities that the filter does not select. A zero filter is an error.
func Not(f Filter) Filter {
	if f.empty() {
		return Filter{err: errors.New("Not has an empty filter, which selects all entities")}
	}
	return Filter{text: "not (" + f.text + ")", err: f.err}
}

// String returns the expression as sent, or the error.
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
