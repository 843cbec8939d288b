package imin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// nearest returns the distance to the nearest place of an item.
func nearest(item object) float64 {
	km := -1.0
	for _, p := range list(item, "imin:locationSummary") {
		if d := dig[float64](p, "geo", "imin:distanceFromGeoQueryCenter", "value"); km < 0 || d < km {
			km = d
		}
	}
	return km
}

// adult returns the price by which the price modes sort.
func adult(item object) (price float64, ok bool) {
	offer := dig[object](item, "imin:aggregateOffer", "publicAdult")
	for _, name := range []string{"price", "lowPrice"} {
		if p, ok := offer[name].(float64); ok {
			return p, true
		}
	}
	return 0, false
}

func TestDiscoveryGeoIsNearestFirst(t *testing.T) {
	t.Parallel()
	items := newClient(t).whole(t, events+"mode=discovery-geo&"+oxford)
	for i := 1; i < len(items); i++ {
		if nearest(items[i-1]) > nearest(items[i]) {
			t.Fatalf("item %d is nearer than the one before", i)
		}
	}
	if len(items) < 51 || nearest(items[0]) != 0 || nearest(items[len(items)-1]) > 20 {
		t.Errorf("%d items from %v to %v km", len(items), nearest(items[0]), nearest(items[len(items)-1]))
	}
}

func TestPriceModesOrderByTheAdultsPrice(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for mode, wrong := range map[string]func(before, after float64) bool{
		"discovery-price-asc":  func(before, after float64) bool { return before > after },
		"discovery-price-desc": func(before, after float64) bool { return before < after },
	} {
		priced, hasUnpriced := 0, false
		var last float64
		for i, item := range c.whole(t, events+"mode="+mode+"&"+oxford) {
			price, ok := adult(item)
			switch {
			case !ok:
				hasUnpriced = true
				continue
			case hasUnpriced:
				t.Fatalf("%s: item %d has a price after one without", mode, i)
			case priced > 0 && wrong(last, price):
				t.Fatalf("%s: %v after %v", mode, price, last)
			}
			last, priced = price, priced+1
		}
		if priced < 20 || !hasUnpriced {
			t.Errorf("%s: the data does not distinguish the modes", mode)
		}
	}
}

func TestUpcomingSessionsIsOneItemASessionEarliestFirst(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	items := c.whole(t, events+"mode=upcoming-sessions&"+oxford)
	last := noon
	for _, item := range items {
		all := sessions(item)
		if len(all) != 1 {
			t.Fatalf("%s has %d sessions", item["id"], len(all))
		}
		start := moment(t, all[0])
		if start.Before(last) || start.After(noon.AddDate(0, 0, 14)) {
			t.Fatalf("%s after %s", start, last)
		}
		last = start
	}
	grouped := 0
	for _, item := range c.whole(t, events+"mode=discovery-geo&"+oxford) {
		grouped += len(sessions(item))
	}
	// Online-only sessions of a discovered series do not count: there are none
	// in this data set that also have a place outside the circle.
	if len(items) != grouped {
		t.Errorf("%d sessions one by one, %d grouped", len(items), grouped)
	}
}

func TestHighFrequencySessionsAreLeftOutUnlessAskedFor(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	isFrequent := func(item object) bool {
		name := dig[string](item, "name")
		return strings.Contains(name, "Swimming") || strings.Contains(name, "Gym Session")
	}
	for _, mode := range []string{"upcoming-sessions", "discovery-geo", "discovery-price-asc", "discovery-price-desc"} {
		if slices.ContainsFunc(c.whole(t, events+"mode="+mode+"&"+oxford), isFrequent) {
			t.Errorf("%s returns high-frequency sessions", mode)
		}
		asked := c.whole(t, events+"iminTag=HighFrequencySession&mode="+mode+"&"+oxford)
		if mode != "upcoming-sessions" {
			if len(asked) > 0 {
				t.Errorf("%s returns high-frequency sessions when asked", mode)
			}
			continue
		}
		if len(asked) < 1000 || slices.ContainsFunc(asked, func(o object) bool { return !isFrequent(o) }) {
			t.Errorf("%d high-frequency sessions, or others among them", len(asked))
		}
	}
	view := func(query string) string {
		return dig[string](c.get(t, events+oxford+query), "view", "id")
	}
	const added = "&iminTag%5Bnot%5D=HighFrequencySession&"
	if id := view(""); !strings.Contains(id, added) {
		t.Errorf("the default filter does not show in %s", id)
	}
	if id := view("&iminTag=HighFrequencySession"); strings.Contains(id, added) {
		t.Errorf("the default filter was added to %s", id)
	}
}

func TestEachFilterKeepsWhatItSays(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	all := c.whole(t, events+"mode=discovery-geo&"+oxford)
	age := func(o object, name string, otherwise float64) float64 {
		if v, ok := dig[object](o, "ageRange")[name].(float64); ok {
			return v
		}
		return otherwise
	}
	some := func(test func(time.Time) bool) func(object) bool {
		return func(o object) bool {
			return slices.ContainsFunc(sessions(o), func(s object) bool { return test(moment(t, s)) })
		}
	}
	label := func(labels ...string) func(object) bool {
		return func(o object) bool {
			return slices.Contains(labels, dig[string](list(o, "activity")[0], "prefLabel"))
		}
	}
	const yoga = "https%3A%2F%2Fopenactive.io%2Factivity-list%23bf1a5e00-cdcf-465d-8c5a-6f57040b7f7e"
	for query, keep := range map[string]func(object) bool{
		"activityPrefLabel=Yoga":                               label("Yoga", "Bikram Yoga"), // and its descendants
		"activityPrefLabel=Bikram Yoga":                        label("Bikram Yoga"),
		"activityId=" + yoga:                                   label("Yoga", "Bikram Yoga"),
		"activityPrefLabel=Tennis&activityPrefLabel=Badminton": label("Tennis", "Badminton"), // one of
		"activityConceptCollectionId=https%3A%2F%2Fdata.emduk.org%2Fcollections%2Fholistic.jsonld": label("Yoga", "Bikram Yoga"),
		"genderRestriction=oa:FemaleOnly": func(o object) bool { return o["genderRestriction"] == "oa:FemaleOnly" },
		"levelType=imin:Beginner": func(o object) bool {
			return slices.ContainsFunc(list(o, "imin:level"), func(l object) bool { return l["type"] == "imin:BeginnerLevel" })
		},
		"levelType=imin:AdvancedLevel": func(o object) bool {
			return slices.ContainsFunc(list(o, "imin:level"), func(l object) bool { return l["type"] == "imin:AdvancedLevel" })
		},
		"priceAdult[lte]=5":                   func(o object) bool { p, ok := adult(o); return ok && p <= 5 },
		"priceAdult=6.5":                      priceIs(6.5),
		"priceAdult[gte]=6.5&priceAdult=6.5":  priceIs(6.5),
		"ageRangeMin[gte]=16":                 func(o object) bool { return age(o, "minValue", 0) >= 16 },
		"ageRangeMax[lte]=40":                 func(o object) bool { return age(o, "maxValue", 999) <= 40 },
		"ageRange[includeRange]=18,25":        func(o object) bool { return age(o, "minValue", 0) <= 18 && age(o, "maxValue", 999) >= 25 },
		"ageRange[includeRange]=21":           func(o object) bool { return age(o, "minValue", 0) <= 21 && age(o, "maxValue", 999) == 999 },
		"byDay=schema:Tuesday":                some(func(s time.Time) bool { return s.Weekday() == time.Tuesday }),
		"dayOfWeek=schema:Friday":             some(func(s time.Time) bool { return s.Weekday() == time.Friday }),
		"startDate[gte]=2030-01-15T18:00:00Z": some(func(s time.Time) bool { return !s.Before(time.Date(2030, 1, 15, 18, 0, 0, 0, time.UTC)) }),
		"startDate[lte]=2030-01-03T10:00:00Z": some(func(s time.Time) bool { return !s.After(time.Date(2030, 1, 3, 10, 0, 0, 0, time.UTC)) }),
		"startTime[gte]=18:00&startTime[lte]=19:30": some(func(s time.Time) bool {
			clock := s.Format("15:04")
			return clock >= "18:00" && clock <= "19:30"
		}),
		// The conditions must hold for the same session.
		"startDate[gte]=2030-01-13T00:00:00Z&startTime[gte]=19:00&byDay=schema:Sunday": some(func(s time.Time) bool {
			return s.Weekday() == time.Sunday && s.Day() == 13 && s.Hour() >= 19
		}),
		// Different filters combine as AND.
		"genderRestriction=oa:NoRestriction&priceAdult[lte]=10&ageRangeMin[gte]=5": func(o object) bool {
			p, ok := adult(o)
			return ok && p <= 10 && age(o, "minValue", 0) >= 5 && o["genderRestriction"] == "oa:NoRestriction"
		},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			want := outline(slices.DeleteFunc(slices.Clone(all), func(o object) bool { return !keep(o) }))
			if len(want) == 0 || len(want) == len(all) {
				t.Fatalf("%d of %d: the data does not distinguish", len(want), len(all))
			}
			// A matching series has all its sessions, as without the filter.
			if diff := cmp.Diff(want, outline(c.whole(t, events+"mode=discovery-geo&"+oxford+"&"+query))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func priceIs(want float64) func(object) bool {
	return func(o object) bool {
		offer := dig[object](o, "imin:aggregateOffer", "publicAdult")
		if p, ok := offer["price"].(float64); ok {
			return p == want
		}
		low, isRange := offer["lowPrice"].(float64)
		return isRange && (low == want || want == dig[float64](offer, "highPrice"))
	}
}

// outline returns the identifiers of items with their numbers of sessions.
func outline(items []object) []string {
	out := names(items)
	for i, o := range items {
		out[i] += " " + digits(len(sessions(o)))
	}
	return out
}

// names returns the identifiers of items, in order.
func names(items []object) []string {
	var out []string
	for _, o := range items {
		out = append(out, dig[string](o, "identifier"))
	}
	return out
}

func TestVirtualSessionsNeedNoPlace(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	items := c.whole(t, events+"isVirtual=true&mode=discovery-geo")
	modes := make(map[string]int)
	for _, item := range items {
		modes[dig[string](item, "eventAttendanceMode")]++
		for _, s := range sessions(item) {
			if dig[string](s, "beta:virtualLocation", "url") == "" {
				t.Errorf("%s: a session without beta:virtualLocation", item["id"])
			}
		}
	}
	if modes["schema:OfflineEventAttendanceMode"] > 0 || modes["schema:MixedEventAttendanceMode"] == 0 || len(items) != 6 {
		t.Errorf("%d items, %v", len(items), modes)
	}
	for _, item := range c.whole(t, events+"isVirtual=false&mode=discovery-geo&"+oxford) {
		if item["eventAttendanceMode"] == "schema:OnlineEventAttendanceMode" {
			t.Errorf("%s is online only", item["id"])
		}
	}
}

func TestAnEntitlementShowsItsPrice(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const token = "WyJodHRwczovL2Etc2VsbGVyLmNvbSIsImIiLHRydWVd" // ["https://a-seller.com","b",true]
	for _, item := range c.whole(t, events+"mode=discovery-geo&"+oxford+"&entitlementFilter="+token) {
		price, ok := adult(item)
		offer := dig[object](item, "imin:aggregateOffer", "activeEntitlement")
		switch {
		case ok != (offer != nil):
			t.Errorf("%s: a price is there %v, an entitlement %v", item["id"], ok, offer)
		case ok && (dig[float64](offer, "price") > price || offer["imin:indicativePrice"] != true):
			t.Errorf("%s: %v against %v", item["id"], offer, price)
		}
	}
	if _, body, _ := c.ask(t, events+oxford); strings.Contains(body, "activeEntitlement") {
		t.Error("an entitlement without its filter")
	}
}

// An empty range finds nothing, whatever the price.
func TestAnEmptyRangeFindsNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, query := range []string{
		"priceAdult[gte]=5&priceAdult[lte]=4", "priceAdult=5&priceAdult[lte]=4", "priceAdult[gte]=1000",
		"ageRangeMin[gte]=40&ageRangeMax[lte]=30", "startTime[gte]=19:00&startTime[lte]=18:00",
		"startDate[gte]=2030-01-03T10:00:00Z&startDate[lte]=2030-01-02T10:00:00Z",
	} {
		if got := c.whole(t, events+"mode=discovery-geo&"+oxford+"&"+query); len(got) != 0 {
			t.Errorf("%s: %v", query, outline(got))
		}
	}
}
