// Package imin plays imin's Search APIs (Events, Facilities, Places) and two
// Firehose feeds over Lorem Fitsum, a made-up data set: half of its records are
// golden, with every field; it lies round Oxford, with one record at 0,0.
//
// What is on when follows from the seed and the clock alone: sessions that
// began are archived, new ones come into the 14 days that a search looks ahead.
package imin

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// New builds the routes. The paths of search.imin.co, places.imin.co and
// firehose.imin.co do not overlap, so every host serves all of them.
func New(env surface.Env) []surface.Route {
	f := newFitsum(env.Seed)
	polls := &polls{last: make(map[string]time.Time)}
	return []surface.Route{
		{Pattern: "GET " + eventPath, Handle: bounded(f.searchEvents)},
		{Pattern: "GET " + eventPath + "/{id}", Handle: bounded(f.eventByID)},
		{Pattern: "GET /events-api/v2/places", Handle: bounded(f.eventPlaces)},
		{Pattern: "GET /events-api/v2/facets", Handle: bounded(facets)},
		{Pattern: "GET " + facilityPath, Handle: bounded(f.searchFacilities)},
		{Pattern: "GET " + facilityPath + "/{identifier}", Handle: bounded(f.facilityByID)},
		{Pattern: "GET " + slotPath + "/{slotId}", Handle: bounded(f.slotByID)},
		{Pattern: "GET /api/v1/places", Handle: bounded(f.placesAPI)},
		{Pattern: "GET /firehose/datasets", Handle: bounded(polls.feed(func(*surface.Call) []feedItem { return datasets() }))},
		{Pattern: "GET /firehose/bookable-sellers/{broker}", Handle: bounded(polls.feed(func(c *surface.Call) []feedItem {
			return sellers(c.PathValue("broker"))
		}))},
	}
}

// bounded refuses URLs that are longer than documented.
func bounded(handle func(http.ResponseWriter, *surface.Call)) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		if len(origin(c))+len(c.URL.RequestURI()) > maxURL {
			surface.JSON(w, http.StatusRequestURITooLong, failure{"the URL is longer than 2,048 characters"})
			return
		}
		handle(w, c)
	}
}
