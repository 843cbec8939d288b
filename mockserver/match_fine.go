package mockserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// isFine reports whether the match asks for what the counters do not know.
func (m *Match) isFine() bool { return len(m.Query) > 0 || len(m.Headers) > 0 || len(m.Body) > 0 }

// readFine reads query, header and body of the query of a request to the admin API.
func (m *Match) readFine(q url.Values) error {
	if s := q.Get("query"); s != "" {
		form, err := url.ParseQuery(s)
		if err != nil {
			return refused(http.StatusBadRequest, "query is a form such as limit=50&offset=*, escaped once more")
		}
		m.Query = make(map[string]string, len(form))
		for name, values := range form {
			m.Query[name] = values[0]
		}
	}
	if s := q.Get("header"); s != "" {
		m.Headers = strings.Split(s, ",")
	}
	if s := q.Get("body"); s != "" {
		if err := strictjson.Decode([]byte(s), &m.Body); err != nil {
			return refused(http.StatusBadRequest, "body: %s; it is a JSON object such as {\"user.name\":\"Ann\"}", err)
		}
	}
	return nil
}

// finds looks up query, headers and body of an entry.
func (m *Match) finds(e *entry) bool {
	return !m.isFine() || m.findsQuery(e.query) && m.findsBody(e.body) &&
		m.findsHeaders(func(name string) bool {
			return slices.ContainsFunc(e.header, func(h headerField) bool { return h.name == name })
		})
}

// findsExchange is finds for a copy of an entry.
func (m *Match) findsExchange(x *Exchange) bool {
	return !m.isFine() || m.findsQuery(x.Query) && m.findsBody(x.Body) &&
		m.findsHeaders(func(name string) bool { return len(x.Header[name]) > 0 })
}

// findsRequest is finds for a request whose body was not read.
func (m *Match) findsRequest(r *http.Request) bool {
	return len(m.Query) == 0 && len(m.Headers) == 0 || m.findsQuery(r.URL.RawQuery) &&
		m.findsHeaders(func(name string) bool { return len(r.Header[name]) > 0 })
}

func (m *Match) findsHeaders(has func(name string) bool) bool {
	for _, name := range m.Headers {
		if !has(http.CanonicalHeaderKey(strings.TrimSpace(name))) {
			return false
		}
	}
	return true
}

func (m *Match) findsQuery(raw string) bool {
	if len(m.Query) == 0 {
		return true
	}
	// What cannot be read is left out, as the vendors' operations do.
	q, _ := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
	for name, want := range m.Query {
		values := q[name]
		if len(values) == 0 || want != "*" && !slices.Contains(values, want) {
			return false
		}
	}
	return true
}

func (m *Match) findsBody(body string) bool {
	if len(m.Body) == 0 {
		return true
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return false
	}
	for path, want := range m.Body {
		got, ok := member(doc, path)
		if !ok || !sameScalar(got, want) {
			return false
		}
	}
	return true
}

// member returns what stands in a JSON document under a path with dots, or under a JSON
// pointer. A member whose own name has dots is found too.
func member(doc any, path string) (any, bool) {
	if pointer, ok := strings.CutPrefix(path, "/"); ok {
		for step := range strings.SplitSeq(pointer, "/") {
			if doc, ok = child(doc, strings.NewReplacer("~1", "/", "~0", "~").Replace(step)); !ok {
				return nil, false
			}
		}
		return doc, true
	}
	if v, ok := child(doc, path); ok {
		return v, true
	}
	for at := range len(path) {
		if path[at] != '.' {
			continue
		}
		if inner, ok := child(doc, path[:at]); ok {
			if v, ok := member(inner, path[at+1:]); ok && path[at+1:] != "" && path[at+1] != '/' {
				return v, true
			}
		}
	}
	return nil, false
}

func child(v any, name string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		c, ok := v[name]
		return c, ok
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

// sameScalar compares JSON values that have no parts. 1 is 1.0.
func sameScalar(got, want any) bool {
	a, err := json.Marshal(got)
	b, other := json.Marshal(want)
	if err != nil || other != nil {
		return false
	}
	if bytes.Equal(a, b) {
		return true
	}
	x, isNumber := got.(json.Number)
	if !isNumber || len(b) == 0 || b[0] == '"' || isInteger(string(a)) && isInteger(string(b)) {
		return false
	}
	p, err := x.Float64()
	q, other := strconv.ParseFloat(string(b), 64)
	return err == nil && other == nil && p == q
}

// isInteger reports whether a number is written in digits only. Two of those are equal
// as they stand: as floating-point numbers, large ones would be equal to their neighbours.
func isInteger(number string) bool {
	return number != "-0" && !strings.ContainsAny(number, ".eE")
}
