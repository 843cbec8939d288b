package mockserver

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

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
	out := surface.Route{Pattern: r.Pattern, Need: surface.Need{Open: r.Open, Scope: r.Scope, Scopes: slices.Clone(r.Scopes), Access: known(r.Access), Group: r.Group}}
	if r.Handler != nil {
		if !r.Reply.zero() {
			return wrong("reply", "give Handler or Reply, not both")
		}
		out.Handle = handled(r.Handler)
		return out, nil
	}
	handle, bad := v.reply(r.Reply, names)
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
	return rp.Status == 0 && rp.Type == "" && rp.Body == "" && len(rp.Header) == 0
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

// reply makes the operation of a static or templated answer.
func (v *vendor) reply(rp Reply, names []string) (func(http.ResponseWriter, *surface.Call), *DefinitionError) {
	wrong := func(member, problem string, args ...any) (func(http.ResponseWriter, *surface.Call), *DefinitionError) {
		return nil, &DefinitionError{v.provider, "reply." + member, fmt.Sprintf(problem, args...)}
	}
	status, kind := cmp.Or(rp.Status, http.StatusOK), cmp.Or(rp.Type, jsonType)
	if status < 200 || status > 599 {
		return wrong("status", "%d is not between 200 and 599", status)
	}
	if !plainText(kind) || strings.ContainsAny(kind, "\n\t") {
		return wrong("type", "%.60q is no content type", kind)
	}
	check := definition{API: API{Name: v.provider}}
	for name, value := range rp.Header {
		check.checkAnswerHeader("header", name)
		if !plainText(value) || strings.ContainsAny(value, "\n\t") {
			return wrong("header", "the value of %s is not one line of printable characters", name)
		}
	}
	if check.err != nil {
		return wrong(check.err.Member, "%s", check.err.Problem)
	}
	near := []string{"keyId", "now", "query.NAME"}
	for _, name := range names {
		near = append(near, "path."+name)
	}
	if v.requestID != "" {
		near = append(near, "requestId")
	}
	tpl, err := parseTemplate(rp.Body, func(name string) bool {
		param, query := strings.CutPrefix(name, "query.")
		return slices.Contains(near, name) && name != "query.NAME" || query && !v.readsQuery(param)
	}, near)
	if err != nil {
		return wrong("body", "%s", err)
	}
	return func(w http.ResponseWriter, c *surface.Call) {
		for name, value := range rp.Header {
			w.Header().Set(name, value)
		}
		body := tpl.render(kind, func(name string) string { return v.valueOf(name, w, c) })
		surface.Raw(w, status, kind, []byte(body))
	}, nil
}

// readsQuery reports whether a parameter carries a key: no answer repeats that.
func (v *vendor) readsQuery(param string) bool {
	return slices.ContainsFunc(v.carriers, func(c carrier) bool { return c.query != "" && c.query == param })
}

// valueOf is a value of a reply's template.
func (v *vendor) valueOf(name string, w http.ResponseWriter, c *surface.Call) string {
	switch name {
	case "keyId":
		return c.Caller.KeyID
	case "now":
		return c.Now.UTC().Format(time.RFC3339)
	case "requestId":
		return v.number(w.Header())
	}
	if param, ok := strings.CutPrefix(name, "query."); ok {
		return c.URL.Query().Get(param)
	}
	return c.PathValue(strings.TrimPrefix(name, "path."))
}
