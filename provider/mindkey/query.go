package mindkey

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Query says which entities to read, and what of them. The zero Query is all of
// everything. Page: Understanding OData.
type Query struct {
	// Filter selects entities ($filter).
	Filter Filter
	// Select names the properties to read ($select); empty is all.
	Select []string
	// Expand names the relations to read along ($expand).
	Expand []Expand
	// OrderBy sorts; the first counts most ($orderby).
	OrderBy []Order
	// Top is how many entities a page has at most ($top); 0 leaves it to MindKey, and in
	// [EntitySet.All] is [DefaultPageSize].
	Top int
	// Skip is how many entities to leave out before the first ($skip).
	Skip int
	// Count asks for the number of entities on all pages ($count).
	Count bool
}

// Expand is a relation to read along, with what to read of it. Filter, OrderBy and Top
// are for relations that lead to many; those that MindKey's pages show lead to one.
type Expand struct {
	// Relation is its name: "employee", "position". Required.
	Relation string
	Select   []string
	Expand   []Expand
	Filter   Filter
	OrderBy  []Order
	Top      int // 0 is no bound
}

// Order is one key to sort by, made by [Asc] or [Desc].
type Order struct {
	by   Property
	desc bool
}

// Asc sorts from the smallest value on.
func Asc(by Property) Order { return Order{by: by} }

// Desc sorts from the largest value on.
func Desc(by Property) Order { return Order{by: by, desc: true} }

func (q Query) onlyShape() bool {
	return q.Filter.empty() && q.OrderBy == nil && q.Top == 0 && q.Skip == 0 && !q.Count
}

// values are the parameters of the request.
func (q Query) values() (url.Values, error) {
	if q.Skip < 0 {
		return nil, errors.New("the query's Skip is negative")
	}
	options, err := Expand{Select: q.Select, Expand: q.Expand, Filter: q.Filter, OrderBy: q.OrderBy, Top: q.Top}.options(0)
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for _, o := range options {
		values.Set(o.name, o.value)
	}
	if q.Skip > 0 {
		values.Set("$skip", strconv.Itoa(q.Skip))
	}
	if q.Count {
		values.Set("$count", "true")
	}
	return values, nil
}

type option struct{ name, value string }

// maxDepth bounds relations within relations, for a query that contains itself.
const maxDepth = 16

// options are the system query options of a query or of an expanded relation.
func (e Expand) options(depth int) ([]option, error) {
	if depth > maxDepth {
		return nil, errors.New("the query's Expand is too deep")
	}
	if e.Top < 0 {
		return nil, errors.New("the query's Top is negative")
	}
	var options []option
	add := func(name string, parts []string) {
		if len(parts) > 0 {
			options = append(options, option{name, strings.Join(parts, ",")})
		}
	}
	if !e.Filter.empty() {
		text, err := e.Filter.expression()
		if err != nil {
			return nil, err
		}
		add("$filter", []string{text})
	}
	for _, name := range e.Select {
		if err := Property(name).checkPath(); err != nil && name != "*" {
			return nil, err
		}
	}
	add("$select", e.Select)
	relations := make([]string, 0, len(e.Expand))
	for _, inner := range e.Expand {
		text, err := inner.text(depth + 1)
		if err != nil {
			return nil, err
		}
		relations = append(relations, text)
	}
	add("$expand", relations)
	keys := make([]string, 0, len(e.OrderBy))
	for _, order := range e.OrderBy {
		if err := order.by.check(); err != nil {
			return nil, err
		}
		key := string(order.by)
		if order.desc {
			key += " desc"
		}
		keys = append(keys, key)
	}
	add("$orderby", keys)
	if e.Top > 0 {
		add("$top", []string{strconv.Itoa(e.Top)})
	}
	return options, nil
}

// text is a relation as it stands in $expand: employee($select=employeeId;$top=1).
func (e Expand) text(depth int) (string, error) {
	if err := Property(e.Relation).checkPath(); err != nil {
		return "", err
	}
	options, err := e.options(depth)
	if err != nil || len(options) == 0 {
		return e.Relation, err
	}
	inner := make([]string, len(options))
	for i, o := range options {
		inner[i] = o.name + "=" + o.value
	}
	return e.Relation + "(" + strings.Join(inner, ";") + ")", nil
}
