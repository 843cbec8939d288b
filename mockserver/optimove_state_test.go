package mockserver_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestOptimoveRemembersPromotionsTemplatesAndListeners(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	w.want("POST", "/current/integrations/AddPromotions", `[{"PromoCode":"WB23","PromotionName":"replaced"},{"PromoCode":"LF","PromotionName":"added"}]`, 200, "")
	w.want("GET", "/current/integrations/GetPromotions", "", 200,
		`[{"PromoCode":"WB23","PromotionName":"replaced"},{"PromoCode":"NV10","PromotionName":"Fitsum 10%"},{"PromoCode":"LF","PromotionName":"added"}]`)
	w.want("POST", "/current/integrations/DeletePromotions", `[{"PromoCode":"WB23"},{"PromoCode":"NV10"},{"PromoCode":"unknown"}]`, 200, "")
	w.want("GET", "/current/integrations/GetPromotions", "", 200, `[{"PromoCode":"LF","PromotionName":"added"}]`)

	w.want("POST", "/current/integrations/AddChannelTemplates?ChannelID=505", `[{"TemplateID":9,"TemplateName":"new","AppID":"app1"}]`, 200, "")
	w.want("POST", "/current/integrations/DeleteChannelTemplates", `[{"ChannelID":505,"TemplateID":7}]`, 200, "")
	w.want("GET", "/current/integrations/GetChannelTemplates?ChannelID=505", "", 200, `[{"TemplateID":9,"TemplateName":"new","AppID":"app1"}]`)

	w.want("GET", "/current/general/GetRegisteredEventListeners", "", 200, "[]")
	w.want("POST", "/current/general/RegisterEventListener", `{"EventTypeID":1,"ListenerURL":"https://example.com/old"}`, 200, "")
	w.want("POST", "/current/general/RegisterEventListener", `{"EventTypeID":1,"ListenerURL":"https://example.com/new"}`, 200, "")
	w.want("POST", "/current/general/RegisterEventListener", `{"EventTypeID":1,"ListenerURL":"http%3A%2F%2Fexample.com%2Fsms","ChannelID":4}`, 200, "")
	w.want("GET", "/current/general/GetRegisteredEventListeners", "", 200,
		`[{"EventTypeID":1,"ListenerURL":"https://example.com/new"},{"EventTypeID":1,"ListenerURL":"http%3A%2F%2Fexample.com%2Fsms","ChannelID":4}]`)
	w.want("POST", "/current/general/UnregisterEventListener", `{"EventTypeID":1}`, 200, "")
	w.want("POST", "/current/general/UnregisterEventListener", `{"EventTypeID":1}`, 404, "Not Found")
	if got := len(w.rows("/current/general/GetRegisteredEventListeners")); got != 1 {
		t.Errorf("%d listeners left, want the channel's", got)
	}
}

func TestOptimoveRecordsTheCallbackAndCallsNobody(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	w.want("POST", "/current/customers/UpdateCustomerAttributes", `{"CallbackURL":"https://example.com/cb","CustomerNewAttributesValuesList":[
		{"CustomerID":"A1003","Attributes":[{"RealFieldName":"Alias","Value":"Fitsum1"},{"RealFieldName":"Age","Value":"x"},{"RealFieldName":"Age","Value":41},{"RealFieldName":"LifetimeValue","Value":"1"},{"RealFieldName":"Lorem","Value":"1"}]},
		{"CustomerID":"nobody","Attributes":[]}]}`, 200, "")
	w.want("POST", "/current/customers/UpdateCustomerAttributes", `{"CustomerNewAttributesValuesList":[{"CustomerID":"A1003","Attributes":[]}]}`, 200, "")
	w.want("POST", "/current/customers/UpdateCustomerAttributes", `{"CallbackURL":"https://example.com/ok","CustomerNewAttributesValuesList":[{"CustomerID":"A1003","Attributes":[]}]}`, 200, "")
	got := w.srv.Callbacks()
	for i := range got {
		var body map[string]any
		if err := json.Unmarshal([]byte(got[i].Body), &body); err != nil {
			t.Fatal(err)
		}
		if id, _ := body["requestId"].(string); len(id) != 36 {
			t.Errorf("requestId %q", id)
		}
		delete(body, "requestId")
		plain, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		got[i].Body = string(plain)
	}
	want := []mockserver.Callback{
		{At: optimoveTime, Provider: mockserver.Optimove, URL: "https://example.com/cb", Body: `{"errors":[` +
			`{"customerId":"A1003","error":"INVALID_VALUE","realFieldName":"Age"},{"customerId":"A1003","error":"UPDATE_FIELD_TEMPORARY_UNAVAILABLE","realFieldName":"LifetimeValue"},` +
			`{"customerId":"A1003","error":"INVALID_FIELD","realFieldName":"Lorem"},{"customerId":"nobody","error":"INVALID_CUSTOMER"}],"isSuccess":false}`},
		{At: optimoveTime, Provider: mockserver.Optimove, URL: "https://example.com/ok", Body: `{"isSuccess":true}`},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("callbacks (-want +got):\n%s", d)
	}
	for _, row := range w.rows("/current/segments/GetCustomersByValueSegment?ValueSegmentID=3&Date=" + optimoveDay + "&CustomerAttributes=Alias;Age") {
		if row["CustomerID"] == "A1003" {
			if d := cmp.Diff([]any{"Fitsum1", "41"}, row["CustomerAttributes"]); d != "" {
				t.Errorf("A1003 (-want +got):\n%s", d)
			}
		}
	}
}

func TestOptimoveUpsertsCustomers(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	w.want("PUT", "/current/customers/upsertcustomer", `{"CustomerId":"LF1","Attributes":[{"RealFieldName":"Alias","Value":"Lorem"},{"RealFieldName":"Nope","Value":"x"}]}`, 200,
		`{"errors":[{"error":"INVALID_FIELD","customerId":"LF1","realFieldName":"Nope"}]}`)
	w.want("PUT", "/Customers/InsertOrUpdateCustomers", `{"Customers":[{"CustomerId":"LF2","Attributes":[{"RealFieldName":"Alias","Value":"Fitsum"}]},{"CustomerId":"LF1","Attributes":null}]}`, 202, "")
	w.want("PUT", "/customers/InsertOrUpdateCustomers", `{"Customers":[]}`, 400, "Customers must have 1 to 1000 entries")
	got := map[string]any{}
	for _, row := range w.rows("/segments/GetCustomersByValueSegment?ValueSegmentID=4&Date=" + optimoveDay + "&CustomerAttributes=Alias") {
		got[row["CustomerID"].(string)] = row["CustomerAttributes"]
	}
	if d := cmp.Diff([]any{[]any{"Lorem"}, []any{"Fitsum"}}, []any{got["LF1"], got["LF2"]}); d != "" {
		t.Errorf("upserted (-want +got):\n%s", d)
	}
}

func TestOptimoveCustomerLists(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	const path = "/api/v2/target-group/customer-list"
	w.want("POST", path, `{"list-name":"Lorem","customers":["A1001","nobody","A1001"]}`, 200,
		`{"target-group-id":6,"list-id":1,"list-name":"Lorem","existed-customers":1,"non-existed-customers":["nobody"]}`)
	w.want("POST", path, `{"list-name":"Lorem","customers":["A1001"]}`, 400, "The list name is not unique")
	w.want("POST", path, `{"list-name":"Fitsum","customers":[]}`, 400, "The customer list is empty")
	w.want("POST", path, `{"list-name":"Fitsum","customers":["nobody"]}`, 400, "The list has no valid customer IDs")
	w.want("GET", "/groups/GetTargetGroupName?TargetGroupID=6", "", 200, `{"TargetGroupName":"Lorem"}`)
	for i := range 99 {
		w.want("POST", path, fmt.Sprintf(`{"list-name":"L%d","customers":["A1001"]}`, i), 200,
			fmt.Sprintf(`{"target-group-id":%d,"list-id":%d,"list-name":"L%d","existed-customers":1,"non-existed-customers":[]}`, i+7, i+2, i))
	}
	w.want("POST", path, `{"list-name":"Fitsum","customers":["A1001"]}`, 400, "The limit of customer lists is reached")
}

func TestOptimoveNarrowedKeys(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, []mockserver.KeyOption{mockserver.EnableChannels(4), mockserver.ShareAttributes("Alias")})
	w.want("GET", "/actions/GetExecutionChannels", "", 200, `[{"ChannelID":4,"ChannelName":"SMS"}]`)
	w.want("GET", "/model/GetCustomerAttributeList", "", 200, `[{"RealFieldName":"Alias","Description":"Customer alias"}]`)
	for _, refused := range [][3]string{
		{"GET", "/integrations/GetChannelTemplates?ChannelID=504", ""},
		{"POST", "/integrations/AddChannelTemplates?ChannelID=504", `[{"TemplateID":1,"TemplateName":"x"}]`},
		{"POST", "/general/RegisterEventListener", `{"EventTypeID":1,"ListenerURL":"https://example.com","ChannelID":504}`},
		{"GET", "/customers/GetCustomersByAction?RecipientGroupID=1&ActionID=42&Date=" + optimoveDay + "&CustomerAttributes=Alias;Country", ""},
		{"GET", "/customers/GetCustomerFutureValues?CustomerAttribute=Country&CustomerAttributeValue=UK", ""},
	} {
		w.want(refused[0], refused[1], refused[2], 403, "Insufficient permissions")
	}
	w.srv.Expect(t, mockserver.Match{Outcome: mockserver.InsufficientScope}, 5)
	w.want("GET", "/integrations/GetChannelTemplates?ChannelID=4", "", 200, "[]")
	state := w.srv.Snapshot()
	if err := w.srv.Restore(state); err != nil {
		t.Fatal(err)
	}
	w.want("GET", "/actions/GetExecutionChannels", "", 200, `[{"ChannelID":4,"ChannelName":"SMS"}]`)
}

func TestOptimoveSendsTransactionalMail(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	const send = "/current/TransactionalMail/SendTransactionalMail"
	const to = `"Recipients":[{"Email":"l@example.com"}]`
	w.want("POST", send, `{"TemplateID":2,`+to+`,"UniqueMessageID":"one"}`, 200, `{"IsSuccess":true,"SendID":235311,"Error":null}`)
	w.want("POST", send, `{"TemplateID":2,`+to+`,"UniqueMessageID":"one"}`, 409, "Request for this UniqueMessageID has succeeded before")
	w.want("POST", send, `{"TemplateID":7,`+to+`}`, 200, `{"IsSuccess":false,"SendID":null,"Error":"Invalid template"}`)
	w.want("POST", send, `{"TemplateID":1,`+to+`}`, 206, `{"IsSuccess":true,"SendID":235312,"Error":"Missing tags: FIRST_NAME"}`)
	w.want("POST", send, `{"TemplateID":1,"Recipients":[{"Email":"l@example.com","Personalizations":[{"Tag":"[%TRANS:FIRST_NAME%]","Value":"Lorem"}]}]}`, 200, `{"IsSuccess":true,"SendID":235313,"Error":null}`)
	w.want("POST", send, `{"TemplateID":2,"Recipients":[{"Email":"lorem"}]}`, 400, "Recipients has an entry without Email")
	w.want("POST", send, `{"TemplateID":2,`+to+`,"UniqueMessageID":"`+strings.Repeat("x", 255)+`"}`, 400, "UniqueMessageID may have at most 254 characters")
}

func TestOptimoveTransactionalMailHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(optimoveTime))
	w := &optimoveWorld{t, srv, srv.Transport(), srv.Keys().Issue(mockserver.Optimove)}
	mail := func() int {
		return w.send("POST", "/transactionalmail/SendTransactionalMail", `{"TemplateID":2,"Recipients":[{"Email":"l@example.com"}]}`).status
	}
	general := func() int { return w.send("GET", "/general/GetLastDataUpdate", "").status }
	for i := range 50 {
		if got := general(); got != 200 {
			t.Fatalf("general call %d: %d", i+1, got)
		}
	}
	for i := range 10 {
		if got := mail(); got != 200 {
			t.Fatalf("mail %d: %d", i+1, got)
		}
	}
	if got := w.send("POST", "/transactionalmail/SendTransactionalMail", "{}"); got.status != 429 || got.body != optimoveLimited {
		t.Errorf("mail 11: %d %s", got.status, got.body)
	}
	srv.Clock().Advance(time.Second)
	if a, b := mail(), general(); a != 200 || b != 429 {
		t.Errorf("a second later: mail %d, general %d", a, b)
	}
	srv.LimitGroup(mockserver.Optimove, "SendTransactionalMail", mockserver.Limit{})
	for range 30 {
		if got := mail(); got != 200 {
			t.Fatalf("without the group's limit: %d", got)
		}
	}
	srv.LimitGroup(mockserver.Optimove, "SendTransactionalMail", mockserver.Limit{Requests: 1, Per: time.Hour})
	w.key = srv.Keys().Issue(mockserver.Optimove, mockserver.LimitTo(mockserver.Limit{}))
	for range 3 {
		if got := mail(); got != 200 {
			t.Errorf("a key without limits: %d", got)
		}
	}
}

func TestOptimoveStateIsBounded(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil, mockserver.WithJournal(0, 0))
	batch := func(i int) string {
		var b strings.Builder
		for j := range 1000 {
			fmt.Fprintf(&b, `{"CustomerId":"B%d-%d"},`, i, j)
		}
		return `{"Customers":[` + strings.TrimSuffix(b.String(), ",") + `]}`
	}
	for i := range 9 {
		w.want("PUT", "/customers/InsertOrUpdateCustomers", batch(i), 202, "")
	}
	w.want("PUT", "/customers/InsertOrUpdateCustomers", batch(9), 400, "The limit of customers is reached")
	w.want("PUT", "/customers/InsertOrUpdateCustomers", batch(0), 202, "") // known ones can be changed
	for i := range 1100 {
		w.want("POST", "/customers/UpdateCustomerAttributes", `{"CallbackURL":"https://example.com/`+strconv.Itoa(i)+`","CustomerNewAttributesValuesList":[{"CustomerID":"A1001"}]}`, 200, "")
	}
	if calls := w.srv.Callbacks(); len(calls) != 1000 || calls[999].URL != "https://example.com/1099" {
		t.Errorf("%d callbacks", len(calls))
	}
}
