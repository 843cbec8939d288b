package mockserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

const (
	maxAdminBody = 1 << 20
	maxStateBody = 64 << 20
)

// adminRoute is one operation of the admin API. The router and the OpenAPI
// document are made from the same table.
type adminRoute struct {
	method, path string
	summary      string
	open         bool         // no token
	query        []adminParam //
	in           any          // type of the body; nil takes none
	out          any          // type of the response; nil is 204
	status       int          // of success; 0 is 200, or 204 without out
	media        string       // content type of a response that is not JSON
	maxBody      int64        // 0 is maxAdminBody
	once         bool         // accepts Idempotency-Key
	handle       func(*adminCall) (any, error)
}

type adminParam struct{ name, about string }

// adminCall is one request to the admin API.
type adminCall struct {
	*http.Request
	a    *admin
	srv  *Server
	ns   *Namespace // of {ns}; nil where the path has none
	w    http.ResponseWriter
	data []byte
}

// written is returned by a handler that has written the response itself.
type written struct{}

// text is a response that is not JSON.
type text string

func (a *admin) serve(route *adminRoute, w http.ResponseWriter, r *http.Request) {
	c := &adminCall{Request: r, a: a, srv: a.srv, w: w}
	if err := c.read(route); err != nil {
		a.write(w, asProblem(err))
		return
	}
	if key := r.Header.Get("Idempotency-Key"); route.once && key != "" {
		a.replays.serve(c, key, func(w http.ResponseWriter) int { return c.answer(route, w) })
		return
	}
	c.answer(route, w)
}

// answer runs the handler and writes what it returns.
func (call *adminCall) answer(route *adminRoute, w http.ResponseWriter) int {
	call.w = w
	out, err := route.handle(call)
	if err != nil {
		p := asProblem(err)
		call.a.write(w, p)
		return p.Status
	}
	status := route.status
	if status == 0 {
		status = http.StatusOK
	}
	switch out := out.(type) {
	case written:
	case nil:
		status = http.StatusNoContent
		w.WriteHeader(status)
	case text:
		w.Header().Set("Content-Type", route.media)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, string(out)) // an error means that the client has disconnected
	default:
		writeJSON(w, status, out)
	}
	return status
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		writeProblem(w, refused(http.StatusInternalServerError, "the response cannot be encoded: %v", err))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // an error means that the client has disconnected
}

// read checks the query, finds the namespace and reads the body.
func (call *adminCall) read(route *adminRoute) error {
	query, err := url.ParseQuery(call.URL.RawQuery)
	if err != nil {
		return refused(http.StatusBadRequest, "the query cannot be parsed")
	}
	for name, values := range query {
		if !slices.ContainsFunc(route.query, func(p adminParam) bool { return p.name == name }) || len(values) > 1 {
			return refused(http.StatusBadRequest, "unknown or repeated query parameter %.300q", name)
		}
	}
	if name := call.PathValue("ns"); name != "" {
		if call.ns = call.srv.existing(name); call.ns == nil {
			return refused(http.StatusNotFound, "no such namespace; POST /v1/namespaces makes one")
		}
		call.ns.playing.catchUp(call.ns.clock)
	}
	if call.Method == http.MethodGet || call.Method == http.MethodHead || call.Method == http.MethodDelete {
		return nil
	}
	if call.ContentLength == 0 { // without a body there is no type to ask for
		return nil
	}
	if !jsonBody(call.Request) {
		return refused(http.StatusUnsupportedMediaType, "send Content-Type: application/json")
	}
	limit := route.maxBody
	if limit == 0 {
		limit = maxAdminBody
	}
	call.data, err = io.ReadAll(http.MaxBytesReader(call.w, call.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return refused(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", limit)
	}
	if err != nil {
		return refused(http.StatusBadRequest, "the body is incomplete")
	}
	if route.in == nil && len(bytes.TrimSpace(call.data)) > 0 {
		return call.decode(&struct{}{})
	}
	return nil
}

// decode reads the body strictly. An empty one is {}.
func (call *adminCall) decode(into any) error {
	data := strictjson.Bare(call.data)
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	if data = bytes.TrimSpace(data); data[0] != '{' {
		return refused(http.StatusBadRequest, "the body is not a JSON object")
	}
	err := strictjson.Unique(data)
	if err == nil {
		err = strictjson.Decode(data, into)
	}
	if err != nil {
		return refused(http.StatusBadRequest, "the body: %s", err)
	}
	return nil
}

// knownProvider reads a provider from the path or a parameter.
func (s *Server) knownProvider(name string) (Provider, error) {
	if s.vendor(Provider(name)) == nil {
		return "", refused(http.StatusNotFound, "no such provider; one of %s", s.providerNames())
	}
	return Provider(name), nil
}

// keyID reads {id}; the prefix with the namespace's name may be missing.
func (call *adminCall) keyID() string {
	id := call.PathValue("id")
	if !strings.HasPrefix(id, call.ns.prefix()) {
		id = call.ns.prefix() + id
	}
	return id
}

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // cursor of the next page; absent on the last
}

const (
	defaultPage = 50
	maxPage     = 1000
)

func pageParams(more ...adminParam) []adminParam {
	return append([]adminParam{
		{"limit", "items per page, 1 to 1000; 50 if absent"},
		{"cursor", "next of the previous page"},
	}, more...)
}

// window reads limit and cursor. A cursor is the number of the last item of the
// previous page.
func (call *adminCall) window() (limit int, after uint64, err error) {
	limit = defaultPage
	if s := call.URL.Query().Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxPage {
			return 0, 0, refused(http.StatusBadRequest, "limit is a number from 1 to %d", maxPage)
		}
	}
	if s := call.URL.Query().Get("cursor"); s != "" {
		digits, ok := strings.CutPrefix(s, "c")
		if after, err = strconv.ParseUint(digits, 36, 64); err != nil || !ok {
			return 0, 0, refused(http.StatusBadRequest, "unknown cursor; take next of the previous page")
		}
	}
	return limit, after, nil
}

func cursor(n uint64) string { return "c" + strconv.FormatUint(n, 36) }
