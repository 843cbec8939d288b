package odata

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Apply returns the selected rows in the order of the query, and the number of
// matching rows before $skip and $top. now is the value of the function now().
// Apply does not modify rows.
func (q *Query) Apply(rows []*Row, now time.Time) (page []*Row, total int) {
	var out []*Row
	for _, r := range rows {
		if q.filter == nil || q.filter.eval(r, now) == true {
			out = append(out, r)
		}
	}
	if len(q.orderBy) > 0 {
		slices.SortStableFunc(out, func(a, b *Row) int {
			for _, k := range q.orderBy {
				c := order(k.by.eval(a, now), k.by.eval(b, now))
				if k.desc {
					c = -c
				}
				if c != 0 {
					return c
				}
			}
			return 0
		})
	}
	total = len(out)
	out = out[min(q.skip, len(out)):]
	if q.top >= 0 {
		out = out[:min(q.top, len(out))]
	}
	return out, total
}

// Append appends the row as a JSON object with the selected properties and the
// expanded relations. first holds encoded JSON members ("\"a\":1") that come
// first.
func (q *Query) Append(dst []byte, row *Row, first string) []byte {
	return q.shape.append(dst, row, first)
}

func (s *shape) append(dst []byte, row *Row, first string) []byte {
	if row == nil {
		return append(dst, "null"...)
	}
	dst = append(append(dst, '{'), first...)
	member := func(name string) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(appendJSON(dst, name), ':')
	}
	for i, p := range s.typ.Props {
		if s.has(i) {
			member(p.Name)
			dst = appendValue(dst, row.Values[i], p.Kind)
		}
	}
	for _, e := range s.expand {
		member(s.typ.Links[e.link].Name)
		dst = e.shape.append(dst, row.Links[e.link], "")
	}
	return append(dst, '}')
}

func (s *shape) has(prop int) bool { return !s.explicit || slices.Contains(s.selected, prop) }

func appendValue(dst []byte, v any, k Kind) []byte {
	if t, ok := v.(time.Time); ok {
		if k == Date {
			return appendJSON(dst, t.Format(time.DateOnly))
		}
		return appendJSON(dst, t.UTC().Format(time.RFC3339Nano))
	}
	return appendJSON(dst, v)
}

func appendJSON(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return append(dst, "null"...) // strings, numbers and booleans always encode
	}
	return append(dst, b...)
}

// Projection returns the part of the context URL that names the selected and
// expanded members, such as "(employeeId,position(title))"; "" if nothing was
// selected or expanded (OData 4.01 Protocol, 10.7 and 10.8).
func (q *Query) Projection() string { return q.shape.projection() }

func (s *shape) projection() string {
	var names []string
	if s.explicit {
		for _, i := range s.selected {
			names = append(names, s.typ.Props[i].Name)
		}
	}
	for _, e := range s.expand {
		inner := e.shape.projection()
		if inner == "" {
			inner = "()"
		}
		names = append(names, s.typ.Links[e.link].Name+inner)
	}
	if len(names) == 0 {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}
