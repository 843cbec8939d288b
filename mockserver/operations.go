package mockserver

import (
	"slices"
	"strings"
)

// Operations lists what the mock plays of p as "GET /path/{name}", sorted. It
// is what OpenAPI describes. An unknown p has none.
func (n *Namespace) Operations(p Provider) []string {
	v := n.srv.vendor(p)
	if v == nil {
		return nil
	}
	var out []string
	for pattern := range n.router(v).needs {
		if strings.Contains(pattern, " ") { // without a method it only answers wrong ones
			out = append(out, strings.TrimSuffix(pattern, "{$}"))
		}
	}
	slices.Sort(out)
	return out
}
