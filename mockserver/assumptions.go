package mockserver

import "slices"

// Assumption is one thing that the mock had to choose because the vendor
// documents nothing, or two things. A vendor's pages may prove it wrong; until
// then Change says how to play it differently.
type Assumption struct {
	Provider Provider `json:"provider"`
	Topic    string   `json:"topic"`
	Choice   string   `json:"choice"`
	Change   string   `json:"change,omitempty"` // how to choose otherwise; empty when fixed
}

// Assumptions lists everything that the mock assumes, vendor by vendor. What
// is not listed follows the vendors' public pages.
//
//	imin      every error {"message"}: 400, 401, 403, 404, 414, 429; no limit; default page of 10; what no sample shows of records and feeds
//	MindKey   key shape 43 characters; bodies of 401 and 404 {"Message"}; /ping answers "pong"; no limit; properties beside the documented ones
//	IMKIT     statuses 401, 401, 429, 403 of the four documented bodies; where pages differ, each plays its own; fixed window from the first request
//	Optimove  missing key 401, bad key and missing right 403, bad request 400, all plain text; empty lists []; key shape 40 hex digits; the data
//	iiniit    every answer, key and token shapes, token lives, the resource itself, OAuth beyond the code flow
//	all       two credentials at once 401; refused requests consume no quota; wait hints in headers are off
func Assumptions() []Assumption {
	return slices.Concat(iminAssumptions(), mindkeyAssumptions(), imkitAssumptions(),
		optimoveAssumptions(), iiniitAssumptions(), commonAssumptions())
}

// How to change what is assumed.
const (
	byProfile = "WithProfile"
	byLimit   = "WithLimit"
)

func iminAssumptions() []Assumption {
	return []Assumption{
		{Imin, "bad or missing key", `401 {"message": …}`, byProfile},
		{Imin, "missing right", `403 {"message": …}`, byProfile},
		{Imin, "rate limit", "none; 429 if one is set", byLimit},
		{Imin, "paging", "10 a page unless limit is given; limit above 50 answers 400", ""},
		{Imin, "bad or missing parameter", `400 {"message": …} naming the first fault; an unknown parameter is one`, ""},
		{Imin, "URL above 2,048 characters", `414 {"message": …}`, ""},
		{Imin, "unknown record", `404 {"message": "Not Found"}`, ""},
		{Imin, "mode left out", "upcoming-sessions", ""},
		{Imin, "geo[radial] and online sessions", "sessions without a place are found with isVirtual=true only, wherever the circle", ""},
		{Imin, "iminTag[not]=HighFrequencySession", "added unless iminTag or iminTag[not] is given", ""},
		{Imin, "records without a price", "last in both price modes; they pass no price filter", ""},
		{Imin, "ageRange[includeRange]={min}", "open upwards: the record must have no upper end", ""},
		{Imin, "entitlementFilter", "base64 of JSON; every price gets an entitlement of 80 %, indicative", ""},
		{Imin, "imin:totalItems", "exact, also where imin approximates", ""},
		{Imin, "urlTemplate", "the view's id with page={page}", ""},
		{Imin, "ids and links", "under the host that was asked; https for imin's own hosts", ""},
		{Imin, "hosts", "every path is served on every host", ""},
		{Imin, "what a search item leaves out", "offers, people, notes, ids and capacities of sessions, thumbnails, custom properties", ""},
		{Imin, "members round the two documented paths of /facets", "type imin:FacetIndex, type imin:RestrictedCollection", ""},
		{Imin, "data", "48 weekly series, a one-off one a day, one at 0,0; 12 facilities with hourly slots from 7 to 21; all times UTC", ""},
		{Imin, "fully booked slots", "found by ID only", ""},
		{Imin, "Slot and Place beyond the documented properties", "OpenActive's names; mcr:placeClassification and activity in the Places API", ""},
		{Imin, "Firehose paging", "3 items a page, afterTimestamp and afterId; an empty page keeps items [], as RPDE requires", ""},
		{Imin, "poll of a feed's last page inside 8 seconds", "429, for each key and feed; a refused poll moves nothing", ""},
		{Imin, "brokers", "every name has a feed; names that end in -test have the test seller", ""},
		{Imin, "other Firehose feeds", "not played: their paths are not documented", ""},
	}
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
		{MindKey, "texts of a 400 beside the documented one", "worded as Microsoft's OData library words them", ""},
		{MindKey, "pages", "all rows unless $top is given; no @odata.nextLink", ""},
		{MindKey, "unknown key, the form Employee('EMP001')", `404 {"Message": "Not Found"}`, ""},
		{MindKey, "$expand", "needs no scope beside the entity's", ""},
	}
}

func imkitAssumptions() []Assumption {
	return []Assumption{
		{IMKIT, "statuses of the four documented bodies", "INVALID_API_KEY 401, MISSING_API_KEY 401, RATE_LIMIT_EXCEEDED 429, INSUFFICIENT_PERMISSIONS 403", byProfile},
		{IMKIT, "error shapes", "flat on key refusals and the token pages, enveloped on the others, as each page prints it", "Profile.Shape, Profile.Variants"},
		{IMKIT, "codes of key refusals", "the API Key page's on every operation; UNAUTHORIZED, INVALID_AUTH, PERMISSION_DENIED and so on of other pages are a variant", "PageRefusals"},
		{IMKIT, "window", "fixed, from the first request; retryAfter in seconds, rounded up; client keys are limited as API keys are", byLimit},
		{IMKIT, "half a pair", "401 INVALID_TOKEN without the token, 401 MISSING_CLIENT_KEY without the client key", "Profile.Client, Profile.Token"},
		{IMKIT, "bad client key", "403 INVALID_CLIENT_KEY, as on GET /me", "Profile.Client"},
		{IMKIT, "POST /admin/clients for a known user", "upsert (another page says 409)", "UserConflict"},
		{IMKIT, "token answers", "POST /admin/clients in the envelope, PUT and DELETE …/token without", "BareTokens, EnvelopedTokens"},
		{IMKIT, "members of a room", "IDs in the answer to its creation, objects elsewhere", "MemberStrings, MemberObjects"},
		{IMKIT, "sender of a message", "an ID in the answer to POST /messages, an object elsewhere", "SenderStrings, SenderObjects"},
		{IMKIT, "a user's operation with an API key", "made for the user of IM-CLIENT-ID, which must exist; a key alone sees every room", ""},
		{IMKIT, "IM-CLIENT-ID that is not the token's user", "403 INSUFFICIENT_PERMISSIONS on GET /rooms, ignored elsewhere", ""},
		{IMKIT, "users that a token names first", "made at the first call, the ID as nickname", ""},
		{IMKIT, "several client keys", "each issued pair has its own; the vendor has one per application, so rotation has no overlap", ""},
		{IMKIT, "life of an issued user token", "7 days for the mock's API, none for ClientKey", "ExpiresIn"},
		{IMKIT, "the user's own token assigned again", "gets the new end; a revoked one answers 409 TOKEN_CONFLICT", ""},
		{IMKIT, "connections", "none: lastLoginTimeMS 0, no address and userAgent, connection count 0; stats print [redacted] for keys, a constant for memory", ""},
		{IMKIT, "q of GET /admin/clients", "$eq $ne $gt $gte $lt $lte $in $nin $regex $options $exists $type $not $and $or $nor; Go's regular expressions; RESULT_TOO_LARGE above 1 MiB", ""},
		{IMKIT, "unknown users, members, senders, receivers", "404 CLIENT_NOT_FOUND where the page has no code", ""},
		{IMKIT, "wrong or missing values", "400 INVALID_BODY, INVALID_QUERY or MISSING_PARAMETER where the page has no code; unknown members are ignored", ""},
		{IMKIT, "room that exists, roomType left out", "409 ROOM_ALREADY_EXISTS, group", ""},
		{IMKIT, "rights in a room", "owner and managers change, delete, remove, pin, delete messages; the owner names them; members invite unless opening is 0; a sender recalls", ""},
		{IMKIT, "invitationRequired", "the invited do not join: accepting is not documented", ""},
		{IMKIT, "frozen room, banned or blocked sender", "403 INSUFFICIENT_PERMISSIONS on POST /messages; a frozen room is not listed", ""},
		{IMKIT, "GET /rooms", "in the order of creation unless sorted; sort knows lastMessage, createdTime, name; preferences are empty but muted", ""},
		{IMKIT, "messages by cursor", "by last change, then as sent; afterMessage alone gives the page right behind it; an unknown cursor is 404 MESSAGE_NOT_FOUND; no highest limit", ""},
		{IMKIT, "batches", "sent one second later by the mock's clock; the sender is admin unless given", ""},
		{IMKIT, "search", "part of the text in any case; a room with one of roomTags", ""},
		{IMKIT, "lastRead to an older message", "changes nothing", ""},
		{IMKIT, "pins", "several messages of a room may be pinned; unpinning what is not pinned succeeds", ""},
		{IMKIT, "bounds", "bodies above 1 MiB 400; 5,000 members; beyond 64 MiB of state 507 MOCK_STATE_FULL; the oldest of 100,000 messages or 64 MiB go", ""},
		{IMKIT, "unknown path or method", "404 NOT_FOUND", byProfile},
	}
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
		{Optimove, "canceled campaign", "the third of the clock's day, at 08:00 UTC; its customers can be had for two hours", ""},
		{Optimove, "answer of UpdateCustomerAttributes", "200 without payload; the callback is recorded, never sent", "Callbacks"},
		{Optimove, "path of the batch upsert", "PUT /customers/InsertOrUpdateCustomers, 202 without payload", ""},
		{Optimove, "bounds", "10,000 customers, promotions, templates and apps, 100 lists; beyond them 400", ""},
		{Optimove, "SendTransactionalMail", "10 in any second, sliding; an invalid template is told in a 200", "LimitGroup"},
	}
}

func iiniitAssumptions() []Assumption {
	return []Assumption{
		{Iiniit, "every answer", `401, 403, 404, 405, 429 with {"error": …}; challenges as in RFC 6750`, byProfile},
		{Iiniit, "key and token shapes", "40 characters of base32; bearer tokens 43 of base64url, refresh tokens 48, codes 38, client secrets 43", ""},
		{Iiniit, "life of a bearer token", "one hour; of a code one minute, of a refresh token 30 days, which its successors share", "ExpiresIn"},
		{Iiniit, "resource", "GET and POST /resource say what arrived and want scope read:user", ""},
		{Iiniit, "scopes of a key, token or client made without any", "read:user", "Scopes"},
		{Iiniit, "token endpoint", "POST /oauth/token, /oauth/authorize and, as documented, /oauth2/authorize; a body is what it looks like, form or JSON", ""},
		{Iiniit, "authorization endpoint", "GET /auth/login, as documented, and /oauth/authorize; no page: user001 approves", "OAuth().ApproveNext, DenyNext"},
		{Iiniit, "OAuth errors", "RFC 6749, 7009 and 7662; PKCE S256 optional, for public clients a must; plain is refused", ""},
		{Iiniit, "a code or refresh token used twice", "every token of its authorization is revoked", ""},
		{Iiniit, "codes and tokens kept", "the last 10,000 of a namespace", ""},
	}
}

func commonAssumptions() []Assumption {
	return []Assumption{
		{"", "two credentials in one request", "refused like a bad key; Kong does so too", byProfile},
		{"", "scheme words", "compared without case, RFC 9110 section 11.1", ""},
		{"", "order of checks", "credential, right, limit; what an earlier one refuses consumes no quota", ""},
		{"", "unknown path or method", "404 in the vendor's shape, after the key was checked; Optimove and iiniit answer 405 to a method", byProfile},
		{"", "request body above 10 MiB", "413, plain text", ""},
		{"", "user tokens and OAuth tokens that clients ask for", "the last 10,000 of a namespace are kept", ""},
		{"", "wait hints", "IMKIT's body only; Retry-After and RateLimit headers are documented by no vendor", "Profile.Hints"},
	}
}
