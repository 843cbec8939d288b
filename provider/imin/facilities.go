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

// FacilityMode is the order of a facility search and decides whether it returns slots.
type FacilityMode string

// The modes of a facility search.
const (
	// NearestFacilities sorts by distance and returns no slots (page "mode=discovery-geo").
	NearestFacilities FacilityMode = "discovery-geo"
	// UpcomingSlots sorts by the earliest free slot of one day (page "mode=upcoming-slots").
	UpcomingSlots FacilityMode = "upcoming-slots"
)

// FacilityQuery is a search for facilities. An optional field with the zero value does not
// filter. Source: docs.imin.co, imin Facilities API, Query Parameter Search.
type FacilityQuery struct {
	// Mode is the order of the results. Required.
	Mode FacilityMode
	// Near is the area of the search. Required.
	Near *Radial
	// StartDate bounds the start of slots. With [NearestFacilities] it must be zero. With
	// [UpcomingSlots] at least one bound is required, and both must be on the same calendar
	// day in UTC; a missing bound is the start or end of that day.
	StartDate TimeRange

	ProviderIDs    []string
	ActivityIDs    []string // URLs of OpenActive activities
	ActivityLabels []string // labels of activities

	// Limit is the number of items per page, at most 50. If it is 0, List uses imin's
	// default, which is not documented, and All uses 50.
	Limit int
	// Page is the page number, from 1. 0 means the first page.
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

// checkDates checks StartDate by the rules of the two modes.
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

// FacilityUsesService searches for facilities and reads them by ID. Its methods return the
// errors of [keyfit.Get], or an error that names the invalid field of a query.
type FacilityUsesService struct{ host }

// List reads one page of a search.
func (s *FacilityUsesService) List(ctx context.Context, q FacilityQuery, opts ...keyfit.CallOption) (Page[FacilityUse], error) {
	return list[FacilityUse](ctx, s.host, facilityUsesPath, q, opts)
}

// All iterates over the results of all pages, with 50 items per page unless the query has a
// Limit.
func (s *FacilityUsesService) All(ctx context.Context, q FacilityQuery, opts ...keyfit.CallOption) iter.Seq2[FacilityUse, error] {
	limit, first := allPages(q.Limit, q.Page)
	return iterate(first, func(f FacilityUse) string { return f.ID }, func(page int) (Page[FacilityUse], error) {
		here := q
		here.Limit, here.Page = limit, page
		return s.List(ctx, here, opts...)
	})
}

// Get reads a facility with its slots of the next 7 days. identifier is
// [FacilityUse.LookupID]. If no slot is left, the error is [keyfit.ErrNotFound].
func (s *FacilityUsesService) Get(ctx context.Context, identifier string, opts ...keyfit.CallOption) (FacilityUse, error) {
	return getByID[FacilityUse](ctx, s.host, facilityUsesPath+"/{identifier}", identifier, opts)
}

// SlotsService reads slots.
type SlotsService struct{ host }

// Get reads a slot. id is [Slot.LookupID], which ends in the start time of the slot
// ("2030-01-02T18:00:00"). Get returns the errors of [keyfit.Get]; for a slot that has begun,
// the error is [keyfit.ErrNotFound].
func (s *SlotsService) Get(ctx context.Context, id string, opts ...keyfit.CallOption) (Slot, error) {
	return getByID[Slot](ctx, s.host, slotsPath+"/{slot_ID}", id, opts)
}
