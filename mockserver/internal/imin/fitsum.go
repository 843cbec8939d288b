package imin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fitsum is the whole Lorem Fitsum data set. It is made once and not changed;
// what is past and what is to come follows from the clock.
type fitsum struct {
	seed       uint64
	sites      []place   // of events; the last is Null Island
	weekly     []*series // that come back every week
	tasters    []*series // templates of one-off series, a day each in turn, see tasterOn
	halls      []place   // of facilities, not of events
	facilities []*facility
}

const (
	siteCount   = 12
	weeklyCount = 48 // even: every other one is golden
)

func newFitsum(seed uint64) *fitsum {
	r := rand.New(rand.NewPCG(seed, 0x696d696e)) //nolint:gosec // made-up data, repeatable on purpose
	f := &fitsum{seed: seed, sites: newSites(r, siteCount)}
	w := writer{r, f.sites}
	f.sites = append(f.sites, newSite(r, "Null Island", 0, 0))
	for n := range weeklyCount {
		f.weekly = append(f.weekly, w.write(n, r.IntN(10), n%2 == 0))
	}
	f.anchor(f.weekly[0])
	for _, s := range f.weekly[2:8] { // three golden, three not
		f.online(s)
	}
	for _, s := range f.weekly[8:12] {
		f.everyHalfHour(s, 10+len(s.doc.Identifier)%2)
	}
	f.weekly = append(f.weekly, f.nullIsland(w), w.write(weeklyCount, 1, false))
	for n := range 2 {
		f.tasters = append(f.tasters, w.write(weeklyCount+1+n, 9, n == 0))
	}
	f.halls = newSites(r, 8)
	for i := range f.halls {
		f.halls[i].Classification = leisureCentre
		if strings.HasSuffix(f.halls[i].Name, "Park") {
			f.halls[i].Classification = park
		}
	}
	f.facilities = newFacilities(w, f.halls)
	return f
}

// anchor makes the first record the same under every seed, so that an example
// can name it: yoga in the middle of Oxford, at 6.50, on four evenings.
func (f *fitsum) anchor(s *series) {
	s.activity = 1
	s.runs = []run{{site: &f.sites[0], length: time.Hour, weekly: []weekly{
		{time.Monday, 18 * 60}, {time.Wednesday, 18 * 60}, {time.Friday, 18 * 60}, {time.Sunday, 18 * 60},
	}}}
	s.doc.Name, s.doc.Activity = "GOLDEN: Evening Yoga", []concept{activityConcept(1)}
	s.doc.GenderRestriction, s.doc.IsFree = "oa:NoRestriction", new(false)
	s.doc.AgeRange = &quantity{Type: "QuantitativeValue", MinValue: new(16), MaxValue: new(90)}
	s.doc.Level = []level{{"imin:BeginnerLevel", "Beginner"}, {"imin:IntermediateLevel", "Intermediate"}}
	adult := s.doc.AggregateOffer.PublicAdult
	adult.Price, adult.LowPrice, adult.HighPrice, adult.MembershipRequired = new(6.5), nil, nil, new(false)
	f.reschedule(s)
	s.doc.SubEvent[0].Offers[0].Price = 6.5
}

// reschedule writes the runs into the document.
func (f *fitsum) reschedule(s *series) {
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

// online moves a series to the internet. A golden one keeps its place as well.
func (f *fitsum) online(s *series) {
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
	f.reschedule(s)
}

// everyHalfHour makes a high-frequency series: swimming or the gym.
func (f *fitsum) everyHalfHour(s *series, activity int) {
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
	f.reschedule(s)
}

// activityOf is the activity that the document names.
func activityOf(s *series) int {
	return slices.IndexFunc(activities(), func(a activity) bool { return a.label == s.doc.Activity[0].PrefLabel })
}

// nullIsland is the record of the newer dummy source refimpl, at 0,0 (page
// "imin Events API"); its id has the form that is in use since 2019.
func (f *fitsum) nullIsland(w writer) *series {
	s := w.write(0, 3, true)
	for i := range s.runs {
		s.runs[i].site = &f.sites[siteCount]
	}
	f.reschedule(s)
	s.doc.Identifier = "refimpl-EventSeries-" + fmt.Sprintf("%016x%016x%08x", mix(f.seed), mix(f.seed, 1), uint32(mix(f.seed, 2))) //nolint:gosec // cut on purpose
	for i := range s.doc.SubEvent {
		s.doc.SubEvent[i].Identifier = s.doc.Identifier
	}
	s.doc.DataSource.Identifier = "refimpl"
	return s
}

// tasterOn is the one-off series of a day. Its id ends in the Unix time of its
// only session, and it is gone once that has begun. Nil without templates.
func (f *fitsum) tasterOn(day time.Time) *series {
	start := day.Add(time.Duration(9*60+15*below(40, f.seed, day)) * time.Minute)
	if len(f.tasters) == 0 {
		return nil
	}
	s := *f.tasters[int(day.Unix()/86400)%len(f.tasters)]
	s.doc.Identifier = "loremfitsum-" + strconv.FormatInt(start.Unix(), 10)
	s.runs = []run{{site: s.runs[0].site, length: s.runs[0].length, once: start}}
	sub := s.doc.SubEvent[0]
	sub.Identifier, sub.EventSchedule = s.doc.Identifier, nil
	s.doc.SubEvent = []sessionSeries{sub}
	return &s
}

// now lists every series that may have sessions in the window.
func (f *fitsum) now(now time.Time) []*series {
	out := slices.Clone(f.weekly)
	for day := midnight(now); !day.After(now.Add(lookahead)); day = day.AddDate(0, 0, 1) {
		if s := f.tasterOn(day); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// byID finds a series, whether or not it has sessions left.
func (f *fitsum) byID(id string) *series {
	for _, s := range f.weekly {
		if s.doc.Identifier == id {
			return s
		}
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(id, "loremfitsum-"), 10, 64); err == nil && n > 0 && n < 1<<36 {
		if s := f.tasterOn(midnight(time.Unix(n, 0))); s != nil && s.doc.Identifier == id {
			return s
		}
	}
	return nil
}
