package optimove

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

func lastDataUpdate(_ *data, a *ask) any {
	return struct{ Date string }{lastUpdate(a.Now).Format(time.DateOnly)}
}

// listener is one registration. ChannelID is left out of a general one.
type listener struct {
	EventTypeID int
	ListenerURL string
	ChannelID   *int `json:",omitempty"`
}

func (l *listener) same(o *listener) bool {
	return l.EventTypeID == o.EventTypeID && (l.ChannelID == nil) == (o.ChannelID == nil) &&
		(l.ChannelID == nil || *l.ChannelID == *o.ChannelID)
}

// eventChannelless is the event that "cannot be registered for a specific
// channel" (page "Register Event Listener").
const eventChannelless = 5

// eventTypes are the valid EventTypeIDs of that page.
func eventTypes() []int { return []int{1, 2, 3, 4, eventChannelless, 11, 13} }

// readListener reads and checks a registration; url says whether it needs an
// address.
func readListener(a *ask, needsURL bool) (listener, bool) {
	var in struct {
		EventTypeID *int
		ListenerURL string
		ChannelID   *int
	}
	if !a.body(&in) {
		return listener{}, false
	}
	switch {
	case in.EventTypeID == nil:
		a.fail("EventTypeID is required")
	case !slices.Contains(eventTypes(), *in.EventTypeID):
		a.fail("EventTypeID must be one of 1, 2, 3, 4, 5, 11, 13")
	case in.ChannelID != nil && *in.EventTypeID == eventChannelless:
		a.fail("EventTypeID 5 cannot be registered for a specific channel")
	case needsURL && !isListenerURL(in.ListenerURL):
		a.fail("ListenerURL must be an absolute http or https URL")
	}
	if in.ChannelID != nil {
		a.knownChannel(*in.ChannelID)
	}
	if a.fault != "" || a.deny != "" {
		return listener{}, false
	}
	return listener{*in.EventTypeID, in.ListenerURL, in.ChannelID}, true
}

// isListenerURL takes the address as it is or percent-encoded: a public
// client's fixtures send it so.
func isListenerURL(s string) bool {
	if plain, err := url.QueryUnescape(s); err == nil && !strings.Contains(s, "://") {
		s = plain
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// registerListener replaces an earlier registration for the same event and
// channel; the page says that it does not return a payload.
func registerListener(d *data, a *ask) any {
	l, ok := readListener(a, true)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners = slices.DeleteFunc(d.listeners, func(o listener) bool { return o.same(&l) })
	d.listeners = append(d.listeners, l)
	return nil
}

func unregisterListener(d *data, a *ask) any {
	l, ok := readListener(a, false)
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

func registeredListeners(d *data, a *ask) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return list(a, slices.Clone(d.listeners))
}
