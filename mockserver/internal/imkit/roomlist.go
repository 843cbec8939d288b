package imkit

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// listRooms lists the valid rooms of the caller; it wants IM-CLIENT-ID, also
// from a user whose token says who it is.
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
	q, err := a.roomQuery(c.URL.Query())
	if err != nil {
		return nil, err
	}
	found := a.pickRooms(&q, u.id)
	slices.SortStableFunc(found, func(x, y *room) int { return a.compareRooms(&q, u.id, x, y) })
	total := len(found)
	found = found[min(q.skip, total):]
	if q.limit > 0 {
		found = found[:min(q.limit, len(found))]
	}
	data := []roomView{}
	for _, r := range found {
		data = append(data, a.roomView(r, c, roomListed))
	}
	return struct {
		Total   int        `json:"totalCount"`
		Inspect inspect    `json:"inspect"`
		Data    []roomView `json:"data"`
	}{total, q.inspect(u.id), data}, nil
}

// roomQuery is what GET /rooms asks for.
type roomQuery struct {
	skip, limit int
	since       time.Time
	unreadFirst bool
	sort        []sortKey
	pref        filter
}

type sortKey struct {
	field string
	down  bool
}

func (a *app) roomQuery(values url.Values) (q roomQuery, err error) {
	if q.skip, err = number(values, "skip", 0, 0); err != nil {
		return q, err
	}
	if q.limit, err = number(values, "limit", 0, 0); err != nil { // 0 is no limit
		return q, err
	}
	if q.since, err = queryTime(values, "updatedAfter"); err != nil {
		return q, err
	}
	first, err := number(values, "sortUnreadFirst", 0, 0)
	if err != nil {
		return q, err
	}
	q.unreadFirst = first != 0
	for word := range strings.FieldsSeq(values.Get("sort")) {
		field, down := strings.CutPrefix(word, "-")
		switch field {
		case "lastMessage", "createdTime", "name":
			q.sort = append(q.sort, sortKey{field, down})
		default:
			return q, invalidQuery("sort knows lastMessage, createdTime and name")
		}
	}
	if q.pref, err = parseFilter(values.Get("pref")); err != nil {
		return q, invalidQuery("pref is not a valid JSON filter")
	}
	return q, nil
}

func (a *app) pickRooms(q *roomQuery, user string) []*room {
	var found []*room
	for _, id := range a.roomOrder {
		r := a.rooms[id]
		if r.status == 0 || a.memberAs(r, user) == "" {
			continue
		}
		if !q.since.IsZero() && !r.created.After(q.since) && !r.lastSent().After(q.since) {
			continue
		}
		if p := a.pref(r, user); q.pref(map[string]any{"tags": p.Tags, "hidden": p.Hidden, "sticky": p.Sticky, "muted": p.Muted, "folder": p.Folder}) {
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

// compareRooms orders two rooms; equal ones stay in the order of creation.
func (a *app) compareRooms(q *roomQuery, user string, x, y *room) int {
	if q.unreadFirst {
		if ux, uy := a.unread(x, user) > 0, a.unread(y, user) > 0; ux != uy {
			if ux {
				return -1
			}
			return 1
		}
	}
	for _, key := range q.sort {
		var n int
		switch key.field {
		case "lastMessage":
			n = cmp.Compare(x.lastSeq(), y.lastSeq())
		case "createdTime":
			n = x.created.Compare(y.created)
		default:
			n = cmp.Compare(x.name, y.name)
		}
		if key.down {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

func (q *roomQuery) inspect(user string) inspect {
	out := map[string]any{"appID": appID, "members": user, "status": 1}
	if !q.since.IsZero() {
		at := map[string]string{"$gt": iso(q.since)}
		out["$or"] = []map[string]any{{"lastMessage": at}, {"createdTime": at}}
	}
	return inspect{Query: out}
}
