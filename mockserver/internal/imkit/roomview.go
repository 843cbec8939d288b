package imkit

import (
	"slices"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// roomUse is the kind of operation whose response contains a room; the pages show
// different fields.
type roomUse uint8

const (
	roomPlain   roomUse = iota // update, members: members as objects, memberProperties
	roomCreated                // members as IDs
	roomDetails                // unread, isSuperuser
	roomListed                 // unread, muted, pref
)

// roomView is a room in a response, with the documented fields.
type roomView struct {
	ID               string        `json:"_id"`
	AppID            string        `json:"appID"`
	Name             string        `json:"name,omitempty"`
	Cover            string        `json:"cover,omitempty"`
	Description      string        `json:"description,omitempty"`
	Type             string        `json:"roomType"`
	Webhook          string        `json:"webhook,omitempty"`
	BotMode          bool          `json:"botMode"`
	Encrypted        bool          `json:"encrypted"`
	ServiceStatus    int           `json:"serviceStatus"`
	Tags             []string      `json:"roomTags"`
	Status           int           `json:"status"`
	Unread           *int          `json:"unread,omitempty"`
	Muted            *bool         `json:"muted,omitempty"`
	LastMessage      *messageView  `json:"lastMessage,omitempty"`
	MemberProperties []memberState `json:"memberProperties,omitempty"`
	Members          any           `json:"members"` // IDs or persons
	Pref             *roomPref     `json:"pref,omitempty"`
	Same             string        `json:"id"`
	CreatedMS        int64         `json:"createdTimeMS"`
	IsSuperuser      *bool         `json:"isSuperuser,omitempty"`
}

// roomPref holds a user's preferences for a room. Mute is the only documented
// operation that changes them.
type roomPref struct {
	Tags      []string          `json:"tags"`
	TagColors map[string]string `json:"tagColors"`
	Hidden    bool              `json:"hidden"`
	Sticky    bool              `json:"sticky"`
	Muted     bool              `json:"muted"`
	Folder    string            `json:"folder"`
}

// person is a user or group inside another object.
type person struct {
	ID          string `json:"_id"`
	Nickname    string `json:"nickname,omitempty"`
	Description string `json:"description,omitempty"`
	AvatarURL   string `json:"avatarUrl,omitempty"`
	IsRobot     *bool  `json:"isRobot,omitempty"` // members, and senders of recalled and pinned messages
	Same        string `json:"id"`
	LastLogin   int64  `json:"lastLoginTimeMS"`
}

// person returns the user or group with an ID.
func (a *app) person(id string) person {
	p := person{ID: id, Same: id}
	if u := a.users[id]; u != nil {
		p.Nickname, p.Description, p.AvatarURL = u.nickname, u.description, u.avatar
	} else if g := a.groups[id]; g != nil {
		p.Nickname, p.AvatarURL = g.nickname, g.avatar
	}
	return p
}

func (a *app) member(id string) person {
	p := a.person(id)
	p.IsRobot = new(bool)
	return p
}

// roomView returns the view of a room for the caller, who must be a valid viewer.
func (a *app) roomView(r *room, c *surface.Call, use roomUse) roomView {
	v := roomView{
		ID: r.id, AppID: appID, Name: r.name, Cover: r.cover, Description: r.description, Type: r.kind,
		Webhook: r.webhook, BotMode: r.botMode, Tags: append([]string{}, r.tags...), Status: r.status,
		Members: a.membersOf(r, c, use), Same: r.id, CreatedMS: r.created.UnixMilli(),
	}
	if n := len(r.messages); n > 0 {
		last := a.view(r.messages[n-1], c, messageListed)
		last.Reactions, last.IsDeleted = nil, nil // as the pages show lastMessage
		v.LastMessage = &last
	}
	if use == roomPlain || use == roomDetails {
		v.MemberProperties = make([]memberState, 0, len(r.members))
		for _, id := range r.members {
			v.MemberProperties = append(v.MemberProperties, memberState{r.reads[id].unread, r.reads[id].last, id, r.properties[id]})
		}
	}
	if use == roomPlain || use == roomCreated {
		return v
	}
	viewer, _ := a.viewer(c) // the handler has checked the error
	unread := a.unread(r, viewer)
	v.Unread = &unread
	if use == roomDetails {
		super := superuser(c, r)
		v.IsSuperuser = &super
		return v
	}
	pref := a.pref(r, viewer)
	v.Pref, v.Muted = &pref, &pref.Muted
	return v
}

func (a *app) membersOf(r *room, c *surface.Call, use roomUse) any {
	ids := c.Variants&surface.MemberStrings != 0 || use == roomCreated && c.Variants&surface.MemberObjects == 0
	if ids {
		return append([]string{}, r.members...)
	}
	out := make([]person, 0, len(r.members))
	for _, id := range r.members {
		out = append(out, a.member(id))
	}
	return out
}

func (a *app) pref(r *room, user string) roomPref {
	p := roomPref{Tags: []string{}, TagColors: map[string]string{}}
	if u := a.users[user]; u != nil {
		p.Muted = slices.Contains(u.muted, r.id)
	}
	return p
}

// unread returns a user's number of unread messages in a room.
func (a *app) unread(r *room, user string) int {
	if as := a.memberAs(r, user); as != "" {
		return r.reads[as].unread
	}
	return 0
}
