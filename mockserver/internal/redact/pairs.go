package redact

import "strings"

// This file hides credentials in text of no particular form: name=value as in
// parameters, attributes and variables, and name: value as in headers and YAML.

// named hides whatever stands in a text under a credential's name, in all the
// forms that this package knows.
func (r *Redactor) named(s string, depth int) string {
	s = r.pairs(privateKeys(r.elements(r.members(s, depth))))
	if depth <= 0 {
		return s
	}
	plain := unescape(s)
	if plain == s {
		return s
	}
	if clean := r.named(plain, depth-1); clean != plain {
		return clean // in plain words, so that one can see what was hidden
	}
	return s
}

// maxDepth is how deep texts may be nested in strings of JSON.
const maxDepth = 3

// pairs hides the values of pairs with a credential's name.
func (r *Redactor) pairs(s string) string {
	const separators = "=:"
	var out strings.Builder
	last := 0
	for i := strings.IndexAny(s, separators); i >= 0; {
		name := nameBefore(s, i)
		from, to := 0, 0
		if name != "" && r.secretName(name) {
			from, to = valueBehind(s, i, name)
		}
		if from < to && from >= last && !harmlessValue(s[from:to]) && !isErrorCode(name, s[from:to]) && !portOf(s[i], name, s[from:to]) {
			out.WriteString(s[last:from])
			out.WriteString(Mark)
			last = to
		}
		next := max(to, i+1)
		if i = strings.IndexAny(s[next:], separators); i >= 0 {
			i += next
		}
	}
	if last == 0 {
		return s
	}
	out.WriteString(s[last:])
	return out.String()
}

// nameBefore returns the name that ends at i, without quotes, brackets and
// escapes; "" if there is none.
func nameBefore(s string, i int) string {
	end := i
	for end > 0 && i-end < 8 && strings.IndexByte(" \t\"'`]\\", s[end-1]) >= 0 {
		end--
	}
	from := end
	for from > 0 && end-from <= maxName && (credChar(s[from-1]) || s[from-1] == '%' || s[from-1] == '$' || s[from-1] == '[' || s[from-1] == '\\') {
		from--
	}
	return unescape(s[from:end])
}

// valueBehind returns where the value behind the separator at i stands: within
// its quotes, or up to what ends a value.
func valueBehind(s string, i int, name string) (from, to int) {
	from = i + 1
	if from < len(s) && s[i] == ':' && s[from] == '=' { // an assignment
		from++
	}
	for from < len(s) && (s[from] == ' ' || s[from] == '\t' || s[from] == '\\') {
		from++
	}
	if from < len(s) && (s[from] == '"' || s[from] == '\'' || s[from] == '`') {
		if end := indexFrom(s, s[from:from+1], from+1); end > 0 {
			return from + 1, end
		}
		return from + 1, len(s)
	}
	if s[i] == ':' {
		if end := blockEnd(s, from); end > 0 {
			return from, end
		}
	}
	ends := "&;,<>)}]\"' \t\r\n"
	switch n := strings.ToLower(name); {
	case strings.Contains(n, "auth") || strings.Contains(n, "cookie"):
		ends = "\r\n\"" // a header with several words
	case s[i] == ':':
		ends = "&;,<>)}]\"\r\n"
	}
	if end := strings.IndexAny(s[from:], ends); end >= 0 {
		return from, from + end
	}
	return from, len(s)
}

// blockEnd returns the end of the block of YAML that begins at i, as in "key: |": of the lines
// below that are indented or empty. It is 0 if there is none.
func blockEnd(s string, i int) int {
	if i >= len(s) || s[i] != '|' && s[i] != '>' {
		return 0
	}
	end := indexFrom(s[:min(len(s), i+16)], "\n", i) // the indicators are short
	if end < 0 || strings.Trim(s[i+1:end], "+-0123456789 \t\r") != "" {
		return 0
	}
	for end < len(s)-1 && strings.IndexByte(" \t\r\n", s[end+1]) >= 0 {
		next := indexFrom(s, "\n", end+1)
		if next < 0 {
			return len(s)
		}
		end = next
	}
	return end
}

// harmlessValue reports whether a value is too short to be a credential, or a
// word of JSON, or hidden already.
func harmlessValue(v string) bool {
	v = strings.TrimSpace(v)
	switch v {
	case "", "true", "false", "null", "undefined", "{", "[":
		return true
	}
	return strings.HasPrefix(v, Mark) || strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") || len(v) < 4 && strings.Trim(v, "0123456789.") == ""
}

// portOf reports whether a value is the port of a host.
func portOf(separator byte, name, value string) bool {
	port, _, _ := strings.Cut(value, "/")
	return separator == ':' && strings.IndexByte(name, '.') >= 0 && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
}

// matrix hides the values of parameters with a credential's name in a path, as in
// /orders;key=abc/1 (RFC 3986, section 3.3) and /key=abc, and in a query that was escaped
// into the path.
func (r *Redactor) matrix(path string) string {
	if strings.IndexByte(path, '=') < 0 && strings.IndexByte(path, '%') < 0 {
		return path
	}
	now := path
	for range maxDepth {
		if clean := r.matrixOnce(now); clean != now {
			return clean
		}
		plain := unescape(now)
		if plain == now {
			break
		}
		now = plain
	}
	return path
}

func (r *Redactor) matrixOnce(path string) string {
	var out strings.Builder
	for rest := path; rest != ""; {
		end := strings.IndexAny(rest[1:], ";/?&") + 1
		if end == 0 {
			end = len(rest)
		}
		part := rest[:end]
		rest = rest[end:]
		name, value, ok := strings.Cut(part, "=")
		if ok && name != "" && strings.IndexByte(";?&/", name[0]) >= 0 && r.secretName(unescape(name[1:])) && value != "" {
			part = name + "=" + Mark
		}
		out.WriteString(part)
	}
	return out.String()
}
