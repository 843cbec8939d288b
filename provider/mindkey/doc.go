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
// A [Query] is data; [Eq], [Contains], [And], [Or] and the other functions make its
// [Filter]. They quote values as OData asks for, so that a name with an apostrophe is a
// name, and check that a property is a property: neither can become part of the
// expression. [RawFilter] is for what they cannot say, and quotes nothing. What is wrong
// with a query is an error of the call, before anything is sent.
//
// # What is typed
//
// MindKey's pages name few properties. The types have those; every other property is in
// Extra, from where [Extra] reads it. A program that knows its own columns brings its own
// struct, for the entities here and for those that the pages do not name:
//
//	absences := mindkey.Entity[Absence](client, "Absence")
//
// [EntitySet.Raw] reads in raw mode, with the property names beneath MindKey's mapping.
//
// # Scopes and 404
//
// A key has scopes (Employee, EmployeeData, Organization …). MindKey answers 404, never
// 403, when a scope is missing, so a 404 has two readings: the error is a
// [*keyfit.PermissionError] with Ambiguous set, says both, and is [keyfit.ErrForbidden]
// and [keyfit.ErrNotFound].
//
// # The end of a key
//
// A key lives for 365 days and stops without grace. Give its end in
// MINDKEY_API_KEY_EXPIRES (2027-01-31), and let the program ask [ExpiryWarnings.Due] now
// and then. To change it, make a second key with the same scopes, rotate it in with
// client.Keyfit().Keys().Rotate, and revoke the first.
//
// Source: https://developer.mindkey.com/docs/integration/connector-api. Its pages
// document no rate limit, no page size and no method but GET.
package mindkey
