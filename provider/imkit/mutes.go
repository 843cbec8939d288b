package imkit

import (
	"context"
	"net/http"

	"github.com/keyfit/keyfit"
)

// AdminMutesService has users not hear of rooms. Page "Mute Member". The users come back
// with the rooms that they have muted then.
type AdminMutesService struct{ caller *caller }

func (s *AdminMutesService) set(ctx context.Context, method, user, room string, opts []keyfit.CallOption) (User, error) {
	r := request{method: method, template: "/admin/clients/{user}/mute/{room}", values: []string{user, room}}
	return call[User](ctx, s.caller, r, opts)
}

// Mute mutes a room for a user.
func (s *AdminMutesService) Mute(ctx context.Context, user, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodPost, user, room, opts)
}

// Unmute ends that. A room that is not muted is a 400, ROOM_NOT_MUTED.
func (s *AdminMutesService) Unmute(ctx context.Context, user, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodDelete, user, room, opts)
}

// UserMutesService has the calling user not hear of rooms. Page "Room Preference". The
// user comes back with the rooms that it has muted then.
type UserMutesService struct{ caller *caller }

func (s *UserMutesService) set(ctx context.Context, method, room string, opts []keyfit.CallOption) (User, error) {
	return call[User](ctx, s.caller, request{method: method, template: "/me/mute/{room}", values: []string{room}}, opts)
}

// Mute mutes a room.
func (s *UserMutesService) Mute(ctx context.Context, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodPost, room, opts)
}

// Unmute ends that. A room that is not muted is a 400, ROOM_NOT_MUTED.
func (s *UserMutesService) Unmute(ctx context.Context, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodDelete, room, opts)
}
