package imkit

import (
	"context"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit"
)

// Role is the role of a member in a room.
type Role string

// The roles of members.
const (
	RoleManager Role = "admin"
	RoleMember  Role = "member"
)

// Invitation adds or invites users to a room.
type Invitation struct {
	Invitees           []string `json:"invitees"`                // IDs; at least one
	SystemMessage      bool     `json:"systemMessage,omitempty"` // post a system message
	InvitationRequired bool     `json:"invitationRequired,omitempty"`
}

// Removal removes members from a room. A user who names only itself leaves the room.
type Removal struct {
	Members       []string `json:"members"`                 // IDs; at least one
	SystemMessage bool     `json:"systemMessage,omitempty"` // post a system message
}

// MembersService manages the members of a room. Each call returns the changed room. Pages
// "Add a Member", "Remove a Member", "Update Role",
// "Update Member Property".
type MembersService struct{ caller *caller }

// Add adds users to a room, or invites them.
func (s *MembersService) Add(ctx context.Context, room string, invitation Invitation, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPost, template: "/rooms/{room}/members", values: []string{room},
		body: invitation, err: each("Invitees", invitation.Invitees),
	}
	return call[Room](ctx, s.caller, r, opts)
}

// Remove removes members from a room.
func (s *MembersService) Remove(ctx context.Context, room string, removal Removal, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPost, template: "/rooms/{room}/delete/members", values: []string{room},
		body: removal, err: each("Members", removal.Members),
	}
	return call[Room](ctx, s.caller, r, opts)
}

// SetRole makes a member a manager of the room or an ordinary member.
func (s *MembersService) SetRole(ctx context.Context, room, user string, role Role, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPut, template: "/rooms/{room}/member/{user}", values: []string{room, user},
		body: map[string]string{"property": "role", "value": string(role)},
	}
	if role != RoleManager && role != RoleMember {
		r.err = errors.New("the role must be RoleManager or RoleMember")
	}
	return call[Room](ctx, s.caller, r, opts)
}

// SetProperty sets any property of a member in a room to a value, which is encoded as JSON; nil
// sets null. For the role see [MembersService.SetRole], which checks the value.
func (s *MembersService) SetProperty(ctx context.Context, room, user, property string, value any, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPut, template: "/rooms/{room}/member/{user}", values: []string{room, user},
		body: struct {
			Property string `json:"property"`
			Value    any    `json:"value"`
		}{property, value},
	}
	if property == "" {
		r.err = errors.New("the property has no name")
	}
	return call[Room](ctx, s.caller, r, opts)
}
