package optimove

import (
	"strconv"
	"time"
)

func allActions(_ *data, req *request) any {
	type row struct {
		ActionID   int
		ActionName string
	}
	rows := make([]row, 0, len(actions()))
	for _, x := range actions() {
		rows = append(rows, row{x.id, x.name})
	}
	return list(req, rows)
}

func actionID(_ *data, req *request) any {
	id, ok := idOf(actions(), req.text("ActionName"))
	if !ok {
		return notFound()
	}
	return struct{ ActionID int }{id}
}

func actionName(_ *data, req *request) any {
	name, ok := nameOf(actions(), req.id("ActionID"))
	if !ok {
		return notFound()
	}
	return struct{ ActionName string }{name}
}

// groupCampaigns returns the campaigns of a target group on a day.
func groupCampaigns(req *request) []campaign {
	group, day := req.id("TargetGroupID"), req.date()
	var out []campaign
	for _, c := range campaignsOf(day, req.Now) {
		if !c.oneTime() && c.group == group {
			out = append(out, c)
		}
	}
	return out
}

// recipients returns the two recipient groups of every campaign.
func recipients() []int { return []int{1, 2} }

func actionsByTargetGroup(_ *data, req *request) any {
	type row struct{ RecipientGroupID, ActionID int }
	campaigns := groupCampaigns(req)
	rows := make([]row, 0, 2*len(campaigns))
	for _, c := range campaigns {
		for _, g := range recipients() {
			rows = append(rows, row{g, c.action})
		}
	}
	return list(req, rows)
}

func actionDetails(_ *data, req *request) any {
	type row struct{ RecipientGroupID, ActionID, Duration, LeadTime, ChannelID int }
	var rows []row
	for _, c := range groupCampaigns(req) {
		for _, g := range recipients() {
			for _, channel := range c.channels {
				if req.channelEnabled(channel) {
					rows = append(rows, row{g, c.action, c.duration, 0, channel})
				}
			}
		}
	}
	return list(req, rows)
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

func promoCodes(_ *data, req *request) any {
	type row struct {
		TargetGroupID int
		promoRow
	}
	var rows []row
	for _, c := range campaignsOf(req.date(), req.Now) {
		if c.oneTime() {
			continue
		}
		for _, p := range promoRows([]campaign{c}) {
			rows = append(rows, row{c.group, p})
		}
	}
	return list(req, rows)
}

func promoCodesByCampaign(_ *data, req *request) any {
	c, ok := campaignByID(req.id("CampaignID"), req.Now)
	if !ok {
		return list(req, []promoRow(nil))
	}
	return list(req, promoRows([]campaign{c}))
}

func promoCodesByTargetGroup(_ *data, req *request) any {
	return list(req, promoRows(groupCampaigns(req)))
}

// details is a campaign in the vendor's format, in which booleans are strings. A
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

func executedCampaigns(_ *data, req *request) any {
	type row struct {
		CampaignID int
		details
	}
	campaigns := campaignsOf(req.date(), req.Now)
	rows := make([]row, 0, len(campaigns))
	for _, c := range campaigns {
		rows = append(rows, row{c.id, c.details()})
	}
	return list(req, rows)
}

func campaignDetails(_ *data, req *request) any {
	c, ok := campaignByID(req.id("CampaignID"), req.Now)
	if !ok {
		return notFound()
	}
	return struct {
		details
		Channels []campaignChannel // read by two public clients; in no list
	}{c.details(), c.channelRows(req)}
}

type campaignChannel struct {
	ID   int `json:"Id"`
	Name string
}

// channelRows lists the channels of a campaign that the key is enabled for.
func (c *campaign) channelRows(req *request) []campaignChannel {
	rows := []campaignChannel{}
	for _, id := range c.channels {
		if name, ok := nameOf(channels(), id); ok && req.channelEnabled(id) {
			rows = append(rows, campaignChannel{id, name})
		}
	}
	return rows
}

func executionChannels(_ *data, req *request) any {
	type row struct {
		ChannelID   int
		ChannelName string
	}
	var rows []row
	for _, c := range channels() {
		if req.channelEnabled(c.id) {
			rows = append(rows, row{c.id, c.name})
		}
	}
	return list(req, rows)
}

func campaignsByChannel(_ *data, req *request) any {
	type row struct{ CampaignID int }
	channel, day := req.channel(), req.date()
	var rows []row
	for _, c := range campaignsOf(day, req.Now) {
		if c.uses(channel) {
			rows = append(rows, row{c.id})
		}
	}
	return list(req, rows)
}

// sendID returns the ID of a send, unique by campaign and channel.
func (c *campaign) sendID(channel int) string {
	return "LF" + strconv.FormatInt(int64(c.id*1000+channel), 36)
}

func (c *campaign) templateFor(channel int) int {
	if channel == 504 {
		return 8
	}
	return 7
}

// scheduled returns the time at which the mails of a campaign were sent.
func (c *campaign) scheduled() string { return c.day.Add(10 * time.Hour).Format(time.DateTime) }

func campaignChannelDetails(_ *data, req *request) any {
	type row struct {
		ListID        int
		SendID        string
		TemplateID    int
		ScheduledTime string
	}
	id, channel := req.id("CampaignID"), req.channel()
	c, ok := campaignByID(id, req.Now)
	if !ok || !c.uses(channel) {
		return notFound()
	}
	return []row{{c.id, c.sendID(channel), c.templateFor(channel), c.scheduled()}} // an array, as two public clients read it
}
