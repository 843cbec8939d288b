package imkit

import (
	"context"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit"
)

// Role is what a member is in a room.
type Role string

// The roles of members.
const (
	RoleManager Role = "admin"
	RoleMember  Role = "member"
)

// Invitation lets users into a room.
type Invitation struct {
	Invitees           []string `json:"invitees"`                // IDs; at least one
	SystemMessage      bool     `json:"systemMessage,omitempty"` // tell the room
	InvitationRequired bool     `json:"invitationRequired,omitempty"`
}

// Removal takes members out of a room; a user who names itself alone leaves.
type Removal struct {
	Members       []string `json:"members"`                 // IDs; at least one
	SystemMessage bool     `json:"systemMessage,omitempty"` // tell the room
}

// MembersService manages who is in a room. Pages "Add a Member", "Remove a Member",
// "Update Role". Each call returns the room as it is then.
type MembersService struct{ caller *caller }

// Add lets users in, or invites them.
func (s *MembersService) Add(ctx context.Context, room string, invitation Invitation, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPost, template: "/rooms/{room}/members", values: []string{room},
		body: invitation, err: each("Invitees", invitation.Invitees),
	}
	return call[Room](ctx, s.caller, r, opts)
}

// Remove takes members out.
func (s *MembersService) Remove(ctx context.Context, room string, removal Removal, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPost, template: "/rooms/{room}/delete/members", values: []string{room},
		body: removal, err: each("Members", removal.Members),
	}
	return call[Room](ctx, s.caller, r, opts)
}

// SetRole makes a member a manager of the room, or an ordinary member again.
func (s *MembersService) SetRole(ctx context.Context, room, user string, role Role, opts ...keyfit.CallOption) (Room, error) {
	r := request{
		method: http.MethodPut, template: "/rooms/{room}/member/{user}", values: []string{room, user},
		body: map[string]string{"property": "role", "value": string(role)},
	}
	if role != RoleManager && role != RoleMember {
		r.err = errors.New("the role is neither RoleManager nor RoleMember")
	}
	return call[Room](ctx, s.caller, r, opts)
}
