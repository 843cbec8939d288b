package mockserver

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

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
	known, given := uint64(0), false
	for _, s := range []string{c.URL.Query().Get("after"), c.Header.Get("Last-Event-ID")} {
		if s == "" {
			continue
		}
		if known, err = strconv.ParseUint(s, 10, 64); err != nil {
			return nil, refused(http.StatusBadRequest, "after and Last-Event-ID are a request's ID")
		}
		given = true
	}
	if c.Method == http.MethodHead {
		c.w.Header().Set("Content-Type", eventStream)
		return written{}, nil
	}
	live, next := c.ns.feed.join()
	defer live.leave()
	s := &stream{call: c, rc: http.NewResponseController(c.w), match: &m, live: live, next: next, known: known}
	if given {
		s.readPast()
	} else {
		s.known = c.ns.journal.last() // after join: what comes later is in the broadcast
	}
	s.run()
	return written{}, nil
}

// stream is one follower: first of what is past, then of the broadcast.
type stream struct {
	call  *adminCall
	rc    *http.ResponseController
	match *Match
	live  *broadcast
	next  uint64             // number of the next event of the broadcast
	known uint64             // the client knows every exchange up to this ID
	past  []*event           // to be sent first
	seen  map[uint64]Outcome // by ID, of past
}

// readPast takes over what happened after the last request that the client knows. The
// broadcast may have some of it too.
func (s *stream) readPast() {
	follow := newFollower(s.call.ns.journal, s.known)
	fresh, _ := follow.next()
	if follow.missed > 0 {
		s.past = append(s.past, missedEvent(follow.missed))
	}
	s.seen = make(map[uint64]Outcome, len(fresh))
	for i := range fresh {
		s.past = append(s.past, newEvent(&fresh[i]))
		s.seen[fresh[i].ID] = fresh[i].Outcome
	}
}

// run sends until the client disconnects or the server shuts down.
func (s *stream) run() {
	_ = s.rc.SetReadDeadline(time.Time{}) // not every writer can; a stream has no end
	s.call.w.Header().Set("Content-Type", eventStream)
	s.call.w.WriteHeader(http.StatusOK)
	if s.send(s.past) != nil {
		return
	}
	s.past = nil
	beat := make(chan struct{}, 1)
	for {
		events, dropped, next, more := s.live.from(s.next)
		s.next = next
		if dropped > 0 {
			events = append([]*event{missedEvent(dropped)}, events...)
		}
		if s.send(s.unseen(events)) != nil {
			return
		}
		stop := clock.AfterMachineTime(heartbeat, func() { beat <- struct{}{} })
		select {
		case <-more:
			stop()
		case <-beat:
			if _, err := io.WriteString(s.call.w, ": heartbeat\n\n"); err != nil {
				return
			}
		case <-s.call.Context().Done():
			stop()
			return
		case <-s.call.srv.draining:
			stop()
			return
		}
	}
}

// unseen leaves out what the client has.
func (s *stream) unseen(events []*event) []*event {
	out := make([]*event, 0, len(events))
	for _, e := range events {
		if e.missed == 0 && (e.x.ID <= s.known || s.seen[e.x.ID] == e.x.Outcome) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// send writes the events that match, and flushes them.
func (s *stream) send(events []*event) error {
	for _, e := range events {
		if f := e.x.facts(); e.missed == 0 && (!s.match.exchange(&f) || !s.match.findsExchange(&e.x)) {
			continue
		}
		if _, err := s.call.w.Write(e.text); err != nil {
			return err
		}
	}
	return s.rc.Flush()
}
