package optimove

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// GroupsService calls the functions of the group groups, and the customer lists of version 2.
type GroupsService struct{ client *keyfit.Client }

// TargetGroup is a group of customers that campaigns target.
type TargetGroup struct {
	TargetGroupID       ID                         `json:"TargetGroupID,omitzero"`
	TargetGroupName     string                     `json:"TargetGroupName,omitzero"`
	TargetGroupPriority int                        `json:"TargetGroupPriority,omitzero"`
	Extra               map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (t *TargetGroup) UnmarshalJSON(b []byte) error {
	type plain TargetGroup
	return wire.Decode(b, (*plain)(t), &t.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (t TargetGroup) MarshalJSON() ([]byte, error) {
	type plain TargetGroup
	return wire.Encode(plain(t), t.Extra)
}

// List returns all target groups.
//
// Function GetTargetGroupDetails. Access: every key.
func (s *GroupsService) List(ctx context.Context, opts ...keyfit.CallOption) ([]TargetGroup, error) {
	return rows[TargetGroup](ctx, s.client, "/current/groups/GetTargetGroupDetails", new(params), opts)
}

// ByDate returns the target groups with a campaign on a day. Only TargetGroupID is set.
//
// Function GetTargetGroupsByDate. Access: every key.
func (s *GroupsService) ByDate(ctx context.Context, day Date, opts ...keyfit.CallOption) ([]TargetGroup, error) {
	return rows[TargetGroup](ctx, s.client, "/current/groups/GetTargetGroupsByDate", new(params).date(day), opts)
}

// ID returns the ID of the target group with a name. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetTargetGroupID. Access: every key.
func (s *GroupsService) ID(ctx context.Context, name string, opts ...keyfit.CallOption) (ID, error) {
	answer, err := get[TargetGroup](ctx, s.client, "/current/groups/GetTargetGroupID", new(params).text("TargetGroupName", name), opts)
	return answer.TargetGroupID, err
}

// Name returns the name of the target group with an ID. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetTargetGroupName. Access: every key.
func (s *GroupsService) Name(ctx context.Context, group ID, opts ...keyfit.CallOption) (string, error) {
	answer, err := get[TargetGroup](ctx, s.client, "/current/groups/GetTargetGroupName", new(params).id("TargetGroupID", group), opts)
	return answer.TargetGroupName, err
}

// CustomerList is a target group created from a list of customers.
type CustomerList struct {
	TargetGroupID ID                         `json:"target-group-id,omitzero"`
	ListID        ID                         `json:"list-id,omitzero"`
	Name          string                     `json:"list-name,omitzero"`
	Existed       int                        `json:"existed-customers,omitzero"`     // number of known customers
	NonExisted    []string                   `json:"non-existed-customers,omitzero"` // IDs of unknown customers
	Extra         map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (c *CustomerList) UnmarshalJSON(b []byte) error {
	type plain CustomerList
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (c CustomerList) MarshalJSON() ([]byte, error) {
	type plain CustomerList
	return wire.Encode(plain(c), c.Extra)
}

// CreateList creates a target group of customers. The name must be new, and at least one
// customer must be known. If Optimove refuses the list, the error is [keyfit.ErrBadRequest]
// with Optimove's text.
//
// Function CreateCustomerList: POST api/v2/target-group/customer-list. Access: Admin and
// Transactional keys.
func (s *GroupsService) CreateList(ctx context.Context, name string, customers []string, opts ...keyfit.CallOption) (CustomerList, error) {
	if err := wire.Require("name of the list", name); err != nil {
		return CustomerList{}, wrap("CreateCustomerList", err)
	}
	if len(customers) == 0 {
		return CustomerList{}, wrap("CreateCustomerList", errors.New("customers is empty"))
	}
	body := struct {
		Name      string   `json:"list-name"`
		Customers []string `json:"customers"`
	}{name, customers}
	const path = "/api/v2/target-group/customer-list"
	opts = append([]keyfit.CallOption{route(http.MethodPost, path)}, opts...)
	return keyfit.Send[CustomerList](ctx, s.client, http.MethodPost, path, body, opts...)
}
