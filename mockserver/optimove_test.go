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
	const details = `{"TargetGroupID":5,"CampaignType":"Test/Control","Duration":3,"LeadTime":0,"Notes":"","IsMultiChannel":"true","IsRecurrence":"true","Status":"Successful","Error":"","Channels":[{"Id":4,"Name":"SMS"},{"Id":505,"Name":"Lorem Mail"}]}`
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
