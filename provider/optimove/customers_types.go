package optimove

import (
	"encoding/json"

	"github.com/keyfit/keyfit/internal/wire"
)

// Customer is a customer with the requested attributes.
type Customer struct {
	CustomerID         string                     `json:"CustomerID,omitzero"`
	CustomerAttributes Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra              map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *Customer) UnmarshalJSON(b []byte) error {
	type plain Customer
	if err := wire.Decode(b, (*plain)(c), &c.Extra); err != nil {
		return err
	}
	return single(&c.CustomerAttributes, &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c Customer) MarshalJSON() ([]byte, error) {
	type plain Customer
	return wire.Encode(plain(c), c.Extra)
}

func (c *Customer) separate(n int) { c.CustomerAttributes.separate(n) }

// CustomerAction is the action that a customer got. ActionID 1 means the control group, which
// gets no action. RecipientGroupID is 0 if the function does not return it.
type CustomerAction struct {
	CustomerID         string                     `json:"CustomerID,omitzero"`
	RecipientGroupID   ID                         `json:"RecipientGroupID,omitzero"`
	ActionID           ID                         `json:"ActionID,omitzero"`
	ChannelID          ID                         `json:"ChannelID,omitzero"`
	CustomerAttributes Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra              map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *CustomerAction) UnmarshalJSON(b []byte) error {
	type plain CustomerAction
	if err := wire.Decode(b, (*plain)(c), &c.Extra); err != nil {
		return err
	}
	return single(&c.CustomerAttributes, &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c CustomerAction) MarshalJSON() ([]byte, error) {
	type plain CustomerAction
	return wire.Encode(plain(c), c.Extra)
}

func (c *CustomerAction) separate(n int) { c.CustomerAttributes.separate(n) }

// TargetedCustomer is a customer in a running campaign.
type TargetedCustomer struct {
	CustomerID string                     `json:"CustomerID,omitzero"`
	CampaignID ID                         `json:"CampaignID,omitzero"`
	ActionID   ID                         `json:"ActionID,omitzero"`
	StartDate  Date                       `json:"StartDate,omitzero"`
	EndDate    Date                       `json:"EndDate,omitzero"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (t *TargetedCustomer) UnmarshalJSON(b []byte) error {
	type plain TargetedCustomer
	return wire.Decode(b, (*plain)(t), &t.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (t TargetedCustomer) MarshalJSON() ([]byte, error) {
	type plain TargetedCustomer
	return wire.Encode(plain(t), t.Extra)
}

// CanceledCustomer is a customer of a canceled campaign.
type CanceledCustomer struct {
	CustomerID string                     `json:"CustomerID,omitzero"`
	ActionID   ID                         `json:"ActionID,omitzero"`
	PromoCode  string                     `json:"PromoCode,omitzero"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *CanceledCustomer) UnmarshalJSON(b []byte) error {
	type plain CanceledCustomer
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c CanceledCustomer) MarshalJSON() ([]byte, error) {
	type plain CanceledCustomer
	return wire.Encode(plain(c), c.Extra)
}

// PastAction is a past action of a customer. Only ActionEndedByDate sets CustomerID and
// ChannelID. TargetGroupID is -1 for a one-time campaign.
type PastAction struct {
	CustomerID    string                     `json:"CustomerID,omitzero"`
	ActionID      ID                         `json:"ActionID,omitzero"`
	ChannelID     ID                         `json:"ChannelID,omitzero"`
	Date          Date                       `json:"Date,omitzero"`     // start of the action
	Duration      int                        `json:"Duration,omitzero"` // in days
	TargetGroupID ID                         `json:"TargetGroupID,omitzero"`
	Extra         map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (p *PastAction) UnmarshalJSON(b []byte) error {
	type plain PastAction
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (p PastAction) MarshalJSON() ([]byte, error) {
	type plain PastAction
	return wire.Encode(plain(p), p.Extra)
}

// CustomerExecution is what a campaign did for a customer on a channel. Its members are
// those that public clients read; no page of the vendor was found.
type CustomerExecution struct {
	CustomerID         string                     `json:"CustomerID,omitzero"`
	ActionID           ID                         `json:"ActionID,omitzero"`
	ChannelID          ID                         `json:"ChannelID,omitzero"`
	TemplateID         ID                         `json:"TemplateID,omitzero"`
	TemplateName       string                     `json:"TemplateName,omitzero"`
	ScheduleTime       LocalTime                  `json:"ScheduleTime,omitzero"`
	PromoCode          string                     `json:"PromoCode,omitzero"` // several are separated by commas
	CustomerAttributes Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra              map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *CustomerExecution) UnmarshalJSON(b []byte) error {
	type plain CustomerExecution
	if err := wire.Decode(b, (*plain)(c), &c.Extra); err != nil {
		return err
	}
	return single(&c.CustomerAttributes, &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c CustomerExecution) MarshalJSON() ([]byte, error) {
	type plain CustomerExecution
	return wire.Encode(plain(c), c.Extra)
}

// CustomerSend is a message to a customer. Only SendDetailsByCampaign sets ChannelID and
// SendID; only SendDetailsByChannel sets CustomerAttributes.
type CustomerSend struct {
	CustomerID         string                     `json:"CustomerID,omitzero"`
	ChannelID          ID                         `json:"ChannelID,omitzero"`
	TemplateID         ID                         `json:"TemplateID,omitzero"`
	ScheduledTime      LocalTime                  `json:"ScheduledTime,omitzero"`
	SendID             string                     `json:"SendID,omitzero"`
	CustomerAttributes Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra              map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *CustomerSend) UnmarshalJSON(b []byte) error {
	type plain CustomerSend
	if err := wire.Decode(b, (*plain)(c), &c.Extra); err != nil {
		return err
	}
	return single(&c.CustomerAttributes, &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c CustomerSend) MarshalJSON() ([]byte, error) {
	type plain CustomerSend
	return wire.Encode(plain(c), c.Extra)
}

func (c *CustomerSend) separate(n int) { c.CustomerAttributes.separate(n) }

// FutureValue is the expected future value of a customer.
type FutureValue struct {
	CustomerID  string                     `json:"CustomerID,omitzero"`
	FutureValue Decimal                    `json:"FutureValue,omitzero"` // in the currency of the account
	Extra       map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (f *FutureValue) UnmarshalJSON(b []byte) error {
	type plain FutureValue
	return wire.Decode(b, (*plain)(f), &f.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (f FutureValue) MarshalJSON() ([]byte, error) {
	type plain FutureValue
	return wire.Encode(plain(f), f.Extra)
}

// AttributeChanger is a customer whose attribute changed since the day before.
// InitialCustomerAttribute is nil for a new customer.
type AttributeChanger struct {
	CustomerID               string                     `json:"CustomerID,omitzero"`
	InitialCustomerAttribute *string                    `json:"InitialCustomerAttribute,omitzero"`
	FinalCustomerAttribute   string                     `json:"FinalCustomerAttribute,omitzero"`
	CustomerAttributes       Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra                    map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (a *AttributeChanger) UnmarshalJSON(b []byte) error {
	type plain AttributeChanger
	if err := wire.Decode(b, (*plain)(a), &a.Extra); err != nil {
		return err
	}
	return single(&a.CustomerAttributes, &a.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (a AttributeChanger) MarshalJSON() ([]byte, error) {
	type plain AttributeChanger
	return wire.Encode(plain(a), a.Extra)
}

func (a *AttributeChanger) separate(n int) { a.CustomerAttributes.separate(n) }
