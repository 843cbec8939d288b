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

// New builds the surface. The paths of search.imin.co, places.imin.co and
// firehose.imin.co do not overlap, so every host serves all of them.
func New(env surface.Env) surface.Surface {
	set := &dataSet{}
	set.current.Store(newFitsum(env.Seed))
	on := func(h func(*fitsum, http.ResponseWriter, *surface.Call)) func(http.ResponseWriter, *surface.Call) {
		return bounded(func(w http.ResponseWriter, c *surface.Call) { h(set.current.Load(), w, c) })
	}
	polls := &polls{last: make(map[string]time.Time)}
	return surface.Surface{Data: set.data(), Routes: []surface.Route{
		{Pattern: "GET " + eventPath, Handle: on((*fitsum).searchEvents)},
		{Pattern: "GET " + eventPath + "/{id}", Handle: on((*fitsum).eventByID)},
		{Pattern: "GET /events-api/v2/places", Handle: on((*fitsum).eventPlaces)},
		{Pattern: "GET /events-api/v2/facets", Handle: bounded(facets)},
		{Pattern: "GET " + facilityPath, Handle: on((*fitsum).searchFacilities)},
		{Pattern: "GET " + facilityPath + "/{identifier}", Handle: on((*fitsum).facilityByID)},
		{Pattern: "GET " + slotPath + "/{slotId}", Handle: on((*fitsum).slotByID)},
		{Pattern: "GET /api/v1/places", Handle: on((*fitsum).placesAPI)},
		{Pattern: "GET /firehose/datasets", Handle: bounded(polls.feed(func(*surface.Call) []feedItem { return datasets() }))},
		{Pattern: "GET /firehose/bookable-sellers/{broker}", Handle: bounded(polls.feed(func(c *surface.Call) []feedItem {
			return sellers(c.PathValue("broker"))
		}))},
	}}
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
