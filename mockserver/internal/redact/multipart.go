package redact

import "strings"

// This file hides credentials in multipart bodies, and private keys.

// parts hides the content of the parts of a multipart body that have a
// credential's name (RFC 7578). If boundary is "", the first line tells it, and if it
// does not, every line that begins like a boundary is one.
func (r *Redactor) parts(s, boundary string) string {
	if boundary == "" {
		boundary = firstBoundary(s)
	}
	delimiter := "\n--" + boundary
	var out strings.Builder
	last := 0
	for i := 0; i < len(s); {
		next := indexFrom(s, delimiter, i)
		if next < 0 {
			next = len(s)
		}
		if head, from := partHead(s, i, next); r.secretPart(head) {
			to := next
			if to > from && s[to-1] == '\r' {
				to--
			}
			out.WriteString(s[last:from])
			out.WriteString(Mark)
			last = to
		}
		i = next + len(delimiter)
	}
	if last == 0 {
		return s
	}
	out.WriteString(s[last:])
	return out.String()
}

// firstBoundary returns the boundary that the first line of a body names.
func firstBoundary(s string) string {
	s = strings.TrimLeft(s, "\r\n")
	if !strings.HasPrefix(s, "--") {
		return ""
	}
	line, _, _ := strings.Cut(s[2:min(len(s), 2+maxBoundary)], "\n")
	return strings.TrimRight(line, " \t\r-")
}

const (
	maxBoundary = 128 // RFC 2046 allows 70
	maxPartHead = 4 << 10
)

// partHead returns the header of the part s[i:next], and where its content
// begins.
func partHead(s string, i, next int) (head string, from int) {
	i, next = min(i, len(s)), min(next, len(s))
	part := s[i:next]
	end, length := -1, 0
	for _, empty := range [...]string{"\r\n\r\n", "\n\n", "\n\r\n"} {
		if at := strings.Index(part[:min(len(part), maxPartHead)], empty); at >= 0 && (end < 0 || at < end) {
			end, length = at, len(empty)
		}
	}
	if end < 0 {
		return part[:min(len(part), maxPartHead)], i // no content, or a header too long to be read
	}
	return part[:end], i + end + length
}

// secretPart reports whether the header of a part names a credential.
func (r *Redactor) secretPart(head string) bool {
	lower := lowerASCII(head)
	start := strings.Index(lower, "content-disposition:")
	if start < 0 {
		return false
	}
	head, lower = head[start:], lower[start:]
	for at := 0; ; {
		i := indexFrom(lower, "name", at)
		if i < 0 {
			return false
		}
		at = i + len("name")
		if credChar(head[i-1]) {
			continue // filename
		}
		value := strings.TrimLeft(head[at:], "*0 \t")
		value, ok := strings.CutPrefix(value, "=")
		if !ok {
			continue
		}
		value = strings.TrimLeft(value, " \t")
		if quoted, ok := strings.CutPrefix(value, `"`); ok {
			value, _, _ = strings.Cut(quoted, `"`)
		} else if end := strings.IndexAny(value, "; \t\r\n"); end >= 0 {
			value = value[:end]
		}
		if r.secretName(unescape(strings.ReplaceAll(value, `\`, ""))) {
			return true
		}
	}
}

// lowerASCII returns s in lower case, byte for byte.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// privateKeys hides PEM blocks of private keys.
func privateKeys(s string) string {
	const begin, key, end = "-----BEGIN ", "PRIVATE KEY", "-----END "
	var out strings.Builder
	last := 0
	for i := indexFrom(s, begin, 0); i >= 0; i = indexFrom(s, begin, max(last, i+1)) {
		if !strings.Contains(s[i:min(len(s), i+maxName)], key) {
			continue
		}
		to := indexFrom(s, end, i)
		if to < 0 {
			to = len(s)
		}
		out.WriteString(s[last:i])
		out.WriteString(Mark)
		last = to
	}
	if last == 0 {
		return s
	}
	out.WriteString(s[last:])
	return out.String()
}
