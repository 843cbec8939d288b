package mockserver

import "slices"

// Assumption is one choice of the mock where the vendor documents nothing, or
// contradicts itself. Change says how to choose otherwise.
type Assumption struct {
	Provider Provider `json:"provider"`
	Topic    string   `json:"topic"`
	Choice   string   `json:"choice"`
	Change   string   `json:"change,omitempty"` // how to choose otherwise; empty when fixed
	// NotPlayed marks what the vendor's pages name and the mock does not have.
	NotPlayed bool `json:"notPlayed,omitempty"`
}

// Assumptions lists everything that the mock assumes, by vendor. What is not
// listed follows the vendors' public pages.
//
//	imin      every error {"message"}: 400, 401, 403, 404, 414, 429; no limit; default page of 10; what no sample shows of records and feeds
//	MindKey   key shape 43 characters; bodies of 401 and 404 {"Message"}; /ping answers "pong"; no limit; properties besides the documented ones
//	IMKIT     statuses 401, 401, 429, 403 of the four documented bodies; where pages differ, each operation follows its own; fixed window from the first request
//	Optimove  missing key 401, bad key and missing permission 403, bad request 400, all plain text; empty lists []; key shape 40 hex digits; the data
//	iiniit    every answer, key and token shapes, token lives, the resource itself, OAuth beyond the code flow
//	all       two credentials at once 401; refused requests consume no quota; wait hints in headers are off
func Assumptions() []Assumption {
	return slices.Concat(iminAssumptions(), mindkeyAssumptions(), imkitAssumptions(),
		optimoveAssumptions(), iiniitAssumptions(), commonAssumptions(), notPlayed())
}

// assume is an entry of the table.
func assume(p Provider, topic, choice, change string) Assumption {
	return Assumption{Provider: p, Topic: topic, Choice: choice, Change: change}
}

// How to change what is assumed.
const (
	byProfile = "WithProfile"
	byLimit   = "WithLimit"
)

func commonAssumptions() []Assumption {
	return []Assumption{
		assume("", "two credentials in one request", "refused like a bad key; Kong does so too", byProfile),
		assume("", "scheme words", "compared without case, RFC 9110 section 11.1", ""),
		assume("", "order of checks", "credential, permission, limit; a refusal by an earlier check consumes no quota", ""),
		assume("", "unknown path or method", "404 in the vendor's shape, after the key was checked; Optimove and iiniit answer 405 to a method", byProfile),
		assume("", "request body above 10 MiB", "413 in plain text, IMKIT's in its envelope with code INVALID_BODY", ""),
		assume("", "compressed request bodies", "read as they are sent; the diagnosis of the refusal names the Content-Encoding", ""),
		assume("", "paths", "compared as sent, segment by segment: //, /./ and /../ are unknown paths, a%2Fb is one segment", ""),
		assume("", "calls to clients (callbacks, listeners, webhooks)", "recorded; sent to loopback addresses if asked, unsigned: no vendor documents a signature", "Callbacks, WithCallbackDelivery"),
		assume("", "CORS", "no headers, and a preflight is an unknown operation, unless origins are given", "WithCORS"),
		assume("", "a suspended key", "refused like a revoked one until it is enabled", "Suspend, Enable"),
		assume("", "user tokens and OAuth tokens that clients request", "the last 10,000 of a namespace are kept", ""),
		assume("", "wait hints", "IMKIT's body only; Retry-After and RateLimit headers are documented by no vendor", "Profile.Hints"),
	}
}
