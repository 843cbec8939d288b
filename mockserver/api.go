package mockserver

import (
	"net/http"
	"time"
)

// API describes an API of one's own, as data: how it reads keys, how a key looks,
// how long it lives, how often it may be used, and what the API answers. The mock
// then plays it beside the five providers, and everything that they have it has:
// Keys, journal, diagnosis, faults, clock, namespaces, state, admin API.
//
// Name, and Schemes or OAuth, are required; every other zero value has a default. WithAPI
// checks the description: NewHandler fails with a *DefinitionError that names the
// member that is wrong.
type API struct {
	// Name is how Go code, the admin API, a host ("acme.localhost") and the
	// environment (ACME_API_KEY) call the API: a small letter, then small letters,
	// digits and "-", 32 characters at most, and none of the five providers' names.
	Name  Provider `json:"name"`
	Title string   `json:"title,omitempty"` // in diagnoses; default Name
	Hosts []string `json:"hosts,omitempty"` // the real hosts, without ports

	// Schemes are the ways to send a key; the first is the usual one.
	Schemes []Scheme `json:"schemes"`
	Key     KeyShape `json:"key,omitzero"`
	// Second is the shape of the second half of a pair; default Key.
	Second KeyShape `json:"second,omitzero"`
	// Life is the default and the longest lifetime of a key; zero is unlimited.
	Life time.Duration `json:"life,omitempty"`
	// Prefixes replaces Key.Prefix for keys of an access type: "restricted": "rk_test_".
	Prefixes map[AccessType]string `json:"prefixes,omitempty"`

	// OAuth is the API's authorization server; zero is none. Its access tokens are sent as
	// Authorization: Bearer TOKEN; without Schemes, keys are as well.
	OAuth OAuthServer `json:"oauth,omitzero"`

	// Limit applies to each key; zero is none. LimitGroups are limits that replace
	// it for the routes that name them.
	Limit       Limit            `json:"limit,omitzero"`
	LimitGroups map[string]Limit `json:"limitGroups,omitempty"`
	// Hints are the headers that tell a client to wait: Retry-After, RateLimit and
	// X-RateLimit-*. Quota are such headers with names of the API's own.
	Hints Hint         `json:"hints,omitzero"`
	Quota QuotaHeaders `json:"quota,omitzero"`
	// RequestID is the name of a header with a number for each request; empty is none.
	RequestID string `json:"requestId,omitempty"`
	// Header is on every answer, unless a refusal or a reply has a value of its own.
	Header map[string]string `json:"header,omitempty"`
	// Idempotency answers a repeated write as the first time; zero does not.
	Idempotency Idempotency `json:"idempotency,omitzero"`

	// Scopes and Access are all that a key can have. A key issued without the Scopes
	// option has all scopes; one issued without Access has the first access type.
	Scopes []string     `json:"scopes,omitempty"`
	Access []AccessType `json:"access,omitempty"`

	// ErrorBody is the template of every refusal that has no Body of its own. It
	// knows {status}, {code}, {message}, {outcome}, {retryAfter} (whole seconds), {scope}
	// (the one that is missing), {requestId} and {values.NAME} (Refusal.Values); values are
	// escaped for JSON or XML as ErrorType says. The default is
	// {"error":{"code":"{code}","message":"{message}"}}.
	ErrorBody string `json:"errorBody,omitempty"`
	ErrorType string `json:"errorType,omitempty"` // Content-Type; default application/json
	// Refusals are the answers by outcome. An outcome without one is answered as the
	// next of its kind: every unusable key as UnknownKey, a key in a wrong place as
	// MissingKey, AccessDenied as InsufficientScope; without these, 401, 403, 404
	// and 429.
	Refusals map[Outcome]Refusal `json:"refusals,omitempty"`

	Routes []Route `json:"routes,omitempty"`
}

// Scheme is one way to send a key. Exactly one of its members is set.
type Scheme struct {
	Header        string    `json:"header,omitempty"`        // a header of its own: X-Acme-Key: KEY
	Authorization string    `json:"authorization,omitempty"` // a scheme word: Authorization: WORD KEY
	Query         string    `json:"query,omitempty"`         // a query parameter: ?NAME=KEY
	Cookie        string    `json:"cookie,omitempty"`        // a cookie: Cookie: NAME=KEY
	Basic         bool      `json:"basic,omitempty"`         // HTTP Basic with the key as user; the password is ignored
	Pair          [2]string `json:"pair,omitzero"`           // two headers with two keys that belong together
}

// KeyShape is how a key looks. The last characters hold a hidden checksum, by which
// the mock knows a key that some mock made from one that may be a production key.
type KeyShape struct {
	Prefix string `json:"prefix,omitempty"` // such as "sk_test_"; letters, digits, "-" and "_"
	// Alphabet is base62 (the default), base64url, base32, hex or digits.
	Alphabet string `json:"alphabet,omitempty"`
	Length   int    `json:"length,omitempty"` // characters behind the prefix; default 32
}

// OAuthServer is an OAuth 2.0 authorization server in front of the API, with iiniit's
// flows: client credentials, authorization codes with PKCE, refresh tokens that rotate,
// revocation and introspection. Namespace.OAuthOf has its controls: it registers clients
// and answers for the user.
type OAuthServer struct {
	Token      string `json:"token"`                // path of the token endpoint; required
	Authorize  string `json:"authorize,omitempty"`  // without it there are no codes and refresh tokens
	Revoke     string `json:"revoke,omitempty"`     // RFC 7009
	Introspect string `json:"introspect,omitempty"` // RFC 7662
	Metadata   string `json:"metadata,omitempty"`   // RFC 8414: /.well-known/oauth-authorization-server
	// Grants are the grant types: authorization_code, refresh_token, client_credentials. By
	// default they are all that the endpoints allow.
	Grants []string `json:"grants,omitempty"`
	// Access, Refresh and Code are how the tokens and codes look, and Secret a client's
	// secret; default 43 characters of base64url. Their prefixes differ where they are given.
	Access  KeyShape `json:"access,omitzero"`
	Refresh KeyShape `json:"refresh,omitzero"`
	Code    KeyShape `json:"code,omitzero"`
	Secret  KeyShape `json:"secret,omitzero"`
	// Life is that of an access token; default one hour. RefreshLife is that of a refresh
	// token and all its successors together; default 30 days. CodeLife: one minute.
	Life        time.Duration `json:"life,omitempty"`
	RefreshLife time.Duration `json:"refreshLife,omitempty"`
	CodeLife    time.Duration `json:"codeLife,omitempty"`
}

// QuotaHeaders are the names of headers that every answer to a limited key carries. An
// empty name is no header.
type QuotaHeaders struct {
	Limit     string `json:"limit,omitempty"`     // requests per window
	Remaining string `json:"remaining,omitempty"` // in this window
	Period    string `json:"period,omitempty"`    // length of the window in seconds
	Reset     string `json:"reset,omitempty"`     // when the window has room again
	// ResetAs is the form of Reset: seconds (the default), epoch (seconds since 1970),
	// duration ("1m30s") or date (RFC 3339).
	ResetAs string `json:"resetAs,omitempty"`
}

// Refusal is the answer to a request that is refused.
type Refusal struct {
	Status    int    `json:"status,omitempty"`    // 400 to 599; default that of the kind of refusal
	Code      string `json:"code,omitempty"`      // {code} of the template
	Message   string `json:"message,omitempty"`   // {message} of the template
	Body      string `json:"body,omitempty"`      // a template that replaces ErrorBody
	Challenge string `json:"challenge,omitempty"` // WWW-Authenticate; "{scope}" is the missing scope
	// Header is added to the answer.
	Header map[string]string `json:"header,omitempty"`
	// Values are more names for the template: {values.NAME}. One that a refusal lacks is empty.
	Values map[string]string `json:"values,omitempty"`
}

// Idempotency is how an API lets a client repeat a write safely. The first answer to a POST
// or PATCH with a value of Name is kept in the namespace, for 24 hours of the mock's clock,
// and given again, to any valid key: a repetition may come after a rotation. A refused
// request keeps nothing; a route that AddRoute has added neither. The state file has none of it.
type Idempotency struct {
	Name     string  `json:"header,omitempty"`   // of the request, such as Idempotency-Key; the answer repeats it
	Replayed string  `json:"replayed,omitempty"` // header of an answer that is given again: "true"; empty is none
	Conflict Refusal `json:"conflict,omitzero"`  // when the request differs from the first; default status 400
}

// Route is an operation behind key and limit: Pattern, what a caller needs, and
// either Handler or Reply.
type Route struct {
	// Pattern is a method and a path, "GET /v1/items/{id}". A name in braces stands
	// for one segment of the path or a part of one, as in "/v1/{id}.json" and
	// "/v1/{id}:cancel", and Handler reads it with r.PathValue.
	Pattern string       `json:"route"`
	Open    bool         `json:"open,omitempty"`       // no key is needed
	Scope   string       `json:"scope,omitempty"`      // the key must have it
	Scopes  []string     `json:"scopes,omitempty"`     // the key must have all of them as well
	Access  []AccessType `json:"access,omitempty"`     // the key's access type is one of these; nil is any
	Group   string       `json:"limitGroup,omitempty"` // of API.LimitGroups
	// FirstOnly takes the first key of a pair as enough; a second one is not looked at.
	FirstOnly bool `json:"firstOnly,omitempty"`

	Handler http.Handler `json:"-"`
	// Replies are tried in order: the first whose When holds answers, else Reply.
	Replies []Reply `json:"replies,omitempty"`
	Reply   Reply   `json:"reply,omitzero"`
}

// Reply is a static or templated answer. Body and the values of Header know {path.NAME} (a
// name of the pattern), {query.NAME}, {header.NAME}, {body.NAME} (a member of a JSON body or
// a field of a form; {body.a.b.0} is within), {keyId}, {now} (RFC 3339, by the mock's clock),
// {epoch} (seconds since 1970) and {requestId}. A value is escaped for JSON or XML as Type
// says, and cut at 1 KiB. Braces around anything but a name are text.
type Reply struct {
	// When is values by such a name, without braces: {"body.stream": "true"}. All must be
	// equal; an empty one is a value that is missing. Only Replies have it.
	When   map[string]string `json:"when,omitempty"`
	Status int               `json:"status,omitempty"` // default 200
	Type   string            `json:"type,omitempty"`   // Content-Type; default application/json
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

// WithAPI plays APIs of one's own beside the five providers. Each server has its own
// table: other servers do not know them.
func WithAPI(apis ...API) Option { return func(o *options) { o.apis = append(o.apis, apis...) } }

// DefinitionError is a mistake in the description of an API.
type DefinitionError struct {
	API     Provider // as it was given
	Member  string   // such as "schemes[0].header"
	Problem string   // what is wrong, and what is allowed
}

// Error is one line.
func (e *DefinitionError) Error() string {
	return "api " + quote(string(e.API)) + ": " + e.Member + ": " + e.Problem
}
