package mindkey_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/mindkey"
)

// exampleClient returns a client of a mock, in place of mindkey.New().
func exampleClient(key ...mockserver.KeyOption) (*mindkey.Client, func()) {
	srv, err := mockserver.NewHandler()
	if err != nil {
		panic(err)
	}
	client, err := mindkey.New(
		keyfit.WithKey(srv.Keys().Issue(mockserver.MindKey, key...).Secret.Reveal()),
		keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}),
		keyfit.WithBaseURL("https://connector.mindkey.com"),
	)
	if err != nil {
		panic(err)
	}
	return client, func() { _ = srv.Close() }
}

func ExampleClient_Ping() {
	client, done := exampleClient() // mindkey.New()
	defer done()

	fmt.Println(client.Ping(context.Background()))
	// Output: <nil>
}

func ExampleEntitySet_All() {
	client, done := exampleClient() // mindkey.New()
	defer done()

	query := mindkey.Query{
		Filter:  mindkey.And(mindkey.In("nameLastName", "Holm", "O'Hara"), mindkey.Le("employeeId", "EMP003")),
		Select:  []string{"employeeId", "nameFirstName", "nameLastName"},
		OrderBy: []mindkey.Order{mindkey.Asc("employeeId")},
	}
	for employee, err := range client.Employees.All(context.Background(), query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(employee.EmployeeID, employee.FirstName, employee.LastName)
	}
	// Output:
	// EMP001 Ada Holm
	// EMP002 Bo O'Hara
}

func ExampleEntitySet_List() {
	client, done := exampleClient() // mindkey.New()
	defer done()

	page, err := client.Employees.List(context.Background(), mindkey.Query{
		OrderBy: []mindkey.Order{mindkey.Asc("employeeId")}, Top: 2, Skip: 1, Count: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, employee := range page.Items {
		fmt.Println(employee.Email)
	}
	fmt.Println("of", *page.Count)
	// Output:
	// bo.ohara@example.com
	// cia.fitsum@example.com
	// of 60
}

func ExampleEntitySet_Get() {
	client, done := exampleClient() // mindkey.New()
	defer done()

	version, err := client.PositionVersions.Get(context.Background(), "POS001-1", mindkey.Query{
		Expand: []mindkey.Expand{{Relation: "employee", Select: []string{"employeeId"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	position, err := mindkey.Extra[string](version.Extra, "positionId") // not named by MindKey's pages
	fmt.Println(version.Employee.EmployeeID, "holds", position, err)
	// Output: EMP001 holds POS001 <nil>
}

func ExampleEntity() {
	client, done := exampleClient() // mindkey.New()
	defer done()

	type dependant struct {
		ID    string       `json:"employeeDependantId"`
		Birth mindkey.Date `json:"birthDate"`
	}
	dependants := mindkey.Entity[dependant](client, "EmployeeDependant")
	one, err := dependants.Get(context.Background(), "EMP001-D1", mindkey.Query{})
	fmt.Println(one.ID, one.Birth.Year > 1900, err)
	// Output: EMP001-D1 true <nil>
}

func ExampleFilter() {
	name := "O'Hara" // any input of a user
	fmt.Println(mindkey.Eq("nameLastName", name))
	fmt.Println(mindkey.Or(
		mindkey.Contains(mindkey.Lower("email"), "@example.com"),
		mindkey.Not(mindkey.Ge("validFrom", mindkey.Date{Year: 2027, Month: time.January, Day: 31})),
	))
	// Output:
	// nameLastName eq 'O''Hara'
	// contains(tolower(email),'@example.com') or not (validFrom ge 2027-01-31)
}

// MindKey responds with 404 to a key without the scope.
func ExampleClient_missingScope() {
	client, done := exampleClient(mockserver.Scopes("Organization")) // mindkey.New()
	defer done()

	_, err := client.Employees.List(context.Background(), mindkey.Query{})
	if refused, ok := errors.AsType[*keyfit.PermissionError](err); ok {
		fmt.Println(refused.StatusCode, "ambiguous:", refused.Ambiguous)
	}
	// Output: 404 ambiguous: true
}

func ExampleExpiryWarnings() {
	end := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC) // in MINDKEY_API_KEY_EXPIRES
	client, err := mindkey.New(keyfit.WithSource(keyfit.Static(keyfit.Credential{
		Key: keyfit.NewSecret("the-key-of-this-example"), Expires: end,
	})))
	if err != nil {
		fmt.Println(err)
		return
	}
	warnings := client.ExpiryWarnings()
	for _, now := range []time.Time{end.AddDate(0, 0, -31), end.AddDate(0, 0, -14), end.AddDate(0, 0, -13)} {
		if warning, ok := warnings.Due(now); ok {
			fmt.Println(now.Format(time.DateOnly), "within", warning.Days, "days")
		}
	}
	// Output: 2027-02-15 within 14 days
}
