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
	for _, r := range n.router(v).all {
		if strings.Contains(r.Pattern, " ") { // one without a method only refuses
			out = append(out, strings.TrimSuffix(r.Pattern, "{$}"))
		}
	}
	slices.Sort(out)
	return out
}
