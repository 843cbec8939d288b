package mockserver

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// router finds the route of a path as it was sent. net/http's ServeMux answers a
// path with "//", "/./" or "/../" by itself, with a redirect in HTML; a vendor
// would not, and the journal would not have what the client did. Patterns are
// those of ServeMux without hosts and without "{name...}".
//
// A path is compared segment by segment, before percent-decoding: "a%2Fb" is one
// segment. "", "." and ".." are never the value of a wildcard. A router does not
// change once it is built.
type router struct {
	root node
	all  []*routeLine
}

// node is the routes behind one prefix of segments.
type node struct {
	literal map[string]*node
	partial []partial // behind text with wildcards in it; the most text comes first
	any     *node     // behind a wildcard
	lines   []*routeLine
}

// routeLine is a route with its pattern taken apart.
type routeLine struct {
	route    *surface.Route
	method   string   // "" takes every method, if no other route does
	segments []string // "{name}" for a wildcard
}

func newRouter(all []surface.Route) *router {
	rt := &router{}
	for i := range all {
		line := parsePattern(&all[i])
		rt.all = append(rt.all, line)
		n := &rt.root
		for _, s := range line.segments {
			n = n.child(s)
		}
		n.lines = append(n.lines, line)
	}
	return rt
}

func parsePattern(r *surface.Route) *routeLine {
	method, path, ok := strings.Cut(r.Pattern, " ")
	if !ok {
		method, path = "", r.Pattern
	}
	return &routeLine{route: r, method: method, segments: strings.Split(strings.TrimSuffix(path[1:], "{$}"), "/")}
}

func isWildcard(segment string) bool { return strings.HasPrefix(segment, "{") && !isPartial(segment) }

func (nd *node) child(segment string) *node {
	if isPartial(segment) {
		return nd.partialChild(segment)
	}
	if isWildcard(segment) {
		if nd.any == nil {
			nd.any = new(node)
		}
		return nd.any
	}
	next := nd.literal[segment]
	if next == nil {
		if nd.literal == nil {
			nd.literal = make(map[string]*node)
		}
		next = new(node)
		nd.literal[segment] = next
	}
	return next
}

// find returns the route of a request and sets its path values; nil if there is
// none. A literal segment comes before a wildcard, a route with a method before
// one without. As in ServeMux, GET takes HEAD.
func (rt *router) find(r *http.Request) *surface.Route {
	path := r.URL.EscapedPath()
	if path == "" || path[0] != '/' {
		return nil
	}
	segments := strings.Split(path[1:], "/")
	methods := []string{r.Method, ""}
	if r.Method == http.MethodHead {
		methods = []string{r.Method, http.MethodGet, ""}
	}
	for _, method := range methods {
		if line := rt.root.find(method, segments); line != nil {
			line.setValues(r, segments)
			return line.route
		}
	}
	return nil
}

// find returns the first line behind the segments that has the method.
func (nd *node) find(method string, segments []string) *routeLine {
	if len(segments) == 0 {
		for _, line := range nd.lines {
			if line.method == method {
				return line
			}
		}
		return nil
	}
	first := unescapeSegment(segments[0])
	if next := nd.literal[first]; next != nil {
		if line := next.find(method, segments[1:]); line != nil {
			return line
		}
	}
	for i := range nd.partial {
		if _, fits := valuesOf(nd.partial[i].segment, segments[0]); fits {
			if line := nd.partial[i].node.find(method, segments[1:]); line != nil {
				return line
			}
		}
	}
	if nd.any == nil || segments[0] == "" || segments[0] == "." || segments[0] == ".." {
		return nil
	}
	return nd.any.find(method, segments[1:])
}

func (line *routeLine) setValues(r *http.Request, segments []string) {
	for i, s := range line.segments {
		if isPartial(s) {
			values, _ := valuesOf(s, segments[i])
			for k, name := range namesIn(s) {
				r.SetPathValue(name, unescapeSegment(values[k]))
			}
			continue
		}
		if isWildcard(s) {
			r.SetPathValue(strings.Trim(s, "{}"), unescapeSegment(segments[i]))
		}
	}
}

func unescapeSegment(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// methods lists the methods that a path takes, sorted; nil for an unknown path.
func (rt *router) methods(segments []string) []string {
	var out []string
	for _, line := range rt.all {
		if line.method != "" && line.matches(segments) && !slices.Contains(out, line.method) {
			out = append(out, line.method)
		}
	}
	slices.Sort(out)
	return out
}

func (line *routeLine) matches(segments []string) bool {
	if len(segments) != len(line.segments) {
		return false
	}
	for i, s := range line.segments {
		switch got := segments[i]; {
		case isPartial(s):
			if _, fits := valuesOf(s, got); !fits {
				return false
			}
		case isWildcard(s):
			if got == "" || got == "." || got == ".." {
				return false
			}
		case s != unescapeSegment(got):
			return false
		}
	}
	return true
}

// String is the operation, as in Namespace.Operations.
func (line *routeLine) String() string { return line.behind("") }

// behind is the operation behind a prefix of its path.
func (line *routeLine) behind(prefix string) string {
	return strings.TrimSpace(line.method + " " + prefix + "/" + strings.Join(line.segments, "/"))
}
