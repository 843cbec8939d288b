package optimove

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// selectedAttributes is what the parameter CustomerAttributes adds to a row: an
// array, or one string under the name that a public mock reports of the live API.
type selectedAttributes struct {
	CustomerAttributes []string `json:",omitempty"`
	CustomerAttribute  string   `json:",omitempty"`
}

// attributeSelection holds the attributes that a request asks for.
type attributeSelection struct {
	names     []string
	delimiter string
	single    bool
}

func (req *request) selectAttributes() attributeSelection {
	p := attributeSelection{delimiter: req.get("CustomerAttributesDelimiter"), single: req.Variants&surface.SingleAttribute != 0}
	if p.delimiter == "" {
		p.delimiter = ","
	}
	if all := req.get("CustomerAttributes"); all != "" {
		p.names = strings.Split(all, ";")
	}
	if len(p.names) > len(attributes()) {
		req.reject("CustomerAttributes names too many attributes")
		return attributeSelection{}
	}
	for _, name := range p.names {
		if _, ok := attributeByName(name); !ok {
			req.reject("CustomerAttributes names an unknown attribute")
		} else if !req.sharesAttribute(name) && req.denial == "" {
			req.denial = req.Caller.KeyID + " does not share this customer attribute"
		}
	}
	return p
}

// valuesOf returns the selected attributes of a customer. The caller holds mu.
func (p *attributeSelection) valuesOf(c *customer) selectedAttributes {
	if len(p.names) == 0 {
		return selectedAttributes{}
	}
	values := make([]string, len(p.names))
	for i, name := range p.names {
		values[i] = c.values[name]
	}
	if p.single {
		return selectedAttributes{CustomerAttribute: strings.Join(values, p.delimiter)}
	}
	return selectedAttributes{CustomerAttributes: values}
}

// collectRows calls row for every customer and collects the rows for which it
// returns true.
func collectRows[T any](d *data, row func(*customer) (T, bool)) []T {
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
	selectedAttributes
}

func customersByAction(d *data, req *request) any {
	group, action, day, pick := req.id("RecipientGroupID"), req.id("ActionID"), req.date(), req.selectAttributes()
	campaigns := campaignsOf(day, req.Now)
	return pagedList(req, collectRows(d, func(x *customer) (customerRow, bool) {
		got := slices.ContainsFunc(campaigns, func(c campaign) bool {
			return c.includes(x) && c.actionFor(x) == action && recipientGroup(x) == group
		})
		return customerRow{x.id, pick.valuesOf(x)}, got
	}))
}

// actionRow is the action that a campaign assigned to a customer.
type actionRow struct {
	CustomerID       string
	RecipientGroupID int `json:",omitempty"`
	ActionID         int
	ChannelID        int
	selectedAttributes
}

// actionRows lists the customers of the campaigns with their actions. It includes
// recipient groups and the control group only on request. channel 0 means any.
func actionRows(d *data, req *request, campaigns []campaign, groups, control bool, channel int) any {
	pick := req.selectAttributes()
	rows := make([]actionRow, 0, 24*len(campaigns))
	for _, c := range campaigns {
		rows = append(rows, collectRows(d, func(x *customer) (actionRow, bool) {
			r := actionRow{CustomerID: x.id, ActionID: c.actionFor(x), ChannelID: c.channelFor(x), selectedAttributes: pick.valuesOf(x)}
			if groups {
				r.RecipientGroupID = recipientGroup(x)
			}
			return r, c.includes(x) && (control || r.ActionID != 1) && (channel == 0 || r.ChannelID == channel)
		})...)
	}
	return pagedList(req, rows)
}

func customerActionsByTargetGroup(d *data, req *request) any {
	return actionRows(d, req, groupCampaigns(req), req.flag("IncludeRecipientGroupID"), req.flag("IncludeControlGroup"), req.number("ChannelID", 0))
}

func oneTimeByCampaign(d *data, req *request) any {
	id, channel := req.id("CampaignID"), req.number("ChannelID", 0)
	var of []campaign
	if c, ok := campaignByID(id, req.Now); ok && c.oneTime() {
		of = append(of, c)
	}
	return actionRows(d, req, of, true, req.flag("IncludeControlGroup"), channel)
}

func oneTimeByDate(d *data, req *request) any {
	var of []campaign
	for _, c := range campaignsOf(req.date(), req.Now) {
		if c.oneTime() {
			of = append(of, c)
		}
	}
	return actionRows(d, req, of, false, req.flag("IncludeControlGroup"), req.number("ChannelID", 0))
}

func actionDetailsByDate(d *data, req *request) any {
	return actionRows(d, req, campaignsOf(req.date(), req.Now), true, false, 0)
}

func currentlyTargeted(d *data, req *request) any {
	type row struct {
		CustomerID           string
		CampaignID, ActionID int
		StartDate, EndDate   string
	}
	last, today := lastUpdate(req.Now), midnight(req.Now)
	var rows []row
	for back := range 7 { // no campaign lasts longer
		day := last.AddDate(0, 0, -back)
		for _, c := range campaignsOf(day, req.Now) {
			end := day.AddDate(0, 0, c.duration)
			if end.Before(today) {
				continue
			}
			rows = append(rows, collectRows(d, func(x *customer) (row, bool) {
				return row{x.id, c.id, c.actionFor(x), day.Format(time.DateOnly), end.Format(time.DateOnly)}, c.includes(x)
			})...)
		}
	}
	return pagedList(req, rows)
}

// canceledCampaign lists the customers of the canceled campaign, which are kept
// for two hours. Only in this function is ActionID a string (page "Canceled
// Campaign Customers").
func canceledCampaign(d *data, req *request) any {
	type row struct{ CustomerID, ActionID, PromoCode string }
	id := req.id("CampaignID")
	c, at := canceledCampaigns(req.Now)
	known := c.id == id && !req.Now.Before(at) && req.Now.Before(at.Add(canceledFor))
	return pagedList(req, collectRows(d, func(x *customer) (row, bool) {
		return row{x.id, strconv.Itoa(c.actionFor(x)), c.promo}, known && c.includes(x)
	}))
}

func lastActionExecuted(d *data, req *request) any {
	id := req.text("CustomerID")
	d.lock()
	defer d.mu.Unlock()
	x := d.byID[id]
	if x == nil {
		return notFound()
	}
	last := lastUpdate(req.Now)
	for back := range historyDays {
		for _, c := range campaignsOf(last.AddDate(0, 0, -back), req.Now) {
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

func actionEnded(d *data, req *request) any {
	type row struct {
		CustomerID          string
		ActionID, ChannelID int
		Date                string
		Duration            int
		TargetGroupID       int
	}
	day := req.date()
	var rows []row
	for back := range 8 {
		began := day.AddDate(0, 0, -back)
		for _, c := range campaignsOf(began, req.Now) {
			if c.duration != back {
				continue
			}
			rows = append(rows, collectRows(d, func(x *customer) (row, bool) {
				return row{x.id, c.actionFor(x), c.channelFor(x), began.Format(time.DateOnly), c.duration, c.details().TargetGroupID},
					c.includes(x) && c.actionFor(x) != 1
			})...)
		}
	}
	return pagedList(req, rows)
}

func sendDetailsByCampaign(d *data, req *request) any {
	type row struct {
		CustomerID            string
		ChannelID             int
		ScheduledTime, SendID string
		TemplateID            int `json:",omitempty"`
	}
	id, templates := req.id("CampaignID"), req.flag("IncludeTemplateIDs")
	c, ok := campaignByID(id, req.Now)
	return pagedList(req, collectRows(d, func(x *customer) (row, bool) {
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

func sendDetailsByChannel(d *data, req *request) any {
	type row struct {
		CustomerID    string
		TemplateID    int
		ScheduledTime string
		selectedAttributes
	}
	channel, id, pick := req.channel(), req.id("CampaignID"), req.selectAttributes()
	c, ok := campaignByID(id, req.Now)
	return pagedList(req, collectRows(d, func(x *customer) (row, bool) {
		if !ok || !c.includes(x) || c.actionFor(x) == 1 || c.channelFor(x) != channel {
			return row{}, false
		}
		return row{x.id, c.templateFor(channel), c.scheduled(), pick.valuesOf(x)}, true
	}))
}

// executionDetails lists the customers that a campaign reached on a channel, with
// the members that public clients read.
func executionDetails(d *data, req *request) any {
	type row struct {
		CustomerID   string
		ActionID     int
		ChannelID    int
		TemplateID   int
		TemplateName string
		ScheduleTime string
		PromoCode    string // several would be separated by commas
		selectedAttributes
	}
	id, channel, pick := req.id("CampaignID"), req.channel(), req.selectAttributes()
	c, ok := campaignByID(id, req.Now)
	rows := collectRows(d, func(x *customer) (row, bool) {
		if !ok || !c.includes(x) || c.actionFor(x) == 1 || c.channelFor(x) != channel {
			return row{}, false
		}
		template := c.templateFor(channel)
		return row{x.id, c.action, channel, template, d.templateName(channel, template), c.scheduled(), c.promo, pick.valuesOf(x)}, true
	})
	return pagedList(req, rows)
}

// templateName returns the name of a template, "" for one that was deleted. The
// caller holds mu.
func (d *data) templateName(channel, id int) string {
	for _, t := range d.templates {
		if t.ChannelID == channel && t.TemplateID == id {
			return t.TemplateName
		}
	}
	return ""
}

// futureValues selects customers either by lifecycle stages or by one attribute
// (page "Customer Future Values").
func futureValues(d *data, req *request) any {
	type row struct {
		CustomerID  string
		FutureValue float64
	}
	want, name, value := req.get("LifecycleStageID"), req.get("CustomerAttribute"), req.get("CustomerAttributeValue")
	if (want == "") == (name == "") || (name == "") != (value == "") {
		return invalid("Either LifecycleStageID or CustomerAttribute with CustomerAttributeValue is required")
	}
	if name != "" {
		if _, ok := attributeByName(name); !ok {
			return invalid("CustomerAttribute names an unknown attribute")
		}
		if !req.sharesAttribute(name) {
			req.denial = req.Caller.KeyID + " does not share this customer attribute"
		}
	}
	var wanted []int
	for part := range strings.SplitSeq(want, ",") {
		id, err := strconv.Atoi(part)
		if want != "" && (err != nil || id < 0 || len(wanted) > 100) {
			return invalid("LifecycleStageID must be an integer or several, separated by commas")
		}
		wanted = append(wanted, id)
	}
	return pagedList(req, collectRows(d, func(c *customer) (row, bool) {
		in := slices.Contains(wanted, c.stage)
		if name != "" {
			in = strings.EqualFold(c.values[name], value) // "non-case-sensitive", page "General Information"
		}
		return row{c.id, c.future}, in
	}))
}

// attributeChangers lists the customers whose attribute changed since the day
// before. The initial value of a new customer is null.
func attributeChangers(d *data, req *request) any {
	type row struct {
		CustomerID               string
		InitialCustomerAttribute *string
		FinalCustomerAttribute   string
		selectedAttributes
	}
	name, pick := req.text("ChangedCustomerAttribute"), req.selectAttributes()
	if _, ok := attributeByName(name); !ok {
		req.reject("ChangedCustomerAttribute must be one customer attribute")
	}
	if !req.sharesAttribute(name) && req.denial == "" {
		req.denial = req.Caller.KeyID + " does not share this customer attribute"
	}
	return pagedList(req, collectRows(d, func(c *customer) (row, bool) {
		r := row{CustomerID: c.id, FinalCustomerAttribute: c.values[name], selectedAttributes: pick.valuesOf(c)}
		if c.index%22 != 0 {
			old := "Lorem before"
			r.InitialCustomerAttribute = &old
		}
		return r, c.index%11 == 0
	}))
}
