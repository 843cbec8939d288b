package imkit

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// redacted replaces the keys that the vendor echoes; the journal uses the same
// word.
const redacted = "[redacted]"

// connectionCount answers 0, because the mock has no WebSocket connections. The
// response is encoded once.
func connectionCount() handler {
	body := &encoded{[]byte(`{"RC":0,"RM":"OK","result":{"count":0}}`)}
	return func(*surface.Call) (any, error) { return body, nil }
}

// push validates and accepts a push message. The mock does not deliver it.
func (a *app) push(c *surface.Call) (any, error) {
	var in struct {
		Clients *[]string                   `json:"clients"`
		Payload *map[string]json.RawMessage `json:"payload"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if in.Clients == nil || in.Payload == nil {
		return nil, refused(http.StatusBadRequest, "Bad Request", "MISSING_PARAMETER", "clients and payload are required")
	}
	return struct{}{}, nil
}

// statsPeriod is the period that stats covers.
const statsPeriod = time.Hour

type statsView struct {
	ClientKey    string   `json:"clientKey"`
	APIKey       string   `json:"apiKey"`
	StartTime    string   `json:"startTime"`
	EndTime      string   `json:"endTime"`
	Start        int64    `json:"start"`
	End          int64    `json:"end"`
	Users        []string `json:"userList"`
	Rooms        int      `json:"roomCount"`
	TotalRooms   int      `json:"totalRoomCount"`
	Messages     int      `json:"messageCount"`
	PeakSessions int      `json:"peakConnectionCount"`
	TotalMem     int64    `json:"totalMem"`
	FreeMem      int64    `json:"freeMem"`
}

// stats returns the statistics of the last hour. A placeholder replaces the keys
// that the vendor echoes; the memory sizes are those of the sample on the page.
func (a *app) stats(c *surface.Call) (any, error) {
	from := c.Now.Add(-statsPeriod)
	v := statsView{
		ClientKey: redacted, APIKey: redacted, StartTime: iso(from), EndTime: iso(c.Now), Start: from.Unix(), End: c.Now.Unix(),
		Users: []string{}, TotalRooms: len(a.rooms), TotalMem: 8 << 30, FreeMem: 3 << 30,
	}
	active, rooms := make(map[string]bool), make(map[string]bool)
	for e := a.oldest.Back(); e != nil; e = e.Prev() {
		m, ok := e.Value.(*message)
		if !ok || m.sent.Before(from) {
			break
		}
		v.Messages++
		active[m.sender], rooms[m.room.id] = true, true
	}
	v.Rooms = len(rooms)
	for _, id := range a.userOrder {
		if active[id] || !a.users[id].updated.Before(from) {
			v.Users = append(v.Users, id)
		}
	}
	return v, nil
}
