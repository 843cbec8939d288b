package mockserver

import (
	"net/http"
	"slices"
)

// editBody is the body of PATCH …/keys/{id}. It cannot change a key's kind,
// value or lifetime: rotate, revoke and expire do that.
type editBody struct {
	Name       *string    `json:"name"`
	Contact    *string    `json:"contact"`
	Scopes     []string   `json:"scopes"     doc:"of an API key or a bearer token; [] removes every scope"`
	Access     AccessType `json:"access"     doc:"Optimove only"`
	Limit      *Limit     `json:"limit"      doc:"a limit of its own; requests 0 is none"`
	ResetLimit bool       `json:"resetLimit" doc:"return to the provider's limit"`
}

// fits returns an error for a change that the key cannot have.
func (edit *editBody) fits(k Key, v *vendor) error {
	switch {
	case !v.own && edit.Scopes != nil && k.Kind != KindKey && k.Kind != KindBearer:
		return refused(http.StatusBadRequest, "scopes belong to API keys and bearer tokens")
	case !v.own && edit.Access != "" && (k.Provider != Optimove || k.Kind != KindKey):
		return refused(http.StatusBadRequest, "access types are Optimove's")
	case !v.own && edit.Access != "" && !slices.Contains([]AccessType{Admin, Integrations, Transactional}, edit.Access):
		return refused(http.StatusBadRequest, "access: one of Admin, Integrations, Transactional")
	case edit.Limit != nil && edit.ResetLimit:
		return refused(http.StatusBadRequest, "give limit or resetLimit, not both")
	}
	return nil
}

// apply makes the changes.
func (edit *editBody) apply(s *keySpec) {
	if edit.Name != nil {
		s.name = *edit.Name
	}
	if edit.Contact != nil {
		s.contact = *edit.Contact
	}
	if edit.Scopes != nil {
		s.scopes, s.scoped = edit.Scopes, true
	}
	if edit.Access != "" {
		s.access = edit.Access
	}
	if edit.Limit != nil {
		s.limit = edit.Limit
	}
	if edit.ResetLimit {
		s.limit = nil
	}
}

func adminEdit(c *adminCall) (any, error) {
	var in editBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	k, ok := c.ns.keys.Get(c.keyID())
	if !ok {
		return nil, refused(http.StatusNotFound, "%s", ErrNoSuchKey)
	}
	v := c.srv.vendor(k.Provider)
	if err := in.fits(k, v); err != nil {
		return nil, err
	}
	next := keySpec{scopes: in.Scopes, access: in.Access}
	if err := next.check(v); err != nil {
		return nil, err
	}
	if err := c.ns.keys.edit(k.ID, in.apply); err != nil {
		return nil, err
	}
	return adminKey(c)
}
