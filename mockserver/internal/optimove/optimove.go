// Package optimove mocks Optimove's API: the documented functions of its groups
// general, model, actions, groups, customers, segments, integrations and
// transactionalmail, and the customer lists of version 2, over a deterministic
// set of customers and campaigns.
//
// Routes have the form /{group}/{Function}; Fold maps the vendor's other
// spellings to it.
package optimove

import (
	"net/http"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// TransactionalGroup is the limit group of SendTransactionalMail: 10 requests per
// second, separate from the general limit (page "Understanding API rate limits").
const TransactionalGroup = "SendTransactionalMail"

// function is one function of the API. A nil result of answer means status 200
// without a payload.
type function struct {
	method, path string
	need         surface.Need
	answer       func(*data, *request) any
}

// New builds the surface.
func New(env surface.Env) surface.Surface {
	d := newData(env)
	fs := functions()
	routes := make([]surface.Route, 0, 2*len(fs))
	for _, f := range fs {
		routes = append(routes,
			surface.Route{Pattern: f.method + " " + f.path, Need: f.need, Handle: func(w http.ResponseWriter, c *surface.Call) {
				serve(w, c, d, f.answer)
			}},
			// A public mock and a public client both show plain text for a
			// wrong method.
			surface.Route{Pattern: f.path, Need: surface.Need{Group: f.need.Group}, Handle: func(w http.ResponseWriter, c *surface.Call) {
				c.Explain("not_found", "the path takes "+f.method)
				w.Header().Set("Allow", f.method)
				text(w, http.StatusMethodNotAllowed, "Method Not Allowed")
			}})
	}
	return surface.Surface{Routes: routes, Data: d.data()}
}

// Fold returns a function that maps a path to the spelling of the routes. The
// vendor's samples write /current/{group}/{Function}, its reference pages
// /{Group}/{Function}, its change log /customers/upsertcustomer. The function
// returns an unknown path unchanged.
func Fold() func(string) string {
	known := make(map[string]string)
	for _, f := range functions() {
		known[strings.ToLower(f.path)] = f.path
	}
	return func(path string) string {
		if _, exact := known[path]; exact {
			return path
		}
		low := strings.ToLower(path)
		if canonical, ok := known[low]; ok {
			return canonical
		}
		if rest, ok := strings.CutPrefix(low, "/current/"); ok && !strings.HasPrefix(rest, "api/") {
			if canonical, ok := known["/"+rest]; ok {
				return canonical
			}
		}
		return path
	}
}

// functions returns all functions. Keys of access type Integrations may call the
// groups general, actions, groups and integrations (page "Roles & permissions");
// Admin and Transactional keys may call everything. An Integrations key can share
// customer attributes (page "Generating API Keys"), which only functions of other
// groups return: one that does may read them there.
func functions() []function {
	full := surface.Need{Access: []string{"Admin", "Transactional"}}
	sharing := full
	sharing.Shared = true
	return slices.Concat(sharedFunctions(surface.Need{}), attributeFunctions(sharing), fullFunctions(full))
}

// sharedFunctions returns the functions that every key may call.
func sharedFunctions(all surface.Need) []function {
	const get, post = http.MethodGet, http.MethodPost
	return []function{
		{get, "/general/GetLastDataUpdate", all, lastDataUpdate},
		{post, "/general/RegisterEventListener", all, registerListener},
		{post, "/general/UnregisterEventListener", all, unregisterListener},
		{get, "/general/GetRegisteredEventListeners", all, registeredListeners},

		{get, "/actions/GetAllActions", all, allActions},
		{get, "/actions/GetActionsByTargetGroup", all, actionsByTargetGroup},
		{get, "/actions/GetActionID", all, actionID},
		{get, "/actions/GetActionName", all, actionName},
		{get, "/actions/GetActionDetailsByTargetGroup", all, actionDetails},
		{get, "/actions/GetPromoCodes", all, promoCodes},
		{get, "/actions/GetPromoCodesByCampaign", all, promoCodesByCampaign},
		{get, "/actions/GetPromoCodesByTargetGroup", all, promoCodesByTargetGroup},
		{get, "/actions/GetExecutedCampaignDetails", all, executedCampaigns},
		{get, "/actions/GetCampaignDetails", all, campaignDetails},
		{get, "/actions/GetExecutionChannels", all, executionChannels},
		{get, "/actions/GetExecutedCampaignsByChannel", all, campaignsByChannel},
		{get, "/actions/GetExecutedCampaignChannelDetails", all, campaignChannelDetails},

		{get, "/groups/GetTargetGroupsByDate", all, targetGroupsByDate},
		{get, "/groups/GetTargetGroupID", all, targetGroupID},
		{get, "/groups/GetTargetGroupName", all, targetGroupName},
		{get, "/groups/GetTargetGroupDetails", all, targetGroupDetails},

		{get, "/integrations/GetChannelTemplates", all, channelTemplates},
		{post, "/integrations/AddChannelTemplates", all, addTemplates},
		{post, "/integrations/DeleteChannelTemplates", all, deleteTemplates},
		{post, "/integrations/AddChannelApps", all, addApps},
		{post, "/integrations/DeleteChannelApps", all, deleteApps},
		{get, "/integrations/GetPromotions", all, getPromotions},
		{post, "/integrations/AddPromotions", all, addPromotions},
		{post, "/integrations/DeletePromotions", all, deletePromotions},
		{post, "/integrations/UpdateCampaignMetrics", all, updateMetrics},
		{post, "/integrations/UpdateCampaignInteractions", all, updateInteractions},
	}
}

// attributeFunctions returns the functions that return customer attributes.
func attributeFunctions(sharing surface.Need) []function {
	const get = http.MethodGet
	return []function{
		{get, "/model/GetCustomerAttributeList", sharing, attributeList},
		{get, "/model/GetMicrosegmentChangers", sharing, microsegmentChangers},
		{get, "/customers/GetCustomerActionsByTargetGroup", sharing, customerActionsByTargetGroup},
		{get, "/customers/GetCustomerOneTimeActionsByCampaign", sharing, oneTimeByCampaign},
		{get, "/customers/GetCustomerOneTimeActionsByDate", sharing, oneTimeByDate},
		{get, "/customers/GetCustomersByAction", sharing, customersByAction},
		{get, "/customers/GetCustomerSendDetailsByChannel", sharing, sendDetailsByChannel},
		{get, "/customers/GetCustomerActionDetailsByDate", sharing, actionDetailsByDate},
		{get, "/customers/GetCustomerAttributeChangers", sharing, attributeChangers},
		{get, "/segments/GetCustomersByValueSegment", sharing, customersByValueSegment},
		{get, "/segments/GetValueSegmentChangers", sharing, valueSegmentChangers},
		{get, "/customers/GetCustomerExecutionDetailsByCampaign", sharing, executionDetails},
	}
}

// fullFunctions returns the functions that Integrations keys may not call.
func fullFunctions(full surface.Need) []function {
	mail := full
	mail.Group = TransactionalGroup
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	return []function{
		{get, "/model/GetLifecycleStageList", full, lifecycleStages},
		{get, "/model/GetMicrosegmentList", full, microsegments},

		{get, "/customers/GetCurrentlyTargetedCustomers", full, currentlyTargeted},
		{get, "/customers/GetCanceledCampaignCustomers", full, canceledCampaign},
		{get, "/customers/GetCustomerLastActionExecuted", full, lastActionExecuted},
		{get, "/customers/GetCustomersActionEndedByDate", full, actionEnded},
		{get, "/customers/GetCustomerSendDetailsByCampaign", full, sendDetailsByCampaign},
		{get, "/customers/GetCustomerFutureValues", full, futureValues},
		{post, "/customers/UpdateCustomerAttributes", full, updateAttributes},
		{put, "/customers/UpsertCustomer", full, upsertCustomer},
		{put, "/customers/InsertOrUpdateCustomers", full, insertOrUpdate},

		{get, "/segments/GetValueSegments", full, valueSegments},
		{get, "/segments/GetValueSegmentID", full, valueSegmentID},
		{get, "/segments/GetValueSegmentName", full, valueSegmentName},

		{get, "/transactionalmail/GetTemplateDetails", full, mailTemplates},
		{post, "/transactionalmail/SendTransactionalMail", mail, sendMail},
		{post, "/transactionalmail/SendFinalizedTransactionalMail", full, sendFinalizedMail},

		{post, "/api/v2/target-group/customer-list", full, createList},
	}
}
