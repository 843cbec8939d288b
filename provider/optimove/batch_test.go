package optimove_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/optimove"
)

func promotions(n int) []optimove.Promotion {
	out := make([]optimove.Promotion, n)
	for i := range out {
		out[i] = optimove.Promotion{PromoCode: fmt.Sprint("LF", i), PromotionName: "Lorem"}
	}
	return out
}

func updates(customers, attributes int) []optimove.CustomerUpdate {
	out := make([]optimove.CustomerUpdate, customers)
	for i := range out {
		out[i].CustomerID = fmt.Sprint("C", i)
		for j := range attributes {
			out[i].Attributes = append(out[i].Attributes, optimove.AttributeChange{RealFieldName: fmt.Sprint("A", j), Value: j})
		}
	}
	return out
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("C", i)
	}
	return out
}

// TestLimitsAreCheckedBeforeSending checks that a batch is sent at the limit and refused
// above it.
func TestLimitsAreCheckedBeforeSending(t *testing.T) {
	t.Parallel()
	many := func(n int) []optimove.Recipient {
		out := make([]optimove.Recipient, n)
		for i := range out {
			out[i].Email = "lorem@example.com"
		}
		return out
	}
	ctx := t.Context()
	type client = *optimove.Client
	for _, tc := range []struct {
		name string
		do   func(client) error
		want string // error; "" if the call is sent
	}{
		{"customers", func(c client) error { return c.Customers.UpdateAttributes(ctx, updates(1000, 10), "") }, ""},
		{"customers+1", func(c client) error { return c.Customers.UpdateAttributes(ctx, updates(1001, 1), "") }, "UpdateCustomerAttributes: customers has 1001 entries; the maximum per call is 1000"},
		{"attributes+1", func(c client) error { return c.Customers.UpdateAttributes(ctx, updates(1, 11), "") }, "UpdateCustomerAttributes: customer 1: Attributes has 11 entries; the maximum per customer and call is 10"},
		{"no customer", func(c client) error { return c.Customers.UpdateAttributes(ctx, nil, "") }, "UpdateCustomerAttributes: customers is empty"},
		{"no attribute", func(c client) error { return c.Customers.UpdateAttributes(ctx, updates(1, 0), "") }, "UpdateCustomerAttributes: customer 1: Attributes is empty"},
		{"no ID", func(c client) error { return c.Customers.UpdateAttributes(ctx, []optimove.CustomerUpdate{{}}, "") }, "UpdateCustomerAttributes: customer 1: CustomerID is empty"},
		{"insert", func(c client) error { return c.Customers.InsertOrUpdate(ctx, updates(1000, 0)) }, ""},
		{"insert+1", func(c client) error { return c.Customers.InsertOrUpdate(ctx, updates(1001, 0)) }, "InsertOrUpdateCustomers: customers has 1001 entries; the maximum per call is 1000"},
		{"upsert", func(c client) error { _, err := c.Customers.Upsert(ctx, updates(1, 11)[0], ""); return err }, "UpsertCustomer: customer 1: Attributes has 11 entries; the maximum per customer and call is 10"},
		{"promotions", func(c client) error { return c.Integrations.AddPromotions(ctx, promotions(100)) }, ""},
		{"promotions+1", func(c client) error { return c.Integrations.AddPromotions(ctx, promotions(101)) }, "AddPromotions: promotions has 101 entries; the maximum per call is 100"},
		{"promotion", func(c client) error { return c.Integrations.AddPromotions(ctx, []optimove.Promotion{{PromoCode: "a"}}) }, "AddPromotions: promotions, entry 1: PromotionName is missing"},
		{"codes", func(c client) error { return c.Integrations.DeletePromotions(ctx, ids(101)) }, "DeletePromotions: codes has 101 entries; the maximum per call is 100"},
		{"code", func(c client) error { return c.Integrations.DeletePromotions(ctx, []string{""}) }, "DeletePromotions: codes, entry 1: PromoCode is missing"},
		{"template", func(c client) error { return c.Integrations.DeleteTemplates(ctx, 0, []optimove.ID{1}) }, "DeleteChannelTemplates: templates, entry 1: ChannelID is missing"},
		{"channel", func(c client) error {
			return c.Integrations.AddApps(ctx, 0, []optimove.ChannelApp{{AppID: "a", AppName: "b"}})
		}, "AddChannelApps: ChannelID must be 1 or more"},
		{"app", func(c client) error { return c.Integrations.DeleteApps(ctx, 6, []string{""}) }, "DeleteChannelApps: apps, entry 1: AppID is missing"},
		{"metric", func(c client) error {
			return c.Integrations.UpdateMetrics(ctx, []optimove.Metric{{ChannelID: 1, CampaignID: 1, MetricValue: "1,5"}})
		}, "UpdateCampaignMetrics: metrics, entry 1: MetricValue is missing"},
		{"interactions", func(c client) error {
			return c.Integrations.UpdateInteractions(ctx, optimove.Interactions{InteractionDate: day, CustomerIDs: ids(10_000)})
		}, ""},
		{"interactions+1", func(c client) error {
			return c.Integrations.UpdateInteractions(ctx, optimove.Interactions{InteractionDate: day, CustomerIDs: ids(10_001)})
		}, "UpdateCampaignInteractions: CustomerIDs has 10001 entries; the maximum per call is 10000"},
		{"interaction", func(c client) error { return c.Integrations.UpdateInteractions(ctx, optimove.Interactions{}) }, "UpdateCampaignInteractions: InteractionDate is missing or invalid"},
		{"recipients", func(c client) error {
			_, err := c.Mail.Send(ctx, optimove.Mail{TemplateID: 2, Recipients: many(200)})
			return err
		}, ""},
		{"recipients+1", func(c client) error {
			_, err := c.Mail.Send(ctx, optimove.Mail{TemplateID: 2, Recipients: many(201)})
			return err
		}, "SendTransactionalMail: Recipients has 201 entries; the maximum per call is 200"},
		{"message id", func(c client) error {
			_, err := c.Mail.Send(ctx, optimove.Mail{TemplateID: 2, UniqueMessageID: strings.Repeat("a", 255), Recipients: many(1)})
			return err
		}, "SendTransactionalMail: UniqueMessageID has 255 characters; the maximum is 254"},
		{"subject", func(c client) error {
			_, err := c.Mail.SendFinalized(ctx, optimove.Mail{BrandID: 2, Recipients: many(1)})
			return err
		}, "SendFinalizedTransactionalMail: Subject is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0)
			err := tc.do(w.client)
			text := ""
			if err != nil {
				text = strings.TrimPrefix(err.Error(), "optimove: ")
			}
			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			sent := 0
			if tc.want == "" {
				sent = 1
			}
			w.srv.Expect(t, mockserver.Match{}, sent)
		})
	}
}

func TestBatchesAreSplitAndReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	ctx, c := t.Context(), w.client
	var got []string
	report := func(p optimove.Progress) { got = append(got, fmt.Sprintf("%d/%d in %d", p.Done, p.Total, p.Requests)) }
	for _, err := range []error{
		c.Integrations.AddPromotionsInBatches(ctx, promotions(250), report),
		c.Customers.UpdateAttributesInBatches(ctx, updates(1500, 1), "", report),
		c.Customers.InsertOrUpdateInBatches(ctx, updates(1001, 0), report),
		c.Integrations.UpdateInteractionsInBatches(ctx, optimove.Interactions{InteractionDate: day, CustomerIDs: ids(20_001)}, report),
		c.Integrations.AddPromotionsInBatches(ctx, promotions(1), nil),
		c.Integrations.AddPromotionsInBatches(ctx, nil, report),
		c.Integrations.UpdateInteractionsInBatches(ctx, optimove.Interactions{InteractionDate: day}, report),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"100/250 in 1", "200/250 in 2", "250/250 in 3", "1000/1500 in 1", "1500/1500 in 2",
		"1000/1001 in 1", "1001/1001 in 2", "10000/20001 in 1", "20000/20001 in 2", "20001/20001 in 3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all, err := c.Integrations.Promotions(ctx)
	if err != nil || len(all) != 252 {
		t.Errorf("%d promotions, %v", len(all), err)
	}
}

func TestCustomersWithManyAttributesAreSplit(t *testing.T) {
	t.Parallel()
	client, sent := scripted(t, ``)
	in := append(updates(2, 23), updates(1, 1)[0]) // C0 occurs twice
	in = append(in, optimove.CustomerUpdate{CustomerID: "C9", Attributes: in[0].Attributes[:10]})
	if err := client.Customers.UpdateAttributesInBatches(t.Context(), in, "", nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, body := range sent.sent {
		var line []string
		for part := range strings.SplitSeq(body, `"CustomerID":"`) {
			id, rest, ok := strings.Cut(part, `"`)
			if ok && strings.HasPrefix(id, "C") {
				line = append(line, fmt.Sprint(id, " ", strings.Count(rest, "RealFieldName")))
			}
		}
		got = append(got, strings.Join(line, ", "))
	}
	// No request contains a customer twice.
	want := []string{"C0 10, C1 10", "C0 1, C9 10", "C0 10, C1 10", "C0 3, C1 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	before := fmt.Sprint(updates(2, 23))
	if after := fmt.Sprint(in[:2]); before != after {
		t.Error("the caller's updates were changed")
	}
}

func TestBatchThatFailsSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	calls := 0
	err := w.client.Integrations.AddPromotionsInBatches(t.Context(), promotions(350), func(optimove.Progress) {
		if calls++; calls == 2 {
			w.srv.Inject(mockserver.Match{}, mockserver.Status(500, "down"))
		}
	})
	broken, ok := errors.AsType[*optimove.BatchError](err)
	if !ok || broken.Done != 200 || broken.Total != 350 || !errors.Is(err, keyfit.ErrServer) || !strings.HasPrefix(err.Error(), "after 200 of 350 entries: optimove: POST") {
		t.Errorf("%v", err)
	}
	w.srv.Expect(t, mockserver.Match{}, 3)
}

func TestBatchIsCheckedBeforeItsFirstCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	ctx, c := t.Context(), w.client
	late := append(promotions(150), optimove.Promotion{})
	for want, err := range map[string]error{
		"AddPromotions: promotions, entry 151: PromoCode is missing":   c.Integrations.AddPromotionsInBatches(ctx, late, nil),
		"UpdateCustomerAttributes: customer 1501: CustomerID is empty": c.Customers.UpdateAttributesInBatches(ctx, append(updates(1500, 1), optimove.CustomerUpdate{}), "", nil),
		"InsertOrUpdateCustomers: customer 2: CustomerID is empty":     c.Customers.InsertOrUpdateInBatches(ctx, append(updates(1, 1), optimove.CustomerUpdate{}), nil),
		"UpdateCampaignInteractions: CustomerIDs, entry 10002: empty":  c.Integrations.UpdateInteractionsInBatches(ctx, optimove.Interactions{InteractionDate: day, CustomerIDs: append(ids(10_001), "")}, nil),
	} {
		if err == nil || err.Error() != "optimove: "+want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	w.srv.Expect(t, mockserver.Match{}, 0)
}

func TestAttributeValues(t *testing.T) {
	t.Parallel()
	client, sent := scripted(t, ``)
	set := func(v any) error {
		return client.Customers.UpdateAttributes(t.Context(), []optimove.CustomerUpdate{{CustomerID: "C", Attributes: []optimove.AttributeChange{{RealFieldName: "F", Value: v}}}}, "")
	}
	for _, v := range []any{"it's", true, 1, int64(2), optimove.Decimal("3.50"), day} {
		if err := set(v); err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
	var got []string
	for _, body := range sent.sent {
		_, value, _ := strings.Cut(body, `"Value":`)
		got = append(got, strings.TrimSuffix(value, `}]}]}`))
	}
	if diff := cmp.Diff([]string{`"it's"`, "true", "1", "2", "3.50", `"2027-01-14"`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, v := range []any{nil, 1.5, math.NaN(), []string{"a"}, start, optimove.Decimal("x"), optimove.Decimal(""), optimove.Date{}} {
		if err := set(v); err == nil || !strings.Contains(err.Error(), "the Value of F is ") {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestMailThatWasNotSentIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	mail := optimove.Mail{TemplateID: 99, Recipients: []optimove.Recipient{{Email: "lorem@example.com"}}}
	result, err := w.client.Mail.Send(t.Context(), mail)
	if err == nil || err.Error() != `optimove: SendTransactionalMail: the mail was not sent: "Invalid template"` || result.Error != "Invalid template" {
		t.Errorf("%+v, %v", result, err)
	}
	mail.TemplateID, mail.UniqueMessageID = 2, "once"
	if _, err := w.client.Mail.Send(t.Context(), mail); err != nil {
		t.Error(err)
	}
	if _, err := w.client.Mail.Send(t.Context(), mail); !errors.Is(err, keyfit.ErrConflict) {
		t.Errorf("the second time: %v", err)
	}
}

func TestCallbackIsDecoded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	err := w.client.Customers.UpdateAttributes(t.Context(), []optimove.CustomerUpdate{{CustomerID: "nobody", Attributes: []optimove.AttributeChange{{RealFieldName: "Alias", Value: "x"}}}}, "https://example.com/callback")
	if err != nil {
		t.Fatal(err)
	}
	var got optimove.UpdateResult
	decode(t, w.srv.Callbacks()[0].Body, &got)
	got.RequestID = ""
	want := optimove.UpdateResult{Errors: []optimove.AttributeProblem{{Error: "INVALID_CUSTOMER", CustomerID: "nobody"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
