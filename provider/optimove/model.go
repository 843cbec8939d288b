package optimove

import (
	"context"
	"encoding/json"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// ModelService calls the functions of the group model.
type ModelService struct {
	// MicrosegmentChangers lists the customers whose microsegment changed on the last day.
	//
	// Function GetMicrosegmentChangers. Access: Admin and Transactional keys.
	MicrosegmentChangers *List[Changers, MicrosegmentChange]

	client *keyfit.Client
}

func newModel(c *keyfit.Client) *ModelService {
	return &ModelService{newList[Changers, MicrosegmentChange](c, "/current/model/GetMicrosegmentChangers"), c}
}

// Changers selects the customers that changed.
type Changers struct {
	Attributes []string // customer attributes to include
	Window
}

func (q Changers) params() *params { return new(params).names(q.Attributes) }

// MicrosegmentChange is a customer who moved from one microsegment to another.
type MicrosegmentChange struct {
	CustomerID            string                     `json:"CustomerID,omitzero"`
	InitialMicrosegmentID ID                         `json:"InitialMicrosegmentID,omitzero"`
	FinalMicrosegmentID   ID                         `json:"FinalMicrosegmentID,omitzero"`
	CustomerAttributes    Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra                 map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (m *MicrosegmentChange) UnmarshalJSON(b []byte) error {
	type plain MicrosegmentChange
	if err := wire.Decode(b, (*plain)(m), &m.Extra); err != nil {
		return err
	}
	return single(&m.CustomerAttributes, &m.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (m MicrosegmentChange) MarshalJSON() ([]byte, error) {
	type plain MicrosegmentChange
	return wire.Encode(plain(m), m.Extra)
}

func (m *MicrosegmentChange) separate(n int) { m.CustomerAttributes.separate(n) }

// Attribute is a customer attribute: its name in queries and its description.
type Attribute struct {
	RealFieldName string                     `json:"RealFieldName,omitzero"`
	Description   string                     `json:"Description,omitzero"`
	Extra         map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (a *Attribute) UnmarshalJSON(b []byte) error {
	type plain Attribute
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (a Attribute) MarshalJSON() ([]byte, error) {
	type plain Attribute
	return wire.Encode(plain(a), a.Extra)
}

// Attributes returns the customer attributes.
//
// Function GetCustomerAttributeList. Access: Admin and Transactional keys.
func (s *ModelService) Attributes(ctx context.Context, opts ...keyfit.CallOption) ([]Attribute, error) {
	return rows[Attribute](ctx, s.client, "/current/model/GetCustomerAttributeList", new(params), opts)
}

// LifecycleStage is a stage of the customer lifecycle, such as new, active or churn.
type LifecycleStage struct {
	StageID   ID                         `json:"StageID,omitzero"`
	StageName string                     `json:"StageName,omitzero"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (l *LifecycleStage) UnmarshalJSON(b []byte) error {
	type plain LifecycleStage
	return wire.Decode(b, (*plain)(l), &l.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (l LifecycleStage) MarshalJSON() ([]byte, error) {
	type plain LifecycleStage
	return wire.Encode(plain(l), l.Extra)
}

// LifecycleStages returns the lifecycle stages.
//
// Function GetLifecycleStageList. Access: Admin and Transactional keys.
func (s *ModelService) LifecycleStages(ctx context.Context, opts ...keyfit.CallOption) ([]LifecycleStage, error) {
	return rows[LifecycleStage](ctx, s.client, "/current/model/GetLifecycleStageList", new(params), opts)
}

// Microsegment is a group of customers with similar behaviour.
type Microsegment struct {
	MicrosegmentID   ID                         `json:"MicrosegmentID,omitzero"`
	MicrosegmentName string                     `json:"MicrosegmentName,omitzero"`
	LifecycleStageID ID                         `json:"LifecycleStageID,omitzero"`
	FutureValue      Decimal                    `json:"FutureValue,omitzero"` // expected revenue, in the currency of the account
	ChurnRate        Decimal                    `json:"ChurnRate,omitzero"`   // from 0 to 1
	Extra            map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (m *Microsegment) UnmarshalJSON(b []byte) error {
	type plain Microsegment
	return wire.Decode(b, (*plain)(m), &m.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (m Microsegment) MarshalJSON() ([]byte, error) {
	type plain Microsegment
	return wire.Encode(plain(m), m.Extra)
}

// Microsegments returns the microsegments.
//
// Function GetMicrosegmentList. Access: Admin and Transactional keys.
func (s *ModelService) Microsegments(ctx context.Context, opts ...keyfit.CallOption) ([]Microsegment, error) {
	return rows[Microsegment](ctx, s.client, "/current/model/GetMicrosegmentList", new(params), opts)
}
