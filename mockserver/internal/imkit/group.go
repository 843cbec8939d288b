package imkit

import (
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// group is a virtual user: if it is a member of a room, all its members have
// access.
type group struct {
	id, nickname, avatar string
	members              []string
	created              time.Time
}

type groupView struct {
	ID        string   `json:"_id"`
	Nickname  string   `json:"nickname"`
	AvatarURL string   `json:"avatarUrl,omitempty"`
	Members   []string `json:"members"`
	CreatedAt string   `json:"createdAt"`
	UpdatedAt string   `json:"updatedAt"`
}

func (g *group) view() groupView {
	return groupView{g.id, g.nickname, g.avatar, slices.Clone(g.members), iso(g.created), iso(g.created)}
}

func (a *app) createGroup(c *surface.Call) (any, error) {
	var in struct {
		ID        string   `json:"_id"`
		Nickname  string   `json:"nickname"`
		AvatarURL string   `json:"avatarUrl"`
		Members   []string `json:"members"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if in.Nickname == "" {
		return nil, missing("nickname")
	}
	if in.ID == "" {
		in.ID = a.ids.next(c.Now)
	}
	if !validID(in.ID) {
		return nil, invalidBody("_id is not valid")
	}
	if a.groups[in.ID] != nil || a.users[in.ID] != nil { // rooms refer to users and groups by the same IDs
		return nil, refused(http.StatusConflict, "Conflict", "GROUP_ALREADY_EXISTS", "A group with this ID already exists")
	}
	if len(in.Members) > maxMembers {
		return nil, tooManyMembers()
	}
	members := unique(in.Members)
	size := sizeOf(append([]string{in.ID, in.Nickname, in.AvatarURL}, members...)...)
	for _, id := range members {
		if a.users[id] == nil {
			return nil, clientNotFound()
		}
	}
	if err := a.reserve(size + 16*len(members)); err != nil {
		return nil, err
	}
	g := &group{in.ID, in.Nickname, in.AvatarURL, members, c.Now}
	a.groups[g.id] = g
	a.groupOrder = append(a.groupOrder, g.id)
	return g.view(), nil
}

func (a *app) listGroups(c *surface.Call) (any, error) {
	limit, err := number(c.URL.Query(), "limit", defaultUsers, 1)
	if err != nil {
		return nil, err
	}
	data := []groupView{}
	for _, id := range a.groupOrder[:min(limit, len(a.groupOrder))] {
		data = append(data, a.groups[id].view())
	}
	return struct {
		Total int         `json:"totalCount"`
		Data  []groupView `json:"data"`
	}{len(a.groupOrder), data}, nil
}

// unique returns ids without duplicates, in order; never nil.
func unique(ids []string) []string {
	out, seen := make([]string, 0, len(ids)), make(map[string]bool, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
