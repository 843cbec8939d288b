package imin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// fields lists the fields of the vendor's By-ID samples and of OpenActive's
// session model, as dotted paths from an EventSeries.
const fields = `@context type id identifier name description activity activity.id activity.prefLabel activity.inScheme
ageRange ageRange.minValue genderRestriction isCoached isAccessibleForFree eventAttendanceMode imin:level imin:level.name
programme programme.name programme.url programme.description programme.logo programme.beta:video beta:estimatedDuration
image image.url image.thumbnail image.thumbnail.width image.thumbnail.height imin:aggregateOffer imin:aggregateOffer.publicAdult
imin:aggregateOffer.publicJunior imin:aggregateOffer.publicAdult.priceCurrency imin:aggregateOffer.publicAdult.imin:membershipRequired
organizer organizer.id organizer.name organizer.email organizer.telephone organizer.url organizer.identifier
imin:dataSource imin:dataSource.identifier imin:locationSummary imin:locationSummary.id imin:locationSummary.name
imin:locationSummary.description imin:locationSummary.url imin:locationSummary.telephone imin:locationSummary.identifier
imin:locationSummary.address imin:locationSummary.address.streetAddress imin:locationSummary.address.addressLocality
imin:locationSummary.address.addressRegion imin:locationSummary.address.postalCode imin:locationSummary.address.addressCountry
imin:locationSummary.address.imin:fullAddress imin:locationSummary.geo.latitude imin:locationSummary.geo.longitude
imin:locationSummary.amenityFeature imin:locationSummary.openingHoursSpecification imin:locationSummary.image
subEvent subEvent.type subEvent.id subEvent.identifier subEvent.url subEvent.location subEvent.category subEvent.leader
subEvent.leader.givenName subEvent.leader.familyName subEvent.leader.jobTitle subEvent.leader.gender subEvent.leader.image
subEvent.contributor subEvent.offers subEvent.offers.name subEvent.offers.price subEvent.offers.priceCurrency subEvent.offers.url
subEvent.offers.ageRange subEvent.offers.eligibleCustomerType subEvent.offers.acceptedPaymentMethod
subEvent.offers.beta:availableChannel subEvent.eventSchedule subEvent.eventSchedule.repeatFrequency subEvent.eventSchedule.byDay
subEvent.eventSchedule.startTime subEvent.eventSchedule.endTime subEvent.eventSchedule.startDate subEvent.eventSchedule.endDate
subEvent.eventSchedule.duration subEvent.eventSchedule.scheduledEventType subEvent.eventSchedule.beta:timeZone
subEvent.accessibilitySupport subEvent.accessibilityInformation subEvent.attendeeInstructions subEvent.schedulingNote
subEvent.maximumAttendeeCapacity subEvent.ext:dateCreated subEvent.emduk:specialRequirement subEvent.subEvent
subEvent.subEvent.type subEvent.subEvent.id subEvent.subEvent.identifier subEvent.subEvent.url subEvent.subEvent.startDate
subEvent.subEvent.endDate subEvent.subEvent.duration subEvent.subEvent.eventStatus subEvent.subEvent.maximumAttendeeCapacity
subEvent.subEvent.remainingAttendeeCapacity`

// paths collects the dotted paths of all members in v, merging array items.
func paths(v any, at string, into map[string]bool) {
	switch v := v.(type) {
	case object:
		for name, value := range v {
			p := strings.TrimPrefix(at+"."+name, ".")
			into[p] = true
			paths(value, p, into)
		}
	case []any:
		for _, item := range v {
			paths(item, at, into)
		}
	}
}

func TestAGoldenRecordHasEveryField(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, id := range []string{"loremfitsum-1001", "loremfitsum-1015", "loremfitsum-1047"} {
		doc := c.get(t, "/events-api/v2/event-series/"+id)
		if !strings.HasPrefix(dig[string](doc, "name"), "GOLDEN: ") {
			t.Fatalf("%s is %v", id, doc["name"])
		}
		got := make(map[string]bool)
		paths(doc, "", got)
		for field := range strings.FieldsSeq(fields) {
			if !got[field] {
				t.Errorf("%s has no %s", id, field)
			}
		}
	}
}

func TestHalfOfTheRecordsAreGoldenAndTheOthersDiffer(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	items := c.whole(t, events+"mode=discovery-geo&"+oxford)
	golden := 0
	shapes := make(map[string]bool)
	for _, item := range items {
		if strings.HasPrefix(dig[string](item, "name"), "GOLDEN: ") {
			golden++
			continue
		}
		got := make(map[string]bool)
		paths(item, "", got)
		var keys []string
		for k := range got {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		shapes[strings.Join(keys, " ")] = true
	}
	if golden*5 < len(items)*2 || golden*5 > len(items)*3 {
		t.Errorf("%d of %d are golden", golden, len(items))
	}
	if len(shapes) < 10 {
		t.Errorf("the random records have %d shapes only", len(shapes))
	}
}

func TestByIDUsesCompactLocationsAndASearchLeavesOut(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, item := range c.whole(t, events+"mode=discovery-geo&"+oxford) {
		id := dig[string](item, "id")
		doc := c.get(t, id)
		if doc["id"] != id {
			t.Fatalf("%s leads to %v", id, doc["id"])
		}
		known := make(map[string]bool)
		for _, p := range list(doc, "imin:locationSummary") {
			known[dig[string](p, "id")] = true
			if !strings.HasPrefix(dig[string](p, "id"), "#/imin:locationSummary/") {
				t.Errorf("%s: place %v", id, p["id"])
			}
		}
		for _, run := range list(doc, "subEvent") {
			if at := dig[string](run, "location", "id"); !known[at] {
				t.Errorf("%s: location %q is not in imin:locationSummary", id, at)
			}
		}
		got := make(map[string]bool)
		paths(item, "", got)
		for _, left := range []string{"@context", "loremfitsum:customProperty", "image.thumbnail", "subEvent.offers", "subEvent.leader", "subEvent.subEvent.id"} {
			if got[left] {
				t.Errorf("%s: the search returns %s", id, left)
			}
		}
	}
}

func TestThereIsARecordAtNullIsland(t *testing.T) {
	t.Parallel()
	items := newClient(t).whole(t, events+"mode=discovery-geo&geo[radial]=0,0,1")
	if len(items) != 1 || dig[string](items[0], "imin:dataSource", "identifier") != "refimpl" ||
		len(dig[string](items[0], "identifier")) != len("refimpl-EventSeries-")+40 {
		t.Errorf("%v", names(items))
	}
}

func TestNothingIsNullOrEmptyAnywhere(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, path := range append([]string{"/events-api/v2/event-series/loremfitsum-1001", "/events-api/v2/event-series/loremfitsum-1002"}, everything...) {
		_, body, _ := c.ask(t, path)
		var doc any
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatal(err)
		}
		if found := empty(doc, ""); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	}
}

// everything holds one valid request of each operation.
var everything = []string{
	events + oxford + "&limit=50&mode=discovery-geo", events + oxford + "&limit=50&mode=upcoming-sessions", events + oxford + "&page=99",
	"/events-api/v2/event-series/loremfitsum-1003", "/events-api/v2/places?" + oxford, "/events-api/v2/facets",
	"/facilities-api/v2/facility-uses?mode=discovery-geo&limit=50&" + oxford,
	"/facilities-api/v2/facility-uses?mode=upcoming-slots&startDate[gte]=2030-01-03T19:00:00Z&limit=50&" + oxford,
	"/facilities-api/v2/facility-uses/loremfitsum-FacilityUse-1", "/facilities-api/v2/facility-uses/loremfitsum-FacilityUse-2",
	"https://places.imin.co/api/v1/places?limit=50", "https://firehose.imin.co/firehose/datasets",
	"https://firehose.imin.co/firehose/bookable-sellers/acme", "https://firehose.imin.co/firehose/bookable-sellers/acme-test",
}

// empty returns the path of the first null or empty array in v.
func empty(v any, at string) string {
	switch v := v.(type) {
	case nil:
		return at + " is null"
	case object:
		for name, value := range v {
			if found := empty(value, at+"."+name); found != "" {
				return found
			}
		}
	case []any:
		if len(v) == 0 {
			return at + " is empty"
		}
		for _, item := range v {
			if found := empty(item, at+"[]"); found != "" {
				return found
			}
		}
	}
	return ""
}

func TestASessionIsArchivedOnceItHasBegun(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const yoga = "/events-api/v2/event-series/loremfitsum-1001"
	first := func() time.Time { return moment(t, sessions(c.get(t, yoga))[0]) }
	today := time.Date(2030, 1, 2, 18, 0, 0, 0, time.UTC) // a Wednesday
	for _, step := range []struct {
		clock, want time.Time
	}{
		{noon, today},
		{today, today},
		{today.Add(time.Second), today.AddDate(0, 0, 2)},
		{today.AddDate(3, 0, 0), today.AddDate(3, 0, 0)}, // 2 January 2033 is a Sunday
		{noon, today}, // the clock may go back
	} {
		c.srv.Clock().Freeze(step.clock)
		if got := first(); !got.Equal(step.want) {
			t.Errorf("at %s the first session is %s, want %s", step.clock, got, step.want)
		}
	}
}

func TestASeriesWithoutSessionsLeftIsGone(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var once object
	for _, item := range c.whole(t, events+"mode=discovery-geo&"+oxford) {
		if len(sessions(item)) == 1 && len(dig[string](item, "identifier")) == len("loremfitsum-1893607200") {
			once = item
			break
		}
	}
	if once == nil {
		t.Fatal("no one-off series")
	}
	path, start := "/events-api/v2/event-series/"+dig[string](once, "identifier"), moment(t, sessions(once)[0])
	for _, step := range []struct {
		clock time.Time
		want  int
	}{
		{start, http.StatusOK},
		{start.Add(time.Second), http.StatusNotFound},
		{start.AddDate(0, 0, -15), http.StatusNotFound},
		{start.AddDate(0, 0, -14), http.StatusOK},
	} {
		c.srv.Clock().Freeze(step.clock)
		if status, body, _ := c.ask(t, path); status != step.want {
			t.Errorf("at %s: %d %s, want %d", step.clock, status, body, step.want)
		}
	}
}

func TestUnknownRecordsAreNotFound(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, path := range []string{
		"/events-api/v2/event-series/loremfitsum-9", "/events-api/v2/event-series/loremfitsum-99999999999999999999", "/events-api/v2/event-series/x",
		"/facilities-api/v2/facility-uses/x", "/facilities-api/v2/slots/x", "/facilities-api/v2/slots/2030-01-03T09:00:00",
		"/facilities-api/v2/slots/loremfitsum-FacilityUse-2-2030-01-03T09:30:00", "/facilities-api/v2/slots/loremfitsum-FacilityUse-2-2030-13-03T09:00:00",
		"/events-api/v2/events-series", "/events-api/v1/event-series",
	} {
		if status, body, _ := c.ask(t, path); status != http.StatusNotFound || body != `{"message":"Not Found"}` {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestTheSeedAndTheClockDecideTheData(t *testing.T) {
	t.Parallel()
	ask := func(seed uint64, at time.Time) string {
		srv := mockserver.New(t, mockserver.WithSeed(seed), mockserver.WithFrozenClock(at))
		_, body, _ := client{srv, srv.Keys().Issue(mockserver.Imin)}.ask(t, events+"limit=50&mode=upcoming-sessions&"+oxford)
		return body
	}
	one := ask(1, noon)
	if diff := cmp.Diff(one, ask(1, noon)); diff != "" {
		t.Errorf("the same seed and clock: %s", diff)
	}
	if one == ask(2, noon) || one == ask(1, noon.AddDate(0, 0, 1)) {
		t.Error("another seed or clock changed nothing")
	}
}

// FuzzSearch checks that every operation answers any query with a known status
// and JSON.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		oxford, "isVirtual=true&mode=discovery-price-desc", oxford + "&ageRange[includeRange]=1,2&byDay=schema:Monday",
		oxford + "&startDate[gte]=2030-01-02T18:00:00Z&startTime[lte]=20:00", "mode=upcoming-slots&startDate[lte]=0001-01-01T00:00:00Z&" + oxford,
		"geo%5Bradial%5D=0,0,1e999&limit=-1", "afterTimestamp=-9223372036854775808&afterId=%00", oxford + "&entitlementFilter=W10=", "%", "&&=;",
	} {
		f.Add(seed)
	}
	c := newClient(f)
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, "#\x7f") || strings.ContainsFunc(query, func(r rune) bool { return r < ' ' }) {
			return // net/http does not send such a query
		}
		for _, path := range everything {
			path, _, _ = strings.Cut(path, "?")
			status, body, _ := c.ask(t, path+"?"+query)
			if status != http.StatusOK && status != http.StatusBadRequest && status != http.StatusRequestURITooLong && status != http.StatusTooManyRequests || !json.Valid([]byte(body)) {
				t.Errorf("%s?%s: %d %s", path, query, status, body)
			}
		}
	})
}
