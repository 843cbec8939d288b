package mockserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// reply is a Reply, checked and taken apart.
type reply struct {
	when   map[string]string
	status int
	kind   string
	header map[string]template
	body   template
}

// maxReplies bounds the Replies of one route.
const maxReplies = 100

// replies makes the operation of a route without a handler.
func (v *vendor) replies(r *Route, names []string) (func(http.ResponseWriter, *surface.Call), *DefinitionError) {
	if len(r.Replies) > maxReplies {
		return nil, &DefinitionError{v.provider, "replies", fmt.Sprintf("there are %d; at most %d are allowed", len(r.Replies), maxReplies)}
	}
	if len(r.Reply.When) > 0 {
		return nil, &DefinitionError{v.provider, "reply.when", "reply answers what no element of replies does; put conditions there"}
	}
	all := make([]*reply, 0, len(r.Replies)+1)
	for i := range r.Replies {
		member := at("replies", i)
		if len(r.Replies[i].When) == 0 {
			return nil, &DefinitionError{v.provider, member + ".when", "there is none; an answer without a condition is reply"}
		}
		made, err := v.reply(member, &r.Replies[i], names)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	last, err := v.reply("reply", &r.Reply, names)
	if err != nil {
		return nil, err
	}
	all = append(all, last)
	return func(w http.ResponseWriter, c *surface.Call) {
		values := replyValues{v: v, w: w, c: c}
		all[slices.IndexFunc(all, func(rp *reply) bool { return rp.holds(&values) })].write(w, &values)
	}, nil
}

// reply checks an answer.
func (v *vendor) reply(member string, rp *Reply, names []string) (*reply, *DefinitionError) {
	check := definition{API: API{Name: v.provider}}
	out := &reply{rp.When, cmp.Or(rp.Status, http.StatusOK), cmp.Or(rp.Type, jsonType), make(map[string]template), nil}
	if out.status < 200 || out.status > 599 {
		check.wrong(member+".status", "%d is not between 200 and 599", out.status)
	}
	if !oneTextLine(out.kind) {
		check.wrong(member+".type", "%.60q is no content type", out.kind)
	}
	known, near := v.replyNames(names)
	parse := func(member, text string) template {
		tpl, err := parseTemplate(text, known, near)
		if err != nil {
			check.wrong(member, "%s", err)
		}
		return tpl
	}
	check.checkHeader(member+".header", rp.Header)
	for _, name := range slices.Sorted(maps.Keys(rp.Header)) {
		out.header[textproto.CanonicalMIMEHeaderKey(name)] = parse(member+".header."+name, rp.Header[name])
	}
	for _, name := range slices.Sorted(maps.Keys(rp.When)) {
		if !known(name) {
			check.wrong(member+".when."+name, "there is no such value; there are %s%s", strings.Join(near, ", "), meant(name, near))
		}
	}
	out.body = parse(member+".body", rp.Body)
	return out, check.err
}

// replyNames returns which names a reply knows, and those to propose.
func (v *vendor) replyNames(path []string) (known func(string) bool, near []string) {
	near = []string{"keyId", "now", "epoch", "query.NAME", "header.NAME", "body.NAME"}
	for _, name := range path {
		near = append(near, "path."+name)
	}
	if v.requestID != "" {
		near = append(near, "requestId")
	}
	return func(name string) bool {
		switch group, member, _ := strings.Cut(name, "."); group {
		case "query":
			return member != "" && !v.readsQuery(member)
		case "header":
			return isToken(member) && v.showsHeader(textproto.CanonicalMIMEHeaderKey(member))
		case "body":
			return member != ""
		default:
			return slices.Contains(near, name)
		}
	}, near
}

// readsQuery reports whether a parameter carries a key: no answer repeats that.
func (v *vendor) readsQuery(param string) bool {
	return slices.ContainsFunc(v.carriers, func(c carrier) bool { return c.query != "" && c.query == param })
}

// showsHeader reports whether a header of a request carries no credential.
func (v *vendor) showsHeader(name string) bool {
	return !v.reads(name) && !slices.Contains(foreign(), name) && name != "Cookie" && name != "Proxy-Authorization"
}

// holds reports whether the conditions of a reply hold.
func (rp *reply) holds(values *replyValues) bool {
	for name, want := range rp.when {
		if values.of(name) != want {
			return false
		}
	}
	return true
}

func (rp *reply) write(w http.ResponseWriter, values *replyValues) {
	for name, tpl := range rp.header {
		value := tpl.render("", func(name string) string { return headerValue(values.of(name)) })
		w.Header()[name] = []string{value}
	}
	surface.Raw(w, rp.status, rp.kind, []byte(rp.body.render(rp.kind, values.of)))
}

// headerValue makes a value one line of printable ASCII.
func headerValue(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
}

// replyValues are the values that the templates of a reply name.
type replyValues struct {
	v    *vendor
	w    http.ResponseWriter
	c    *surface.Call
	body func(path string) string // made at first use
}

func (rv *replyValues) of(name string) string {
	switch name {
	case "keyId":
		return rv.c.Caller.KeyID
	case "now":
		return rv.c.Now.UTC().Format(time.RFC3339)
	case "epoch":
		return strconv.FormatInt(rv.c.Now.Unix(), 10)
	case "requestId":
		return rv.v.number(rv.w.Header())
	}
	switch group, member, _ := strings.Cut(name, "."); group {
	case "query":
		return rv.c.URL.Query().Get(member)
	case "header":
		return rv.c.Header.Get(member)
	case "body":
		if rv.body == nil {
			rv.body = bodyValues(rv.c.Header.Get("Content-Type"), rv.c.Data)
		}
		return rv.body(member)
	default:
		return rv.c.PathValue(member)
	}
}

// bodyValues reads a request's body: a form or, whatever its type says, JSON. Anything else
// has no values.
func bodyValues(contentType string, data []byte) func(path string) string {
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "application/x-www-form-urlencoded" {
		form, _ := url.ParseQuery(string(data)) // an invalid part is ignored, as servers do
		return func(path string) string { return formValue(form, path) }
	}
	var doc any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if dec.Decode(&doc) != nil {
		doc = nil
	}
	return func(path string) string { return jsonValue(doc, path) }
}

// formValue returns the field "a.b" of a form, or "a[b]".
func formValue(form url.Values, path string) string {
	if form.Has(path) {
		return form.Get(path)
	}
	first, rest, nested := strings.Cut(path, ".")
	if !nested {
		return ""
	}
	return form.Get(first + "[" + strings.ReplaceAll(rest, ".", "][") + "]")
}

// jsonValue returns the text of a scalar within a document, "" if there is none.
func jsonValue(doc any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		switch within := doc.(type) {
		case map[string]any:
			doc = within[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(within) {
				return ""
			}
			doc = within[i]
		default:
			return ""
		}
	}
	switch value := doc.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	default:
		return ""
	}
}
