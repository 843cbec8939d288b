package imin

import (
	"context"
	"iter"
	"net/url"
	"time"

	"github.com/keyfit/keyfit"
)

const (
	facilityUsesPath = "/facilities-api/v2/facility-uses"
	slotsPath        = "/facilities-api/v2/slots"
)

// FacilityMode is what a facility search orders by, and whether it returns slots.
type FacilityMode string

// The modes of a facility search.
const (
	// NearestFacilities is the nearest first, never with slots (page "mode=discovery-geo").
	NearestFacilities FacilityMode = "discovery-geo"
	// UpcomingSlots is the earliest free slot first, on one day (page "mode=upcoming-slots").
	UpcomingSlots FacilityMode = "upcoming-slots"
)

// FacilityQuery is a search for facilities. The zero value of an optional field is no
// filter. Source: docs.imin.co, imin Facilities API, Query Parameter Search.
type FacilityQuery struct {
	// Mode is required.
	Mode FacilityMode
	// Near is where to search. Required.
	Near *Radial
	// StartDate is when slots start. With [NearestFacilities] it must be zero. With
	// [UpcomingSlots] it needs an end at least, and both ends lie on one calendar day of
	// UTC; From alone runs to the end of its day, To alone from the start of its day.
	StartDate TimeRange

	ProviderIDs    []string
	ActivityIDs    []string // OpenActive activities, by URL
	ActivityLabels []string // the same by label

	// Limit is the number of items a page, at most 50. 0 leaves it to imin in List (how
	// many is not documented) and is 50 in All.
	Limit int
	// Page counts from 1; 0 is the first.
	Page int
}

func (q FacilityQuery) params() (url.Values, error) {
	p := newParams("FacilityQuery")
	q.checkDates(p)
	if q.Near == nil {
		p.fail("Near", "is required")
	}
	p.text("mode", string(q.Mode))
	p.near(q.Near)
	p.times("StartDate", "startDate", q.StartDate)
	p.oneOf("ProviderIDs", "providerId", q.ProviderIDs)
	p.oneOf("ActivityIDs", "activityId", q.ActivityIDs)
	p.oneOf("ActivityLabels", "activityPrefLabel", q.ActivityLabels)
	p.window(q.Limit, q.Page)
	return p.values, p.err
}

// checkDates holds the two modes' rules.
func (q FacilityQuery) checkDates(p *params) {
	from, to := q.StartDate.From, q.StartDate.To
	switch {
	case q.Mode == "":
		p.fail("Mode", "is required: %s or %s", NearestFacilities, UpcomingSlots)
	case q.Mode == NearestFacilities && !q.StartDate.IsZero():
		p.fail("StartDate", "is not permitted with Mode %s, which returns no slots", NearestFacilities)
	case q.Mode == UpcomingSlots && q.StartDate.IsZero():
		p.fail("StartDate", "is required with Mode %s", UpcomingSlots)
	case q.Mode == UpcomingSlots && !from.IsZero() && !to.IsZero() && !day(from).Equal(day(to)):
		p.fail("StartDate", "must begin and end on one calendar day of UTC with Mode %s", UpcomingSlots)
	}
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// FacilityUsesService searches for facilities and reads them by ID. Errors are those of
// [keyfit.Get], and one that names the field of a query which imin would not take.
type FacilityUsesService struct{ host }

// List reads one page of a search.
func (s *FacilityUsesService) List(ctx context.Context, q FacilityQuery, opts ...keyfit.CallOption) (Page[FacilityUse], error) {
	return list[FacilityUse](ctx, s.host, facilityUsesPath, q, opts)
}

// All ranges over the results of all pages, 50 a page unless the query has a Limit.
func (s *FacilityUsesService) All(ctx context.Context, q FacilityQuery, opts ...keyfit.CallOption) iter.Seq2[FacilityUse, error] {
	limit, first := whole(q.Limit, q.Page)
	return all(first, func(f FacilityUse) string { return f.ID }, func(page int) (Page[FacilityUse], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// Get reads one facility with its slots of up to 7 days ahead. identifier is
// [FacilityUse.LookupID]. Once its last slot is over the error is [keyfit.ErrNotFound].
func (s *FacilityUsesService) Get(ctx context.Context, identifier string, opts ...keyfit.CallOption) (FacilityUse, error) {
	return getByID[FacilityUse](ctx, s.host, facilityUsesPath+"/{identifier}", identifier, opts)
}

// SlotsService reads slots.
type SlotsService struct{ host }

// Get reads one slot. id is [Slot.LookupID], which ends in the time of the slot's start
// ("2030-01-02T18:00:00"). Errors are those of [keyfit.Get]; once the slot has begun,
// [keyfit.ErrNotFound].
func (s *SlotsService) Get(ctx context.Context, id string, opts ...keyfit.CallOption) (Slot, error) {
	return getByID[Slot](ctx, s.host, slotsPath+"/{slot_ID}", id, opts)
}
