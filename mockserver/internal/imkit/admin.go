package imkit

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// hidden stands where the vendor prints a key; the journal hides keys by the
// same word.
const hidden = "[redacted]"

// connectionCount counts WebSocket connections, which the mock has none of.
func (a *app) connectionCount(*surface.Call) (any, error) {
	return map[string]int{"count": 0}, nil
}

// push checks and accepts; nothing is delivered anywhere.
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

// statsPeriod is the time that stats look back.
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

// stats counts the last hour. Where the vendor echoes its keys the mock prints
// a placeholder; memory is that of the page's sample.
func (a *app) stats(c *surface.Call) (any, error) {
	from := c.Now.Add(-statsPeriod)
	v := statsView{
		ClientKey: hidden, APIKey: hidden, StartTime: iso(from), EndTime: iso(c.Now), Start: from.Unix(), End: c.Now.Unix(),
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
