package envfile

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// span is where an assignment stands, in bytes and lines.
type span struct {
	start         int // the name, or the export before it
	from, to      int // the value with its quotes, without blanks and comment around it
	quote         byte
	line, endLine int // of start and of to
}

// scanner finds the assignments of a file. It knows where godotenv ends a statement, and
// nothing about what the statement means.
type scanner struct {
	text []byte
	at   int

	counted, line int // line is the number of the line that text[counted] is in
}

func newScanner(text []byte) *scanner {
	s := &scanner{text: text, line: 1}
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		s.at = len(byteOrderMark)
	}
	return s
}

// lineNow is the number of the line that the scanner is in.
func (s *scanner) lineNow() int {
	s.line += bytes.Count(s.text[s.counted:s.at], []byte("\n"))
	s.counted = s.at
	return s.line
}

// skip moves on while the rune is one of those.
func (s *scanner) skip(while func(rune) bool) {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRune(s.text[s.at:])
		if !while(r) {
			return
		}
		s.at += size
	}
}

// nextStatement moves to what is neither white space nor a comment. It returns false at the
// end of the file.
func (s *scanner) nextStatement() bool {
	for {
		s.skip(unicode.IsSpace)
		if s.at == len(s.text) {
			return false
		}
		if s.text[s.at] != '#' {
			return true
		}
		s.skip(func(r rune) bool { return r != '\n' })
	}
}

// assignment moves behind one assignment. It returns false where there is none; the span
// then says where it should be.
func (s *scanner) assignment() (span, bool) {
	at := span{start: s.at, line: s.lineNow()}
	at.endLine = at.line
	sign := bytes.IndexAny(s.text[s.at:], "=:\n")
	if sign < 0 || s.text[s.at+sign] == '\n' {
		return at, false
	}
	s.at += sign + 1
	afterSign := s.at
	s.skipBlanks()
	if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		return s.quoted(at)
	}
	return s.unquoted(at, afterSign), true
}

// skipBlanks moves to the next character of the line. A carriage return is a blank unless it
// ends the line together with a line feed.
func (s *scanner) skipBlanks() {
	for {
		s.skip(isBlank)
		if s.at == len(s.text) || s.text[s.at] != '\r' || bytes.HasPrefix(s.text[s.at:], []byte("\r\n")) {
			return
		}
		s.at++
	}
}

// quoted moves behind the closing quote, which is the first one without a backslash before
// it, in this line or a later one.
func (s *scanner) quoted(at span) (span, bool) {
	at.from, at.quote = s.at, s.text[s.at]
	for i := s.at + 1; i < len(s.text); i++ {
		if s.text[i] == at.quote && s.text[i-1] != '\\' {
			s.at = i + 1
			at.to, at.endLine = s.at, s.lineNow()
			return at, true
		}
	}
	return at, false
}

// unquoted moves to the end of the line. The value ends there, or before the first # that
// follows a blank.
func (s *scanner) unquoted(at span, afterSign int) span {
	begin := s.at
	s.skip(func(r rune) bool { return r != '\n' && r != '\r' })
	value := s.text[begin:s.at]
	for i := range value {
		before, _ := utf8.DecodeLastRune(s.text[afterSign : begin+i])
		if value[i] == '#' && isBlank(before) {
			value = value[:i]
			break
		}
	}
	value = bytes.TrimRightFunc(value, isBlank)
	at.from, at.to = begin, begin+len(value)
	if len(value) == 0 { // a new value goes directly behind the sign
		at.from, at.to = afterSign, afterSign
	}
	return at
}

// isBlank is what godotenv skips within a line, the carriage return apart.
func isBlank(r rune) bool {
	switch r {
	case '\t', '\v', '\f', ' ', 0x85, 0xa0:
		return true
	}
	return false
}
