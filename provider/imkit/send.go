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
	Body   any    `json:"message"`     // a string or a value that encodes as JSON; not nil
	// Push says whether the members get a push notification. Default of the vendor: true.
	Push           *bool    `json:"push,omitempty"`
	SkipTotalBadge bool     `json:"skipTotalBadge,omitempty"` // do not count the message as unread
	Mentions       []string `json:"mentions,omitempty"`       // IDs of users
}

func bodyGiven(body any) error {
	if body == nil {
		return errors.New("the Body is nil")
	}
	return nil
}

// AdminMessagesService adds sending to [MessagesService].
type AdminMessagesService struct{ *MessagesService }

// Send sends a message on behalf of a user. It is not retried if the response is lost,
// because the vendor documents no idempotency key. Page "Send a Message".
func (s *AdminMessagesService) Send(ctx context.Context, message MessageInput, opts ...keyfit.CallOption) (Message, error) {
	r := request{method: http.MethodPost, template: "/messages", body: message}
	r.err = cmp.Or(wire.Require("Room", message.Room, "Sender", message.Sender, "Type", message.Type), bodyGiven(message.Body))
	return call[Message](ctx, s.caller, r, opts)
}

// Recipient is a recipient of a batch: a user or a room. If both are set, the vendor sends to
// the room.
type Recipient struct {
	Receiver string // ID of a user
	Room     string
	// Values replace $name$ in the message: {"name": "Alice"}.
	Values map[string]string
}

// MarshalJSON encloses the names of Values in dollar signs, as the vendor requires.
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
			return errors.New("a name in Values is empty or contains a $: write it without")
		}
	}
	return nil
}

// BatchInput is a message to several recipients.
type BatchInput struct {
	Sender         string      `json:"sender,omitempty"` // ID of a user; default: the platform
	Type           string      `json:"messageType"`      // "text" …; required
	Body           any         `json:"message"`          // may contain $name$, see Recipient.Values; not nil
	Push           bool        `json:"push,omitempty"`   // send push notifications; default: false, unlike Send
	SkipTotalBadge bool        `json:"skipTotalBadge,omitempty"`
	To             []Recipient `json:"paras"` // at least one
}

// Batch is a batch that the vendor has accepted.
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

// SendBatch sends a message to several recipients. The response only means that the vendor
// has accepted the batch, which it sends later. Page "Batch Send Messages".
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
