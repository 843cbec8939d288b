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

// window is the page that limit and page ask for.
type window struct{ limit, page int }

func (p params) window() (window, error) {
	limit, err := p.natural("limit", defaultLimit, maxLimit)
	if err != nil {
		return window{}, err
	}
	page, err := p.natural("page", 1, maxPage)
	return window{limit, page}, err
}

// of returns the bounds of the page among total items.
func (w window) of(total int) (from, to int) {
	from = min((w.page-1)*w.limit, total)
	return from, min(from+w.limit, total)
}

// newCollection describes a page. effective is what was searched for, the
// server's own filters included: view shows it, id shows what was asked.
func newCollection(c *surface.Call, effective params, w window, total int, items []any, context []string) collection {
	here := origin(c) + c.URL.Path
	pages := max(1, (total+w.limit-1)/w.limit)
	at := func(page string) string {
		q := append(effective.without("limit", "page"), param{"limit", strconv.Itoa(w.limit)})
		return here + "?" + q.encode() + "&page=" + page
	}
	id := here
	if c.URL.RawQuery != "" {
		id += "?" + c.URL.RawQuery
	}
	return collection{
		Context: context, ID: id, Type: "imin:RestrictedCollection", TotalItems: total, Items: items,
		View: view{
			ID: at(strconv.Itoa(w.page)), Type: "PartialCollectionView",
			First: at("1"), Last: at(strconv.Itoa(pages)),
			CurrentPage: w.page, ItemsPerPage: w.limit, TotalPages: pages, URLTemplate: at("{page}"),
		},
	}
}

// origin is where the caller found the API, so that ids lead back to it.
func origin(c *surface.Call) string {
	return surface.Origin(c.Request, func(host string) bool { return strings.HasSuffix(host, ".imin.co") })
}

// reply writes 200. Ampersands in URLs stay as they are, for people to read.
func reply(w http.ResponseWriter, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, "mockserver: "+err.Error(), http.StatusInternalServerError) // a bug of ours
		return
	}
	surface.Raw(w, http.StatusOK, "application/json; charset=utf-8", bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

type failure struct {
	Message string `json:"message"`
}

// badRequest: imin documents no error; the shape is that of the key refusals.
func badRequest(w http.ResponseWriter, err error) {
	surface.JSON(w, http.StatusBadRequest, failure{err.Error()})
}

func notFound(w http.ResponseWriter) { surface.JSON(w, http.StatusNotFound, failure{"Not Found"}) }
