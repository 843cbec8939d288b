package mockserver_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// probes read what a provider stores in every way that looks into it.
func probes(p mockserver.Provider) []string {
	switch p {
	case mockserver.IMKIT:
		return []string{"/admin/clients", "/admin/groups", "/rooms/hall", "/rooms/hall/messages/v3", "/blockStatus/room/hall", "/config", "/admin/stats"}
	case mockserver.MindKey:
		return []string{
			"/odata/v2/Employee?$expand=position&$orderby=email", "/odata/v2/PositionVersion?$expand=position,employee&$filter=weeklyHours%20gt%201",
			"/odata/v2/EmployeeEquipment?$expand=employee&$filter=issuedDate%20lt%20now()", "/odata/v2/EmployeeDependant", "/odata/v2/EmployeeUserDefinedColumn",
		}
	case mockserver.Imin:
		const search = "/events-api/v2/event-series?geo[radial]=51.75,-1.25,9000&"
		return []string{
			search + "mode=upcoming-sessions&priceAdult[gte]=1&membershipRequiredAdult=true&organizerId=x",
			search + "mode=discovery-price-asc&ageRangeMin[gte]=2&entitlementFilter=W10", search + "mode=discovery-geo&iminTag=HighFrequencySession",
			"/events-api/v2/event-series?isVirtual=true&availableChannelAdult=x", "/events-api/v2/event-series/a", "/events-api/v2/event-series/loremfitsum-1001", search + "mode=upcoming-sessions&leaderGender=x&specialRequirementId=y", search + "mode=upcoming-sessions&isWheelchairAccessible=true&accessibilitySupportId=y&membershipRequiredJunior=false&amenityFeatureType[valueTrue]=x&levelType=x&activityInScheme=x", "/events-api/v2/places?geo[radial]=51.75,-1.25,9000",
			"/facilities-api/v2/facility-uses?geo[radial]=51.75,-1.25,9000&mode=discovery-geo&providerId=x",
			"/facilities-api/v2/facility-uses?geo[radial]=51.75,-1.25,9000&mode=upcoming-slots&startDate[gte]=2027-01-02T00:00:00Z",
			"/facilities-api/v2/facility-uses/loremfitsum-FacilityUse-1", "/facilities-api/v2/slots/loremfitsum-FacilityUse-1-1-2027-01-02T10:00:00", "/api/v1/places?activity=x",
		}
	case mockserver.Optimove:
		return []string{
			"/segments/GetCustomersByValueSegment?ValueSegmentID=2&Date=2026-12-30&CustomerAttributes=Alias;Age", "/groups/GetTargetGroupDetails",
			"/customers/GetCurrentlyTargetedCustomers", "/integrations/GetPromotions", "/integrations/GetChannelTemplates?ChannelID=504",
			"/general/GetRegisteredEventListeners", "/customers/GetCustomerSendDetailsByCampaign?CampaignID=208181&IncludeTemplateIDs=true",
		}
	case mockserver.Iiniit:
	}
	return nil
}

// Whatever is put in: it is refused in one line and changes nothing, or it is
// what comes out and goes in again, and every read of the provider answers.
func FuzzSetData(f *testing.F) {
	if raceDetector {
		f.Skip("requests one after another hold no race, and each seed costs a mock")
	}
	srv := mockserver.New(f, mockserver.WithFrozenClock(epoch))
	chat(f, srv)
	for i, p := range mockserver.Providers() {
		all, err := srv.Collections(p)
		if err != nil {
			f.Fatal(err)
		}
		for k, c := range all {
			list, err := srv.Data(p, c.Name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(byte(i), byte(k), textOf(f, list[:min(1, len(list))]))
		}
	}
	imin, imkit := byte(slices.Index(mockserver.Providers(), mockserver.Imin)), byte(slices.Index(mockserver.Providers(), mockserver.IMKIT))
	f.Add(imin, byte(1), `[{"identifier":"a","name":"A","organizer":{},"imin:aggregateOffer":{"publicAdult":{"price":1}},"activity":[{"id":"https://openactive.io/activity-list#00000000-0000-4000-8000-000000000001"}],`+
		`"subEvent":[{"eventSchedule":[{"byDay":["schema:Tuesday"],"startTime":"23:30","endTime":"00:15"}]}]}]`)
	f.Add(imkit, byte(2), `[{"_id":"hall","members":["ann","team"],"unread":{"ann":7}}]`)
	f.Fuzz(func(t *testing.T, provider, collection byte, array string) {
		var in []json.RawMessage
		p := mockserver.Providers()[int(provider)%len(mockserver.Providers())]
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
		all, err := srv.Collections(p)
		if err != nil || len(all) == 0 || json.Unmarshal([]byte(array), &in) != nil {
			return
		}
		if p == mockserver.IMKIT {
			chat(t, srv)
		}
		name := all[int(collection)%len(all)].Name
		before := dataOf(t, srv, p)
		if err := srv.SetData(p, name, in); err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			if d := cmp.Diff(before, dataOf(t, srv, p)); d != "" {
				t.Errorf("refused, and something changed:\n%s", d)
			}
			return
		}
		after := dataOf(t, srv, p)
		for _, path := range probes(p) {
			// The answer is computed as for GET, but not read again for the journal.
			if got := asAdmin(t, srv, p, "HEAD", path, ""); got.status >= 500 {
				t.Errorf("%s: %d", path, got.status)
			}
		}
		again, err := srv.Data(p, name)
		if err == nil {
			err = srv.SetData(p, name, again)
		}
		if err != nil {
			t.Fatalf("what came out does not go in: %v", err)
		}
		if d := cmp.Diff(after, dataOf(t, srv, p)); d != "" {
			t.Errorf("what came out went in as something else:\n%s", d)
		}
	})
}
