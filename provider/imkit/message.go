package imkit

import (
	"encoding/json"
	"time"

	"github.com/keyfit/keyfit/internal/wire"
)

// Message is one message of a room.
type Message struct {
	ID   string `json:"_id"`
	Room string `json:"room,omitempty"` // ID of the room
	Type string `json:"messageType,omitempty"`
	// Body is the content of the message: usually a string, but any JSON is allowed. See Text.
	Body json.RawMessage `json:"message,omitempty"`
	// Sender is an ID in the response to a sent message and an object elsewhere, so only its
	// ID is always set.
	Sender        Person            `json:"sender,omitzero"`
	Member        *Person           `json:"member,omitempty"` // the subject of a system message
	AppID         string            `json:"appID,omitempty"`
	Pinned        bool              `json:"pinned,omitempty"`
	Reactions     []json.RawMessage `json:"reactions,omitempty"` // the format is not documented
	ReactionCount int               `json:"reactionCount,omitempty"`
	Deleted       bool              `json:"isDeleted,omitempty"`
	SentAt        Millis            `json:"messageTimeMS,omitzero"`
	CreatedAt     Millis            `json:"createdAtMS,omitzero"`
	UpdatedAt     Millis            `json:"updatedAtMS,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a message and keeps unknown fields.
func (m *Message) UnmarshalJSON(b []byte) error {
	type plain Message
	err := wire.Decode(b, (*plain)(m), &m.Extra)
	m.Extra = sameID(&m.ID, m.Extra)
	return err
}

// MarshalJSON encodes a message, unknown fields included.
func (m Message) MarshalJSON() ([]byte, error) {
	type plain Message
	return wire.Encode(plain(m), m.Extra)
}

// Text returns the message if it is a string, and its JSON otherwise.
func (m Message) Text() string {
	if text, ok := wire.String(m.Body); ok {
		return text
	}
	return string(m.Body)
}

// Deletion describes deleted messages.
type Deletion struct {
	Count     int                        `json:"deletedCount"`
	Room      string                     `json:"roomID,omitempty"`
	Message   string                     `json:"messageID,omitempty"` // "_all" for all
	DeletedBy string                     `json:"deletedBy,omitempty"`
	DeletedAt time.Time                  `json:"deletedAt,omitzero"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a deletion and keeps unknown fields.
func (d *Deletion) UnmarshalJSON(b []byte) error {
	type plain Deletion
	return wire.Decode(b, (*plain)(d), &d.Extra)
}

// MarshalJSON encodes a deletion, unknown fields included.
func (d Deletion) MarshalJSON() ([]byte, error) {
	type plain Deletion
	return wire.Encode(plain(d), d.Extra)
}
