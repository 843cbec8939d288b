package mockserver

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/mindkey"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

// mindkeyVendor: a scheme of its own in Authorization, a life of 365 days and a
// last-used time that is five minutes coarse. The look of a key is assumed.
func mindkeyVendor() *vendor {
	return &vendor{
		provider:  MindKey,
		title:     "MindKey",
		host:      func(h string) bool { return h == "connector.mindkey.com" },
		carriers:  []carrier{{header: "Authorization", scheme: "ApiKey-v2"}},
		key:       mockkey.Base64URL("mindkey", 32),
		life:      365 * day,
		usedEvery: 5 * minute,
		scopes:    []string{"Employee", "EmployeeData", "Compensation", "TimeTracking", "Organization", "Leave", "Workingtime"},
		profile:   mindkeyProfile(),
		surface:   mindkey.New,
	}
}

// mindkeyProfile: 401 for any unusable key, 404 for a missing scope (page
// "Error handling"); the bodies of both are assumed, in the shape that the 400
// is documented in.
func mindkeyProfile() Profile {
	notFound := jsonAnswer(http.StatusNotFound, `{"Message":"Not Found"}`)
	return Profile{Answers: refusals(
		jsonAnswer(http.StatusUnauthorized, `{"Message":"Unauthorized"}`),
		notFound,
		jsonAnswer(http.StatusTooManyRequests, `{"Message":"Too Many Requests"}`),
		notFound)}
}

func mindkeyAssumptions() []Assumption {
	return []Assumption{
		{MindKey, "key shape", "43 characters of base64url", ""},
		{MindKey, "bodies of 401 and 404", `{"Message": …}, the shape of the documented 400`, byProfile},
		{MindKey, "/ping", `200, text "pong", any valid key`, ""},
		{MindKey, "rate limit", "none; 429 if one is set", byLimit},
		{MindKey, "scopes of a key issued without Scopes", "every documented scope", "Scopes"},
		{MindKey, "properties", "Employee has the documented ones; those of the other entities are made up, their key is the first", ""},
		{MindKey, "raw mode", "property names begin with a capital letter", ""},
		{MindKey, "query beyond the documented options", "400; no $search, $apply, $compute, arithmetic or collections; no $metadata", ""},
		{MindKey, "operators and functions", "eq ne gt ge lt le in and or not; contains startswith endswith tolower toupper trim length concat indexof substring year month day hour minute second date now", ""},
		{MindKey, "comparing strings", "case-sensitive, by code point", ""},
		{MindKey, "texts of a 400 besides the documented one", "worded as Microsoft's OData library words them", ""},
		{MindKey, "pages", "all rows unless $top is given; no @odata.nextLink", ""},
		{MindKey, "unknown key, the form Employee('EMP001')", `404 {"Message": "Not Found"}`, ""},
		{MindKey, "$expand", "needs no scope besides the entity's", ""},
	}
}
