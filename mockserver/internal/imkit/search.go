package imkit

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// searchGroup holds the messages found in one room.
type searchGroup struct {
	Room     searchRoom `json:"room"`
	Messages []string   `json:"messages"` // IDs, newest first
}

type searchRoom struct {
	ID          string   `json:"_id"`
	Name        string   `json:"name,omitempty"`
	Cover       string   `json:"cover,omitempty"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"roomTags"`
}

type searchInput struct {
	Type    []string `json:"type"`
	Keyword string   `json:"keyword"`
	Room    string   `json:"room"`
	Tags    []string `json:"roomTags"`
	Limit   *int     `json:"limit"`
}

// search finds messages that contain the keyword, ignoring case, in the caller's
// rooms.
func (a *app) search(c *surface.Call) (any, error) {
	var in searchInput
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(in.Type, "messages"):
		return nil, refused(http.StatusBadRequest, "Invalid search parameters", "INVALID_SEARCH_TYPE", "Search type must include 'messages'")
	case in.Keyword == "":
		return nil, missing("keyword")
	case in.Limit != nil && *in.Limit < 1:
		return nil, invalidBody("limit must be at least 1")
	}
	viewer, err := a.viewer(c)
	if err != nil {
		return nil, err
	}
	ids := a.roomOrder
	if in.Room != "" {
		r, err := a.roomFor(c, in.Room, roomNotFound(), notMember())
		if err != nil {
			return nil, err
		}
		ids = []string{r.id}
	}
	left := maxMessages
	if in.Limit != nil {
		left = *in.Limit
	}
	groups := []searchGroup{}
	for _, id := range ids {
		r := a.rooms[id]
		if viewer != "" && a.memberAs(r, viewer) == "" || len(in.Tags) > 0 && !overlap(r.tags, in.Tags) {
			continue
		}
		if found := r.find(strings.ToLower(in.Keyword), left); len(found) > 0 {
			left -= len(found)
			groups = append(groups, searchGroup{searchRoom{r.id, r.name, r.cover, r.description, append([]string{}, r.tags...)}, found})
		}
	}
	return map[string][]searchGroup{"messages": groups}, nil
}

// find returns the IDs of at most limit messages that contain the keyword,
// newest first.
func (r *room) find(keyword string, limit int) []string {
	var found []string
	for _, m := range slices.Backward(r.messages) {
		if len(found) >= limit {
			break
		}
		var s string
		if json.Unmarshal(m.text, &s) != nil {
			s = string(m.text)
		}
		if strings.Contains(strings.ToLower(s), keyword) {
			found = append(found, m.id)
		}
	}
	return found
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
