// Package surface is the seam between the core of the mock (keys, limits,
// faults, journal) and what one vendor answers.
//
// A vendor is a Factory: given an Env it returns its Surface, the routes and
// what they store. The core routes, authenticates, checks what a route needs,
// keeps the limit, injects faults and journals; only then does it call
// Route.Handle. A handler therefore holds vendor behaviour and nothing else. It
// must not import package mockserver.
package surface

import (
	"encoding/json"
	"net/http"
	"time"
)

// Kind says what sort of credential a caller presented. Kinds are bits, so
// that Need.Kinds can allow several.
type Kind uint8

const (
	// Key is a server-side API key.
	Key Kind = 1 << iota
	// Pair is a client key together with a user token (IMKIT).
	Pair
	// Bearer is an OAuth access token (iiniit).
	Bearer
)

// Caller is who made the request, as far as the credential says.
// The zero Caller is anonymous: only routes with Need.Open see it.
type Caller struct {
	KeyID  string
	Name   string
	Kind   Kind
	Access string   // Optimove: Admin, Integrations or Transactional
	Scopes []string // MindKey scopes, OAuth scopes; never modify
	User   string   // the user a token stands for; empty for plain keys

	// Attributes and Channels narrow an Optimove key of access type
	// Integrations; nil allows all. Never modify.
	Attributes []string
	Channels   []int
}

// Need is what a route asks of its caller. The zero Need asks for any valid
// credential.
type Need struct {
	Open   bool     // no credential needed
	Scope  string   // a scope that the key must have
	Access []string // one of these access types; nil allows all
	Kinds  Kind     // allowed kinds of credential; zero allows all
	Group  string   // counts against this limit group instead of the key's general limit
}

// Route is one method and path pattern (net/http.ServeMux syntax).
type Route struct {
	Pattern string
	Need    Need
	Handle  func(http.ResponseWriter, *Call)
	// Page is what the operation's own page prints for refused credentials
	// where that differs from the vendor's general page.
	Page Page
}

// Refusal is a documented error answer; the zero Refusal means that the page
// prints none.
type Refusal struct {
	Status        int
	Code, Message string
	Flat          bool // in the flat shape, whatever the profile's
}

// Page holds the refusals of one operation's page, by what was wrong: nothing
// presented, a bad API key, a bad client key, a bad user token, a missing
// right. The core uses it with the variant PageRefusals only.
type Page struct {
	Missing, Key, Client, Token, Right Refusal
}

// Variant is a set of choices between things that one vendor documents in
// several ways; the zero value is the surface's default. Package mockserver
// exports and explains the values.
type Variant uint16

// The variants. The last two are Optimove's, the others IMKIT's.
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
// returns; copy what must live longer.
type Call struct {
	*http.Request
	Caller Caller
	// Data is the request body, read already and bounded by the core.
	Data []byte
	// Now is the mock clock at receipt.
	Now time.Time
	// Enveloped reports whether the vendor's profile asks for errors in the
	// enveloped shape (IMKIT documents two).
	Enveloped bool
	// Variants are the profile's choices between documented alternatives.
	Variants Variant
	// Forbid marks the request as lacking a right, with why as the diagnosis;
	// why must not hold a value of the request. The surface still answers.
	Forbid func(why string)
	// Explain sets the diagnosis of a refusal that the surface answers by
	// itself, before it writes; outcome is one of mockserver's Outcomes, why
	// must not hold a value of the request.
	Explain func(outcome, why string)
	// Deny answers as the vendor answers a caller without the right, with why
	// as the diagnosis; why must not hold a value of the request. Nothing else
	// may be written after it.
	Deny func(why string)
	// Limit answers as the vendor answers a caller over a limit that the
	// surface itself keeps; wait is the time until there is room, why the
	// diagnosis, which must not hold a value of the request. Nothing else may
	// be written after it.
	Limit func(wait time.Duration, why string)
}

// Tokens lets a surface hand out user tokens that the core will accept.
type Tokens interface {
	// Issue makes a token for user. life <= 0 means no expiry.
	Issue(user string, life time.Duration) (token string, expires time.Time)
	// Assign makes the caller's own string a token of user. A zero expires
	// means none. A token that is the user's already gets the new end; one that
	// was revoked or is in use elsewhere fails.
	Assign(user, token string, expires time.Time) error
	// Replace is Assign, and ends every other token of user.
	Replace(user, token string, expires time.Time) error
	// Revoke ends token of user, or all tokens of user when token is empty,
	// and reports how many ended.
	Revoke(user, token string) int
	// Save returns once the changes above are kept. A surface calls it before
	// it answers, without a lock of its own: keeping reads the surface's Data.
	Save()
}

// Env is what the core gives a surface when it is built. A surface is built
// once per namespace and vendor, at the first request.
type Env struct {
	Now    func() time.Time
	Seed   uint64
	Tokens Tokens
	// Authority keeps the clients and tokens of an OAuth server (iiniit).
	Authority Authority
	// Callback records a call that the vendor would make to a client's own
	// address. Nothing is ever sent.
	Callback func(url string, body []byte)
	// Changed says that Data is no longer what the surface began with. It is
	// cheap; a surface calls it before it answers. Nil is nobody to tell.
	Changed func()
}

// Tell calls Changed.
func (e *Env) Tell() {
	if e.Changed != nil {
		e.Changed()
	}
}

// Surface is one vendor over state of its own. Handlers are called
// concurrently.
type Surface struct {
	Routes []Route
	Data   Data // nil: it stores nothing that could be shown
}

// Factory builds a Surface.
type Factory func(Env) Surface

// JSON writes v as JSON with the given status. A value that cannot be encoded
// is a bug of the surface and answers 500.
func JSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "mockserver: "+err.Error(), http.StatusInternalServerError)
		return
	}
	Raw(w, status, "application/json; charset=utf-8", data)
}

// Raw writes ready bytes with the given status and content type.
func Raw(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody left to tell
}
