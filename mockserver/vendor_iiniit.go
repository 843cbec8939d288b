package mockserver

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/iiniit"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

// iiniitVendor: a key in Authorization or in the query, or an OAuth bearer token
// of the vendor's own authorization server. The looks are assumed.
func iiniitVendor() *vendor {
	return &vendor{
		provider: Iiniit,
		title:    "iiniit",
		host:     func(h string) bool { return h == "api.iiniit.com" || h == "www.iiniit.com" },
		carriers: []carrier{
			{header: "Authorization", scheme: "ApiKey"},
			{query: "api_key"},
			{header: "Authorization", scheme: "Bearer", kind: credBearer},
		},
		key:        mockkey.Base32("iiniit", 25),
		bearer:     mockkey.Base64URL("iiniit bearer", 32),
		bearerLife: accessLife,
		oauth:      iiniitOAuth(),
		scopes:     iiniit.DefaultScopes(),
		profile:    iiniitProfile(),
		surface:    iiniit.New,
	}
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
	same(bearer, token, UnknownKey, NotAMockKey, Expired, Revoked, Suspended)
	scope := jsonAnswer(http.StatusForbidden, `{"error":"insufficient_scope"}`)
	scope.Challenge = "Bearer " + realm + `, error="insufficient_scope", scope="{scope}"`
	bearer[InsufficientScope] = scope
	return Profile{Answers: m, Bearer: bearer}
}

func iiniitAssumptions() []Assumption {
	return []Assumption{
		assume(Iiniit, "every answer", `401, 403, 404, 405, 429 with {"error": …}; challenges as in RFC 6750`, byProfile),
		assume(Iiniit, "key and token shapes", "40 characters of base32; bearer tokens 43 of base64url, refresh tokens 48, codes 38, client secrets 43", ""),
		assume(Iiniit, "life of a bearer token", "one hour; of a code one minute, of a refresh token 30 days, which its successors share", "ExpiresIn"),
		assume(Iiniit, "resource", "GET and POST /resource echo the request and want scope read:user", ""),
		assume(Iiniit, "scopes of a key, token or client made without any", "read:user", "Scopes"),
		assume(Iiniit, "token endpoint", "POST /oauth/token, /oauth/authorize and, as documented, /oauth2/authorize; the body's format is detected, form or JSON", ""),
		assume(Iiniit, "authorization endpoint", "GET /auth/login, as documented, and /oauth/authorize; no page: user001 approves", "OAuth().ApproveNext, DenyNext"),
		assume(Iiniit, "OAuth errors", "RFC 6749, 7009 and 7662; PKCE S256 optional, required for public clients; plain is refused", ""),
		assume(Iiniit, "a code or refresh token used twice", "every token of its authorization is revoked", ""),
		assume(Iiniit, "a code redeemed by another client, or with another redirect_uri or verifier", "refused, and the code ends, with every token of its authorization (RFC 9700)", ""),
		assume(Iiniit, "answer of a revocation", "200 {}", ""),
		assume(Iiniit, "codes and tokens kept", "the last 10,000 of a namespace", ""),
	}
}
