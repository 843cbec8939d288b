package optimove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// CustomerUpdate holds new values of a customer's attributes.
type CustomerUpdate struct {
	CustomerID string
	Attributes []AttributeChange
}

// AttributeChange is the new value of an attribute. Value is a string, a bool, an int, an
// int64, a [Decimal] or a [Date].
type AttributeChange struct {
	RealFieldName string // the name in [ModelService.Attributes]
	Value         any
}

// UpdateResult is the body of the request that Optimove sends to the callback URL within a
// minute after [CustomersService.UpdateAttributes].
type UpdateResult struct {
	IsSuccess Bool                       `json:"isSuccess,omitzero"`
	Errors    []AttributeProblem         `json:"errors,omitzero"`
	RequestID string                     `json:"requestId,omitzero"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (u *UpdateResult) UnmarshalJSON(b []byte) error {
	type plain UpdateResult
	return wire.Decode(b, (*plain)(u), &u.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (u UpdateResult) MarshalJSON() ([]byte, error) {
	type plain UpdateResult
	return wire.Encode(plain(u), u.Extra)
}

// AttributeProblem is an attribute that was not set. Error is Optimove's code:
// INVALID_CUSTOMER, INVALID_FIELD, INVALID_VALUE or UPDATE_FIELD_TEMPORARY_UNAVAILABLE.
type AttributeProblem struct {
	Error         string                     `json:"error,omitzero"`
	CustomerID    string                     `json:"customerId,omitzero"`
	RealFieldName string                     `json:"realFieldName,omitzero"`
	Extra         map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (a *AttributeProblem) UnmarshalJSON(b []byte) error {
	type plain AttributeProblem
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (a AttributeProblem) MarshalJSON() ([]byte, error) {
	type plain AttributeProblem
	return wire.Encode(plain(a), a.Extra)
}

// check returns an error for an update that no call accepts. least is the minimum number of
// attributes.
func (u CustomerUpdate) check(least int) error {
	if u.CustomerID == "" {
		return errors.New("CustomerID is empty")
	}
	if len(u.Attributes) < least {
		return errors.New("Attributes is empty")
	}
	for _, a := range u.Attributes {
		if a.RealFieldName == "" {
			return errors.New("RealFieldName is empty")
		}
		switch v := a.Value.(type) {
		case string, bool, int, int64:
		case Decimal:
			if b, err := v.MarshalJSON(); err != nil || v == "" || len(b) == 0 {
				return fmt.Errorf("the Value of %s is not a number", a.RealFieldName)
			}
		case Date:
			if !v.Valid() {
				return fmt.Errorf("the Value of %s is not a valid date", a.RealFieldName)
			}
		default:
			return fmt.Errorf("the Value of %s is a %T; it must be a string, bool, int, int64, Decimal or Date", a.RealFieldName, v)
		}
	}
	return nil
}

// checkUpdates checks updates against the limits of one call.
func checkUpdates(updates []CustomerUpdate, least int) error {
	if err := checkSize("customers", len(updates), MaxCustomers); err != nil {
		return err
	}
	for i, u := range updates {
		if err := u.check(least); err != nil {
			return fmt.Errorf("customer %d: %w", i+1, err)
		}
		if n := len(u.Attributes); n > MaxAttributes {
			return fmt.Errorf("customer %d: Attributes has %d entries; the maximum per customer and call is %d", i+1, n, MaxAttributes)
		}
	}
	return nil
}

// UpdateAttributes sets attributes of at most [MaxCustomers] customers, at most
// [MaxAttributes] each. Optimove responds before it has set them; it sends the result to the
// callback URL as an [UpdateResult], unless the URL is "".
//
// Function UpdateCustomerAttributes. Access: Admin and Transactional keys.
func (s *CustomersService) UpdateAttributes(ctx context.Context, updates []CustomerUpdate, callbackURL string, opts ...keyfit.CallOption) error {
	type body struct {
		List        []CustomerUpdate `json:"CustomerNewAttributesValuesList"`
		CallbackURL string           `json:",omitempty"`
	}
	p := &params{err: checkUpdates(updates, 1)}
	return send(ctx, s.client, http.MethodPost, "/current/customers/UpdateCustomerAttributes", body{updates, callbackURL}, p, opts)
}

// UpdateAttributesInBatches sets any number of attributes of any number of customers with
// several calls of UpdateAttributes; each call has its own callback. It checks all updates
// before the first call. If an attribute of a customer occurs twice, the later value takes
// effect. report, if not nil, is called after each call.
//
// [Progress] and [BatchError] count the entries of [SplitAttributes]. After an error it is
// safe to send all updates again.
func (s *CustomersService) UpdateAttributesInBatches(ctx context.Context, updates []CustomerUpdate, callbackURL string, report func(Progress), opts ...keyfit.CallOption) error {
	if err := checkAll("UpdateCustomerAttributes", updates, 1); err != nil {
		return err
	}
	pieces := chunks(SplitAttributes(updates), MaxCustomers, CustomerUpdate.key)
	return inBatches(ctx, pieces, report, func(ctx context.Context, piece []CustomerUpdate) error {
		return s.UpdateAttributes(ctx, piece, callbackURL, opts...)
	})
}

func (u CustomerUpdate) key() string { return u.CustomerID }

func checkAll(function string, updates []CustomerUpdate, least int) error {
	for i, u := range updates {
		if err := u.check(least); err != nil {
			return wrap(function, fmt.Errorf("customer %d: %w", i+1, err))
		}
	}
	return nil
}

// SplitAttributes splits updates so that each has at most [MaxAttributes] attributes: first
// all customers with their first attributes, then those with more attributes, and so on.
func SplitAttributes(updates []CustomerUpdate) []CustomerUpdate {
	out := make([]CustomerUpdate, 0, len(updates))
	for from, more := 0, true; more; from += MaxAttributes {
		more = false
		for _, u := range updates {
			rest := u.Attributes[min(from, len(u.Attributes)):]
			if from == 0 || len(rest) > 0 {
				out = append(out, CustomerUpdate{u.CustomerID, rest[:min(len(rest), MaxAttributes)]})
			}
			more = more || len(rest) > MaxAttributes
		}
	}
	return out
}

// upsert is an update in the format of the functions that can insert customers.
type upsert struct {
	CustomerID  string            `json:"CustomerId"`
	Attributes  []AttributeChange `json:",omitempty"`
	CallbackURL string            `json:"CallbackUrl,omitempty"`
}

// Upsert inserts or updates a customer (legacy). It returns the problems in Optimove's
// response; attributes without a problem are set.
//
// Function UpsertCustomer. Access: Admin and Transactional keys.
func (s *CustomersService) Upsert(ctx context.Context, update CustomerUpdate, callbackURL string, opts ...keyfit.CallOption) ([]AttributeProblem, error) {
	if err := checkUpdates([]CustomerUpdate{update}, 0); err != nil {
		return nil, wrap("UpsertCustomer", err)
	}
	const path = "/current/customers/UpsertCustomer"
	opts = append([]keyfit.CallOption{route(http.MethodPut, path)}, opts...)
	answer, err := keyfit.Send[UpdateResult](ctx, s.client, http.MethodPut, path,
		upsert{update.CustomerID, update.Attributes, callbackURL}, opts...)
	return answer.Errors, err
}

// InsertOrUpdate inserts or updates at most [MaxCustomers] customers, with at most
// [MaxAttributes] attributes each.
//
// Function InsertOrUpdateCustomers. Access: Admin and Transactional keys.
func (s *CustomersService) InsertOrUpdate(ctx context.Context, updates []CustomerUpdate, opts ...keyfit.CallOption) error {
	var body struct{ Customers []upsert }
	for _, u := range updates {
		body.Customers = append(body.Customers, upsert{CustomerID: u.CustomerID, Attributes: u.Attributes})
	}
	p := &params{err: checkUpdates(updates, 0)}
	return send(ctx, s.client, http.MethodPut, "/current/customers/InsertOrUpdateCustomers", body, p, opts)
}

// InsertOrUpdateInBatches does the same as InsertOrUpdate for any number of customers and
// attributes; see UpdateAttributesInBatches.
func (s *CustomersService) InsertOrUpdateInBatches(ctx context.Context, updates []CustomerUpdate, report func(Progress), opts ...keyfit.CallOption) error {
	if err := checkAll("InsertOrUpdateCustomers", updates, 0); err != nil {
		return err
	}
	pieces := chunks(SplitAttributes(updates), MaxCustomers, CustomerUpdate.key)
	return inBatches(ctx, pieces, report, func(ctx context.Context, piece []CustomerUpdate) error {
		return s.InsertOrUpdate(ctx, piece, opts...)
	})
}
