package redact

import "strings"

// unescape undoes one layer of percent-encoding and of JSON's escapes where
// they encode printable ASCII. It keeps everything else.
func unescape(s string) string {
	if !strings.ContainsAny(s, `%\`) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		switch {
		case s[i] == '%' && i+2 < len(s) && ascii(s[i+1:i+3]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 3
		case strings.HasPrefix(s[i:], `\u00`) && i+5 < len(s) && ascii(s[i+4:i+6]):
			b.WriteByte(unhex(s[i+4])<<4 | unhex(s[i+5]))
			i += 6
		case strings.HasPrefix(s[i:], `\/`):
			b.WriteByte('/')
			i += 2
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// ascii reports whether two hexadecimal digits encode a printable character.
func ascii(digits string) bool {
	hi, lo := unhex(digits[0]), unhex(digits[1])
	c := hi<<4 | lo
	return hi < 8 && lo < 16 && c >= ' ' && c <= '~'
}

// unhex returns the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// hideMembers hides the values of JSON members with a credential's name, if
// they are strings or arrays. It reads any text and keeps what is no JSON.
func hideMembers(s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		end := stringEnd(s, i)
		colon := skipSpace(s, end)
		if colon >= len(s) || s[colon] != ':' || !secretName(unescape(s[i+1:max(i+1, end-1)])) {
			i = end - 1
			continue
		}
		from := skipSpace(s, colon+1)
		to := valueEnd(s, from)
		if to > from {
			b.WriteString(s[last:from])
			b.WriteString(`"` + Mark + `"`)
			last = to
		}
		i = max(to, end) - 1
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
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

// valueEnd returns the end of a string or an array at i, or i for any other
// value.
func valueEnd(s string, i int) int {
	if i >= len(s) || s[i] != '"' && s[i] != '[' {
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
