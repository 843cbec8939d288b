package mindkey

import (
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
)

// entities builds the five entity sets. The vendor documents their names and
// scopes (page "Migrate from v1 to v2"), Employee's properties and its relation
// position, userDefinedColumnId, and a relation to a simple employee or position
// on every entity. All other properties are assumed.
func entities(seed uint64) []*entity {
	simplePosition := &odata.Type{Name: "SimplePosition", Props: props("positionId", "title")}
	simpleEmployee := &odata.Type{
		Name:  "SimpleEmployee",
		Props: props("employeeId", "nameFirstName", "nameMiddleName", "nameLastName", "email"),
	}
	toEmployee := odata.Link{Name: "employee", Type: simpleEmployee}
	toPosition := odata.Link{Name: "position", Type: simplePosition}
	data := newData(seed)
	return []*entity{
		newEntity("Employee", data.employees, &odata.Type{
			Name: "Employee",
			Props: props("employeeId", "nameFirstName", "nameMiddleName", "nameLastName", "email",
				"mobilePhoneNumberFullPhoneNumber"),
			Links: []odata.Link{toPosition},
		}),
		newEntity("EmployeeData", data.dependants, &odata.Type{
			Name:  "EmployeeDependant",
			Props: props("employeeDependantId", "nameFirstName", "nameLastName", "relationType", "birthDate:date"),
			Links: []odata.Link{toEmployee},
		}),
		newEntity("EmployeeData", data.equipment, &odata.Type{
			Name: "EmployeeEquipment",
			Props: props("employeeEquipmentId", "description", "serialNumber", "quantity:int",
				"issuedDate:date", "returnedDate:date"),
			Links: []odata.Link{toEmployee},
		}),
		newEntity("EmployeeData", data.columns, &odata.Type{
			Name:  "EmployeeUserDefinedColumn",
			Props: props("employeeUserDefinedColumnId", "userDefinedColumnId", "value"),
			Links: []odata.Link{toEmployee},
		}),
		newEntity("Organization", data.positions, &odata.Type{
			Name: "PositionVersion",
			Props: props("positionVersionId", "positionId", "title", "departmentName", "weeklyHours:decimal",
				"isManager:bool", "validFrom:date", "validTo:date", "modifiedAt:datetime"),
			Links: []odata.Link{toEmployee, toPosition},
		}),
	}
}

func newEntity(scope string, rows []*odata.Row, t *odata.Type) *entity {
	e := &entity{scope: scope, typ: t, raw: rawType(t)}
	e.stored.Store(&rows)
	return e
}

// props parses property specifications: "name" (a string) or "name:kind".
func props(specs ...string) []odata.Prop {
	out := make([]odata.Prop, len(specs))
	for i, spec := range specs {
		name, kind, _ := strings.Cut(spec, ":")
		out[i] = odata.Prop{Name: name, Kind: kindOf(kind)}
	}
	return out
}

func kindOf(word string) odata.Kind {
	switch word {
	case "int":
		return odata.Int
	case "decimal":
		return odata.Decimal
	case "bool":
		return odata.Bool
	case "date":
		return odata.Date
	case "datetime":
		return odata.DateTime
	default:
		return odata.String
	}
}

// rawType returns t with the property names of raw mode. The vendor does not
// document these names; the mock capitalizes the first letter.
func rawType(t *odata.Type) *odata.Type {
	raw := &odata.Type{Name: t.Name}
	for _, p := range t.Props {
		raw.Props = append(raw.Props, odata.Prop{Name: capital(p.Name), Kind: p.Kind})
	}
	for _, l := range t.Links {
		raw.Links = append(raw.Links, odata.Link{Name: capital(l.Name), Type: rawType(l.Type)})
	}
	return raw
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
