package imin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imin"
)

// ids holds the IDs of existing records.
type ids struct{ event, facility, slot string }

func (w *world) ids(t *testing.T) ids {
	t.Helper()
	ctx := t.Context()
	event := firstOf(t, w.EventSeries.All(ctx, imin.EventQuery{Near: oxford(1), Mode: imin.DiscoveryGeo}))
	facility := firstOf(t, w.FacilityUses.All(ctx, imin.FacilityQuery{Near: oxford(20), Mode: imin.UpcomingSlots, StartDate: imin.TimeRange{From: noon}}))
	slot := ""
	for _, s := range facility.Slots() {
		slot = s.LookupID()
		break
	}
	w.sent()
	return ids{event.LookupID(), facility.LookupID(), slot}
}

// calls returns one of each typed call by operation.
func calls(w *world, of ids) map[string]func(context.Context) (any, error) {
	return map[string]func(context.Context) (any, error){
		"GET search.imin.co/events-api/v2/event-series": func(ctx context.Context) (any, error) {
			return w.EventSeries.List(ctx, imin.EventQuery{Near: oxford(5)})
		},
		"GET search.imin.co/events-api/v2/event-series/{id}": func(ctx context.Context) (any, error) {
			return w.EventSeries.Get(ctx, of.event)
		},
		"GET search.imin.co/events-api/v2/places": func(ctx context.Context) (any, error) {
			return w.EventPlaces.List(ctx, imin.EventQuery{Near: oxford(5)})
		},
		"GET search.imin.co/events-api/v2/facets": func(ctx context.Context) (any, error) {
			return w.Facets.Get(ctx)
		},
		"GET search.imin.co/facilities-api/v2/facility-uses": func(ctx context.Context) (any, error) {
			return w.FacilityUses.List(ctx, imin.FacilityQuery{Near: oxford(20), Mode: imin.NearestFacilities})
		},
		"GET search.imin.co/facilities-api/v2/facility-uses/{identifier}": func(ctx context.Context) (any, error) {
			return w.FacilityUses.Get(ctx, of.facility)
		},
		"GET search.imin.co/facilities-api/v2/slots/{slotId}": func(ctx context.Context) (any, error) {
			return w.Slots.Get(ctx, of.slot)
		},
		"GET places.imin.co/api/v1/places": func(ctx context.Context) (any, error) {
			return w.Places.List(ctx, imin.PlaceQuery{Near: oxford(20)})
		},
		"GET firehose.imin.co/firehose/datasets": func(ctx context.Context) (any, error) {
			return w.Firehose.Datasets().List(ctx, "")
		},
		"GET firehose.imin.co/firehose/bookable-sellers/{broker}": func(ctx context.Context) (any, error) {
			return w.Firehose.BookableSellers("lorem").List(ctx, "")
		},
	}
}

func TestClientAndOpenAPIDocumentHaveTheSameOperations(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.Imin), &doc); err != nil {
		t.Fatal(err)
	}
	var want []string
	for path, operations := range doc.Paths {
		for method := range operations {
			want = append(want, strings.ToUpper(method)+" "+path)
		}
	}
	w := newWorld(t)
	got := []string{}
	for operation, call := range calls(w, w.ids(t)) {
		if _, err := call(t.Context()); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		method, at, _ := strings.Cut(operation, " ")
		host, path, _ := strings.Cut(at, "/")
		got = append(got, method+" /"+path)
		parameter := regexp.MustCompile(`\\\{\w+\\\}`) // after QuoteMeta
		template := regexp.MustCompile("^/" + parameter.ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + "$")
		for _, r := range w.sent() {
			if r.Method != method || r.URL.Host != host || !template.MatchString(r.URL.Path) {
				t.Errorf("%s: %s %s%s went out", operation, r.Method, r.URL.Host, r.URL.Path)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-document +client):\n%s", diff)
	}
	if diff := cmp.Diff(w.srv.Operations(mockserver.Imin), got); diff != "" {
		t.Errorf("operations (-mock +client):\n%s", diff)
	}
}

// fullEvent is a query with every filter.
func fullEvent() imin.EventQuery {
	return imin.EventQuery{
		Mode: imin.DiscoveryGeo, Near: oxford(20), Virtual: new(false),
		StartDate: imin.TimeRange{From: noon, To: noon.AddDate(0, 0, 7)}, StartTime: imin.TimeOfDayRange{From: "06:00", To: "21:30"},
		Days:        []time.Weekday{time.Monday, time.Sunday},
		AgeRangeMin: new(0), AgeRangeMax: new(90), Admits: &imin.AgeSpan{Min: 18, Max: new(30)},
		ActivityIDs: []string{"https://openactive.io/activity-list#x"}, ActivityLabels: []string{"Yoga", "Tennis"},
		ActivityCollectionIDs: []string{"c"}, GenderRestrictions: []string{"oa:NoRestriction"}, Levels: []string{"imin:BeginnerLevel"},
		PriceAdult: imin.PriceRange{Exactly: "6.50", AtLeast: "0", AtMost: "10"},
		Tags:       []string{"a"}, WithoutTags: []string{"b"}, Entitlement: "W10=",
		ActivitySchemes: []string{"s"}, OrganizerIDs: []string{"o"}, OrganizerName: "Lorem", AccessibilitySupportIDs: []string{"a"},
		WheelchairAccessible: new(true), SpecialRequirementIDs: []string{"r"}, LeaderGenders: []string{"schema:Female"},
		Amenities: []string{"Showers"}, ChannelsAdult: []string{"c"}, ChannelsJunior: []string{"c"},
		MembershipRequiredAdult: new(false), MembershipRequiredJunior: new(true),
		Limit: 50, Page: 2,
	}
}

func fullFacility() imin.FacilityQuery {
	return imin.FacilityQuery{
		Mode: imin.UpcomingSlots, Near: oxford(20), StartDate: imin.TimeRange{From: noon, To: noon.Add(time.Hour)},
		ProviderIDs: []string{"p"}, ActivityIDs: []string{"a"}, ActivityLabels: []string{"Tennis"}, Limit: 1, Page: 1,
	}
}

func TestQueriesHaveEveryParameterOfTheOpenAPIDocument(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Ref  string `json:"$ref"`
				Name string `json:"name"`
			} `json:"parameters"`
		} `json:"paths"`
		Components struct {
			Parameters map[string]struct{ Name, In string } `json:"parameters"`
		} `json:"components"`
	}
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.Imin), &doc); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	for path, call := range map[string]func() error{
		"/events-api/v2/event-series":      func() error { _, err := w.EventSeries.List(t.Context(), fullEvent()); return err },
		"/events-api/v2/places":            func() error { _, err := w.EventPlaces.List(t.Context(), fullEvent()); return err },
		"/facilities-api/v2/facility-uses": func() error { _, err := w.FacilityUses.List(t.Context(), fullFacility()); return err },
		"/api/v1/places": func() error {
			_, err := w.Places.List(t.Context(), imin.PlaceQuery{
				Near: oxford(5), Classifications: []string{imin.Park, imin.LeisureCentre}, ActivityIDs: []string{"a"}, Limit: 5, Page: 1,
			})
			return err
		},
		"/firehose/datasets": func() error {
			_, err := w.Firehose.Datasets().List(t.Context(), "/firehose/datasets?afterTimestamp=1&afterId=a")
			return err
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: the mock refuses it: %v", path, err)
		}
		want := []string{}
		for _, p := range doc.Paths[path]["get"].Parameters {
			name := doc.Components.Parameters[p.Ref[strings.LastIndex(p.Ref, "/")+1:]].Name
			if name != "dayOfWeek" && name != "activity" { // alternative names of byDay and activityId
				want = append(want, name)
			}
		}
		got := []string{}
		for name := range w.sent()[0].URL.Query() {
			got = append(got, name)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-document +client):\n%s", path, diff)
		}
	}
}

func TestQueriesAreSentAsThePagesWriteThem(t *testing.T) {
	t.Parallel()
	london := time.FixedZone("BST", 3600)
	for _, tc := range []struct {
		name  string
		query imin.EventQuery
		want  string
	}{
		{"geo", imin.EventQuery{Near: &imin.Radial{Lat: 51.75, Lon: -1.25, Km: 0.5}}, "geo[radial]=51.75,-1.25,0.5"},
		{"a point at 0,0", imin.EventQuery{Near: &imin.Radial{}}, "geo[radial]=0,0,0"},
		{"online", imin.EventQuery{Virtual: new(true)}, "isVirtual=true"},
		{"times in UTC", imin.EventQuery{Virtual: new(true), StartDate: imin.TimeRange{From: time.Date(2030, 7, 1, 1, 0, 0, 0, london)}}, "isVirtual=true&startDate[gte]=2030-07-01T00:00:00Z"},
		{"ages", imin.EventQuery{Virtual: new(true), Admits: &imin.AgeSpan{Min: 16}}, "ageRange[includeRange]=16&isVirtual=true"},
		{"ages to", imin.EventQuery{Virtual: new(true), Admits: &imin.AgeSpan{Max: new(5)}}, "ageRange[includeRange]=0,5&isVirtual=true"},
		{"days", imin.EventQuery{Virtual: new(true), Days: []time.Weekday{2}}, "byDay=schema:Tuesday&isVirtual=true"},
		{"the default exclusion beside a tag", imin.EventQuery{Virtual: new(true), Tags: []string{"x"}}, "iminTag=x&iminTag[not]=HighFrequencySession&isVirtual=true"},
		{"the default exclusion beside another", imin.EventQuery{Virtual: new(true), WithoutTags: []string{"x"}}, "iminTag[not]=x&iminTag[not]=HighFrequencySession&isVirtual=true"},
		{"high-frequency sessions", imin.EventQuery{Virtual: new(true), Tags: []string{imin.HighFrequencySession}}, "iminTag=HighFrequencySession&isVirtual=true"},
		{"digits of a price", imin.EventQuery{Virtual: new(true), PriceAdult: imin.PriceRange{AtMost: "6.50"}}, "isVirtual=true&priceAdult[lte]=6.50"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if _, err := w.EventSeries.List(t.Context(), tc.query); err != nil {
				t.Fatal(err)
			}
			got, err := url.QueryUnescape(w.sent()[0].URL.RawQuery)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestWhatIminRulesOutIsRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld(t)
	event := func(change func(*imin.EventQuery)) func() error {
		return func() error {
			q := imin.EventQuery{Near: oxford(5)}
			change(&q)
			_, err := w.EventSeries.List(ctx, q)
			return err
		}
	}
	facility := func(mode imin.FacilityMode, from, to time.Time) func() error {
		return func() error {
			_, err := w.FacilityUses.List(ctx, imin.FacilityQuery{Near: oxford(5), Mode: mode, StartDate: imin.TimeRange{From: from, To: to}})
			return err
		}
	}
	none := time.Time{}
	for want, call := range map[string]func() error{
		"EventQuery.Near is required unless Virtual is true": event(func(q *imin.EventQuery) { q.Near = nil }),
		"EventQuery.Near has a Lat that is out of range":     event(func(q *imin.EventQuery) { q.Near = &imin.Radial{Lat: 91} }),
		"EventQuery.Near has a Km that is out of range":      event(func(q *imin.EventQuery) { q.Near = &imin.Radial{Km: -1} }),
		"EventQuery.Limit is 51: imin takes 1 to 50":         event(func(q *imin.EventQuery) { q.Limit = 51 }),
		"EventQuery.Page is -1":                              event(func(q *imin.EventQuery) { q.Page = -1 }),
		"EventQuery.StartDate ends before it begins": event(func(q *imin.EventQuery) {
			q.StartDate = imin.TimeRange{From: noon, To: noon.Add(-1)}
		}),
		"EventQuery.StartTime has a time that is not HH:MM":              event(func(q *imin.EventQuery) { q.StartTime.From = "6:00" }),
		"EventQuery.AgeRangeMin is negative":                             event(func(q *imin.EventQuery) { q.AgeRangeMin = new(-1) }),
		"EventQuery.Admits has a Max below its Min":                      event(func(q *imin.EventQuery) { q.Admits = &imin.AgeSpan{Min: 9, Max: new(8)} }),
		"EventQuery.PriceAdult.AtMost is not a decimal number":           event(func(q *imin.EventQuery) { q.PriceAdult.AtMost = "5 GBP" }),
		"EventQuery.Days contains an invalid day":                        event(func(q *imin.EventQuery) { q.Days = []time.Weekday{7} }),
		"EventQuery.Levels contains an empty string":                     event(func(q *imin.EventQuery) { q.Levels = []string{""} }),
		"characters; the maximum is 2048":                                event(func(q *imin.EventQuery) { q.OrganizerName = strings.Repeat("é", 400) }),
		"FacilityQuery.Mode is required":                                 facility("", none, none),
		"FacilityQuery.StartDate is not permitted with Mode discovery":   facility(imin.NearestFacilities, noon, none),
		"FacilityQuery.StartDate is required with Mode upcoming-slots":   facility(imin.UpcomingSlots, none, none),
		"FacilityQuery.StartDate must begin and end on one calendar day": facility(imin.UpcomingSlots, noon, noon.Add(12*time.Hour)),
		"FacilityQuery.StartDate ends before it begins":                  facility(imin.UpcomingSlots, noon, noon.Add(-time.Hour)),
		"FacilityQuery.Near is required": func() error {
			_, err := w.FacilityUses.List(ctx, imin.FacilityQuery{Mode: imin.NearestFacilities})
			return err
		},
		"PlaceQuery.Classifications contains an empty string": func() error {
			_, err := w.Places.List(ctx, imin.PlaceQuery{Classifications: []string{""}})
			return err
		},
		"the id is empty":         func() error { _, err := w.EventSeries.Get(ctx, ""); return err },
		"the identifier is empty": func() error { _, err := w.FacilityUses.Get(ctx, ""); return err },
		"the slot ID is empty":    func() error { _, err := w.Slots.Get(ctx, ""); return err },
		"the broker is empty":     func() error { _, err := w.Firehose.BookableSellers("").List(ctx, ""); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "imin: ") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if out := w.sent(); len(out) > 0 {
		t.Errorf("%d requests went out", len(out))
	}
}

func TestAnUnknownIDIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err1 := w.EventSeries.Get(t.Context(), "nobody")
	_, err2 := w.FacilityUses.Get(t.Context(), "nobody")
	_, err3 := w.Slots.Get(t.Context(), "nobody-2030-01-02T18:00:00")
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, keyfit.ErrNotFound) {
			t.Error(err)
		}
	}
}
