package openapifile_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// ownDocument is the document that a mock serves of an API of one's own.
func ownDocument(t *testing.T, a mockserver.API) []byte {
	t.Helper()
	srv := mockserver.New(t, mockserver.WithAPI(a))
	r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/openapi/"+string(a.Name), http.NoBody)
	r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
	w := httptest.NewRecorder()
	srv.AdminHandler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// TestTheDocumentOfAnAPIOfOnesOwnSaysWhatItNeeds reads it as the mock's input: routes, scopes,
// open ones, those for which one key of a pair is enough, schemes and authorization server.
func TestTheDocumentOfAnAPIOfOnesOwnSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	routes := []mockserver.Route{
		{Pattern: "GET /items", Scopes: []string{"items:read"}},
		{Pattern: "GET /items/{id}.json", Open: true},
		{Pattern: "POST /items", Scopes: []string{"items:read", "items:write"}},
		{Pattern: "PUT /a/{b}/c"},
	}
	api := func(schemes ...mockserver.Scheme) mockserver.API {
		return mockserver.API{Name: "acme", Title: "Acme", Schemes: schemes, Scopes: []string{"items:read", "items:write"}, Routes: slices.Clone(routes)}
	}
	pair := api(mockserver.Scheme{Pair: [2]string{"A-Key", "B-Key"}})
	pair.Routes[3].FirstOnly = true
	oauth := api(mockserver.Scheme{Header: "X-Acme-Key"})
	oauth.OAuth = mockserver.OAuthServer{Token: "/oauth/token", Authorize: "/login"}
	machine := api()
	machine.OAuth = mockserver.OAuthServer{Token: "/oauth/token"}
	for name, a := range map[string]mockserver.API{
		"header": api(mockserver.Scheme{Header: "X-Acme-Key"}), "bearer": api(mockserver.Scheme{Authorization: "Bearer"}), "word": api(mockserver.Scheme{Authorization: "ApiKey-v2"}),
		"query": api(mockserver.Scheme{Query: "k"}), "cookie": api(mockserver.Scheme{Cookie: "sid"}), "basic": api(mockserver.Scheme{Basic: true}),
		"several": api(mockserver.Scheme{Header: "X-Acme-Key"}, mockserver.Scheme{Query: "k"}, mockserver.Scheme{Basic: true}), "pair": pair, "oauth": oauth, "machine": machine,
	} {
		text := ownDocument(t, a)
		spec, err := openapi3.NewLoader().LoadFromData(text)
		if err == nil {
			err = spec.Validate(t.Context())
		}
		doc, wrong := openapifile.Parse("acme.json", text)
		if err != nil || wrong != nil {
			t.Errorf("%s: %v, %v", name, err, wrong)
			continue
		}
		want, got := a, doc.API()
		if a.OAuth.Token != "" { // its tokens are sent as Bearer
			want.Schemes = append(want.Schemes, mockserver.Scheme{Authorization: "Bearer"})
		}
		if name == "machine" {
			got.OAuth = mockserver.OAuthServer{} // keys are sent there, too: it is a bearer of any kind
			want.OAuth = mockserver.OAuthServer{}
			got.Routes = slices.DeleteFunc(got.Routes, func(r mockserver.Route) bool { return r.Pattern == "POST /oauth/token" })
		}
		order := cmpopts.SortSlices(func(a, b mockserver.Route) bool { return a.Pattern < b.Pattern })
		rest := cmpopts.IgnoreFields(mockserver.API{}, "Refusals")
		if d := cmp.Diff(want, got, order, rest, cmpopts.IgnoreFields(mockserver.Route{}, "Handler"), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s\n%s", name, d, text)
		}
		if !strings.Contains(string(text), "insufficient_scope") || strings.Contains(string(text), "rate_limited") {
			t.Errorf("%s: the refusals of %s", name, text)
		}
	}
}

// TestTheFlowsOfADocumentAreAnAuthorizationServer takes endpoints on the API's own hosts, and
// leaves those of others alone.
func TestTheFlowsOfADocumentAreAnAuthorizationServer(t *testing.T) {
	t.Parallel()
	const head = "servers: [{url: https://api.acme.example/v1}]\nsecurity: [{o: [read]}]\npaths:\n  /a: {get: {responses: {'200': {description: d}}}}\n  /oauth/token: {post: {responses: {'200': {description: d}}}}\ncomponents: {securitySchemes: {o: {type: oauth2, flows: "
	type server = mockserver.OAuthServer
	for flows, want := range map[string]server{
		"{clientCredentials: {tokenUrl: /v1/oauth/token, scopes: {read: r, more: m}}}":                                              {Token: "/v1/oauth/token"},
		"{clientCredentials: {tokenUrl: 'https://API.acme.example/v1/oauth/token', scopes: {read: r}}}":                             {Token: "/v1/oauth/token"},
		"{authorizationCode: {authorizationUrl: /login, tokenUrl: /v1/oauth/token, scopes: {read: r}}}":                             {Token: "/v1/oauth/token", Authorize: "/login"},
		"{clientCredentials: {tokenUrl: 'https://login.other.example/token', scopes: {read: r}}}":                                   {},
		"{authorizationCode: {authorizationUrl: 'https://login.other.example/a', tokenUrl: /token, scopes: {read: r}}}":             {},
		"{implicit: {authorizationUrl: /login, scopes: {read: r}}}":                                                                 {},
		"{clientCredentials: {tokenUrl: '/t/{tenant}', scopes: {read: r}}}":                                                         {},
		"{clientCredentials: {tokenUrl: '', scopes: {read: r}}}":                                                                    {},
		"{password: {tokenUrl: /token, scopes: {read: r}}, clientCredentials: {tokenUrl: 'v1/oauth/token?x=1', scopes: {read: r}}}": {Token: "/v1/oauth/token"},
	} {
		doc, err := openapifile.Parse("acme.yaml", []byte(document("3.0.3", head+flows+"}}}\n")))
		if err != nil {
			t.Errorf("%s: %v", flows, err)
			continue
		}
		api := doc.API()
		if d := cmp.Diff(want, api.OAuth); d != "" {
			t.Errorf("%s (-want +got):\n%s", flows, d)
		}
		srv := serve(t, doc)
		client, err := srv.OAuthOf("acme").Register(mockserver.OAuthClient{})
		if (err == nil) != (want.Token != "") {
			t.Errorf("%s: %v", flows, err)
		}
		if err != nil {
			continue
		}
		tokens, err := srv.OAuthOf("acme").Issue(client.ID, "user001")
		if err != nil {
			t.Fatal(err)
		}
		if status, body, _ := call(t, srv, "acme", "GET /v1/a", "", &tokens.Access); status != 200 {
			t.Errorf("%s: %d %s", flows, status, body)
		}
		if status, body, _ := call(t, srv, "acme", "POST /v1/oauth/token", "", nil); status != 401 || !strings.Contains(body, "invalid_client") {
			t.Errorf("%s: %d %s", flows, status, body)
		}
	}
}
