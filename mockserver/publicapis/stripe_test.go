package publicapis

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v82"

	"github.com/keyfit/keyfit/mockserver"
)

const stripeAPI mockserver.Provider = "stripe"

// stripeClient is the public client with base URL and key. It sends the key as a bearer.
func stripeClient(srv *mockserver.Server, key string) *stripe.Client {
	return stripe.NewClient(key, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL: stripe.String(srv.BaseURL(stripeAPI)), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry: stripe.Bool(false),
	})))
}

// stripeRefusal is the client's own error.
func stripeRefusal(t *testing.T, err error) refused {
	t.Helper()
	e, ok := errors.AsType[*stripe.Error](err)
	if !ok {
		t.Errorf("%v is not the client's error", err)
		return refused{}
	}
	if e.RequestID == "" {
		t.Errorf("%v has no request ID", err)
	}
	return refused{e.HTTPStatusCode, string(e.Type) + "/" + string(e.Code), e.Msg}
}

func TestTheClientOfStripeGetsTypedAnswers(t *testing.T) {
	t.Parallel()
	srv := start(t, stripeAPI, mockserver.WithFrozenClock(epoch))
	c := stripeClient(srv, srv.Keys().Issue(stripeAPI).Secret.Reveal())
	params := &stripe.CustomerCreateParams{Email: stripe.String("jane+1@example.com"), Name: stripe.String(`J "Q" Doe`), Metadata: map[string]string{"order": "6735"}}
	made, err := c.V1Customers.Create(t.Context(), params)
	if err != nil || made.ID != "cus_req_000000000001" || made.Email != "jane+1@example.com" || made.Name != `J "Q" Doe` || made.Metadata["order"] != "6735" ||
		made.Created != epoch.Unix() || made.LastResponse.RequestID != "req_000000000001" || made.LastResponse.Header.Get("Stripe-Version") == "" {
		t.Errorf("%v %+v", err, made)
	}
	got, err := c.V1Customers.Retrieve(t.Context(), "cus_9", nil)
	if err != nil || got.ID != "cus_9" {
		t.Errorf("%v %+v", err, got)
	}
	var ids []string
	for customer, err := range c.V1Customers.List(t.Context(), &stripe.CustomerListParams{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, customer.ID)
	}
	if d := cmp.Diff([]string{"cus_1", "cus_2", "cus_3"}, ids); d != "" {
		t.Errorf("all pages (-want +got):\n%s", d)
	}
	charge := &stripe.ChargeCreateParams{Amount: stripe.Int64(1099), Currency: stripe.String("eur"), Source: &stripe.PaymentSourceSourceParams{Token: stripe.String("tok_visa")}}
	paid, err := c.V1Charges.Create(t.Context(), charge)
	if err != nil || paid.Amount != 1099 || paid.Currency != "eur" || !paid.Paid {
		t.Errorf("%v %+v", err, paid)
	}
	charge.Source.Token = stripe.String("tok_chargeDeclined")
	charge.IdempotencyKey = nil
	_, err = c.V1Charges.Create(t.Context(), charge)
	if e, ok := errors.AsType[*stripe.CardError](err); !ok || e.DeclineCode != "generic_decline" {
		t.Errorf("a declined card: %v", err)
	}
	_, err = c.V1Customers.Retrieve(t.Context(), "cus_missing", nil)
	if d := cmp.Diff(refused{404, "invalid_request_error/resource_missing", "No such customer: 'cus_missing'"}, stripeRefusal(t, err)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAWriteToStripeIsDoneOnce(t *testing.T) {
	t.Parallel()
	srv := start(t, stripeAPI)
	c := stripeClient(srv, srv.Keys().Issue(stripeAPI).Secret.Reveal())
	create := func(email string) (*stripe.Customer, error) {
		p := &stripe.CustomerCreateParams{Email: stripe.String(email)}
		p.SetIdempotencyKey("order-1")
		return c.V1Customers.Create(t.Context(), p)
	}
	first, err := create("a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	again, err := create("a@example.com")
	if err != nil || again.ID != first.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" || again.LastResponse.IdempotencyKey != "order-1" ||
		again.LastResponse.RequestID == first.LastResponse.RequestID {
		t.Errorf("%v %+v", err, again)
	}
	if _, err := create("b@example.com"); stripeRefusal(t, err).Code != "idempotency_error/" {
		t.Errorf("another write: %v", err)
	}
}

func TestTheClientOfStripeSaysWhyAKeyIsRefused(t *testing.T) {
	t.Parallel()
	srv := start(t, stripeAPI, mockserver.WithFrozenClock(epoch))
	issue := func(access mockserver.AccessType, opts ...mockserver.KeyOption) mockserver.Issued {
		return srv.Keys().Issue(stripeAPI, append(opts, mockserver.Access(access))...)
	}
	expired, revoked, limited := issue("secret"), issue("secret"), issue("secret", mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
	if err := errors.Join(srv.Keys().Expire(expired.ID), srv.Keys().Revoke(revoked.ID, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := stripeClient(srv, limited.Secret.Reveal()).V1Customers.Retrieve(t.Context(), "cus_1", nil); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		key  string
		want refused
	}{
		"wrong":       {"sk_test_wrong", refused{401, "invalid_request_error/", "Invalid API Key provided."}},
		"other run":   {otherRun(t, stripeAPI).Secret.Reveal(), refused{401, "invalid_request_error/", "Invalid API Key provided."}},
		"expired":     {expired.Secret.Reveal(), refused{401, "invalid_request_error/api_key_expired", "Expired API Key provided."}},
		"revoked":     {revoked.Secret.Reveal(), refused{401, "invalid_request_error/", "Invalid API Key provided."}},
		"publishable": {issue("publishable").Secret.Reveal(), refused{403, "invalid_request_error/secret_key_required", "This API call cannot be made with a publishable API key."}},
		"restricted": {issue("restricted", mockserver.Scopes("charge_write")).Secret.Reveal(), refused{
			403, "invalid_request_error/more_permissions_required_for_application",
			"The provided key does not have the required permissions for this endpoint. It needs 'customer_read'.",
		}},
		"limited": {limited.Secret.Reveal(), refused{429, "invalid_request_error/rate_limit", "Request rate limit exceeded."}},
	} {
		_, err := stripeClient(srv, tt.key).V1Customers.Retrieve(t.Context(), "cus_1", nil)
		if d := cmp.Diff(tt.want, stripeRefusal(t, err)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	next, err := srv.Keys().Rotate(limited.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	srv.Clock().Advance(time.Minute)
	for _, key := range []mockserver.Issued{limited, next} {
		if _, err := stripeClient(srv, key.Secret.Reveal()).V1Customers.Retrieve(t.Context(), "cus_1", nil); err != nil {
			t.Errorf("within the overlap: %v", err)
		}
	}
	srv.Clock().Advance(time.Hour)
	if _, err := stripeClient(srv, limited.Secret.Reveal()).V1Customers.Retrieve(t.Context(), "cus_1", nil); stripeRefusal(t, err).Status != 401 {
		t.Errorf("after the overlap: %v", err)
	}
}

// TestStripeTakesTheKeyAsUserOfBasic: as curl -u sends it, and as the pages show it.
func TestStripeTakesTheKeyAsUserOfBasic(t *testing.T) {
	t.Parallel()
	srv := start(t, stripeAPI)
	for name, tt := range map[string]struct {
		opts   []mockserver.KeyOption
		prefix string
	}{
		"secret":     {nil, "sk_test_"},
		"restricted": {[]mockserver.KeyOption{mockserver.Access("restricted")}, "rk_test_"},
	} {
		key := srv.Keys().Issue(stripeAPI, tt.opts...).Secret.Reveal()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.BaseURL(stripeAPI)+"/v1/customers/cus_1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(key, "")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ ID string }
		err = json.NewDecoder(res.Body).Decode(&got)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || got.ID != "cus_1" || key[:len(tt.prefix)] != tt.prefix {
			t.Errorf("%s: %v %d %+v", name, err, res.StatusCode, got)
		}
	}
}
