package imin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dataset is the whole Lorem Fitsum data set. It is immutable; the clock decides
// which sessions and slots are past.
type dataset struct {
	seed       uint64
	sites      []place   // event places; the last is Null Island
	weekly     []*series // series with a weekly timetable
	tasters    []*series // templates of one-off series, used on alternating days, see tasterOn
	halls      []place   // facility places
	facilities []*facility
}

const (
	siteCount   = 12
	weeklyCount = 48 // even, because every second one is golden
)

func newDataset(seed uint64) *dataset {
	r := rand.New(rand.NewPCG(seed, 0x696d696e)) //nolint:gosec // generated data, repeatable on purpose
	ds := &dataset{seed: seed, sites: newSites(r, siteCount)}
	gen := generator{r, ds.sites}
	ds.sites = append(ds.sites, newSite(r, "Null Island", 0, 0))
	for n := range weeklyCount {
		ds.weekly = append(ds.weekly, gen.series(n, r.IntN(10), n%2 == 0))
	}
	ds.fixFirstRecord(ds.weekly[0])
	for _, s := range ds.weekly[2:8] { // three golden, three not
		ds.makeOnline(s)
	}
	for _, s := range ds.weekly[8:12] {
		ds.makeHighFrequency(s, 10+len(s.doc.Identifier)%2)
	}
	ds.weekly = append(ds.weekly, ds.nullIsland(gen), gen.series(weeklyCount, 1, false))
	for n := range 2 {
		ds.tasters = append(ds.tasters, gen.series(weeklyCount+1+n, 9, n == 0))
	}
	ds.halls = newSites(r, 8)
	for i := range ds.halls {
		ds.halls[i].Classification = leisureCentre
		if strings.HasSuffix(ds.halls[i].Name, "Park") {
			ds.halls[i].Classification = park
		}
	}
	ds.facilities = newFacilities(gen, ds.halls)
	return ds
}

// fixFirstRecord makes the first record independent of the seed, so that an
// example can name it: yoga in the centre of Oxford, at 6.50, on four evenings.
func (ds *dataset) fixFirstRecord(s *series) {
	s.activity = 1
	s.runs = []run{{site: &ds.sites[0], length: time.Hour, weekly: []weekly{
		{time.Monday, 18 * 60}, {time.Wednesday, 18 * 60}, {time.Friday, 18 * 60}, {time.Sunday, 18 * 60},
	}}}
	s.doc.Name, s.doc.Activity = "GOLDEN: Evening Yoga", []concept{activityConcept(1)}
	s.doc.GenderRestriction, s.doc.IsFree = "oa:NoRestriction", new(false)
	s.doc.AgeRange = &quantity{Type: "QuantitativeValue", MinValue: new(16), MaxValue: new(90)}
	s.doc.Level = []level{{"imin:BeginnerLevel", "Beginner"}, {"imin:IntermediateLevel", "Intermediate"}}
	adult := s.doc.AggregateOffer.PublicAdult
	adult.Price, adult.LowPrice, adult.HighPrice, adult.MembershipRequired = new(6.5), nil, nil, new(false)
	ds.updateSchedules(s)
	s.doc.SubEvent[0].Offers[0].Price = 6.5
}

// updateSchedules writes the runs of a series into its document.
func (ds *dataset) updateSchedules(s *series) {
	s.doc.SubEvent = s.doc.SubEvent[:len(s.runs)]
	if d := s.doc.EstimatedDuration; d != nil {
		d.Value = new(s.runs[0].length.Minutes())
	}
	for i, r := range s.runs {
		sub := &s.doc.SubEvent[i]
		sub.EventSchedule, sub.Location = schedules(r), nil
		if r.site != nil {
			sub.Location = &reference{Type: "Place", ID: r.site.ID}
		}
	}
}

// makeOnline turns a series into an online one. A golden series also keeps its
// place.
func (ds *dataset) makeOnline(s *series) {
	s.doc.AttendanceMode = "schema:OnlineEventAttendanceMode"
	if s.golden {
		s.doc.AttendanceMode = "schema:MixedEventAttendanceMode"
	}
	for i := range s.runs {
		s.runs[i].virtual = true
		if !s.golden {
			s.runs[i].site = nil
		}
	}
	ds.updateSchedules(s)
}

// makeHighFrequency turns a series into a high-frequency one with a session
// every half hour.
func (ds *dataset) makeHighFrequency(s *series, activity int) {
	s.activity, s.tags = activity, []string{highFrequency}
	s.doc.Name = strings.Replace(s.doc.Name, activities()[activityOf(s)].label, activities()[activity].label, 1)
	s.doc.Activity = []concept{activityConcept(activity)}
	all := run{site: s.runs[0].site, length: 30 * time.Minute}
	for minute := 6 * 60; minute < 21*60; minute += 30 {
		for day := range 7 {
			all.weekly = append(all.weekly, weekly{time.Weekday(day), minute})
		}
	}
	s.runs = []run{all}
	ds.updateSchedules(s)
}

// activityOf returns the index of the activity in the document of a series.
func activityOf(s *series) int {
	return slices.IndexFunc(activities(), func(a activity) bool { return a.label == s.doc.Activity[0].PrefLabel })
}

// nullIsland returns the record of the newer test source refimpl, at 0,0 (page
// "imin Events API"). Its ID has the form in use since 2019.
func (ds *dataset) nullIsland(gen generator) *series {
	s := gen.series(0, 3, true)
	for i := range s.runs {
		s.runs[i].site = &ds.sites[siteCount]
	}
	ds.updateSchedules(s)
	s.doc.Identifier = "refimpl-EventSeries-" + fmt.Sprintf("%016x%016x%08x", hash64(ds.seed), hash64(ds.seed, 1), uint32(hash64(ds.seed, 2))) //nolint:gosec // truncated on purpose
	for i := range s.doc.SubEvent {
		s.doc.SubEvent[i].Identifier = s.doc.Identifier
	}
	s.doc.DataSource.Identifier = "refimpl"
	return s
}

// tasterOn returns the one-off series of a day, or nil if there are no templates.
// Its ID ends in the Unix time of its only session; the series is archived once
// the session has begun.
func (ds *dataset) tasterOn(day time.Time) *series {
	start := day.Add(time.Duration(9*60+15*repeatableInt(40, ds.seed, day)) * time.Minute)
	if len(ds.tasters) == 0 {
		return nil
	}
	s := *ds.tasters[int(day.Unix()/86400)%len(ds.tasters)]
	s.doc.Identifier = "loremfitsum-" + strconv.FormatInt(start.Unix(), 10)
	s.runs = []run{{site: s.runs[0].site, length: s.runs[0].length, once: start}}
	sub := s.doc.SubEvent[0]
	sub.Identifier, sub.EventSchedule = s.doc.Identifier, nil
	s.doc.SubEvent = []sessionSeries{sub}
	return &s
}

// activeSeries returns every series that may have sessions within the lookahead.
func (ds *dataset) activeSeries(now time.Time) []*series {
	out := slices.Clone(ds.weekly)
	for day := midnight(now); !day.After(now.Add(lookahead)); day = day.AddDate(0, 0, 1) {
		if s := ds.tasterOn(day); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// byID returns the series with an ID, or nil. The series may have no sessions left.
func (ds *dataset) byID(id string) *series {
	for _, s := range ds.weekly {
		if s.doc.Identifier == id {
			return s
		}
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(id, "loremfitsum-"), 10, 64); err == nil && n > 0 && n < 1<<36 {
		if s := ds.tasterOn(midnight(time.Unix(n, 0))); s != nil && s.doc.Identifier == id {
			return s
		}
	}
	return nil
}
