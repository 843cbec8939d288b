package optimove_test

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/optimove"
)

// call is one typed call, reduced to a result and an error.
type call struct {
	operation string
	do        func(context.Context, *optimove.Client) (any, error)
	want      any // nil if it depends on the seed
}

func only(err error) (any, error) { return nil, err }

func first[Q optimove.Query, T any](ctx context.Context, l *optimove.List[Q, T], q Q) (any, error) {
	page, err := l.List(ctx, q)
	if err != nil || len(page.Items) == 0 {
		return nil, errors.Join(err, errors.New("or no rows"))
	}
	return page.Items[0], nil
}

func reads() []call {
	type ctx = context.Context
	type client = *optimove.Client
	return []call{
		{"GetLastDataUpdate", func(x ctx, c client) (any, error) { return c.General.LastDataUpdate(x) }, day},
		{"GetRegisteredEventListeners", func(x ctx, c client) (any, error) { return c.General.Listeners(x) }, []optimove.EventListener(nil)},
		{"GetCustomerAttributeList", func(x ctx, c client) (any, error) { a, err := c.Model.Attributes(x); return a[0], err }, optimove.Attribute{RealFieldName: "Age", Description: "Customer age"}},
		{"GetLifecycleStageList", func(x ctx, c client) (any, error) { a, err := c.Model.LifecycleStages(x); return a[0], err }, optimove.LifecycleStage{StageID: 1, StageName: "New"}},
		{"GetMicrosegmentList", func(x ctx, c client) (any, error) { a, err := c.Model.Microsegments(x); return a[1], err }, optimove.Microsegment{MicrosegmentID: 2, MicrosegmentName: "Lorem-Active", LifecycleStageID: 2, FutureValue: "1065.1", ChurnRate: "0.52"}},
		{"GetMicrosegmentChangers", func(x ctx, c client) (any, error) {
			return first(x, c.Model.MicrosegmentChangers, optimove.Changers{})
		}, optimove.MicrosegmentChange{CustomerID: "A1001", InitialMicrosegmentID: 5, FinalMicrosegmentID: 1}},
		{"GetAllActions", func(x ctx, c client) (any, error) { a, err := c.Actions.List(x); return a[0], err }, optimove.Action{ActionID: 1, ActionName: "Control Group"}},
		{"GetActionsByTargetGroup", func(x ctx, c client) (any, error) { return c.Actions.ByTargetGroup(x, 3, day) }, []optimove.GroupAction{{RecipientGroupID: 1, ActionID: 42}, {RecipientGroupID: 2, ActionID: 42}}},
		{"GetActionID", func(x ctx, c client) (any, error) { return c.Actions.ID(x, "10% dolor bonus") }, optimove.ID(104)},
		{"GetActionName", func(x ctx, c client) (any, error) { return c.Actions.Name(x, 104) }, "10% dolor bonus"},
		{"GetActionDetailsByTargetGroup", func(x ctx, c client) (any, error) {
			a, err := c.Actions.DetailsByTargetGroup(x, 3, day)
			return a[0], err
		}, optimove.GroupAction{RecipientGroupID: 1, ActionID: 42, Duration: 7, ChannelID: 504}},
		{"GetPromoCodes", func(x ctx, c client) (any, error) { a, err := c.Actions.PromoCodes(x, day); return a[0], err }, optimove.PromoCode{TargetGroupID: 3, RecipientGroupID: 1, ActionID: 42, PromoCode: "WB23"}},
		{"GetPromoCodesByCampaign", func(x ctx, c client) (any, error) {
			a, err := c.Actions.PromoCodesByCampaign(x, campaign2)
			return a[0], err
		}, optimove.PromoCode{RecipientGroupID: 1, ActionID: 19, PromoCode: "NV10"}},
		{"GetPromoCodesByTargetGroup", func(x ctx, c client) (any, error) {
			a, err := c.Actions.PromoCodesByTargetGroup(x, 3, day)
			return a[1], err
		}, optimove.PromoCode{RecipientGroupID: 2, ActionID: 42, PromoCode: "WB23"}},
		{"GetExecutedCampaignDetails", func(x ctx, c client) (any, error) { a, err := c.Actions.Campaigns(x, day); return a[1], err }, optimove.Campaign{CampaignID: campaign2, TargetGroupID: -1, CampaignType: "Test/Control", Duration: 1, Notes: "Run Action", Status: "Successful"}},
		{"GetCampaignDetails", func(x ctx, c client) (any, error) { return c.Actions.Campaign(x, campaign3) }, optimove.Campaign{CampaignID: campaign3, TargetGroupID: 5, CampaignType: "Test/Control", Duration: 3, IsMultiChannel: true, IsRecurrence: true, Status: "Successful", Extra: map[string]json.RawMessage{"Channels": json.RawMessage(`[{"Id":4,"Name":"SMS"},{"Id":505,"Name":"Lorem Mail"}]`)}}},
		{"GetExecutionChannels", func(x ctx, c client) (any, error) { a, err := c.Actions.Channels(x); return a[0], err }, optimove.Channel{ChannelID: 4, ChannelName: "SMS"}},
		{"GetExecutedCampaignsByChannel", func(x ctx, c client) (any, error) { return c.Actions.CampaignsByChannel(x, 4, day) }, []optimove.Campaign{{CampaignID: campaign3}}},
		{"GetExecutedCampaignChannelDetails", func(x ctx, c client) (any, error) { return c.Actions.CampaignChannel(x, campaign1, 504) }, optimove.CampaignChannel{ListID: campaign1, SendID: "LF3g11wg", TemplateID: 8, ScheduledTime: "2027-01-14 10:00:00"}},
		{"GetTargetGroupsByDate", func(x ctx, c client) (any, error) { return c.Groups.ByDate(x, day) }, []optimove.TargetGroup{{TargetGroupID: 3}, {TargetGroupID: 5}}},
		{"GetTargetGroupID", func(x ctx, c client) (any, error) { return c.Groups.ID(x, "Early ipsum") }, optimove.ID(3)},
		{"GetTargetGroupName", func(x ctx, c client) (any, error) { return c.Groups.Name(x, 3) }, "Early ipsum"},
		{"GetTargetGroupDetails", func(x ctx, c client) (any, error) { a, err := c.Groups.List(x); return a[0], err }, optimove.TargetGroup{TargetGroupID: 1, TargetGroupName: "Lorem regulars", TargetGroupPriority: 1}},
		{"GetCurrentlyTargetedCustomers", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.CurrentlyTargeted, optimove.Window{})
		}, nil},
		{"GetCanceledCampaignCustomers", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.CanceledCampaign, optimove.ByCampaign{CampaignID: canceled})
		}, optimove.CanceledCustomer{CustomerID: "A1001", ActionID: 1, PromoCode: "NV10"}},
		{"GetCustomerLastActionExecuted", func(x ctx, c client) (any, error) { return c.Customers.LastAction(x, "A1003") }, optimove.PastAction{ActionID: 42, Date: day, Duration: 7, TargetGroupID: 3}},
		{"GetCustomerActionsByTargetGroup", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.ActionsByTargetGroup, optimove.ByTargetGroup{TargetGroupID: 3, Date: day, ChannelID: 504, IncludeControlGroup: true, IncludeRecipientGroupID: true, Attributes: []string{"Email"}})
		}, optimove.CustomerAction{CustomerID: "A1003", RecipientGroupID: 1, ActionID: 42, ChannelID: 504, CustomerAttributes: []string{"customer1003@example.com"}}},
		{"GetCustomerOneTimeActionsByCampaign", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.OneTimeActionsByCampaign, optimove.OneTimeByCampaign{CampaignID: campaign2, ChannelID: 504, IncludeControlGroup: true})
		}, nil},
		{"GetCustomerOneTimeActionsByDate", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.OneTimeActionsByDate, optimove.OneTimeByDate{Date: day, ChannelID: 504, IncludeControlGroup: true, Attributes: []string{"Email", "Country"}})
		}, nil},
		{"GetCustomersByAction", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.ByAction, optimove.ByAction{RecipientGroupID: 1, ActionID: 42, Date: day})
		}, optimove.Customer{CustomerID: "A1003"}},
		{"GetCustomersActionEndedByDate", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.ActionEndedByDate, optimove.ByDate{Date: day})
		}, nil},
		{"GetCustomerActionDetailsByDate", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.ActionDetailsByDate, optimove.ByDate{Date: day})
		}, optimove.CustomerAction{CustomerID: "A1003", RecipientGroupID: 1, ActionID: 42, ChannelID: 504}},
		{"GetCustomerSendDetailsByCampaign", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.SendDetailsByCampaign, optimove.SendsByCampaign{CampaignID: campaign1, IncludeTemplateIDs: true})
		}, optimove.CustomerSend{CustomerID: "A1003", ChannelID: 504, TemplateID: 8, ScheduledTime: "2027-01-14 10:00:00", SendID: "LF3g11wg"}},
		{"GetCustomerSendDetailsByChannel", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.SendDetailsByChannel, optimove.SendsByChannel{CampaignID: campaign1, ChannelID: 504, Attributes: []string{"Email"}})
		}, optimove.CustomerSend{CustomerID: "A1003", TemplateID: 8, ScheduledTime: "2027-01-14 10:00:00", CustomerAttributes: []string{"customer1003@example.com"}}},
		{"GetCustomerExecutionDetailsByCampaign", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.ExecutionDetailsByCampaign, optimove.SendsByChannel{CampaignID: campaign1, ChannelID: 504, Attributes: []string{"Email"}})
		}, optimove.CustomerExecution{
			CustomerID: "A1003", ActionID: 42, ChannelID: 504, TemplateID: 8, TemplateName: "Welcome Lorem",
			ScheduleTime: "2027-01-14 10:00:00", PromoCode: "WB23", CustomerAttributes: []string{"customer1003@example.com"},
		}},
		{"GetCustomerFutureValues", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.FutureValues, optimove.FutureValues{LifecycleStageIDs: []optimove.ID{1, 2}})
		}, nil},
		{"GetCustomerAttributeChangers", func(x ctx, c client) (any, error) {
			return first(x, c.Customers.AttributeChangers, optimove.AttributeChangers{Changed: "Email", Attributes: []string{"Email"}})
		}, optimove.AttributeChanger{CustomerID: "A1001", FinalCustomerAttribute: "customer1001@example.com", CustomerAttributes: []string{"customer1001@example.com"}}},
		{"GetValueSegments", func(x ctx, c client) (any, error) { a, err := c.Segments.List(x); return a[0], err }, optimove.ValueSegment{ValueSegmentID: 1, ValueSegmentName: "Diamond"}},
		{"GetValueSegmentID", func(x ctx, c client) (any, error) { return c.Segments.ID(x, "Gold") }, optimove.ID(2)},
		{"GetValueSegmentName", func(x ctx, c client) (any, error) { return c.Segments.Name(x, 2) }, "Gold"},
		{"GetCustomersByValueSegment", func(x ctx, c client) (any, error) {
			return first(x, c.Segments.Customers, optimove.ByValueSegment{ValueSegmentID: 2, Date: day, Attributes: []string{"Email"}})
		}, optimove.Customer{CustomerID: "A1002", CustomerAttributes: []string{"customer1002@example.com"}}},
		{"GetValueSegmentChangers", func(x ctx, c client) (any, error) {
			return first(x, c.Segments.Changers, optimove.Changers{})
		}, optimove.ValueSegmentChange{CustomerID: "A1001", InitialValueSegmentID: 2, FinalValueSegmentID: 1}},
		{"GetChannelTemplates", func(x ctx, c client) (any, error) { return c.Integrations.Templates(x, 505) }, []optimove.ChannelTemplate{{TemplateID: 7, TemplateName: "Back to ipsum", AppID: "app1"}}},
		{"GetPromotions", func(x ctx, c client) (any, error) { return c.Integrations.Promotions(x) }, []optimove.Promotion{{PromoCode: "WB23", PromotionName: "Welcome back, Lorem"}, {PromoCode: "NV10", PromotionName: "Fitsum 10%"}}},
		{"GetTemplateDetails", func(x ctx, c client) (any, error) { a, err := c.Mail.Templates(x); return a[1].TemplateName, err }, "Class booked"},
	}
}

func writes() []call {
	type ctx = context.Context
	type client = *optimove.Client
	update := []optimove.CustomerUpdate{{CustomerID: "A1001", Attributes: []optimove.AttributeChange{{RealFieldName: "Alias", Value: "Robin"}, {RealFieldName: "Age", Value: 30}}}}
	listener := optimove.EventListener{EventTypeID: 1, ListenerURL: "https://example.com/listener", ChannelID: 504}
	to := []optimove.Recipient{{Email: "lorem@example.com"}}
	return []call{
		{"RegisterEventListener", func(x ctx, c client) (any, error) {
			if err := c.General.RegisterListener(x, listener); err != nil {
				return nil, err
			}
			return c.General.Listeners(x)
		}, []optimove.EventListener{listener}},
		{"UnregisterEventListener", func(x ctx, c client) (any, error) { return only(c.General.UnregisterListener(x, listener)) }, nil},
		{"CreateCustomerList", func(x ctx, c client) (any, error) {
			return c.Groups.CreateList(x, "Lorem list", []string{"A1001", "nobody"})
		}, optimove.CustomerList{TargetGroupID: 6, ListID: 1, Name: "Lorem list", Existed: 1, NonExisted: []string{"nobody"}}},
		{"UpdateCustomerAttributes", func(x ctx, c client) (any, error) {
			return only(c.Customers.UpdateAttributes(x, update, "https://example.com/callback"))
		}, nil},
		{"UpsertCustomer", func(x ctx, c client) (any, error) {
			return c.Customers.Upsert(x, optimove.CustomerUpdate{CustomerID: "LF1", Attributes: []optimove.AttributeChange{{RealFieldName: "Alias", Value: "Kim"}, {RealFieldName: "Nothing", Value: true}}}, "")
		}, []optimove.AttributeProblem{{Error: "INVALID_FIELD", CustomerID: "LF1", RealFieldName: "Nothing"}}},
		{"InsertOrUpdateCustomers", func(x ctx, c client) (any, error) { return only(c.Customers.InsertOrUpdate(x, update)) }, nil},
		{"AddPromotions", func(x ctx, c client) (any, error) {
			return only(c.Integrations.AddPromotions(x, []optimove.Promotion{{PromoCode: "LF'01", PromotionName: "Lorem"}}))
		}, nil},
		{"DeletePromotions", func(x ctx, c client) (any, error) {
			if err := c.Integrations.DeletePromotions(x, []string{"LF'01"}); err != nil {
				return nil, err
			}
			all, err := c.Integrations.Promotions(x)
			return len(all), err
		}, 2},
		{"AddChannelTemplates", func(x ctx, c client) (any, error) {
			return only(c.Integrations.AddTemplates(x, 504, []optimove.ChannelTemplate{{TemplateID: 21, TemplateName: "Lorem again"}}))
		}, nil},
		{"DeleteChannelTemplates", func(x ctx, c client) (any, error) {
			return only(c.Integrations.DeleteTemplates(x, 504, []optimove.ID{21}))
		}, nil},
		{"AddChannelApps", func(x ctx, c client) (any, error) {
			return only(c.Integrations.AddApps(x, 6, []optimove.ChannelApp{{AppID: "app2", AppName: "Fitsum"}}))
		}, nil},
		{"DeleteChannelApps", func(x ctx, c client) (any, error) { return only(c.Integrations.DeleteApps(x, 6, []string{"app2"})) }, nil},
		{"UpdateCampaignMetrics", func(x ctx, c client) (any, error) {
			return only(c.Integrations.UpdateMetrics(x, []optimove.Metric{{ChannelID: 504, CampaignID: campaign1, TemplateID: 8, MetricID: 0, MetricValue: "12.50"}}))
		}, nil},
		{"UpdateCampaignInteractions", func(x ctx, c client) (any, error) {
			event := optimove.ID(0)
			return only(c.Integrations.UpdateInteractions(x, optimove.Interactions{InteractionDate: day, CampaignID: campaign1, ChannelID: 504, EventID: &event, CustomerIDs: []string{"A1001"}}))
		}, nil},
		{"SendTransactionalMail", func(x ctx, c client) (any, error) {
			return c.Mail.Send(x, optimove.Mail{TemplateID: 1, Recipients: to})
		}, optimove.MailResult{IsSuccess: true, SendID: 235311, Error: "Missing tags: FIRST_NAME"}},
		{"SendFinalizedTransactionalMail", func(x ctx, c client) (any, error) {
			return c.Mail.SendFinalized(x, optimove.Mail{BrandID: 99, Subject: "Lorem", HTML: "<p>Fitsum</p>", Recipients: to})
		}, optimove.MailResult{IsSuccess: true, SendID: 235312}},
	}
}

// TestEveryOperationIsTyped makes every call and compares the requests with the mock's
// OpenAPI document.
func TestEveryOperationIsTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	got := map[string]bool{}
	for _, tc := range slices.Concat(reads(), writes()) {
		w.srv.ResetJournal()
		answer, err := tc.do(t.Context(), w.client)
		if err != nil {
			t.Errorf("%s: %v", tc.operation, err)
			continue
		}
		if diff := cmp.Diff(tc.want, answer); tc.want != nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.operation, diff)
		}
		x := w.srv.Requests(mockserver.Match{})[0]
		got[tc.operation+": "+x.Method+" "+strings.TrimPrefix(x.Path, "/current")] = true
	}
	want := map[string]bool{}
	for _, o := range operations(t) {
		want[o.id+": "+o.method+" "+o.path] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("(-mock +client):\n%s", diff)
	}
}

type operation struct {
	id, method, path string
	access           []string
}

func operations(t *testing.T) []operation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.Optimove), &doc); err != nil {
		t.Fatal(err)
	}
	var all []operation
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			var o struct {
				ID     string   `json:"operationId"`
				Access []string `json:"x-access"`
			}
			if json.Unmarshal(raw, &o) != nil || o.ID == "" {
				continue // shared by all methods of a path
			}
			all = append(all, operation{o.ID, strings.ToUpper(method), path, o.Access})
		}
	}
	return all
}

// TestCommentsNameFunctionAndAccess checks that the comment of every call names the function
// and the keys that may call it, as enforced by the mock.
func TestCommentsNameFunctionAndAccess(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			group, ok := n.(*ast.CommentGroup)
			if !ok {
				return true
			}
			_, rest, ok := strings.Cut(strings.Join(strings.Fields(group.Text()), " "), "Function ")
			if function, access, found := strings.Cut(rest, ". Access: "); ok && found {
				function, _, _ = strings.Cut(function, ":")
				got[function] = access
			}
			return true
		})
	}
	want := map[string]string{}
	for _, o := range operations(t) {
		want[o.id] = "Admin and Transactional keys."
		if slices.Contains(o.access, "Integrations") {
			want[o.id] = "every key."
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-mock +comments):\n%s", diff)
	}
}

func TestIntegrationsKeyIsRefusedByType(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, mockserver.Access("Integrations"))
	if _, err := w.client.Actions.List(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := w.client.Customers.CurrentlyTargeted.List(t.Context(), optimove.Window{})
	if _, ok := errors.AsType[*keyfit.PermissionError](err); !ok {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	ctx := t.Context()
	_, action := w.client.Actions.Name(ctx, 999)
	_, group := w.client.Groups.ID(ctx, "nothing")
	_, segment := w.client.Segments.ID(ctx, "nothing")
	_, campaign := w.client.Actions.Campaign(ctx, 999)
	_, last := w.client.Customers.LastAction(ctx, "nobody")
	listener := w.client.General.UnregisterListener(ctx, optimove.EventListener{EventTypeID: 2})
	for _, err := range []error{action, group, segment, campaign, last, listener} {
		if !errors.Is(err, keyfit.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
}

func collect[T any](t *testing.T, all iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for item, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, item)
	}
	return out
}
