package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// PushService sends push notifications. Page "Push to Clients".
type PushService struct{ caller *caller }

// ToClients sends a notification to the devices of users. The payload is a JSON object in
// the format of the devices' push services.
func (s *PushService) ToClients(ctx context.Context, users []string, payload map[string]any, opts ...keyfit.CallOption) error {
	r := request{method: http.MethodPost, template: "/push/push2clients", body: map[string]any{"clients": users, "payload": payload}}
	if r.err = each("users", users); payload == nil {
		r.err = cmp.Or(r.err, errors.New("the payload is nil"))
	}
	_, err := call[struct{}](ctx, s.caller, r, opts)
	return err
}

// Statistics holds counts for a period of time. The vendor echoes the application's keys in
// them; the keys print as [redacted].
type Statistics struct {
	ClientKey       Secret                     `json:"clientKey,omitzero"`
	APIKey          Secret                     `json:"apiKey,omitzero"`
	StartTime       time.Time                  `json:"startTime,omitzero"`
	EndTime         time.Time                  `json:"endTime,omitzero"`
	Start           int64                      `json:"start,omitempty"`    // StartTime in seconds since 1970
	End             int64                      `json:"end,omitempty"`      // EndTime in seconds since 1970
	Users           []string                   `json:"userList,omitempty"` // IDs of active users
	Rooms           int                        `json:"roomCount"`          // active rooms
	TotalRooms      int                        `json:"totalRoomCount"`
	Messages        int                        `json:"messageCount"`
	PeakConnections int                        `json:"peakConnectionCount"`
	TotalMemory     int64                      `json:"totalMem,omitempty"` // bytes
	FreeMemory      int64                      `json:"freeMem,omitempty"`  // bytes
	Extra           map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes statistics and keeps unknown fields.
func (s *Statistics) UnmarshalJSON(b []byte) error {
	type plain Statistics
	return wire.Decode(b, (*plain)(s), &s.Extra)
}

// MarshalJSON encodes statistics, unknown fields included and the keys redacted.
func (s Statistics) MarshalJSON() ([]byte, error) {
	type plain Statistics
	return wire.Encode(plain(s), s.Extra)
}

// StatsService reads statistics of the application. Pages "Stats", "Connection Count".
type StatsService struct{ caller *caller }

// Get returns the statistics.
func (s *StatsService) Get(ctx context.Context, opts ...keyfit.CallOption) (Statistics, error) {
	return call[Statistics](ctx, s.caller, request{method: http.MethodGet, template: "/admin/stats"}, opts)
}

// Connections returns the number of connections. It is the cheapest call with an API key.
func (s *StatsService) Connections(ctx context.Context, opts ...keyfit.CallOption) (int, error) {
	out, err := call[counted](ctx, s.caller, request{method: http.MethodGet, template: "/admin/connection-count"}, opts)
	return out.Count, err
}
