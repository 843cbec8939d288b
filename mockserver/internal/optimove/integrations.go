package optimove

import (
	"slices"
)

// maxBatch is the documented size of a batch of promotions; a public client
// holds templates, apps and metrics to it too.
const maxBatch = 100

// maxInteractions is the documented number of CustomerIDs of one
// UpdateCampaignInteractions.
const maxInteractions = 10_000

type promotion struct{ PromoCode, PromotionName string }

type template struct {
	ChannelID    int `json:"-"`
	TemplateID   int
	TemplateName string
	AppID        string `json:",omitempty"`
}

type app struct {
	ChannelID int
	AppID     string
	AppName   string
}

// batch reads an array of 1 to 100.
func batch[T any](a *ask) ([]T, bool) {
	var in []T
	if !a.body(&in) {
		return nil, false
	}
	if len(in) == 0 {
		a.fail("The request body must be an array with at least one entry")
	}
	if len(in) > maxBatch {
		a.fail("At most 100 entries may be sent with one call")
	}
	return in, a.fault == ""
}

// knownChannel fails for a channel that does not exist or is not enabled for
// the key.
func (a *ask) knownChannel(id int) {
	if _, ok := nameOf(channels(), id); !ok {
		a.fail("ChannelID is unknown")
		return
	}
	a.mayUse(id)
}

func (a *ask) wrong() bool { return a.fault != "" || a.deny != "" }

func getPromotions(d *data, a *ask) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return list(a, slices.Clone(d.promotions))
}

// addPromotions replaces a known code: "If a PromoCode being added already
// exists, it will be replaced". No payload.
func addPromotions(d *data, a *ask) any {
	in, ok := batch[promotion](a)
	if !ok {
		return nil
	}
	for _, p := range in {
		if p.PromoCode == "" || p.PromotionName == "" {
			return bad("PromoCode and PromotionName are required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.promotions)+len(in) > maxStored {
		return bad("The limit of promotions is reached")
	}
	for _, p := range in {
		at := slices.IndexFunc(d.promotions, func(o promotion) bool { return o.PromoCode == p.PromoCode })
		if at < 0 {
			d.promotions = append(d.promotions, p)
		} else {
			d.promotions[at] = p
		}
	}
	return nil
}

func deletePromotions(d *data, a *ask) any {
	in, ok := batch[struct{ PromoCode string }](a)
	if !ok {
		return nil
	}
	for _, p := range in {
		if p.PromoCode == "" {
			return bad("PromoCode is required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.promotions = slices.DeleteFunc(d.promotions, func(o promotion) bool {
		return slices.ContainsFunc(in, func(p struct{ PromoCode string }) bool { return p.PromoCode == o.PromoCode })
	})
	return nil
}

func channelTemplates(d *data, a *ask) any {
	channel := a.channel()
	d.mu.Lock()
	defer d.mu.Unlock()
	var rows []template
	for _, t := range d.templates {
		if t.ChannelID == channel {
			rows = append(rows, t)
		}
	}
	return list(a, rows)
}

func addTemplates(d *data, a *ask) any {
	channel := a.id("ChannelID")
	in, ok := batch[template](a)
	a.knownChannel(channel)
	if !ok || a.wrong() {
		return nil
	}
	for _, t := range in {
		if t.TemplateID <= 0 || t.TemplateName == "" {
			return bad("TemplateID and TemplateName are required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.templates)+len(in) > maxStored {
		return bad("The limit of templates is reached")
	}
	for _, t := range in {
		t.ChannelID = channel
		d.templates = slices.DeleteFunc(d.templates, func(o template) bool {
			return o.ChannelID == channel && o.TemplateID == t.TemplateID
		})
		d.templates = append(d.templates, t)
	}
	return nil
}

func deleteTemplates(d *data, a *ask) any {
	type which struct{ ChannelID, TemplateID int }
	in, ok := batch[which](a)
	if !ok {
		return nil
	}
	for _, w := range in {
		a.knownChannel(w.ChannelID)
	}
	if a.wrong() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.templates = slices.DeleteFunc(d.templates, func(o template) bool {
		return slices.Contains(in, which{o.ChannelID, o.TemplateID})
	})
	return nil
}

func addApps(d *data, a *ask) any {
	channel := a.id("ChannelID")
	in, ok := batch[struct{ AppID, AppName string }](a)
	a.knownChannel(channel)
	if !ok || a.wrong() {
		return nil
	}
	for _, x := range in {
		if x.AppID == "" || x.AppName == "" {
			return bad("AppID and AppName are required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.apps)+len(in) > maxStored {
		return bad("The limit of apps is reached")
	}
	for _, x := range in {
		d.apps = slices.DeleteFunc(d.apps, func(o app) bool { return o.ChannelID == channel && o.AppID == x.AppID })
		d.apps = append(d.apps, app{channel, x.AppID, x.AppName})
	}
	return nil
}

func deleteApps(d *data, a *ask) any {
	type which struct {
		ChannelID int
		AppID     string
	}
	in, ok := batch[which](a)
	if !ok {
		return nil
	}
	for _, w := range in {
		a.knownChannel(w.ChannelID)
	}
	if a.wrong() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.apps = slices.DeleteFunc(d.apps, func(o app) bool { return slices.Contains(in, which{o.ChannelID, o.AppID}) })
	return nil
}

func updateMetrics(_ *data, a *ask) any {
	in, ok := batch[struct {
		ChannelID, CampaignID, TemplateID, MetricID *int
		MetricValue                                 *float64
	}](a)
	if !ok {
		return nil
	}
	for _, m := range in {
		if m.ChannelID == nil || m.CampaignID == nil || m.TemplateID == nil || m.MetricID == nil || m.MetricValue == nil {
			return bad("ChannelID, CampaignID, TemplateID, MetricID and MetricValue are required")
		}
		a.knownChannel(*m.ChannelID)
	}
	return nil
}

// updateInteractions checks what the page "Update Campaign Interactions"
// asks for; nothing reads interactions back, so none are kept.
func updateInteractions(_ *data, a *ask) any {
	var in struct {
		CampaignID, ChannelID, TemplateID, EventID, RecipientGroupID *int
		InteractionDate                                              string
		CustomerIDs                                                  []string
		AppID                                                        string
	}
	if !a.body(&in) {
		return nil
	}
	switch _, err := parseDate(in.InteractionDate); {
	case in.InteractionDate == "":
		return bad("InteractionDate is required")
	case err != nil:
		return bad("InteractionDate must be a date, YYYY-MM-DD")
	case len(in.CustomerIDs) > maxInteractions:
		return bad("CustomerIDs may have at most 10000 entries")
	}
	if in.ChannelID != nil {
		a.knownChannel(*in.ChannelID)
	}
	return nil
}
