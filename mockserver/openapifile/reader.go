package openapifile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v4"
)

const (
	maxNodes = 2_000_000 // values of a document, aliases written out
	maxDepth = 200       // of mappings and lists in one another
)

// reader reads a document and the files of its directory. It looks at every reference
// before the library follows one.
type reader struct {
	file  string
	dir   fs.FS // nil: a document without files
	left  int   // bytes that may be read
	lines map[string]int
	own   *yaml.Node // x-keyfit
}

// load returns the document with its references resolved.
func (r *reader) load(document []byte) (*openapi3.T, error) {
	root, err := r.survey(r.file, document)
	if err != nil {
		return nil, err
	}
	if err := r.version(root); err != nil {
		return nil, err
	}
	r.learnLines(root)
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = r.dir != nil
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, at *url.URL) ([]byte, error) { return r.open(at) }
	spec, err := loader.LoadFromDataWithPath(document, &url.URL{Path: filepath.ToSlash(filepath.Base(r.file))})
	if err != nil {
		return nil, r.asError(err)
	}
	return spec, nil
}

// survey parses a file for itself: is it YAML, of what size, and what does it refer to.
func (r *reader) survey(file string, data []byte) (*yaml.Node, error) {
	if r.left -= len(data); r.left < 0 {
		return nil, &Error{file, 0, "", fmt.Sprintf("the document has more than %d bytes", MaxSize)}
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{file, 0, "", "it is empty"}
	} else if err != nil {
		return nil, &Error{file, 0, "", "it is neither YAML nor JSON: " + oneLine(err.Error())}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{file, more.Line, "", "it has more than one document"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, &Error{file, doc.Line, "", "it is not a mapping of names to values"}
	}
	s := survey{file: file, left: maxNodes}
	return doc.Content[0], s.node(doc.Content[0], "", 0)
}

// survey walks over the nodes of a file.
type survey struct {
	file string
	left int
}

func (s *survey) wrong(n *yaml.Node, problem string) error {
	return &Error{s.file, n.Line, "", problem}
}

// node looks at a node, whose member of the one around it is key. Data, as an example has
// it, holds no references.
func (s *survey) node(n *yaml.Node, key string, depth int) error {
	s.left--
	if s.left < 0 {
		return s.wrong(n, fmt.Sprintf("the document has more than %d values, aliases written out", maxNodes))
	}
	if depth > maxDepth {
		return s.wrong(n, fmt.Sprintf("more than %d mappings and lists are in one another, or an alias stands in itself", maxDepth))
	}
	switch n.Kind {
	case yaml.AliasNode:
		return s.node(n.Alias, key, depth+1)
	case yaml.MappingNode:
		return s.mapping(n, key, depth)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if err := s.node(c, key, depth+1); err != nil {
				return err
			}
		}
	default:
	}
	return nil
}

func (s *survey) mapping(n *yaml.Node, key string, depth int) error {
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if line, twice := first[name.Value]; twice && name.Value != "<<" {
			return s.wrong(name, fmt.Sprintf("%.80q is given twice, first in line %d", name.Value, line))
		}
		first[name.Value] = name.Line
		if name.Value == "$ref" && value.Kind == yaml.ScalarNode && key != "=data" {
			if problem := refused(value.Value); problem != "" {
				return s.wrong(value, problem)
			}
		}
		if err := s.node(value, inside(key, name.Value), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// inside is the kind of a member: data, a list of names of the author's own, or a name.
func inside(around, name string) string {
	switch around {
	case "=data":
		return "=data"
	case "=names":
		return name
	}
	switch name {
	case "example", "default", "enum", "const":
		return "=data"
	case "properties", "patternProperties", "schemas", "responses", "parameters", "headers", "$defs", "dependentSchemas", "paths", "callbacks", "requestBodies", "pathItems":
		return "=names"
	}
	if strings.HasPrefix(name, "x-") || around == "examples" && name == "value" {
		return "=data"
	}
	if around == "examples" {
		return around
	}
	return name
}

// refused says why a reference is not followed, "" if it may be.
func refused(ref string) string {
	u, err := url.Parse(ref)
	switch {
	case err != nil:
		return fmt.Sprintf("the reference %.100q is no URI reference", ref)
	case u.Scheme != "" || u.Host != "":
		return fmt.Sprintf("the reference %.100q is remote, and nothing is fetched; put the file beside the document and refer to it by its name", ref)
	case u.Path == "":
		return ""
	case !filepath.IsLocal(filepath.FromSlash(u.Path)) || strings.Contains(u.Path, `\`):
		return fmt.Sprintf("the reference %.100q is to a file outside the document's directory; put it beside the document", ref)
	}
	return ""
}

// open reads a file of the directory for the library.
func (r *reader) open(at *url.URL) ([]byte, error) {
	name := path.Clean(at.Path)
	if problem := refused(at.String()); problem != "" {
		return nil, &Error{r.file, 0, "", problem}
	}
	if r.dir == nil {
		return nil, &Error{r.file, 0, "", fmt.Sprintf("the document refers to the file %.100q, and was not read from a file", name)}
	}
	f, err := r.dir.Open(name)
	if err != nil {
		return nil, &Error{r.file, 0, "", fmt.Sprintf("it refers to the file %.100q, which cannot be read: %s", name, oneLine(err.Error()))}
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, int64(r.left)+1))
	if err != nil {
		return nil, &Error{name, 0, "", oneLine(err.Error())}
	}
	if _, err := r.survey(name, data); err != nil {
		return nil, err
	}
	return data, nil
}

// version refuses what is not OpenAPI 3.0 or 3.1.
func (r *reader) version(root *yaml.Node) error {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "swagger":
			return &Error{r.file, key.Line, "", "it is a Swagger " + oneLine(value.Value) + " document; convert it to OpenAPI 3 first, for example with npx swagger2openapi"}
		case "openapi":
			if v := value.Value; value.Kind != yaml.ScalarNode || v != "3.0" && v != "3.1" && !strings.HasPrefix(v, "3.0.") && !strings.HasPrefix(v, "3.1.") {
				return &Error{r.file, key.Line, "", fmt.Sprintf("openapi %.20q is neither 3.0 nor 3.1", value.Value)}
			}
			return nil
		}
	}
	return &Error{r.file, root.Line, "", "it has no member openapi, such as openapi: 3.1.0"}
}

// learnLines remembers where paths, operations and security schemes stand.
func (r *reader) learnLines(root *yaml.Node) {
	r.lines = make(map[string]int)
	each := func(n *yaml.Node, do func(key, value *yaml.Node)) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			do(n.Content[i], n.Content[i+1])
		}
	}
	each(root, func(top, value *yaml.Node) {
		r.lines[top.Value] = top.Line
		if top.Value == "x-keyfit" {
			r.own = value
		}
		each(value, func(name, inner *yaml.Node) {
			r.lines[top.Value+" "+name.Value] = name.Line
			each(inner, func(third, _ *yaml.Node) {
				r.lines[strings.ToUpper(third.Value)+" "+name.Value] = third.Line
				r.lines[name.Value+" "+third.Value] = third.Line
			})
		})
	})
	r.lines[""] = root.Line
}
