package imkit

import (
	"context"
	"net/http"

	"github.com/keyfit/keyfit"
)

// AdminMutesService mutes rooms for users. Each call returns the user with its muted rooms.
// Page "Mute Member".
type AdminMutesService struct{ caller *caller }

func (s *AdminMutesService) set(ctx context.Context, method, user, room string, opts []keyfit.CallOption) (User, error) {
	r := request{method: method, template: "/admin/clients/{user}/mute/{room}", values: []string{user, room}}
	return call[User](ctx, s.caller, r, opts)
}

// Mute mutes a room for a user.
func (s *AdminMutesService) Mute(ctx context.Context, user, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodPost, user, room, opts)
}

// Unmute unmutes a room. If the room is not muted, the error is a 400, ROOM_NOT_MUTED.
func (s *AdminMutesService) Unmute(ctx context.Context, user, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodDelete, user, room, opts)
}

// UserMutesService mutes rooms for the calling user. Each call returns the user with its
// muted rooms. Page "Room Preference".
type UserMutesService struct{ caller *caller }

func (s *UserMutesService) set(ctx context.Context, method, room string, opts []keyfit.CallOption) (User, error) {
	return call[User](ctx, s.caller, request{method: method, template: "/me/mute/{room}", values: []string{room}}, opts)
}

// Mute mutes a room.
func (s *UserMutesService) Mute(ctx context.Context, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodPost, room, opts)
}

// Unmute unmutes a room. If the room is not muted, the error is a 400, ROOM_NOT_MUTED.
func (s *UserMutesService) Unmute(ctx context.Context, room string, opts ...keyfit.CallOption) (User, error) {
	return s.set(ctx, http.MethodDelete, room, opts)
}
