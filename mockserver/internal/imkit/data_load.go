package imkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// load fills an empty application from d. An error names the element and the
// member. Items without a time get the current time.
func (a *app) load(d *contents) error {
	var now time.Time
	if a.env.Now != nil {
		now = a.env.Now()
	}
	for _, part := range []func(*contents, time.Time) error{
		a.loadUsers, a.loadGroups, a.loadRooms, a.loadMessages, a.loadReadStates, a.loadBlocks, a.loadConfig, a.loadBatches,
	} {
		if err := part(d, now); err != nil {
			return err
		}
	}
	return nil
}

var errInvalidID = errors.New("_id is not valid: it must have 1 to 256 bytes of text")

func at(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t.UTC()
}

// reserveElement calls reserve for an element of a collection.
func (a *app) reserveElement(collection string, i, n int) error {
	if a.reserve(n) != nil {
		return surface.ElementError(collection, i, fmt.Errorf("the data exceeds the maximum of %d MiB", maxStateBytes>>20))
	}
	return nil
}

func (a *app) loadUsers(d *contents, now time.Time) error {
	if err := surface.CheckDistinct("users", d.users, "_id", func(u *userData) string { return u.ID }); err != nil {
		return err
	}
	for i, in := range d.users {
		if !validID(in.ID) {
			return surface.ElementError("users", i, errInvalidID)
		}
		a.observeID(in.ID)
		u := &user{
			id: in.ID, nickname: in.Nickname, email: in.Email, avatar: in.AvatarURL, description: in.Description,
			muted: unique(in.Mute), created: at(in.CreatedAt, now),
		}
		u.updated = at(in.UpdatedAt, u.created)
		if err := a.reserveElement("users", i, u.size()); err != nil {
			return err
		}
		a.users[u.id] = u
		a.userOrder = append(a.userOrder, u.id)
	}
	return nil
}

func (a *app) loadGroups(d *contents, now time.Time) error {
	if err := surface.CheckDistinct("groups", d.groups, "_id", func(g *groupData) string { return g.ID }); err != nil {
		return err
	}
	for i, in := range d.groups {
		wrong := func(format string, args ...any) error {
			return surface.ElementError("groups", i, fmt.Errorf(format, args...))
		}
		switch {
		case !validID(in.ID):
			return surface.ElementError("groups", i, errInvalidID)
		case a.users[in.ID] != nil:
			return wrong("_id is already used by a user")
		case in.Nickname == "":
			return wrong("nickname is missing")
		case len(in.Members) > maxMembers:
			return wrong("members: too many, the maximum is %d", maxMembers)
		}
		a.observeID(in.ID)
		g := &group{in.ID, in.Nickname, in.AvatarURL, unique(in.Members), at(in.CreatedAt, now)}
		for k, id := range g.members {
			if a.users[id] == nil {
				return wrong("members[%d] is not a user", k)
			}
		}
		if err := a.reserveElement("groups", i, sizeOf(append([]string{g.id, g.nickname, g.avatar}, g.members...)...)+16*len(g.members)); err != nil {
			return err
		}
		a.groups[g.id] = g
		a.groupOrder = append(a.groupOrder, g.id)
	}
	return nil
}

func (a *app) loadRooms(d *contents, now time.Time) error {
	if err := surface.CheckDistinct("rooms", d.rooms, "_id", func(r *roomData) string { return r.ID }); err != nil {
		return err
	}
	for i := range d.rooms {
		in := &d.rooms[i]
		if err := a.checkRoom(in); err != nil {
			return surface.ElementError("rooms", i, err)
		}
		a.observeID(in.ID)
		r := &room{
			id: in.ID, kind: firstOf(in.Type, "group"), name: in.Name, cover: in.Cover, description: in.Description,
			webhook: in.Webhook, extParams: in.ExtParams, owner: in.Owner, tags: unique(in.Tags),
			members: unique(in.Members), botMode: in.BotMode, opening: 1, status: 1, created: at(in.CreatedAt, now),
			reads: make(map[string]*readState),
		}
		if len(in.Managers) > 0 {
			r.managers = unique(in.Managers)
		}
		if len(in.Invited) > 0 {
			r.invited = unique(in.Invited)
		}
		if len(in.Properties) > 0 {
			r.properties = in.Properties
		}
		setIfGiven(&r.opening, in.Opening)
		setIfGiven(&r.status, in.Status)
		if err := a.reserveElement("rooms", i, r.size()); err != nil {
			return err
		}
		for _, id := range r.members {
			r.reads[id] = &readState{last: in.LastRead[id]}
		}
		if r.kind == "direct" && len(r.members) == 2 {
			a.direct[directID(r.members[0], r.members[1])] = r.id
		}
		a.rooms[r.id] = r
		a.roomOrder = append(a.roomOrder, r.id)
	}
	return nil
}

func (a *app) checkRoom(in *roomData) error {
	flag := func(n *int) bool { return n == nil || *n == 0 || *n == 1 }
	switch {
	case !validID(in.ID):
		return errInvalidID
	case in.Type != "" && in.Type != "group" && in.Type != "direct":
		return errors.New(`roomType must be "group" or "direct"`)
	case in.Owner != "" && !a.exists(in.Owner):
		return errors.New("owner is not a user or group")
	case !flag(in.Opening) || !flag(in.Status):
		return errors.New("opening and status must be 0 or 1")
	case len(in.Members)+len(in.Invited) > maxMembers:
		return fmt.Errorf("members: too many, the maximum is %d", maxMembers)
	}
	for _, list := range []struct {
		name string
		ids  []string
	}{{"members", in.Members}, {"managers", in.Managers}, {"invited", in.Invited}} {
		for k, id := range list.ids {
			if !a.exists(id) {
				return fmt.Errorf("%s[%d] is not a user or group", list.name, k)
			}
		}
	}
	for id, n := range in.Unread {
		if n < 0 || !slices.Contains(in.Members, id) {
			return errors.New("unread has a negative count or names a user who is not a member")
		}
	}
	for id := range in.LastRead {
		if !slices.Contains(in.Members, id) {
			return errors.New("lastRead names a user who is not a member")
		}
	}
	return checkProperties(in)
}

func checkProperties(in *roomData) error {
	for id, own := range in.Properties {
		if !slices.Contains(in.Members, id) {
			return errors.New("memberProperties names a user who is not a member")
		}
		for _, name := range memberStateNames() {
			if own[name] != nil {
				return fmt.Errorf("memberProperties: %s is kept by the server", name)
			}
		}
	}
	return nil
}

func (a *app) loadMessages(d *contents, now time.Time) error {
	if err := surface.CheckDistinct("messages", d.messages, "_id", func(m *messageData) string { return m.ID }); err != nil {
		return err
	}
	for i, in := range d.messages {
		wrong := func(text string) error { return surface.ElementError("messages", i, errors.New(text)) }
		r := a.rooms[in.Room]
		switch {
		case !validID(in.ID):
			return surface.ElementError("messages", i, errInvalidID)
		case r == nil:
			return wrong("room does not exist")
		case !a.exists(in.Sender):
			return wrong("sender is not a user or group")
		case in.Member != "" && !a.exists(in.Member):
			return wrong("member is not a user or group")
		case in.Type == "":
			return wrong("messageType is missing")
		case !present(in.Message):
			return wrong("message is missing")
		case len(in.Message) > maxRequest:
			return wrong("message is larger than 1 MiB")
		}
		a.observeID(in.ID)
		a.seq++
		m := &message{
			id: in.ID, seq: a.seq, room: r, sender: in.Sender, member: in.Member, kind: in.Type, text: compactJSON(in.Message),
			sent: at(in.CreatedAt, now), pinned: in.Pinned,
		}
		m.updated = at(in.UpdatedAt, m.sent)
		if a.bytes += m.size(); a.bytes > maxMessageBytes || i >= maxMessages {
			return wrong("too many messages")
		}
		m.element = a.oldest.PushBack(m)
		a.messages[m.id] = m
		r.messages = append(r.messages, m)
	}
	return nil
}

// loadReadStates derives the read position of each member from its number of
// unread messages.
func (a *app) loadReadStates(d *contents, _ time.Time) error {
	for i := range d.rooms {
		in := &d.rooms[i]
		r := a.rooms[in.ID]
		for id, read := range r.reads {
			read.upTo = a.seq
			for k := len(r.messages) - 1; k >= 0 && read.unread < in.Unread[id]; k-- {
				if m := r.messages[k]; m.sender != id {
					read.unread++
					read.upTo = m.seq - 1
				}
			}
		}
	}
	return nil
}

func (a *app) loadBlocks(d *contents, now time.Time) error {
	for i, in := range d.blocks {
		wrong := func(text string) error { return surface.ElementError("blocks", i, errors.New(text)) }
		key := blockKey{room: in.Room, blockee: in.Blockee}
		if in.By == byUser {
			key = blockKey{blocker: in.Blocker, blockee: in.Blockee}
		}
		switch {
		case in.By != byRoom && in.By != byUser:
			return wrong(`by must be "room" or "user"`)
		case a.rooms[in.Room] == nil:
			return wrong("room does not exist")
		case a.users[in.Blockee] == nil:
			return wrong("blockee is not a user")
		case a.users[in.Blocker] == nil && (in.By == byUser || in.Blocker != platform):
			return wrong("blocker is not a user")
		case a.blocks[key] != nil:
			return wrong("duplicate block")
		}
		a.seq++
		b := &block{room: in.Room, blocker: in.Blocker, blockee: in.Blockee, seq: a.seq, at: at(in.CreatedAt, now)}
		if err := a.reserveElement("blocks", i, b.size()); err != nil {
			return err
		}
		a.blocks[key] = b
	}
	return nil
}

func (a *app) loadConfig(d *contents, _ time.Time) error {
	if err := surface.CheckDistinct("config", d.config, "key", func(s *settingData) string { return s.Key }); err != nil {
		return err
	}
	for i, in := range d.config {
		if len(in.Value) == 0 {
			return surface.ElementError("config", i, errors.New("value is missing"))
		}
		if in.Key == censorship && !isCensorship(in.Value) {
			return surface.ElementError("config", i, errors.New("value: censorship requires keywords, an array of strings"))
		}
		value := compactJSON(in.Value)
		if err := a.reserveElement("config", i, sizeOf(in.Key)+len(value)); err != nil {
			return err
		}
		a.config[in.Key] = value
	}
	return nil
}

func (a *app) loadBatches(d *contents, _ time.Time) error {
	for i, in := range d.batches {
		wrong := func(text string) error { return surface.ElementError("batches", i, errors.New(text)) }
		switch {
		case i >= maxPending:
			return wrong(fmt.Sprintf("too many, the maximum is %d", maxPending))
		case in.Due.IsZero():
			return wrong("due is missing")
		case a.rooms[in.Room] == nil:
			return wrong("room does not exist")
		case !a.exists(in.Sender):
			return wrong("sender is not a user or group")
		case in.Type == "" || !present(in.Message):
			return wrong("messageType and message are both required")
		case len(in.Message) > maxRequest:
			return wrong("message is larger than 1 MiB")
		}
		a.pending = append(a.pending, job{in.Due.UTC(), in.Room, message{sender: in.Sender, kind: in.Type, text: compactJSON(in.Message)}})
	}
	slices.SortStableFunc(a.pending, func(x, y job) int { return x.due.Compare(y.due) })
	return nil
}

// observeID keeps the counter of the ID source above that of a loaded ID, which
// may come from the same source before a restart.
func (a *app) observeID(id string) {
	const seconds, process = 8, 10
	if len(id) != seconds+process+6 || !strings.HasPrefix(id[seconds:], fmt.Sprintf("%x", a.ids.process)) {
		return
	}
	if n, err := strconv.ParseUint(id[seconds+process:], 16, 32); err == nil {
		a.ids.n = max(a.ids.n, uint32(n))
	}
}

// compactJSON removes insignificant white space, because a state document is
// indented.
func compactJSON(raw json.RawMessage) json.RawMessage {
	out, err := json.Marshal(raw)
	if err != nil {
		return raw // unreachable: raw was parsed as JSON
	}
	return out
}
