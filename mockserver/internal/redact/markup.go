package redact

import "strings"

// This file hides credentials in XML and HTML.

// elements hides the content of elements with a credential's name, up to the end
// of the element, and what follows an element that names a credential
// (<key>token</key><string>...). Attributes are for pairs; of an element whose
// attribute names a credential (<param name="token" value="...">) all is hidden.
func (r *Redactor) elements(s string) string {
	if strings.IndexByte(s, '<') < 0 {
		return s
	}
	var out strings.Builder
	last, next := 0, false // next: what was read last names the next element
	for i := strings.IndexByte(s, '<'); i >= 0 && i < len(s); {
		t := r.readTag(s, i)
		if t.name == "" || t.closing {
			i = indexFrom(s, "<", i+1)
			continue
		}
		if !next && !r.secretName(t.name) && !t.named {
			next = r.secretWord(textAt(s, t.end))
			i = indexFrom(s, "<", max(t.end, i+1))
			continue
		}
		from, to := t.end, t.end
		if t.named {
			from = i + 1 + len(t.full)
		}
		if !t.empty {
			to = elementEnd(s, t)
		}
		content := s[t.end:to]
		if from < to {
			out.WriteString(s[last:from])
			out.WriteString(Mark)
			last = to
		}
		next = r.secretWord(content)
		i = indexFrom(s, "<", max(to, i+1))
	}
	if last == 0 {
		return s
	}
	out.WriteString(s[last:])
	return out.String()
}

// tag is the start or the end of an element.
type tag struct {
	name, full     string // without and with its namespace
	end            int    // behind the tag
	closing, empty bool
	named          bool // an attribute names a credential
}

// maxName is longer than the name of any element or parameter.
const maxName = 64

// readTag reads the tag at i, which is a "<". Its name is "" if it is none.
func (r *Redactor) readTag(s string, i int) tag {
	t := tag{}
	at := i + 1
	if at < len(s) && s[at] == '/' {
		t.closing = true
		at++
	}
	from := at
	for at < len(s) && at-from <= maxName && nameChar(s[at]) {
		at++
	}
	t.full = s[from:at]
	t.name = t.full[strings.LastIndexByte(t.full, ':')+1:]
	if t.name == "" || t.closing {
		return t
	}
	quote := byte(0)
	for ; at < len(s); at++ {
		switch c := s[at]; {
		case c == '<': // XML has none in a tag: this one is broken, or was none
			t.end = at
			return t
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
			t.named = t.named || r.names(s, from+len(t.full), at)
		case c == '>':
			t.end, t.empty = at+1, s[at-1] == '/'
			return t
		}
	}
	t.end = len(s)
	return t
}

// names reports whether the attribute value whose quote is at i is the name of a
// credential.
func (r *Redactor) names(s string, from, i int) bool {
	attribute := strings.TrimRight(s[max(from, i-maxName):i], " \t\r\n")
	attribute, ok := strings.CutSuffix(attribute, "=")
	attribute = strings.TrimRight(attribute, " \t\r\n")
	if !ok || !namesSomething(attribute[strings.LastIndexAny(attribute, " \t\r\n:")+1:]) {
		return false
	}
	value := s[i+1 : min(len(s), i+1+maxName)]
	end := strings.IndexByte(value, s[i])
	return end >= 0 && r.secretWord(value[:end])
}

// elementEnd returns where the end tag of an element begins, or the end of s.
func elementEnd(s string, t tag) int {
	depth := 1
	for i := indexFrom(s, "<", t.end); i >= 0; i = indexFrom(s, "<", i+1) {
		rest := s[i+1:]
		closing := strings.HasPrefix(rest, "/")
		if closing {
			rest = rest[1:]
		}
		if len(rest) < len(t.full) || !strings.EqualFold(rest[:len(t.full)], t.full) || len(rest) > len(t.full) && nameChar(rest[len(t.full)]) {
			continue
		}
		if !closing {
			depth++
			continue
		}
		depth--
		if depth == 0 {
			return i
		}
	}
	return len(s)
}

// textAt returns the text at i, up to the next tag.
func textAt(s string, i int) string {
	text, _, ok := strings.Cut(s[i:min(len(s), i+maxName)], "<")
	if !ok {
		return ""
	}
	return text
}

func indexFrom(s, what string, i int) int {
	if i >= len(s) {
		return -1
	}
	if at := strings.Index(s[i:], what); at >= 0 {
		return i + at
	}
	return -1
}

func nameChar(c byte) bool { return credChar(c) || c == ':' || c >= 0x80 }
