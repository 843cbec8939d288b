package keyfit

import (
	"strings"
	"time"
)

// rateLimit reads the headers that describe the limit. A reset counts as a wait only when
// they say that nothing remains.
func (p *hintParser) rateLimit() {
	p.ietf()
	for _, name := range []string{"RateLimit", "X-RateLimit", "X-Rate-Limit"} {
		p.triple(name)
	}
}

// ietf reads RateLimit and RateLimit-Policy: lists of named items with parameters, such as
//
//	RateLimit-Policy: "burst";q=100;w=60,"daily";q=1000;w=86400
//	RateLimit: "burst";r=0;t=30
//
// (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4), and the form of draft 7,
// "limit=100, remaining=0, reset=30". The item with the least left is the one that counts.
func (p *hintParser) ietf() {
	items := sfItems(p.header.Values("RateLimit"))
	policies := sfItems(p.header.Values("RateLimit-Policy"))
	var tight sfItem
	left, reset := -1, time.Duration(0)
	for _, it := range items {
		if it.foreign(policies) {
			continue
		}
		r, ok := p.count("RateLimit", it.param("r"))
		if !ok {
			continue
		}
		t := p.span("RateLimit", it.param("t"))
		if left < 0 || r < left || r == left && t > reset {
			left, reset, tight = r, t, it
		}
	}
	p.policy(policies, tight.name)
	if left >= 0 {
		p.teach("RateLimit", left, reset)
		return
	}
	p.draft7(items)
}

// draft7 reads the older form of RateLimit.
func (p *hintParser) draft7(items []sfItem) {
	left, reset := -1, time.Duration(0)
	for _, it := range items {
		switch it.name {
		case "limit":
			p.setLimit(p.count("RateLimit", it.value))
		case "remaining":
			if n, ok := p.count("RateLimit", it.value); ok {
				left = n
			}
		case "reset":
			reset = p.span("RateLimit", it.value)
		}
	}
	p.teach("RateLimit", left, reset)
}

// policy takes the limit from the policy of that name, or else from the first.
func (p *hintParser) policy(policies []sfItem, name string) {
	for _, it := range policies {
		if name != "" && it.name != name || it.foreign(nil) {
			continue
		}
		q, ok := p.count("RateLimit-Policy", it.param("q"))
		if !ok {
			continue
		}
		w := p.span("RateLimit-Policy", it.param("w"))
		p.setLimit(q, true)
		if p.limit.Requests == q && p.limit.Per == 0 {
			p.limit.Per = w
		}
		return
	}
}

// triple reads the three headers X-Limit, X-Remaining and X-Reset.
func (p *hintParser) triple(prefix string) {
	p.oldLimit(prefix + "-Limit")
	left := -1
	if n, ok := p.count(prefix+"-Remaining", p.header.Get(prefix+"-Remaining")); ok {
		left = n
	}
	reset := p.span(prefix+"-Reset", p.header.Get(prefix+"-Reset"))
	p.teach(prefix+"-Reset", left, reset)
}

// oldLimit reads "100", or "100, 100;w=60, 1000;w=3600": the limit, then the policies.
func (p *hintParser) oldLimit(source string) {
	items := sfItems(p.header.Values(source))
	if len(items) == 0 || p.limit.Requests > 0 {
		return
	}
	p.setLimit(p.count(source, items[0].name))
	for _, it := range items {
		if it.name == items[0].name && it.param("w") != "" && p.limit.Requests > 0 {
			p.limit.Per = p.span(source, it.param("w"))
			return
		}
	}
}

// teach takes what remains and when the window resets; the first header that says it counts.
func (p *hintParser) teach(source string, left int, reset time.Duration) {
	if p.remaining < 0 {
		p.remaining = left
	}
	if p.reset == 0 {
		p.reset = reset
	}
	if left == 0 && reset > 0 {
		p.say(source, reset)
	}
}

func (p *hintParser) setLimit(n int, ok bool) {
	if ok && n > 0 && p.limit.Requests == 0 {
		p.limit.Requests = n
	}
}

// count reads a number of requests; "" is not there.
func (p *hintParser) count(source, s string) (n int, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false
	}
	v, err := number(s)
	switch {
	case err != nil:
		p.drop(source, s, err)
		return 0, false
	case v < 0:
		p.drop(source, s, errHintNegative)
		return 0, false
	}
	return int(min(v, 1<<30)), true
}

// span reads a number of seconds, an epoch or a date; "" is not there.
func (p *hintParser) span(source, s string) time.Duration {
	if strings.TrimSpace(s) == "" {
		return 0
	}
	d, err := p.duration(s, time.Second)
	if err != nil {
		p.drop(source, s, err)
		return 0
	}
	return d
}

// sfItem is an item of a structured field (RFC 9651), as far as these headers need it.
type sfItem struct {
	name   string // the bare item, or the key of a member
	value  string // of a member "name=value"
	params []string
}

// foreign says whether the item counts something else than requests.
func (it sfItem) foreign(policies []sfItem) bool {
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
func (it sfItem) param(key string) string {
	for _, s := range it.params {
		if k, v, ok := strings.Cut(s, "="); ok && strings.EqualFold(strings.TrimSpace(k), key) {
			return unquote(v)
		}
	}
	return ""
}

// sfItems reads the lines of a list or a dictionary.
func sfItems(lines []string) []sfItem {
	var items []sfItem
	for _, line := range lines {
		for _, s := range splitOutside(line, ',') {
			parts := splitOutside(s, ';')
			it := sfItem{name: unquote(parts[0]), params: parts[1:]}
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

// splitOutside splits at a separator that does not stand within quotes.
func splitOutside(s string, sep byte) []string {
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
