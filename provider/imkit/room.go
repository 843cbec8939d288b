package imkit

import (
	"encoding/json"

	"github.com/keyfit/keyfit/internal/wire"
)

// RoomType is the type of a room.
type RoomType string

// The types of rooms.
const (
	DirectRoom RoomType = "direct" // of two users
	GroupRoom  RoomType = "group"
)

// Room is a chat room. Which fields are set depends on the operation.
type Room struct {
	ID          string   `json:"_id"`
	AppID       string   `json:"appID,omitempty"`
	Name        string   `json:"name,omitempty"`
	Cover       string   `json:"cover,omitempty"` // URL of an image
	Description string   `json:"description,omitempty"`
	Type        RoomType `json:"roomType,omitempty"`
	Tags        []string `json:"roomTags,omitempty"`
	// Status is 0 for a frozen room and otherwise 1; nil if the response has none. See Frozen.
	Status        *int            `json:"status,omitempty"`
	Webhook       string          `json:"webhook,omitempty"` // URL
	BotMode       bool            `json:"botMode,omitempty"`
	BotState      json.RawMessage `json:"botState,omitempty"` // the format is not documented
	Encrypted     bool            `json:"encrypted,omitempty"`
	ServiceStatus int             `json:"serviceStatus,omitempty"`
	LastMessage   *Message        `json:"lastMessage,omitempty"`
	// Members are IDs in the response to the creation of a room and objects elsewhere, so
	// only their IDs are always set.
	Members          []Person      `json:"members,omitempty"`
	MemberProperties []MemberState `json:"memberProperties,omitempty"`
	CreatedAt        Millis        `json:"createdTimeMS,omitzero"`

	// Unread, Muted, Preferences and Superuser refer to the calling user.
	Unread      int        `json:"unread,omitempty"` // messages
	Muted       bool       `json:"muted,omitempty"`
	Preferences Preference `json:"pref,omitzero"`
	Superuser   bool       `json:"isSuperuser,omitempty"` // may manage the room

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes an ID or an object, and keeps unknown fields.
func (r *Room) UnmarshalJSON(b []byte) error {
	if id, ok := wire.String(b); ok {
		*r = Room{ID: id}
		return nil
	}
	type plain Room
	err := wire.Decode(b, (*plain)(r), &r.Extra)
	r.Extra = sameID(&r.ID, r.Extra)
	return err
}

// MarshalJSON encodes an object, unknown fields included.
func (r Room) MarshalJSON() ([]byte, error) {
	type plain Room
	return wire.Encode(plain(r), r.Extra)
}

// MemberIDs returns the IDs of the members.
func (r Room) MemberIDs() []string { return idsOf(r.Members) }

// Frozen reports whether the room is known to be frozen, so that nobody can send to it.
func (r Room) Frozen() bool { return r.Status != nil && *r.Status == 0 }

// MemberState is the read position of a member of a room.
type MemberState struct {
	Client   string                     `json:"client"`             // ID of the member
	Badge    int                        `json:"badge"`              // unread messages
	LastRead string                     `json:"lastRead,omitempty"` // ID of a message
	Extra    map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a member's state and keeps unknown fields.
func (m *MemberState) UnmarshalJSON(b []byte) error {
	type plain MemberState
	return wire.Decode(b, (*plain)(m), &m.Extra)
}

// MarshalJSON encodes a member's state, unknown fields included.
func (m MemberState) MarshalJSON() ([]byte, error) {
	type plain MemberState
	return wire.Encode(plain(m), m.Extra)
}

// Preference holds a user's preferences for a room.
type Preference struct {
	Tags      []string                   `json:"tags,omitempty"`
	TagColors map[string]string          `json:"tagColors,omitempty"` // by tag
	Hidden    bool                       `json:"hidden,omitempty"`
	Sticky    bool                       `json:"sticky,omitempty"`
	Muted     bool                       `json:"muted,omitempty"`
	Folder    string                     `json:"folder,omitempty"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes preferences and keeps unknown fields.
func (p *Preference) UnmarshalJSON(b []byte) error {
	type plain Preference
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON encodes preferences, unknown fields included.
func (p Preference) MarshalJSON() ([]byte, error) {
	type plain Preference
	return wire.Encode(plain(p), p.Extra)
}
