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

const (
	maxItems  = 16 // of a list
	maxParams = 16 // of an item
)

// parseItems reads the lines of a list or a dictionary.
func parseItems(lines []string) []item {
	var items []item
	for _, line := range lines {
		for more := true; more && len(items) < maxItems; {
			var s string
			s, line, more = cutUnquoted(line, ',')
			if it := parseItem(s); it.name != "" {
				items = append(items, it)
			}
		}
	}
	return items
}

func parseItem(s string) item {
	bare, rest, more := cutUnquoted(s, ';')
	it := item{name: unquote(bare)}
	if !strings.HasPrefix(strings.TrimSpace(bare), `"`) {
		if k, v, ok := strings.Cut(bare, "="); ok {
			it.name, it.value = strings.ToLower(strings.TrimSpace(k)), unquote(v)
		}
	}
	for more && len(it.params) < maxParams {
		var param string
		param, rest, more = cutUnquoted(rest, ';')
		it.params = append(it.params, param)
	}
	return it
}

// cutUnquoted cuts at the first separator that is not within quotes.
func cutUnquoted(s string, sep byte) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }
