package contract_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// TestEveryShapeOfASearchIsDescribed sends queries that the examples of the
// documents do not cover, over two weeks and three data sets.
func TestEveryShapeOfASearchIsDescribed(t *testing.T) {
	t.Parallel()
	const circle = "geo[radial]=51.7520131,-1.2578499,20&limit=50"
	paths := map[mockserver.Provider][]string{
		mockserver.Imin: {
			"/events-api/v2/event-series?mode=discovery-geo&" + circle, "/events-api/v2/event-series?mode=discovery-geo&page=2&" + circle,
			"/events-api/v2/event-series?mode=upcoming-sessions&" + circle, "/events-api/v2/event-series?page=99&" + circle,
			"/events-api/v2/event-series?mode=upcoming-sessions&iminTag=HighFrequencySession&" + circle,
			"/events-api/v2/event-series?isVirtual=true", "/events-api/v2/event-series?entitlementFilter=W10&" + circle,
			"/events-api/v2/event-series?geo[radial]=0,0,1&mode=discovery-price-asc", "/events-api/v2/places?" + circle,
			"/facilities-api/v2/facility-uses?mode=discovery-geo&" + circle,
			"/facilities-api/v2/facility-uses?mode=upcoming-slots&startDate[gte]=2027-01-20T10:00:00Z&" + circle,
			"/facilities-api/v2/facility-uses/loremfitsum-FacilityUse-2", "/facilities-api/v2/slots/loremfitsum-FacilityUse-1-1-2027-01-20T10:00:00",
			"/api/v1/places?limit=50", "/api/v1/places?" + circle, "/firehose/bookable-sellers/acme-test",
		},
		mockserver.MindKey: {
			"/odata/v2/Employee?$expand=position&$count=true", "/odata/v2/Employee?$expand=position($select=title)&$select=employeeId",
			"/odata/v2/EmployeeDependant?$expand=employee", "/odata/v2/EmployeeEquipment?$expand=*", "/odata/v2/EmployeeUserDefinedColumn?$expand=employee",
			"/odata/v2/PositionVersion?$expand=employee,position&$orderby=validTo", "/odata/v2/PositionVersion?$filter=weeklyHours%20lt%200",
			"/odata/v2/Employee/EMP010?$expand=position", "/odata/v2/Employee?$filter=nope%20eq%201", "/odata/v2/Employee/nobody",
		},
	}
	for p, all := range paths {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				w := newWorld(t, p, mockserver.WithSeed(seed), mockserver.WithoutRateLimits())
				for day := range 7 {
					w.srv.Clock().Freeze(epoch.Add(time.Duration(day) * 17 * time.Hour))
					for _, path := range all {
						send(t, w.rt, p, http.MethodGet, path, "", w.key.Apply)
						send(t, w.rt, p, http.MethodGet, path, "", w.key.Apply, func(r *http.Request) {
							r.Header.Set("Accept", "application/json; mindkey.raw=true")
						})
					}
				}
			}
		})
	}
}

// TestEveryRecordOfASearchIsDescribed requests each ID that a search returns.
func TestEveryRecordOfASearchIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.Imin)
	followed := 0
	for _, path := range []string{"/events-api/v2/event-series?mode=discovery-geo&", "/facilities-api/v2/facility-uses?mode=discovery-geo&"} {
		for _, page := range []string{"1", "2"} {
			got := send(t, w.rt, w.p, http.MethodGet, path+"geo[radial]=51.75,-1.25,50&limit=50&page="+page, "", w.key.Apply)
			var doc struct {
				Items []struct {
					ID string `json:"id"`
				} `json:"imin:item"`
			}
			if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
				t.Fatalf("%d %s: %v", got.status, got.body, err)
			}
			for _, item := range doc.Items {
				here, ok := strings.CutPrefix(item.ID, "http://imin.localhost")
				if answer := send(t, w.rt, w.p, http.MethodGet, here, "", w.key.Apply); !ok || answer.status != http.StatusOK {
					t.Errorf("%s leads to %d", item.ID, answer.status)
				}
				followed++
			}
		}
	}
	if followed < 60 {
		t.Errorf("only %d records", followed)
	}
}

// TestAPollOfTheLastPageIsDescribed polls the empty last page twice; the second
// poll is too early.
func TestAPollOfTheLastPageIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.Imin)
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		const last = "/firehose/datasets?afterTimestamp=9999999999&afterId=x"
		if got := send(t, w.rt, w.p, http.MethodGet, last, "", w.key.Apply); got.status != want {
			t.Errorf("%d %s, want %d", got.status, got.body, want)
		}
	}
}
