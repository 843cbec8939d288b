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
		provider:     MindKey,
		title:        "MindKey",
		host:         func(h string) bool { return h == "connector.mindkey.com" },
		carriers:     []carrier{{header: "Authorization", scheme: "ApiKey-v2"}},
		key:          mockkey.Base64URL("mindkey", 32),
		life:         365 * day,
		usedEvery:    5 * minute,
		scopes:       []string{"Employee", "EmployeeData", "Compensation", "TimeTracking", "Organization", "Leave", "Workingtime"},
		closedScopes: true,
		profile:      mindkeyProfile(),
		surface:      mindkey.New,
		decorate:     mindkey.Decorate,
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
		assume(MindKey, "key shape", "43 characters of base64url", ""),
		assume(MindKey, "bodies of 401 and 404", `{"Message": …}, the shape of the documented 400`, byProfile),
		assume(MindKey, "/ping", `200, text "pong", any valid key`, ""),
		assume(MindKey, "rate limit", "none; 429 if one is set", byLimit),
		assume(MindKey, "scopes of a key issued without Scopes", "every documented scope", "Scopes"),
		assume(MindKey, "properties", "Employee has the documented ones; those of the other entities are made up, their key is the first", ""),
		assume(MindKey, "raw mode", "property names begin with a capital letter", ""),
		assume(MindKey, "query beyond the documented options", "400, see below; /$count, /$metadata, the service document and $format=json are played as OData has them", ""),
		assume(MindKey, "operators and functions", "eq ne gt ge lt le in and or not; contains startswith endswith tolower toupper trim length concat indexof substring year month day hour minute second date now", ""),
		assume(MindKey, "comparing strings", "case-sensitive, by code point", ""),
		assume(MindKey, "texts of a 400 besides the documented one", "worded as Microsoft's OData library words them", ""),
		assume(MindKey, "pages", "all rows unless $top is given; with Prefer: odata.maxpagesize, or a page size in the profile, pages with @odata.nextLink", "Profile.PageSize"),
		assume(MindKey, "OData-Version", "4.0 on every answer below /odata/", ""),
		assume(MindKey, "unknown key, the form Employee('EMP001')", `404 {"Message": "Not Found"}`, ""),
		assume(MindKey, "$expand", "needs no scope besides the entity's", ""),
	}
}
