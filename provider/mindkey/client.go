package mindkey

import (
	"context"

	"github.com/keyfit/keyfit"
)

// Client calls the Connector API. It is safe for concurrent use.
type Client struct {
	// Employees are the employees. Scope: Employee.
	Employees *EntitySet[Employee]
	// Dependants are the relatives of employees. Scope: EmployeeData.
	Dependants *EntitySet[EmployeeDependant]
	// Equipment is the equipment of employees. Scope: EmployeeData.
	Equipment *EntitySet[EmployeeEquipment]
	// UserDefinedColumns are the values of user-defined columns. Scope: EmployeeData.
	UserDefinedColumns *EntitySet[EmployeeUserDefinedColumn]
	// PositionVersions are the positions over time. Scope: Organization.
	PositionVersions *EntitySet[PositionVersion]

	keyfit *keyfit.Client
}

// New returns a client for the provider [keyfit.MindKey]. The key comes from an option, from
// MINDKEY_API_KEY or from .env. The error is a [*keyfit.NoKeyError] if there is no key, or
// names the invalid option. New sends no request.
func New(opts ...keyfit.Option) (*Client, error) {
	c, err := keyfit.New(keyfit.MindKey(), opts...)
	if err != nil {
		return nil, err
	}
	return FromClient(c), nil
}

// FromClient wraps an existing client, with which it shares keys, gate and connections.
func FromClient(c *keyfit.Client) *Client {
	client := &Client{keyfit: c}
	client.Employees = Entity[Employee](client, "Employee")
	client.Dependants = Entity[EmployeeDependant](client, "EmployeeDependant")
	client.Equipment = Entity[EmployeeEquipment](client, "EmployeeEquipment")
	client.UserDefinedColumns = Entity[EmployeeUserDefinedColumn](client, "EmployeeUserDefinedColumn")
	client.PositionVersions = Entity[PositionVersion](client, "PositionVersion")
	return client
}

// Keyfit returns the underlying client, for keys, rotation and untyped calls.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// Ping checks whether the key is valid; it needs no scope. The error is a
// [*keyfit.InvalidKeyError] if MindKey refuses the key. Ping ignores the body of the
// response, which is not documented. Page: API key authentication.
func (c *Client) Ping(ctx context.Context, opts ...keyfit.CallOption) error {
	_, err := keyfit.Get[struct{}](ctx, c.keyfit, "/ping", append([]keyfit.CallOption{keyfit.WithRoute("GET /ping")}, opts...)...)
	return err
}
