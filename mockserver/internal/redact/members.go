package redact

import (
	"encoding/json"
	"strings"
)

// members hides the values of JSON members with a credential's name: strings,
// arrays and objects; numbers are for pairs. It reads any text and keeps what is
// no JSON. Of {"name": "token", "value": "..."} it hides the value. What stands
// in a string, as JSON or as parameters, is read too, to a bounded depth.
func (r *Redactor) members(s string, depth int) string {
	if strings.IndexByte(s, '"') < 0 {
		return s
	}
	m := memberReader{red: r, text: s, depth: depth}
	for i := 0; i < len(s); {
		switch s[i] {
		case '"':
			i = m.readString(i)
			continue
		case '{', '}':
			m.value, m.named = span{}, false
		}
		i++
	}
	if m.last == 0 {
		return s
	}
	m.out.WriteString(s[m.last:])
	return m.out.String()
}

// memberReader is the state of members: what was written, and what the present
// object said of a name and a value.
type memberReader struct {
	red   *Redactor
	text  string
	depth int
	out   strings.Builder
	last  int  // what stands before it was written
	value span // of a member called value, not written yet
	named bool // the object names a credential by a value
}

// hide writes up to the span, and Mark instead of it.
func (m *memberReader) hide(from, to int) {
	if from < m.last {
		return // hidden already
	}
	m.out.WriteString(m.text[m.last:from])
	m.out.WriteString(`"` + Mark + `"`)
	m.last = to
}

// readString reads the string at i, with its value if it is the name of a member,
// and returns where to read on.
func (m *memberReader) readString(i int) int {
	s := m.text
	end := stringEnd(s, i)
	colon := skipSpace(s, end)
	if colon >= len(s) || s[colon] != ':' {
		m.nested(i, end)
		return end
	}
	name := unescape(s[i+1 : max(i+1, end-1)])
	from := skipSpace(s, colon+1)
	to := valueEnd(s, from)
	switch {
	case to == from:
		return end
	case m.red.secretName(name) && !isErrorCode(name, s[from:to]):
		m.noteName(name, from, to)
		m.hide(from, to)
		return to
	case s[from] != '"':
		return from
	}
	switch {
	case namesSomething(name):
		m.noteName(name, from, to)
	case holdsValue(name) && m.named:
		m.hide(from, to)
		return to
	case holdsValue(name):
		m.value = span{from: from, to: to}
	}
	m.nested(from, to)
	return to
}

// noteName takes a member that may name a credential by its value, and hides the
// value that the object has for it.
func (m *memberReader) noteName(name string, from, to int) {
	if !namesSomething(name) || m.text[from] != '"' || !m.red.secretWord(m.text[from+1:max(from+1, to-1)]) {
		return
	}
	m.named = true
	if m.value.to > 0 {
		m.hide(m.value.from, m.value.to)
	}
}

// nested hides what stands in a string that is a text of its own.
func (m *memberReader) nested(from, to int) {
	inner := m.text[from:to]
	if m.depth <= 0 || !strings.ContainsAny(inner, "{=<:%\\") || m.text[from] != '"' {
		return
	}
	var plain string
	if json.Unmarshal([]byte(inner), &plain) != nil {
		return
	}
	clean := m.red.named(plain, m.depth-1)
	if clean == plain || from < m.last {
		return
	}
	coded, err := json.Marshal(clean)
	if err != nil {
		coded = []byte(`"` + Mark + `"`)
	}
	m.out.WriteString(m.text[m.last:from])
	m.out.Write(coded)
	m.last = to
}

// stringEnd returns the index behind the JSON string that starts at i.
func stringEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// valueEnd returns the end of a string, an array or an object at i, or i for any
// other value.
func valueEnd(s string, i int) int {
	if i >= len(s) || s[i] != '"' && s[i] != '[' && s[i] != '{' {
		return i
	}
	if s[i] == '"' {
		return stringEnd(s, i)
	}
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = stringEnd(s, i) - 1
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}
