package mockserver

import (
	"net/http"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/optimove"
)

// optimoveVendor: access types, 50 requests in any 10 seconds, and a limit of
// its own for transactional mail. The look of a key is assumed.
func optimoveVendor() *vendor {
	return &vendor{
		provider: Optimove,
		title:    "Optimove",
		host: func(h string) bool {
			return strings.HasSuffix(h, ".optimove.net") &&
				(strings.HasPrefix(h, "api") || strings.HasPrefix(h, "sandbox-api"))
		},
		carriers:   []carrier{{header: "X-Api-Key"}},
		key:        mockkey.Hex("optimove", 20),
		access:     Admin,
		attributes: optimove.Attributes(),
		channels:   optimove.Channels(),
		limit:      Limit{Requests: 50, Per: 10 * time.Second, Kind: Sliding},
		groups:     map[string]Limit{optimove.TransactionalGroup: {Requests: 10, Per: time.Second, Kind: Sliding}},
		fold:       optimove.Fold,
		profile:    optimoveProfile(),
		surface:    optimove.New,
	}
}

// optimoveProfile: the 429 body is Optimove's (page "Understanding API rate
// limits"); statuses and texts of key refusals are assumed.
func optimoveProfile() Profile {
	text := func(status int, body string) Answer { return Answer{Status: status, Body: body} }
	m := refusals(
		text(http.StatusForbidden, "Invalid API Key"),
		text(http.StatusForbidden, "Insufficient permissions"),
		jsonAnswer(http.StatusTooManyRequests, `{"status": 429, "error": "Too Many Requests", "message": "You have exceeded the rate limit for this API group. Please retry later."}`),
		text(http.StatusNotFound, "Not Found"))
	same(m, text(http.StatusUnauthorized, "Missing API Key"), MissingKey, WrongHeader, WrongScheme)
	return Profile{Answers: m}
}

func optimoveAssumptions() []Assumption {
	return []Assumption{
		assume(Optimove, "key shape", "40 hexadecimal digits", ""),
		assume(Optimove, "missing key", "401, plain text", byProfile),
		assume(Optimove, "bad key, access type refused", "403, plain text", byProfile),
		assume(Optimove, "groups closed to Integrations keys", "customers, model, segments, transactionalmail, customer lists; a key that shares chosen attributes may call the functions that return them", ""),
		assume(Optimove, "narrowed keys", "an attribute or channel that the key does not have answers 403; lists leave it out", "ShareAttributes, EnableChannels"),
		assume(Optimove, "spelling of paths", "with and without /current; group and function compared without case", ""),
		assume(Optimove, "bad parameter or body, batch too large, unknown member", "400, one sentence in plain text", ""),
		assume(Optimove, "wrong method", "405, plain text", ""),
		assume(Optimove, "an empty list", "200 []", "EmptyNotFound"),
		assume(Optimove, "a look-up without a result", `404 "Not Found", plain text`, ""),
		assume(Optimove, "attributes in lists", "array CustomerAttributes, as documented", "SingleAttribute"),
		assume(Optimove, "paging", "10,000 customers at most and by default", ""),
		assume(Optimove, "data", "three campaigns a day, remembered for 30 days; the newest data is yesterday's; campaign ID = day number × 10 + 1, 2 or 3", ""),
		assume(Optimove, "canceled campaign", "the third of the clock's day, at 08:00 UTC; its customers are available for two hours", ""),
		assume(Optimove, "answer of UpdateCustomerAttributes", "200 without payload; the callback is recorded", "Callbacks"),
		assume(Optimove, "path of the batch upsert", "PUT /customers/InsertOrUpdateCustomers, 202 without payload", ""),
		assume(Optimove, "GetExecutedCampaignChannelDetails", "an array, as two public clients read it", ""),
		assume(Optimove, "GetCampaignDetails", "has Channels with Id and Name, which two public clients read", ""),
		assume(Optimove, "GetCustomerExecutionDetailsByCampaign", "the members that public clients read; no page was found", ""),
		assume(Optimove, "event listeners", "2 is called when a day's data has come, 13 for each campaign and channel of that day, at the first request after it", "Callbacks"),
		assume(Optimove, "disabled and deleted keys", "a disabled key is suspended, a deleted one revoked: 403", "Suspend, Revoke"),
		assume(Optimove, "bounds", "10,000 customers, promotions, templates and apps, 100 lists; beyond them 400", ""),
		assume(Optimove, "SendTransactionalMail", "10 in any second, sliding; an invalid template is reported in a 200", "LimitGroup"),
		assume(Optimove, "a query parameter without a value", "as one that is left out", ""),
	}
}
