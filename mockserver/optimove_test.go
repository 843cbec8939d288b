package mockserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// optimoveTime is a clock at which a campaign of the day was just canceled. The
// newest data is of optimoveDay, whose campaigns have the IDs optimoveDay1 to
// optimoveDay3.
var optimoveTime = time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)

const (
	optimoveDay  = "2027-01-14"
	optimoveDay1 = 208321
	optimoveDay2 = 208322
	optimoveDay3 = 208323
	canceledID   = 208333
)

// optimoveWorld is a mock of Optimove and a key for it.
type optimoveWorld struct {
	t   *testing.T
	srv *mockserver.Server
	rt  http.RoundTripper
	key mockserver.Issued
}

func newOptimove(t *testing.T, key []mockserver.KeyOption, opts ...mockserver.Option) *optimoveWorld {
	t.Helper()
	srv := mockserver.New(t, append([]mockserver.Option{mockserver.WithFrozenClock(optimoveTime), mockserver.WithoutRateLimits()}, opts...)...)
	return &optimoveWorld{t, srv, srv.Transport(), srv.Keys().Issue(mockserver.Optimove, key...)}
}

func (w *optimoveWorld) send(method, path, body string) answer {
	w.t.Helper()
	r := newRequest(w.t, mockserver.Optimove, method, path, body)
	w.key.Apply(r)
	return call(w.t, w.rt, r)
}

// rows sends a GET and decodes the list that it answers.
func (w *optimoveWorld) rows(path string) []map[string]any {
	w.t.Helper()
	got := w.send("GET", path, "")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(got.body), &rows); err != nil || got.status != 200 {
		w.t.Fatalf("%s: %d %.200s", path, got.status, got.body)
	}
	return rows
}

func (w *optimoveWorld) want(method, path, body string, status int, answer string) {
	w.t.Helper()
	if got := w.send(method, path, body); got.status != status || got.body != answer {
		w.t.Errorf("%s %s: %d %.300s\nwant %d %s", method, path, got.status, got.body, status, answer)
	}
}

func TestOptimoveAnswersUnderEverySpellingOfAPath(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	for _, path := range []string{
		"/current/general/GetLastDataUpdate", "/general/GetLastDataUpdate", "/General/GetLastDataUpdate",
		"/current/General/GetLastDataUpdate", "/CURRENT/GENERAL/getlastdataupdate",
	} {
		w.want("GET", path, "", 200, `{"Date":"2027-01-14"}`)
	}
	for _, path := range []string{"/groups/GetLastDataUpdate", "/v3/general/GetLastDataUpdate", "/current/current/general/GetLastDataUpdate", "/current", "/current/api/v2/target-group/customer-list"} {
		w.want("GET", path, "", 404, "Not Found")
	}
	// The journal and faults see the path that was sent.
	w.srv.Expect(t, mockserver.Match{Path: "/CURRENT/GENERAL/getlastdataupdate", Status: 200}, 1)
	w.srv.Inject(mockserver.Match{Path: "/current/general/*"}, mockserver.Status(503, "down"))
	w.want("GET", "/current/general/GetLastDataUpdate", "", 503, "down")
	w.want("GET", "/general/GetLastDataUpdate", "", 200, `{"Date":"2027-01-14"}`)
}

func TestOptimoveRefusesInPlainText(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	const promotions = "/current/integrations/AddPromotions"
	for _, tt := range []struct{ method, path, body, text string }{
		{"GET", "/current/customers/GetCustomerOneTimeActionsByDate", "", "Date is required"},
		{"GET", "/current/customers/GetCustomerOneTimeActionsByDate?Date=14.01.2027", "", "Date must be a date, YYYY-MM-DD"},
		{"GET", "/current/actions/GetActionName?ActionID=-1", "", "ActionID must be an integer of 0 or more"},
		{"GET", "/current/actions/GetActionName?ActionID=lorem", "", "ActionID must be an integer of 0 or more"},
		{"GET", "/current/customers/GetCustomerOneTimeActionsByDate?Date=" + optimoveDay + "&$top=x", "", "$top must be an integer of 0 or more"},
		{"GET", "/current/customers/GetCustomerOneTimeActionsByDate?Date=" + optimoveDay + "&IncludeControlGroup=maybe", "", "IncludeControlGroup must be true or false"},
		{"GET", "/current/customers/GetCustomerOneTimeActionsByDate?Date=" + optimoveDay + "&CustomerAttributes=Alias;Lorem", "", "CustomerAttributes names an unknown attribute"},
		{"GET", "/current/customers/GetCustomerFutureValues", "", "Either LifecycleStageID or CustomerAttribute with CustomerAttributeValue is required"},
		{"GET", "/current/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute=Alias;Country", "", "ChangedCustomerAttribute must be one customer attribute"},
		{"POST", promotions, "{", "The request body is not valid JSON"},
		{"POST", promotions, "", "The request body is not valid JSON"},
		{"POST", promotions, "[] []", "The request body is not valid JSON"},
		{"POST", promotions, "{}", "The request body is invalid: wrong type"},
		{"POST", promotions, "[]", "The request body must be an array with at least one entry"},
		{"POST", promotions, `[{"PromoCode":1,"PromotionName":"x"}]`, "The request body is invalid: wrong type of PromoCode"},
		{"POST", promotions, `[{"PromoCode":"1","PromotionName":"x","Lorem":1}]`, "The request body is invalid: it has an unknown field"},
		{"POST", promotions, `[{"PromoCode":"1"}]`, "PromoCode and PromotionName are required"},
		{"POST", "/current/general/RegisterEventListener", `{"EventTypeID":6,"ListenerURL":"https://example.com"}`, "EventTypeID must be one of 1, 2, 3, 4, 5, 11, 13"},
		{"POST", "/current/general/RegisterEventListener", `{"EventTypeID":5,"ListenerURL":"https://example.com","ChannelID":504}`, "EventTypeID 5 cannot be registered for a specific channel"},
		{"POST", "/current/general/RegisterEventListener", `{"EventTypeID":1,"ListenerURL":"lorem"}`, "ListenerURL must be an absolute http or https URL"},
		{"POST", "/current/integrations/UpdateCampaignInteractions", `{"CampaignID":1}`, "InteractionDate is required"},
		{"POST", "/current/integrations/AddChannelApps?ChannelID=7", `[{"AppID":"a","AppName":"b"}]`, "ChannelID is unknown"},
		{"POST", "/current/customers/UpdateCustomerAttributes", `{"CustomerNewAttributesValuesList":[{"CustomerID":"A1001","Attributes":[{"RealFieldName":"Alias","Value":{}}]}]}`, "The request body is invalid: wrong type of CustomerNewAttributesValuesList.Attributes.Value"},
	} {
		got := w.send(tt.method, tt.path, tt.body)
		if got.status != 400 || got.body != tt.text || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s %s %s: %d %s %q, want 400 %q", tt.method, tt.path, tt.body, got.status, got.header.Get("Content-Type"), got.body, tt.text)
		}
	}
	got := w.send("POST", "/current/general/GetLastDataUpdate", "{}")
	if got.status != 405 || got.body != "Method Not Allowed" || got.header.Get("Allow") != "GET" {
		t.Errorf("wrong method: %d %q, Allow %q", got.status, got.body, got.header.Get("Allow"))
	}
}

func TestOptimoveHoldsBatchesToTheirSize(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	list := func(n int, entry string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(entry+",", n), ",") + "]"
	}
	attribute := `{"RealFieldName":"Alias","Value":"x"}`
	update := func(customers, attributes int) string {
		return `{"CustomerNewAttributesValuesList":` + list(customers, `{"CustomerID":"A1001","Attributes":`+list(attributes, attribute)+`}`) + `}`
	}
	interactions := func(n int) string {
		return `{"InteractionDate":"2027-01-14","CustomerIDs":` + list(n, `"A1001"`) + `}`
	}
	mail := func(n int) string {
		return `{"TemplateID":2,"Recipients":` + list(n, `{"Email":"l@example.com"}`) + `}`
	}
	for path, batch := range map[string]struct {
		most, over string
		status     int
	}{
		"/integrations/AddPromotions":                     {list(100, `{"PromoCode":"a","PromotionName":"b"}`), list(101, `{"PromoCode":"a","PromotionName":"b"}`), 200},
		"/integrations/DeletePromotions":                  {list(100, `{"PromoCode":"a"}`), list(101, `{"PromoCode":"a"}`), 200},
		"/integrations/AddChannelTemplates?ChannelID=504": {list(100, `{"TemplateID":1,"TemplateName":"b"}`), list(101, `{"TemplateID":1,"TemplateName":"b"}`), 200},
		"/customers/UpdateCustomerAttributes":             {update(1000, 10), update(1001, 1), 200},
		"/customers/UpdateCustomerAttributes?":            {update(1, 10), update(1, 11), 200},
		"/integrations/UpdateCampaignInteractions":        {interactions(10_000), interactions(10_001), 200},
		"/transactionalmail/SendTransactionalMail":        {mail(200), mail(201), 200},
	} {
		if got := w.send("POST", path, batch.most); got.status != batch.status {
			t.Errorf("%s, as many as allowed: %d %s", path, got.status, got.body)
		}
		if got := w.send("POST", path, batch.over); got.status != 400 || !strings.Contains(got.body, "most") && !strings.Contains(got.body, "maximum") {
			t.Errorf("%s, one too many: %d %s", path, got.status, got.body)
		}
	}
}

func TestOptimoveDocumentedShapes(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	keys := func(row map[string]any) string {
		var names []string
		for _, name := range []string{"CustomerID", "RecipientGroupID", "ActionID", "ChannelID", "PromoCode", "InitialCustomerAttribute", "FinalCustomerAttribute", "FutureValue", "CustomerAttributes"} {
			if v, ok := row[name]; ok {
				names = append(names, fmt.Sprintf("%s %T", name, v))
			}
		}
		return strings.Join(names, ", ") + " of " + strconv.Itoa(len(row))
	}
	for path, want := range map[string]string{
		"/current/customers/GetCustomerOneTimeActionsByDate?Date=" + optimoveDay + "&CustomerAttributes=Alias;Country":                       "CustomerID string, ActionID float64, ChannelID float64, CustomerAttributes []interface {} of 4",
		"/current/customers/GetCustomerOneTimeActionsByCampaign?CampaignID=" + strconv.Itoa(optimoveDay2) + "&CustomerAttributes=Alias":      "CustomerID string, RecipientGroupID float64, ActionID float64, ChannelID float64, CustomerAttributes []interface {} of 5",
		"/current/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute=FavoriteSport&$skip=1&CustomerAttributes=Alias":            "CustomerID string, InitialCustomerAttribute string, FinalCustomerAttribute string, CustomerAttributes []interface {} of 4",
		"/current/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute=FavoriteSport":                                             "CustomerID string, InitialCustomerAttribute <nil>, FinalCustomerAttribute string of 3",
		"/current/customers/GetCanceledCampaignCustomers?CampaignID=" + strconv.Itoa(canceledID):                                             "CustomerID string, ActionID string, PromoCode string of 3",
		"/current/customers/GetCustomerFutureValues?LifecycleStageID=1,2,3":                                                                  "CustomerID string, FutureValue float64 of 2",
		"/current/customers/GetCustomerFutureValues?CustomerAttribute=Country&CustomerAttributeValue=dk":                                     "CustomerID string, FutureValue float64 of 2",
		"/current/customers/GetCustomerActionsByTargetGroup?TargetGroupID=3&Date=" + optimoveDay + "&CustomerAttributes=Alias":               "CustomerID string, ActionID float64, ChannelID float64, CustomerAttributes []interface {} of 4",
		"/current/customers/GetCustomerActionsByTargetGroup?TargetGroupID=3&Date=" + optimoveDay + "T10:00:00Z&IncludeRecipientGroupID=True": "CustomerID string, RecipientGroupID float64, ActionID float64, ChannelID float64 of 4",
	} {
		if rows := w.rows(path); len(rows) == 0 || keys(rows[0]) != want {
			t.Errorf("%s: %v\nwant %s", path, rows, want)
		}
	}
}

func TestOptimoveControlGroupIsAction1(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	count := func(path string) (all, control int) {
		for _, row := range w.rows(path) {
			all++
			if row["ActionID"] == 1.0 {
				control++
			}
		}
		return all, control
	}
	path := "/current/customers/GetCustomerOneTimeActionsByDate?Date=" + optimoveDay
	without, none := count(path)
	with, control := count(path + "&IncludeControlGroup=true")
	if none != 0 || control == 0 || with != without+control {
		t.Errorf("%d rows with %d of the control group, then %d with %d", without, none, with, control)
	}
}

func TestOptimovePages(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	const path = "/current/segments/GetCustomersByValueSegment?ValueSegmentID=3&Date=" + optimoveDay
	all := w.rows(path)
	var paged []map[string]any
	for skip := 0; skip <= len(all); skip += 7 {
		paged = append(paged, w.rows(fmt.Sprintf("%s&$top=7&$skip=%d", path, skip))...)
	}
	if d := cmp.Diff(all, paged); d != "" || len(all) != 30 {
		t.Errorf("%d rows; pages differ (-want +got):\n%s", len(all), d)
	}
	w.want("GET", path+"&$skip=1000", "", 200, "[]")
	w.want("GET", path+"&$top=0", "", 200, "[]")
}

func TestOptimoveCampaignsFollowTheClock(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	const executed = "/current/actions/GetExecutedCampaignDetails?Date="
	for day, n := range map[string]int{"2027-01-15": 0, optimoveDay: 3, "2026-12-15": 3, "2026-12-14": 0} {
		if got := len(w.rows(executed + day)); got != n {
			t.Errorf("%s: %d campaigns, want %d", day, got, n)
		}
	}
	w.srv.Clock().Advance(24 * time.Hour)
	if got := len(w.rows(executed + "2027-01-15")); got != 3 {
		t.Errorf("a day later: %d campaigns", got)
	}
	const details = `{"TargetGroupID":5,"CampaignType":"Test/Control","Duration":3,"LeadTime":0,"Notes":"","IsMultiChannel":"true","IsRecurrence":"true","Status":"Successful","Error":""}`
	w.want("GET", "/current/actions/GetCampaignDetails?CampaignID="+strconv.Itoa(optimoveDay3), "", 200, details)
	w.srv.Clock().Advance(31 * 24 * time.Hour)
	w.want("GET", "/current/actions/GetCampaignDetails?CampaignID="+strconv.Itoa(optimoveDay3), "", 404, "Not Found")
}

func TestOptimoveKeepsCanceledCustomersForTwoHours(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, nil)
	path := "/current/customers/GetCanceledCampaignCustomers?CampaignID=" + strconv.Itoa(canceledID)
	for _, step := range []struct {
		at   time.Duration // since midnight
		some bool
	}{{8*time.Hour - time.Second, false}, {8 * time.Hour, true}, {10*time.Hour - time.Second, true}, {10 * time.Hour, false}} {
		w.srv.Clock().Freeze(optimoveTime.Truncate(24 * time.Hour).Add(step.at))
		if got := len(w.rows(path)) > 0; got != step.some {
			t.Errorf("%s after midnight: %t, want %t", step.at, got, step.some)
		}
	}
}

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

func TestOptimoveVariants(t *testing.T) {
	t.Parallel()
	variants := mockserver.Profile{Variants: mockserver.EmptyNotFound | mockserver.SingleAttribute}
	w := newOptimove(t, nil, mockserver.WithProfile(mockserver.Optimove, variants))
	w.want("GET", "/current/actions/GetExecutedCampaignDetails?Date=2020-01-01", "", 404, "Not Found")
	const path = "/current/customers/GetCustomerSendDetailsByChannel?ChannelID=504&CampaignID=208321&$top=1&CustomerAttributes=Email;Age"
	for delimiter, want := range map[string]string{"": ",", "&CustomerAttributesDelimiter=|": "|"} {
		row := w.rows(path + delimiter)[0]
		value, _ := row["CustomerAttribute"].(string)
		if _, both := row["CustomerAttributes"]; both || strings.Count(value, want) != 1 || !strings.Contains(value, "@example.com") {
			t.Errorf("row %v, want one string with %q", row, want)
		}
	}
}

func TestOptimoveAccessTypesByGroup(t *testing.T) {
	t.Parallel()
	w := newOptimove(t, []mockserver.KeyOption{mockserver.Access(mockserver.Integrations)})
	for path, status := range map[string]int{
		"/general/GetLastDataUpdate": 200, "/actions/GetAllActions": 200, "/groups/GetTargetGroupDetails": 200, "/integrations/GetPromotions": 200,
		"/model/GetLifecycleStageList": 403, "/customers/GetCurrentlyTargetedCustomers": 403, "/segments/GetValueSegments": 403,
		"/transactionalmail/GetTemplateDetails": 403,
	} {
		if got := w.send("GET", path, ""); got.status != status || status == 403 && got.body != "Insufficient permissions" {
			t.Errorf("%s: %d %s, want %d", path, got.status, got.body, status)
		}
	}
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
