package imin

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// store holds the current data set. A request uses one immutable snapshot.
type store struct {
	mu      sync.Mutex // serialises changes
	current atomic.Pointer[dataset]
}

// document is the stored form of the data set. Sessions and slots are not stored:
// they are derived from eventSchedule, facilities, seed and clock.
type document struct {
	eventPlaces    []place
	eventSeries    []seriesData
	tasters        []seriesData // templates of one-off series, used on alternating days
	facilityPlaces []place
	facilities     []facilityData
}

// seriesData is an EventSeries in the form of By-ID, without derived members. A
// session series (subEvent) takes place at the times of eventSchedule, in the
// place of location, and online according to eventAttendanceMode.
type seriesData struct {
	eventSeries
	Tags []string `json:"tags,omitempty"` // HighFrequencySession
}

// facilityData is a FacilityUse. If it has courts, each court has its own slots.
type facilityData struct {
	Identifier  string     `json:"identifier"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Activity    []concept  `json:"activity"`
	Image       []image    `json:"image,omitempty"`
	Provider    *party     `json:"provider"`
	DataSource  dataSource `json:"imin:dataSource"`
	Place       string     `json:"place"` // ID of a facility place
	Courts      []string   `json:"courts,omitempty"`
	MaximumUses int        `json:"maximumUses"` // simultaneous uses of a slot
}

func (st *store) data() surface.Data {
	return &surface.Tables[document]{
		Collections: []surface.Collection[document]{
			surface.NewCollection("eventPlaces", func(doc *document) *[]place { return &doc.eventPlaces }, "id"),
			surface.NewCollection("eventSeries", func(doc *document) *[]seriesData { return &doc.eventSeries }, "identifier"),
			surface.NewCollection("tasters", func(doc *document) *[]seriesData { return &doc.tasters }, "identifier"),
			surface.NewCollection("facilityPlaces", func(doc *document) *[]place { return &doc.facilityPlaces }, "id"),
			surface.NewCollection("facilities", func(doc *document) *[]facilityData { return &doc.facilities }, "identifier"),
		},
		Snapshot: func() document { return st.current.Load().snapshot() },
		Update: func(edit func(*document) error) error {
			st.mu.Lock()
			defer st.mu.Unlock()
			ds := st.current.Load()
			doc := ds.snapshot()
			if err := edit(&doc); err != nil {
				return err
			}
			next, err := doc.build(ds.seed)
			if err != nil {
				return err
			}
			st.current.Store(next)
			return nil
		},
	}
}

// snapshot returns the data set as a document. The parts that they share are
// never modified.
func (ds *dataset) snapshot() document {
	doc := document{eventPlaces: slices.Clone(ds.sites), facilityPlaces: slices.Clone(ds.halls)}
	for _, s := range ds.weekly {
		doc.eventSeries = append(doc.eventSeries, seriesData{s.doc, s.tags})
	}
	for _, s := range ds.tasters {
		doc.tasters = append(doc.tasters, seriesData{s.doc, s.tags})
	}
	for _, fac := range ds.facilities {
		doc.facilities = append(doc.facilities, facilityData{
			fac.doc.Identifier, fac.doc.Name, fac.doc.Description, fac.doc.Activity, fac.doc.Image, fac.doc.Provider,
			fac.doc.DataSource, fac.site.ID, fac.courts, fac.uses,
		})
	}
	return doc
}

// build validates a document and returns its data set.
func (doc *document) build(seed uint64) (*dataset, error) {
	if err := doc.check(); err != nil {
		return nil, err
	}
	ds := &dataset{seed: seed, sites: doc.eventPlaces, halls: doc.facilityPlaces}
	for _, places := range [][]place{ds.sites, ds.halls} {
		for i := range places {
			places[i].Type, places[i].Geo.Type = "Place", "GeoCoordinates"
		}
	}
	for i := range doc.eventSeries {
		s, err := doc.eventSeries[i].build(ds.sites)
		if err != nil {
			return nil, surface.ElementError("eventSeries", i, err)
		}
		ds.weekly = append(ds.weekly, s)
	}
	for i := range doc.tasters {
		s, err := doc.tasters[i].build(ds.sites)
		if err != nil {
			return nil, surface.ElementError("tasters", i, err)
		}
		ds.tasters = append(ds.tasters, s)
	}
	for i, in := range doc.facilities {
		activity, err := activityIn(in.Activity)
		if err != nil {
			return nil, surface.ElementError("facilities", i, err)
		}
		ds.facilities = append(ds.facilities, &facility{
			number: uint64(i), site: siteOf(ds.halls, in.Place), activity: activity, courts: in.Courts, uses: in.MaximumUses, golden: golden(in.Name),
			doc: facilityUse{
				Type: "FacilityUse", Identifier: in.Identifier, Name: in.Name, Description: in.Description, Activity: in.Activity,
				Image: in.Image, Provider: in.Provider, DataSource: in.DataSource,
			},
		})
	}
	return ds, nil
}

// golden reports whether a record has every field, as its sessions and slots then
// do too.
func golden(name string) bool { return strings.HasPrefix(name, "GOLDEN: ") }

func siteOf(sites []place, id string) *place {
	i := slices.IndexFunc(sites, func(pl place) bool { return pl.ID == id })
	if i < 0 {
		return nil
	}
	return &sites[i]
}

// build returns the series with the runs that its schedules describe.
func (in *seriesData) build(sites []place) (*series, error) {
	activity, err := activityIn(in.Activity)
	if err != nil {
		return nil, err
	}
	s := &series{doc: in.eventSeries, activity: activity, tags: in.Tags, golden: golden(in.Name)}
	s.doc.Type, s.doc.SubEvent = "EventSeries", slices.Clone(in.SubEvent)
	virtual := strings.HasSuffix(in.AttendanceMode, "OnlineEventAttendanceMode") || strings.HasSuffix(in.AttendanceMode, "MixedEventAttendanceMode")
	for i := range in.SubEvent {
		r, err := in.SubEvent[i].run(sites)
		if err != nil {
			return nil, surface.ElementError("subEvent", i, err)
		}
		r.virtual, s.doc.SubEvent[i].Type = virtual, "SessionSeries"
		s.runs = append(s.runs, r)
	}
	return s, nil
}

// clockLayout is the format of a time of day in schedules.
const clockLayout = "15:04"

// run returns the place and the times of a session series.
func (e *sessionSeries) run(sites []place) (run, error) {
	var r run
	if e.Location != nil {
		if r.site = siteOf(sites, e.Location.ID); r.site == nil {
			return r, fieldError("location.id", "is not in eventPlaces")
		}
	}
	for i := range e.EventSchedule {
		if err := r.add(&e.EventSchedule[i]); err != nil {
			return r, surface.ElementError("eventSchedule", i, err)
		}
	}
	if len(r.weekly) == 0 {
		return r, fieldError("eventSchedule", "has no day, so no session can be derived from it")
	}
	return r, nil
}

// add adds the times of a schedule. All sessions of a run have the same length.
func (r *run) add(t *schedule) error {
	from, err1 := time.Parse(clockLayout, t.StartTime)
	to, err2 := time.Parse(clockLayout, t.EndTime)
	length := (to.Sub(from) + 24*time.Hour) % (24 * time.Hour) // a session may end after midnight
	switch {
	case err1 != nil || err2 != nil || length == 0:
		return fieldError("startTime and endTime", "must be two different times of day such as 18:00")
	case r.length != 0 && r.length != length:
		return fieldError("endTime", "gives a length other than that of the previous schedule")
	}
	r.length = length
	for _, name := range t.ByDay {
		day := slices.IndexFunc(weekdays(), func(d time.Weekday) bool { return dayName(d) == name })
		if day < 0 {
			return fieldError("byDay", "must be days such as schema:Tuesday")
		}
		r.weekly = append(r.weekly, weekly{time.Weekday(day), from.Hour()*60 + from.Minute()})
	}
	return nil
}

func weekdays() []time.Weekday {
	return []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
}
