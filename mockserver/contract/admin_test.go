package contract_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/keyfit/keyfit/mockserver"
)

// loadAdmin reads and validates the OpenAPI document of the admin API.
func loadAdmin(t *testing.T) document {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(mockserver.AdminOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return document{doc, router}
}

func TestEveryAnswerOfTheAdminAPIIsAsDescribed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithTLS(), mockserver.WithAdmin(mockserver.AdminConfig{
		Reload: func() error { return nil }, Shutdown: func() {}, Config: func() any { return map[string]string{"a": "b"} },
	}))
	doc := loadAdmin(t)
	c := newChecked(t, doc, srv)
	c.base = &http.Transport{}
	t.Cleanup(c.base.(*http.Transport).CloseIdleConnections)
	do := func(method, path, body string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, srv.AdminURL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
		r.Header.Set("Content-Type", "application/json")
		res, err := c.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	const ns = "/v1/namespaces/default"
	refused := mockserver.Match{Outcome: mockserver.MissingKey}
	for _, p := range mockserver.Providers() {
		res, err := srv.Client().Get(srv.BaseURL(p) + "/admin/connection-count?api=1")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if srv.Counts(refused).Total == 0 {
		t.Error("no refusal to show")
	}
	steps := [][3]string{
		{"POST", ns + "/keys", `{"provider":"imkit","name":"a","limit":{"requests":1,"per":"1m","kind":"sliding"}}`},
		{"POST", ns + "/keys", `{"provider":"imkit","kind":"pair","user":"ann","expiresIn":"20d"}`},
		{"POST", ns + "/keys", `{"provider":"optimove","access":"Integrations","contact":"a@example.com","attributes":["Country"],"channels":[4]}`},
		{"POST", ns + "/keys", `{"provider":"mindkey","scopes":["Employee"],"expiresAt":"2027-02-01T00:00:00Z"}`},
		{"POST", ns + "/keys", `{"provider":"iiniit","raw":"a-fixed-test-key"}`},
		{"POST", ns + "/keys/key_000001/rotate", `{"overlap":"1h"}`},
		{"POST", ns + "/keys/key_000004/revoke", `{"reason":"test"}`},
		{"POST", ns + "/keys/key_000005/suspend", ``},
		{"POST", ns + "/keys/key_000005/enable", ``},
		{"POST", ns + "/keys/key_000005/expire", ``},
		{"PATCH", ns + "/keys/key_000001", `{"name":"b","limit":{"requests":2,"per":"1m","kind":"sliding"}}`},
		{"GET", ns + "/keys/key_000001", ``},
		{"GET", ns + "/keys?limit=2", ``},
		{"POST", ns + "/faults", `{"match":{"provider":"imkit","path":"/x*"},"fault":{"kind":"slow_body","delay":"2s","bytes":3},"when":[{"first":2,"probability":0.5,"seed":3},{"from":"2027-01-01T00:00:00Z"}]}`},
		{"GET", ns + "/faults", ``},
		{"PUT", ns + "/clock", `{"mode":"running","scale":60}`},
		{"POST", ns + "/clock/advance", `{"by":"1d"}`},
		{"GET", ns + "/clock", ``},
		{"PATCH", ns + "/providers/imkit", `{"limit":{"requests":5,"per":"10s"},"profile":{"shape":"enveloped","hints":["seconds"],"variants":["flat-errors"],"answers":{"expired":{"status":401,"code":"X","message":"y"}}}}`},
		{"GET", ns + "/providers/imkit", ``},
		{"GET", ns + "/providers", ``},
		{"POST", ns + "/oauth/clients", `{"name":"app","redirectUris":["http://localhost/cb"]}`},
		{"POST", ns + "/oauth/approve-next", `{"user":"ann"}`},
		{"GET", ns + "/oauth/clients", ``},
		{"POST", ns + "/oauth/tokens", `{"client":"` + "CLIENT" + `"}`},
		{"GET", ns + "/oauth/tokens", ``},
		{"POST", ns + "/oauth/expire-all", ``},
		{"GET", ns + "/callbacks", ``},
		{"GET", ns + "/data/optimove", ``},
		{"GET", ns + "/data/imin/facilities", ``},
		{"PUT", ns + "/data/imkit/users", `{"items":[{"_id":"ann","nickname":"Ann"},{"_id":"bob"}]}`},
		{"GET", ns + "/requests?limit=1", ``},
		{"GET", ns + "/requests/1", ``},
		{"GET", ns + "/requests/export", ``},
		{"GET", ns + "/requests/export?format=curl", ``},
		{"GET", ns + "/requests/export?format=go", ``},
		{"POST", ns + "/snapshots", ``},
		{"POST", ns + "/snapshots", `{"name":"a"}`},
		{"GET", ns + "/snapshots", ``},
		{"POST", ns + "/snapshots/a/restore", ``},
		{"DELETE", ns + "/snapshots/a", ``},
		{"GET", "/v1/scenarios", ``},
		{"POST", ns + "/scenario", `{"name":"storm"}`},
		{"GET", ns + "/scenario", ``},
		{"DELETE", ns + "/scenario", ``},
		{"POST", ns + "/scenario", `{"scenario":{"name":"a","steps":[{"at":"0s","rotate":{"overlap":"1h"}},{"at":"1m","outage":{"how":"slow","delay":"1s","share":0.5,"for":"1m"}},{"at":"2m","fault":{"fault":{"kind":"stall"}}}]},"providers":["imin"]}`},
		{"POST", ns + "/scenario/take", ``},
		{"DELETE", ns + "/scenario", ``},
		{"POST", ns + "/requests/count", `{"match":{"provider":"imkit"}}`},
		{"POST", ns + "/requests/wait", `{"n":1}`},
		{"POST", ns + "/requests/wait", `{"n":99,"timeout":"10ms"}`},
		{"POST", ns + "/requests/verify", `{"n":99}`},
		{"POST", ns + "/requests/verify", `{"match":{"query":{"api":"1"},"headers":["Accept-Encoding"]},"atLeast":1,"atMost":99}`},
		{"POST", ns + "/requests/verify", `{"inOrder":[{"body":{"a":1}}]}`},
		{"POST", ns + "/diagnose", `{"provider":"imkit","url":"/admin/connection-count","headers":["X-API-KEY: abc"]}`},
		{"GET", ns + "/state", ``},
		{"GET", "/v1/state", ``},
		{"PUT", ns + "/state", `{"format":"keyfit-mock-state","version":1,"namespaces":[{"name":"default","keys":[]}]}`},
		{"PUT", "/v1/state", `{"format":"keyfit-mock-state","version":1,"namespaces":[{"name":"default","keys":[]},{"name":"b","clock":{"offset":"1d"},"keys":[]}]}`},
		{"POST", "/v1/namespaces", `{"name":"a","listen":true}`},
		{"GET", "/v1/namespaces", ``},
		{"GET", "/v1/namespaces/a", ``},
		{"POST", "/v1/namespaces/a/reset", ``},
		{"DELETE", "/v1/namespaces/a", ``},
		{"POST", ns + "/faults", `{"fault":{"kind":"stall"}}`},
		{"DELETE", ns + "/faults/FAULT", ``},
		{"DELETE", ns + "/faults", ``},
		{"DELETE", ns + "/requests", ``},
		{"GET", "/healthz", ``},
		{"GET", "/readyz", ``},
		{"GET", "/version", ``},
		{"GET", "/metrics", ``},
		{"GET", "/openapi.json", ``},
		{"GET", "/openapi/imkit", ``},
		{"GET", "/v1/assumptions", ``},
		{"GET", "/v1/config", ``},
		{"POST", "/v1/reload", ``},
		{"POST", "/v1/shutdown", ``},
	}
	for _, s := range steps {
		body, path := s[2], s[1]
		if strings.Contains(body, "CLIENT") {
			body = strings.Replace(body, "CLIENT", srv.OAuth().Clients()[0].ID, 1)
		}
		if strings.Contains(path, "FAULT") {
			path = strings.Replace(path, "FAULT", srv.Injections()[0].ID, 1)
		}
		if got := do(s[0], path, body); got >= 300 {
			t.Errorf("%s %s: %d", s[0], path, got)
		}
	}
	for _, s := range [][3]string{ // the document describes refusals too
		{"POST", ns + "/keys", `{`},
		{"POST", ns + "/keys/key_9/revoke", `{}`},
		{"GET", "/v1/namespaces/nope/clock", ``},
		{"PUT", "/v1/state", `{"format":"keyfit-mock-state","version":9}`},
		{"PUT", ns + "/data/imkit/users", `{"items":[{"_id":""}]}`},
		{"POST", ns + "/scenario", `{"name":"strom"}`},
		{"DELETE", ns + "/scenario", ``},
	} {
		if got := do(s[0], s[1], s[2]); got < 400 {
			t.Errorf("%s %s: %d", s[0], s[1], got)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if op := method + " " + path; !c.succeeded(op) && path != "/ca.pem" && !strings.HasSuffix(path, "/stream") {
				t.Errorf("%s was never answered well", op)
			}
		}
	}
}
