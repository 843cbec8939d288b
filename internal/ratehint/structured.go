package ratehint

import "strings"

// This file splits structured fields (RFC 9651), as far as these headers need it.

// item is an item of a list, or a member of a dictionary, with its parameters.
type item struct {
	name   string // the bare item, or the key of a member
	value  string // of a member "name=value"
	params []string
}

// foreign reports whether the item, or its policy, counts something else than requests.
func (it item) foreign(policies []item) bool {
	if qu := it.param("qu"); qu != "" && qu != "requests" {
		return true
	}
	for _, pol := range policies {
		if pol.name == it.name && pol.foreign(nil) {
			return true
		}
	}
	return false
}

// param returns a parameter's value without quotes, or "".
func (it item) param(key string) string {
	for _, s := range it.params {
		if k, v, ok := strings.Cut(s, "="); ok && strings.EqualFold(strings.TrimSpace(k), key) {
			return unquote(v)
		}
	}
	return ""
}

// parseItems reads the lines of a list or a dictionary.
func parseItems(lines []string) []item {
	var items []item
	for _, line := range lines {
		for _, s := range splitUnquoted(line, ',') {
			parts := splitUnquoted(s, ';')
			it := item{name: unquote(parts[0]), params: parts[1:]}
			if !strings.HasPrefix(strings.TrimSpace(parts[0]), `"`) {
				if k, v, ok := strings.Cut(parts[0], "="); ok {
					it.name, it.value = strings.ToLower(strings.TrimSpace(k)), unquote(v)
				}
			}
			if it.name != "" && len(items) < 16 {
				items = append(items, it)
			}
		}
	}
	return items
}

// splitUnquoted splits at a separator that is not within quotes.
func splitUnquoted(s string, sep byte) []string {
	var parts []string
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }
