package imin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const facilities = "/facilities-api/v2/facility-uses?"

// slots returns the Slots of a FacilityUse, with or without courts.
func slots(use object) []object {
	var out []object
	for _, e := range list(use, "event") {
		if e["type"] == "Slot" {
			out = append(out, e)
			continue
		}
		out = append(out, list(e, "event")...)
	}
	return out
}

func TestFacilitySearchHasMandatoryParameters(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for query, want := range map[string]string{
		"mode=discovery-geo":               `geo[radial] is required`,
		oxford:                             `mode is required: discovery-geo or upcoming-slots`,
		oxford + "&mode=upcoming-sessions": `mode is required: discovery-geo or upcoming-slots`,
		oxford + "&mode=upcoming-slots":    `startDate[gte] or startDate[lte] is required with mode=upcoming-slots`,
		oxford + "&mode=upcoming-slots&startDate[gte]=today":                                                    `startDate[gte] must be an ISO 8601 time such as 2030-01-02T18:00:00Z`,
		oxford + "&mode=discovery-geo&startDate[gte]=2030-01-03T00:00:00Z":                                      `startDate is not permitted with mode=discovery-geo`,
		oxford + "&mode=upcoming-slots&startDate[gte]=2030-01-03T23:00:00Z&startDate[lte]=2030-01-04T01:00:00Z": `startDate[gte] and startDate[lte] must lie on one calendar day`,
		oxford + "&mode=discovery-geo&limit=51":                                                                 `limit must be a number from 1 to 50`,
		oxford + "&mode=discovery-geo&isVirtual=true":                                                           `unknown query parameter \"isVirtual\"`,
	} {
		status, body, _ := c.ask(t, facilities+query)
		if diff := cmp.Diff(`{"message":"`+want+`"}`, body); status != http.StatusBadRequest || diff != "" {
			t.Errorf("%s: %d, -want +got\n%s", query, status, diff)
		}
	}
}

func TestDiscoveryGeoOfFacilitiesNeverReturnsSlots(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	items := c.whole(t, facilities+"mode=discovery-geo&"+oxford)
	last, golden := 0.0, 0
	for _, item := range items {
		if _, there := item["event"]; there {
			t.Errorf("%v has event", item["identifier"])
		}
		km := dig[float64](item, "location", "geo", "imin:distanceFromGeoQueryCenter", "value")
		if km < last {
			t.Errorf("%v is nearer than the one before", item["identifier"])
		}
		last = km
		if strings.HasPrefix(dig[string](item, "name"), "GOLDEN: ") {
			golden++
		}
	}
	if len(items) != 12 || golden != 6 {
		t.Errorf("%d facilities, %d golden", len(items), golden)
	}
	if got := c.whole(t, facilities+"mode=discovery-geo&activityPrefLabel=Tennis&"+oxford); len(got) != 3 {
		t.Errorf("tennis: %d", len(got))
	}
	provider := dig[string](items[0], "provider", "id")
	for _, item := range c.whole(t, facilities+"mode=discovery-geo&providerId="+provider+"&"+oxford) {
		if dig[string](item, "provider", "id") != provider {
			t.Errorf("%v is of another provider", item["identifier"])
		}
	}
}

func TestUpcomingSlotsAreOfOneDayInOrder(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2030, 1, day, hour, minute, 0, 0, time.UTC) }
	for query, window := range map[string][2]time.Time{
		"startDate[gte]=2030-01-03T09:00:00Z":                                     {at(3, 9, 0), at(3, 21, 0)},
		"startDate[lte]=2030-01-03T13:00:00Z":                                     {at(3, 7, 0), at(3, 12, 0)}, // up to 12:59:59, as documented
		"startDate[lte]=2030-01-03T13:30:00Z":                                     {at(3, 7, 0), at(3, 13, 0)},
		"startDate[gte]=2030-01-03T09:00:00Z&startDate[lte]=2030-01-03T11:00:00Z": {at(3, 9, 0), at(3, 10, 0)},
		"startDate[gte]=2030-01-02T00:00:00Z":                                     {noon, at(2, 21, 0)},          // slots that have begun are archived
		"startDate[gte]=2030-01-16T00:00:00Z":                                     {at(16, 7, 0), at(16, 11, 0)}, // the end of the lookahead
	} {
		var first, last, previous time.Time
		for _, item := range c.whole(t, facilities+"mode=upcoming-slots&"+query+"&"+oxford) {
			all := slots(item)
			earliest := moment(t, slices.MinFunc(all, func(a, b object) int { return moment(t, a).Compare(moment(t, b)) }))
			if earliest.Before(previous) {
				t.Errorf("%s: %s after %s", query, earliest, previous)
			}
			previous = earliest
			for _, s := range all {
				if m := moment(t, s); first.IsZero() || m.Before(first) {
					first = m
				}
				if m := moment(t, s); m.After(last) {
					last = m
				}
				if dig[float64](s, "remainingUses") < 1 {
					t.Errorf("%v is fully booked", s["id"])
				}
			}
		}
		if !first.Equal(window[0]) || !last.Equal(window[1]) {
			t.Errorf("%s: slots from %s to %s, want %v", query, first, last, window)
		}
	}
	if got := c.whole(t, facilities+"mode=upcoming-slots&startDate[gte]=3000-01-01T09:00:00Z&"+oxford); len(got) != 0 {
		t.Errorf("%d facilities beyond the lookahead", len(got))
	}
}

func TestAFacilityShowsSevenDaysInItsProvidersStructure(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for id, kind := range map[string]string{"loremfitsum-FacilityUse-1": "IndividualFacilityUse", "loremfitsum-FacilityUse-2": "Slot"} {
		doc := c.get(t, "/facilities-api/v2/facility-uses/"+id)
		for _, e := range list(doc, "event") {
			if e["type"] != kind {
				t.Errorf("%s has a %v", id, e["type"])
			}
		}
		all := slots(doc)
		for _, s := range all {
			if m := moment(t, s); m.Before(noon) || !m.Before(noon.AddDate(0, 0, 7)) {
				t.Errorf("%s has a slot at %s", id, m)
			}
		}
		if days := moment(t, all[len(all)-1]).Sub(moment(t, all[0])); days < 6*24*time.Hour {
			t.Errorf("%s: the slots cover %s", id, days)
		}
	}
}

func TestASlotIsFoundByItsID(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	bookable := 0
	for _, item := range c.whole(t, facilities+"mode=upcoming-slots&startDate[gte]=2030-01-03T19:00:00Z&"+oxford) {
		for _, s := range slots(item) {
			id := dig[string](s, "id")
			if !strings.HasSuffix(id, moment(t, s).Format("2006-01-02T15:04:05")) {
				t.Errorf("%s does not end in its start", id)
			}
			got := c.get(t, id)
			if use := dig[string](got, "facilityUse"); use != item["id"] {
				t.Errorf("%s is of %s", id, use)
			}
			delete(got, "@context")
			delete(got, "facilityUse")
			if diff := cmp.Diff(s, got); diff != "" {
				t.Errorf("%s: -search +by ID\n%s", id, diff)
			}
			if dig[string](s, "imin:checkoutUrlTemplate") != "" {
				bookable++
			}
		}
	}
	if bookable == 0 {
		t.Error("no slot can be booked")
	}
	const slot = "/facilities-api/v2/slots/loremfitsum-FacilityUse-2-2030-01-03T09:00:00"
	for clock, want := range map[time.Time]int{
		time.Date(2030, 1, 3, 9, 0, 0, 0, time.UTC):   http.StatusOK,
		time.Date(2030, 1, 3, 9, 0, 1, 0, time.UTC):   http.StatusNotFound,
		time.Date(2029, 12, 20, 8, 0, 0, 0, time.UTC): http.StatusNotFound,
	} {
		c.srv.Clock().Freeze(clock)
		if status, _, _ := c.ask(t, slot); status != want {
			t.Errorf("at %s: %d, want %d", clock, status, want)
		}
	}
}

func TestThePlacesAPIKnowsTheFacilitiesPlaces(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const places = "https://places.imin.co/api/v1/places?"
	all := c.whole(t, places)
	parks := c.whole(t, places+"placeClassification=mcr:Park")
	centres := c.whole(t, places+"placeClassification=mcr:LeisureCentre")
	if len(parks) == 0 || len(centres) == 0 || len(parks)+len(centres) != len(all) {
		t.Errorf("%d = %d + %d", len(all), len(parks), len(centres))
	}
	const tennis = "https%3A%2F%2Fopenactive.io%2Factivity-list%2300000000-0000-4000-8000-000000000001"
	byTable, bySample := c.whole(t, places+"activityId="+tennis), c.whole(t, places+"activity="+tennis)
	if diff := cmp.Diff(names(byTable), names(bySample)); diff != "" || len(byTable) == 0 || len(byTable) == len(all) {
		t.Errorf("%d with tennis\n%s", len(byTable), diff)
	}
	near := c.whole(t, places+"geo[radial]=51.7520131,-1.2578499,1")
	for _, p := range near {
		if dig[float64](p, "geo", "imin:distanceFromGeoQueryCenter", "value") > 1 {
			t.Errorf("%v is too far", p["name"])
		}
	}
	if len(near) == 0 || len(near) == len(all) {
		t.Errorf("%d within a kilometre", len(near))
	}
	for query, want := range map[string]string{
		"placeClassification=mcr:Pool": `placeClassification must be mcr:Park or mcr:LeisureCentre`,
		"mode=discovery-geo":           `unknown query parameter \"mode\"`,
	} {
		if status, body, _ := c.ask(t, places+query); status != http.StatusBadRequest || body != `{"message":"`+want+`"}` {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}
