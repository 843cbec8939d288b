package mockserver

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// maxNearPath bounds the paths that are compared with the operations: a longer one
// is no typing error.
const maxNearPath = 512

// insertedSegment is the distance of a segment too many or too few.
const insertedSegment = 3

// farthest is the largest distance that is near: two segments too many and two
// letters.
const farthest = 2*insertedSegment + 2

// near says which operation a request without one probably means. It quotes
// patterns, never the request: a path may hold a credential.
func (rt *routes) near(r *http.Request) string {
	r, _ = rt.folded(r)
	sent := r.URL.EscapedPath()
	if sent == "" || sent[0] != '/' || len(sent) > maxNearPath {
		return ""
	}
	segments := strings.Split(sent[1:], "/")
	prefix := ""
	if len(segments) > 1 && rt.mayPrefix(segments[0]) {
		prefix, segments = "/"+strings.ToLower(segments[0]), segments[1:]
	}
	return rt.router().near(r.Method, prefix, segments)
}

// mayPrefix reports whether every operation may be called with this segment before it.
func (rt *routes) mayPrefix(segment string) bool {
	return rt.fold != nil && segment != "" && slices.ContainsFunc(rt.router().all, func(line *routeLine) bool {
		operation := "/" + strings.Join(line.segments, "/")
		return rt.fold("/"+segment+operation) == operation
	})
}

// near is asked for the segments behind a prefix that operations may have.
func (rt *router) near(method, prefix string, segments []string) string {
	odd, clean, takes := oddity(segments), cleaned(segments), rt.methods(segments)
	if odd != "" {
		odd = "the path has " + odd
		if line := rt.nearest(method, clean, true); line != nil && (takes == nil || line.method == method) {
			return odd + "; without, it is " + line.behind(prefix)
		}
	}
	if takes != nil {
		return "the path takes " + strings.Join(takes, ", ")
	}
	line := rt.nearest(method, clean, false)
	if line == nil {
		return odd
	}
	said := "the nearest operation is " + line.behind(prefix)
	if odd != "" {
		said = odd + "; " + said
	}
	return said
}

// oddity names what a base URL or a careless join leaves in a path.
func oddity(segments []string) string {
	last := len(segments) - 1
	switch i := slices.IndexFunc(segments, isDots); {
	case i >= 0:
		return "a segment `" + segments[i] + "`, which is sent as it stands"
	case last > 0 && slices.Contains(segments[:last], ""):
		return "a doubled slash (does the base URL end in a slash?)"
	case last > 0 && segments[last] == "":
		return "a slash at its end"
	}
	return ""
}

// isDots reports whether a segment is "." or "..", also if it was sent as %2e.
func isDots(segment string) bool {
	plain := unescapeSegment(segment)
	return plain == "." || plain == ".."
}

// cleaned returns the path as a file system would read it.
func cleaned(segments []string) []string {
	segments = slices.Clone(segments)
	for i, s := range segments {
		if isDots(s) {
			segments[i] = unescapeSegment(s)
		}
	}
	return strings.Split(path.Clean("/" + strings.Join(segments, "/"))[1:], "/")
}

// nearest returns the operation with the least distance from the path, if that is
// at most half of its letters and farthest; nil if there is none. With same only the path itself
// is near. The request's method decides between equals.
func (rt *router) nearest(method string, segments []string, same bool) *routeLine {
	var best *routeLine
	least := 0
	for _, line := range rt.all {
		if line.method == "" {
			continue
		}
		if apart(len(segments), len(line.segments))*insertedSegment > farthest {
			continue
		}
		most := 0
		if !same {
			most = min(line.letters()/2, farthest)
		}
		d := pathDistance(segments, line.segments, most)
		if d > most {
			continue
		}
		if best == nil || d < least || d == least && line.method == method && best.method != method {
			best, least = line, d
		}
	}
	return best
}

// letters is the number of letters of the pattern outside its wildcards.
func (line *routeLine) letters() int {
	n := 0
	for _, s := range line.segments {
		if !isWildcard(s) {
			n += len(s)
		}
	}
	return n
}

// pathDistance is an edit distance over segments. A changed segment costs the edit
// distance of its letters, a missing one or one too many insertedSegment. Any number above
// most stands for all of them.
func pathDistance(sent, pattern []string, most int) int {
	return editDistance(len(sent), len(pattern), insertedSegment, most, func(i, j int) int {
		switch s, p := sent[i], pattern[j]; {
		case s == p, isWildcard(p) && s != "":
			return 0
		case strings.EqualFold(s, p):
			return 1
		case apart(len(s), len(p)) >= 2*insertedSegment:
			return 2 * insertedSegment // one too many and one too few cost no more: the letters decide nothing
		default:
			return wordDistance(s, p, 2*insertedSegment)
		}
	})
}

// apart is the difference of two lengths, which is the least distance of what has them.
func apart(n, m int) int { return max(n-m, m-n) }

// wordDistance is the number of letters to change, insert or leave out. Any number above
// most stands for all of them.
func wordDistance(a, b string, most int) int {
	return editDistance(len(a), len(b), 1, most, func(i, j int) int {
		if a[i] == b[j] {
			return 0
		}
		return 1
	})
}

// editDistance is Levenshtein's distance of two sequences with n and m elements:
// gap is the cost of an element that only one has, change that of a pair. It ends early
// with a number above most once the distance cannot be less.
func editDistance(n, m, gap, most int, change func(i, j int) int) int {
	var few [64]int
	row := few[:]
	if m >= len(few) {
		row = make([]int, m+1)
	}
	row = row[:m+1]
	for j := range row {
		row[j] = j * gap
	}
	for i := range n {
		before := row[0]
		row[0] += gap
		least := row[0]
		for j := range m {
			here := min(before+change(i, j), row[j]+gap, row[j+1]+gap)
			before, row[j+1] = row[j+1], here
			least = min(least, here)
		}
		if least > most { // no row has less than the one before
			return least
		}
	}
	return row[m]
}

// notFound says that there is no such operation, and which one is near.
func (v *vendor) notFound(rt *routes, r *http.Request) string {
	said := "no such operation in this mock of " + v.title
	if near := rt.near(r); near != "" {
		said += "; " + near
	}
	return said
}
