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

// EventSeriesService searches for events and reads them by ID. Errors are those of
// [keyfit.Get], and one that names the field of a query which imin would not take.
type EventSeriesService struct{ host }

// List reads one page of a search. Records are summaries: offers, people and a provider's
// own properties come by Get only.
func (s *EventSeriesService) List(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) (Page[EventSeries], error) {
	return list[EventSeries](ctx, s.host, eventSeriesPath, q, opts)
}

// All ranges over the results of all pages, 50 a page unless the query has a Limit.
func (s *EventSeriesService) All(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) iter.Seq2[EventSeries, error] {
	limit, first := whole(q.Limit, q.Page)
	return all(first, EventSeries.key, func(page int) (Page[EventSeries], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// Search is All, by the vendor's name for it.
func (s *EventSeriesService) Search(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) iter.Seq2[EventSeries, error] {
	return s.All(ctx, q, opts...)
}

// Get reads one record in full, offers and all sessions to come included. id is
// [EventSeries.LookupID]. Once the last session is over the error is [keyfit.ErrNotFound].
func (s *EventSeriesService) Get(ctx context.Context, id string, opts ...keyfit.CallOption) (EventSeries, error) {
	return getByID[EventSeries](ctx, s.host, eventSeriesPath+"/{id}", id, opts)
}

// EventPlacesService lists the places of events, for a map (page "How to Display Data on a
// Map"). Errors are those of [EventSeriesService].
type EventPlacesService struct{ host }

// List reads one page of the places at which a search finds events, the nearest first.
// [Place].Event links to the events of each.
func (s *EventPlacesService) List(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) (Page[Place], error) {
	return list[Place](ctx, s.host, eventPlacesPath, q, opts)
}

// All ranges over the places of all pages, 50 a page unless the query has a Limit.
func (s *EventPlacesService) All(ctx context.Context, q EventQuery, opts ...keyfit.CallOption) iter.Seq2[Place, error] {
	limit, first := whole(q.Limit, q.Page)
	return all(first, Place.key, func(page int) (Page[Place], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// FacetsService reads what one can search by.
type FacetsService struct{ host }

// Get reads the activities and the collections of activities. They change once a night at
// most, and imin asks clients to keep them (page "Activity Concept Collections"). Errors
// are those of [keyfit.Get].
func (s *FacetsService) Get(ctx context.Context, opts ...keyfit.CallOption) (Facets, error) {
	return get[Facets](ctx, s.host, facetsPath, nil, opts)
}

// key tells items of a search apart: upcoming-sessions returns a series once a session.
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
