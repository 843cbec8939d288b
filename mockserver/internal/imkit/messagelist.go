package imkit

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const defaultMessages = 20 // page "List Messages"

// messageQuery holds the parameters of GET /rooms/{id}/messages/v3.
type messageQuery struct {
	limit         int
	before, after *message
	since         time.Time
	field         string
}

func (a *app) messageQuery(c *surface.Call, r *room) (q messageQuery, err error) {
	values := c.URL.Query()
	if q.limit, err = number(values, "limit", defaultMessages, 1); err != nil {
		return q, err
	}
	if q.since, err = queryTime(values, "afterTime"); err != nil {
		return q, err
	}
	switch q.field = firstOf(values.Get("timeRangeField"), "updatedAt"); q.field {
	case "updatedAt", "createdAt", "messageTime":
	default:
		return q, invalidQuery("timeRangeField must be updatedAt, createdAt or messageTime")
	}
	for name, to := range map[string]**message{"beforeMessage": &q.before, "afterMessage": &q.after} {
		if id := values.Get(name); id != "" {
			m := a.messages[id]
			if m == nil || m.room != r {
				return q, messageNotFound()
			}
			*to = m
		}
	}
	return q, nil
}

// order compares messages for the list: by the time of the last change, "more
// accurate than message ID sorting", then by the order of sending.
func order(a, b *message) int {
	if n := a.updated.Compare(b.updated); n != 0 {
		return n
	}
	return cmp.Compare(a.seq, b.seq)
}

// selectPage returns one page of messages, newest first. With only afterMessage it
// is the page that directly follows the cursor, so that a client paging forward
// skips nothing; otherwise it is the page with the newest messages.
func (q *messageQuery) selectPage(messages []*message) []*message {
	found := make([]*message, 0, len(messages))
	for _, m := range messages {
		at := m.updated
		if q.field != "updatedAt" {
			at = m.sent
		}
		if (q.since.IsZero() || at.After(q.since)) &&
			(q.before == nil || order(m, q.before) < 0) && (q.after == nil || order(m, q.after) > 0) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, order)
	n := min(q.limit, len(found))
	if q.after != nil && q.before == nil {
		found = found[:n]
	} else {
		found = found[len(found)-n:]
	}
	slices.Reverse(found)
	return found
}

// inspect is the diagnostic member of lists: the query in MongoDB's syntax and a
// duration, which is always 0 in the mock.
type inspect struct {
	Query  map[string]any `json:"query"`
	TookMS int            `json:"tookMS"`
}

func (q *messageQuery) inspect(r *room) inspect {
	out := map[string]any{"appID": appID, "room": r.id}
	if !q.since.IsZero() {
		out[q.field] = map[string]string{"$gt": iso(q.since)}
	}
	return inspect{Query: out}
}

func (a *app) listMessages(c *surface.Call) (any, error) {
	outside := refused(http.StatusForbidden, "Forbidden", "NOT_ROOM_MEMBER", "Client is not in the room or room does not exist")
	r, err := a.roomFor(c, c.PathValue("id"), roomNotFound(), outside)
	if err != nil {
		return nil, err
	}
	q, err := a.messageQuery(c, r)
	if err != nil {
		return nil, err
	}
	data := []messageView{}
	for _, m := range q.selectPage(r.messages) {
		data = append(data, a.view(m, c, messageListed))
	}
	return struct {
		Total   int           `json:"totalCount"`
		Inspect inspect       `json:"inspect"`
		Data    []messageView `json:"data"`
		Deleted []string      `json:"userDeletedIDs"` // always empty: no documented operation deletes for one user
	}{len(r.messages), q.inspect(r), data, []string{}}, nil
}
