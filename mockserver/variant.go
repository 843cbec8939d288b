package mockserver

import (
	"encoding/json"
	"fmt"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Variant is a set of choices where a vendor's pages contradict each other. With
// the zero value each operation follows its own page; a bit makes all of them
// follow the other page, so that a typed client can be tested against both. IMKIT
// and Optimove have variants.
type Variant uint16

// The variants of IMKIT.
const (
	// BareTokens answers POST /admin/clients with a token as the token pages
	// print it: without the envelope.
	BareTokens = Variant(surface.BareTokens)
	// EnvelopedTokens answers PUT and DELETE /admin/clients/{id}/token in the
	// envelope, as the basic integration page prints tokens.
	EnvelopedTokens = Variant(surface.EnvelopedTokens)
	// MemberStrings writes a room's members as IDs everywhere.
	MemberStrings = Variant(surface.MemberStrings)
	// MemberObjects writes a room's members as objects everywhere, also in the
	// answer to the creation of a room.
	MemberObjects = Variant(surface.MemberObjects)
	// SenderStrings writes a message's sender as an ID everywhere.
	SenderStrings = Variant(surface.SenderStrings)
	// SenderObjects writes a message's sender as an object everywhere, also in
	// the answer to POST /messages.
	SenderObjects = Variant(surface.SenderObjects)
	// FlatErrors writes every error in the flat shape. (Profile.Shape Enveloped
	// writes every error in the enveloped shape.)
	FlatErrors = Variant(surface.FlatErrors)
	// UserConflict refuses POST /admin/clients for a known user with 409
	// USER_EXISTS, as the token pages print it, instead of updating the user.
	UserConflict = Variant(surface.UserConflict)
	// PageRefusals refuses credentials with what the operation's own page
	// prints (UNAUTHORIZED, INVALID_AUTH, PERMISSION_DENIED and so on) instead
	// of what the API Key page prints.
	PageRefusals = Variant(surface.PageRefusals)
)

// The variants of Optimove.
const (
	// EmptyNotFound answers 404 "Not Found" in plain text where a list would be
	// empty, as a public client's fixtures have it, instead of 200 [].
	EmptyNotFound = Variant(surface.EmptyNotFound)
	// SingleAttribute writes the member CustomerAttribute, one string, where
	// the documentation has the array CustomerAttributes: a public mock notes
	// that the live API did so.
	SingleAttribute = Variant(surface.SingleAttribute)
)

type variantName struct {
	variant Variant
	name    string
}

func variantNames() []variantName {
	return []variantName{
		{BareTokens, "bare-tokens"},
		{EnvelopedTokens, "enveloped-tokens"},
		{MemberStrings, "member-strings"},
		{MemberObjects, "member-objects"},
		{SenderStrings, "sender-strings"},
		{SenderObjects, "sender-objects"},
		{FlatErrors, "flat-errors"},
		{UserConflict, "user-conflict"},
		{PageRefusals, "page-refusals"},
		{EmptyNotFound, "empty-not-found"},
		{SingleAttribute, "single-attribute"},
	}
}

// MarshalJSON writes the variants as a list of names: bare-tokens,
// enveloped-tokens, member-strings, member-objects, sender-strings,
// sender-objects, flat-errors, user-conflict, page-refusals, empty-not-found,
// single-attribute.
func (va Variant) MarshalJSON() ([]byte, error) {
	names := []string{}
	for _, n := range variantNames() {
		if va&n.variant != 0 {
			names = append(names, n.name)
		}
	}
	return json.Marshal(names)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (va *Variant) UnmarshalJSON(data []byte) error {
	var names []string
	if err := json.Unmarshal(data, &names); err != nil {
		return fmt.Errorf("variants: %w", err)
	}
	*va = 0
next:
	for _, name := range names {
		for _, n := range variantNames() {
			if n.name == name {
				*va |= n.variant
				continue next
			}
		}
		return fmt.Errorf("variants: unknown variant %q", name)
	}
	return nil
}
