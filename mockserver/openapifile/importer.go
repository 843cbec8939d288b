package openapifile

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/keyfit/keyfit/mockserver"
)

// maxOperations bounds the operations of a document.
const maxOperations = 10_000

// importer turns a document into the description of an API.
type importer struct {
	*reader
	spec   *openapi3.T
	doc    *Document
	scopes map[string]bool
	keyed  *bool // a security requirement stands somewhere; nil is not known
}

// operation is an operation of the document and how requests to it are held against it.
type operation struct {
	path    string
	method  string
	item    *openapi3.PathItem
	op      *openapi3.Operation
	names   []string // of its wildcards, in the order of the path, as the document has them
	reply   *reply
	route   int    // of the API's
	alone   string // the header that is wanted, if that is all
	inWords string // "GET /items/{id}"
}

func (im *importer) wrong(where, problem string, args ...any) error {
	return &Error{im.file, im.lines[where], where, fmt.Sprintf(problem, args...)}
}

// all imports the document: title, hosts, schemes, routes, refusals.
func (im *importer) all() error {
	api := &im.doc.api
	api.Name, api.Title = im.name(), im.title()
	im.scopes = make(map[string]bool)
	prefix, err := im.servers()
	if err != nil {
		return err
	}
	if err := im.operations(prefix); err != nil {
		return err
	}
	if err := im.patterns(); err != nil {
		return err
	}
	if err := im.schemes(); err != nil {
		return err
	}
	im.pairs()
	im.oauth()
	api.Scopes = slices.Sorted(maps.Keys(im.scopes))
	im.refusals()
	return nil
}

// name is that of the file up to its first dot, or else the title's words.
func (im *importer) name() mockserver.Provider {
	base, _, _ := strings.Cut(filepath.Base(im.file), ".")
	general := slices.Contains([]string{"openapi", "api", "spec", "schema", "doc", "document"}, strings.ToLower(base))
	if title := im.spec.Info; title != nil && (general || slug(base) == "") {
		base = title.Title
	}
	return mockserver.Provider(slug(base))
}

// slug makes a name of a text: small letters and digits, with "-" between.
func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	out := strings.TrimLeft(strings.Join(words, "-"), "0123456789-")
	return strings.Trim(out[:min(len(out), 32)], "-")
}

func (im *importer) title() string {
	if im.spec.Info == nil {
		return ""
	}
	plain := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '`' {
			return -1
		}
		return c
	}, im.spec.Info.Title)
	return plain[:min(len(plain), 100)]
}

// servers returns the base path of the first server, and takes the hosts of all.
func (im *importer) servers() (prefix string, err error) {
	for i, s := range im.spec.Servers {
		path, host, err := im.server(s)
		if err != nil {
			return "", err
		}
		if i == 0 {
			prefix = path
		}
		if host != "" && !slices.Contains(im.doc.api.Hosts, host) {
			im.doc.api.Hosts = append(im.doc.api.Hosts, host)
		}
	}
	return prefix, nil
}

// server is the base path and the host of a server, its variables at their defaults.
func (im *importer) server(s *openapi3.Server) (path, host string, err error) {
	address := s.URL
	for name, v := range s.Variables {
		if v != nil {
			address = strings.ReplaceAll(address, "{"+name+"}", v.Default)
		}
	}
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(u.Path, "{}%") {
		return "", "", im.wrong("servers", "%.100q is no address with a path that can be played", s.URL)
	}
	host = strings.ToLower(u.Hostname())
	if !strings.Contains(host, ".") || strings.Trim(host, "0123456789.") == "" || strings.HasSuffix(host, ".localhost") || strings.ContainsAny(host, ":{}_") {
		host = "" // this machine, or an address
	}
	if path = strings.TrimRight(u.Path, "/"); path != "" && path[0] != '/' {
		path = "/" + path
	}
	return path, host, nil
}

// operations imports every operation of the document.
func (im *importer) operations(prefix string) error {
	if im.spec.Paths == nil || im.spec.Paths.Len() == 0 {
		return im.wrong("paths", "the document has no paths, so there is nothing to play")
	}
	ids, total := make(map[string]string), 0
	for _, path := range slices.Sorted(maps.Keys(im.spec.Paths.Map())) {
		item := im.spec.Paths.Value(path)
		if item == nil {
			continue
		}
		all := item.Operations()
		for _, method := range slices.Sorted(maps.Keys(all)) {
			total++
			if total > maxOperations {
				return im.wrong("paths", "there are more than %d operations", maxOperations)
			}
			op := &operation{path: path, method: method, item: item, op: all[method], inWords: method + " " + path}
			if id := op.op.OperationID; id != "" && ids[id] != "" {
				return im.wrong(op.inWords, "operationId %.80q is that of %s as well; each is used once", id, ids[id])
			} else if id != "" {
				ids[id] = op.inWords
			}
			if err := im.operation(prefix, op); err != nil {
				return err
			}
		}
	}
	return nil
}

// operation adds the route of an operation.
func (im *importer) operation(prefix string, op *operation) error {
	servers := op.item.Servers
	if op.op.Servers != nil {
		servers = *op.op.Servers
	}
	if len(servers) > 0 {
		path, _, err := im.server(servers[0])
		if err != nil {
			return err
		}
		prefix = path
	}
	pattern, names, problem := patternOf(op.method, prefix+op.path)
	if problem != "" {
		return im.wrong(op.inWords, "%s", problem)
	}
	op.names = names
	if err := im.parameters(op); err != nil {
		return err
	}
	key := nameless(pattern)
	if other := im.doc.ops[key]; other != nil {
		return im.wrong(op.inWords, "it takes the same requests as %s in line %d; give the two paths one name", other.inWords, im.lines[other.inWords])
	}
	im.doc.ops[key] = op
	route := mockserver.Route{Pattern: pattern}
	if err := im.require(op, &route); err != nil {
		return err
	}
	op.reply = im.replyOf(op)
	route.Handler = http.HandlerFunc(op.reply.serve)
	op.route = len(im.doc.api.Routes)
	im.doc.api.Routes = append(im.doc.api.Routes, route)
	return nil
}

// parameters refuses a parameter that the library cannot read from a request. Of other rules
// of OpenAPI a document may fall short, as many do: they make no difference to the mock.
func (im *importer) parameters(op *operation) error {
	for _, ref := range slices.Concat(op.item.Parameters, op.op.Parameters) {
		if ref == nil || ref.Value == nil {
			return im.wrong(op.inWords, "a parameter is empty")
		}
		p := ref.Value
		if !slices.Contains([]string{"path", "query", "header", "cookie"}, p.In) {
			return im.wrong(op.inWords, "the parameter %.60q is in %.20q; there are path, query, header, cookie", p.Name, p.In)
		}
		if p.Schema == nil && len(p.Content) == 0 {
			continue
		}
		if how, err := p.SerializationMethod(); err != nil || !styled(p.In, how.Style) {
			return im.wrong(op.inWords, "the parameter %.60q in %s has the style %.30q, which is none for this place", p.Name, p.In, p.Style)
		}
	}
	return nil
}

// styled reports whether a parameter of a place can have a style.
func styled(in, style string) bool {
	switch in {
	case "path":
		return style == "simple" || style == "label" || style == "matrix"
	case "query":
		return style == "form" || style == "spaceDelimited" || style == "pipeDelimited" || style == "deepObject"
	case "header":
		return style == "simple"
	}
	return style == "form"
}

// patterns refuses paths that the mock has no pattern for.
func (im *importer) patterns() error {
	all := mockserver.API{Name: "check", Schemes: []mockserver.Scheme{{Basic: true}}}
	for _, r := range im.doc.api.Routes {
		all.Routes = append(all.Routes, mockserver.Route{Pattern: r.Pattern})
	}
	wrong, ok := errors.AsType[*mockserver.DefinitionError](all.Valid())
	if !ok {
		return nil
	}
	var i int
	if _, err := fmt.Sscanf(wrong.Member, "routes[%d]", &i); err != nil || i >= len(all.Routes) {
		return im.wrong("paths", "%s", wrong.Problem)
	}
	return im.wrong(im.doc.ops[nameless(all.Routes[i].Pattern)].inWords, "%s", wrong.Problem)
}

// patternOf makes a pattern of the mock from a templated path. A name in braces may have
// characters that the mock's wildcards do not have.
func patternOf(method, path string) (pattern string, names []string, problem string) {
	var out strings.Builder
	out.WriteString(method + " ")
	taken := make(map[string]bool)
	for rest := path; ; {
		text, behind, open := strings.Cut(rest, "{")
		out.WriteString(text)
		if strings.Contains(text, "}") {
			return "", nil, "its path has a brace that is not closed"
		}
		if !open {
			return out.String(), names, ""
		}
		name, behind, closed := strings.Cut(behind, "}")
		if !closed || name == "" || strings.ContainsAny(name, "{/") {
			return "", nil, "its path has a brace that is not closed, or no name in braces"
		}
		if slices.Contains(names, name) {
			return "", nil, fmt.Sprintf("its path has {%.60s} twice", name)
		}
		safe := plainName(name)
		for taken[safe] {
			safe += "_"
		}
		taken[safe] = true
		names, rest = append(names, name), behind
		out.WriteString("{" + safe + "}")
	}
}

// plainName replaces what a wildcard's name cannot have.
func plainName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, name)
	if safe[0] >= '0' && safe[0] <= '9' {
		safe = "_" + safe
	}
	return safe[:min(len(safe), 50)]
}

// nameless is a pattern without the names of its wildcards.
func nameless(pattern string) string {
	var out strings.Builder
	for {
		text, rest, open := strings.Cut(pattern, "{")
		out.WriteString(text)
		if !open {
			return out.String()
		}
		out.WriteString("{}")
		_, pattern, _ = strings.Cut(rest, "}")
	}
}
