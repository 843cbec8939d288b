package optimove

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// attributed is what CustomerAttributes adds to a row: an array, or one string
// under the name that a public mock saw the live API use.
type attributed struct {
	CustomerAttributes []string `json:",omitempty"`
	CustomerAttribute  string   `json:",omitempty"`
}

// picked are the attributes that a request asks for.
type picked struct {
	names     []string
	delimiter string
	single    bool
}

func (a *ask) attributes() picked {
	p := picked{delimiter: a.get("CustomerAttributesDelimiter"), single: a.Variants&surface.SingleAttribute != 0}
	if p.delimiter == "" {
		p.delimiter = ","
	}
	if all := a.get("CustomerAttributes"); all != "" {
		p.names = strings.Split(all, ";")
	}
	if len(p.names) > len(attributes()) {
		a.fail("CustomerAttributes names too many attributes")
		return picked{}
	}
	for _, name := range p.names {
		if _, ok := attributeByName(name); !ok {
			a.fail("CustomerAttributes names an unknown attribute")
		} else if !a.shared(name) && a.deny == "" {
			a.deny = a.Caller.KeyID + " does not share this customer attribute"
		}
	}
	return p
}

// of is called under the data's lock.
func (p *picked) of(c *customer) attributed {
	if len(p.names) == 0 {
		return attributed{}
	}
	values := make([]string, len(p.names))
	for i, name := range p.names {
		values[i] = c.values[name]
	}
	if p.single {
		return attributed{CustomerAttribute: strings.Join(values, p.delimiter)}
	}
	return attributed{CustomerAttributes: values}
}

// rowsOf makes rows of the customers that belong.
func rowsOf[T any](d *data, row func(*customer) (T, bool)) []T {
	d.lock()
	defer d.mu.Unlock()
	var rows []T
	for _, c := range d.customers {
		if r, ok := row(c); ok {
			rows = append(rows, r)
		}
	}
	return rows
}

type customerRow struct {
	CustomerID string
	attributed
}

func customersByAction(d *data, a *ask) any {
	group, action, day, pick := a.id("RecipientGroupID"), a.id("ActionID"), a.date(), a.attributes()
	campaigns := campaignsOf(day, a.Now)
	return customers(a, rowsOf(d, func(x *customer) (customerRow, bool) {
		got := slices.ContainsFunc(campaigns, func(c campaign) bool {
			return c.includes(x) && c.actionFor(x) == action && recipientGroup(x) == group
		})
		return customerRow{x.id, pick.of(x)}, got
	}))
}

// actionRow is a customer's part in a campaign.
type actionRow struct {
	CustomerID       string
	RecipientGroupID int `json:",omitempty"`
	ActionID         int
	ChannelID        int
	attributed
}

// actionRows lists who got what by the campaigns; the control group is in it
// only if asked for. channel 0 is any.
func actionRows(d *data, a *ask, campaigns []campaign, groups, control bool, channel int) any {
	pick := a.attributes()
	rows := make([]actionRow, 0, 24*len(campaigns))
	for _, c := range campaigns {
		rows = append(rows, rowsOf(d, func(x *customer) (actionRow, bool) {
			r := actionRow{CustomerID: x.id, ActionID: c.actionFor(x), ChannelID: c.channelFor(x), attributed: pick.of(x)}
			if groups {
				r.RecipientGroupID = recipientGroup(x)
			}
			return r, c.includes(x) && (control || r.ActionID != 1) && (channel == 0 || r.ChannelID == channel)
		})...)
	}
	return customers(a, rows)
}

func customerActionsByTargetGroup(d *data, a *ask) any {
	return actionRows(d, a, groupCampaigns(a), a.flag("IncludeRecipientGroupID"), a.flag("IncludeControlGroup"), a.number("ChannelID", 0))
}

func oneTimeByCampaign(d *data, a *ask) any {
	id, channel := a.id("CampaignID"), a.number("ChannelID", 0)
	var of []campaign
	if c, ok := campaignByID(id, a.Now); ok && c.oneTime() {
		of = append(of, c)
	}
	return actionRows(d, a, of, true, a.flag("IncludeControlGroup"), channel)
}

func oneTimeByDate(d *data, a *ask) any {
	var of []campaign
	for _, c := range campaignsOf(a.date(), a.Now) {
		if c.oneTime() {
			of = append(of, c)
		}
	}
	return actionRows(d, a, of, false, a.flag("IncludeControlGroup"), a.number("ChannelID", 0))
}

func actionDetailsByDate(d *data, a *ask) any {
	return actionRows(d, a, campaignsOf(a.date(), a.Now), true, false, 0)
}

func currentlyTargeted(d *data, a *ask) any {
	type row struct {
		CustomerID           string
		CampaignID, ActionID int
		StartDate, EndDate   string
	}
	last, today := lastUpdate(a.Now), midnight(a.Now)
	var rows []row
	for back := range 7 { // no campaign lasts longer
		day := last.AddDate(0, 0, -back)
		for _, c := range campaignsOf(day, a.Now) {
			end := day.AddDate(0, 0, c.duration)
			if end.Before(today) {
				continue
			}
			rows = append(rows, rowsOf(d, func(x *customer) (row, bool) {
				return row{x.id, c.id, c.actionFor(x), day.Format(time.DateOnly), end.Format(time.DateOnly)}, c.includes(x)
			})...)
		}
	}
	return customers(a, rows)
}

// canceledCampaign: "kept two hours". ActionID is a string in this one
// function (page "Canceled Campaign Customers").
func canceledCampaign(d *data, a *ask) any {
	type row struct{ CustomerID, ActionID, PromoCode string }
	id := a.id("CampaignID")
	c, at := canceledCampaigns(a.Now)
	known := c.id == id && !a.Now.Before(at) && a.Now.Before(at.Add(canceledFor))
	return customers(a, rowsOf(d, func(x *customer) (row, bool) {
		return row{x.id, strconv.Itoa(c.actionFor(x)), c.promo}, known && c.includes(x)
	}))
}

func lastActionExecuted(d *data, a *ask) any {
	id := a.text("CustomerID")
	d.lock()
	defer d.mu.Unlock()
	x := d.byID[id]
	if x == nil {
		return notFound()
	}
	last := lastUpdate(a.Now)
	for back := range historyDays {
		for _, c := range campaignsOf(last.AddDate(0, 0, -back), a.Now) {
			if c.includes(x) {
				return struct {
					ActionID      int
					Date          string
					Duration      int
					TargetGroupID int
				}{c.actionFor(x), c.day.Format(time.DateOnly), c.duration, c.details().TargetGroupID}
			}
		}
	}
	return notFound()
}

func actionEnded(d *data, a *ask) any {
	type row struct {
		CustomerID          string
		ActionID, ChannelID int
		Date                string
		Duration            int
		TargetGroupID       int
	}
	day := a.date()
	var rows []row
	for back := range 8 {
		began := day.AddDate(0, 0, -back)
		for _, c := range campaignsOf(began, a.Now) {
			if c.duration != back {
				continue
			}
			rows = append(rows, rowsOf(d, func(x *customer) (row, bool) {
				return row{x.id, c.actionFor(x), c.channelFor(x), began.Format(time.DateOnly), c.duration, c.details().TargetGroupID},
					c.includes(x) && c.actionFor(x) != 1
			})...)
		}
	}
	return customers(a, rows)
}

func sendDetailsByCampaign(d *data, a *ask) any {
	type row struct {
		CustomerID            string
		ChannelID             int
		ScheduledTime, SendID string
		TemplateID            int `json:",omitempty"`
	}
	id, templates := a.id("CampaignID"), a.flag("IncludeTemplateIDs")
	c, ok := campaignByID(id, a.Now)
	return customers(a, rowsOf(d, func(x *customer) (row, bool) {
		if !ok || !c.includes(x) || c.actionFor(x) == 1 {
			return row{}, false
		}
		channel := c.channelFor(x)
		r := row{CustomerID: x.id, ChannelID: channel, ScheduledTime: c.scheduled(), SendID: c.sendID(channel)}
		if templates {
			r.TemplateID = c.templateFor(channel)
		}
		return r, true
	}))
}

func sendDetailsByChannel(d *data, a *ask) any {
	type row struct {
		CustomerID    string
		TemplateID    int
		ScheduledTime string
		attributed
	}
	channel, id, pick := a.channel(), a.id("CampaignID"), a.attributes()
	c, ok := campaignByID(id, a.Now)
	return customers(a, rowsOf(d, func(x *customer) (row, bool) {
		if !ok || !c.includes(x) || c.actionFor(x) == 1 || c.channelFor(x) != channel {
			return row{}, false
		}
		return row{x.id, c.templateFor(channel), c.scheduled(), pick.of(x)}, true
	}))
}

// futureValues is asked by lifecycle stages or by one attribute (page "Customer
// Future Values").
func futureValues(d *data, a *ask) any {
	type row struct {
		CustomerID  string
		FutureValue float64
	}
	want, name, value := a.get("LifecycleStageID"), a.get("CustomerAttribute"), a.get("CustomerAttributeValue")
	if (want == "") == (name == "") || (name == "") != (value == "") {
		return bad("Either LifecycleStageID or CustomerAttribute with CustomerAttributeValue is required")
	}
	if name != "" {
		if _, ok := attributeByName(name); !ok {
			return bad("CustomerAttribute names an unknown attribute")
		}
		if !a.shared(name) {
			a.deny = a.Caller.KeyID + " does not share this customer attribute"
		}
	}
	var wanted []int
	for part := range strings.SplitSeq(want, ",") {
		id, err := strconv.Atoi(part)
		if want != "" && (err != nil || id < 0 || len(wanted) > 100) {
			return bad("LifecycleStageID must be an integer or several, separated by commas")
		}
		wanted = append(wanted, id)
	}
	return customers(a, rowsOf(d, func(c *customer) (row, bool) {
		in := slices.Contains(wanted, c.stage)
		if name != "" {
			in = strings.EqualFold(c.values[name], value) // "non-case-sensitive", page "General Information"
		}
		return row{c.id, c.future}, in
	}))
}

// attributeChangers lists whose attribute changed since the day before. Who
// was not there then has null.
func attributeChangers(d *data, a *ask) any {
	type row struct {
		CustomerID               string
		InitialCustomerAttribute *string
		FinalCustomerAttribute   string
		attributed
	}
	name, pick := a.text("ChangedCustomerAttribute"), a.attributes()
	if _, ok := attributeByName(name); !ok {
		a.fail("ChangedCustomerAttribute must be one customer attribute")
	}
	if !a.shared(name) && a.deny == "" {
		a.deny = a.Caller.KeyID + " does not share this customer attribute"
	}
	return customers(a, rowsOf(d, func(c *customer) (row, bool) {
		r := row{CustomerID: c.id, FinalCustomerAttribute: c.values[name], attributed: pick.of(c)}
		if c.index%22 != 0 {
			old := "Lorem before"
			r.InitialCustomerAttribute = &old
		}
		return r, c.index%11 == 0
	}))
}
