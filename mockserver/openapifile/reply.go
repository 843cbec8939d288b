package openapifile

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// reply is the answer of an operation: the best status of the document with an example of its
// own, or one that is made from the schema at the first request.
type reply struct {
	status int
	made   func() *madeReply
}

// madeReply is a reply with its bodies.
type madeReply struct {
	header http.Header
	bodies []body // the preferred one first
}

type body struct {
	kind string // media type
	data []byte
}

func (im *importer) replyOf(op *operation) *reply {
	status, response := best(op.op.Responses)
	v31 := im.spec.IsOpenAPI31OrLater()
	return &reply{status, sync.OnceValue(func() *madeReply { return makeReply(response, v31) })}
}

// best is the response of an operation that goes well: the lowest 2xx, then 2XX, default,
// then what there is.
func best(all *openapi3.Responses) (status int, response *openapi3.Response) {
	pick, least := "", 1000
	for _, name := range slices.Sorted(maps.Keys(all.Map())) {
		var rank int
		n, err := strconv.Atoi(name)
		switch {
		case err == nil && n >= 200 && n < 300:
			rank = n
		case strings.EqualFold(name, "2XX"):
			rank, n = 300, 200
		case name == "default":
			rank, n = 301, 200
		case err == nil && n >= 300 && n < 600:
			rank = n + 100
		default:
			continue
		}
		if rank < least {
			pick, least, status = name, rank, n
		}
	}
	if pick == "" || all.Value(pick) == nil || all.Value(pick).Value == nil {
		return http.StatusOK, &openapi3.Response{}
	}
	return status, all.Value(pick).Value
}

func makeReply(response *openapi3.Response, v31 bool) *madeReply {
	out := &madeReply{header: make(http.Header)}
	for _, name := range slices.Sorted(maps.Keys(response.Headers)) {
		if h := response.Headers[name]; h != nil && h.Value != nil && !strings.EqualFold(name, "Content-Type") && !strings.EqualFold(name, "Content-Length") {
			if value := headerValue(&h.Value.Parameter, v31); value != "" {
				out.header.Set(name, value)
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(response.Content), func(a, b string) int {
		if d := preference(a) - preference(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, kind := range names {
		if media := response.Content[kind]; media != nil {
			concrete := concreteType(kind)
			out.bodies = append(out.bodies, body{concrete, encode(concrete, mediaValue(media, v31))})
		}
	}
	return out
}

// preference orders media types: JSON first.
func preference(kind string) int {
	switch kind, _, _ = strings.Cut(kind, ";"); {
	case strings.EqualFold(kind, "application/json"):
		return 0
	case strings.HasSuffix(kind, "+json"):
		return 1
	case strings.Contains(kind, "*"):
		return 3
	}
	return 2
}

// concreteType is a media type for a range of them.
func concreteType(kind string) string {
	switch strings.ToLower(kind) {
	case "*/*", "application/*":
		return "application/json"
	case "text/*":
		return "text/plain"
	case "image/*":
		return "image/png"
	}
	return strings.ReplaceAll(kind, "*", "octet-stream")
}

// headerValue is an example of a header, one line of it.
func headerValue(p *openapi3.Parameter, v31 bool) string {
	value := p.Example
	if value == nil {
		value = exampleOf(p.Examples)
	}
	if value == nil && p.Schema != nil {
		value = newMaker(v31).top(p.Schema)
	}
	text := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, plain(value))
	return text
}

// plain is a value as a header and a text show it.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = plain(v[i])
		}
		return strings.Join(parts, ",")
	case map[string]any:
		return string(toJSON(v))
	}
	return string(toJSON(value))
}

// exampleOf is the first example by name that has a value.
func exampleOf(all openapi3.Examples) any {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if ex := all[name]; ex != nil && ex.Value != nil && ex.Value.Value != nil {
			return ex.Value.Value
		}
	}
	return nil
}

// mediaValue is the example of a media type, or one that is made from its schema.
func mediaValue(media *openapi3.MediaType, v31 bool) any {
	if media.Example != nil {
		return media.Example
	}
	if v := exampleOf(media.Examples); v != nil {
		return v
	}
	if media.Schema == nil {
		return nil
	}
	return newMaker(v31).top(media.Schema)
}

// encode writes a value in a media type. An example in JSON that was written as text is
// taken as it is.
func encode(kind string, value any) []byte {
	base, _, _ := mime.ParseMediaType(kind)
	if strings.HasSuffix(base, "json") {
		if text, ok := value.(string); ok && len(text) > 1 && strings.ContainsAny(text[:1], "{[") && json.Valid([]byte(text)) {
			return []byte(text)
		}
		return toJSON(value)
	}
	if strings.HasSuffix(base, "xml") {
		if text, ok := value.(string); ok && strings.HasPrefix(strings.TrimSpace(text), "<") {
			return []byte(text)
		}
		return []byte("<?xml version=\"1.0\"?>\n" + xmlOf("root", value))
	}
	return []byte(plain(value))
}

func toJSON(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		return []byte("null") // YAML has numbers that JSON lacks
	}
	return data
}

// xmlOf writes a value as elements.
func xmlOf(name string, value any) string {
	var b strings.Builder
	if list, ok := value.([]any); ok {
		for _, v := range list {
			b.WriteString(xmlOf(name, v))
		}
		return b.String()
	}
	fmt.Fprintf(&b, "<%s>", name)
	if object, ok := value.(map[string]any); ok {
		for _, k := range slices.Sorted(maps.Keys(object)) {
			b.WriteString(xmlOf(plainName(k + " ")[:len(k)], object[k]))
		}
	} else {
		b.WriteString(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(plain(value)))
	}
	fmt.Fprintf(&b, "</%s>", name)
	return b.String()
}

// serve answers with the body that the request accepts, and with the preferred one if it
// accepts none.
func (rp *reply) serve(w http.ResponseWriter, r *http.Request) {
	made := rp.made()
	maps.Copy(w.Header(), made.header.Clone())
	if len(made.bodies) == 0 || rp.status == http.StatusNoContent || rp.status == http.StatusNotModified || rp.status == http.StatusResetContent {
		w.WriteHeader(rp.status)
		return
	}
	chosen := made.bodies[0]
	if accept := r.Header.Get("Accept"); len(made.bodies) > 1 && accept != "" {
		chosen = accepted(made.bodies, accept)
	}
	w.Header().Set("Content-Type", chosen.kind)
	w.WriteHeader(rp.status)
	_, _ = w.Write(chosen.data) // an error means that the client has disconnected
}

// accepted is the first body of the first range in Accept that has one.
func accepted(bodies []body, accept string) body {
	for part := range strings.SplitSeq(accept, ",") {
		want, _, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		for _, b := range bodies {
			have, _, _ := mime.ParseMediaType(b.kind)
			group, all := strings.CutSuffix(want, "/*")
			if want == "*/*" || want == have || all && strings.HasPrefix(have, group+"/") {
				return b
			}
		}
	}
	return bodies[0]
}
