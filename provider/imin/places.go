package imin

import (
	"context"
	"iter"
	"net/url"

	"github.com/keyfit/keyfit"
)

const placesPath = "/api/v1/places"

// The classifications of the Places API.
const (
	Park          = "mcr:Park"
	LeisureCentre = "mcr:LeisureCentre"
)

// PlaceQuery is a search of the Places API. A field with the zero value does not filter.
// Source: docs.imin.co, imin Places API (beta).
type PlaceQuery struct {
	Near            *Radial
	Classifications []string // [Park], [LeisureCentre]
	// ActivityIDs holds URLs of OpenActive activities. It is sent as activityId, as in the
	// table on the page; its sample URLs have activity.
	ActivityIDs []string

	// Limit is the number of items per page, at most 50. If it is 0, List uses imin's
	// default, which is not documented, and All uses 50.
	Limit int
	// Page is the page number, from 1. 0 means the first page.
	Page int
}

func (q PlaceQuery) params() (url.Values, error) {
	p := newParams("PlaceQuery")
	p.near(q.Near)
	p.oneOf("Classifications", "placeClassification", q.Classifications)
	p.oneOf("ActivityIDs", "activityId", q.ActivityIDs)
	p.window(q.Limit, q.Page)
	return p.values, p.err
}

// PlacesService searches the Places API (beta), whose data is never derived from the Events
// API; for the places of events see [EventPlacesService]. Its methods return the errors of
// [keyfit.Get], or an error that names the invalid field of a query.
type PlacesService struct{ host }

// List reads one page of a search.
func (s *PlacesService) List(ctx context.Context, q PlaceQuery, opts ...keyfit.CallOption) (Page[Place], error) {
	return list[Place](ctx, s.host, placesPath, q, opts)
}

// All iterates over the places of all pages, with 50 items per page unless the query has a
// Limit.
func (s *PlacesService) All(ctx context.Context, q PlaceQuery, opts ...keyfit.CallOption) iter.Seq2[Place, error] {
	limit, first := allPages(q.Limit, q.Page)
	return iterate(first, Place.key, func(page int) (Page[Place], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// key identifies a place; places of events have no ID.
func (p Place) key() string {
	key := p.ID + "\n" + p.Name
	if p.Geo != nil {
		if lat, lon, ok := p.Geo.Point(); ok {
			key += "\n" + degrees(lat) + "," + degrees(lon)
		}
	}
	return key
}
