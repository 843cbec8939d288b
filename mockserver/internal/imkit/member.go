package imkit

import (
	"maps"
	"net/http"
	"slices"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// addMembers adds users or groups to a room.
func (a *app) addMembers(c *surface.Call) (any, error) {
	var in struct {
		Invitees *[]string `json:"invitees"`
		System   bool      `json:"systemMessage"`
		Accept   bool      `json:"invitationRequired"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if in.Invitees == nil {
		return nil, missing("invitees")
	}
	r, err := a.roomFor(c, c.PathValue("id"), roomNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	if r.opening == 0 && !superuser(c, r) {
		return nil, forbidden("Forbidden", "The room is closed for invitations")
	}
	var added []string
	for _, id := range unique(*in.Invitees) {
		if !a.exists(id) {
			return nil, clientNotFound()
		}
		if r.reads[id] == nil {
			added = append(added, id)
		}
	}
	if len(r.members)+len(r.invited)+len(added) > maxMembers {
		return nil, tooManyMembers()
	}
	if in.Accept && r.kind == "group" { // they join when they accept; no page documents that operation
		err = a.updateRoomState(r, func(r *room) { r.invited = unique(slices.Concat(r.invited, added)) })
		added = nil
	} else {
		err = a.updateRoomState(r, func(r *room) {
			r.members = slices.Concat(r.members, added)
			r.invited = without(r.invited, added)
		})
	}
	if err != nil {
		return nil, err
	}
	by, _ := a.viewer(c)
	a.notifyMembers(r, eventAddMembers, by, added)
	for _, id := range added {
		r.reads[id] = &readState{upTo: a.seq}
		if in.System {
			a.postSystemMessage(r, "addMember", firstOf(by, r.owner, id), id, c.Now)
		}
	}
	return a.roomView(r, c, roomPlain), nil
}

// removeMembers removes members. A user who names only itself leaves the room.
func (a *app) removeMembers(c *surface.Call) (any, error) {
	var in struct {
		Members *[]string `json:"members"`
		System  bool      `json:"systemMessage"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if in.Members == nil {
		return nil, missing("members")
	}
	r, err := a.roomFor(c, c.PathValue("id"), roomNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	by, _ := a.viewer(c)
	gone := unique(*in.Members)
	for _, id := range gone {
		switch {
		case r.reads[id] == nil:
			return nil, clientNotFound()
		case id != by && !superuser(c, r):
			return nil, forbidden("Forbidden", "Only room owner, manager, or platform admin can remove members")
		}
	}
	err = a.updateRoomState(r, func(r *room) {
		r.members = without(r.members, gone)
		r.properties = maps.Clone(r.properties)
		maps.DeleteFunc(r.properties, func(id string, _ properties) bool { return slices.Contains(gone, id) })
	})
	if err != nil {
		return nil, err
	}
	a.notifyMembers(r, eventDeleteMembers, by, gone)
	for _, id := range gone {
		delete(r.reads, id)
		if in.System {
			kind := "deleteMember"
			if id == by {
				kind = "leaveRoom"
			}
			a.postSystemMessage(r, kind, firstOf(by, r.owner, id), id, c.Now)
		}
	}
	return a.roomView(r, c, roomPlain), nil
}

// without returns the ids that are not in gone.
func without(ids, gone []string) []string {
	set := make(map[string]bool, len(gone))
	for _, id := range gone {
		set[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return set[id] })
}

// updateLastRead moves the caller's read position forward to a message. It is
// documented as "one-way": an older message changes nothing.
func (a *app) updateLastRead(c *surface.Call) (any, error) {
	var in struct {
		Message *string `json:"message"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if in.Message == nil || *in.Message == "" {
		return nil, missing("message")
	}
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	r, err := a.roomFor(c, c.PathValue("id"), readNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	m := a.messages[*in.Message]
	if m == nil || m.room != r {
		return nil, readNotFound()
	}
	as := a.memberAs(r, u.id)
	if as == "" { // an API key names a user who is not in the room
		return nil, notMember()
	}
	if read := r.reads[as]; m.seq > read.upTo {
		read.upTo, read.last, read.unread = m.seq, m.id, 0
		for _, later := range r.messages {
			if later.seq > m.seq && later.sender != as {
				read.unread++
			}
		}
	}
	return struct {
		Client   string `json:"client"`
		LastRead string `json:"lastRead"`
		Badge    int    `json:"badge"`
	}{u.id, firstOf(r.reads[as].last, m.id), a.totalUnread(u.id, nil)}, nil
}

// readNotFound is documented on the page update-last-read.
func readNotFound() *apiError {
	return refused(http.StatusNotFound, "Not Found", "ROOM_NOT_FOUND", "Room or message not found")
}
