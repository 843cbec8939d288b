package imkit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// TimeField selects the time of a message that [MessageQuery.AfterTime] refers to.
type TimeField string

// The times of a message.
const (
	ByUpdatedAt   TimeField = "updatedAt" // the vendor's default
	ByCreatedAt   TimeField = "createdAt"
	ByMessageTime TimeField = "messageTime"
)

// MessageQuery selects messages of a room. The zero value selects the newest 20.
type MessageQuery struct {
	Limit         int       // messages per page; 0 means 20 (the vendor's default) in List and 100 in All
	BeforeMessage string    // message ID; selects only earlier messages
	AfterMessage  string    // message ID; selects only later messages
	AfterTime     time.Time // selects only later messages, compared by TimeField
	TimeField     TimeField // default: ByUpdatedAt
}

func (q *MessageQuery) values() (url.Values, error) {
	v := url.Values{}
	for name, value := range map[string]string{
		"beforeMessage": q.BeforeMessage, "afterMessage": q.AfterMessage, "timeRangeField": string(q.TimeField),
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if !q.AfterTime.IsZero() {
		v.Set("afterTime", queryTime(q.AfterTime))
	}
	setNumber(v, "limit", q.Limit)
	err := atMost("Limit", q.Limit, 0)
	switch q.TimeField {
	case "", ByUpdatedAt, ByCreatedAt, ByMessageTime:
	default:
		err = errors.New("the field TimeField is not one of the three documented values")
	}
	return v, err
}

// MessagesService reads and manages the messages of rooms. A user must be a member of the
// room; only its owner and managers may delete and pin; a sender may recall. Pages "List
// Messages", "Recall a Message", "Delete a Message", "Pin a Message".
type MessagesService struct{ caller *caller }

const messagesPath = "/rooms/{room}/messages/v3"

// List reads one page of messages, newest first.
func (s *MessagesService) List(ctx context.Context, room string, q MessageQuery, opts ...keyfit.CallOption) (Page[Message], error) {
	r := request{method: http.MethodGet, template: messagesPath, values: []string{room}}
	r.query, r.err = q.values()
	return call[Page[Message]](ctx, s.caller, r, opts)
}

// All iterates over the selected messages, newest first, and ends before AfterMessage. It
// does not include messages that arrive during the iteration.
//
// All always pages backwards from the newest message, because the vendor does not document
// at which end a page with only afterMessage is cut.
func (s *MessagesService) All(ctx context.Context, room string, q MessageQuery, opts ...keyfit.CallOption) iter.Seq2[Message, error] {
	q.Limit = cmp.Or(q.Limit, 100) // the highest recommended value
	return items(messagesPath, q.BeforeMessage, func(m Message) string { return m.ID }, func(before string) ([]Message, string, bool, error) {
		q := q
		after := q.AfterMessage
		if q.BeforeMessage = before; before == "" {
			q.AfterMessage = ""
		}
		p, err := s.List(ctx, room, q, opts...)
		if err != nil || len(p.Items) == 0 {
			return nil, "", false, err
		}
		if end := slices.IndexFunc(p.Items, func(m Message) bool { return after != "" && m.ID == after }); end >= 0 {
			return p.Items[:end], "", false, nil
		}
		next := p.Items[len(p.Items)-1].ID
		if next == "" {
			return p.Items, "", false, fmt.Errorf("imkit: GET %s: a message has no ID, so paging cannot continue", messagesPath)
		}
		// A page with fewer messages than requested is the last, unless the server caps the
		// limit.
		return p.Items, next, q.Limit > 100 || len(p.Items) >= q.Limit, nil
	})
}

// Recall empties a message and changes its type to "recall".
func (s *MessagesService) Recall(ctx context.Context, room, message string, opts ...keyfit.CallOption) (Message, error) {
	r := request{
		method: http.MethodPost, template: "/rooms/{room}/message", values: []string{room},
		body: map[string]string{"_id": message, "messageType": "recall"}, err: wire.Require("message", message),
	}
	return call[Message](ctx, s.caller, r, opts)
}

// everyMessage is the ID for all messages of a room.
const everyMessage = "_all"

// Delete deletes one message.
func (s *MessagesService) Delete(ctx context.Context, room, message string, opts ...keyfit.CallOption) (Deletion, error) {
	r := deletion(room, message)
	if message == everyMessage {
		r.err = errors.New("_all means every message; see DeleteAll")
	}
	return call[Deletion](ctx, s.caller, r, opts)
}

// DeleteAll deletes every message of a room.
func (s *MessagesService) DeleteAll(ctx context.Context, room string, opts ...keyfit.CallOption) (Deletion, error) {
	return call[Deletion](ctx, s.caller, deletion(room, everyMessage), opts)
}

func deletion(room, message string) request {
	return request{method: http.MethodDelete, template: "/rooms/{room}/messages/{message}", values: []string{room, message}}
}

// Pin pins a message in its room.
func (s *MessagesService) Pin(ctx context.Context, message string, opts ...keyfit.CallOption) (Message, error) {
	return s.pin(ctx, http.MethodPost, message, opts)
}

// Unpin unpins a message.
func (s *MessagesService) Unpin(ctx context.Context, message string, opts ...keyfit.CallOption) (Message, error) {
	return s.pin(ctx, http.MethodDelete, message, opts)
}

func (s *MessagesService) pin(ctx context.Context, method, message string, opts []keyfit.CallOption) (Message, error) {
	r := request{method: method, template: "/messages/{message}/pin", values: []string{message}}
	return call[Message](ctx, s.caller, r, opts)
}
