package optimove

import (
	"encoding/json"
	"time"
)

// The events that the mock plays: the daily data is ready, a campaign was executed
// on a channel. The first follows from a sample of the vendor's staff, which says
// that event 2 needs the daily process; the second from their integration guide,
// which reads CampaignID and ChannelID from event 13. What the other numbers mean
// was not found.
const (
	eventDailyData = 2
	eventExecuted  = 13
)

// event is the body of a call to a listener.
type event struct {
	EventTypeID int    `json:"EventTypeID"`
	TimeStamp   string `json:"TimeStamp"`
	CampaignID  int    `json:"CampaignID,omitempty"`
	ChannelID   int    `json:"ChannelID,omitempty"`
}

// announce calls the listeners for every day of data that has come since the last
// request.
func (d *data) announce(now time.Time) {
	d.mu.Lock()
	calls := d.due(lastUpdate(now), now)
	d.mu.Unlock()
	for _, c := range calls {
		d.env.Callback(c.url, c.body)
	}
}

type listenerCall struct {
	url  string
	body []byte
}

// due returns the calls for the days up to last, and notes that they are made. The
// caller holds mu.
func (d *data) due(last, now time.Time) []listenerCall {
	from := d.announced
	if last.After(from) {
		d.announced = last
	}
	if from.IsZero() || len(d.listeners) == 0 || d.env.Callback == nil {
		return nil
	}
	if first := last.AddDate(0, 0, -historyDays); from.Before(first) {
		from = first
	}
	var calls []listenerCall
	for day := from.AddDate(0, 0, 1); !day.After(last); day = day.AddDate(0, 0, 1) {
		ready := day.AddDate(0, 0, 1) // a day's data comes with the next day
		calls = append(calls, d.callsOf(event{EventTypeID: eventDailyData, TimeStamp: ready.Format(time.DateTime)})...)
		for _, c := range campaignsOf(day, now) {
			for _, channel := range c.channels {
				calls = append(calls, d.callsOf(event{eventExecuted, c.scheduled(), c.id, channel})...)
			}
		}
	}
	return calls
}

// callsOf returns the calls that tell of one event.
func (d *data) callsOf(e event) []listenerCall {
	var calls []listenerCall
	for _, l := range d.listeners {
		if l.EventTypeID != e.EventTypeID || l.ChannelID != nil && *l.ChannelID != e.ChannelID {
			continue
		}
		if body, err := json.Marshal(e); err == nil {
			calls = append(calls, listenerCall{plainURL(l.ListenerURL), body})
		}
	}
	return calls
}
