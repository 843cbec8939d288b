package optimove

import (
	"slices"
)

// maxBatch is the documented maximum of a batch of promotions. A public client
// applies it to templates, apps and metrics too.
const maxBatch = 100

// maxInteractions is the documented maximum of CustomerIDs in one
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

// readBatch decodes an array of 1 to 100 entries.
func readBatch[T any](req *request) ([]T, bool) {
	var in []T
	if !req.body(&in) {
		return nil, false
	}
	if len(in) == 0 {
		req.reject("The request body must be an array with at least one entry")
	}
	if len(in) > maxBatch {
		req.reject("At most 100 entries may be sent with one call")
	}
	return in, req.badRequest == ""
}

// knownChannel rejects a channel that does not exist or is not enabled for the
// key.
func (req *request) knownChannel(id int) {
	if _, ok := nameOf(channels(), id); !ok {
		req.reject("ChannelID is unknown")
		return
	}
	req.requireChannel(id)
}

func (req *request) rejected() bool { return req.badRequest != "" || req.denial != "" }

func getPromotions(d *data, req *request) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return list(req, slices.Clone(d.promotions))
}

// addPromotions adds or replaces promotions: "If a PromoCode being added already
// exists, it will be replaced". The response has no payload.
func addPromotions(d *data, req *request) any {
	in, ok := readBatch[promotion](req)
	if !ok {
		return nil
	}
	for _, p := range in {
		if p.PromoCode == "" || p.PromotionName == "" {
			return invalid("PromoCode and PromotionName are required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.promotions)+len(in) > maxStored {
		return invalid("The limit of promotions is reached")
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

func deletePromotions(d *data, req *request) any {
	in, ok := readBatch[struct{ PromoCode string }](req)
	if !ok {
		return nil
	}
	for _, p := range in {
		if p.PromoCode == "" {
			return invalid("PromoCode is required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.promotions = slices.DeleteFunc(d.promotions, func(o promotion) bool {
		return slices.ContainsFunc(in, func(p struct{ PromoCode string }) bool { return p.PromoCode == o.PromoCode })
	})
	return nil
}

func channelTemplates(d *data, req *request) any {
	channel := req.channel()
	d.mu.Lock()
	defer d.mu.Unlock()
	var rows []template
	for _, t := range d.templates {
		if t.ChannelID == channel {
			rows = append(rows, t)
		}
	}
	return list(req, rows)
}

func addTemplates(d *data, req *request) any {
	channel := req.id("ChannelID")
	in, ok := readBatch[template](req)
	req.knownChannel(channel)
	if !ok || req.rejected() {
		return nil
	}
	for _, t := range in {
		if t.TemplateID <= 0 || t.TemplateName == "" {
			return invalid("TemplateID and TemplateName are required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.templates)+len(in) > maxStored {
		return invalid("The limit of templates is reached")
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

func deleteTemplates(d *data, req *request) any {
	type which struct{ ChannelID, TemplateID int }
	in, ok := readBatch[which](req)
	if !ok {
		return nil
	}
	for _, w := range in {
		req.knownChannel(w.ChannelID)
	}
	if req.rejected() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.templates = slices.DeleteFunc(d.templates, func(o template) bool {
		return slices.Contains(in, which{o.ChannelID, o.TemplateID})
	})
	return nil
}

func addApps(d *data, req *request) any {
	channel := req.id("ChannelID")
	in, ok := readBatch[struct{ AppID, AppName string }](req)
	req.knownChannel(channel)
	if !ok || req.rejected() {
		return nil
	}
	for _, x := range in {
		if x.AppID == "" || x.AppName == "" {
			return invalid("AppID and AppName are required")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.apps)+len(in) > maxStored {
		return invalid("The limit of apps is reached")
	}
	for _, x := range in {
		d.apps = slices.DeleteFunc(d.apps, func(o app) bool { return o.ChannelID == channel && o.AppID == x.AppID })
		d.apps = append(d.apps, app{channel, x.AppID, x.AppName})
	}
	return nil
}

func deleteApps(d *data, req *request) any {
	type which struct {
		ChannelID int
		AppID     string
	}
	in, ok := readBatch[which](req)
	if !ok {
		return nil
	}
	for _, w := range in {
		req.knownChannel(w.ChannelID)
	}
	if req.rejected() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.apps = slices.DeleteFunc(d.apps, func(o app) bool { return slices.Contains(in, which{o.ChannelID, o.AppID}) })
	return nil
}

func updateMetrics(_ *data, req *request) any {
	in, ok := readBatch[struct {
		ChannelID, CampaignID, TemplateID, MetricID *int
		MetricValue                                 *float64
	}](req)
	if !ok {
		return nil
	}
	for _, m := range in {
		if m.ChannelID == nil || m.CampaignID == nil || m.TemplateID == nil || m.MetricID == nil || m.MetricValue == nil {
			return invalid("ChannelID, CampaignID, TemplateID, MetricID and MetricValue are required")
		}
		req.knownChannel(*m.ChannelID)
	}
	return nil
}

// updateInteractions checks what the page "Update Campaign Interactions"
// requires. It stores nothing, because no operation reads interactions.
func updateInteractions(_ *data, req *request) any {
	var in struct {
		CampaignID, ChannelID, TemplateID, EventID, RecipientGroupID *int
		InteractionDate                                              string
		CustomerIDs                                                  []string
		AppID                                                        string
	}
	if !req.body(&in) {
		return nil
	}
	switch _, err := parseDate(in.InteractionDate); {
	case in.InteractionDate == "":
		return invalid("InteractionDate is required")
	case err != nil:
		return invalid("InteractionDate must be a date, YYYY-MM-DD")
	case len(in.CustomerIDs) > maxInteractions:
		return invalid("CustomerIDs may have at most 10000 entries")
	}
	if in.ChannelID != nil {
		req.knownChannel(*in.ChannelID)
	}
	return nil
}
