package mockserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// maxRoutes bounds the routes of one API.
const maxRoutes = 10_000

// routes makes the operations of the API.
func (def *definition) routes(v *vendor) []surface.Route {
	if len(def.Routes) > maxRoutes {
		def.wrong("routes", "there are %d; at most %d are allowed", len(def.Routes), maxRoutes)
		return nil
	}
	first := make(map[string]int)
	out := make([]surface.Route, 0, len(def.Routes))
	for i := range def.Routes {
		made, wrong := v.route(&def.Routes[i])
		if wrong != nil {
			def.wrong(at("routes", i)+"."+wrong.Member, "%s", wrong.Problem)
			continue
		}
		key := anonymous(made.Pattern)
		_, path, _ := strings.Cut(made.Pattern, " ")
		if member := def.OAuth.at(path); member != "" {
			def.wrong(at("routes", i)+".route", "%s is the path of %s", quote(path), member)
		}
		if j, taken := first[key]; taken {
			def.wrong(at("routes", i)+".route", "%s takes the same requests as routes[%d]", quote(made.Pattern), j)
		}
		first[key] = i
		out = append(out, made)
	}
	return out
}

// anonymous is a pattern without the names of its wildcards.
func anonymous(pattern string) string {
	segments := strings.Split(pattern, "/")
	for i, s := range segments {
		switch {
		case isPartial(s):
			texts, _, _ := pieces(s)
			segments[i] = strings.Join(texts, "{}")
		case isWildcard(s):
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// route makes an operation, or tells the member that is wrong.
func (v *vendor) route(r *Route) (surface.Route, *DefinitionError) {
	names, problem := patternNames(r.Pattern)
	wrong := func(member, problem string, args ...any) (surface.Route, *DefinitionError) {
		return surface.Route{}, &DefinitionError{v.provider, member, fmt.Sprintf(problem, args...)}
	}
	known := func(list []AccessType) (out []string) {
		for _, a := range list {
			out = append(out, string(a))
		}
		return out
	}
	types := known(v.accessTypes)
	switch {
	case problem != "":
		return wrong("route", "%s", problem)
	case r.Open && (r.Scope != "" || len(r.Scopes) > 0 || len(r.Access) > 0 || r.Group != ""):
		return wrong("open", "a route without a key has no scope, access or limitGroup")
	case r.Scope != "" && v.closedScopes && !slices.Contains(v.scopes, r.Scope):
		return wrong("scope", "%.60q is none of the scopes: %s%s", r.Scope, listed(v.scopes), meant(r.Scope, v.scopes))
	case r.FirstOnly && (r.Open || !v.carries(credClient)):
		return wrong("firstOnly", "only a route that needs a pair can take its first key as enough")
	case r.Group != "" && v.groups[r.Group].none():
		return wrong("limitGroup", "%.60q is none of the limitGroups", r.Group)
	}
	for i, s := range r.Scopes {
		if v.closedScopes && !slices.Contains(v.scopes, s) {
			return wrong(at("scopes", i), "%.60q is none of the scopes: %s%s", s, listed(v.scopes), meant(s, v.scopes))
		}
	}
	for i, a := range r.Access {
		if !slices.Contains(types, string(a)) {
			return wrong(at("access", i), "%.60q is none of the access types: %s%s", a, listed(types), meant(string(a), types))
		}
	}
	out := surface.Route{Pattern: r.Pattern, Need: surface.Need{
		Open: r.Open, Scope: r.Scope, Scopes: slices.Clone(r.Scopes), Access: known(r.Access), Group: r.Group, First: r.FirstOnly,
	}}
	if r.Handler != nil {
		if !r.Reply.zero() || len(r.Replies) > 0 {
			return wrong("reply", "give Handler or Reply, not both")
		}
		out.Handle = handled(r.Handler)
		return out, nil
	}
	handle, bad := v.replies(r, names)
	if bad != nil {
		return surface.Route{}, bad
	}
	out.Handle = handle
	return out, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "it has none"
	}
	return strings.Join(names, ", ")
}

func (rp *Reply) zero() bool {
	return rp.Status == 0 && rp.Type == "" && rp.Body == "" && len(rp.Header) == 0 && len(rp.When) == 0
}

// patternNames returns the wildcards of a pattern, or what is wrong with it.
func patternNames(pattern string) (names []string, problem string) {
	const letters = wordLetters + ".~!$&'()*+,;=:@"
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || !isWord(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 16) || !strings.HasPrefix(path, "/") || len(pattern) > 2048 {
		return nil, fmt.Sprintf("%.80q is not a method and a path, such as \"GET /v1/items/{id}\"", pattern)
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if isPartial(segment) {
			more, wrong := partialNames(segment, letters, names)
			if wrong != "" {
				return nil, fmt.Sprintf("%.80q has a segment %.60q: %s", pattern, segment, wrong)
			}
			names = append(names, more...)
			continue
		}
		name, wild := wildcard(segment)
		switch {
		case wild && slices.Contains(names, name):
			return nil, fmt.Sprintf("%.80q has {%s} twice", pattern, name)
		case wild:
			names = append(names, name)
		case segment == "." || segment == ".." || segment != "" && !isWord(segment, letters, 256):
			return nil, fmt.Sprintf("%.80q has a segment %.60q: it is a name in braces, or plain text of a path without %% and braces", pattern, segment)
		}
	}
	if strings.HasPrefix(path, "/_mock/") {
		return nil, "paths below /_mock/ are the mock's own"
	}
	return names, ""
}

// partialNames returns the wildcards of a partial segment, or what is wrong with it.
func partialNames(segment, letters string, before []string) (names []string, problem string) {
	texts, inBraces, ok := pieces(segment)
	if !ok || len(segment) > 256 {
		return nil, "it has braces that are not closed"
	}
	for i, name := range inBraces {
		_, wild := wildcard("{" + name + "}")
		switch between := texts[i+1]; {
		case !wild:
			return nil, "a name has letters, digits and \"_\""
		case slices.Contains(before, name), slices.Contains(names, name):
			return nil, "it has a name that is there already"
		case between == "" && i < len(inBraces)-1:
			return nil, "two names need text between them"
		}
		names = append(names, name)
	}
	if text := strings.Join(texts, ""); !isWord(text, letters, 256) {
		return nil, "around its names it is plain text of a path without %"
	}
	return names, ""
}

// wildcard returns the name of a segment in braces.
func wildcard(segment string) (string, bool) {
	name, open := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(name, "}")
	return name, open && closed && isWord(name, strings.ReplaceAll(wordLetters, "-", ""), 64) && (letter(name[0]) || name[0] == '_')
}

// handled runs a handler as an operation. It gets no way around the journal: neither
// Flusher nor Hijacker.
func handled(h http.Handler) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		h.ServeHTTP(plainWriter{w}, c.Request)
	}
}

// plainWriter hides everything but the three methods.
type plainWriter struct{ w http.ResponseWriter }

func (pw plainWriter) Header() http.Header         { return pw.w.Header() }
func (pw plainWriter) WriteHeader(status int)      { pw.w.WriteHeader(status) }
func (pw plainWriter) Write(b []byte) (int, error) { return pw.w.Write(b) } //nolint:wrapcheck // as it is
