package mindkey

import (
	"context"

	"github.com/keyfit/keyfit"
)

// Client calls the Connector API. It is safe for concurrent use.
type Client struct {
	// Employees are the people. Scope Employee.
	Employees *EntitySet[Employee]
	// Dependants are the relatives of employees. Scope EmployeeData.
	Dependants *EntitySet[EmployeeDependant]
	// Equipment is what employees hold. Scope EmployeeData.
	Equipment *EntitySet[EmployeeEquipment]
	// UserDefinedColumns are the values of columns that the customer defined. Scope
	// EmployeeData.
	UserDefinedColumns *EntitySet[EmployeeUserDefinedColumn]
	// PositionVersions are the positions over time. Scope Organization.
	PositionVersions *EntitySet[PositionVersion]

	keyfit *keyfit.Client
}

// New makes a client of the provider [keyfit.MindKey]. The key comes from an option, from
// MINDKEY_API_KEY or from .env. The error is a [*keyfit.NoKeyError] if no place has one,
// or says which option is wrong.
func New(opts ...keyfit.Option) (*Client, error) {
	c, err := keyfit.New(keyfit.MindKey(), opts...)
	if err != nil {
		return nil, err
	}
	return FromClient(c), nil
}

// FromClient puts the types over a client that is there already; they share its keys, its
// gate and its connections.
func FromClient(c *keyfit.Client) *Client {
	client := &Client{keyfit: c}
	client.Employees = Entity[Employee](client, "Employee")
	client.Dependants = Entity[EmployeeDependant](client, "EmployeeDependant")
	client.Equipment = Entity[EmployeeEquipment](client, "EmployeeEquipment")
	client.UserDefinedColumns = Entity[EmployeeUserDefinedColumn](client, "EmployeeUserDefinedColumn")
	client.PositionVersions = Entity[PositionVersion](client, "PositionVersion")
	return client
}

// Keyfit returns the client underneath, for its keys, their rotation, and calls without
// types.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// Ping asks whether the key works; it needs no scope. The error is a
// [*keyfit.InvalidKeyError] if MindKey refuses the key. What the answer says is not
// documented, so it is not given. Page: API key authentication.
func (c *Client) Ping(ctx context.Context, opts ...keyfit.CallOption) error {
	_, err := keyfit.Get[struct{}](ctx, c.keyfit, "/ping", opts...)
	return err
}
