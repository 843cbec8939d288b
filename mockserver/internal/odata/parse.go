package odata

import "strings"

// parser is a recursive-descent parser of $filter and $orderby. The operators in
// order of precedence (OData 4.01, URL conventions, 5.1.1.17) are not,
// comparison, and, or.
type parser struct {
	lex   lexer
	tok   token
	typ   *Type
	depth int
	nodes int
}

func newParser(t *Type, src string) (*parser, error) {
	p := &parser{lex: lexer{src: src}, typ: t}
	err := p.advance()
	return p, err
}

func parseFilter(t *Type, src string) (node, error) {
	p, err := newParser(t, src)
	if err != nil {
		return nil, err
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.syntax()
	}
	if k := n.kind(); k != Bool && k != Null {
		return nil, fail("The $filter expression must evaluate to a single boolean value.")
	}
	return n, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) syntax() error {
	if p.tok.kind == tokEnd {
		return fail("Expression expected at position %d in '%s'.", p.tok.at, clip(p.lex.src))
	}
	return fail("Syntax error at position %d in '%s'.", p.tok.at, clip(p.lex.src))
}

func (p *parser) isPunct(s string) bool { return p.tok.kind == tokPunct && p.tok.text == s }

func (p *parser) isWord(s string) bool { return p.tok.kind == tokName && p.tok.text == s }

func (p *parser) expect(s string) error {
	if !p.isPunct(s) {
		return fail("'%s' expected at position %d in '%s'.", s, p.tok.at, clip(p.lex.src))
	}
	return p.advance()
}

// add counts a node and returns it, or an error if there are too many.
func (p *parser) add(n node) (node, error) {
	p.nodes++
	if p.nodes > maxNodes {
		return nil, fail("The node count limit of '%d' has been exceeded.", maxNodes)
	}
	return n, nil
}

// nested calls f one nesting level deeper.
func (p *parser) nested(f func() (node, error)) (node, error) {
	p.depth++
	if p.depth > maxDepth {
		return nil, fail("The depth limit of '%d' has been exceeded.", maxDepth)
	}
	n, err := f()
	p.depth--
	return n, err
}

func (p *parser) or() (node, error) { return p.chain("or", "Or", p.and) }

func (p *parser) and() (node, error) { return p.chain("and", "And", p.comparison) }

// chain parses the left-associative expression "a WORD b WORD c ...".
func (p *parser) chain(word, title string, operand func() (node, error)) (node, error) {
	left, err := operand()
	for err == nil && p.isWord(word) {
		if err = p.advance(); err != nil {
			break
		}
		var right node
		if right, err = operand(); err != nil {
			break
		}
		if !left.kind().comparable(Bool) || !right.kind().comparable(Bool) {
			return nil, incompatible(left, right, title)
		}
		left, err = p.add(&logic{or: word == "or", left: left, right: right})
	}
	return left, err
}

func incompatible(left, right node, operator string) error {
	return fail("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
		left.kind(), right.kind(), operator)
}

func (p *parser) comparison() (node, error) {
	left, err := p.unary()
	for err == nil && p.tok.kind == tokName {
		if p.tok.text == "in" {
			left, err = p.in(left)
			continue
		}
		op := operatorOf(p.tok.text)
		if op == 0 {
			break
		}
		if err = p.advance(); err != nil {
			break
		}
		var right node
		if right, err = p.unary(); err != nil {
			break
		}
		if !left.kind().comparable(right.kind()) || op.ordered() && (left.kind() == Bool || right.kind() == Bool) {
			return nil, incompatible(left, right, op.String())
		}
		left, err = p.add(&compare{op: op, left: left, right: right})
	}
	return left, err
}

// in parses "in (a, b, c)", whose items are literals.
func (p *parser) in(left node) (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	n := &member{of: left}
	for {
		if p.tok.kind != tokValue {
			return nil, p.syntax()
		}
		item := &constant{value: p.tok.value, k: p.tok.literal}
		if !left.kind().comparable(item.k) {
			return nil, incompatible(left, item, "Equal")
		}
		if _, err := p.add(item); err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.isPunct(",") {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return p.add(n)
}

func (p *parser) unary() (node, error) {
	if !p.isWord("not") {
		return p.primary()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.nested(p.unary)
	if err != nil {
		return nil, err
	}
	if !n.kind().comparable(Bool) {
		return nil, fail("A unary operator with an incompatible type was detected. Found operand type '%s' for operator kind 'Not'.", n.kind())
	}
	return p.add(&negation{n})
}

func (p *parser) primary() (node, error) {
	switch tok := p.tok; {
	case p.isPunct("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.nested(p.or)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case tok.kind == tokValue:
		if err := p.advance(); err != nil {
			return nil, err
		}
		return p.add(&constant{value: tok.value, k: tok.literal})
	case tok.kind == tokName:
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.isPunct("(") {
			return p.call(tok)
		}
		return p.path(tok.text)
	default:
		return nil, p.syntax()
	}
}

// path parses relation/.../property.
func (p *parser) path(name string) (node, error) {
	n := &property{}
	for t := p.typ; ; {
		if !p.isPunct("/") {
			i := t.prop(name)
			if i < 0 {
				return nil, noSuchProperty(name, t)
			}
			n.index, n.k = i, t.Props[i].Kind
			return p.add(n)
		}
		i := t.link(name)
		if i < 0 {
			return nil, noSuchProperty(name, t)
		}
		if len(n.links) == maxDepth {
			return nil, fail("The depth limit of '%d' has been exceeded.", maxDepth)
		}
		n.links = append(n.links, i)
		t = t.Links[i].Type
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.kind != tokName {
			return nil, p.syntax()
		}
		name = p.tok.text
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// call parses the arguments of a function whose name has been read.
func (p *parser) call(name token) (node, error) {
	f, ok := functionOf(name.text)
	if !ok {
		return nil, fail("An unknown function with name '%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", clip(name.text))
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n := &invocation{function: f}
	for !p.isPunct(")") {
		if len(n.args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.nested(p.or)
		if err != nil {
			return nil, err
		}
		if n.args = append(n.args, arg); len(n.args) > len(f.params) {
			break
		}
	}
	if !f.accepts(n.args) {
		var kinds []string
		for _, a := range n.args {
			kinds = append(kinds, a.kind().String())
		}
		return nil, fail("No function signature for the function with name '%s' matches the specified arguments (%s).", name.text, strings.Join(kinds, ", "))
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return p.add(n)
}
