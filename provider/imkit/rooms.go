package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// RoomInput is a room to create.
type RoomInput struct {
	ID            string   `json:"_id,omitempty"` // the vendor makes one if it is empty
	Name          string   `json:"name,omitempty"`
	Cover         string   `json:"cover,omitempty"` // URL of an image
	Type          RoomType `json:"roomType,omitempty"`
	Members       []string `json:"members,omitempty"` // IDs of users and groups
	Description   string   `json:"description,omitempty"`
	Tags          []string `json:"roomTags,omitempty"`
	Webhook       string   `json:"webhook,omitempty"` // URL
	BotMode       bool     `json:"botMode,omitempty"`
	ExtParams     string   `json:"extParams,omitempty"`
	SystemMessage bool     `json:"systemMessage,omitempty"` // tell the room who has joined
	Owner         string   `json:"owner,omitempty"`         // ID of a user
}

// RoomUpdate is a change of a room: nil leaves a field as it is.
//
//	imkit.RoomUpdate{Name: new("Team"), Tags: []string{}} // a new name, no tags
type RoomUpdate struct {
	Name        *string  `json:"name,omitempty"`
	Cover       *string  `json:"cover,omitempty"`
	Description *string  `json:"description,omitempty"`
	Tags        []string `json:"roomTags,omitzero"` // empty, but not nil, takes them all away
	Webhook     *string  `json:"webhook,omitempty"`
	BotMode     *bool    `json:"botMode,omitempty"`
	ExtParams   *string  `json:"extParams,omitempty"`
	Opening     *int     `json:"opening,omitempty"` // 1: members may invite; 0: they may not
	Owner       *string  `json:"owner,omitempty"`
	Managers    []string `json:"managers,omitzero"` // empty, but not nil, takes them all away
	Status      *int     `json:"status,omitempty"`  // 1, or 0 to freeze the room
}

func (u *RoomUpdate) check() error {
	flag := func(name string, n *int) error {
		if n != nil && *n != 0 && *n != 1 {
			return fmt.Errorf("%s is %d: 0 or 1", name, *n)
		}
		return nil
	}
	if b, err := json.Marshal(u); err == nil && string(b) == "{}" {
		return errors.New("there is nothing to change")
	}
	return cmp.Or(flag("Opening", u.Opening), flag("Status", u.Status))
}

// RoomsService manages rooms that are known by ID. Pages "Get a Room", "Update a Room",
// "Delete a Room". A user must be a member to read a room, and its owner or manager to
// change it; the administrator may do both.
type RoomsService struct{ caller *caller }

func roomRequest(method, room string) request {
	return request{method: method, template: "/rooms/{room}", values: []string{room}}
}

// Get returns a room with its members.
func (s *RoomsService) Get(ctx context.Context, room string, opts ...keyfit.CallOption) (Room, error) {
	return call[Room](ctx, s.caller, roomRequest(http.MethodGet, room), opts)
}

// Update changes a room. An empty change is refused before it is sent.
func (s *RoomsService) Update(ctx context.Context, room string, change RoomUpdate, opts ...keyfit.CallOption) (Room, error) {
	r := roomRequest(http.MethodPut, room)
	r.body, r.err = change, change.check()
	return call[Room](ctx, s.caller, r, opts)
}

// Delete deletes a room with its messages.
func (s *RoomsService) Delete(ctx context.Context, room string, opts ...keyfit.CallOption) error {
	_, err := call[struct{}](ctx, s.caller, roomRequest(http.MethodDelete, room), opts)
	return err
}

// AdminRoomsService is what the administrator may do with rooms: create them, and all of
// [RoomsService]. A user's list of rooms is at [Client.As].
type AdminRoomsService struct{ *RoomsService }

// Create creates a room. An ID that is taken is a 409. Page "Create a Room".
func (s *AdminRoomsService) Create(ctx context.Context, room RoomInput, opts ...keyfit.CallOption) (Room, error) {
	r := request{method: http.MethodPost, template: "/rooms/", body: room}
	switch room.Type {
	case "", DirectRoom, GroupRoom:
	default:
		r.err = fmt.Errorf("the field Type is neither %s nor %s", DirectRoom, GroupRoom)
	}
	return call[Room](ctx, s.caller, r, opts)
}

// RoomQuery selects rooms. The zero value is all of the user's rooms.
type RoomQuery struct {
	// Sort is a list of fields, "-" before a field for descending: "-lastMessage name".
	Sort         string
	Skip         int       // rooms to leave out
	Limit        int       // of a page; 0 is no limit for List, and pages of 100 for All
	UpdatedAfter time.Time // only rooms that were made or had a message after it
	// Pref is a filter on the user's preferences, encoded as JSON: {"hidden": false}.
	Pref        map[string]any
	UnreadFirst bool // rooms with unread messages come first
}

func (q *RoomQuery) values() (url.Values, error) {
	v := url.Values{}
	if q.Sort != "" {
		v.Set("sort", q.Sort)
	}
	if !q.UpdatedAfter.IsZero() {
		v.Set("updatedAfter", queryTime(q.UpdatedAfter))
	}
	if q.Pref != nil {
		pref, err := json.Marshal(q.Pref)
		if err != nil {
			return nil, fmt.Errorf("the field Pref cannot be encoded: %w", err)
		}
		v.Set("pref", string(pref))
	}
	if q.UnreadFirst {
		v.Set("sortUnreadFirst", "1")
	}
	setNumber(v, "skip", q.Skip)
	setNumber(v, "limit", q.Limit)
	return v, cmp.Or(atMost("Limit", q.Limit, 0), atMost("Skip", q.Skip, 0))
}

// UserRoomsService is what a user may do with rooms: list its own, say what it has read,
// and all of [RoomsService].
type UserRoomsService struct{ *RoomsService }

// List reads one page of the user's rooms. Page "List Rooms".
func (s *UserRoomsService) List(ctx context.Context, q RoomQuery, opts ...keyfit.CallOption) (Page[Room], error) {
	r := request{method: http.MethodGet, template: "/rooms", asUser: true}
	r.query, r.err = q.values()
	return call[Page[Room]](ctx, s.caller, r, opts)
}

// All ranges over the user's rooms, from Skip on. A room that moves in the order between
// two pages may come twice or not at all; Sort by a field that does not change is safe.
func (s *UserRoomsService) All(ctx context.Context, q RoomQuery, opts ...keyfit.CallOption) iter.Seq2[Room, error] {
	q.Limit = cmp.Or(q.Limit, 100)
	return bySkip("/rooms", q.Skip, func(r Room) string { return r.ID }, func(skip int) (Page[Room], error) {
		q := q
		q.Skip = skip
		return s.List(ctx, q, opts...)
	})
}

// ReadState is how far a user has read.
type ReadState struct {
	Client   string                     `json:"client"`             // ID of the user
	LastRead string                     `json:"lastRead,omitempty"` // ID of a message
	Badge    int                        `json:"badge"`              // unread messages
	Extra    map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a state and keeps unknown fields.
func (r *ReadState) UnmarshalJSON(b []byte) error {
	type plain ReadState
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON encodes a state, unknown fields included.
func (r ReadState) MarshalJSON() ([]byte, error) {
	type plain ReadState
	return wire.Encode(plain(r), r.Extra)
}

// MarkRead says that the user has read a room up to a message; an older message than
// before changes nothing. Page "Update Last Read".
func (s *UserRoomsService) MarkRead(ctx context.Context, room, message string, opts ...keyfit.CallOption) (ReadState, error) {
	r := request{
		method: http.MethodPut, template: "/rooms/{room}/lastRead", values: []string{room},
		body: map[string]string{"message": message}, err: wire.Require("message", message),
	}
	return call[ReadState](ctx, s.caller, r, opts)
}
