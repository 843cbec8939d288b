// Package odata parses and evaluates the system query options of OData 4.01
// over rows in memory: $filter, $select, $expand, $orderby, $top, $skip, $count.
//
// A Type describes the properties and single-valued relations of a row. Parse
// turns a raw query into a Query and checks it against the Type. Query.Apply
// selects rows and Query.Append writes one as JSON. Parse bounds the length, the
// depth and the number of nodes of a query. It returns an *Error for a query
// that cannot be evaluated; the text follows Microsoft's OData library.
//
// Parse refuses unsupported features by name: collections (any, all),
// arithmetic, $search, $apply, $compute, $format other than JSON. $skiptoken is
// what Query.Page wrote into a link.
package odata

import "fmt"

// Kind is the type of a value.
type Kind uint8

const (
	// Null is the kind of the literal null; it is comparable with every kind.
	Null Kind = iota
	// String is Edm.String; its Go value is a string.
	String
	// Int is Edm.Int64; its Go value is an int64.
	Int
	// Decimal is Edm.Decimal; its Go value is a float64.
	Decimal
	// Bool is Edm.Boolean; its Go value is a bool.
	Bool
	// Date is Edm.Date; its Go value is a time.Time at midnight UTC.
	Date
	// DateTime is Edm.DateTimeOffset; its Go value is a time.Time.
	DateTime
)

// String returns the kind's name in OData.
func (k Kind) String() string {
	switch k {
	case String:
		return "Edm.String"
	case Int:
		return "Edm.Int64"
	case Decimal:
		return "Edm.Decimal"
	case Bool:
		return "Edm.Boolean"
	case Date:
		return "Edm.Date"
	case DateTime:
		return "Edm.DateTimeOffset"
	default:
		return "null"
	}
}

// comparable reports whether values of kinds k and o can be compared.
func (k Kind) comparable(o Kind) bool {
	number := func(k Kind) bool { return k == Int || k == Decimal }
	date := func(k Kind) bool { return k == Date || k == DateTime }
	return k == o || k == Null || o == Null || number(k) && number(o) || date(k) && date(o)
}

// Type is an entity type: its name in error texts, its properties and its
// single-valued relations. A Type in use must not be modified.
type Type struct {
	Name  string
	Props []Prop
	Links []Link
}

// Prop is a property of a Type.
type Prop struct {
	Name string
	Kind Kind
}

// Link is a relation of a Type to at most one row of another Type.
type Link struct {
	Name string
	Type *Type
}

func (t *Type) prop(name string) int {
	for i := range t.Props {
		if t.Props[i].Name == name {
			return i
		}
	}
	return -1
}

func (t *Type) link(name string) int {
	for i := range t.Links {
		if t.Links[i].Name == name {
			return i
		}
	}
	return -1
}

// Row is one entity: a value (or nil) for each Prop and a row (or nil) for
// each Link, in the Type's order.
type Row struct {
	Values []any
	Links  []*Row
}

// Error describes what is wrong with a query. Its text quotes only the query
// itself.
type Error struct{ Detail string }

func (e *Error) Error() string { return e.Detail }

func fail(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

func noSuchProperty(name string, t *Type) error {
	return fail("Could not find a property named '%s' on type '%s'.", clip(name), t.Name)
}

// clip shortens text that an error quotes.
func clip(s string) string {
	const longest = 120
	r := []rune(s)
	if len(r) <= longest {
		return s
	}
	return string(r[:longest]) + "..."
}

// The bounds of a query. maxQuery exceeds practical URL lengths; the others are
// higher than the defaults of Microsoft's library (100 nodes, expansion depth
// 2).
const (
	maxQuery   = 16 << 10
	maxDepth   = 64
	maxNodes   = 2000
	maxExpand  = 5
	maxOrderBy = 20
)
