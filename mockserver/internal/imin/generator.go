package imin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// series is an EventSeries without its sessions; doc.SubEvent[i] is runs[i].
type series struct {
	doc      eventSeries
	activity int
	runs     []run
	tags     []string
	golden   bool
}

const highFrequency = "HighFrequencySession"

// generator generates Lorem Fitsum records. Golden ones have every field; the
// others lack about half of the fields that OpenActive calls recommended or
// optional (page "Mocking the Interface").
type generator struct {
	*rand.Rand
	sites []place
}

// series generates the series number n, counted from 0, with a weekly timetable.
func (gen generator) series(n, activity int, golden bool) *series {
	s := &series{activity: activity, golden: golden}
	for range 1 + gen.IntN(2) {
		r := run{site: &gen.sites[gen.IntN(len(gen.sites))], length: time.Duration(30+15*gen.IntN(5)) * time.Minute}
		first := gen.IntN(7)
		for k := range 1 + gen.IntN(3) {
			r.weekly = append(r.weekly, weekly{time.Weekday((first + 2*k) % 7), 6*60 + 30 + 15*gen.IntN(56)})
		}
		s.runs = append(s.runs, r)
	}
	s.doc = gen.document(s, "loremfitsum-"+strconv.Itoa(1001+n))
	if !golden {
		gen.dropOptionalFields(&s.doc)
	}
	return s
}

// document generates a document with every field.
func (gen generator) document(s *series, identifier string) eventSeries {
	label := activities()[s.activity].label
	name := []string{"Evening", "Early", "Lorem", "Fitsum", "Gentle"}[gen.IntN(5)] + " " + label
	if s.golden {
		name = "GOLDEN: " + name
	}
	doc := eventSeries{
		Type: "EventSeries", Identifier: identifier, Name: name, Description: lorem(gen.Rand),
		Activity: []concept{activityConcept(s.activity)}, AgeRange: gen.ages(),
		GenderRestriction: []string{"oa:NoRestriction", "oa:NoRestriction", "oa:FemaleOnly", "oa:MaleOnly"}[gen.IntN(4)],
		IsCoached:         new(gen.IntN(2) == 0), IsFree: new(false),
		AttendanceMode: "schema:OfflineEventAttendanceMode", Level: gen.levels(),
		Programme: &brand{
			"Brand", "Lorem Fitsum Can", "https://loremfitsum.example/programme", lorem(gen.Rand), new(picture(gen.Rand)),
			"https://video.loremfitsum.example/watch?v=lorem",
		},
		EstimatedDuration: &quantity{Type: "QuantitativeValue", Value: new(s.runs[0].length.Minutes()), UnitCode: "MIN"},
		Image:             []image{newImage(gen.Rand), newImage(gen.Rand)}, Organizer: new(gen.person("Host")),
		DataSource: dataSource{"WebAPI", "loremfitsum"}, CustomProperty: lorem(gen.Rand),
	}
	if gen.IntN(2) == 0 {
		doc.Organizer = new(gen.organization())
	}
	adult := gen.price()
	junior := math.Round(adult*60) / 100
	doc.AggregateOffer = gen.aggregate(adult, junior)
	doc.IsFree = new(adult == 0)
	for i, r := range s.runs {
		doc.SubEvent = append(doc.SubEvent, gen.subEvent(identifier, i, r, adult, junior))
	}
	return doc
}

func (gen generator) subEvent(identifier string, i int, r run, adult, junior float64) sessionSeries {
	page := "https://loremfitsum.example/listings/" + identifier
	out := sessionSeries{
		Type: "SessionSeries", ID: fmt.Sprintf("series-%d", i+1), Identifier: identifier, URL: page,
		Category: []string{"Group Exercise Classes", "Toning & Strength"},
		Leader:   []party{gen.person("Captain")}, Contributor: []party{gen.person("Instructor")},
		Offers:               []offer{gen.offer("Adult", page, adult, 16, 60), gen.offer("Junior", page, junior, 0, 15)},
		EventSchedule:        schedules(r),
		AccessibilitySupport: accessibilitySupport()[:1+gen.IntN(2)], AccessibilityInformation: lorem(gen.Rand),
		AttendeeInstructions: lorem(gen.Rand), SchedulingNote: lorem(gen.Rand), MaximumAttendeeCapacity: 10 + gen.IntN(30),
		DateCreated: "2024-01-02T03:04:05Z", SpecialRequirement: specialRequirement(),
	}
	if r.site != nil {
		out.Location = &reference{Type: "Place", ID: r.site.ID}
	}
	return out
}

// schedules groups the weekly times of a run by time of day.
func schedules(r run) []schedule {
	var out []schedule
	for i, t := range r.weekly {
		if i > 0 && r.weekly[i-1].minute == t.minute {
			days := &out[len(out)-1].ByDay
			*days = append(*days, dayName(t.day))
			continue
		}
		start := time.Duration(t.minute) * time.Minute
		out = append(out, schedule{
			Type: "PartialSchedule", RepeatFrequency: "P1W", ByDay: []string{dayName(t.day)},
			StartTime: clockText(start), EndTime: clockText(start + r.length), StartDate: "2024-01-01", EndDate: "2099-12-31",
			Duration: duration(r.length), ScheduledEventType: "ScheduledSession", TimeZone: "UTC",
		})
	}
	return out
}

func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours())%24, int(d.Minutes())%60)
}

// duration formats a duration as ISO 8601, such as PT1H30M.
func duration(d time.Duration) string {
	out := "PT"
	if h := int(d.Hours()); h > 0 {
		out += strconv.Itoa(h) + "H"
	}
	if m := int(d.Minutes()) % 60; m > 0 {
		out += strconv.Itoa(m) + "M"
	}
	return out
}

func (gen generator) ages() *quantity {
	low := []int{0, 5, 14, 16, 18, 21}[gen.IntN(6)]
	q := &quantity{Type: "QuantitativeValue", MinValue: &low}
	if gen.IntN(2) == 0 {
		q.MaxValue = new(low + 8 + 10*gen.IntN(6))
	}
	return q
}

func (gen generator) levels() []level {
	names := []string{"Beginner", "Intermediate", "Advanced"}
	from := gen.IntN(3)
	names = names[from:min(from+2, 3)]
	out := make([]level, 0, len(names))
	for _, n := range names {
		out = append(out, level{"imin:" + n + "Level", n})
	}
	return out
}

func (gen generator) price() float64 { return float64(50*gen.IntN(30)) / 100 }

// aggregate returns the offers. The adult offer has a price or a range of prices.
func (gen generator) aggregate(adult, junior float64) *aggregateOffers {
	out := &aggregateOffers{
		Type:         "imin:AggregateOffer",
		PublicAdult:  &aggregateOffer{Type: "AggregateOffer", PriceCurrency: "GBP", MembershipRequired: new(gen.IntN(4) == 0)},
		PublicJunior: &aggregateOffer{Type: "AggregateOffer", Price: &junior, PriceCurrency: "GBP", MembershipRequired: new(false)},
	}
	if out.PublicAdult.Price = &adult; gen.IntN(3) == 0 {
		out.PublicAdult.Price, out.PublicAdult.LowPrice, out.PublicAdult.HighPrice = nil, &adult, new(adult+2.5)
	}
	return out
}

func (gen generator) offer(name, page string, price float64, youngest, oldest int) offer {
	return offer{
		Type: "Offer", Name: name, Price: price, PriceCurrency: "GBP", URL: page + "#booking-" + strings.ToLower(name),
		AgeRange:             &quantity{Type: "QuantitativeValue", MinValue: &youngest, MaxValue: &oldest},
		EligibleCustomerType: []string{"beta:Member"}, AcceptedPaymentMethod: []string{"gr:Cash", "gr:PaymentMethodCreditCard"},
		AvailableChannel: [][]string{{"beta:OnlinePrepayment", "beta:TelephonePrepayment"}, {"beta:OnSitePrepayment"}}[gen.IntN(2)],
	}
}

func (gen generator) person(job string) party {
	given := []string{"Audreanne", "Camila", "Amely", "Zion", "Efren"}[gen.IntN(5)]
	family := []string{"Lorem", "Ipsum", "Dolor", "Amet"}[gen.IntN(4)]
	n := 1000 + gen.IntN(9000)
	return party{
		Type: "Person", ID: fmt.Sprintf("https://loremfitsum.example/api/leaders/%d", n), Identifier: n,
		Name: given + " " + family, GivenName: given, FamilyName: family,
		Email: fmt.Sprintf("%s.%d@example.com", strings.ToLower(given), n), Telephone: phone(gen.Rand),
		URL: fmt.Sprintf("https://loremfitsum.example/profile/%d", n), JobTitle: job, Image: new(picture(gen.Rand)),
		Gender: []string{"schema:Female", "schema:Male"}[gen.IntN(2)],
	}
}

func (gen generator) organization() party {
	n := 1 + gen.IntN(5)
	name := fmt.Sprintf("Lorem Leisure %d", n)
	return party{
		Type: "Organization", ID: fmt.Sprintf("https://loremfitsum.example/api/sellers/%d", n), Identifier: n,
		Name: name, LegalName: name + " LTD", Email: fmt.Sprintf("seller%d@example.com", n), Telephone: phone(gen.Rand),
		URL: fmt.Sprintf("https://loremfitsum.example/sellers/%d", n),
	}
}

// dropOptionalFields removes about half of the fields that OpenActive does not
// require.
func (gen generator) dropOptionalFields(doc *eventSeries) {
	for _, drop := range []func(){
		func() { doc.Description = "" }, func() { doc.AgeRange = nil }, func() { doc.GenderRestriction = "" },
		func() { doc.IsCoached = nil }, func() { doc.Level = nil }, func() { doc.Programme = nil },
		func() { doc.EstimatedDuration = nil }, func() { doc.Image = nil }, func() { doc.CustomProperty = "" },
		func() { doc.AggregateOffer, doc.IsFree = nil, nil }, func() { doc.AttendanceMode = "" },
	} {
		if gen.IntN(2) == 0 {
			drop()
		}
	}
	for i := range doc.SubEvent {
		s := &doc.SubEvent[i]
		for _, drop := range []func(){
			func() { s.Category = nil }, func() { s.Leader = nil }, func() { s.Contributor = nil },
			func() { s.AccessibilitySupport = nil }, func() { s.AccessibilityInformation = "" },
			func() { s.AttendeeInstructions = "" }, func() { s.SchedulingNote = "" }, func() { s.MaximumAttendeeCapacity = 0 },
			func() { s.DateCreated = "" }, func() { s.SpecialRequirement = nil }, func() { s.URL = "" },
		} {
			if gen.IntN(2) == 0 {
				drop()
			}
		}
	}
}
