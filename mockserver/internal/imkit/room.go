package imkit

import (
	"maps"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// room is a chat room. Slices are never modified in place.
type room struct {
	id, kind                  string
	name, cover, description  string
	webhook, extParams, owner string
	tags, managers, members   []string
	botMode                   bool
	opening, status           int
	created                   time.Time
	properties                map[string]properties // by member; never modified in place
	reads                     map[string]*readState // one for each member
	messages                  []*message            // in the order of sending
	invited                   []string              // members to be, who have to accept
}

// readState is the read position of a member.
type readState struct {
	upTo   uint64 // seq of the last read message
	last   string // ID of the message that the member reported as read
	unread int
}

func (r *room) size() int {
	n := 0
	for _, p := range r.properties {
		n += p.size()
	}
	n += sizeOf(r.id, r.name, r.cover, r.description, r.webhook, r.extParams, r.owner)
	for _, list := range [][]string{r.tags, r.managers, r.members, r.invited} {
		for _, s := range list {
			n += len(s) + 64
		}
	}
	return n
}

// updateRoomState runs f on a copy of the room and stores the copy if its size
// fits.
func (a *app) updateRoomState(r *room, f func(*room)) error {
	next := *r
	f(&next)
	if err := a.reserve(next.size() - r.size()); err != nil {
		return err
	}
	*r = next
	return nil
}

// exists reports whether id may be a member of a room: a user or a group.
func (a *app) exists(id string) bool { return a.users[id] != nil || a.groups[id] != nil }

// memberAs returns the member through which user belongs to the room: the user
// itself or a group; "" if it does not belong to it.
func (a *app) memberAs(r *room, user string) string {
	if r.reads[user] != nil {
		return user
	}
	if len(a.groups) == 0 {
		return ""
	}
	for _, id := range r.members {
		if g := a.groups[id]; g != nil && slices.Contains(g.members, user) {
			return id
		}
	}
	return ""
}

// managedBy reports whether user is the owner or a manager of the room.
func (r *room) managedBy(user string) bool {
	return user != "" && (user == r.owner || slices.Contains(r.managers, user))
}

// superuser reports whether the caller may manage the room.
func superuser(c *surface.Call, r *room) bool { return isAdmin(c) || r.managedBy(c.Caller.User) }

// roomFor returns the room with an ID. It returns the error absent for an unknown
// room and outside for a user who is not a member.
func (a *app) roomFor(c *surface.Call, id string, absent, outside *apiError) (*room, error) {
	if _, err := a.viewer(c); err != nil {
		return nil, err
	}
	r := a.rooms[id]
	switch {
	case r == nil:
		return nil, absent
	case !isAdmin(c) && a.memberAs(r, c.Caller.User) == "":
		return nil, outside
	}
	return r, nil
}

type roomInput struct {
	ID          string   `json:"_id"`
	Name        string   `json:"name"`
	Cover       string   `json:"cover"`
	Type        string   `json:"roomType"`
	Members     []string `json:"members"`
	Description string   `json:"description"`
	Tags        []string `json:"roomTags"`
	Webhook     string   `json:"webhook"`
	BotMode     bool     `json:"botMode"`
	ExtParams   string   `json:"extParams"`
	System      bool     `json:"systemMessage"`
	Owner       string   `json:"owner"`
}

// createRoom creates a room. The caller does not become a member.
func (a *app) createRoom(c *surface.Call) (any, error) {
	var in roomInput
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	switch in.Type {
	case "":
		in.Type = "group"
	case "direct", "group":
	default:
		return nil, invalidBody(`roomType must be "direct" or "group"`)
	}
	if in.ID == "" {
		in.ID = a.ids.next(c.Now)
	}
	switch {
	case !validID(in.ID):
		return nil, invalidBody("_id is not valid")
	case a.rooms[in.ID] != nil:
		return nil, roomExists()
	case in.Owner != "" && a.users[in.Owner] == nil:
		return nil, clientNotFound()
	}
	if len(in.Members) > maxMembers {
		return nil, tooManyMembers()
	}
	for _, id := range in.Members {
		if !a.exists(id) {
			return nil, clientNotFound()
		}
	}
	r, err := a.makeRoom(&in, c.Now)
	if err != nil {
		return nil, err
	}
	if in.System {
		for _, id := range r.members {
			a.postSystemMessage(r, "addMember", firstOf(r.owner, id), id, c.Now)
		}
	}
	return a.roomView(r, c, roomCreated), nil
}

func (a *app) makeRoom(in *roomInput, now time.Time) (*room, error) {
	r := &room{
		id: in.ID, kind: in.Type, name: in.Name, cover: in.Cover, description: in.Description,
		webhook: in.Webhook, extParams: in.ExtParams, owner: in.Owner, tags: unique(in.Tags), members: unique(in.Members),
		botMode: in.BotMode, opening: 1, status: 1, created: now, reads: make(map[string]*readState),
	}
	if err := a.reserve(r.size()); err != nil {
		return nil, err
	}
	for _, id := range r.members {
		r.reads[id] = &readState{upTo: a.seq}
	}
	if r.kind == "direct" && len(r.members) == 2 {
		a.direct[directID(r.members[0], r.members[1])] = r.id
	}
	a.rooms[r.id] = r
	a.roomOrder = append(a.roomOrder, r.id)
	return r, nil
}

// directRoom returns the direct room of two users and creates it if necessary:
// blocking a user and sending to a receiver require one.
func (a *app) directRoom(one, other string, now time.Time) (*room, error) {
	id := directID(one, other)
	if r := a.rooms[a.direct[id]]; r != nil && len(r.members) == 2 && r.reads[one] != nil && r.reads[other] != nil {
		return r, nil
	}
	if a.rooms[id] != nil { // a member has left the existing room
		id = a.ids.next(now)
	}
	return a.makeRoom(&roomInput{ID: id, Type: "direct", Members: []string{one, other}}, now)
}

func (a *app) getRoom(c *surface.Call) (any, error) {
	r, err := a.roomFor(c, c.PathValue("id"), roomIDNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	return a.roomView(r, c, roomDetails), nil
}

type roomChange struct {
	Name        *string   `json:"name"`
	Cover       *string   `json:"cover"`
	Description *string   `json:"description"`
	Tags        *[]string `json:"roomTags"`
	Webhook     *string   `json:"webhook"`
	BotMode     *bool     `json:"botMode"`
	ExtParams   *string   `json:"extParams"`
	Opening     *int      `json:"opening"`
	Owner       *string   `json:"owner"`
	Managers    *[]string `json:"managers"`
	Status      *int      `json:"status"`
}

func (a *app) updateRoom(c *surface.Call) (any, error) {
	var in roomChange
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if _, err := a.viewer(c); err != nil {
		return nil, err
	}
	r := a.rooms[c.PathValue("id")]
	if r == nil {
		return nil, roomIDNotFound()
	}
	if err := a.mayChange(c, r, &in); err != nil {
		return nil, err
	}
	if err := a.updateRoomState(r, in.apply); err != nil {
		return nil, err
	}
	view := a.roomView(r, c, roomPlain)
	if in.Status != nil && *in.Status == 0 {
		return resultWithMessage{"Room frozen successfully", view}, nil // page "Freeze Chatroom"
	}
	return view, nil
}

// mayChange checks the caller's right to a change, and its values.
func (a *app) mayChange(c *surface.Call, r *room, in *roomChange) error {
	flag := func(n *int) bool { return n == nil || *n == 0 || *n == 1 }
	switch {
	case !superuser(c, r) && in.Status != nil:
		return forbidden("Permission denied", "Only room owner, manager, or platform admin can freeze room")
	case !superuser(c, r):
		return forbidden("Forbidden", "Only room owner, manager, or platform admin can update room")
	case (in.Owner != nil || in.Managers != nil) && !isAdmin(c) && c.Caller.User != r.owner:
		return forbidden("Forbidden", "Only room owner or platform admin can change owner and managers")
	case !flag(in.Opening) || !flag(in.Status):
		return invalidBody("opening and status must be 0 or 1")
	case in.Owner != nil && *in.Owner != "" && a.users[*in.Owner] == nil:
		return clientNotFound()
	}
	if in.Managers != nil {
		for _, id := range *in.Managers {
			if a.users[id] == nil {
				return clientNotFound()
			}
		}
	}
	return nil
}

func (in *roomChange) apply(r *room) {
	setIfGiven(&r.name, in.Name)
	setIfGiven(&r.cover, in.Cover)
	setIfGiven(&r.description, in.Description)
	setIfGiven(&r.webhook, in.Webhook)
	setIfGiven(&r.extParams, in.ExtParams)
	setIfGiven(&r.owner, in.Owner)
	setIfGiven(&r.botMode, in.BotMode)
	setIfGiven(&r.opening, in.Opening)
	setIfGiven(&r.status, in.Status)
	if in.Tags != nil {
		r.tags = unique(*in.Tags)
	}
	if in.Managers != nil {
		r.managers = unique(*in.Managers)
	}
}

// setIfGiven sets *to to *from unless from is nil.
func setIfGiven[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// firstOf returns the first non-empty string.
func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// deleteRoom removes the room with its messages and its bans.
func (a *app) deleteRoom(c *surface.Call) (any, error) {
	if _, err := a.viewer(c); err != nil {
		return nil, err
	}
	r := a.rooms[c.PathValue("id")]
	switch {
	case r == nil:
		return nil, roomNotFound()
	case !superuser(c, r):
		return nil, forbidden("Forbidden", "Only room owner, manager, or platform admin can delete room")
	}
	a.dropAll(r)
	for key, b := range a.blocks {
		if b.room == r.id {
			a.unblock(key)
		}
	}
	_ = a.reserve(-r.size()) // releasing never fails
	delete(a.rooms, r.id)
	maps.DeleteFunc(a.direct, func(_, id string) bool { return id == r.id })
	a.roomOrder = slices.DeleteFunc(a.roomOrder, func(id string) bool { return id == r.id })
	return struct {
		N  int `json:"n"`
		OK int `json:"ok"`
	}{1, 1}, nil
}
