package mockserver

import "net/http"

// DefaultProfile returns the vendor's default, as a starting point for one's
// own. The maps are copies.
func DefaultProfile(p Provider) Profile {
	for _, v := range vendors() {
		if v.provider == p {
			return v.profile
		}
	}
	return Profile{}
}

// same gives one answer to several outcomes.
func same(into map[Outcome]Answer, a Answer, outcomes ...Outcome) {
	for _, o := range outcomes {
		into[o] = a
	}
}

// refusals starts a table with one answer for every unusable credential, one
// for a missing right, one for the limit and one for an unknown path.
func refusals(bad, forbidden, limited, notFound Answer) map[Outcome]Answer {
	m := make(map[Outcome]Answer)
	same(m, bad, MissingKey, UnknownKey, NotAMockKey, Expired, Revoked, WrongScheme, WrongHeader, DuplicateKey, MissingPair)
	same(m, forbidden, InsufficientScope, AccessDenied)
	m[RateLimited], m[NotFound] = limited, notFound
	return m
}

func jsonAnswer(status int, body string) Answer {
	return Answer{Status: status, ContentType: "application/json; charset=utf-8", Body: body}
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

// iiniitProfile: iiniit documents no answer; everything here is assumed. The
// challenges are those of RFC 6750 section 3: no error code without a
// credential, invalid_token for a token that is none, insufficient_scope with
// the scope that is missing.
func iiniitProfile() Profile {
	const realm = `realm="iiniit"`
	bad := jsonAnswer(http.StatusUnauthorized, `{"error":"unauthorized"}`)
	bad.Challenge = "ApiKey " + realm + ", Bearer " + realm
	m := refusals(bad,
		jsonAnswer(http.StatusForbidden, `{"error":"forbidden"}`),
		jsonAnswer(http.StatusTooManyRequests, `{"error":"too_many_requests"}`),
		jsonAnswer(http.StatusNotFound, `{"error":"not_found"}`))
	bearer := make(map[Outcome]Answer)
	token := jsonAnswer(http.StatusUnauthorized, `{"error":"invalid_token"}`)
	token.Challenge = "Bearer " + realm + `, error="invalid_token", error_description="the access token is unknown, expired or revoked"`
	same(bearer, token, UnknownKey, NotAMockKey, Expired, Revoked)
	scope := jsonAnswer(http.StatusForbidden, `{"error":"insufficient_scope"}`)
	scope.Challenge = "Bearer " + realm + `, error="insufficient_scope", scope="{scope}"`
	bearer[InsufficientScope] = scope
	return Profile{Answers: m, Bearer: bearer}
}
