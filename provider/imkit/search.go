package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// SearchQuery is a search for messages.
type SearchQuery struct {
	Keyword  string   `json:"keyword"` // required
	Room     string   `json:"room,omitempty"`
	RoomTags []string `json:"roomTags,omitempty"`
	Limit    int      `json:"limit,omitempty"` // messages; 0: the vendor's default, which is not documented
}

// SearchHit holds the messages found in one room.
type SearchHit struct {
	Room     Room                       `json:"room"`
	Messages []string                   `json:"messages,omitempty"` // IDs
	Extra    map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a hit and keeps unknown fields.
func (h *SearchHit) UnmarshalJSON(b []byte) error {
	type plain SearchHit
	return wire.Decode(b, (*plain)(h), &h.Extra)
}

// MarshalJSON encodes a hit, unknown fields included.
func (h SearchHit) MarshalJSON() ([]byte, error) {
	type plain SearchHit
	return wire.Encode(plain(h), h.Extra)
}

// SearchService searches the calling user's rooms. Page "Search Message".
type SearchService struct{ caller *caller }

// Messages searches messages and returns them by room.
func (s *SearchService) Messages(ctx context.Context, q SearchQuery, opts ...keyfit.CallOption) ([]SearchHit, error) {
	r := request{method: http.MethodPost, template: "/search", body: struct {
		Type []string `json:"type"`
		SearchQuery
	}{[]string{"messages"}, q}}
	r.err = cmp.Or(wire.Require("Keyword", q.Keyword), atMost("Limit", q.Limit, 0))
	found, err := call[struct {
		Messages []SearchHit `json:"messages"`
	}](ctx, s.caller, r, opts)
	return found.Messages, err
}

// TagBadges holds the number of unread messages by tag of the room.
type TagBadges struct {
	Total int            `json:"totalBadge"`
	ByTag map[string]int `json:"data,omitempty"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes badges and keeps unknown fields.
func (t *TagBadges) UnmarshalJSON(b []byte) error {
	type plain TagBadges
	return wire.Decode(b, (*plain)(t), &t.Extra)
}

// MarshalJSON encodes badges, unknown fields included.
func (t TagBadges) MarshalJSON() ([]byte, error) {
	type plain TagBadges
	return wire.Encode(plain(t), t.Extra)
}

// BadgesService counts the calling user's unread messages. Pages "Get Unread Message by a
// User", "Get Unread Message by a Room".
type BadgesService struct{ caller *caller }

// Unread returns the number of unread messages in the rooms that have all given tags, or in
// all rooms if no tags are given.
func (s *BadgesService) Unread(ctx context.Context, roomTags []string, opts ...keyfit.CallOption) (int, error) {
	r := request{method: http.MethodGet, template: "/me/badge"}
	if len(roomTags) > 0 {
		r.query, r.err = url.Values{"roomTags": roomTags}, each("roomTags", roomTags)
	}
	out, err := call[struct {
		Badge int `json:"badge"`
	}](ctx, s.caller, r, opts)
	return out.Badge, err
}

// ByTags returns the number of unread messages for each given tag, or for each tag of the
// user's rooms if no tags are given. A room with two of the tags counts for both.
func (s *BadgesService) ByTags(ctx context.Context, tags []string, opts ...keyfit.CallOption) (TagBadges, error) {
	r := request{method: http.MethodPost, template: "/badges/byRoomTags", body: struct {
		Tags []string `json:"tags,omitempty"`
	}{tags}}
	if len(tags) > 0 {
		r.err = each("tags", tags)
	}
	return call[TagBadges](ctx, s.caller, r, opts)
}
