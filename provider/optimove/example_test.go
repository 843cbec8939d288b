package optimove_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/optimove"
)

// exampleClient returns a client of a mock, in place of optimove.New("api4.optimove.net").
func exampleClient(key ...mockserver.KeyOption) (*optimove.Client, func()) {
	srv, err := mockserver.NewHandler(mockserver.WithFrozenClock(time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)))
	if err != nil {
		panic(err)
	}
	client, err := optimove.New("api4.optimove.net",
		keyfit.WithKey(srv.Keys().Issue(mockserver.Optimove, key...).Secret.Reveal()),
		keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}),
	)
	if err != nil {
		panic(err)
	}
	return client, func() { _ = srv.Close() }
}

func ExampleGeneralService_LastDataUpdate() {
	client, done := exampleClient() // optimove.New("api4.optimove.net")
	defer done()

	fmt.Println(client.General.LastDataUpdate(context.Background()))
	// Output: 2027-01-14 <nil>
}

func ExampleGroupsService_List() {
	client, done := exampleClient() // optimove.New("api4.optimove.net")
	defer done()

	groups, err := client.Groups.List(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range groups[:2] {
		fmt.Println(g.TargetGroupID, g.TargetGroupName)
	}
	// Output:
	// 1 Lorem regulars
	// 2 Fitsum newcomers
}

func ExampleList_All() {
	client, done := exampleClient() // optimove.New("api4.optimove.net")
	defer done()

	query := optimove.ByTargetGroup{
		TargetGroupID: 3,
		Date:          optimove.Date{Year: 2027, Month: time.January, Day: 14},
		Attributes:    []string{"Email"},
	}
	n := 0
	for row, err := range client.Customers.ActionsByTargetGroup.All(context.Background(), query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if n++; n <= 2 {
			fmt.Println(row.CustomerID, row.ActionID, row.CustomerAttributes)
		}
	}
	fmt.Println(n, "customers")
	// Output:
	// A1003 42 [customer1003@example.com]
	// A1008 42 [customer1008@example.com]
	// 22 customers
}

func ExampleList_List() {
	client, done := exampleClient() // optimove.New("api4.optimove.net")
	defer done()

	page, err := client.Customers.CurrentlyTargeted.List(context.Background(), optimove.Window{Top: 10, Skip: 20})
	fmt.Println(len(page.Items), page.Next.Skip, err)
	// Output: 10 30 <nil>
}

func ExampleCustomersService_UpdateAttributes() {
	client, done := exampleClient() // optimove.New("api4.optimove.net")
	defer done()

	err := client.Customers.UpdateAttributes(context.Background(), []optimove.CustomerUpdate{{
		CustomerID: "A1001",
		Attributes: []optimove.AttributeChange{{RealFieldName: "Alias", Value: "Robin"}, {RealFieldName: "Age", Value: 30}},
	}}, "https://example.com/optimove") // Optimove sends an UpdateResult to this URL
	fmt.Println(err)
	// Output: <nil>
}

func ExampleIntegrationsService_AddPromotionsInBatches() {
	client, done := exampleClient() // optimove.New("api4.optimove.net")
	defer done()

	promotions := make([]optimove.Promotion, 250)
	for i := range promotions {
		promotions[i] = optimove.Promotion{PromoCode: fmt.Sprintf("LF%03d", i), PromotionName: "Lorem for free"}
	}
	err := client.Integrations.AddPromotionsInBatches(context.Background(), promotions, func(p optimove.Progress) {
		fmt.Println(p.Done, "of", p.Total)
	})
	fmt.Println(err)
	// Output:
	// 100 of 250
	// 200 of 250
	// 250 of 250
	// <nil>
}

// An Integrations key may not read customers.
func ExampleClient_accessType() {
	client, done := exampleClient(mockserver.Access("Integrations")) // optimove.New("api4.optimove.net")
	defer done()

	_, err := client.Customers.LastAction(context.Background(), "A1001")
	if refused, ok := errors.AsType[*keyfit.PermissionError](err); ok {
		fmt.Println("refused:", refused.StatusCode)
	}
	// Output: refused: 403
}
