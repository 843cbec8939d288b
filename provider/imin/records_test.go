package imin_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/provider/imin"
)

// sample is the record on the vendor's By-ID page, with each price in one place.
const sample = `{
	"type": "EventSeries", "id": "https://search.imin.co/events-api/v2/event-series/loremfitsum-1001", "identifier": 1001,
	"name": "GOLDEN: Evening Yoga", "isAccessibleForFree": false, "acme:colour": "green",
	"ageRange": {"type": "QuantitativeValue", "minValue": 16},
	"imin:aggregateOffer": {"type": "imin:AggregateOffer",
		"publicAdult": {"type": "AggregateOffer", "price": 6.50, "priceCurrency": "GBP", "imin:membershipRequired": false},
		"publicJunior": {"type": "AggregateOffer", "lowPrice": "3.90", "highPrice": 4, "priceCurrency": "GBP"}},
	"organizer": {"type": "Organization", "name": "Lorem", "identifier": "a7"},
	"imin:locationSummary": [
		{"type": "Place", "id": "#/imin:locationSummary/ab12", "name": "Test Hall",
			"geo": {"latitude": 0, "longitude": -1.2578499, "imin:distanceFromGeoQueryCenter": {"value": 0.4, "unitCode": "KMT"}}},
		{"type": "Place", "id": "#/imin:locationSummary/cd34", "name": "Other Hall"}],
	"subEvent": [
		{"type": "SessionSeries", "location": {"type": "Place", "id": "#/imin:locationSummary/cd34"}, "subEvent": [
			{"type": "ScheduledSession", "startDate": "2030-07-02T18:00+01:00", "endDate": "2030-07-02", "remainingAttendeeCapacity": 0}]},
		{"type": "SessionSeries", "location": {"type": "Place", "name": "Inline Hall"}},
		{"type": "SessionSeries", "location": {"type": "Place", "id": "#/imin:locationSummary/gone"}},
		{"type": "SessionSeries"}]
}`

func TestARecordIsTyped(t *testing.T) {
	t.Parallel()
	halls := imin.List[imin.Place]{
		{
			Type: "Place", ID: "#/imin:locationSummary/ab12", Name: "Test Hall",
			Geo: &imin.Coordinates{
				Latitude: new(0.0), Longitude: new(-1.2578499), Distance: &imin.Quantity{Value: "0.4", UnitCode: "KMT"},
			},
		},
		{Type: "Place", ID: "#/imin:locationSummary/cd34", Name: "Other Hall"},
	}
	gone := &imin.Place{Type: "Place", ID: "#/imin:locationSummary/gone"}
	inline := &imin.Place{Type: "Place", Name: "Inline Hall"}
	want := imin.EventSeries{
		Type: "EventSeries", ID: "https://search.imin.co/events-api/v2/event-series/loremfitsum-1001", Identifier: "1001",
		Name: "GOLDEN: Evening Yoga", IsAccessibleForFree: new(false), AgeRange: &imin.Quantity{Type: "QuantitativeValue", MinValue: "16"},
		AggregateOffer: &imin.AggregateOffers{
			Type:         "imin:AggregateOffer",
			PublicAdult:  &imin.AggregateOffer{Type: "AggregateOffer", Price: "6.50", PriceCurrency: "GBP", MembershipRequired: new(false)},
			PublicJunior: &imin.AggregateOffer{Type: "AggregateOffer", LowPrice: "3.90", HighPrice: "4", PriceCurrency: "GBP"},
		},
		Organizer:       &imin.Party{Type: "Organization", Name: "Lorem", Identifier: `"a7"`},
		LocationSummary: halls,
		Runs: imin.List[imin.SessionSeries]{
			{
				Type: "SessionSeries", Location: &imin.Place{Type: "Place", ID: "#/imin:locationSummary/cd34"}, Place: &halls[1],
				Sessions: imin.List[imin.ScheduledSession]{{
					Type: "ScheduledSession", StartDate: imin.Time{Time: time.Date(2030, 7, 2, 17, 0, 0, 0, time.UTC)},
					EndDate: imin.Time{Text: "2030-07-02"}, RemainingAttendeeCapacity: new(0),
				}},
			},
			{Type: "SessionSeries", Location: inline, Place: inline},
			{Type: "SessionSeries", Location: gone, Place: gone},
			{Type: "SessionSeries"},
		},
		Extra: map[string]json.RawMessage{"acme:colour": json.RawMessage(`"green"`)},
	}
	var got imin.EventSeries
	if err := json.Unmarshal([]byte(sample), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, offset := got.Runs[0].Sessions[0].StartDate.Zone(); offset != 3600 {
		t.Errorf("the zone is %d seconds", offset)
	}
	if got.LookupID() != "loremfitsum-1001" || got.Organizer.Identifier.String() != "a7" || got.Identifier.String() != "1001" {
		t.Errorf("%q %q %q", got.LookupID(), got.Organizer.Identifier, got.Identifier)
	}
	low, high := got.AggregateOffer.PublicJunior.Range()
	if low != "3.90" || high != "4" {
		t.Errorf("the range is %s to %s", low, high)
	}
	var again imin.EventSeries
	if err := json.Unmarshal(encode(t, got), &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("decoded again (-first +second):\n%s", diff)
	}
}

func TestEveryRunOfARecordHasItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	for event, err := range w.EventSeries.All(t.Context(), imin.EventQuery{Near: oxford(20), Mode: imin.DiscoveryGeo}) {
		if err != nil {
			t.Fatal(err)
		}
		full, err := w.EventSeries.Get(t.Context(), event.LookupID())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []imin.EventSeries{event, full} {
			for run, session := range e.Sessions() {
				if n++; run.Place == nil || run.Place.Name == "" || run.Place.Geo == nil || session.StartDate.Before(noon) {
					t.Fatalf("%s: place %+v, session of %s", e.Name, run.Place, session.StartDate)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("there are %d sessions", n)
	}
}

func TestSlotsOfBothStructures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := imin.FacilityQuery{Near: oxford(20), Mode: imin.UpcomingSlots, StartDate: imin.TimeRange{From: noon}}
	courts := map[bool]int{}
	for f, err := range w.FacilityUses.All(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		for court, slot := range f.Slots() {
			courts[court != nil]++
			if slot.LookupID() != slot.Identifier.String() || slot.RemainingUses == nil || slot.StartDate.Before(noon) {
				t.Errorf("%+v", slot)
			}
		}
	}
	if courts[true] == 0 || courts[false] == 0 {
		t.Errorf("slots of courts and of facilities: %v", courts)
	}
	q.Mode, q.StartDate = imin.NearestFacilities, imin.TimeRange{}
	for _, f := range collect(t, w.FacilityUses.All(t.Context(), q)) {
		if len(f.Events) > 0 {
			t.Errorf("%s has slots", f.Name)
		}
	}
}

func TestAnEventOfAnotherTypeIsKept(t *testing.T) {
	t.Parallel()
	const in = `{"event":[{"type":"Slot","remainingUses":0},{"type":"Lane","x":1},{"type":"IndividualFacilityUse","event":{"type":"Slot"}},7]}`
	var f imin.FacilityUse
	if err := json.Unmarshal([]byte(in), &f); err != nil {
		t.Fatal(err)
	}
	want := imin.List[imin.FacilityEvent]{
		{Slot: &imin.Slot{Type: "Slot", RemainingUses: new(0)}},
		{Other: json.RawMessage(`{"type":"Lane","x":1}`)},
		{Individual: &imin.IndividualFacilityUse{Type: "IndividualFacilityUse", Slots: imin.List[imin.Slot]{{Type: "Slot"}}}},
		{Other: json.RawMessage(`7`)},
	}
	if diff := cmp.Diff(want, f.Events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := string(encode(t, f)); got != in {
		t.Errorf("encoded as %s", got)
	}
}

// A single element without an array is written as it was read, and one in an array too.
func TestAListIsWrittenAsItWasRead(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"dayOfWeek":"schema:Tuesday"}`, `{"dayOfWeek":["schema:Tuesday"]}`, `{"dayOfWeek":["schema:Tuesday","schema:Friday"]}`,
	} {
		var hours imin.OpeningHours
		if err := json.Unmarshal([]byte(in), &hours); err != nil {
			t.Fatal(err)
		}
		copied := hours
		if got := string(encode(t, copied)); got != in {
			t.Errorf("%s is encoded as %s", in, got)
		}
		hours.DayOfWeek = append(hours.DayOfWeek, "schema:Sunday")
		if got := string(encode(t, hours)); !strings.Contains(got, `"schema:Sunday"]`) {
			t.Errorf("%s and another one are encoded as %s", in, got)
		}
		if got := string(encode(t, copied)); got != in {
			t.Errorf("the copy of %s has changed: %s", in, got)
		}
	}
	for want, l := range map[string]imin.List[string]{
		`["a"]`: {"a"}, `null`: nil, `[]`: {}, `["a","b"]`: append(imin.List[string]{"a"}, "b"), `["c"]`: append(imin.List[string](nil), "c"),
	} {
		if got := string(encode(t, l)); got != want {
			t.Errorf("encoded as %s, want %s", got, want)
		}
	}
	// Concepts, offers and other records that come alone.
	for _, in := range []string{`{"activity":{"id":"x"}}`, `{"activity":[{"id":"x"}]}`, `{"@context":"https://a.example/"}`} {
		var series imin.EventSeries
		if err := json.Unmarshal([]byte(in), &series); err != nil {
			t.Fatal(err)
		}
		if got := string(encode(t, series)); got != in {
			t.Errorf("%s is encoded as %s", in, got)
		}
	}
}

func TestFacetsAndEntitlement(t *testing.T) {
	t.Parallel()
	ctx := context.WithoutCancel(t.Context())
	w := newWorld(t)
	facets, err := w.Facets.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, c := range facets.Index.ActivityConceptCollection.Items {
		if c.PrefLabel == "Holistic" {
			id = c.ID
		}
	}
	q := imin.EventQuery{Near: oxford(20), Mode: imin.DiscoveryGeo, ActivityCollectionIDs: []string{id}, Entitlement: "W10="}
	events := collect(t, w.EventSeries.Search(ctx, q))
	labels := unique(mapped(events, func(e imin.EventSeries) string { return e.Activity[0].PrefLabel }))
	slices.Sort(labels)
	if diff := cmp.Diff([]string{"Bikram Yoga", "Yoga"}, labels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o := events[0].AggregateOffer; o == nil || o.ActiveEntitlement == nil || o.ActiveEntitlement.IndicativePrice == nil {
		t.Errorf("no price of the entitlement: %+v", o)
	}
	if n := len(facets.Index.Activity.Items); n < 10 {
		t.Errorf("%d activities", n)
	}
}

func TestAListIsWrittenAsItWasReadOrMade(t *testing.T) {
	t.Parallel()
	read := func(text string) imin.List[string] {
		var l imin.List[string]
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	for name, test := range map[string]struct {
		list imin.List[string]
		want string
	}{
		"one":                 {read(`"a"`), `"a"`},
		"one, as an array":    {read(`["a"]`), `["a"]`},
		"two, cut":            {read(`["a","b"]`)[:1], `["a"]`},
		"two, one deleted":    {slices.Delete(read(`["a","b"]`), 1, 2), `["a"]`},
		"a week, cut":         {read(`["a","b","c","d","e","f","g","h"]`)[:1], `["a"]`},
		"one, and another":    {append(read(`"a"`), "b"), `["a","b"]`},
		"made":                {imin.List[string]{"a"}, `["a"]`},
		"appended to nothing": {append(imin.List[string](nil), "a"), `["a"]`},
		"with room":           {append(make(imin.List[string], 0, 2), "a"), `["a"]`},
	} {
		if got, err := json.Marshal(test.list); err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, test.want)
		}
	}
}
