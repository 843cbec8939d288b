package mockserver

import (
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/imkit"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

// imkitVendor: an API key, or a client key with a user token. A key is the
// base64 of the base64 of 32 bytes, 60 characters, as on the vendor's API Key
// page; client keys and tokens are JWTs. 1,000 requests a minute.
func imkitVendor() *vendor {
	return &vendor{
		provider: IMKIT,
		title:    "IMKIT",
		host:     func(h string) bool { return strings.HasSuffix(h, ".imkit.io") },
		carriers: []carrier{
			{header: "Im-Api-Key"},
			{header: "Im-Client-Key", kind: credClient},
			{header: "Im-Authorization", kind: credToken},
		},
		key:     mockkey.DoubleBase64("imkit", 32),
		limit:   Limit{Requests: 1000, Per: minute, Kind: Fixed},
		profile: imkitProfile(),
		surface: imkit.New,
	}
}

// imkitProfile: codes and texts are IMKIT's (page "API Key"); the page prints
// no status, so 401, 401, 429 and 403 are assumed.
func imkitProfile() Profile {
	m := refusals(
		Answer{Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "The provided API key is invalid or expired"},
		Answer{Status: http.StatusForbidden, Code: "INSUFFICIENT_PERMISSIONS", Message: "API key does not have permission for this operation"},
		Answer{Status: http.StatusTooManyRequests, Code: "RATE_LIMIT_EXCEEDED", Message: "Too many requests, please try again later"},
		Answer{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "Not Found"})
	same(m, Answer{Status: http.StatusUnauthorized, Code: "MISSING_API_KEY", Message: "IM-API-KEY header is required"},
		MissingKey, WrongHeader, WrongScheme)
	client, token := make(map[Outcome]Answer), make(map[Outcome]Answer)
	same(client, Answer{Status: http.StatusForbidden, Code: "INVALID_CLIENT_KEY", Message: "The provided client key is invalid"},
		UnknownKey, NotAMockKey, Expired, Revoked)
	client[MissingPair] = Answer{Status: http.StatusUnauthorized, Code: "INVALID_TOKEN", Message: "IM-Authorization header is required"}
	token[MissingPair] = Answer{Status: http.StatusUnauthorized, Code: "MISSING_CLIENT_KEY", Message: "IM-CLIENT-KEY header is required"}
	same(token, Answer{Status: http.StatusUnauthorized, Code: "INVALID_TOKEN", Message: "The provided token is invalid or expired"},
		UnknownKey, NotAMockKey, Expired, Revoked)
	return Profile{Shape: Flat, Hints: HintBody, Answers: m, Client: client, Token: token}
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
