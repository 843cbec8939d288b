package optimove

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/keyfit/keyfit"
)

// IntegrationsService calls the functions of the group integrations.
type IntegrationsService struct{ client *keyfit.Client }

// Promotions returns all promotions.
//
// Function GetPromotions. Access: every key.
func (s *IntegrationsService) Promotions(ctx context.Context, opts ...keyfit.CallOption) ([]Promotion, error) {
	return rows[Promotion](ctx, s.client, "/current/integrations/GetPromotions", new(params), opts)
}

// AddPromotions adds at most [MaxPromotions] promotions. A promotion with an existing code
// replaces the old one.
//
// Function AddPromotions. Access: every key.
func (s *IntegrationsService) AddPromotions(ctx context.Context, promotions []Promotion, opts ...keyfit.CallOption) error {
	p := entries("promotions", promotions, MaxPromotions, Promotion.check)
	return send(ctx, s.client, http.MethodPost, "/current/integrations/AddPromotions", promotions, p, opts)
}

// AddPromotionsInBatches adds any number of promotions with several calls of AddPromotions.
// It checks all of them before the first call. If a code occurs twice, the later name takes
// effect. report, if not nil, is called after each call. If a call fails, the error is a
// [*BatchError]; it is safe to add all promotions again.
func (s *IntegrationsService) AddPromotionsInBatches(ctx context.Context, promotions []Promotion, report func(Progress), opts ...keyfit.CallOption) error {
	if p := entries("promotions", promotions, len(promotions), Promotion.check); len(promotions) > 0 && p.err != nil {
		return wrap("AddPromotions", p.err)
	}
	return inBatches(ctx, chunks(promotions, MaxPromotions, Promotion.key), report, func(ctx context.Context, piece []Promotion) error {
		return s.AddPromotions(ctx, piece, opts...)
	})
}

// DeletePromotions deletes the promotions with these codes, at most [MaxPromotions].
//
// Function DeletePromotions. Access: every key.
func (s *IntegrationsService) DeletePromotions(ctx context.Context, codes []string, opts ...keyfit.CallOption) error {
	type entry struct{ PromoCode string }
	body := make([]entry, len(codes))
	for i, code := range codes {
		body[i].PromoCode = code
	}
	p := entries("codes", body, MaxPromotions, func(e entry) error { return needs("PromoCode", e.PromoCode != "") })
	return send(ctx, s.client, http.MethodPost, "/current/integrations/DeletePromotions", body, p, opts)
}

// Templates returns the templates of a channel.
//
// Function GetChannelTemplates. Access: every key.
func (s *IntegrationsService) Templates(ctx context.Context, channel ID, opts ...keyfit.CallOption) ([]ChannelTemplate, error) {
	return rows[ChannelTemplate](ctx, s.client, "/current/integrations/GetChannelTemplates", new(params).id("ChannelID", channel), opts)
}

// AddTemplates adds at most [MaxEntries] templates to a channel.
//
// Function AddChannelTemplates. Access: every key.
func (s *IntegrationsService) AddTemplates(ctx context.Context, channel ID, templates []ChannelTemplate, opts ...keyfit.CallOption) error {
	p := entries("templates", templates, MaxEntries, func(t ChannelTemplate) error {
		return cmp.Or(needs("TemplateID", t.TemplateID > 0), needs("TemplateName", t.TemplateName != ""))
	}).id("ChannelID", channel)
	return send(ctx, s.client, http.MethodPost, "/current/integrations/AddChannelTemplates", templates, p, opts)
}

// DeleteTemplates deletes templates of a channel, at most [MaxEntries].
//
// Function DeleteChannelTemplates. Access: every key.
func (s *IntegrationsService) DeleteTemplates(ctx context.Context, channel ID, templates []ID, opts ...keyfit.CallOption) error {
	type entry struct{ ChannelID, TemplateID ID }
	body := make([]entry, len(templates))
	for i, id := range templates {
		body[i] = entry{channel, id}
	}
	p := entries("templates", body, MaxEntries, func(e entry) error {
		return cmp.Or(needs("ChannelID", channel > 0), needs("TemplateID", e.TemplateID > 0))
	})
	return send(ctx, s.client, http.MethodPost, "/current/integrations/DeleteChannelTemplates", body, p, opts)
}

// AddApps adds at most [MaxEntries] apps to a channel.
//
// Function AddChannelApps. Access: every key.
func (s *IntegrationsService) AddApps(ctx context.Context, channel ID, apps []ChannelApp, opts ...keyfit.CallOption) error {
	p := entries("apps", apps, MaxEntries, func(a ChannelApp) error {
		return cmp.Or(needs("AppID", a.AppID != ""), needs("AppName", a.AppName != ""))
	}).id("ChannelID", channel)
	return send(ctx, s.client, http.MethodPost, "/current/integrations/AddChannelApps", apps, p, opts)
}

// DeleteApps deletes apps of a channel, at most [MaxEntries].
//
// Function DeleteChannelApps. Access: every key.
func (s *IntegrationsService) DeleteApps(ctx context.Context, channel ID, apps []string, opts ...keyfit.CallOption) error {
	type entry struct {
		ChannelID ID
		AppID     string
	}
	body := make([]entry, len(apps))
	for i, id := range apps {
		body[i] = entry{channel, id}
	}
	p := entries("apps", body, MaxEntries, func(e entry) error {
		return cmp.Or(needs("ChannelID", channel > 0), needs("AppID", e.AppID != ""))
	})
	return send(ctx, s.client, http.MethodPost, "/current/integrations/DeleteChannelApps", body, p, opts)
}

// UpdateMetrics reports at most [MaxEntries] metrics of campaigns.
//
// Function UpdateCampaignMetrics. Access: every key.
func (s *IntegrationsService) UpdateMetrics(ctx context.Context, metrics []Metric, opts ...keyfit.CallOption) error {
	p := entries("metrics", metrics, MaxEntries, func(m Metric) error {
		_, err := m.MetricValue.MarshalJSON()
		return cmp.Or(needs("ChannelID", m.ChannelID > 0), needs("CampaignID", m.CampaignID > 0),
			needs("MetricValue", m.MetricValue != "" && err == nil))
	})
	return send(ctx, s.client, http.MethodPost, "/current/integrations/UpdateCampaignMetrics", metrics, p, opts)
}

// UpdateInteractions reports interactions of at most [MaxInteractions] customers with a
// campaign (legacy).
//
// Function UpdateCampaignInteractions. Access: every key.
func (s *IntegrationsService) UpdateInteractions(ctx context.Context, interactions Interactions, opts ...keyfit.CallOption) error {
	p := &params{err: interactions.check()}
	if n := len(interactions.CustomerIDs); n > MaxInteractions {
		p.fail("CustomerIDs has %d entries; the maximum per call is %d", n, MaxInteractions)
	}
	return send(ctx, s.client, http.MethodPost, "/current/integrations/UpdateCampaignInteractions", interactions, p, opts)
}

// UpdateInteractionsInBatches reports interactions of any number of customers with several
// calls of UpdateInteractions. Without customers it sends no request. report, if not nil, is
// called after each call. If a call fails, the error is a [*BatchError]; continue with
// CustomerIDs[Done:].
func (s *IntegrationsService) UpdateInteractionsInBatches(ctx context.Context, interactions Interactions, report func(Progress), opts ...keyfit.CallOption) error {
	if err := interactions.check(); err != nil {
		return wrap("UpdateCampaignInteractions", err)
	}
	var pieces [][]string
	for rest := interactions.CustomerIDs; len(rest) > 0; {
		n := min(len(rest), MaxInteractions)
		pieces, rest = append(pieces, rest[:n]), rest[n:]
	}
	return inBatches(ctx, pieces, report, func(ctx context.Context, piece []string) error {
		part := interactions
		part.CustomerIDs = piece
		return s.UpdateInteractions(ctx, part, opts...)
	})
}

// entries checks a batch and each of its entries.
func entries[T any](field string, batch []T, most int, check func(T) error) *params {
	p := &params{err: checkSize(field, len(batch), most)}
	for i, e := range batch {
		if err := check(e); err != nil {
			p.fail("%s, entry %d: %w", field, i+1, err)
		}
	}
	return p
}

func needs(field string, given bool) error {
	if given {
		return nil
	}
	return fmt.Errorf("%s is missing", field)
}
