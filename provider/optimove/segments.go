package optimove

import (
	"context"
	"encoding/json"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// SegmentsService calls the functions of the group segments.
type SegmentsService struct {
	// Customers lists the customers of a value segment on a day.
	//
	// Function GetCustomersByValueSegment. Access: Admin and Transactional keys.
	Customers *List[ByValueSegment, Customer]
	// Changers lists the customers whose value segment changed.
	//
	// Function GetValueSegmentChangers. Access: Admin and Transactional keys.
	Changers *List[Changers, ValueSegmentChange]

	client *keyfit.Client
}

func newSegments(c *keyfit.Client) *SegmentsService {
	return &SegmentsService{
		newList[ByValueSegment, Customer](c, "/current/segments/GetCustomersByValueSegment"),
		newList[Changers, ValueSegmentChange](c, "/current/segments/GetValueSegmentChangers"), c,
	}
}

// ByValueSegment selects the customers of a value segment.
type ByValueSegment struct {
	ValueSegmentID ID   // required
	Date           Date // required
	Attributes     []string
	Window
}

func (q ByValueSegment) params() *params {
	return new(params).id("ValueSegmentID", q.ValueSegmentID).date(q.Date).names(q.Attributes)
}

// ValueSegment is a group of customers by their value.
type ValueSegment struct {
	ValueSegmentID   ID                         `json:"ValueSegmentID,omitzero"`
	ValueSegmentName string                     `json:"ValueSegmentName,omitzero"`
	Extra            map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (v *ValueSegment) UnmarshalJSON(b []byte) error {
	type plain ValueSegment
	return wire.Decode(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (v ValueSegment) MarshalJSON() ([]byte, error) {
	type plain ValueSegment
	return wire.Encode(plain(v), v.Extra)
}

// ValueSegmentChange is a customer who moved from one value segment to another.
type ValueSegmentChange struct {
	CustomerID            string                     `json:"CustomerID,omitzero"`
	InitialValueSegmentID ID                         `json:"InitialValueSegmentID,omitzero"`
	FinalValueSegmentID   ID                         `json:"FinalValueSegmentID,omitzero"`
	CustomerAttributes    Attributes                 `json:"CustomerAttributes,omitempty"`
	Extra                 map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (v *ValueSegmentChange) UnmarshalJSON(b []byte) error {
	type plain ValueSegmentChange
	if err := wire.Decode(b, (*plain)(v), &v.Extra); err != nil {
		return err
	}
	return single(&v.CustomerAttributes, &v.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (v ValueSegmentChange) MarshalJSON() ([]byte, error) {
	type plain ValueSegmentChange
	return wire.Encode(plain(v), v.Extra)
}

func (v *ValueSegmentChange) separate(n int) { v.CustomerAttributes.separate(n) }

// List returns all value segments.
//
// Function GetValueSegments. Access: Admin and Transactional keys.
func (s *SegmentsService) List(ctx context.Context, opts ...keyfit.CallOption) ([]ValueSegment, error) {
	return rows[ValueSegment](ctx, s.client, "/current/segments/GetValueSegments", new(params), opts)
}

// ID returns the ID of the value segment with a name. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetValueSegmentID. Access: Admin and Transactional keys.
func (s *SegmentsService) ID(ctx context.Context, name string, opts ...keyfit.CallOption) (ID, error) {
	answer, err := get[ValueSegment](ctx, s.client, "/current/segments/GetValueSegmentID", new(params).text("ValueSegmentName", name), opts)
	return answer.ValueSegmentID, err
}

// Name returns the name of the value segment with an ID. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetValueSegmentName. Access: Admin and Transactional keys.
func (s *SegmentsService) Name(ctx context.Context, segment ID, opts ...keyfit.CallOption) (string, error) {
	answer, err := get[ValueSegment](ctx, s.client, "/current/segments/GetValueSegmentName", new(params).id("ValueSegmentID", segment), opts)
	return answer.ValueSegmentName, err
}
