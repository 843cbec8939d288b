package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// MessageInput is a message to send to a room.
type MessageInput struct {
	Room   string `json:"room"`        // required
	Sender string `json:"sender"`      // ID of a user; required
	Type   string `json:"messageType"` // "text" …; required
	Body   any    `json:"message"`     // a string, or what encodes as JSON; not nil
	// Push says whether the members get a push notification; nil is the vendor's default,
	// true.
	Push           *bool    `json:"push,omitempty"`
	SkipTotalBadge bool     `json:"skipTotalBadge,omitempty"` // do not count it as unread
	Mentions       []string `json:"mentions,omitempty"`       // IDs of users
}

func bodyGiven(body any) error {
	if body == nil {
		return errors.New("the Body is nil")
	}
	return nil
}

// AdminMessagesService is what the administrator may do with messages: send them, and all
// of [MessagesService].
type AdminMessagesService struct{ *MessagesService }

// Send sends a message in the name of a user. It is not sent again when the answer is
// lost, since the vendor documents nothing that would tell a second one from the first.
// Page "Send a Message".
func (s *AdminMessagesService) Send(ctx context.Context, message MessageInput, opts ...keyfit.CallOption) (Message, error) {
	r := request{method: http.MethodPost, template: "/messages", body: message}
	r.err = cmp.Or(wire.Require("Room", message.Room, "Sender", message.Sender, "Type", message.Type), bodyGiven(message.Body))
	return call[Message](ctx, s.caller, r, opts)
}

// Recipient is one addressee of a batch: a user or a room. If both are given the vendor
// sends to the room.
type Recipient struct {
	Receiver string // ID of a user
	Room     string
	// Values take the place of $name$ in the message: {"name": "Alice"}.
	Values map[string]string
}

// MarshalJSON writes the names of Values between dollar signs, as the vendor wants them.
func (r Recipient) MarshalJSON() ([]byte, error) {
	para := make(map[string]string, len(r.Values)+2)
	for name, value := range r.Values {
		para["$"+name+"$"] = value
	}
	for name, value := range map[string]string{"receiver": r.Receiver, "room": r.Room} {
		if value != "" {
			para[name] = value
		}
	}
	return json.Marshal(para)
}

func (r *Recipient) check() error {
	if r.Receiver == "" && r.Room == "" {
		return errors.New("neither Receiver nor Room is set")
	}
	for name := range r.Values {
		if name == "" || strings.Contains(name, "$") {
			return errors.New("a name in Values is empty or has a $ in it: write it without")
		}
	}
	return nil
}

// BatchInput is one message to many.
type BatchInput struct {
	Sender         string      `json:"sender,omitempty"` // ID of a user; "" is the platform
	Type           string      `json:"messageType"`      // "text" …; required
	Body           any         `json:"message"`          // with $name$ for Recipient.Values; not nil
	Push           bool        `json:"push,omitempty"`   // notify; not by default, other than in Send
	SkipTotalBadge bool        `json:"skipTotalBadge,omitempty"`
	To             []Recipient `json:"paras"` // at least one
}

// Batch is a batch that the vendor has taken on.
type Batch struct {
	ID    string                     `json:"batchID"`
	Count int                        `json:"count"` // messages
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a batch and keeps unknown fields.
func (b *Batch) UnmarshalJSON(data []byte) error {
	type plain Batch
	return wire.Decode(data, (*plain)(b), &b.Extra)
}

// MarshalJSON encodes a batch, unknown fields included.
func (b Batch) MarshalJSON() ([]byte, error) {
	type plain Batch
	return wire.Encode(plain(b), b.Extra)
}

// SendBatch has the vendor send one message to many, later: the answer says only that the
// batch was taken on. Page "Batch Send Messages".
func (s *AdminMessagesService) SendBatch(ctx context.Context, batch BatchInput, opts ...keyfit.CallOption) (Batch, error) {
	r := request{method: http.MethodPost, template: "/messages/batch", body: batch}
	r.err = cmp.Or(wire.Require("Type", batch.Type), bodyGiven(batch.Body))
	if len(batch.To) == 0 {
		r.err = cmp.Or(r.err, errors.New("there are no recipients: To is empty"))
	}
	for i := range batch.To {
		if err := batch.To[i].check(); err != nil {
			r.err = cmp.Or(r.err, fmt.Errorf("recipient To[%d]: %w", i, err))
		}
	}
	return call[Batch](ctx, s.caller, r, opts)
}
