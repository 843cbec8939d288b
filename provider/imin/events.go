package imin

import (
	"context"
	"iter"
	"strings"

	"github.com/keyfit/keyfit"
)

const (
	eventSeriesPath = "/events-api/v2/event-series"
	eventPlacesPath = "/events-api/v2/places"
	facetsPath      = "/events-api/v2/facets"
)

// EventSeriesService searches for events and reads them by ID. Its methods return the errors
// of [keyfit.Get], or an error that names the invalid field of a query.
type EventSeriesService struct{ host }

// List reads one page of a search. Records are summaries: only Get returns offers, people and
// custom properties.
func (s *EventSeriesService) List(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) (Page[EventSeries], error) {
	return list[EventSeries](ctx, s.host, eventSeriesPath, q, opts)
}

// All iterates over the results of all pages, with 50 items per page unless the query has a
// Limit.
func (s *EventSeriesService) All(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) iter.Seq2[EventSeries, error] {
	limit, first := allPages(q.Limit, q.Page)
	return iterate(first, EventSeries.key, func(page int) (Page[EventSeries], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// Search is an alias of All.
func (s *EventSeriesService) Search(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) iter.Seq2[EventSeries, error] {
	return s.All(ctx, q, opts...)
}

// Get reads a full record, including offers and all upcoming sessions. id is
// [EventSeries.LookupID]. If no session is left, the error is [keyfit.ErrNotFound].
func (s *EventSeriesService) Get(ctx context.Context, id string, opts ...keyfit.CallOption) (EventSeries, error) {
	return getByID[EventSeries](ctx, s.host, eventSeriesPath+"/{id}", id, opts)
}

// EventPlacesService lists the places of events, for a map (page "How to Display Data on a
// Map"). Its methods return the same errors as those of [EventSeriesService].
type EventPlacesService struct{ host }

// List reads one page of the places at which a search finds events, nearest first.
// [Place].Event links to the events at a place.
func (s *EventPlacesService) List(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) (Page[Place], error) {
	return list[Place](ctx, s.host, eventPlacesPath, q, opts)
}

// All iterates over the places of all pages, with 50 items per page unless the query has a
// Limit.
func (s *EventPlacesService) All(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) iter.Seq2[Place, error] {
	limit, first := allPages(q.Limit, q.Page)
	return iterate(first, Place.key, func(page int) (Page[Place], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// FacetsService reads the search facets.
type FacetsService struct{ host }

// Get reads the activities and the collections of activities. They change at most once per
// night, and imin asks clients to cache them (page "Activity Concept Collections"): with
// [keyfit.WithIfNoneMatch], unchanged facets are not read again, if imin sends an entity tag.
// Get returns the errors of [keyfit.Get].
func (s *FacetsService) Get(ctx context.Context, opts ...keyfit.CallOption) (Facets, error) {
	return get[Facets](ctx, s.host, facetsPath, nil, opts)
}

// key identifies a search result: upcoming-sessions returns a series once per session.
func (e EventSeries) key() string {
	parts := []string{e.ID}
	for run, session := range e.Sessions() {
		if run.Location != nil {
			parts = append(parts, run.Location.ID)
		}
		parts = append(parts, session.StartDate.String(), session.StartDate.Text)
	}
	return strings.Join(parts, "\n")
}
