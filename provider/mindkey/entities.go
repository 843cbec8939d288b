package mindkey

import (
	"encoding/json"
	"errors"

	"github.com/keyfit/keyfit/internal/wire"
)

// Employee is an employee. Position is set if the query expands "position".
type Employee struct {
	EmployeeID       string    `json:"employeeId,omitempty"`
	FirstName        string    `json:"nameFirstName,omitempty"`
	MiddleName       string    `json:"nameMiddleName,omitempty"`
	LastName         string    `json:"nameLastName,omitempty"`
	Email            string    `json:"email,omitempty"`
	MobileFullNumber string    `json:"mobilePhoneNumberFullPhoneNumber,omitempty"`
	Position         *Position `json:"position,omitempty"`
	// Extra holds the properties that MindKey's pages do not name.
	Extra map[string]json.RawMessage `json:"-"`
}

// Position is the simple form of a position in other entities. The pages name none of its
// properties, so all of them are in Extra.
type Position struct {
	Extra map[string]json.RawMessage `json:"-"`
}

// EmployeeRef is the simple form of an employee in other entities.
type EmployeeRef struct {
	EmployeeID string                     `json:"employeeId,omitempty"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// EmployeeDependant is a relative of an employee. The pages name only the relation, which a
// query must expand.
type EmployeeDependant struct {
	Employee *EmployeeRef               `json:"employee,omitempty"`
	Extra    map[string]json.RawMessage `json:"-"`
}

// EmployeeEquipment is a piece of equipment of an employee. The pages name only the
// relation, which a query must expand.
type EmployeeEquipment struct {
	Employee *EmployeeRef               `json:"employee,omitempty"`
	Extra    map[string]json.RawMessage `json:"-"`
}

// EmployeeUserDefinedColumn is one value of a user-defined column. Employee is set if the
// query expands "employee".
type EmployeeUserDefinedColumn struct {
	UserDefinedColumnID string                     `json:"userDefinedColumnId,omitempty"`
	Employee            *EmployeeRef               `json:"employee,omitempty"`
	Extra               map[string]json.RawMessage `json:"-"`
}

// PositionVersion is a position during a period of time. The pages name only the relations,
// which a query must expand.
type PositionVersion struct {
	Employee *EmployeeRef               `json:"employee,omitempty"`
	Position *Position                  `json:"position,omitempty"`
	Extra    map[string]json.RawMessage `json:"-"`
}

// Record is an untyped entity: its properties as sent. Raw mode returns records.
type Record map[string]json.RawMessage

// Extra reads a property of an entity's Extra, or of a [Record]:
//
//	title, err := mindkey.Extra[string](employee.Position.Extra, "title")
//	from, err := mindkey.Extra[mindkey.Date](version.Extra, "validFrom")
//
// Extra returns the zero T for a property that is absent or null, and an error, which does
// not quote the value, for a property of another type.
func Extra[T any](properties map[string]json.RawMessage, name string) (T, error) {
	var value T
	raw, ok := properties[name]
	if !ok {
		return value, nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		var zero T
		return zero, errors.New("mindkey: the property " + name + " has another type")
	}
	return value, nil
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (e *Employee) UnmarshalJSON(b []byte) error {
	type plain Employee
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (e Employee) MarshalJSON() ([]byte, error) {
	type plain Employee
	return wire.Encode(plain(e), e.Extra)
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (p *Position) UnmarshalJSON(b []byte) error {
	type plain Position
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (p Position) MarshalJSON() ([]byte, error) {
	type plain Position
	return wire.Encode(plain(p), p.Extra)
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (e *EmployeeRef) UnmarshalJSON(b []byte) error {
	type plain EmployeeRef
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (e EmployeeRef) MarshalJSON() ([]byte, error) {
	type plain EmployeeRef
	return wire.Encode(plain(e), e.Extra)
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (e *EmployeeDependant) UnmarshalJSON(b []byte) error {
	type plain EmployeeDependant
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (e EmployeeDependant) MarshalJSON() ([]byte, error) {
	type plain EmployeeDependant
	return wire.Encode(plain(e), e.Extra)
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (e *EmployeeEquipment) UnmarshalJSON(b []byte) error {
	type plain EmployeeEquipment
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (e EmployeeEquipment) MarshalJSON() ([]byte, error) {
	type plain EmployeeEquipment
	return wire.Encode(plain(e), e.Extra)
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (e *EmployeeUserDefinedColumn) UnmarshalJSON(b []byte) error {
	type plain EmployeeUserDefinedColumn
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (e EmployeeUserDefinedColumn) MarshalJSON() ([]byte, error) {
	type plain EmployeeUserDefinedColumn
	return wire.Encode(plain(e), e.Extra)
}

// UnmarshalJSON keeps the properties that the type does not know in Extra.
func (p *PositionVersion) UnmarshalJSON(b []byte) error {
	type plain PositionVersion
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the properties of Extra after the others.
func (p PositionVersion) MarshalJSON() ([]byte, error) {
	type plain PositionVersion
	return wire.Encode(plain(p), p.Extra)
}
