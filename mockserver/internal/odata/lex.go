package odata

import (
	"strconv"
	"strings"
	"time"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokValue // a literal; value and kind are set
	tokPunct // one of ( ) , /
)

type token struct {
	kind    tokenKind
	text    string
	at      int // byte offset, for error texts
	value   any
	literal Kind
}

// lexer splits an expression into tokens.
type lexer struct {
	src string
	at  int
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isNameStart(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) || c == '.' }

// isValuePart reports whether c can occur in a number, date or time:
// 2030-01-02T10:00:00.5+02:00.
func isValuePart(c byte) bool {
	return isNamePart(c) || c == '-' || c == '+' || c == ':'
}

func (l *lexer) next() (token, error) {
	for l.at < len(l.src) && isSpace(l.src[l.at]) {
		l.at++
	}
	start := l.at
	if start == len(l.src) {
		return token{kind: tokEnd, at: start}, nil
	}
	switch c := l.src[start]; {
	case c == '\'':
		return l.quoted()
	case strings.IndexByte("(),/", c) >= 0:
		l.at++
		return token{kind: tokPunct, text: l.src[start:l.at], at: start}, nil
	case isNameStart(c):
		l.skip(isNamePart)
		return l.name(start), nil
	case isDigit(c) || c == '-' && start+1 < len(l.src) && isDigit(l.src[start+1]):
		l.at++
		l.skip(isValuePart)
		return l.literal(start)
	default:
		return token{}, fail("Syntax error: character '%s' is not valid at position %d in '%s'.", printable(c), start, clip(l.src))
	}
}

// printable quotes c where necessary, so that error texts are valid UTF-8.
func printable(c byte) string {
	if c < ' ' || c > '~' {
		return strconv.QuoteToASCII(string(rune(c)))
	}
	return string(rune(c))
}

func (l *lexer) skip(part func(byte) bool) {
	for l.at < len(l.src) && part(l.src[l.at]) {
		l.at++
	}
}

// quoted reads a string literal, in which an apostrophe is doubled.
func (l *lexer) quoted() (token, error) {
	start := l.at
	var b strings.Builder
	for i := start + 1; i < len(l.src); i++ {
		if l.src[i] != '\'' {
			b.WriteByte(l.src[i])
			continue
		}
		if i+1 < len(l.src) && l.src[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		l.at = i + 1
		return token{kind: tokValue, text: l.src[start:l.at], at: start, value: b.String(), literal: String}, nil
	}
	return token{}, fail("There is an unterminated string literal at position %d in '%s'.", len(l.src), clip(l.src))
}

// name returns the token of a word; true, false and null are literals.
func (l *lexer) name(start int) token {
	t := token{kind: tokName, text: l.src[start:l.at], at: start}
	switch t.text {
	case "true", "false":
		t.kind, t.value, t.literal = tokValue, t.text == "true", Bool
	case "null":
		t.kind, t.literal = tokValue, Null
	}
	return t
}

// literal reads a number, a date, or a time with an offset.
func (l *lexer) literal(start int) (token, error) {
	t := token{kind: tokValue, text: l.src[start:l.at], at: start}
	if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
		t.value, t.literal = n, Int
		return t, nil
	}
	if isDecimal(t.text) {
		if f, err := strconv.ParseFloat(t.text, 64); err == nil {
			t.value, t.literal = f, Decimal
			return t, nil
		}
	}
	if d, err := time.Parse(time.DateOnly, t.text); err == nil {
		t.value, t.literal = d, Date
		return t, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} { // seconds are optional in OData
		if d, err := time.Parse(layout, t.text); err == nil {
			t.value, t.literal = d.UTC(), DateTime
			return t, nil
		}
	}
	return token{}, fail("Unrecognized literal '%s' at position %d in '%s'.", clip(t.text), start, clip(l.src))
}

// isDecimal excludes what ParseFloat accepts and OData does not: hexadecimal
// numbers and underscores.
func isDecimal(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !strings.ContainsRune("-+.eE", rune(c)) {
			return false
		}
	}
	return true
}
