package envfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Entry is one assignment of a .env file, and where it stands.
type Entry struct {
	Name string
	Line int // of the name, from 1

	start    int // of the name, or of the export before it
	from, to int // the value with its quotes, without space and comment around it
	quote    byte
}

const byteOrderMark = "\ufeff"

// Entries returns the assignments of a .env file in their order. It reads what godotenv
// reads: export, = or :, quotes that may span lines, comments. An error names the line and
// quotes nothing of it.
func Entries(content []byte) ([]Entry, error) {
	s := scanner{text: content}
	if bytes.HasPrefix(content, []byte(byteOrderMark)) {
		s.at = len(byteOrderMark)
	}
	var found []Entry
	for s.nextStatement() {
		e, ok := s.entry()
		if !ok {
			return nil, fmt.Errorf("line %d cannot be parsed: want NAME=value", s.line(e.start))
		}
		found = append(found, e)
	}
	return found, nil
}

type scanner struct {
	text []byte
	at   int
}

func (s *scanner) line(at int) int { return bytes.Count(s.text[:at], []byte("\n")) + 1 }

// skip goes on while a rune is as asked.
func (s *scanner) skip(while func(rune) bool) {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRune(s.text[s.at:])
		if !while(r) {
			return
		}
		s.at += size
	}
}

// nextStatement goes to what is neither space nor comment.
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

// entry reads one assignment.
func (s *scanner) entry() (e Entry, ok bool) {
	e = Entry{start: s.at, Line: s.line(s.at)}
	if rest, found := bytes.CutPrefix(s.text[s.at:], []byte("export")); found && len(rest) > 0 && isBlank(rune(rest[0])) {
		s.at += len("export")
		s.skip(isBlank)
	}
	end := bytes.IndexAny(s.text[s.at:], "=:\n")
	if end < 0 || s.text[s.at+end] == '\n' {
		return e, false
	}
	e.Name = strings.TrimRightFunc(string(s.text[s.at:s.at+end]), unicode.IsSpace)
	if e.Name == "" {
		return e, false
	}
	s.at += end + 1
	afterSign := s.at
	s.skip(isBlank)
	if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		return s.quoted(e)
	}
	return s.plain(e, afterSign), true
}

// quoted reads up to the closing quote, which is one without a backslash before it.
func (s *scanner) quoted(e Entry) (Entry, bool) {
	e.from, e.quote = s.at, s.text[s.at]
	for i := s.at + 1; i < len(s.text); i++ {
		if s.text[i] == e.quote && s.text[i-1] != '\\' {
			s.at, e.to = i+1, i+1
			return e, true
		}
	}
	return e, false
}

// plain reads up to the end of the line, or to the last # with space before it.
func (s *scanner) plain(e Entry, afterSign int) Entry {
	begin := s.at
	s.skip(func(r rune) bool { return r != '\n' && r != '\r' })
	value := s.text[begin:s.at]
	if len(value) > 0 && value[0] == '#' && begin > afterSign { // NAME= # only a comment
		e.from, e.to = afterSign, afterSign
		return e
	}
	for i := len(value) - 1; i > 0; i-- {
		if before, _ := utf8.DecodeLastRune(value[:i]); value[i] == '#' && isBlank(before) {
			value = value[:i]
			break
		}
	}
	value = bytes.TrimRightFunc(value, isBlank)
	e.from, e.to = begin, begin+len(value)
	if len(value) == 0 {
		e.from, e.to = afterSign, afterSign
	}
	return e
}

// isBlank is what godotenv skips within a line.
func isBlank(r rune) bool {
	switch r {
	case '\t', '\v', '\f', ' ', 0x85, 0xa0:
		return true
	}
	return false
}
