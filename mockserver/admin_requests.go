package mockserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
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
	if err := m.valid(); err != nil {
		return m, err
	}
	return m, nil
}

// valid refuses a Match that can never match: a misspelt value would look like
// no requests.
func (m *Match) valid() error {
	if m.Provider != "" {
		if _, err := ParseProvider(string(m.Provider)); err != nil {
			return refused(http.StatusBadRequest, "match: unknown provider; one of imin, mindkey, imkit, optimove, iiniit")
		}
	}
	if m.Outcome != "" && !slices.Contains(Outcomes(), m.Outcome) {
		return refused(http.StatusBadRequest, "match: unknown outcome; one of %s", joinOutcomes())
	}
	if err := m.fineValid(); err != nil {
		return refused(http.StatusBadRequest, "%s", err)
	}
	return nil
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
	if err := in.Match.valid(); err != nil {
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
	if err := in.Match.valid(); err != nil {
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

const eventStream = "text/event-stream"

// heartbeat keeps a quiet stream alive and detects that its client is gone.
const heartbeat = 15 * time.Second

// adminStream sends requests as server-sent events while they arrive. A client
// that reconnects with Last-Event-ID continues where it was.
func adminStream(c *adminCall) (any, error) {
	m, err := c.match()
	if err != nil {
		return nil, err
	}
	from := c.ns.journal.last()
	for _, s := range []string{c.URL.Query().Get("after"), c.Header.Get("Last-Event-ID")} {
		if s == "" {
			continue
		}
		if from, err = strconv.ParseUint(s, 10, 64); err != nil {
			return nil, refused(http.StatusBadRequest, "after and Last-Event-ID are a request's ID")
		}
	}
	if c.Method == http.MethodHead {
		c.w.Header().Set("Content-Type", eventStream)
		return written{}, nil
	}
	c.stream(newFollower(c.ns.journal, from), &m)
	return written{}, nil
}

// stream sends until the client disconnects or the server shuts down.
func (call *adminCall) stream(follow *follower, m *Match) {
	rc := http.NewResponseController(call.w)
	_ = rc.SetReadDeadline(time.Time{}) // not every writer can; a stream has no end
	call.w.Header().Set("Content-Type", eventStream)
	call.w.WriteHeader(http.StatusOK)
	beat := make(chan struct{}, 1)
	for {
		fresh, more := follow.next()
		if sendEvents(call.w, follow.missed, fresh, m) != nil || rc.Flush() != nil {
			return
		}
		stop := clock.AfterMachineTime(heartbeat, func() { beat <- struct{}{} })
		select {
		case <-more:
			stop()
		case <-beat:
			if _, err := io.WriteString(call.w, ": heartbeat\n\n"); err != nil {
				return
			}
		case <-call.Context().Done():
			stop()
			return
		case <-call.srv.draining:
			stop()
			return
		}
	}
}

func sendEvents(w http.ResponseWriter, missed uint64, fresh []Exchange, m *Match) error {
	if missed > 0 {
		if _, err := fmt.Fprintf(w, "event: missed\ndata: {\"missed\":%d}\n\n", missed); err != nil {
			return err
		}
	}
	for i := range fresh {
		f := fresh[i].facts()
		if !m.exchange(&f) || !m.findsExchange(&fresh[i]) {
			continue
		}
		data, err := json.Marshal(fresh[i])
		if err != nil {
			return fmt.Errorf("request %d: %w", fresh[i].ID, err)
		}
		if _, err := fmt.Fprintf(w, "id: %d\nevent: request\ndata: %s\n\n", fresh[i].ID, data); err != nil {
			return err
		}
	}
	return nil
}
