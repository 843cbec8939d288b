package imin

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// dataSet is the data set in force. A request sees one whole set.
type dataSet struct {
	mu      sync.Mutex // serialises changes
	current atomic.Pointer[fitsum]
}

// document is what the data set stores. Sessions and slots are not in it: they
// follow from eventSchedule, facilities, seed and clock.
type document struct {
	eventPlaces    []place
	eventSeries    []seriesData
	tasters        []seriesData // one-off series: one template a day, in turn
	facilityPlaces []place
	facilities     []facilityData
}

// seriesData is an EventSeries as By-ID writes it, without what is derived. A
// session series (subEvent) happens at eventSchedule, in the place that
// location names, and online too by eventAttendanceMode.
type seriesData struct {
	eventSeries
	Tags []string `json:"tags,omitempty"` // HighFrequencySession
}

// facilityData is a FacilityUse. With courts each has slots of its own.
type facilityData struct {
	Identifier  string     `json:"identifier"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Activity    []concept  `json:"activity"`
	Image       []image    `json:"image,omitempty"`
	Provider    *party     `json:"provider"`
	DataSource  dataSource `json:"imin:dataSource"`
	Place       string     `json:"place"` // id of a facilityPlace
	Courts      []string   `json:"courts,omitempty"`
	MaximumUses int        `json:"maximumUses"` // of a slot, at once
}

func (s *dataSet) data() surface.Data {
	return &surface.Tables[document]{
		Collections: []surface.Collection[document]{
			surface.Of("eventPlaces", func(d *document) *[]place { return &d.eventPlaces }),
			surface.Of("eventSeries", func(d *document) *[]seriesData { return &d.eventSeries }),
			surface.Of("tasters", func(d *document) *[]seriesData { return &d.tasters }),
			surface.Of("facilityPlaces", func(d *document) *[]place { return &d.facilityPlaces }),
			surface.Of("facilities", func(d *document) *[]facilityData { return &d.facilities }),
		},
		Show: func() document { return s.current.Load().show() },
		Change: func(edit func(*document) error) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			f := s.current.Load()
			d := f.show()
			if err := edit(&d); err != nil {
				return err
			}
			next, err := d.build(f.seed)
			if err != nil {
				return err
			}
			s.current.Store(next)
			return nil
		},
	}
}

// show writes the data set down. What the parts share is never modified.
func (f *fitsum) show() document {
	d := document{eventPlaces: slices.Clone(f.sites), facilityPlaces: slices.Clone(f.halls)}
	for _, s := range f.weekly {
		d.eventSeries = append(d.eventSeries, seriesData{s.doc, s.tags})
	}
	for _, s := range f.tasters {
		d.tasters = append(d.tasters, seriesData{s.doc, s.tags})
	}
	for _, fac := range f.facilities {
		d.facilities = append(d.facilities, facilityData{
			fac.doc.Identifier, fac.doc.Name, fac.doc.Description, fac.doc.Activity, fac.doc.Image, fac.doc.Provider,
			fac.doc.DataSource, fac.site.ID, fac.courts, fac.uses,
		})
	}
	return d
}

// build makes the data set of a document.
func (d *document) build(seed uint64) (*fitsum, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	f := &fitsum{seed: seed, sites: d.eventPlaces, halls: d.facilityPlaces}
	for _, places := range [][]place{f.sites, f.halls} {
		for i := range places {
			places[i].Type, places[i].Geo.Type = "Place", "GeoCoordinates"
		}
	}
	for i := range d.eventSeries {
		s, err := d.eventSeries[i].build(f.sites)
		if err != nil {
			return nil, surface.At("eventSeries", i, err)
		}
		f.weekly = append(f.weekly, s)
	}
	for i := range d.tasters {
		s, err := d.tasters[i].build(f.sites)
		if err != nil {
			return nil, surface.At("tasters", i, err)
		}
		f.tasters = append(f.tasters, s)
	}
	for i, in := range d.facilities {
		activity, err := activityIn(in.Activity)
		if err != nil {
			return nil, surface.At("facilities", i, err)
		}
		f.facilities = append(f.facilities, &facility{
			number: uint64(i), site: siteOf(f.halls, in.Place), activity: activity, courts: in.Courts, uses: in.MaximumUses, golden: golden(in.Name),
			doc: facilityUse{
				Type: "FacilityUse", Identifier: in.Identifier, Name: in.Name, Description: in.Description, Activity: in.Activity,
				Image: in.Image, Provider: in.Provider, DataSource: in.DataSource,
			},
		})
	}
	return f, nil
}

// golden reports whether a record is one of those with every field, which also
// sessions and slots have then.
func golden(name string) bool { return strings.HasPrefix(name, "GOLDEN: ") }

func siteOf(sites []place, id string) *place {
	i := slices.IndexFunc(sites, func(p place) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &sites[i]
}

// build makes the series with the runs that its schedules describe.
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
			return nil, surface.At("subEvent", i, err)
		}
		r.virtual, s.doc.SubEvent[i].Type = virtual, "SessionSeries"
		s.runs = append(s.runs, r)
	}
	return s, nil
}

// clockLayout is a time of day as schedules write it.
const clockLayout = "15:04"

// run reads where and when a session series happens.
func (e *sessionSeries) run(sites []place) (run, error) {
	var r run
	if e.Location != nil {
		if r.site = siteOf(sites, e.Location.ID); r.site == nil {
			return r, wrongMember("location.id", "is none of eventPlaces")
		}
	}
	for i := range e.EventSchedule {
		if err := r.add(&e.EventSchedule[i]); err != nil {
			return r, surface.At("eventSchedule", i, err)
		}
	}
	if len(r.weekly) == 0 {
		return r, wrongMember("eventSchedule", "has no day: when the sessions are follows from it")
	}
	return r, nil
}

// add adds the times of a schedule. All of a run last as long.
func (r *run) add(t *schedule) error {
	from, err1 := time.Parse(clockLayout, t.StartTime)
	to, err2 := time.Parse(clockLayout, t.EndTime)
	length := (to.Sub(from) + 24*time.Hour) % (24 * time.Hour) // also past midnight
	switch {
	case err1 != nil || err2 != nil || length == 0:
		return wrongMember("startTime and endTime", "are not two times of day such as 18:00")
	case r.length != 0 && r.length != length:
		return wrongMember("endTime", "makes it longer or shorter than the one before")
	}
	r.length = length
	for _, name := range t.ByDay {
		day := slices.IndexFunc(weekdays(), func(d time.Weekday) bool { return dayName(d) == name })
		if day < 0 {
			return wrongMember("byDay", "has what is no day such as schema:Tuesday")
		}
		r.weekly = append(r.weekly, weekly{time.Weekday(day), from.Hour()*60 + from.Minute()})
	}
	return nil
}

func weekdays() []time.Weekday {
	return []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
}
