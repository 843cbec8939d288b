// Package mindkey calls MindKey's Connector API: people, their equipment and their
// positions, read through OData 4.
//
//	client, err := mindkey.New()                    // key: MINDKEY_API_KEY, then .env
//	err = client.Ping(ctx)                          // does the key work?
//
//	query := mindkey.Query{
//		Filter:  mindkey.And(mindkey.Eq("nameLastName", name), mindkey.NotNull("email")),
//		Expand:  []mindkey.Expand{{Relation: "position"}},
//		OrderBy: []mindkey.Order{mindkey.Asc("employeeId")},
//	}
//	for employee, err := range client.Employees.All(ctx, query) { … }
//
// # Queries
//
// A [Query] is a plain struct; [Eq], [Contains], [And], [Or] and other functions create its
// [Filter]. They quote values as OData requires and validate property names, so that
// neither can change the expression. [RawFilter] is for other expressions and quotes
// nothing. A call returns an error for an invalid query and then sends no request.
//
// # Types
//
// MindKey's pages name few properties. The types have fields for those; every other
// property is in Extra, from which [Extra] reads it. A program can also use structs of its
// own, for these entities and for entities that the pages do not name:
//
//	absences := mindkey.Entity[Absence](client, "Absence")
//
// [EntitySet.Raw] reads in raw mode, with unmapped property names.
//
// # Scopes and 404
//
// A key has scopes (Employee, EmployeeData, Organization …). MindKey responds with 404,
// never with 403, if a scope is missing, so a 404 has two possible causes. The error is a
// [*keyfit.PermissionError] with Ambiguous set; its text names both, and it matches both
// [keyfit.ErrForbidden] and [keyfit.ErrNotFound].
//
// # Expiry of a key
//
// A key is valid for 365 days and then stops working without a grace period. Set
// MINDKEY_API_KEY_EXPIRES (2027-01-31) and call [ExpiryWarnings.Due] regularly. To replace
// a key, create a second one with the same scopes, switch to it with
// client.Keyfit().Keys().Rotate, and revoke the first.
//
// Source: https://developer.mindkey.com/docs/integration/connector-api. Its pages document
// no rate limit, no page size and no method other than GET.
package mindkey
