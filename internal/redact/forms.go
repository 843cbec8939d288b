package redact

import (
	"slices"
	"strings"
)

// This file matches a secret byte by byte, in every form that an encoder gives a byte.

// match returns the end of the longest secret that begins at t[i], or 0.
func (f *forms) match(t string, i int) int {
	longest := 0
	var first [16]byte
	for _, c := range appendFirstBytes(first[:0], t[i:]) {
		for s := f.first[fold(c)]; s != 0; s = f.next[s-1] {
			longest = max(longest, matchSecret(t, i, f.all[s-1]))
		}
	}
	return longest
}

// appendFirstBytes appends the bytes that a text can be read to begin with: its first, and
// those of which an escape stands there.
func appendFirstBytes(bytes []byte, t string) []byte {
	bytes = append(bytes, t[0])
	n := 1
	switch t[0] {
	case '+':
		bytes = append(bytes, ' ')
	case '%':
		for range maxNesting {
			if c, ok := hexByte(t, n); ok {
				bytes = append(bytes, c)
			}
			if !strings.HasPrefix(t[n:], "25") {
				break
			}
			n += len("25")
		}
	case '\\':
		for n < 1<<maxNesting && n < len(t) && t[n] == '\\' {
			n++
		}
		if n < len(t) {
			bytes = append(bytes, t[n])
		}
		if strings.HasPrefix(t[n:], "u0026") {
			bytes = appendEntityBytes(bytes, t[n+len("u0026"):])
		}
		if c, ok := hexByte(t, n+len("u00")); ok {
			bytes = append(bytes, c)
		}
		if c, ok := hexByte(t, n+len("x")); ok {
			bytes = append(bytes, c)
		}
	case '&':
		bytes = appendEntityBytes(bytes, t[n:])
	}
	return bytes
}

// appendEntityBytes appends the bytes that an HTML entity can stand for, without its
// ampersand.
func appendEntityBytes(bytes []byte, t string) []byte {
	for range maxNesting {
		if c, _ := entity(t); c != 0 {
			bytes = append(bytes, c)
		}
		if !strings.HasPrefix(t, "amp;") {
			break
		}
		t = t[len("amp;"):]
	}
	return bytes
}

// matchSecret returns the end of the longest reading of t[i:] as the secret, or 0. Where a
// secret holds %, & or \, a byte of the text can be read as itself or as the beginning of
// an escape, so all readings are followed side by side.
func matchSecret(t string, i int, secret string) int {
	var forms, next [8]int
	at := append(make([]int, 0, 8), i)
	for k := range len(secret) {
		reached := next[:0]
		for _, from := range at {
			for _, n := range appendForms(forms[:0], t[from:], secret[k]) {
				if !slices.Contains(reached, from+n) {
					reached = append(reached, from+n)
				}
			}
		}
		if len(reached) == 0 {
			return 0
		}
		at = append(at[:0], reached...)
	}
	return slices.Max(at)
}

// maxNesting is how often a text may have been escaped and still be read: JSON in JSON in
// JSON, a URL in a URL in a URL.
const maxNesting = 3

// appendForms appends how many bytes of t, from its start, are a form of c: itself, or an
// escape of JSON, JavaScript, URLs or HTML.
func appendForms(lengths []int, t string, c byte) []int {
	if t == "" {
		return lengths
	}
	if fold(t[0]) == fold(c) || t[0] == '+' && c == ' ' {
		lengths = append(lengths, 1)
	}
	switch t[0] {
	case '%':
		lengths = appendNested(lengths, t, "25", func(rest string) int {
			if isHex(rest, 0, 2, c) {
				return 2
			}
			return 0
		})
	case '\\':
		lengths = appendBackslashed(lengths, t, c)
	case '&':
		lengths = appendNested(lengths, t, "amp;", func(rest string) int { return matchEntity(rest, c) })
	}
	return lengths
}

// appendNested is for the escapes whose first character is escaped by more of the same: the
// % of %3d by 25, the & of &#61; by amp;. self matches what follows the last of them.
func appendNested(lengths []int, t, more string, self func(rest string) int) []int {
	n := 1
	for range maxNesting {
		if end := self(t[n:]); end > 0 {
			lengths = append(lengths, n+end)
		}
		if !strings.HasPrefix(t[n:], more) {
			break
		}
		n += len(more)
	}
	return lengths
}

func appendBackslashed(lengths []int, t string, c byte) []int {
	n := 1
	for n < 1<<maxNesting && n < len(t) && t[n] == '\\' {
		n++
	}
	switch {
	case c == '\\':
		for doubled := 2; doubled <= n; doubled *= 2 {
			lengths = append(lengths, doubled)
		}
	case n < len(t) && t[n] == c:
		lengths = append(lengths, n+1)
	}
	if strings.HasPrefix(t[n:], "u0026") { // how an encoder of JSON writes the & of an entity
		open, first := n+len("u002"), len(lengths)
		lengths = appendNested(lengths, t[open:], "amp;", func(rest string) int { return matchEntity(rest, c) })
		for i := range lengths[first:] {
			lengths[first+i] += open
		}
	}
	if strings.HasPrefix(t[n:], "u00") || strings.HasPrefix(t[n:], "U00") {
		if isHex(t, n+3, n+5, c) {
			lengths = append(lengths, n+5)
		}
	} else if strings.HasPrefix(t[n:], "x") && isHex(t, n+1, n+3, c) {
		lengths = append(lengths, n+3)
	}
	return lengths
}

// matchEntity returns the length of an HTML form of c without its ampersand; 0 if t does
// not begin with one.
func matchEntity(t string, c byte) int {
	if is, length := entity(t); is == c {
		return length
	}
	return 0
}

// entity returns the byte that an HTML entity without its ampersand stands for, and its
// length: a number, or one of the five names that encoders use. Both are 0 if t begins with
// none.
func entity(t string) (c byte, length int) {
	name, _, closed := strings.Cut(t[:min(len(t), maxEntity)], ";")
	if !closed {
		return 0, 0
	}
	if number, ok := strings.CutPrefix(name, "#"); ok {
		base := 10
		if hex := strings.TrimLeft(number, "xX"); hex != number {
			number, base = hex, 16
		}
		if n, ok := parseDigits(number, base); ok && n <= 0xff {
			return byte(n & 0xff), len(name) + 1
		}
		return 0, 0
	}
	switch name {
	case "amp":
		c = '&'
	case "lt":
		c = '<'
	case "gt":
		c = '>'
	case "quot":
		c = '"'
	case "apos":
		c = '\''
	default:
		return 0, 0
	}
	return c, len(name) + 1
}

// maxEntity is the length of the longest number that is read: "#x0003d;".
const maxEntity = 8

// longestForm is the longest form of one byte: an ampersand, escaped again and again, and
// an entity.
const longestForm = 1<<maxNesting + len("u0026") + (maxNesting-1)*len("amp;") + maxEntity

func isHex(t string, from, to int, c byte) bool {
	n, ok := hexByte(t[:min(len(t), to)], from)
	return ok && n == c
}

// hexByte returns the byte of the two hexadecimal digits at t[i].
func hexByte(t string, i int) (c byte, ok bool) {
	if len(t) < i+2 {
		return 0, false
	}
	n, ok := parseDigits(t[i:i+2], 16)
	return byte(n & 0xff), ok
}

func parseDigits(t string, base int) (n int, ok bool) {
	for i := range len(t) {
		d := strings.IndexByte("0123456789abcdef", fold(t[i]))
		if d < 0 || d >= base {
			return 0, false
		}
		n = n*base + d
	}
	return n, t != ""
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
