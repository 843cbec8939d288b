package publicapis

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadog"
	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV1"
	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

const datadogAPI mockserver.Provider = "datadog"

// datadogClient is the public client with a base URL.
func datadogClient(baseURL string, edit func(*datadog.Configuration)) *datadog.APIClient {
	cfg := datadog.NewConfiguration()
	cfg.Servers = datadog.ServerConfigurations{{URL: baseURL}}
	if edit != nil {
		edit(cfg)
	}
	return datadog.NewAPIClient(cfg)
}

// withKeys gives the client the two keys; an empty one is not sent.
func withKeys(ctx context.Context, first, second string) context.Context {
	keys := make(map[string]datadog.APIKey)
	if first != "" {
		keys["apiKeyAuth"] = datadog.APIKey{Key: first}
	}
	if second != "" {
		keys["appKeyAuth"] = datadog.APIKey{Key: second}
	}
	return context.WithValue(ctx, datadog.ContextAPIKeys, keys)
}

// datadogRefusal is the client's own error.
func datadogRefusal(t *testing.T, res *http.Response, err error) refused {
	t.Helper()
	if err == nil {
		return refused{Status: res.StatusCode}
	}
	e, ok := errors.AsType[datadog.GenericOpenAPIError](err)
	if !ok {
		t.Errorf("%v is not the client's error", err)
		return refused{}
	}
	model, ok := e.ErrorModel.(datadogV1.APIErrorResponse)
	if !ok || len(model.Errors) != 1 {
		return refused{res.StatusCode, e.ErrorMessage, string(e.ErrorBody)}
	}
	return refused{res.StatusCode, "", model.Errors[0]}
}

func TestTheClientOfDatadogGetsTypedAnswers(t *testing.T) {
	t.Parallel()
	srv := start(t, datadogAPI, mockserver.WithFrozenClock(epoch))
	key := srv.Keys().Issue(datadogAPI)
	ctx, c := withKeys(t.Context(), key.Secret.Reveal(), key.Token.Reveal()), datadogClient(srv.BaseURL(datadogAPI), nil)
	valid, _, err := datadogV1.NewAuthenticationApi(c).Validate(ctx)
	if err != nil || !valid.GetValid() {
		t.Errorf("%v %+v", err, valid)
	}
	monitor, res, err := datadogV1.NewMonitorsApi(c).GetMonitor(ctx, 7)
	if err != nil || monitor.GetId() != 7 || monitor.GetType() != datadogV1.MONITORTYPE_METRIC_ALERT || monitor.UnparsedObject != nil {
		t.Errorf("%v %+v", err, monitor)
	}
	want := map[string]string{"X-Ratelimit-Limit": "600", "X-Ratelimit-Remaining": "598", "X-Ratelimit-Reset": "60", "X-Ratelimit-Period": "60"}
	got := make(map[string]string)
	for name := range want {
		got[name] = res.Header.Get(name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("headers (-want +got):\n%s", d)
	}
	boards, _, err := datadogV1.NewDashboardsApi(c).ListDashboards(ctx)
	if err != nil || len(boards.Dashboards) != 1 || boards.Dashboards[0].GetTitle() != "Shop" {
		t.Errorf("%v %+v", err, boards)
	}
	event, _, err := datadogV1.NewEventsApi(c).CreateEvent(withKeys(t.Context(), key.Secret.Reveal(), ""), *datadogV1.NewEventCreateRequest("It is out.", "Release"))
	if err != nil || event.GetStatus() != "ok" || event.Event.GetTitle() != "Release" || event.Event.GetText() != "It is out." || event.Event.GetDateHappened() != epoch.Unix() {
		t.Errorf("%v %+v", err, event)
	}
}

func TestTheClientOfDatadogNeedsBothKeys(t *testing.T) {
	t.Parallel()
	srv := start(t, datadogAPI, mockserver.WithFrozenClock(epoch))
	key, narrow, revoked, other := srv.Keys().Issue(datadogAPI), srv.Keys().Issue(datadogAPI, mockserver.Scopes("events_read")), srv.Keys().Issue(datadogAPI), otherRun(t, datadogAPI)
	if err := srv.Keys().Revoke(revoked.ID, ""); err != nil {
		t.Fatal(err)
	}
	old := srv.Keys().Issue(datadogAPI)
	next, err := srv.Keys().Rotate(old.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := datadogClient(srv.BaseURL(datadogAPI), nil)
	forbidden, unauthorized := refused{403, "", "Forbidden"}, refused{401, "401 Unauthorized", `{"errors": ["Unauthorized"]}` + "\n"} // the client takes only 400, 403, 404 and 429 apart
	try := func(name, first, second string, wantMonitor, wantValid refused) {
		t.Helper()
		ctx := withKeys(t.Context(), first, second)
		_, res, err := datadogV1.NewMonitorsApi(c).GetMonitor(ctx, 7)
		if d := cmp.Diff(wantMonitor, datadogRefusal(t, res, err)); d != "" {
			t.Errorf("%s: monitor (-want +got):\n%s", name, d)
		}
		_, res, err = datadogV1.NewAuthenticationApi(c).Validate(ctx)
		if got := datadogRefusal(t, res, err); got.Status != wantValid.Status {
			t.Errorf("%s: validate: %+v, want %+v", name, got, wantValid)
		}
	}
	ok := refused{Status: 200}
	first, second := key.Secret.Reveal(), key.Token.Reveal()
	try("both", first, second, ok, ok)
	try("API key alone", first, "", unauthorized, ok)
	try("application key alone", "", second, unauthorized, unauthorized)
	try("none", "", "", unauthorized, unauthorized)
	try("wrong application key", first, "wrong", forbidden, ok)
	try("wrong API key", "wrong", second, forbidden, forbidden)
	try("another run's", other.Secret.Reveal(), other.Token.Reveal(), forbidden, forbidden)
	try("revoked", revoked.Secret.Reveal(), revoked.Token.Reveal(), forbidden, forbidden)
	try("scope", narrow.Secret.Reveal(), narrow.Token.Reveal(), refused{403, "", "Forbidden: the application key lacks monitors_read"}, ok)
	try("old, within the overlap", old.Secret.Reveal(), old.Token.Reveal(), ok, ok)
	try("new, within the overlap", next.Secret.Reveal(), next.Token.Reveal(), ok, ok)
	srv.Clock().Advance(time.Hour)
	try("old, after the overlap", old.Secret.Reveal(), old.Token.Reveal(), forbidden, forbidden)
	try("new, after the overlap", next.Secret.Reveal(), next.Token.Reveal(), ok, ok)
	if err := srv.Keys().Expire(next.ID); err != nil {
		t.Fatal(err)
	}
	try("expired", next.Secret.Reveal(), next.Token.Reveal(), forbidden, forbidden)
}

// TestTheClientOfDatadogWaitsForTheReset: its own retry reads X-RateLimit-Reset; the waits and
// the mock's clock run on the time of the bubble.
func TestTheClientOfDatadogWaitsForTheReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := start(t, datadogAPI, mockserver.WithLimit(datadogAPI, mockserver.Limit{Requests: 1, Per: 30 * time.Second}))
		count := &transport{next: srv.Transport()}
		c := datadogClient("http://datadog.localhost", func(cfg *datadog.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: count}
			cfg.RetryConfiguration.EnableRetry = true
			cfg.RetryConfiguration.MaxRetries = 1
			cfg.RetryConfiguration.HTTPRetryTimeout = time.Minute
		})
		key := srv.Keys().Issue(datadogAPI)
		ctx, api := withKeys(t.Context(), key.Secret.Reveal(), key.Token.Reveal()), datadogV1.NewAuthenticationApi(c)
		began := time.Now()
		for range 2 {
			if _, _, err := api.Validate(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(began); waited < 30*time.Second || waited > 35*time.Second || count.sent != 3 {
			t.Errorf("%d requests in %s", count.sent, waited)
		}
		c.GetConfig().RetryConfiguration.EnableRetry = false
		_, res, err := api.Validate(ctx)
		if d := cmp.Diff(refused{429, "", "Rate limit of requests reached"}, datadogRefusal(t, res, err)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}
