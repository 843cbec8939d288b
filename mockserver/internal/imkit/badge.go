package imkit

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// badge is the number of messages that the caller has not read, in the rooms
// that have every tag asked for ("AND condition filtering").
func (a *app) badge(c *surface.Call) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	tags := c.URL.Query()["roomTags"]
	if slices.Contains(tags, "") {
		return nil, refused(http.StatusBadRequest, "Invalid parameters", "INVALID_ROOM_TAGS", "Room tags must be valid strings")
	}
	return map[string]int{"badge": a.total(u.id, tags)}, nil
}

// total adds up what a user has not read in the rooms that have all tags.
func (a *app) total(user string, tags []string) int {
	n := 0
	for _, r := range a.rooms {
		if r.status == 0 || slices.ContainsFunc(tags, func(tag string) bool { return !slices.Contains(r.tags, tag) }) {
			continue
		}
		n += a.unread(r, user)
	}
	return n
}

// badgesByTags counts per tag; without tags, for every tag of the user's
// rooms. The total is the sum of the counts, so a room with two of the tags
// counts twice, as in the page's sample.
func (a *app) badgesByTags(c *surface.Call) (any, error) {
	var in struct {
		Tags json.RawMessage `json:"tags"`
	}
	if len(c.Data) > 0 { // tags are optional, so is the body
		if err := decode(c, &in, invalidBody); err != nil {
			return nil, err
		}
	}
	var tags []string
	if given(in.Tags) && json.Unmarshal(in.Tags, &tags) != nil {
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
