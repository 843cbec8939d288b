package optimove

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/keyfit/keyfit/internal/wire"
)

// Promotion is a promo code and its name.
type Promotion struct {
	PromoCode     string                     `json:"PromoCode,omitzero"`
	PromotionName string                     `json:"PromotionName,omitzero"`
	Extra         map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (p *Promotion) UnmarshalJSON(b []byte) error {
	type plain Promotion
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (p Promotion) MarshalJSON() ([]byte, error) {
	type plain Promotion
	return wire.Encode(plain(p), p.Extra)
}

func (p Promotion) check() error {
	return cmp.Or(needs("PromoCode", p.PromoCode != ""), needs("PromotionName", p.PromotionName != ""))
}

func (p Promotion) key() string { return p.PromoCode }

// ChannelTemplate is a template of a channel.
type ChannelTemplate struct {
	TemplateID   ID                         `json:"TemplateID,omitzero"`
	TemplateName string                     `json:"TemplateName,omitzero"`
	AppID        string                     `json:"AppID,omitzero"`
	Extra        map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *ChannelTemplate) UnmarshalJSON(b []byte) error {
	type plain ChannelTemplate
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c ChannelTemplate) MarshalJSON() ([]byte, error) {
	type plain ChannelTemplate
	return wire.Encode(plain(c), c.Extra)
}

// ChannelApp is an app of a channel.
type ChannelApp struct {
	AppID   string                     `json:"AppID,omitzero"`
	AppName string                     `json:"AppName,omitzero"`
	Extra   map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *ChannelApp) UnmarshalJSON(b []byte) error {
	type plain ChannelApp
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c ChannelApp) MarshalJSON() ([]byte, error) {
	type plain ChannelApp
	return wire.Encode(plain(c), c.Extra)
}

// Metric is a metric of a campaign. All fields are sent; MetricID and TemplateID may be 0.
type Metric struct {
	ChannelID, CampaignID, TemplateID, MetricID ID
	MetricValue                                 Decimal
}

// Interactions holds interactions of customers with a campaign on a day. Zero fields are not
// sent.
type Interactions struct {
	InteractionDate  Date     // required
	CampaignID       ID       `json:",omitzero"`
	ChannelID        ID       `json:",omitzero"`
	TemplateID       ID       `json:",omitzero"`
	EventID          *ID      `json:",omitempty"` // the kind of interaction; a pointer, because 0 may be valid
	RecipientGroupID ID       `json:",omitzero"`  // Optimove's default: 1
	CustomerIDs      []string `json:",omitempty"`
	AppID            string   `json:",omitempty"`
}

func (i Interactions) check() error {
	if !i.InteractionDate.Valid() {
		return errors.New("InteractionDate is missing or invalid")
	}
	for n, id := range i.CustomerIDs {
		if id == "" {
			return fmt.Errorf("CustomerIDs, entry %d: empty", n+1)
		}
	}
	return nil
}
