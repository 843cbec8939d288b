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

// PlaceQuery is a search of the Places API. The zero value of a field is no filter.
// Source: docs.imin.co, imin Places API (beta).
type PlaceQuery struct {
	Near            *Radial
	Classifications []string // [Park], [LeisureCentre]
	// ActivityIDs are OpenActive activities, by URL. The parameter is activityId, as in the
	// page's table; its sample URLs have activity.
	ActivityIDs []string

	// Limit is the number of items a page, at most 50. 0 leaves it to imin in List (how
	// many is not documented) and is 50 in All.
	Limit int
	// Page counts from 1; 0 is the first.
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

// PlacesService searches the Places API (beta), whose data is never derived from the
// Events API; for the places of events see [EventPlacesService]. Errors are those of
// [keyfit.Get], and one that names the field of a query which imin would not take.
type PlacesService struct{ host }

// List reads one page of a search.
func (s *PlacesService) List(ctx context.Context, q PlaceQuery, opts ...keyfit.CallOption) (Page[Place], error) {
	return list[Place](ctx, s.host, placesPath, q, opts)
}

// All ranges over the places of all pages, 50 a page unless the query has a Limit.
func (s *PlacesService) All(ctx context.Context, q PlaceQuery, opts ...keyfit.CallOption) iter.Seq2[Place, error] {
	limit, first := whole(q.Limit, q.Page)
	return all(first, Place.key, func(page int) (Page[Place], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// key tells places apart; those of events have no ID.
func (p Place) key() string {
	key := p.ID + "\n" + p.Name
	if p.Geo != nil {
		if lat, lon, ok := p.Geo.Point(); ok {
			key += "\n" + degrees(lat) + "," + degrees(lon)
		}
	}
	return key
}
