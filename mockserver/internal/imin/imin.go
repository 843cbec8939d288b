// Package imin plays imin's Search APIs: today EventSeries, listed and by ID,
// over a few Lorem Fitsum records.
package imin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const (
	base         = "https://search.imin.co/events-api/v2/event-series"
	maxLimit     = 50 // documented
	defaultLimit = 10 // not documented: assumed
)

// New builds the routes.
func New(surface.Env) []surface.Route {
	rows := records()
	return []surface.Route{
		{Pattern: "GET /events-api/v2/event-series", Handle: func(w http.ResponseWriter, c *surface.Call) { search(w, c, rows) }},
		{Pattern: "GET /events-api/v2/event-series/{id}", Handle: func(w http.ResponseWriter, c *surface.Call) { byID(w, c, rows) }},
	}
}

type record map[string]any

func records() []record {
	names := []string{"GOLDEN: Evening Yoga", "Lorem Spin", "GOLDEN: Walking Football", "Fitsum Swim", "GOLDEN: Tai Chi", "Dolor Pilates"}
	rows := make([]record, len(names))
	for i, name := range names {
		id := fmt.Sprintf("loremfitsum-%d", 1001+i)
		rows[i] = record{
			"type": "EventSeries", "id": base + "/" + id, "identifier": id, "name": name,
			"genderRestriction": "oa:NoRestriction", "isAccessibleForFree": false,
			"imin:dataSource": record{"type": "WebAPI", "identifier": "loremfitsum"},
			"imin:aggregateOffer": record{"type": "imin:AggregateOffer",
				"publicAdult": record{"type": "AggregateOffer", "price": 5.5 + float64(i), "priceCurrency": "GBP"}},
		}
	}
	return rows
}

func search(w http.ResponseWriter, c *surface.Call, rows []record) {
	q := c.URL.Query()
	limit, err1 := number(q, "limit", defaultLimit)
	page, err2 := number(q, "page", 1)
	if err1 != nil || err2 != nil || limit > maxLimit {
		surface.JSON(w, http.StatusBadRequest, map[string]string{"message": "limit must be 1 to 50, page 1 or more"})
		return
	}
	pages := max(1, (len(rows)+limit-1)/limit)
	from := min((page-1)*limit, len(rows))
	items := rows[from:min(from+limit, len(rows))]
	at := func(p int) string {
		u := url.Values{}
		for k, v := range q {
			u[k] = v
		}
		u.Set("page", strconv.Itoa(p))
		u.Set("limit", strconv.Itoa(limit))
		return base + "?" + u.Encode()
	}
	out := record{
		"@context": []string{"https://openactive.io/", "https://schema.imin.co/", "https://openactive.io/ns-beta"},
		"id":       base + "?" + q.Encode(), "type": "imin:RestrictedCollection", "imin:totalItems": len(rows),
		"view": record{"type": "PartialCollectionView", "id": at(page), "first": at(1), "last": at(pages),
			"imin:currentPage": page, "imin:itemsPerPage": limit, "imin:totalPages": pages},
	}
	if len(items) > 0 { // an empty array is left out, in every API
		out["imin:item"] = items
	}
	surface.JSON(w, http.StatusOK, out)
}

func number(q url.Values, name string, otherwise int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > 1<<20 {
		return 0, fmt.Errorf("%s is not a positive number", name)
	}
	return n, nil
}

func byID(w http.ResponseWriter, c *surface.Call, rows []record) {
	for _, r := range rows {
		if r["identifier"] == c.PathValue("id") {
			surface.JSON(w, http.StatusOK, r)
			return
		}
	}
	surface.JSON(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
}
