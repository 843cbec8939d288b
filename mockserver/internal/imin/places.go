package imin

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// eventPlaces writes the places at which the search finds events, nearest first,
// each with its number of EventSeries (page "Display Data on a Map").
func (ds *dataset) eventPlaces(w http.ResponseWriter, c *surface.Call) {
	asked, err := parseParams(c.URL.RawQuery, append(filterNames(), "mode", "limit", "page"))
	if err != nil {
		badRequest(w, err)
		return
	}
	p := withDefaults(asked)
	win, err1 := p.window()
	filter, err2 := newFilter(p)
	_, err3 := eventMode(p)
	if err := cmp.Or(err1, err2, err3); err != nil {
		badRequest(w, err)
		return
	}
	var hits []place
	for _, site := range ds.sites {
		// A virtual session has no position on a map.
		if filter.wantsVirtual() || !filter.near.contains(site.Geo) {
			continue
		}
		events := ds.findEvents(byGeo, filter.withCentre(radial{site.Geo.Latitude, site.Geo.Longitude, 0}), c.Now)
		if len(events) == 0 {
			continue
		}
		hit := place{Type: site.Type, Name: site.Name, Address: site.Address, Geo: site.Geo}
		hit.Event = &eventLink{"imin:RestrictedCollection", origin(c) + eventPath + searchAt(site.Geo, asked), len(events)}
		hits = append(hits, hit.withDistance(filter.near))
	}
	sortByDistance(hits)
	from, to := win.bounds(len(hits))
	reply(w, newCollection(c, p, win, len(hits), toAny(hits[from:to]), baseContext()))
}

// searchAt returns the query for the events of one place, in the form that the
// page shows.
func searchAt(g coordinates, asked params) string {
	text := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	q := "?geo[radial]=" + text(g.Latitude) + "," + text(g.Longitude) + ",0"
	if rest := asked.without("geo[radial]", "mode", "limit", "page"); len(rest) > 0 {
		q += "&" + rest.encode()
	}
	return q + "&mode=" + byGeo
}

// sortByDistance sorts places by their distance. Places without a distance keep
// their order.
func sortByDistance(places []place) {
	km := func(pl place) float64 {
		if pl.Geo.Distance == nil {
			return 0
		}
		return *pl.Geo.Distance.Value
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(km(a), km(b)) })
}

func toAny[T any](from []T) []any {
	out := make([]any, len(from))
	for i, v := range from {
		out[i] = v
	}
	return out
}

// placesAPI implements the Places API, which returns only places of facilities
// (page "imin Places API": its data is never derived from the Events API).
func (ds *dataset) placesAPI(w http.ResponseWriter, c *surface.Call) {
	// The table on the page has activityId, its sample has activity.
	p, err := parseParams(c.URL.RawQuery, []string{"page", "limit", "geo[radial]", "placeClassification*", "activityId*", "activity*"})
	if err != nil {
		badRequest(w, err)
		return
	}
	win, err1 := p.window()
	near, err2 := p.radial()
	kinds, activities := p.all("placeClassification"), append(p.all("activityId"), p.all("activity")...)
	var err3 error
	if slices.ContainsFunc(kinds, func(k string) bool { return k != park && k != leisureCentre }) {
		err3 = errors.New("placeClassification must be " + park + " or " + leisureCentre)
	}
	if err := cmp.Or(err1, err2, err3); err != nil {
		badRequest(w, err)
		return
	}
	var hits []place
	for _, site := range ds.halls {
		if near != nil && !near.contains(site.Geo) || len(kinds) > 0 && !slices.Contains(kinds, site.Classification) {
			continue
		}
		for _, i := range ds.activitiesAt(site.ID) {
			site.Activity = append(site.Activity, activityConcept(i))
		}
		if len(activities) > 0 && !slices.ContainsFunc(ds.activitiesAt(site.ID), func(i int) bool {
			return slices.ContainsFunc(lineage(i), func(a int) bool { return slices.Contains(activities, activityID(a)) })
		}) {
			continue
		}
		site.ID = "https://loremfitsum.example/api/places/" + site.Identifier
		hits = append(hits, site.withDistance(near))
	}
	sortByDistance(hits)
	from, to := win.bounds(len(hits))
	reply(w, newCollection(c, p, win, len(hits), toAny(hits[from:to]), baseContext("https://data.mcractive.com/ns/mcr.jsonld")))
}
