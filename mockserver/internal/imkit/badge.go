package imkit

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// badge returns the caller's number of unread messages in the rooms that have
// all requested tags ("AND condition filtering").
func (a *app) badge(c *surface.Call) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	tags := c.URL.Query()["roomTags"]
	if slices.Contains(tags, "") {
		return nil, refused(http.StatusBadRequest, "Invalid parameters", "INVALID_ROOM_TAGS", "Room tags must be valid strings")
	}
	return map[string]int{"badge": a.totalUnread(u.id, tags)}, nil
}

// totalUnread returns a user's number of unread messages in the rooms that have
// all tags.
func (a *app) totalUnread(user string, tags []string) int {
	n := 0
	for _, r := range a.rooms {
		if r.status == 0 || slices.ContainsFunc(tags, func(tag string) bool { return !slices.Contains(r.tags, tag) }) {
			continue
		}
		n += a.unread(r, user)
	}
	return n
}

// badgesByTags returns the number of unread messages per tag; without requested
// tags, for every tag of the user's rooms. The total is the sum of the counts, so
// a room with two of the tags counts twice, as in the sample on the page.
func (a *app) badgesByTags(c *surface.Call) (any, error) {
	var in struct {
		Tags json.RawMessage `json:"tags"`
	}
	if len(c.Data) > 0 { // the tags and the body are optional
		if err := decode(c, &in, invalidBody); err != nil {
			return nil, err
		}
	}
	var tags []string
	if present(in.Tags) && json.Unmarshal(in.Tags, &tags) != nil {
		return nil, refused(http.StatusBadRequest, "Invalid parameters", "INVALID_TAGS", "Tags must be an array of strings")
	}
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	counts, total := make(map[string]int), 0
	for _, tag := range tags {
		counts[tag] = 0
	}
	for _, r := range a.rooms {
		if r.status == 0 || a.memberAs(r, u.id) == "" {
			continue
		}
		n := a.unread(r, u.id)
		for _, tag := range r.tags {
			if _, asked := counts[tag]; asked || len(tags) == 0 {
				counts[tag] += n
				total += n
			}
		}
	}
	return struct {
		Total int            `json:"totalBadge"`
		Data  map[string]int `json:"data"`
	}{total, counts}, nil
}
