package odata

import (
	"cmp"
	"strings"
	"time"
)

// node is a type-checked expression. eval returns nil for null; logic is
// three-valued, as in OData 4.01 (URL conventions, 5.1.1.1).
type node interface {
	kind() Kind
	eval(row *Row, now time.Time) any
}

type constant struct {
	value any
	k     Kind
}

func (n *constant) kind() Kind               { return n.k }
func (n *constant) eval(*Row, time.Time) any { return n.value }

// property is a value of the row, or of a row reached through relations.
type property struct {
	links []int
	index int
	k     Kind
}

func (n *property) kind() Kind { return n.k }

func (n *property) eval(row *Row, _ time.Time) any {
	for _, i := range n.links {
		if row = row.Links[i]; row == nil {
			return nil
		}
	}
	return row.Values[n.index]
}

type logic struct {
	or          bool
	left, right node
}

func (n *logic) kind() Kind { return Bool }

// eval returns the decisive value if one operand has it, even if the other is null.
func (n *logic) eval(row *Row, now time.Time) any {
	left := n.left.eval(row, now)
	if left == n.or {
		return n.or
	}
	right := n.right.eval(row, now)
	switch {
	case right == n.or:
		return n.or
	case left == nil || right == nil:
		return nil
	}
	return !n.or
}

type negation struct{ of node }

func (n *negation) kind() Kind { return Bool }

func (n *negation) eval(row *Row, now time.Time) any {
	b, ok := n.of.eval(row, now).(bool)
	if !ok {
		return nil
	}
	return !b
}

type operator uint8

const (
	equal operator = iota + 1
	notEqual
	greater
	greaterOrEqual
	less
	lessOrEqual
)

// operatorOf returns the operator of a word, or 0 if the word is not a comparison.
func operatorOf(word string) operator {
	switch word {
	case "eq":
		return equal
	case "ne":
		return notEqual
	case "gt":
		return greater
	case "ge":
		return greaterOrEqual
	case "lt":
		return less
	case "le":
		return lessOrEqual
	default:
		return 0
	}
}

func (o operator) ordered() bool { return o >= greater }

func (o operator) String() string {
	switch o {
	case equal:
		return "Equal"
	case notEqual:
		return "NotEqual"
	case greater:
		return "GreaterThan"
	case greaterOrEqual:
		return "GreaterThanOrEqual"
	case less:
		return "LessThan"
	case lessOrEqual:
		return "LessThanOrEqual"
	default:
		return "operator"
	}
}

type compare struct {
	op          operator
	left, right node
}

func (n *compare) kind() Kind { return Bool }

// eval compares the operands. null equals only null; an ordering with null is
// false.
func (n *compare) eval(row *Row, now time.Time) any {
	a, b := n.left.eval(row, now), n.right.eval(row, now)
	if a == nil || b == nil {
		switch n.op {
		case equal:
			return a == nil && b == nil
		case notEqual:
			return a != nil || b != nil
		default:
			return false
		}
	}
	c := order(a, b)
	switch n.op {
	case equal:
		return c == 0
	case notEqual:
		return c != 0
	case greater:
		return c > 0
	case greaterOrEqual:
		return c >= 0
	case less:
		return c < 0
	default:
		return c <= 0
	}
}

// member is the expression "of in (items)".
type member struct {
	of    node
	items []*constant
}

func (n *member) kind() Kind { return Bool }

func (n *member) eval(row *Row, now time.Time) any {
	v := n.of.eval(row, now)
	for _, item := range n.items {
		if v == nil || item.value == nil {
			if v == nil && item.value == nil {
				return true
			}
			continue
		}
		if order(v, item.value) == 0 {
			return true
		}
	}
	return false
}

// order compares two values whose kinds are comparable. nil sorts first, as
// $orderby requires.
func order(a, b any) int {
	switch a := a.(type) {
	case nil:
		if b == nil {
			return 0
		}
		return -1
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	case bool:
		if b, ok := b.(bool); ok {
			return cmp.Compare(digit(a), digit(b))
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
		if b, ok := b.(float64); ok {
			return cmp.Compare(float64(a), b)
		}
	case float64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, float64(b))
		}
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b)
		}
	}
	return 1 // b is nil
}

func digit(b bool) int {
	if b {
		return 1
	}
	return 0
}
