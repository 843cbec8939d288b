package mockserver

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func matchParams() []adminParam {
	return []adminParam{
		{"provider", ""},
		{"method", ""},
		{"path", "a trailing * matches a prefix"},
		{"key", "a key's ID"},
		{"outcome", ""},
		{"status", ""},
		{"query", "parameters that the request must have, as a form: limit=50&offset=*"},
		{"header", "names of headers that must be there, with commas between"},
		{"body", "members that a JSON body must have, as a JSON object: {\"user.name\":\"Ann\"}"},
	}
}

// match reads a Match from the query.
func (call *adminCall) match() (Match, error) {
	q := call.URL.Query()
	m := Match{
		Provider: Provider(q.Get("provider")), Method: q.Get("method"), Path: q.Get("path"),
		KeyID: q.Get("key"), Outcome: Outcome(q.Get("outcome")),
	}
	if s := q.Get("status"); s != "" {
		var err error
		if m.Status, err = strconv.Atoi(s); err != nil {
			return m, refused(http.StatusBadRequest, "status is a number")
		}
	}
	if err := m.readFine(q); err != nil {
		return m, err
	}
	if err := m.valid(call.srv.Providers()); err != nil {
		return m, err
	}
	return m, nil
}

func joinOutcomes() string {
	names := make([]string, 0, len(Outcomes()))
	for _, o := range Outcomes() {
		names = append(names, string(o))
	}
	return strings.Join(names, ", ")
}

// adminRequests lists requests, newest first.
func adminRequests(c *adminCall) (any, error) {
	limit, before, err := c.window()
	if err != nil {
		return nil, err
	}
	m, err := c.match()
	if err != nil {
		return nil, err
	}
	out := page[Exchange]{Items: []Exchange{}}
	for _, x := range slices.Backward(c.ns.Requests(m)) {
		if before != 0 && x.ID >= before {
			continue
		}
		if len(out.Items) == limit {
			out.Next = cursor(out.Items[limit-1].ID)
			break
		}
		out.Items = append(out.Items, x)
	}
	return out, nil
}

func adminRequest(c *adminCall) (any, error) {
	id, err := strconv.ParseUint(c.PathValue("id"), 10, 64)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "a request's ID is a number")
	}
	for _, x := range c.ns.Requests(Match{}) {
		if x.ID == id {
			return x, nil
		}
	}
	if id >= 1 && id <= c.ns.journal.last() {
		return nil, refused(http.StatusNotFound, "request %d is no longer in the journal; --journal makes it larger", id)
	}
	return nil, refused(http.StatusNotFound, "there was no request %d", id)
}

func adminForgetRequests(c *adminCall) (any, error) {
	c.ns.ResetJournal()
	return nil, nil
}

type countBody struct {
	Match Match `json:"match"`
}

func adminCount(c *adminCall) (any, error) {
	var in countBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.Match.valid(c.srv.Providers()); err != nil {
		return nil, err
	}
	return c.ns.Counts(in.Match), nil
}

const (
	defaultWait = 30 * time.Second
	maxWait     = 5 * time.Minute
)

type waitBody struct {
	Match   Match    `json:"match"`
	N       int      `json:"n"       doc:"the number of requests to wait for; 1 if absent"`
	Timeout Duration `json:"timeout" doc:"in machine time, at most 5m; 30s if absent"`
}

type waitView struct {
	Reached  bool       `json:"reached"` // false after the timeout
	Counts   Counts     `json:"counts"`
	Requests []Exchange `json:"requests"`
}

func adminWait(c *adminCall) (any, error) {
	in := waitBody{N: 1, Timeout: Duration(defaultWait)}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.Match.valid(c.srv.Providers()); err != nil {
		return nil, err
	}
	if in.N < 1 || in.Timeout <= 0 || in.Timeout.Std() > maxWait {
		return nil, refused(http.StatusBadRequest, "n is at least 1, timeout more than 0s and at most 5m")
	}
	ctx, cancel := context.WithTimeout(c.Context(), in.Timeout.Std())
	defer cancel()
	go func() {
		select {
		case <-c.srv.draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	v := waitView{Requests: []Exchange{}}
	found, err := c.ns.WaitFor(ctx, in.Match, in.N)
	if v.Reached = err == nil; v.Reached {
		v.Requests = append(v.Requests, found[max(0, len(found)-maxPage):]...)
	}
	v.Counts = c.ns.Counts(in.Match)
	return v, nil
}
