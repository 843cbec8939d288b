package imin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPagingIsDescribedByTheView(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	asked := "/events-api/v2/event-series?mode=discovery-geo&" + oxford + "&limit=20&page=2"
	doc := c.get(t, asked)
	total := int(dig[float64](doc, "imin:totalItems"))
	pages := (total + 19) / 20
	base := "https://search.imin.co/events-api/v2/event-series?mode=discovery-geo&geo%5Bradial%5D=51.7520131%2C-1.2578499%2C20&iminTag%5Bnot%5D=HighFrequencySession&limit=20&page="
	want := object{
		"id": base + "2", "type": "PartialCollectionView", "first": base + "1", "last": base + digits(pages),
		"imin:currentPage": 2.0, "imin:itemsPerPage": 20.0, "imin:totalPages": float64(pages), "urlTemplate": base + "{page}",
	}
	if diff := cmp.Diff(want, doc["view"]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if doc["id"] != "https://search.imin.co"+asked || doc["type"] != "imin:RestrictedCollection" || len(list(doc, "imin:item")) != 20 {
		t.Errorf("%v %v, %d items", doc["id"], doc["type"], len(list(doc, "imin:item")))
	}
	beyond := c.get(t, events+oxford+"&page=999")
	if _, there := beyond["imin:item"]; there {
		t.Error("an empty imin:item is not left out")
	}
	if got := len(list(c.get(t, events+oxford+"&limit=50"), "imin:item")); got != 50 {
		t.Errorf("limit=50 gives %d", got)
	}
}

func TestBadSearchesAreNamed(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for query, want := range map[string]string{
		"":                                     `geo[radial] is required unless isVirtual=true`,
		"isVirtual=false":                      `geo[radial] is required unless isVirtual=true`,
		"isVirtual=maybe":                      `isVirtual must be true or false`,
		"geo[radial]=1,2":                      `geo[radial] must be {latitude},{longitude},{radius}, not \"1,2\"`,
		"geo[radial]=91,2,3":                   `geo[radial] holds \"91\", which is out of range`,
		"geo[radial]=1,NaN,3":                  `geo[radial] holds \"NaN\", which is out of range`,
		"geo[radial]=1,2,-3":                   `geo[radial] holds \"-3\", which is out of range`,
		oxford + "&" + oxford:                  `geo[radial] may be given once only`,
		oxford + "&limit=51":                   `limit must be a number from 1 to 50`,
		oxford + "&limit=0":                    `limit must be a number from 1 to 50`,
		oxford + "&limit=":                     `limit must be a number from 1 to 50`,
		oxford + "&page=0":                     `page must be a number from 1 to 1048576`,
		oxford + "&mode=nearest":               `mode must be upcoming-sessions, discovery-geo, discovery-price-asc or discovery-price-desc, not \"nearest\"`,
		oxford + "&startDate[gte]=2030-01-02":  `startDate[gte] must be an ISO 8601 time such as 2030-01-02T18:00:00Z`,
		oxford + "&startTime[lte]=25:00":       `startTime[lte] must be HH:MM`,
		oxford + "&priceAdult[lte]=cheap":      `priceAdult[lte] must be a number`,
		oxford + "&ageRangeMin[gte]=NaN":       `ageRangeMin[gte] must be a number`,
		oxford + "&ageRange[includeRange]=9,3": `ageRange[includeRange] must be {min} or {min},{max}`,
		oxford + "&byDay=Tuesday":              `byDay must be a day such as schema:Tuesday, not \"Tuesday\"`,
		oxford + "&entitlementFilter=!":        `entitlementFilter is not a value of Get Seller Account`,
		oxford + "&sort=price":                 `unknown query parameter \"sort\"`,
		"%zz=1":                                `the query holds a broken percent-encoding`,
	} {
		for _, path := range []string{"/events-api/v2/event-series?", "/events-api/v2/places?"} {
			// net/url keeps a query with a broken percent-encoding as it is.
			status, body, _ := c.ask(t, path+query)
			if diff := cmp.Diff(`{"message":"`+want+`"}`, body); status != http.StatusBadRequest || diff != "" {
				t.Errorf("%s%s: %d, -want +got\n%s", path, query, status, diff)
			}
		}
	}
}

func TestALongURLIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	path := events + oxford + "&organizerId="
	fits := path + strings.Repeat("x", 2048-len("https://search.imin.co")-len(path))
	if status, body, _ := c.ask(t, fits); status != http.StatusOK {
		t.Errorf("2,048 characters: %d %s", status, body)
	}
	if status, _, _ := c.ask(t, fits+"x"); status != http.StatusRequestURITooLong {
		t.Errorf("2,049 characters: %d", status)
	}
}

func TestPlacesLeadToTheirEvents(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, filter := range []string{"", "&activityPrefLabel=Yoga", "&startDate[lte]=2030-01-04T00:00:00Z"} {
		places := c.whole(t, "/events-api/v2/places?"+oxford+filter)
		if len(places) < 3 {
			t.Fatalf("%q: %d places", filter, len(places))
		}
		last := 0.0
		for _, p := range places {
			km := dig[float64](p, "geo", "imin:distanceFromGeoQueryCenter", "value")
			if km < last {
				t.Errorf("%v is nearer than the one before", p["name"])
			}
			last = km
			there := c.get(t, dig[string](p, "imin:event", "id"))
			if got, want := there["imin:totalItems"], dig[float64](p, "imin:event", "imin:totalItems"); got != want {
				t.Errorf("%q %v: %v events, said %v", filter, p["name"], got, want)
			}
		}
	}
}

func TestFacetsIndexActivitiesAndCollections(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	doc := c.get(t, "/events-api/v2/facets")
	collections := list(dig[object](doc, "imin:index", "activityConceptCollection"), "imin:item")
	want := object{
		"type": "imin:ConceptCollection", "id": "https://data.emduk.org/collections/cardio.jsonld", "prefLabel": "Cardio",
		"definition":     "Group Exercise and Dance classes considered good for Cardio.",
		"beta:publisher": "EMD UK", "inScheme": "https://openactive.io/activity-list",
	}
	if diff := cmp.Diff(want, collections[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// Every activity of every record is in the index.
	known := make(map[string]bool)
	for _, a := range list(dig[object](doc, "imin:index", "activity"), "imin:item") {
		known[dig[string](a, "id")] = true
	}
	for _, item := range c.whole(t, events+oxford+"&mode=discovery-geo") {
		if id := dig[string](list(item, "activity")[0], "id"); !known[id] {
			t.Errorf("%s is not in the facets", id)
		}
	}
}
