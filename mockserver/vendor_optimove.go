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
		carriers: []carrier{{header: "X-Api-Key"}},
		key:      mockkey.Hex("optimove", 20),
		access:   Admin,
		limit:    Limit{Requests: 50, Per: 10 * time.Second, Kind: Sliding},
		groups:   map[string]Limit{optimove.TransactionalGroup: {Requests: 10, Per: time.Second, Kind: Sliding}},
		fold:     optimove.Fold,
		profile:  optimoveProfile(),
		surface:  optimove.New,
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
		{Optimove, "key shape", "40 hexadecimal digits", ""},
		{Optimove, "missing key", "401, plain text", byProfile},
		{Optimove, "bad key, access type refused", "403, plain text", byProfile},
		{Optimove, "groups closed to Integrations keys", "customers, model, segments, transactionalmail, customer lists", ""},
		{Optimove, "narrowed keys", "an attribute or channel that the key does not have answers 403; lists leave it out", "ShareAttributes, EnableChannels"},
		{Optimove, "spelling of paths", "with and without /current; group and function compared without case", ""},
		{Optimove, "bad parameter or body, batch too large, unknown member", "400, one sentence in plain text", ""},
		{Optimove, "wrong method", "405, plain text", ""},
		{Optimove, "an empty list", "200 []", "EmptyNotFound"},
		{Optimove, "a look-up without a result", `404 "Not Found", plain text`, ""},
		{Optimove, "attributes in lists", "array CustomerAttributes, as documented", "SingleAttribute"},
		{Optimove, "paging", "10,000 customers at most and by default", ""},
		{Optimove, "data", "three campaigns a day, remembered for 30 days; the newest data is yesterday's; campaign ID = day number × 10 + 1, 2 or 3", ""},
		{Optimove, "canceled campaign", "the third of the clock's day, at 08:00 UTC; its customers are available for two hours", ""},
		{Optimove, "answer of UpdateCustomerAttributes", "200 without payload; the callback is recorded, never sent", "Callbacks"},
		{Optimove, "path of the batch upsert", "PUT /customers/InsertOrUpdateCustomers, 202 without payload", ""},
		{Optimove, "bounds", "10,000 customers, promotions, templates and apps, 100 lists; beyond them 400", ""},
		{Optimove, "SendTransactionalMail", "10 in any second, sliding; an invalid template is reported in a 200", "LimitGroup"},
	}
}
