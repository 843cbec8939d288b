package imkit

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// properties are what Update Member Property has set for a member of a room, by
// name. They are never modified in place.
type properties map[string]json.RawMessage

func (p properties) size() int {
	n := 0
	for name, value := range p {
		n += len(name) + len(value) + 64
	}
	return n
}

// propertyInput is the body of PUT /rooms/{id}/member/{client}.
type propertyInput struct {
	Property *string         `json:"property"`
	Value    json.RawMessage `json:"value"`
}

func (in *propertyInput) check() error {
	switch {
	case in.Property == nil || *in.Property == "":
		return missing("property")
	case !present(in.Value):
		return missing("value")
	case len(*in.Property) > 256:
		return invalidBody("property has more than 256 bytes")
	case slices.Contains(memberStateNames(), *in.Property):
		return invalidBody("property is kept by the server")
	case *in.Property == roleProperty && in.role() != "admin" && in.role() != "member":
		return invalidBody(`value must be "admin" or "member"`)
	}
	return nil
}

const roleProperty = "role"

// role is the value as a text, "" for any other value.
func (in *propertyInput) role() string {
	var s string
	if json.Unmarshal(in.Value, &s) != nil {
		return ""
	}
	return s
}

// updateMember sets a property of a member (page "Update Member Property"): any
// property and value; role is the one that means something to the server. Members
// may set their own properties but their role.
func (a *app) updateMember(c *surface.Call) (any, error) {
	var in propertyInput
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	r, err := a.roomFor(c, c.PathValue("id"), roomNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	id := c.PathValue("client")
	by, _ := a.viewer(c)
	switch own := id == by && *in.Property != roleProperty; {
	case !superuser(c, r) && !own:
		return nil, forbidden("Forbidden", "Only room owner, manager, or platform admin can update roles")
	case r.reads[id] == nil:
		return nil, clientNotFound()
	}
	if *in.Property == roleProperty {
		err = a.setRole(c, r, id, in.role())
	} else {
		err = a.updateRoomState(r, func(r *room) { r.setProperty(id, *in.Property, compactJSON(in.Value)) })
	}
	if err != nil {
		return nil, err
	}
	return a.roomView(r, c, roomPlain), nil
}

// setRole makes a member a manager, or a manager an ordinary member.
func (a *app) setRole(c *surface.Call, r *room, id, role string) error {
	promote := role == "admin" && !slices.Contains(r.managers, id)
	err := a.updateRoomState(r, func(r *room) {
		r.managers = without(r.managers, []string{id})
		if role == "admin" {
			r.managers = append(r.managers, id)
		}
	})
	if err == nil && promote { // "the system automatically sends an assignAdmin system message"
		by, _ := a.viewer(c)
		a.postSystemMessage(r, "assignAdmin", firstOf(by, r.owner, id), id, c.Now)
	}
	return err
}

// setProperty is called on a copy of the room.
func (r *room) setProperty(member, name string, value json.RawMessage) {
	all, own := maps.Clone(r.properties), maps.Clone(r.properties[member])
	if all == nil {
		all = make(map[string]properties)
	}
	if own == nil {
		own = make(properties)
	}
	own[name], all[member], r.properties = value, own, all
}

// memberState is a member's read position and properties in a response.
type memberState struct {
	Badge    int    `json:"badge"`
	LastRead string `json:"lastRead,omitempty"`
	Client   string `json:"client"`
	own      properties
}

// memberStateNames are the members of a memberState that are no property.
func memberStateNames() []string { return []string{"badge", "lastRead", "client"} }

// MarshalJSON writes the properties beside the read position.
func (ms memberState) MarshalJSON() ([]byte, error) {
	type plain memberState
	b, err := json.Marshal(plain(ms))
	if err != nil || len(ms.own) == 0 {
		return b, err
	}
	own, err := json.Marshal(ms.own)
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), own[1:]...), nil
}
