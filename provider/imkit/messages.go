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

// TimeField is the time of a message that [MessageQuery.AfterTime] looks at.
type TimeField string

// The times of a message.
const (
	ByUpdatedAt   TimeField = "updatedAt" // the vendor's default
	ByCreatedAt   TimeField = "createdAt"
	ByMessageTime TimeField = "messageTime"
)

// MessageQuery selects messages of a room. The zero value is the newest 20.
type MessageQuery struct {
	Limit         int       // of a page; 0 is the vendor's 20 for List, and 100 for All
	BeforeMessage string    // ID: only messages before it
	AfterMessage  string    // ID: only messages after it
	AfterTime     time.Time // only messages after it, by TimeField
	TimeField     TimeField // "" is ByUpdatedAt
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
		err = errors.New("the field TimeField is not one of the documented three")
	}
	return v, err
}

// MessagesService reads and manages the messages of rooms. Pages "List Messages", "Recall
// a Message", "Delete a Message", "Pin a Message". A user must be a member of the room,
// and its owner or manager to delete and pin; a sender may recall.
type MessagesService struct{ caller *caller }

const messagesPath = "/rooms/{room}/messages/v3"

// List reads one page of messages, newest first.
func (s *MessagesService) List(ctx context.Context, room string, q MessageQuery, opts ...keyfit.CallOption) (Page[Message], error) {
	r := request{method: http.MethodGet, template: messagesPath, values: []string{room}}
	r.query, r.err = q.values()
	return call[Page[Message]](ctx, s.caller, r, opts)
}

// All ranges over the messages that the query selects, newest first, and ends before
// AfterMessage. Messages that arrive meanwhile are not among them.
//
// The vendor does not say from which end a page with afterMessage alone is cut, so the
// way is always back from the newest message.
func (s *MessagesService) All(ctx context.Context, room string, q MessageQuery, opts ...keyfit.CallOption) iter.Seq2[Message, error] {
	q.Limit = cmp.Or(q.Limit, 100) // the highest that the page advises
	return items(messagesPath, q.BeforeMessage, func(m Message) string { return m.ID }, func(before string) ([]Message, string, bool, error) {
		q := q
		after := q.AfterMessage
		if q.BeforeMessage = before; before == "" {
			q.AfterMessage = ""
		}
		p, err := s.List(ctx, room, q, opts...)
		if err != nil || len(p.Data) == 0 {
			return nil, "", false, err
		}
		if end := slices.IndexFunc(p.Data, func(m Message) bool { return after != "" && m.ID == after }); end >= 0 {
			return p.Data[:end], "", false, nil
		}
		next := p.Data[len(p.Data)-1].ID
		if next == "" {
			return p.Data, "", false, fmt.Errorf("imkit: GET %s: a message has no ID to go on from", messagesPath)
		}
		// A page that is not full is the last, if the server keeps to the limit asked.
		return p.Data, next, q.Limit > 100 || len(p.Data) >= q.Limit, nil
	})
}

// Recall empties a message: its type becomes "recall".
func (s *MessagesService) Recall(ctx context.Context, room, message string, opts ...keyfit.CallOption) (Message, error) {
	r := request{
		method: http.MethodPost, template: "/rooms/{room}/message", values: []string{room},
		body: map[string]string{"_id": message, "messageType": "recall"}, err: wire.Require("message", message),
	}
	return call[Message](ctx, s.caller, r, opts)
}

// everyMessage stands in a path for all messages of a room.
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

// Unpin ends that.
func (s *MessagesService) Unpin(ctx context.Context, message string, opts ...keyfit.CallOption) (Message, error) {
	return s.pin(ctx, http.MethodDelete, message, opts)
}

func (s *MessagesService) pin(ctx context.Context, method, message string, opts []keyfit.CallOption) (Message, error) {
	r := request{method: method, template: "/messages/{message}/pin", values: []string{message}}
	return call[Message](ctx, s.caller, r, opts)
}
