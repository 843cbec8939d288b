package redact

import "strings"

// unescape undoes one layer of percent-encoding and of JSON's escapes where
// they encode printable ASCII. It keeps everything else.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '\\') < 0 {
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
