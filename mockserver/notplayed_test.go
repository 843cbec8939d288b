package mockserver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// named lists the operations that the vendors' pages and reference menus name.
func named() map[mockserver.Provider]string {
	return map[mockserver.Provider]string{
		mockserver.Imin: `GET /events-api/v2/event-series
GET /events-api/v2/event-series/{id}
GET /events-api/v2/places
GET /events-api/v2/facets
GET /events-api/v2/spec.yaml
GET /facilities-api/v2/facility-uses
GET /facilities-api/v2/facility-uses/{identifier}
GET /facilities-api/v2/slots/{slotId}
GET /api/v1/places
GET /firehose/datasets
GET /firehose/bookable-sellers/{broker}`,
		mockserver.MindKey: `GET /ping
GET /odata/v2/Employee
GET /odata/v2/Employee/{key}
GET /odata/v2/EmployeeDependant
GET /odata/v2/EmployeeEquipment
GET /odata/v2/EmployeeUserDefinedColumn
GET /odata/v2/PositionVersion
GET /odata/v1`,
		mockserver.IMKIT: `POST /admin/clients
POST /admin/clients/list
GET /admin/clients
GET /me
PUT /admin/clients/{id}/token
DELETE /admin/clients/{id}/token
POST /admin/clients/{uid}/mute/{room}
DELETE /admin/clients/{uid}/mute/{room}
POST /admin/groups
GET /admin/groups
GET /admin/connection-count
GET /admin/stats
POST /rooms/
GET /rooms
GET /rooms/{id}
PUT /rooms/{id}
DELETE /rooms/{id}
POST /rooms/{id}/members
POST /rooms/{id}/delete/members
PUT /rooms/{id}/member/{client}
POST /me/mute/{room}
DELETE /me/mute/{room}
POST /messages
POST /messages/batch
GET /rooms/{id}/messages/v3
POST /rooms/{id}/message
DELETE /rooms/{id}/messages/{message}
POST /messages/{id}/pin
DELETE /messages/{id}/pin
POST /search
GET /me/badge
POST /badges/byRoomTags
POST /blockStatus/room/{room}/{user}
DELETE /blockStatus/room/{room}/{user}
GET /blockStatus/room/{room}
POST /blockStatus/my/{user}
DELETE /blockStatus/my/{user}
GET /blockStatus/my
GET /config
POST /config
DELETE /config/{key}
POST /push/push2clients`,
		mockserver.Optimove: `GetLastDataUpdate RegisterEventListener UnregisterEventListener GetRegisteredEventListeners
GetCustomerAttributeList GetLifecycleStageList GetMicrosegmentList GetMicrosegmentChangers
GetAllActions GetActionsByTargetGroup GetActionID GetActionName GetActionDetailsByTargetGroup GetPromoCodes
GetPromoCodesByCampaign GetPromoCodesByTargetGroup GetExecutedCampaignDetails GetCampaignDetails GetExecutionChannels
GetExecutedCampaignsByChannel GetExecutedCampaignChannelDetails
GetTargetGroupsByDate GetTargetGroupID GetTargetGroupName GetTargetGroupDetails
GetCurrentlyTargetedCustomers GetCanceledCampaignCustomers GetProcessedCampaignCustomers GetCustomerLastActionExecuted
GetCustomerActionsByTargetGroup GetCustomerOneTimeActionsByCampaign GetCustomerOneTimeActionsByDate GetCustomersByAction
GetCustomersActionEndedByDate GetCustomerSendDetailsByCampaign GetCustomerSendDetailsByChannel
GetCustomerExecutionDetailsByCampaign GetCustomerChannelInteractions GetCustomerActionDetailsByDate
GetCustomerFutureValues GetCustomerAttributes UpdateCustomerAttributes AddCustomerAttribute GetCustomerAttributeChangers
UpsertCustomer InsertOrUpdateCustomers RemoveCustomerPII
GetValueSegments GetValueSegmentID GetValueSegmentName GetCustomersByValueSegment GetValueSegmentChangers
GetChannelTemplates AddChannelTemplates DeleteChannelTemplates AddChannelApps DeleteChannelApps GetPromotions AddPromotions
DeletePromotions UpdateCampaignMetrics UpdateCampaignInteractions SendTransactionalMail customer-list`,
		mockserver.Iiniit: `GET /auth/login
POST /oauth2/authorize
GET /resource`,
	}
}

// What a vendor's pages name is played, or is in its list of what is not.
func TestWhatThePagesNameIsPlayedOrListed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for p, text := range named() {
		operations, left := srv.Operations(p), notPlayed(p)
		names := strings.Split(text, "\n")
		if p == mockserver.Optimove { // its pages name functions
			names = strings.Fields(text)
		}
		for _, name := range names {
			played := slices.ContainsFunc(operations, func(op string) bool { return op == name || strings.HasSuffix(op, "/"+name) })
			if listed := strings.Contains(left, strings.TrimPrefix(name, "GET ")); played == listed {
				t.Errorf("%s: %s: played %t, listed as not played %t", p, name, played, listed)
			}
		}
	}
}

// notPlayed is the text of what the mock of p does not have.
func notPlayed(p mockserver.Provider) string {
	var b strings.Builder
	for _, a := range mockserver.Assumptions() {
		if a.Provider == p && a.NotPlayed {
			b.WriteString(a.Topic + ": " + a.Choice + "\n")
		}
	}
	return b.String()
}

// The table names every choice that it once left out.
func TestTheAssumptionsNameWhatWasUnsaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		provider mockserver.Provider
		words    string
	}{
		{mockserver.MindKey, "Entra"},
		{mockserver.MindKey, "/odata/v1"},
		{mockserver.MindKey, "Compensation"},
		{mockserver.MindKey, "TimeTracking"},
		{mockserver.MindKey, "Leave and Workingtime"},
		{mockserver.MindKey, "$count"},
		{mockserver.MindKey, "arithmetic"},
		{mockserver.Imin, "spec.yaml"},
		{mockserver.Imin, "resync"},
		{mockserver.Imin, "one price of the range"},
		{mockserver.Imin, "have started"},
		{mockserver.IMKIT, "limit above 100"},
		{mockserver.IMKIT, "webhook"},
		{mockserver.IMKIT, "Bearer"},
		{mockserver.IMKIT, "Postman"},
		{mockserver.Optimove, "GetCustomerChannelInteractions"},
		{mockserver.Optimove, "listener"},
		{mockserver.Optimove, "disabled"},
		{mockserver.Iiniit, "JWT"},
		{"", "INVALID_BODY"},
		{"", "preflight"},
	} {
		found := slices.ContainsFunc(mockserver.Assumptions(), func(a mockserver.Assumption) bool {
			return a.Provider == c.provider && strings.Contains(a.Topic+" "+a.Choice, c.words)
		})
		if !found {
			t.Errorf("%q: nothing about %q", c.provider, c.words)
		}
	}
}
