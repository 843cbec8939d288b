// Package surface defines the interface between the core of the mock (keys,
// limits, faults, journal) and the API of one vendor.
//
// A vendor package provides a Factory, which takes an Env and returns a Surface:
// routes and their stored state. The core routes, authenticates, authorizes,
// applies limits, injects faults and journals before it calls Route.Handle. A
// handler therefore holds only vendor behaviour. Vendor packages must not
// import package mockserver.
package surface

import (
	"encoding/json"
	"net/http"
	"time"
)

// Kind is the kind of credential that a caller presented. Kinds are bit flags,
// so that Need.Kinds can allow several.
type Kind uint8

const (
	// Key is a server-side API key.
	Key Kind = 1 << iota
	// Pair is a client key together with a user token (IMKIT).
	Pair
	// Bearer is an OAuth access token (iiniit).
	Bearer
)

// Caller identifies who made the request, as derived from the credential. The
// zero Caller is anonymous; only routes with Need.Open receive it.
type Caller struct {
	KeyID  string
	Name   string
	Kind   Kind
	Access string   // Optimove: Admin, Integrations or Transactional
	Scopes []string // MindKey or OAuth scopes; must not be modified
	User   string   // the user of a token; empty for API keys

	// Attributes and Channels restrict an Optimove key of access type
	// Integrations; nil allows all. They must not be modified.
	Attributes []string
	Channels   []int
}

// Need is what a route requires of its caller. The zero Need requires any valid
// credential.
type Need struct {
	Open   bool     // no credential needed
	Scope  string   // required scope; empty for none
	Scopes []string // required beside Scope
	Access []string // allowed access types; nil allows all
	Shared bool     // a key that shares customer attributes may call too, whatever its access type
	Kinds  Kind     // allowed kinds of credential; zero allows all
	Group  string   // limit group that replaces the key's general limit
	First  bool     // the first half of a pair is enough
}

// Route is one method and path pattern (net/http.ServeMux syntax).
type Route struct {
	Pattern string
	Need    Need
	Handle  func(http.ResponseWriter, *Call)
	// Page holds the refusals on the operation's own documentation page, where
	// they differ from the vendor's general page.
	Page Page
}

// Refusal is a documented error response. The zero Refusal means that the page
// documents none.
type Refusal struct {
	Status        int
	Code, Message string
	Flat          bool // flat shape, regardless of the profile
}

// Page holds the refusals of one operation's page: no credential, a bad API key,
// a bad client key, a bad user token, a missing permission. The core uses it only
// with the variant PageRefusals.
type Page struct {
	Missing, Key, Client, Token, Right Refusal
}

// Variant is a set of choices where a vendor's pages contradict each other. The
// zero value selects the surface's defaults. Package mockserver exports and
// documents the values.
type Variant uint16

// The variants. The last two apply to Optimove, the others to IMKIT.
const (
	BareTokens Variant = 1 << iota
	EnvelopedTokens
	MemberStrings
	MemberObjects
	SenderStrings
	SenderObjects
	FlatErrors
	UserConflict
	PageRefusals
	EmptyNotFound
	SingleAttribute
)

// Call is one authenticated, admitted request. It is valid until Handle
// returns; a handler copies what it keeps.
type Call struct {
	*http.Request
	Caller Caller
	// Data is the request body. The core has read it and bounds its size.
	Data []byte
	// Now is the time of receipt on the mock clock.
	Now time.Time
	// Enveloped reports whether the vendor's profile selects the enveloped error
	// shape (IMKIT documents two shapes).
	Enveloped bool
	// Variants holds the profile's choices between documented alternatives.
	Variants Variant
	// PageSize is the profile's number of rows on a page (MindKey); 0 for all.
	PageSize int
	// Refuser refuses what the operation itself must refuse.
	Refuser
}

// Refuser tells the core of refusals that an operation decides. In each method
// why becomes the diagnosis and must not quote the request.
type Refuser interface {
	// Forbid records that the caller lacks a right. The surface still writes the
	// response.
	Forbid(why string)
	// Explain sets the diagnosis of a refusal that the surface writes itself.
	// The surface calls it before it writes. outcome is one of mockserver's
	// Outcomes.
	Explain(outcome, why string)
	// Deny writes the vendor's response to a caller who lacks a right. The
	// surface must not write anything after it.
	Deny(why string)
	// Limit writes the vendor's rate-limit response for a limit that the surface
	// itself enforces. wait is the time until the next request is allowed. The
	// surface must not write anything after it.
	Limit(wait time.Duration, why string)
}

// Tokens manages the user tokens that the core accepts.
type Tokens interface {
	// Issue creates a token for user. life <= 0 means no expiry.
	Issue(user string, life time.Duration) (token string, expires time.Time)
	// Assign registers a given string as a token of user. A zero expires means
	// no expiry. A token that user already has gets the new expiry; a token that
	// was revoked or belongs to another user is an error.
	Assign(user, token string, expires time.Time) error
	// Replace does the same as Assign and revokes every other token of user.
	Replace(user, token string, expires time.Time) error
	// Revoke revokes one token of user, or all of them if token is empty, and
	// returns how many it revoked.
	Revoke(user, token string) int
	// Save returns when the changes above are stored. A surface calls it before
	// it responds, and without holding its own lock, because storing reads the
	// surface's Data.
	Save()
}

// Env is what the core passes to a Factory. A surface is built once per
// namespace and vendor, at the first request.
type Env struct {
	Now    func() time.Time
	Seed   uint64
	Empty  bool // start without the records that clients could make themselves
	Tokens Tokens
	// Authority stores the clients and tokens of an OAuth server (iiniit).
	Authority Authority
	// Callback records a request that the vendor would send to a client's own
	// address. The mock never sends it.
	Callback func(url string, body []byte)
	// Changed tells the core that Data has changed since the surface was built.
	// It is cheap; a surface calls it before it responds. It may be nil.
	Changed func()
}

// NotifyChanged calls Changed unless it is nil.
func (e *Env) NotifyChanged() {
	if e.Changed != nil {
		e.Changed()
	}
}

// Surface is the API of one vendor with its own state. Handlers are called
// concurrently.
type Surface struct {
	Routes []Route
	Data   Data // nil if the surface stores nothing
}

// Factory builds a Surface.
type Factory func(Env) Surface

// JSON writes v as JSON with the given status. A value that cannot be encoded
// is a bug of the surface; it writes status 500.
func JSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "mockserver: "+err.Error(), http.StatusInternalServerError)
		return
	}
	Raw(w, status, "application/json; charset=utf-8", data)
}

// Raw writes an encoded body with the given status and content type.
func Raw(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has disconnected
}
