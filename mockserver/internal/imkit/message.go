package imkit

import (
	"cmp"
	"container/list"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// platform is the sender of messages that the platform sends without naming a user.
const platform = "admin"

// message is one message of a room.
type message struct {
	id             string
	seq            uint64
	room           *room
	sender, member string // member: the subject of a system message
	kind           string
	text           json.RawMessage // any JSON
	sent, updated  time.Time
	pinned         *bool // nil if never pinned
	element        *list.Element
}

func (m *message) size() int { return sizeOf(m.id, m.sender, m.member, m.kind) + len(m.text) }

// messageUse is the kind of operation whose response contains a message.
type messageUse uint8

const (
	messageSent    messageUse = iota // POST /messages: the sender is an ID
	messageListed                    // lists: reactions, isDeleted
	messageChanged                   // recall, pin: the sender with isRobot
)

// messageView is a message in a response, with the documented fields.
type messageView struct {
	ID            string          `json:"_id"`
	Room          string          `json:"room"`
	Message       json.RawMessage `json:"message"`
	Type          string          `json:"messageType"`
	Sender        any             `json:"sender"`
	Member        *person         `json:"member,omitempty"`
	AppID         string          `json:"appID"`
	Pinned        *bool           `json:"pinned,omitempty"`
	Same          string          `json:"id,omitempty"`
	TimeMS        int64           `json:"messageTimeMS"`
	UpdatedMS     int64           `json:"updatedAtMS"`
	CreatedMS     int64           `json:"createdAtMS"`
	Reactions     *[]struct{}     `json:"reactions,omitempty"`
	ReactionCount *int            `json:"reactionCount,omitempty"`
	IsDeleted     *bool           `json:"isDeleted,omitempty"`
}

func (a *app) view(m *message, c *surface.Call, use messageUse) messageView {
	v := messageView{
		ID: m.id, Room: m.room.id, Message: m.text, Type: m.kind, AppID: appID,
		TimeMS: m.sent.UnixMilli(), UpdatedMS: m.updated.UnixMilli(), CreatedMS: m.sent.UnixMilli(),
	}
	if m.pinned != nil {
		pinned := *m.pinned
		v.Pinned = &pinned
	}
	if m.member != "" {
		p := a.person(m.member)
		v.Member = &p
	}
	asID := c.Variants&surface.SenderStrings != 0 || use == messageSent && c.Variants&surface.SenderObjects == 0
	switch {
	case asID:
		v.Sender = m.sender
	case use == messageChanged:
		v.Sender = a.member(m.sender)
	default:
		v.Sender = a.person(m.sender)
	}
	if use == messageSent {
		return v
	}
	v.Same = m.id
	if use == messageListed {
		v.Reactions, v.ReactionCount, v.IsDeleted = &[]struct{}{}, new(int), new(bool)
	}
	return v
}

// post appends a message to a room, counts it as unread and drops the oldest
// messages if there are too many.
func (a *app) post(r *room, m *message, now time.Time) *message {
	a.seq++
	m.id, m.seq, m.room, m.sent, m.updated = a.ids.next(now), a.seq, r, now, now
	m.element = a.oldest.PushBack(m)
	a.messages[m.id] = m
	a.bytes += m.size()
	r.messages = append(r.messages, m)
	for id, read := range r.reads {
		if id != m.sender {
			read.unread++
		}
	}
	if r.webhook != "" {
		a.notify(r, eventMessage, m.sender, a.view(m, &surface.Call{}, messageListed))
	}
	for a.bytes > maxMessageBytes || a.oldest.Len() > maxMessages {
		first, ok := a.oldest.Front().Value.(*message)
		if !ok || first == m {
			break
		}
		a.drop(first)
	}
	return m
}

// drop removes a message.
func (a *app) drop(m *message) {
	a.oldest.Remove(m.element)
	delete(a.messages, m.id)
	a.bytes -= m.size()
	r := m.room
	at, found := slices.BinarySearchFunc(r.messages, m.seq, func(x *message, seq uint64) int { return cmp.Compare(x.seq, seq) })
	switch {
	case found && at == 0: // the usual case: no element moves
		r.messages[0] = nil
		r.messages = r.messages[1:]
	case found:
		r.messages = slices.Delete(r.messages, at, at+1)
	}
	for id, read := range r.reads {
		if m.seq > read.upTo && m.sender != id && read.unread > 0 {
			read.unread--
		}
	}
}

// dropAll removes all messages of a room.
func (a *app) dropAll(r *room) {
	for _, m := range r.messages {
		a.oldest.Remove(m.element)
		delete(a.messages, m.id)
		a.bytes -= m.size()
	}
	r.messages = nil
	for _, read := range r.reads {
		read.unread = 0
	}
}

// postSystemMessage posts a system message about a member, whose text is the
// nickname.
func (a *app) postSystemMessage(r *room, kind, sender, about string, now time.Time) {
	p := a.person(about)
	a.post(r, &message{sender: sender, member: about, kind: kind, text: text(firstOf(p.Nickname, about))}, now)
}

func text(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`) // a string always encodes
	}
	return b
}

// maySend returns an error if a sender cannot send to a room: the room is frozen,
// the sender is banned there, or one of the two users in a direct room has
// blocked the other.
func (a *app) maySend(r *room, sender string) error {
	if r.status == 0 {
		return forbidden("Forbidden", "The room is frozen")
	}
	if a.blocks[blockKey{room: r.id, blockee: sender}] != nil {
		return forbidden("Forbidden", "The sender is banned in this room")
	}
	if r.kind == "direct" {
		for _, id := range r.members {
			if a.blocks[blockKey{blocker: id, blockee: sender}] != nil || a.blocks[blockKey{blocker: sender, blockee: id}] != nil {
				return forbidden("Forbidden", "One of the two users has blocked the other")
			}
		}
	}
	return nil
}

func (a *app) send(c *surface.Call) (any, error) {
	var in struct {
		Message  json.RawMessage `json:"message"`
		Type     string          `json:"messageType"`
		Room     string          `json:"room"`
		Sender   string          `json:"sender"`
		Push     bool            `json:"push"`
		Skip     bool            `json:"skipTotalBadge"`
		Mentions []string        `json:"mentions"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	switch {
	case !present(in.Message):
		return nil, missing("message")
	case in.Type == "":
		return nil, missing("messageType")
	case in.Room == "":
		return nil, missing("room")
	case in.Sender == "":
		return nil, missing("sender")
	}
	r := a.rooms[in.Room]
	if r == nil {
		return nil, roomNotFound()
	}
	if !a.exists(in.Sender) {
		return nil, clientNotFound()
	}
	if err := a.maySend(r, in.Sender); err != nil {
		return nil, err
	}
	m := a.post(r, &message{sender: in.Sender, kind: in.Type, text: in.Message}, c.Now)
	return a.view(m, c, messageSent), nil
}

// recall empties a message. Its sender and the managers of the room may do so.
func (a *app) recall(c *surface.Call) (any, error) {
	var in struct {
		ID   string `json:"_id"`
		Type string `json:"messageType"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	switch {
	case in.Type == "":
		return nil, missing("messageType")
	case in.Type != "recall":
		return nil, invalidBody(`messageType must be "recall"`)
	case in.ID == "":
		return nil, missing("_id")
	}
	r, err := a.roomFor(c, c.PathValue("id"), roomNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	m := a.messages[in.ID]
	switch {
	case m == nil || m.room != r:
		return nil, messageNotFound()
	case !superuser(c, r) && m.sender != c.Caller.User:
		return nil, forbidden("Forbidden", "Only the sender, room owner, manager, or platform admin can recall a message")
	}
	a.bytes -= m.size()
	m.kind, m.text, m.updated = "recall", text(""), c.Now
	a.bytes += m.size()
	return a.view(m, c, messageChanged), nil
}

// deleteMessages deletes one message, or all messages of a room for the ID _all.
func (a *app) deleteMessages(c *surface.Call) (any, error) {
	by, err := a.viewer(c)
	if err != nil {
		return nil, err
	}
	r, id := a.rooms[c.PathValue("id")], c.PathValue("message")
	switch {
	case r == nil:
		return nil, roomNotFound()
	case !superuser(c, r):
		return nil, refused(http.StatusForbidden, "Permission denied", "INSUFFICIENT_PERMISSION",
			"Only platform admin, room owner or room manager can delete messages")
	}
	count, rm := len(r.messages), "All messages deleted successfully"
	if id == "_all" {
		a.dropAll(r)
	} else {
		m := a.messages[id]
		if m == nil || m.room != r {
			return nil, messageNotFound()
		}
		a.drop(m)
		count, rm = 1, "Message deleted successfully"
	}
	return resultWithMessage{rm, struct {
		Count int    `json:"deletedCount"`
		Room  string `json:"roomID"`
		ID    string `json:"messageID"`
		By    string `json:"deletedBy"`
		At    string `json:"deletedAt"`
	}{count, r.id, id, firstOf(by, platform), iso(c.Now)}}, nil
}

func (a *app) pin(c *surface.Call) (any, error)   { return a.setPin(c, true) }
func (a *app) unpin(c *surface.Call) (any, error) { return a.setPin(c, false) }

func (a *app) setPin(c *surface.Call, pinned bool) (any, error) {
	m := a.messages[c.PathValue("id")]
	if m == nil {
		return nil, messageNotFound()
	}
	r, err := a.roomFor(c, m.room.id, roomNotFound(), notMember())
	switch {
	case err != nil:
		return nil, err
	case !superuser(c, r):
		return nil, forbidden("Forbidden", "Only room owner, manager, or platform admin can pin messages")
	}
	m.pinned, m.updated = &pinned, c.Now
	return a.view(m, c, messageChanged), nil
}
