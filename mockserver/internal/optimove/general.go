package optimove

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

func lastDataUpdate(_ *data, req *request) any {
	return struct{ Date string }{lastUpdate(req.Now).Format(time.DateOnly)}
}

// listener is one registration. A general one has no ChannelID.
type listener struct {
	EventTypeID int
	ListenerURL string
	ChannelID   *int `json:",omitempty"`
}

func (l *listener) same(o *listener) bool {
	return l.EventTypeID == o.EventTypeID && (l.ChannelID == nil) == (o.ChannelID == nil) &&
		(l.ChannelID == nil || *l.ChannelID == *o.ChannelID)
}

// eventWithoutChannel is the event type that "cannot be registered for a specific
// channel" (page "Register Event Listener").
const eventWithoutChannel = 5

// eventTypes returns the valid EventTypeIDs of that page.
func eventTypes() []int { return []int{1, 2, 3, 4, eventWithoutChannel, 11, 13} }

// readListener decodes and checks a registration. needsURL says whether
// ListenerURL is required.
func readListener(req *request, needsURL bool) (listener, bool) {
	var in struct {
		EventTypeID *int
		ListenerURL string
		ChannelID   *int
	}
	if !req.body(&in) {
		return listener{}, false
	}
	switch {
	case in.EventTypeID == nil:
		req.reject("EventTypeID is required")
	case !slices.Contains(eventTypes(), *in.EventTypeID):
		req.reject("EventTypeID must be one of 1, 2, 3, 4, 5, 11, 13")
	case in.ChannelID != nil && *in.EventTypeID == eventWithoutChannel:
		req.reject("EventTypeID 5 cannot be registered for a specific channel")
	case needsURL && !isListenerURL(in.ListenerURL):
		req.reject("ListenerURL must be an absolute http or https URL")
	}
	if in.ChannelID != nil {
		req.knownChannel(*in.ChannelID)
	}
	if req.badRequest != "" || req.denial != "" {
		return listener{}, false
	}
	return listener{*in.EventTypeID, in.ListenerURL, in.ChannelID}, true
}

// isListenerURL reports whether s is an absolute http or https URL, plain or
// percent-encoded as in the fixtures of a public client.
func isListenerURL(s string) bool {
	u, err := url.Parse(plainURL(s))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// plainURL undoes the percent-encoding of a whole URL.
func plainURL(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil && !strings.Contains(s, "://") {
		return plain
	}
	return s
}

// registerListener replaces an earlier registration for the same event and
// channel. As documented, the response has no payload.
func registerListener(d *data, req *request) any {
	l, ok := readListener(req, true)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners = slices.DeleteFunc(d.listeners, func(o listener) bool { return o.same(&l) })
	d.listeners = append(d.listeners, l)
	return nil
}

func unregisterListener(d *data, req *request) any {
	l, ok := readListener(req, false)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.listeners)
	d.listeners = slices.DeleteFunc(d.listeners, func(o listener) bool { return o.same(&l) })
	if len(d.listeners) == before {
		return notFound()
	}
	return nil
}

func registeredListeners(d *data, req *request) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return list(req, slices.Clone(d.listeners))
}
