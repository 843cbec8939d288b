// Package imin mocks imin's Search APIs (Events, Facilities, Places) and two
// Firehose feeds over Lorem Fitsum, a generated data set. Half of its records are
// golden, which means that they have every field. All places are near Oxford,
// except for one record at 0,0.
//
// Sessions and slots depend only on the seed and the clock: those that have begun
// are archived, and new ones enter the lookahead of 14 days.
package imin

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// New builds the surface. The paths of search.imin.co, places.imin.co and
// firehose.imin.co do not overlap, so every host serves all of them.
func New(env surface.Env) surface.Surface {
	set := &store{}
	set.current.Store(newDataset(env.Seed))
	on := func(h func(*dataset, http.ResponseWriter, *surface.Call)) func(http.ResponseWriter, *surface.Call) {
		return bounded(func(w http.ResponseWriter, c *surface.Call) { h(set.current.Load(), w, c) })
	}
	polls := &polls{last: make(map[string]time.Time)}
	return surface.Surface{Data: set.data(), Routes: []surface.Route{
		{Pattern: "GET " + eventPath, Handle: on((*dataset).searchEvents)},
		{Pattern: "GET " + eventPath + "/{id}", Handle: on((*dataset).eventByID)},
		{Pattern: "GET /events-api/v2/places", Handle: on((*dataset).eventPlaces)},
		{Pattern: "GET /events-api/v2/facets", Handle: bounded(facets)},
		{Pattern: "GET " + facilityPath, Handle: on((*dataset).searchFacilities)},
		{Pattern: "GET " + facilityPath + "/{identifier}", Handle: on((*dataset).facilityByID)},
		{Pattern: "GET " + slotPath + "/{slotId}", Handle: on((*dataset).slotByID)},
		{Pattern: "GET /api/v1/places", Handle: on((*dataset).placesAPI)},
		{Pattern: "GET /firehose/datasets", Handle: bounded(polls.feed(func(*surface.Call) []feedItem { return datasets() }))},
		{Pattern: "GET /firehose/bookable-sellers/{broker}", Handle: bounded(polls.feed(func(c *surface.Call) []feedItem {
			return sellers(c.PathValue("broker"))
		}))},
	}}
}

// bounded refuses URLs that are longer than the documented maximum.
func bounded(handle func(http.ResponseWriter, *surface.Call)) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		if len(origin(c))+len(c.URL.RequestURI()) > maxURL {
			surface.JSON(w, http.StatusRequestURITooLong, failure{"the URL is longer than 2,048 characters"})
			return
		}
		handle(w, c)
	}
}
