package optimove

import (
	"slices"
	"time"
)

// historyDays is the number of days for which campaigns are available.
const historyDays = 30

// campaign is one of the three campaigns of a day. Campaigns are computed, not
// stored: the ID contains the day, so that every day of the clock has its own.
type campaign struct {
	id       int
	day      time.Time
	group    int // 0 for a one-time campaign
	action   int
	channels []int
	duration int
	promo    string
}

func dayNumber(day time.Time) int { return int(day.Unix() / (24 * 60 * 60)) }

// campaignsOf returns the campaigns of a day; none for a day outside the history
// or after the last data update.
func campaignsOf(day, now time.Time) []campaign {
	last := lastUpdate(now)
	if day.After(last) || day.Before(last.AddDate(0, 0, -historyDays)) {
		return nil
	}
	return plan(day)
}

func plan(day time.Time) []campaign {
	n := dayNumber(day)
	return []campaign{
		{id: n*10 + 1, day: day, group: n%5 + 1, action: 42, channels: []int{504}, duration: 7, promo: "WB23"},
		{id: n*10 + 2, day: day, action: 19, channels: []int{504}, duration: 1, promo: "NV10"},
		{id: n*10 + 3, day: day, group: (n+2)%5 + 1, action: 104, channels: []int{4, 505}, duration: 3, promo: "NV10"},
	}
}

// campaignByID looks up a campaign of the history.
func campaignByID(id int, now time.Time) (campaign, bool) {
	if id < 10 || id/10 > dayNumber(now) {
		return campaign{}, false
	}
	day := time.Unix(int64(id/10)*24*60*60, 0).UTC()
	for _, c := range campaignsOf(day, now) {
		if c.id == id {
			return c, true
		}
	}
	return campaign{}, false
}

func (c *campaign) oneTime() bool { return c.group == 0 }

func (c *campaign) uses(channel int) bool {
	return slices.Contains(c.channels, channel)
}

// includes reports whether the campaign targets a customer.
func (c *campaign) includes(x *customer) bool {
	if c.oneTime() {
		return x.index%7 == dayNumber(c.day)%7
	}
	return x.group == c.group
}

// recipientGroup returns the recipient group of a customer, 1 or 2.
func recipientGroup(x *customer) int { return x.index%2 + 1 }

// actionFor returns the campaign's action for a customer; 1 for the control group.
func (c *campaign) actionFor(x *customer) int {
	if x.index/10%10 == x.index%10 { // about a tenth of each target and recipient group
		return 1
	}
	return c.action
}

// channelFor returns the channel by which the campaign reaches a customer.
func (c *campaign) channelFor(x *customer) int { return c.channels[x.index%len(c.channels)] }

// canceledFor is how long the customers of a canceled campaign can be listed.
const canceledFor = 2 * time.Hour

// canceledCampaigns returns the canceled campaign and when it was canceled: the
// third campaign of the clock's current day, at 08:00 UTC.
func canceledCampaigns(now time.Time) (c campaign, at time.Time) {
	today := midnight(now)
	return plan(today)[2], today.Add(8 * time.Hour)
}
