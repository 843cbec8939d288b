package iiniit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
)

func TestEachCarrierReachesTheServer(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	key := keyfit.WithKey(srv.Keys().Issue(mockserver.Iiniit).Secret.Reveal())
	byApp, err := app.ClientCredentials()
	if err != nil {
		t.Fatal(err)
	}
	byUser, err := app.Tokens(logIn(t, srv, app))
	if err != nil {
		t.Fatal(err)
	}
	bearer := keyfit.Iiniit()
	bearer.Scheme = keyfit.Bearer()
	fixed, err := keyfit.New(bearer, over(srv), keyfit.WithKey(srv.Keys().Issue(mockserver.Iiniit, mockserver.Bearer()).Secret.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		make func() (*iiniit.Client, error)
		want echo
	}{
		"header":             {func() (*iiniit.Client, error) { return iiniit.New(key, over(srv)) }, echo{Credential: "api_key", Carrier: "header"}},
		"query":              {func() (*iiniit.Client, error) { return iiniit.NewQuery(key, over(srv)) }, echo{Credential: "api_key", Carrier: "query"}},
		"client credentials": {func() (*iiniit.Client, error) { return iiniit.NewOAuth(byApp, over(srv)) }, echo{Credential: "bearer", Carrier: "header"}},
		"user's token":       {func() (*iiniit.Client, error) { return iiniit.NewOAuth(byUser, over(srv)) }, echo{Credential: "bearer", Carrier: "header", User: "user001"}},
		"fixed token":        {func() (*iiniit.Client, error) { return iiniit.FromClient(fixed), nil }, echo{Credential: "bearer", Carrier: "header"}},
	} {
		c, err := test.make()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := test.want
		want.Method, want.Path, want.Scope = "GET", resource, "read:user"
		got, err := iiniit.Get[echo](t.Context(), c, resource)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
		want.Method, want.Bytes = "POST", len(`{"a":1}`)
		got, err = iiniit.Send[echo](t.Context(), c, http.MethodPost, resource, map[string]int{"a": 1})
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
	}
}

func TestRefusalsAreTheSDKsErrors(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	get := func(opts ...mockserver.KeyOption) error {
		issued := srv.Keys().Issue(mockserver.Iiniit, opts...)
		c, err := iiniit.New(over(srv), keyfit.WithKey(issued.Secret.Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		if len(opts) == 0 {
			_ = srv.Keys().Revoke(issued.ID, "")
		}
		_, err = iiniit.Get[echo](t.Context(), c, resource)
		return err
	}
	if err := get(); !errors.Is(err, keyfit.ErrUnauthorized) || errors.Is(err, iiniit.ErrLoginAgain) {
		t.Errorf("revoked: %v", err)
	}
	if err := get(mockserver.Scopes()); !errors.Is(err, keyfit.ErrForbidden) {
		t.Errorf("no scope: %v", err)
	}
	if _, err := iiniit.NewOAuth(nil); err == nil {
		t.Error("nil tokens are taken")
	}
	tokens, err := newApp(t, srv, mockserver.OAuthClient{}).ClientCredentials()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iiniit.NewOAuth(tokens, keyfit.WithKey("lorem")); err == nil {
		t.Error("tokens and a key are taken together")
	}
}

// captured records the URL of the request that it answers.
type captured struct{ path, query string }

func (c *captured) RoundTrip(r *http.Request) (*http.Response, error) {
	c.path, c.query = r.URL.EscapedPath(), r.URL.RawQuery
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: io.NopCloser(http.NoBody), Request: r}, nil
}

func TestValuesReachTheServerAsTheOneValueThatTheyAre(t *testing.T) {
	t.Parallel()
	to := &captured{}
	c, err := iiniit.New(keyfit.WithKey("lorem-fitsum"), keyfit.WithHTTPClient(&http.Client{Transport: to}))
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"lorem": "lorem", "a/b": "a%2Fb", "..": "%2E%2E", "%2F": "%252F", "a\nb": "a%0Ab", "'\"": "%27%22", "é?x=1#y": "%C3%A9%3Fx=1%23y", ".": "%2E",
	} {
		path, err := iiniit.Path("/things/{id}/parts", value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := iiniit.Get[struct{}](t.Context(), c, path, keyfit.Param("q", value)); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		if got := strings.ReplaceAll(to.path, "'", "%27"); got != "/things/"+want+"/parts" {
			t.Errorf("%q arrives as the path %s", value, to.path)
		}
		req, _ := http.NewRequest(http.MethodGet, "https://x.example/?"+to.query, http.NoBody)
		if d := cmp.Diff([]string{value}, req.URL.Query()["q"]); d != "" || len(req.URL.Query()) != 1 {
			t.Errorf("%q arrives as the query %s", value, to.query)
		}
	}
	for _, values := range [][]string{{}, {""}, {"a", "b"}} {
		if path, err := iiniit.Path("/things/{id}", values...); err == nil {
			t.Errorf("%q gives %s", values, path)
		}
	}
}

// TestTheMockHasNoOperationThatThisPackageLacks checks that the mock has only the documented
// operations of OAuth and the placeholder resource of the vendor's example.
func TestTheMockHasNoOperationThatThisPackageLacks(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]json.RawMessage
	}
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.Iiniit), &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	for path := range doc.Paths {
		got = append(got, path)
	}
	slices.Sort(got)
	want := []string{
		"/.well-known/oauth-authorization-server", // RFC 8414, not documented by the vendor
		"/auth/login",                                                            // AuthURL
		"/oauth/authorize", "/oauth/introspect", "/oauth/revoke", "/oauth/token", // names chosen by the mock
		"/oauth2/authorize", // the documented path of TokenURL
		resource,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff("https://www.iiniit.com"+want[1], iiniit.AuthURL); d != "" {
		t.Errorf("AuthURL (-want +got):\n%s", d)
	}
}

func TestAnEndedContextEndsACall(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	c := newOAuth(t, srv, app, logIn(t, srv, app))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := iiniit.Get[echo](ctx, c, resource); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
