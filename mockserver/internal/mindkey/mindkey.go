// Package mindkey mocks MindKey's Connector API: /ping and the OData v2
// entities that its pages name, over employees generated from the seed.
//
// The pages document the query options, the 400 body and the scope of each
// entity, but only a few properties. The other properties (model.go) are
// invented and listed in the mock's assumptions.
package mindkey

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// New builds the surface.
func New(env surface.Env) surface.Surface {
	sets := entities(env.Seed)
	routes := make([]surface.Route, 0, 1+2*len(sets))
	// The request is documented (page "API key authentication"), the response
	// is not.
	pong := []byte("pong")
	routes = append(routes, surface.Route{Pattern: "GET /ping", Handle: func(w http.ResponseWriter, _ *surface.Call) {
		surface.Raw(w, http.StatusOK, "text/plain; charset=utf-8", pong)
	}})
	for _, e := range sets {
		need := surface.Need{Scope: e.scope}
		routes = append(routes,
			surface.Route{Pattern: "GET /odata/v2/" + e.typ.Name, Need: need, Handle: e.list},
			// The key is a path segment of its own. The form Employee('EMP001') is
			// documented as unsupported and matches no route.
			surface.Route{Pattern: "GET /odata/v2/" + e.typ.Name + "/{key}", Need: need, Handle: e.get},
			surface.Route{Pattern: "GET /odata/v2/" + e.typ.Name + "/$count", Need: need, Handle: e.count})
	}
	routes = append(routes,
		surface.Route{Pattern: "GET /odata/v2/{$}", Handle: serviceDocument(sets)},
		surface.Route{Pattern: "GET /odata/v2/$metadata", Handle: metadata(sets)})
	return surface.Surface{Routes: routes, Data: &store{sets: sets}}
}

// entity is one entity set. Its key is the first property of its type.
type entity struct {
	scope    string
	typ, raw *odata.Type // with mapped and with unmapped property names
	stored   atomic.Pointer[[]*odata.Row]
}

// rows returns the current rows. They are replaced as a whole and never modified.
func (e *entity) rows() []*odata.Row { return *e.stored.Load() }

// typeFor returns the type with the property names that the request headers select.
func (e *entity) typeFor(h http.Header) *odata.Type {
	if isRaw(h) {
		return e.raw
	}
	return e.typ
}

func (e *entity) list(w http.ResponseWriter, c *surface.Call) {
	q, err := odata.Parse(e.typeFor(c.Header), c.URL.RawQuery, odata.ForMany)
	if err != nil {
		badQuery(w, err)
		return
	}
	rows, total := q.Apply(e.rows(), c.Now)
	page, next := q.Page(rows, pageSize(w, c), c.URL.RawQuery)
	body := append([]byte("{"), e.context(c, q.Projection())...)
	if q.Count {
		body = strconv.AppendInt(append(body, `,"@odata.count":`...), int64(total), 10)
	}
	body = append(body, `,"value":[`...)
	for i, row := range page {
		if i > 0 {
			body = append(body, ',')
		}
		body = q.Append(body, row, "")
	}
	body = append(body, ']')
	if next != "" {
		body = append(append(body, `,"@odata.nextLink":`...), quoted(origin(c)+c.URL.Path+"?"+next)...)
	}
	surface.Raw(w, http.StatusOK, contentType, append(body, '}'))
}

func (e *entity) get(w http.ResponseWriter, c *surface.Call) {
	q, err := odata.Parse(e.typeFor(c.Header), c.URL.RawQuery, odata.ForOne)
	if err != nil {
		badQuery(w, err)
		return
	}
	for _, row := range e.rows() {
		if row.Values[0] == c.PathValue("key") {
			body := q.Append(nil, row, e.context(c, q.Projection()+"/$entity"))
			surface.Raw(w, http.StatusOK, contentType, body)
			return
		}
	}
	surface.JSON(w, http.StatusNotFound, message{"Not Found"})
}

const contentType = "application/json; charset=utf-8"

// context returns the member @odata.context, which OData requires in every
// response.
func (e *entity) context(c *surface.Call, suffix string) string {
	return contextMember(c, "#"+e.typ.Name+suffix)
}

func contextMember(c *surface.Call, suffix string) string {
	return `"@odata.context":` + quoted(origin(c)+root+"$metadata"+suffix)
}

// root is the path of the OData service.
const root = "/odata/v2/"

func origin(c *surface.Call) string {
	return surface.Origin(c.Request, func(host string) bool { return host == "connector.mindkey.com" })
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return "null" // a string always encodes
	}
	return string(b)
}

type message struct {
	Message string
}

// badQuery is the documented 400 (page "Error handling").
func badQuery(w http.ResponseWriter, err error) {
	surface.JSON(w, http.StatusBadRequest, message{"The query specified in the URI is not valid. " + err.Error()})
}

// isRaw reports whether the caller asks for unmapped property names:
// "Accept: application/json; mindkey.raw=true" (page "Error handling", "Raw
// query mode").
func isRaw(h http.Header) bool {
	for _, line := range h.Values("Accept") {
		for one := range strings.SplitSeq(line, ",") {
			if _, params, err := mime.ParseMediaType(one); err == nil && params["mindkey.raw"] == "true" {
				return true
			}
		}
	}
	return false
}
