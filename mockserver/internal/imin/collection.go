package imin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// collection is one page of results (samples of the Places API and of
// "Entitlement Pricing in Search").
type collection struct {
	Context    []string `json:"@context"`
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	TotalItems int      `json:"imin:totalItems"`
	View       view     `json:"view"`
	Items      []any    `json:"imin:item,omitempty"`
}

type view struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	First        string `json:"first"`
	Last         string `json:"last"`
	CurrentPage  int    `json:"imin:currentPage"`
	ItemsPerPage int    `json:"imin:itemsPerPage"`
	TotalPages   int    `json:"imin:totalPages"`
	URLTemplate  string `json:"urlTemplate"`
}

func baseContext(more ...string) []string {
	return append([]string{"https://openactive.io/", "https://schema.imin.co/", "https://openactive.io/ns-beta"}, more...)
}

// window is the page of results that the parameters limit and page select.
type window struct{ limit, page int }

func (p params) window() (window, error) {
	limit, err := p.positiveInt("limit", defaultLimit, maxLimit)
	if err != nil {
		return window{}, err
	}
	page, err := p.positiveInt("page", 1, maxPage)
	return window{limit, page}, err
}

// bounds returns the index range of the page among total items.
func (win window) bounds(total int) (from, to int) {
	from = min((win.page-1)*win.limit, total)
	return from, min(from+win.limit, total)
}

// newCollection describes a page of results. effective holds the applied
// parameters, including the server's default filters; view shows them, while id
// shows the query as sent.
func newCollection(c *surface.Call, effective params, win window, total int, items []any, context []string) collection {
	here := origin(c) + c.URL.Path
	pages := max(1, (total+win.limit-1)/win.limit)
	at := func(page string) string {
		q := append(effective.without("limit", "page"), param{"limit", strconv.Itoa(win.limit)})
		return here + "?" + q.encode() + "&page=" + page
	}
	id := here
	if c.URL.RawQuery != "" {
		id += "?" + c.URL.RawQuery
	}
	return collection{
		Context: context, ID: id, Type: "imin:RestrictedCollection", TotalItems: total, Items: items,
		View: view{
			ID: at(strconv.Itoa(win.page)), Type: "PartialCollectionView",
			First: at("1"), Last: at(strconv.Itoa(pages)),
			CurrentPage: win.page, ItemsPerPage: win.limit, TotalPages: pages, URLTemplate: at("{page}"),
		},
	}
}

// origin returns the origin under which the caller reached the API, so that IDs
// resolve to it.
func origin(c *surface.Call) string {
	return surface.Origin(c.Request, func(host string) bool { return strings.HasSuffix(host, ".imin.co") })
}

// reply writes v with status 200. It does not escape ampersands, so that URLs
// stay readable.
func reply(w http.ResponseWriter, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, "mockserver: "+err.Error(), http.StatusInternalServerError) // a bug of this package
		return
	}
	surface.Raw(w, http.StatusOK, "application/json; charset=utf-8", bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

type failure struct {
	Message string `json:"message"`
}

// badRequest writes a 400. imin documents no such error; the shape is that of
// its 401.
func badRequest(w http.ResponseWriter, err error) {
	surface.JSON(w, http.StatusBadRequest, failure{err.Error()})
}

func notFound(w http.ResponseWriter) { surface.JSON(w, http.StatusNotFound, failure{"Not Found"}) }
