package imkit

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// listRooms lists the valid rooms of the caller. It requires IM-CLIENT-ID even if
// a token identifies the user.
func (a *app) listRooms(c *surface.Call) (any, error) {
	id := c.Header.Get("IM-CLIENT-ID")
	if id == "" {
		return nil, missing("IM-CLIENT-ID header")
	}
	u, err := a.caller(c)
	switch {
	case err != nil:
		return nil, err
	case u.id != id:
		return nil, forbidden("Forbidden", "IM-CLIENT-ID is not the user of the token")
	}
	rq, err := a.roomQuery(c.URL.Query())
	if err != nil {
		return nil, err
	}
	found := a.selectRooms(&rq, u.id)
	slices.SortStableFunc(found, func(x, y *room) int { return a.compareRooms(&rq, u.id, x, y) })
	total := len(found)
	found = found[min(rq.skip, total):]
	if rq.limit > 0 {
		found = found[:min(rq.limit, len(found))]
	}
	data := []roomView{}
	for _, r := range found {
		data = append(data, a.roomView(r, c, roomListed))
	}
	return struct {
		Total   int        `json:"totalCount"`
		Inspect inspect    `json:"inspect"`
		Data    []roomView `json:"data"`
	}{total, rq.inspect(u.id), data}, nil
}

// roomQuery holds the parameters of GET /rooms.
type roomQuery struct {
	skip, limit int
	since       time.Time
	unreadFirst bool
	sort        []sortKey
	pref        filter
}

type sortKey struct {
	field      string
	descending bool
}

func (a *app) roomQuery(values url.Values) (rq roomQuery, err error) {
	if rq.skip, err = number(values, "skip", 0, 0); err != nil {
		return rq, err
	}
	if rq.limit, err = number(values, "limit", 0, 0); err != nil { // 0: no limit
		return rq, err
	}
	if rq.since, err = queryTime(values, "updatedAfter"); err != nil {
		return rq, err
	}
	first, err := number(values, "sortUnreadFirst", 0, 0)
	if err != nil {
		return rq, err
	}
	rq.unreadFirst = first != 0
	for word := range strings.FieldsSeq(values.Get("sort")) {
		field, down := strings.CutPrefix(word, "-")
		switch field {
		case "lastMessage", "createdTime", "name":
			rq.sort = append(rq.sort, sortKey{field, down})
		default:
			return rq, invalidQuery("sort must consist of lastMessage, createdTime and name")
		}
	}
	if rq.pref, err = parseFilter(values.Get("pref")); err != nil {
		return rq, invalidQuery("pref is not a valid JSON filter")
	}
	return rq, nil
}

func (a *app) selectRooms(rq *roomQuery, user string) []*room {
	var found []*room
	for _, id := range a.roomOrder {
		r := a.rooms[id]
		if r.status == 0 || a.memberAs(r, user) == "" {
			continue
		}
		if !rq.since.IsZero() && !r.created.After(rq.since) && !r.lastSent().After(rq.since) {
			continue
		}
		if p := a.pref(r, user); rq.pref(map[string]any{"tags": p.Tags, "hidden": p.Hidden, "sticky": p.Sticky, "muted": p.Muted, "folder": p.Folder}) {
			found = append(found, r)
		}
	}
	return found
}

func (r *room) lastSent() time.Time {
	if n := len(r.messages); n > 0 {
		return r.messages[n-1].sent
	}
	return time.Time{}
}

func (r *room) lastSeq() uint64 {
	if n := len(r.messages); n > 0 {
		return r.messages[n-1].seq
	}
	return 0
}

// compareRooms compares two rooms for sorting; equal rooms keep the order of
// creation.
func (a *app) compareRooms(rq *roomQuery, user string, x, y *room) int {
	if rq.unreadFirst {
		if ux, uy := a.unread(x, user) > 0, a.unread(y, user) > 0; ux != uy {
			if ux {
				return -1
			}
			return 1
		}
	}
	for _, key := range rq.sort {
		var n int
		switch key.field {
		case "lastMessage":
			n = cmp.Compare(x.lastSeq(), y.lastSeq())
		case "createdTime":
			n = x.created.Compare(y.created)
		default:
			n = cmp.Compare(x.name, y.name)
		}
		if key.descending {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

func (rq *roomQuery) inspect(user string) inspect {
	out := map[string]any{"appID": appID, "members": user, "status": 1}
	if !rq.since.IsZero() {
		at := map[string]string{"$gt": iso(rq.since)}
		out["$or"] = []map[string]any{{"lastMessage": at}, {"createdTime": at}}
	}
	return inspect{Query: out}
}
