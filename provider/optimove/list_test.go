package optimove_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/optimove"
)

func TestAllReadsEveryRowOnce(t *testing.T) {
	t.Parallel()
	query := optimove.ByValueSegment{ValueSegmentID: 2, Date: day}
	for _, tc := range []struct{ top, requests int }{{0, 2}, {1, 31}, {7, 5}, {15, 3}, {29, 2}, {30, 2}, {31, 2}} {
		w := newWorld(t, 0)
		query.Top = tc.top
		var got, want []string
		for _, c := range collect(t, w.client.Segments.Customers.All(t.Context(), query)) {
			got = append(got, c.CustomerID)
		}
		for n := 1002; n <= 1120; n += 4 {
			want = append(want, fmt.Sprint("A", n))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", tc.top, diff)
		}
		w.srv.Expect(t, mockserver.Match{Path: "/current/segments/*"}, tc.requests)
	}
}

func TestAllBeginsAtSkipAndStopsWithTheLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	for c, err := range w.client.Segments.Customers.All(t.Context(), optimove.ByValueSegment{ValueSegmentID: 2, Date: day, Window: optimove.Window{Top: 2, Skip: 3}}) {
		if err != nil || c.CustomerID != "A1014" {
			t.Errorf("%s, %v", c.CustomerID, err)
		}
		break
	}
	w.srv.Expect(t, mockserver.Match{}, 1)
}

func TestListGivesTheNextWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	query := optimove.ByValueSegment{ValueSegmentID: 2, Date: day, Window: optimove.Window{Top: 20}}
	var got []string
	for {
		page, err := w.client.Segments.Customers.List(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == 0 {
			break
		}
		got = append(got, fmt.Sprint(len(page.Items), page.Next))
		query.Window = page.Next
	}
	if diff := cmp.Diff([]string{"20 {20 20}", "10 {20 30}"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAllEnds also tests servers that cap pages below $top or ignore $skip.
func TestAllEnds(t *testing.T) {
	t.Parallel()
	page := func(ids ...string) string {
		return `[{"CustomerID":"` + strings.Join(ids, `"},{"CustomerID":"`) + `"}]`
	}
	for _, tc := range []struct {
		name   string
		bodies []string
		want   string
		err    string
	}{
		{"after capped pages", []string{page("a", "b"), page("c", "d"), page("e")}, "a b c d e", ""},
		{"at an empty page", []string{page("a"), `[]`}, "a", ""},
		{"at null", []string{page("a"), `null`}, "a", ""},
		{"where a page comes again", []string{page("a", "b")}, "a b", "repeats a page"},
		{"where the answer is no list", []string{page("a"), `{}`}, "a", "found a JSON object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client, _ := scripted(t, tc.bodies...)
			var got []string
			var last error
			for c, err := range client.Customers.ActionEndedByDate.All(t.Context(), optimove.ByDate{Date: day}) {
				if last = err; err == nil {
					got = append(got, c.CustomerID)
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (last == nil) != (tc.err == "") || last != nil && !strings.Contains(last.Error(), tc.err) {
				t.Errorf("ended with %v, want %q", last, tc.err)
			}
		})
	}
}

// TestVariantsAreTheSameValue compares CustomerAttribute with CustomerAttributes, and []
// with 404.
func TestVariantsAreTheSameValue(t *testing.T) {
	t.Parallel()
	type answers struct {
		None, One, Two []optimove.CustomerAction
		Changers       []optimove.AttributeChanger
		Empty          []optimove.PastAction
		Unpaged        []optimove.TargetGroup
		Listeners      []optimove.EventListener
	}
	of := func(v mockserver.Variant) answers {
		c := newWorld(t, v).client
		ctx := t.Context()
		query := optimove.OneTimeByDate{Date: day, Window: optimove.Window{Top: 4}}
		var a answers
		a.None = collect(t, c.Customers.OneTimeActionsByDate.All(ctx, query))
		query.Attributes = []string{"Email"}
		a.One = collect(t, c.Customers.OneTimeActionsByDate.All(ctx, query))
		query.Attributes = []string{"Email", "Country", "Alias"}
		a.Two = collect(t, c.Customers.OneTimeActionsByDate.All(ctx, query))
		a.Changers = collect(t, c.Customers.AttributeChangers.All(ctx, optimove.AttributeChangers{Changed: "Age", Attributes: query.Attributes}))
		long := optimove.Date{Year: 2020, Month: 1, Day: 1}
		a.Empty = collect(t, c.Customers.ActionEndedByDate.All(ctx, optimove.ByDate{Date: long}))
		var err error
		if a.Unpaged, err = c.Groups.ByDate(ctx, long); err != nil {
			t.Error(err)
		}
		if a.Listeners, err = c.General.Listeners(ctx); err != nil {
			t.Error(err)
		}
		return a
	}
	plain := of(0)
	if len(plain.Two) == 0 || len(plain.Two[0].CustomerAttributes) != 3 || plain.Empty != nil || plain.Unpaged != nil {
		t.Errorf("%+v", plain)
	}
	for _, v := range []mockserver.Variant{mockserver.SingleAttribute, mockserver.EmptyNotFound, mockserver.SingleAttribute | mockserver.EmptyNotFound} {
		if diff := cmp.Diff(plain, of(v)); diff != "" {
			t.Errorf("variant %d (-plain +variant):\n%s", v, diff)
		}
	}
}

func TestAnother404IsNotAnEmptyList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	for body, empty := range map[string]bool{"Not Found": true, "": true, `"Not found."`: true, "<html>no such host</html>": false} {
		w.srv.ClearFaults()
		w.srv.Inject(mockserver.Match{}, mockserver.Status(404, body))
		got, err := w.client.Groups.List(t.Context())
		if got != nil || (err == nil) != empty || err != nil && !errors.Is(err, keyfit.ErrNotFound) {
			t.Errorf("%q: %v, %v", body, got, err)
		}
	}
}

func TestQueryIsCheckedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	client, sent := scripted(t, `[]`)
	ctx := t.Context()
	c := client.Customers
	for want, do := range map[string]func() error{
		"GetCanceledCampaignCustomers: CampaignID must be 1 or more":                             func() error { _, err := c.CanceledCampaign.List(ctx, optimove.ByCampaign{}); return err },
		"GetCustomersActionEndedByDate: Date is missing or invalid":                              func() error { _, err := c.ActionEndedByDate.List(ctx, optimove.ByDate{}); return err },
		"GetCurrentlyTargetedCustomers: the window's Top and Skip must be 0 or more":             func() error { _, err := c.CurrentlyTargeted.List(ctx, optimove.Window{Top: -1}); return err },
		"GetCustomerLastActionExecuted: CustomerID is empty":                                     func() error { _, err := c.LastAction(ctx, ""); return err },
		"GetCustomerFutureValues: either LifecycleStageIDs or Attribute and Value must be given": func() error { _, err := c.FutureValues.List(ctx, optimove.FutureValues{}); return err },
		"GetCustomerAttributeChangers: ChangedCustomerAttribute is empty":                        func() error { _, err := c.AttributeChangers.List(ctx, optimove.AttributeChangers{}); return err },
		"GetTargetGroupID: TargetGroupName is empty":                                             func() error { _, err := client.Groups.ID(ctx, ""); return err },
		"GetActionName: ActionID must be 1 or more":                                              func() error { _, err := client.Actions.Name(ctx, -1); return err },
		"CreateCustomerList: the name of the list is empty":                                      func() error { _, err := client.Groups.CreateList(ctx, "", []string{"a"}); return err },
		"CreateCustomerList: customers is empty":                                                 func() error { _, err := client.Groups.CreateList(ctx, "a", nil); return err },
		"GetMicrosegmentChangers: Attributes has a name that is empty or contains a semicolon": func() error {
			_, err := client.Model.MicrosegmentChangers.List(ctx, optimove.Changers{Attributes: []string{"a;b"}})
			return err
		},
		"RegisterEventListener: EventTypeID must be one of 1, 2, 3, 4, 5, 11, 13": func() error { return client.General.RegisterListener(ctx, optimove.EventListener{EventTypeID: 12}) },
		"RegisterEventListener: ListenerURL must be an absolute http or https URL": func() error {
			return client.General.RegisterListener(ctx, optimove.EventListener{EventTypeID: 1, ListenerURL: "example.com"})
		},
		"UnregisterEventListener: ChannelID must not be negative, and must be 0 with EventTypeID 5": func() error {
			return client.General.UnregisterListener(ctx, optimove.EventListener{EventTypeID: 5, ChannelID: 1})
		},
		"GetCustomerFutureValues: LifecycleStageIDs must all be 1 or more": func() error {
			_, err := c.FutureValues.List(ctx, optimove.FutureValues{LifecycleStageIDs: []optimove.ID{1, 0}})
			return err
		},
	} {
		if err := do(); err == nil || err.Error() != "optimove: "+want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if len(sent.urls) > 0 {
		t.Errorf("%d sent", len(sent.urls))
	}
}

func TestNastyValuesStayOneValue(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"O'Hara", `"`, "a/b", "..", "%2F", "%27", "a b", "a&Date=2020-01-01", "a;b", "line\r\nbreak", "tab\t", "Åse 世界", "#frag", "?q", "+", "\\", "$top=1", "a=b", "\x00",
	} {
		client, sent := scripted(t, `[]`)
		ctx := t.Context()
		_, _ = client.Actions.ID(ctx, value)
		_, _ = client.Groups.ID(ctx, value)
		_, _ = client.Segments.ID(ctx, value)
		_, _ = client.Customers.LastAction(ctx, value)
		_, _ = client.Customers.FutureValues.List(ctx, optimove.FutureValues{Attribute: value, Value: value})
		_, _ = client.Customers.AttributeChangers.List(ctx, optimove.AttributeChangers{Changed: value})
		attribute := strings.ReplaceAll(value, ";", ",")
		_, _ = client.Customers.ByAction.List(ctx, optimove.ByAction{RecipientGroupID: 1, ActionID: 2, Date: day, Attributes: []string{attribute, attribute}})
		var got []map[string][]string
		for _, u := range sent.urls {
			got = append(got, u.Query())
		}
		want := []map[string][]string{
			{"ActionName": {value}},
			{"TargetGroupName": {value}},
			{"ValueSegmentName": {value}},
			{"CustomerID": {value}},
			{"CustomerAttribute": {value}, "CustomerAttributeValue": {value}},
			{"ChangedCustomerAttribute": {value}},
			{"RecipientGroupID": {"1"}, "ActionID": {"2"}, "Date": {"2027-01-14"}, "CustomerAttributes": {attribute + ";" + attribute}, "CustomerAttributesDelimiter": {"|"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
}
