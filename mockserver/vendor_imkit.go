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
// no status, so 401, 401, 429 and 403 are assumed. What is refused for a client
// key or a user token comes in the envelope, as 17 pages print INVALID_TOKEN and
// GET /me prints INVALID_CLIENT_KEY.
func imkitProfile() Profile {
	m := refusals(
		Answer{Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "The provided API key is invalid or expired"},
		Answer{Status: http.StatusForbidden, Code: "INSUFFICIENT_PERMISSIONS", Message: "API key does not have permission for this operation"},
		Answer{Status: http.StatusTooManyRequests, Code: "RATE_LIMIT_EXCEEDED", Message: "Too many requests, please try again later"},
		Answer{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "Not Found", Shape: Enveloped})
	same(m, Answer{Status: http.StatusUnauthorized, Code: "MISSING_API_KEY", Message: "IM-API-KEY header is required"},
		MissingKey, WrongHeader, WrongScheme)
	client, token := make(map[Outcome]Answer), make(map[Outcome]Answer)
	enveloped := func(status int, code, message string) Answer {
		return Answer{Status: status, Code: code, Message: message, Shape: Enveloped}
	}
	same(client, enveloped(http.StatusForbidden, "INVALID_CLIENT_KEY", "The provided client key is invalid"),
		UnknownKey, NotAMockKey, Expired, Revoked, Suspended)
	client[MissingPair] = enveloped(http.StatusUnauthorized, "INVALID_TOKEN", "IM-Authorization header is required")
	token[MissingPair] = enveloped(http.StatusUnauthorized, "MISSING_CLIENT_KEY", "IM-CLIENT-KEY header is required")
	same(token, enveloped(http.StatusUnauthorized, "INVALID_TOKEN", "The provided token is invalid or expired"),
		UnknownKey, NotAMockKey, Expired, Revoked, Suspended)
	return Profile{Shape: Flat, Hints: HintBody, Answers: m, Client: client, Token: token}
}

func imkitAssumptions() []Assumption {
	return []Assumption{
		assume(IMKIT, "statuses of the four documented bodies", "INVALID_API_KEY 401, MISSING_API_KEY 401, RATE_LIMIT_EXCEEDED 429, INSUFFICIENT_PERMISSIONS 403", byProfile),
		assume(IMKIT, "error shapes", "flat on refusals of an API key and on the token pages, enveloped on the others and for client keys and user tokens (the page on client keys prints those flat, 17 others in the envelope)", "Profile.Shape, Profile.Variants"),
		assume(IMKIT, "codes of key refusals", "the API Key page's on every operation; UNAUTHORIZED, INVALID_AUTH, PERMISSION_DENIED and so on of other pages are a variant", "PageRefusals"),
		assume(IMKIT, "window", "fixed, from the first request; retryAfter in seconds, rounded up; client keys are limited as API keys are", byLimit),
		assume(IMKIT, "half a pair", "401 INVALID_TOKEN without the token, 401 MISSING_CLIENT_KEY without the client key", "Profile.Client, Profile.Token"),
		assume(IMKIT, "bad client key", "403 INVALID_CLIENT_KEY, as on GET /me", "Profile.Client"),
		assume(IMKIT, "POST /admin/clients for a known user", "upsert (another page says 409)", "UserConflict"),
		assume(IMKIT, "token answers", "POST /admin/clients in the envelope, PUT and DELETE …/token without", "BareTokens, EnvelopedTokens"),
		assume(IMKIT, "members of a room", "IDs in the answer to its creation, objects elsewhere", "MemberStrings, MemberObjects"),
		assume(IMKIT, "sender of a message", "an ID in the answer to POST /messages, an object elsewhere", "SenderStrings, SenderObjects"),
		assume(IMKIT, "a user's operation with an API key", "made for the user of IM-CLIENT-ID, which must exist; a key alone sees every room", ""),
		assume(IMKIT, "IM-CLIENT-ID that is not the token's user", "403 INSUFFICIENT_PERMISSIONS on GET /rooms, ignored elsewhere", ""),
		assume(IMKIT, "users that a token names first", "made at the first call, the ID as nickname", ""),
		assume(IMKIT, "several client keys", "each issued pair has its own; the vendor has one per application, so rotation has no overlap", ""),
		assume(IMKIT, "life of an issued user token", "7 days for the mock's API, none for ClientKey", "ExpiresIn"),
		assume(IMKIT, "the user's own token assigned again", "gets the new end; a revoked one answers 409 TOKEN_CONFLICT", ""),
		assume(IMKIT, "connections", "none: lastLoginTimeMS 0, no address and userAgent, connection count 0; stats print [redacted] for keys, a constant for memory", ""),
		assume(IMKIT, "q of GET /admin/clients", "$eq $ne $gt $gte $lt $lte $in $nin $regex $options $exists $type $not $and $or $nor; Go's regular expressions; RESULT_TOO_LARGE above 1 MiB", ""),
		assume(IMKIT, "unknown users, members, senders, receivers", "404 CLIENT_NOT_FOUND where the page has no code", ""),
		assume(IMKIT, "wrong or missing values", "400 INVALID_BODY, INVALID_QUERY or MISSING_PARAMETER where the page has no code; unknown members are ignored", ""),
		assume(IMKIT, "room that exists, roomType left out", "409 ROOM_ALREADY_EXISTS, group", ""),
		assume(IMKIT, "rights in a room", "owner and managers change, delete, remove, pin, delete messages; the owner names them; members invite unless opening is 0; a sender recalls", ""),
		assume(IMKIT, "invitationRequired", "the invited do not join: accepting is not documented", ""),
		assume(IMKIT, "frozen room, banned or blocked sender", "403 INSUFFICIENT_PERMISSIONS on POST /messages; a frozen room is not listed", ""),
		assume(IMKIT, "GET /rooms", "in the order of creation unless sorted; sort knows lastMessage, createdTime, name; preferences are empty but muted", ""),
		assume(IMKIT, "messages by cursor", "by last change, then as sent; afterMessage alone gives the page right behind it; an unknown cursor is 404 MESSAGE_NOT_FOUND; no highest limit", ""),
		assume(IMKIT, "batches", "sent one second later by the mock's clock; the sender is admin unless given", ""),
		assume(IMKIT, "search", "part of the text in any case; a room with one of roomTags", ""),
		assume(IMKIT, "lastRead to an older message", "changes nothing", ""),
		assume(IMKIT, "pins", "several messages of a room may be pinned; unpinning what is not pinned succeeds", ""),
		assume(IMKIT, "bounds", "bodies above 1 MiB 400; 5,000 members; beyond 64 MiB of state 507 MOCK_STATE_FULL; the oldest of 100,000 messages or 64 MiB go", ""),
		assume(IMKIT, "limit above 100 in lists of users", "capped: at most 100 are returned", ""),
		assume(IMKIT, "Content-Type of a body", "application/json is required, as every page prints it", ""),
		assume(IMKIT, "IM-Authorization: Bearer …", "refused: the page on client keys has the bare token, other pages print the word", ""),
		assume(IMKIT, "IM-CLIENT-ID on GET /rooms", "required there, as its page says; the page on client keys does not ask for it", ""),
		assume(IMKIT, "POST /badges/byRoomTags with the API key alone", "400: the page has a user's token, the vendor's Postman collection the key; IM-CLIENT-ID names the user", ""),
		assume(IMKIT, "order of checks of a pair", "the client key first, unknown or revoked, then the token", ""),
		assume(IMKIT, "Update Member Property", "any name and JSON value, shown in memberProperties; role takes admin and member; badge, client and lastRead are the server's: 400", ""),
		assume(IMKIT, "webhook of a room", "MESSAGE, ADD_MEMBERS and DELETE_MEMBERS, when the operation has ended; botState is the room's botMode", "Callbacks"),
		assume(IMKIT, "data", "four users, a group, two rooms and five messages of Lorem Fitsum", "WithoutSampleData"),
		assume(IMKIT, "unknown path or method", "404 NOT_FOUND", byProfile),
		assume(IMKIT, "a query parameter without a value", "as one that is left out", ""),
	}
}
