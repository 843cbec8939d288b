package mockserver

import (
	"slices"
	"strings"
)

// Operations lists the operations of p's mock as "GET /path/{name}", sorted. They
// are those of OpenAPI. An unknown p has none.
func (n *Namespace) Operations(p Provider) []string {
	v := n.srv.vendor(p)
	if v == nil {
		return nil
	}
	var out []string
	for pattern := range n.router(v).needs {
		if strings.Contains(pattern, " ") { // one without a method only refuses
			out = append(out, strings.TrimSuffix(pattern, "{$}"))
		}
	}
	slices.Sort(out)
	return out
}
