package optimove

import (
	"strconv"
	"time"
)

func allActions(_ *data, a *ask) any {
	type row struct {
		ActionID   int
		ActionName string
	}
	rows := make([]row, 0, len(actions()))
	for _, x := range actions() {
		rows = append(rows, row{x.id, x.name})
	}
	return list(a, rows)
}

func actionID(_ *data, a *ask) any {
	id, ok := idOf(actions(), a.text("ActionName"))
	if !ok {
		return notFound()
	}
	return struct{ ActionID int }{id}
}

func actionName(_ *data, a *ask) any {
	name, ok := nameOf(actions(), a.id("ActionID"))
	if !ok {
		return notFound()
	}
	return struct{ ActionName string }{name}
}

// groupCampaigns are the campaigns of a target group on a day.
func groupCampaigns(a *ask) []campaign {
	group, day := a.id("TargetGroupID"), a.date()
	var out []campaign
	for _, c := range campaignsOf(day, a.Now) {
		if !c.oneTime() && c.group == group {
			out = append(out, c)
		}
	}
	return out
}

// recipients are a campaign's two recipient groups.
func recipients() []int { return []int{1, 2} }

func actionsByTargetGroup(_ *data, a *ask) any {
	type row struct{ RecipientGroupID, ActionID int }
	campaigns := groupCampaigns(a)
	rows := make([]row, 0, 2*len(campaigns))
	for _, c := range campaigns {
		for _, g := range recipients() {
			rows = append(rows, row{g, c.action})
		}
	}
	return list(a, rows)
}

func actionDetails(_ *data, a *ask) any {
	type row struct{ RecipientGroupID, ActionID, Duration, LeadTime, ChannelID int }
	var rows []row
	for _, c := range groupCampaigns(a) {
		for _, g := range recipients() {
			for _, channel := range c.channels {
				if a.enabled(channel) {
					rows = append(rows, row{g, c.action, c.duration, 0, channel})
				}
			}
		}
	}
	return list(a, rows)
}

type promoRow struct {
	RecipientGroupID, ActionID int
	PromoCode                  string
}

func promoRows(cs []campaign) []promoRow {
	rows := make([]promoRow, 0, 2*len(cs))
	for _, c := range cs {
		for _, g := range recipients() {
			rows = append(rows, promoRow{g, c.action, c.promo})
		}
	}
	return rows
}

func promoCodes(_ *data, a *ask) any {
	type row struct {
		TargetGroupID int
		promoRow
	}
	var rows []row
	for _, c := range campaignsOf(a.date(), a.Now) {
		if c.oneTime() {
			continue
		}
		for _, p := range promoRows([]campaign{c}) {
			rows = append(rows, row{c.group, p})
		}
	}
	return list(a, rows)
}

func promoCodesByCampaign(_ *data, a *ask) any {
	c, ok := campaignByID(a.id("CampaignID"), a.Now)
	if !ok {
		return list(a, []promoRow(nil))
	}
	return list(a, promoRows([]campaign{c}))
}

func promoCodesByTargetGroup(_ *data, a *ask) any { return list(a, promoRows(groupCampaigns(a))) }

// details are a campaign as the vendor tells it: booleans are strings. A
// one-time campaign has target group -1.
type details struct {
	TargetGroupID                int
	CampaignType                 string
	Duration, LeadTime           int
	Notes                        string
	IsMultiChannel, IsRecurrence string
	Status, Error                string
}

func (c *campaign) details() details {
	d := details{
		TargetGroupID: c.group, CampaignType: "Test/Control", Duration: c.duration,
		IsMultiChannel: strconv.FormatBool(len(c.channels) > 1), IsRecurrence: strconv.FormatBool(!c.oneTime()),
		Status: "Successful",
	}
	if c.oneTime() {
		d.TargetGroupID, d.Notes = -1, "Run Action"
	}
	return d
}

func executedCampaigns(_ *data, a *ask) any {
	type row struct {
		CampaignID int
		details
	}
	campaigns := campaignsOf(a.date(), a.Now)
	rows := make([]row, 0, len(campaigns))
	for _, c := range campaigns {
		rows = append(rows, row{c.id, c.details()})
	}
	return list(a, rows)
}

func campaignDetails(_ *data, a *ask) any {
	c, ok := campaignByID(a.id("CampaignID"), a.Now)
	if !ok {
		return notFound()
	}
	return c.details()
}

func executionChannels(_ *data, a *ask) any {
	type row struct {
		ChannelID   int
		ChannelName string
	}
	var rows []row
	for _, c := range channels() {
		if a.enabled(c.id) {
			rows = append(rows, row{c.id, c.name})
		}
	}
	return list(a, rows)
}

func campaignsByChannel(_ *data, a *ask) any {
	type row struct{ CampaignID int }
	channel, day := a.channel(), a.date()
	var rows []row
	for _, c := range campaignsOf(day, a.Now) {
		if c.uses(channel) {
			rows = append(rows, row{c.id})
		}
	}
	return list(a, rows)
}

// sendID identifies a send: unique by campaign and channel.
func (c *campaign) sendID(channel int) string {
	return "LF" + strconv.FormatInt(int64(c.id*1000+channel), 36)
}

func (c *campaign) templateFor(channel int) int {
	if channel == 504 {
		return 8
	}
	return 7
}

// scheduled is when a campaign's mails went out.
func (c *campaign) scheduled() string { return c.day.Add(10 * time.Hour).Format(time.DateTime) }

func campaignChannelDetails(_ *data, a *ask) any {
	id, channel := a.id("CampaignID"), a.channel()
	c, ok := campaignByID(id, a.Now)
	if !ok || !c.uses(channel) {
		return notFound()
	}
	return struct {
		ListID        int
		SendID        string
		TemplateID    int
		ScheduledTime string
	}{c.id, c.sendID(channel), c.templateFor(channel), c.scheduled()}
}
