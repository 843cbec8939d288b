package imkit

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Group is a virtual user: as a member of a room it stands for all its members.
type Group struct {
	ID        string                     `json:"_id"`
	Nickname  string                     `json:"nickname,omitempty"`
	AvatarURL string                     `json:"avatarUrl,omitempty"`
	Members   []Person                   `json:"members,omitempty"`
	CreatedAt time.Time                  `json:"createdAt,omitzero"`
	UpdatedAt time.Time                  `json:"updatedAt,omitzero"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a group and keeps unknown fields.
func (g *Group) UnmarshalJSON(b []byte) error {
	type plain Group
	err := wire.Decode(b, (*plain)(g), &g.Extra)
	g.Extra = sameID(&g.ID, g.Extra)
	return err
}

// MarshalJSON encodes a group, unknown fields included.
func (g Group) MarshalJSON() ([]byte, error) {
	type plain Group
	return wire.Encode(plain(g), g.Extra)
}

// MemberIDs returns the IDs of the members.
func (g Group) MemberIDs() []string { return idsOf(g.Members) }

// GroupInput is a group to create.
type GroupInput struct {
	ID        string   `json:"_id,omitempty"` // the vendor makes one if it is empty
	Nickname  string   `json:"nickname"`      // required
	AvatarURL string   `json:"avatarUrl,omitempty"`
	Members   []string `json:"members,omitempty"` // IDs of users
}

// GroupQuery bounds a list of groups.
type GroupQuery struct {
	Limit int // 0 is the vendor's default, which is not documented
}

// GroupsService manages groups of users. Pages "Create Group", "List Groups".
type GroupsService struct{ caller *caller }

// Create creates a group. A nickname is required. An ID that is taken is a 409,
// GROUP_ALREADY_EXISTS.
func (s *GroupsService) Create(ctx context.Context, group GroupInput, opts ...keyfit.CallOption) (Group, error) {
	r := request{method: http.MethodPost, template: "/admin/groups", body: group, err: wire.Require("Nickname", group.Nickname)}
	return call[Group](ctx, s.caller, r, opts)
}

// List reads the first groups. The vendor documents no way to the ones after them but a
// higher limit.
func (s *GroupsService) List(ctx context.Context, q GroupQuery, opts ...keyfit.CallOption) (Page[Group], error) {
	r := request{method: http.MethodGet, template: "/admin/groups", query: url.Values{}, err: atMost("Limit", q.Limit, 0)}
	setNumber(r.query, "limit", q.Limit)
	return call[Page[Group]](ctx, s.caller, r, opts)
}

// All ranges over all groups: it asks a second time, with the total as the limit, if the
// first answer has not all of them.
func (s *GroupsService) All(ctx context.Context, q GroupQuery, opts ...keyfit.CallOption) iter.Seq2[Group, error] {
	return whole(func() (Page[Group], error) {
		p, err := s.List(ctx, q, opts...)
		if err == nil && p.TotalCount > len(p.Data) {
			return s.List(ctx, GroupQuery{Limit: p.TotalCount}, opts...)
		}
		return p, err
	})
}
