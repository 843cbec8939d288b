package optimove

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// GeneralService calls the functions of the group general.
type GeneralService struct{ client *keyfit.Client }

// LastDataUpdate returns the day of the newest data. Call it before functions that take a
// Date. It is also the cheapest call for checking a key.
//
// Function GetLastDataUpdate. Access: every key.
func (s *GeneralService) LastDataUpdate(ctx context.Context, opts ...keyfit.CallOption) (Date, error) {
	answer, err := get[struct{ Date Date }](ctx, s.client, "/current/general/GetLastDataUpdate", new(params), opts)
	return answer.Date, err
}

// EventListener is a URL to which Optimove reports events of a type. EventTypeID is one of 1,
// 2, 3, 4, 5, 11 and 13. ChannelID restricts it to a channel, which type 5 does not allow.
type EventListener struct {
	EventTypeID ID                         `json:"EventTypeID,omitzero"`
	ListenerURL string                     `json:"ListenerURL,omitzero"`
	ChannelID   ID                         `json:"ChannelID,omitzero"` // 0: all channels
	Extra       map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (e *EventListener) UnmarshalJSON(b []byte) error {
	type plain EventListener
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (e EventListener) MarshalJSON() ([]byte, error) {
	type plain EventListener
	return wire.Encode(plain(e), e.Extra)
}

func (e EventListener) check(needsURL bool) error {
	switch e.EventTypeID {
	case 1, 2, 3, 4, 5, 11, 13:
	default:
		return errors.New("EventTypeID must be one of 1, 2, 3, 4, 5, 11, 13")
	}
	if e.ChannelID < 0 || e.EventTypeID == 5 && e.ChannelID != 0 {
		return errors.New("ChannelID must not be negative, and must be 0 with EventTypeID 5")
	}
	u, err := url.Parse(e.ListenerURL)
	if needsURL && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("ListenerURL must be an absolute http or https URL")
	}
	return nil
}

// RegisterListener registers a listener for events.
//
// Function RegisterEventListener. Access: every key.
func (s *GeneralService) RegisterListener(ctx context.Context, listener EventListener, opts ...keyfit.CallOption) error {
	p := &params{err: listener.check(true)}
	return send(ctx, s.client, http.MethodPost, "/current/general/RegisterEventListener", listener, p, opts)
}

// UnregisterListener removes a listener for an event type, on one channel if ChannelID is
// set. If there is none, the error is [keyfit.ErrNotFound].
//
// Function UnregisterEventListener. Access: every key.
func (s *GeneralService) UnregisterListener(ctx context.Context, listener EventListener, opts ...keyfit.CallOption) error {
	p := &params{err: listener.check(false)}
	return send(ctx, s.client, http.MethodPost, "/current/general/UnregisterEventListener", listener, p, opts)
}

// Listeners returns the registered listeners.
//
// Function GetRegisteredEventListeners. Access: every key.
func (s *GeneralService) Listeners(ctx context.Context, opts ...keyfit.CallOption) ([]EventListener, error) {
	return rows[EventListener](ctx, s.client, "/current/general/GetRegisteredEventListeners", new(params), opts)
}
