package mindkey

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Query selects entities and their properties. The zero Query selects everything. Page:
// Understanding OData.
type Query struct {
	// Filter selects entities ($filter).
	Filter Filter
	// Select names the properties to read ($select). If empty, all are read.
	Select []string
	// Expand names the relations to include ($expand).
	Expand []Expand
	// OrderBy holds the sort keys, the most significant first ($orderby).
	OrderBy []Order
	// Top is the maximum number of entities per page ($top). If it is 0, MindKey chooses;
	// [EntitySet.All] uses [DefaultPageSize].
	Top int
	// Skip is the number of entities to skip ($skip).
	Skip int
	// Count requests the number of entities on all pages ($count).
	Count bool
}

// Expand is a relation to include, and what to read of it. Filter, OrderBy and Top apply to
// relations to several entities; the relations on MindKey's pages lead to one.
type Expand struct {
	// Relation is the name, such as "employee" or "position". Required.
	Relation string
	Select   []string
	Expand   []Expand
	Filter   Filter
	OrderBy  []Order
	Top      int // 0: no bound
}

// Order is a sort key, created by [Asc] or [Desc].
type Order struct {
	by   Property
	desc bool
}

// Asc sorts in ascending order.
func Asc(by Property) Order { return Order{by: by} }

// Desc sorts in descending order.
func Desc(by Property) Order { return Order{by: by, desc: true} }

func (q Query) onlyShape() bool {
	return q.Filter.empty() && q.OrderBy == nil && q.Top == 0 && q.Skip == 0 && !q.Count
}

// values returns the query parameters of the request.
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

// maxDepth bounds nested relations, because a query can contain itself.
const maxDepth = 16

// options returns the system query options of a query or an expanded relation.
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

// text returns a relation in the syntax of $expand: employee($select=employeeId;$top=1).
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
