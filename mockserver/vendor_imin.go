package mockserver

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/imin"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

// iminVendor: the key is a header; its look, 32 characters of hex, is that of
// the vendor's Authentication page.
func iminVendor() *vendor {
	return &vendor{
		provider: Imin,
		title:    "imin",
		host: func(h string) bool {
			switch h {
			case "search.imin.co", "search-sandbox.imin.co", "places.imin.co", "firehose.imin.co":
				return true
			}
			return false
		},
		carriers: []carrier{{header: "X-Api-Key"}},
		key:      mockkey.Hex("imin", 16),
		profile:  iminProfile(),
		surface:  imin.New,
	}
}

// iminProfile: imin documents no error at all; everything here is assumed.
func iminProfile() Profile {
	missing := jsonAnswer(http.StatusUnauthorized, `{"message":"No API key found in request"}`)
	m := refusals(
		jsonAnswer(http.StatusUnauthorized, `{"message":"Invalid authentication credentials"}`),
		jsonAnswer(http.StatusForbidden, `{"message":"You cannot consume this service"}`),
		jsonAnswer(http.StatusTooManyRequests, `{"message":"API rate limit exceeded"}`),
		jsonAnswer(http.StatusNotFound, `{"message":"Not Found"}`))
	same(m, missing, MissingKey, WrongHeader, WrongScheme)
	return Profile{Answers: m}
}

func iminAssumptions() []Assumption {
	return []Assumption{
		assume(Imin, "bad or missing key", `401 {"message": …}`, byProfile),
		assume(Imin, "missing permission", `403 {"message": …}`, byProfile),
		assume(Imin, "rate limit", "none; 429 if one is set", byLimit),
		assume(Imin, "paging", "10 a page unless limit is given; limit above 50 answers 400", ""),
		assume(Imin, "bad or missing parameter", `400 {"message": …} naming the first fault; an unknown parameter is one`, ""),
		assume(Imin, "URL above 2,048 characters", `414 {"message": …}`, ""),
		assume(Imin, "unknown record", `404 {"message": "Not Found"}`, ""),
		assume(Imin, "mode left out", "upcoming-sessions", ""),
		assume(Imin, "geo[radial] and online sessions", "sessions without a place are found with isVirtual=true only, wherever the circle", ""),
		assume(Imin, "iminTag[not]=HighFrequencySession", "added unless iminTag or iminTag[not] is given", ""),
		assume(Imin, "records without a price", "last in both price modes; they pass no price filter", ""),
		assume(Imin, "ageRange[includeRange]={min}", "open upwards: the record must have no upper end", ""),
		assume(Imin, "entitlementFilter", "base64 of JSON; every price gets an entitlement of 80 %, indicative", ""),
		assume(Imin, "imin:totalItems", "exact, also where imin approximates", ""),
		assume(Imin, "urlTemplate", "the view's id with page={page}", ""),
		assume(Imin, "ids and links", "under the host that was asked; https for imin's own hosts", ""),
		assume(Imin, "hosts", "every path is served on every host", ""),
		assume(Imin, "what a search item leaves out", "offers, people, notes, ids and capacities of sessions, thumbnails, custom properties", ""),
		assume(Imin, "members round the two documented paths of /facets", "type imin:FacetIndex, type imin:RestrictedCollection", ""),
		assume(Imin, "data", "48 weekly series, one single event per day, one at 0,0; 12 facilities with hourly slots from 7 to 21; all times UTC", ""),
		assume(Imin, "fully booked slots", "found by ID only", ""),
		assume(Imin, "Slot and Place beyond the documented properties", "OpenActive's names; mcr:placeClassification and activity in the Places API", ""),
		assume(Imin, "Firehose paging", "3 items a page, afterTimestamp and afterId; an empty page keeps items [], as RPDE requires", ""),
		assume(Imin, "poll of a feed's last page inside 8 seconds", "429, for each key and feed; a refused poll has no effect", ""),
		assume(Imin, "brokers", "every name has a feed; names that end in -test have the test seller", ""),
		assume(Imin, "a price without operator", "equals the record's price or an end of its range; with gte and lte one price of the range is within both", ""),
		assume(Imin, "past sessions", "those that have started: they are no longer found, nor shown", ""),
		assume(Imin, "a query parameter without a value", "as one that is left out", ""),
	}
}
