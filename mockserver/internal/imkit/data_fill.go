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

// fill makes an empty application what d says, or fails saying which
// element and member is wrong. What has no time happened now.
func (a *app) fill(d *contents) error {
	var now time.Time
	if a.env.Now != nil {
		now = a.env.Now()
	}
	for _, part := range []func(*contents, time.Time) error{
		a.fillUsers, a.fillGroups, a.fillRooms, a.fillMessages, a.fillReads, a.fillBlocks, a.fillConfig, a.fillBatches,
	} {
		if err := part(d, now); err != nil {
			return err
		}
	}
	return nil
}

var errNoID = errors.New("_id is not valid: 1 to 256 bytes of text")

func at(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t.UTC()
}

// fit is grow for an element of a collection.
func (a *app) fit(collection string, i, n int) error {
	if a.grow(n) != nil {
		return surface.At(collection, i, fmt.Errorf("from here on it is more than the %d MiB that fit", maxState>>20))
	}
	return nil
}

func (a *app) fillUsers(d *contents, now time.Time) error {
	if err := surface.Distinct("users", d.users, "_id", func(u *userData) string { return u.ID }); err != nil {
		return err
	}
	for i, in := range d.users {
		if !validID(in.ID) {
			return surface.At("users", i, errNoID)
		}
		a.note(in.ID)
		u := &user{
			id: in.ID, nickname: in.Nickname, email: in.Email, avatar: in.AvatarURL, description: in.Description,
			muted: unique(in.Mute), created: at(in.CreatedAt, now),
		}
		u.updated = at(in.UpdatedAt, u.created)
		if err := a.fit("users", i, u.size()); err != nil {
			return err
		}
		a.users[u.id] = u
		a.userOrder = append(a.userOrder, u.id)
	}
	return nil
}

func (a *app) fillGroups(d *contents, now time.Time) error {
	if err := surface.Distinct("groups", d.groups, "_id", func(g *groupData) string { return g.ID }); err != nil {
		return err
	}
	for i, in := range d.groups {
		wrong := func(format string, args ...any) error { return surface.At("groups", i, fmt.Errorf(format, args...)) }
		switch {
		case !validID(in.ID):
			return surface.At("groups", i, errNoID)
		case a.users[in.ID] != nil:
			return wrong("_id is that of a user")
		case in.Nickname == "":
			return wrong("nickname is missing")
		case len(in.Members) > maxMembers:
			return wrong("members: at most %d fit", maxMembers)
		}
		a.note(in.ID)
		g := &group{in.ID, in.Nickname, in.AvatarURL, unique(in.Members), at(in.CreatedAt, now)}
		for k, id := range g.members {
			if a.users[id] == nil {
				return wrong("members[%d] is no user", k)
			}
		}
		if err := a.fit("groups", i, sizeOf(append([]string{g.id, g.nickname, g.avatar}, g.members...)...)+16*len(g.members)); err != nil {
			return err
		}
		a.groups[g.id] = g
		a.groupOrder = append(a.groupOrder, g.id)
	}
	return nil
}

func (a *app) fillRooms(d *contents, now time.Time) error {
	if err := surface.Distinct("rooms", d.rooms, "_id", func(r *roomData) string { return r.ID }); err != nil {
		return err
	}
	for i := range d.rooms {
		in := &d.rooms[i]
		if err := a.checkRoom(in); err != nil {
			return surface.At("rooms", i, err)
		}
		a.note(in.ID)
		r := &room{
			id: in.ID, kind: firstOf(in.Type, "group"), name: in.Name, cover: in.Cover, description: in.Description,
			webhook: in.Webhook, extParams: in.ExtParams, owner: in.Owner, tags: unique(in.Tags),
			members: unique(in.Members), botMode: in.BotMode, opening: 1, status: 1, created: at(in.CreatedAt, now),
			reads: make(map[string]*reading),
		}
		if len(in.Managers) > 0 {
			r.managers = unique(in.Managers)
		}
		if len(in.Invited) > 0 {
			r.invited = unique(in.Invited)
		}
		set(&r.opening, in.Opening)
		set(&r.status, in.Status)
		if err := a.fit("rooms", i, r.size()); err != nil {
			return err
		}
		for _, id := range r.members {
			r.reads[id] = &reading{last: in.LastRead[id]}
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
		return errNoID
	case in.Type != "" && in.Type != "group" && in.Type != "direct":
		return errors.New(`roomType is neither "group" nor "direct"`)
	case in.Owner != "" && !a.exists(in.Owner):
		return errors.New("owner is no user")
	case !flag(in.Opening) || !flag(in.Status):
		return errors.New("opening and status are 0 or 1")
	case len(in.Members)+len(in.Invited) > maxMembers:
		return fmt.Errorf("members: at most %d fit", maxMembers)
	}
	for _, list := range []struct {
		name string
		ids  []string
	}{{"members", in.Members}, {"managers", in.Managers}, {"invited", in.Invited}} {
		for k, id := range list.ids {
			if !a.exists(id) {
				return fmt.Errorf("%s[%d] is neither user nor group", list.name, k)
			}
		}
	}
	for id, n := range in.Unread {
		if n < 0 || !slices.Contains(in.Members, id) {
			return errors.New("unread: it has a count below 0, or of somebody who is no member")
		}
	}
	for id := range in.LastRead {
		if !slices.Contains(in.Members, id) {
			return errors.New("lastRead: it names somebody who is no member")
		}
	}
	return nil
}

func (a *app) fillMessages(d *contents, now time.Time) error {
	if err := surface.Distinct("messages", d.messages, "_id", func(m *messageData) string { return m.ID }); err != nil {
		return err
	}
	for i, in := range d.messages {
		wrong := func(text string) error { return surface.At("messages", i, errors.New(text)) }
		r := a.rooms[in.Room]
		switch {
		case !validID(in.ID):
			return surface.At("messages", i, errNoID)
		case r == nil:
			return wrong("room is no room")
		case !a.exists(in.Sender):
			return wrong("sender is neither user nor group")
		case in.Member != "" && !a.exists(in.Member):
			return wrong("member is neither user nor group")
		case in.Type == "":
			return wrong("messageType is missing")
		case !given(in.Message):
			return wrong("message is missing")
		case len(in.Message) > maxRequest:
			return wrong("message is larger than 1 MiB")
		}
		a.note(in.ID)
		a.seq++
		m := &message{
			id: in.ID, seq: a.seq, room: r, sender: in.Sender, member: in.Member, kind: in.Type, text: compacted(in.Message),
			sent: at(in.CreatedAt, now), pinned: in.Pinned,
		}
		m.updated = at(in.UpdatedAt, m.sent)
		if a.bytes += m.size(); a.bytes > maxMessageBytes || i >= maxMessages {
			return wrong("from here on there are more messages than fit")
		}
		m.element = a.oldest.PushBack(m)
		a.messages[m.id] = m
		r.messages = append(r.messages, m)
	}
	return nil
}

// fillReads counts back from the newest message what a member has not read.
func (a *app) fillReads(d *contents, _ time.Time) error {
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

func (a *app) fillBlocks(d *contents, now time.Time) error {
	for i, in := range d.blocks {
		wrong := func(text string) error { return surface.At("blocks", i, errors.New(text)) }
		key := blockKey{room: in.Room, blockee: in.Blockee}
		if in.By == byUser {
			key = blockKey{blocker: in.Blocker, blockee: in.Blockee}
		}
		switch {
		case in.By != byRoom && in.By != byUser:
			return wrong(`by is neither "room" nor "user"`)
		case a.rooms[in.Room] == nil:
			return wrong("room is no room")
		case a.users[in.Blockee] == nil:
			return wrong("blockee is no user")
		case a.users[in.Blocker] == nil && (in.By == byUser || in.Blocker != platform):
			return wrong("blocker is no user")
		case a.blocks[key] != nil:
			return wrong("the same block stands before")
		}
		a.seq++
		b := &block{room: in.Room, blocker: in.Blocker, blockee: in.Blockee, seq: a.seq, at: at(in.CreatedAt, now)}
		if err := a.fit("blocks", i, b.size()); err != nil {
			return err
		}
		a.blocks[key] = b
	}
	return nil
}

func (a *app) fillConfig(d *contents, _ time.Time) error {
	if err := surface.Distinct("config", d.config, "key", func(s *settingData) string { return s.Key }); err != nil {
		return err
	}
	for i, in := range d.config {
		if len(in.Value) == 0 {
			return surface.At("config", i, errors.New("value is missing"))
		}
		if in.Key == censorship && !isCensorship(in.Value) {
			return surface.At("config", i, errors.New("value: censorship has keywords, an array of strings"))
		}
		value := compacted(in.Value)
		if err := a.fit("config", i, sizeOf(in.Key)+len(value)); err != nil {
			return err
		}
		a.config[in.Key] = value
	}
	return nil
}

func (a *app) fillBatches(d *contents, _ time.Time) error {
	for i, in := range d.batches {
		wrong := func(text string) error { return surface.At("batches", i, errors.New(text)) }
		switch {
		case i >= maxPending:
			return wrong(fmt.Sprintf("at most %d fit", maxPending))
		case in.Due.IsZero():
			return wrong("due is missing")
		case a.rooms[in.Room] == nil:
			return wrong("room is no room")
		case !a.exists(in.Sender):
			return wrong("sender is neither user nor group")
		case in.Type == "" || !given(in.Message):
			return wrong("messageType and message are not both given")
		case len(in.Message) > maxRequest:
			return wrong("message is larger than 1 MiB")
		}
		a.pending = append(a.pending, job{in.Due.UTC(), in.Room, message{sender: in.Sender, kind: in.Type, text: compacted(in.Message)}})
	}
	slices.SortStableFunc(a.pending, func(x, y job) int { return x.due.Compare(y.due) })
	return nil
}

// note keeps the ID source ahead of an ID that it may have made, before a
// restart or in another application.
func (a *app) note(id string) {
	const seconds, process = 8, 10
	if len(id) != seconds+process+6 || !strings.HasPrefix(id[seconds:], fmt.Sprintf("%x", a.ids.process)) {
		return
	}
	if n, err := strconv.ParseUint(id[seconds+process:], 16, 32); err == nil {
		a.ids.n = max(a.ids.n, uint32(n))
	}
}

// compacted is JSON without layout: a state document is indented.
func compacted(raw json.RawMessage) json.RawMessage {
	out, err := json.Marshal(raw)
	if err != nil {
		return raw // it was read as JSON
	}
	return out
}
