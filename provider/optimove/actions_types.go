package optimove

import (
	"encoding/json"

	"github.com/keyfit/keyfit/internal/wire"
)

// Action is an action of a campaign on a customer. ID 1 means the control group, which gets
// no action.
type Action struct {
	ActionID   ID                         `json:"ActionID,omitzero"`
	ActionName string                     `json:"ActionName,omitzero"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (a *Action) UnmarshalJSON(b []byte) error {
	type plain Action
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (a Action) MarshalJSON() ([]byte, error) {
	type plain Action
	return wire.Encode(plain(a), a.Extra)
}

// GroupAction is the action of a recipient group. Only DetailsByTargetGroup sets Duration,
// LeadTime and ChannelID.
type GroupAction struct {
	RecipientGroupID ID                         `json:"RecipientGroupID,omitzero"`
	ActionID         ID                         `json:"ActionID,omitzero"`
	Duration         int                        `json:"Duration,omitzero"` // in days
	LeadTime         int                        `json:"LeadTime,omitzero"` // in days
	ChannelID        ID                         `json:"ChannelID,omitzero"`
	Extra            map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (g *GroupAction) UnmarshalJSON(b []byte) error {
	type plain GroupAction
	return wire.Decode(b, (*plain)(g), &g.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (g GroupAction) MarshalJSON() ([]byte, error) {
	type plain GroupAction
	return wire.Encode(plain(g), g.Extra)
}

// PromoCode is the promo code of a recipient group. Only PromoCodes sets TargetGroupID.
type PromoCode struct {
	TargetGroupID    ID                         `json:"TargetGroupID,omitzero"`
	RecipientGroupID ID                         `json:"RecipientGroupID,omitzero"`
	ActionID         ID                         `json:"ActionID,omitzero"`
	PromoCode        string                     `json:"PromoCode,omitzero"`
	Extra            map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (p *PromoCode) UnmarshalJSON(b []byte) error {
	type plain PromoCode
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (p PromoCode) MarshalJSON() ([]byte, error) {
	type plain PromoCode
	return wire.Encode(plain(p), p.Extra)
}

// Campaign is an executed campaign. TargetGroupID is -1 for a one-time campaign.
type Campaign struct {
	CampaignID     ID                         `json:"CampaignID,omitzero"`
	TargetGroupID  ID                         `json:"TargetGroupID,omitzero"`
	CampaignType   string                     `json:"CampaignType,omitzero"`
	Duration       int                        `json:"Duration,omitzero"` // in days
	LeadTime       int                        `json:"LeadTime,omitzero"` // in days
	Notes          string                     `json:"Notes,omitzero"`
	IsMultiChannel Bool                       `json:"IsMultiChannel,omitzero"`
	IsRecurrence   Bool                       `json:"IsRecurrence,omitzero"`
	Status         string                     `json:"Status,omitzero"`
	Error          string                     `json:"Error,omitzero"`
	Extra          map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *Campaign) UnmarshalJSON(b []byte) error {
	type plain Campaign
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c Campaign) MarshalJSON() ([]byte, error) {
	type plain Campaign
	return wire.Encode(plain(c), c.Extra)
}

// Channel is a channel through which campaigns reach customers.
type Channel struct {
	ChannelID   ID                         `json:"ChannelID,omitzero"`
	ChannelName string                     `json:"ChannelName,omitzero"`
	Extra       map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *Channel) UnmarshalJSON(b []byte) error {
	type plain Channel
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c Channel) MarshalJSON() ([]byte, error) {
	type plain Channel
	return wire.Encode(plain(c), c.Extra)
}

// CampaignChannel holds the details of a channel in a campaign.
type CampaignChannel struct {
	ListID        ID                         `json:"ListID,omitzero"`
	SendID        string                     `json:"SendID,omitzero"`
	TemplateID    ID                         `json:"TemplateID,omitzero"`
	ScheduledTime LocalTime                  `json:"ScheduledTime,omitzero"`
	Extra         map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *CampaignChannel) UnmarshalJSON(b []byte) error {
	type plain CampaignChannel
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c CampaignChannel) MarshalJSON() ([]byte, error) {
	type plain CampaignChannel
	return wire.Encode(plain(c), c.Extra)
}
