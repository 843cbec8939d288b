package imin

import (
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/internal/wire"
)

// EventSeries is a series of events, such as a class, a club or a course. Search returns a
// summary, Get the full record.
type EventSeries struct {
	Context     List[string]  `json:"@context,omitempty"`
	Type        string        `json:"type,omitempty"`
	ID          string        `json:"id,omitempty"` // a URL
	Identifier  Scalar        `json:"identifier,omitempty"`
	Name        string        `json:"name,omitempty"`
	Description string        `json:"description,omitempty"`
	Activity    List[Concept] `json:"activity,omitempty"`
	// AgeRange is a range in years, both ends included; a missing end is open.
	AgeRange            *Quantity `json:"ageRange,omitempty"`
	GenderRestriction   string    `json:"genderRestriction,omitempty"` // oa:NoRestriction, oa:FemaleOnly, oa:MaleOnly
	IsCoached           *bool     `json:"isCoached,omitempty"`
	IsAccessibleForFree *bool     `json:"isAccessibleForFree,omitempty"`
	// EventAttendanceMode is schema:OfflineEventAttendanceMode, Online… or Mixed….
	EventAttendanceMode string           `json:"eventAttendanceMode,omitempty"`
	Level               List[Level]      `json:"imin:level,omitempty"`
	Programme           *Brand           `json:"programme,omitempty"`
	EstimatedDuration   *Quantity        `json:"beta:estimatedDuration,omitempty"` // UnitCode MIN: minutes
	Image               List[Image]      `json:"image,omitempty"`
	AggregateOffer      *AggregateOffers `json:"imin:aggregateOffer,omitempty"`
	Organizer           *Party           `json:"organizer,omitempty"`
	DataSource          *DataSource      `json:"imin:dataSource,omitempty"`
	// LocationSummary holds each place once; [SessionSeries].Place is resolved from it.
	LocationSummary List[Place] `json:"imin:locationSummary,omitempty"`
	// Runs holds the places and timetables of the series.
	Runs  List[SessionSeries]        `json:"subEvent,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

// Sessions iterates over the sessions of all runs, in imin's order. The pointers refer to e.
func (e *EventSeries) Sessions() iter.Seq2[*SessionSeries, *ScheduledSession] {
	return func(yield func(*SessionSeries, *ScheduledSession) bool) {
		for i := range e.Runs {
			for j := range e.Runs[i].Sessions {
				if !yield(&e.Runs[i], &e.Runs[i].Sessions[j]) {
					return
				}
			}
		}
	}
}

// LookupID returns the ID for [EventSeriesService.Get]: the last segment of ID.
func (e *EventSeries) LookupID() string { return lastSegment(e.ID) }

// resolve sets the Place of every run.
func (e *EventSeries) resolve() {
	for i := range e.Runs {
		run := &e.Runs[i]
		if run.Place = run.Location; run.Location == nil || run.Location.ID == "" {
			continue
		}
		at := slices.IndexFunc(e.LocationSummary, func(p Place) bool { return p.ID == run.Location.ID })
		if at >= 0 {
			run.Place = &e.LocationSummary[at]
		}
	}
}

// UnmarshalJSON keeps unknown members in Extra and resolves the places of the runs.
func (e *EventSeries) UnmarshalJSON(b []byte) error {
	type plain EventSeries
	err := wire.Decode(b, (*plain)(e), &e.Extra)
	e.resolve()
	return err
}

// MarshalJSON writes the members of Extra too.
func (e EventSeries) MarshalJSON() ([]byte, error) {
	type plain EventSeries
	return wire.Encode(plain(e), e.Extra)
}

// SessionSeries is one run of a series: its place, its times and, in full records, its prices.
type SessionSeries struct {
	Type       string `json:"type,omitempty"`
	ID         string `json:"id,omitempty"`
	Identifier Scalar `json:"identifier,omitempty"`
	URL        string `json:"url,omitempty"`
	// Location is the location as sent: a reference into imin:locationSummary, or a place.
	Location *Place `json:"location,omitempty"`
	// Place is the resolved place: the entry of imin:locationSummary that Location refers
	// to, or Location itself; nil for an online-only run. Decoding an [EventSeries] sets it;
	// it is not encoded.
	Place                    *Place                     `json:"-"`
	Category                 List[string]               `json:"category,omitempty"`
	Leader                   List[Party]                `json:"leader,omitempty"`
	Contributor              List[Party]                `json:"contributor,omitempty"`
	Offers                   List[Offer]                `json:"offers,omitempty"`
	EventSchedule            List[Schedule]             `json:"eventSchedule,omitempty"`
	AccessibilitySupport     List[Concept]              `json:"accessibilitySupport,omitempty"`
	AccessibilityInformation string                     `json:"accessibilityInformation,omitempty"`
	AttendeeInstructions     string                     `json:"attendeeInstructions,omitempty"`
	SchedulingNote           string                     `json:"schedulingNote,omitempty"`
	MaximumAttendeeCapacity  *int                       `json:"maximumAttendeeCapacity,omitempty"`
	DateCreated              Time                       `json:"ext:dateCreated,omitzero"`
	SpecialRequirement       List[Concept]              `json:"emduk:specialRequirement,omitempty"`
	Sessions                 List[ScheduledSession]     `json:"subEvent,omitempty"`
	Extra                    map[string]json.RawMessage `json:"-"`
}

// ScheduledSession is one session.
type ScheduledSession struct {
	Type                      string                     `json:"type,omitempty"`
	ID                        string                     `json:"id,omitempty"`
	Identifier                Scalar                     `json:"identifier,omitempty"`
	URL                       string                     `json:"url,omitempty"`
	StartDate                 Time                       `json:"startDate,omitzero"`
	EndDate                   Time                       `json:"endDate,omitzero"`
	Duration                  string                     `json:"duration,omitempty"`    // ISO 8601, such as PT1H30M
	EventStatus               string                     `json:"eventStatus,omitempty"` // such as schema:EventCancelled
	MaximumAttendeeCapacity   *int                       `json:"maximumAttendeeCapacity,omitempty"`
	RemainingAttendeeCapacity *int                       `json:"remainingAttendeeCapacity,omitempty"` // 0: full; nil: unknown
	VirtualLocation           *Reference                 `json:"beta:virtualLocation,omitempty"`      // where to join online
	Extra                     map[string]json.RawMessage `json:"-"`
}

// Schedule is a timetable (OpenActive's PartialSchedule).
type Schedule struct {
	Type               string                     `json:"type,omitempty"`
	RepeatFrequency    string                     `json:"repeatFrequency,omitempty"` // ISO 8601, such as P1W
	ByDay              List[string]               `json:"byDay,omitempty"`           // such as schema:Tuesday
	StartTime          string                     `json:"startTime,omitempty"`       // HH:MM in TimeZone
	EndTime            string                     `json:"endTime,omitempty"`
	StartDate          string                     `json:"startDate,omitempty"` // a date, such as 2030-01-02
	EndDate            string                     `json:"endDate,omitempty"`
	Duration           string                     `json:"duration,omitempty"` // ISO 8601
	ScheduledEventType string                     `json:"scheduledEventType,omitempty"`
	TimeZone           string                     `json:"beta:timeZone,omitempty"` // such as Europe/London
	Extra              map[string]json.RawMessage `json:"-"`
}

// lastSegment returns the last segment of a URL's path, unescaped; "" if there is none.
func lastSegment(id string) string {
	u, err := url.Parse(id)
	if err != nil {
		return ""
	}
	path := u.EscapedPath()
	segment, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return segment
}
