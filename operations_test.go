package keyfit_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// leastClient is a client behind a gateway whose operations are limited, and what it sent.
func leastClient(t *testing.T, redirectTo string, operations ...string) (*keyfit.Client, *[]string) {
	t.Helper()
	sent := new([]string)
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		*sent = append(*sent, req.Method+" "+req.URL.RequestURI())
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}
		if redirectTo != "" && len(*sent) == 1 {
			resp.StatusCode, resp.Header = http.StatusFound, http.Header{"Location": {redirectTo}}
		}
		return resp, nil
	})
	p := keyfit.Provider{Name: "acme", BaseURL: "https://gw.example/v1", Scheme: keyfit.Header("X-Api-Key"), Probe: "/ping?deep=1"}
	c, err := keyfit.New(p, keyfit.WithKey("limited-lorem"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}), keyfit.AllowOperations(operations...))
	if err != nil {
		t.Fatal(err)
	}
	return c, sent
}

func TestOnlyAllowedOperationsAreSent(t *testing.T) {
	t.Parallel()
	c, sent := leastClient(t, "", "GET /admin/clients", "POST /rooms/{room}/…", "* /mail/{rest...}", "DELETE /rooms/{room}/member/{client}", "PUT /a%20b")
	for _, test := range []struct {
		allowed bool
		request string
	}{
		{true, "GET /admin/clients"},
		{true, "GET /admin/clients?limit=1&x=/../y"},
		{true, "HEAD /admin/clients"},
		{true, "GET /admin/%63lients"},
		{true, "POST /rooms/r1/message"},
		{true, "POST /rooms/r1"}, // any number of segments: none, too
		{true, "POST /rooms/r1/a/b/c"},
		{true, "POST /rooms/%20%3f/message"},
		{true, "PATCH /mail/x"},
		{true, "DELETE /rooms/r1/member/c1"},
		{true, "PUT /a%20b"},
		{false, "POST /admin/clients"},
		{false, "PUT /admin/clients"},
		{false, "get /admin/clients"},
		{false, "GET /admin/clients/"},
		{false, "GET /admin/clients/x"},
		{false, "GET /admin/Clients"},
		{false, "GET /admin/clients;x"},
		{false, "GET //admin/clients"},
		{false, "GET /admin//clients"},
		{false, "GET /"},
		{false, "GET /rooms/r1"},
		{false, "POST /rooms/"},
		{false, "POST /rooms"},
		{false, "POST /rooms//message"},
		{false, "POST /rooms/r1%2fmessage"},
		{false, "POST /rooms/r1/..%2f..%2fadmin"},
		{false, "POST /rooms/r1/%2e%2e/%2e%2e/admin/clients"},
		{false, "POST /rooms/r1/%252e%252e/x"},
		{false, "POST /rooms/r1/..;/x"},
		{false, "POST /rooms/r1%5c..%5cx"},
		{false, "DELETE /rooms/r1/member/"},
		{false, "DELETE /rooms/r1%252fmember/member/c1"},
		{false, "DELETE /rooms/r1/member/c1/x"},
		{false, "DELETE /rooms/r1"},
		{false, "POST /rooms/.;x/message"},
		{false, "POST /rooms/;x/message"},
		{false, "POST /rooms/%3bx/message"},
		{false, "POST /rooms/.%20/message"},
		{false, "POST /rooms/%2e%09/message"},
		{false, "POST /rooms/%00/message"},
		{false, "POST /rooms/.../message"},
		{true, "POST /rooms/x;y/.a/b./message"},
		{false, "POST /rooms/r1/message?_method=DELETE"},
		{false, "POST /rooms/r1/message?a=b&%5FMethod=DELETE"},
		{false, "POST /rooms/r1/message?a=b;_method=DELETE"},
		{false, "POST /rooms/r1/message?_HttpMethod=PATCH"},
		{false, "GET /admin/clients?X-HTTP-Method-Override=DELETE"},
		{true, "GET /admin/clients?method=x&my_method=y&a=_method"},
		{true, "GET /ping?deep=1"},
		{false, "GET /ping"},
		{false, "GET /ping?deep=1&all=1"},
		{false, "POST /ping?deep=1"},
	} {
		*sent = nil
		method, path, _ := strings.Cut(test.request, " ")
		u, err := url.Parse("https://gw.example/v1" + path)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do((&http.Request{Method: method, URL: u}).WithContext(t.Context()))
		if err == nil {
			_ = resp.Body.Close()
		}
		refused := errors.Is(err, keyfit.ErrNotAllowed) || errors.Is(err, keyfit.ErrCrossOrigin)
		if err == nil != test.allowed || refused == test.allowed || len(*sent) == 1 != test.allowed {
			t.Errorf("%s: %d sent, %v", test.request, len(*sent), err)
		}
	}
	if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/admin/x", 1); !errors.Is(err, keyfit.ErrNotAllowed) {
		t.Error(err)
	}
	if s := c.Stats(); s.Retries != 0 {
		t.Errorf("%d retries", s.Retries)
	}
}

func TestARedirectAndAnotherMethodInAHeaderAreNoWayRound(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"/v1/admin", "/v1/rooms/../admin", "https://gw.example/v1/admin"} {
		c, sent := leastClient(t, to, "GET /rooms")
		_, err := keyfit.Get[struct{}](t.Context(), c, "/rooms")
		if !errors.Is(err, keyfit.ErrNotAllowed) || len(*sent) != 1 || !strings.Contains(err.Error(), "the redirect was not followed") {
			t.Errorf("%s: %v, %v", to, *sent, err)
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "x_http_method", "X-Method-Override", "X-Original-URL", "x-rewrite-url"} {
		for _, req := range []*http.Request{
			{Method: http.MethodPost, URL: &url.URL{Path: "/rooms"}, Header: http.Header{name: {"DELETE"}}},
			{URL: &url.URL{Path: "/ping", RawQuery: "deep=1"}, Header: http.Header{name: {"DELETE"}}}, // the probe
		} {
			c, sent := leastClient(t, "", "POST /rooms")
			resp, err := c.Do(req.WithContext(t.Context()))
			if err == nil {
				_ = resp.Body.Close()
			}
			if !errors.Is(err, keyfit.ErrNotAllowed) || len(*sent) > 0 {
				t.Errorf("%s: %v, %v", name, *sent, err)
			}
		}
	}
}

func TestAFormAsksForNoOtherMethod(t *testing.T) {
	t.Parallel()
	parts := func(name string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n_method\r\n--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\nDELETE\r\n--b--\r\n"
	}
	for _, test := range []struct {
		allowed    bool
		kind, body string
	}{
		{false, "application/x-www-form-urlencoded", "a=b&_method=DELETE"},
		{false, "application/x-www-form-urlencoded; charset=utf-8", "%5fmethod=DELETE"},
		{true, "application/x-www-form-urlencoded", "a=_method&method=x"},
		{false, "multipart/form-data; boundary=b", parts("_method")},
		{true, "multipart/form-data; boundary=b", parts("method")},
		{true, "text/plain", "_method=DELETE"},
	} {
		c, sent := leastClient(t, "", "POST /rooms")
		_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/rooms", test.body, keyfit.WithHeader("Content-Type", test.kind))
		if err == nil != test.allowed || errors.Is(err, keyfit.ErrNotAllowed) == test.allowed || len(*sent) == 1 != test.allowed {
			t.Errorf("%s, %q: %d sent, %v", test.kind, test.body, len(*sent), err)
		}
	}
}

func TestTheKeyringsProbeIsAlwaysAllowed(t *testing.T) {
	t.Parallel()
	c, sent := leastClient(t, "", "GET /rooms")
	if err := c.Probe(t.Context(), keyfit.APIKey("next-lorem")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"GET /v1/ping?deep=1"}, *sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADerivedClientMayDoNoMore(t *testing.T) {
	t.Parallel()
	c, _ := leastClient(t, "", "GET /rooms/…", "POST /rooms")
	d, err := c.With(keyfit.AllowOperations("GET /rooms/{room}", "GET /admin"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, path := range []string{"/rooms", "/rooms/r1", "/rooms/r1/x", "/admin"} {
		_, err := keyfit.Get[struct{}](t.Context(), d, path)
		got[path] = err == nil
	}
	if diff := cmp.Diff(map[string]bool{"/rooms": false, "/rooms/r1": true, "/rooms/r1/x": false, "/admin": false}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/rooms/r1/x"); err != nil {
		t.Error("the parent has changed:", err)
	}
}

func TestWhatIsNoOperationIsAnErrorOfNew(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "GET", "GET ", "get /x", "Get /x", "/x", "GET x", "G(ET /x", "GET https://a.example/x", "GET /x?y", "GET /x#y", "GET /x y", "GET /../x", "GET /a/%2e%2e/x",
		"GET /…/x", "GET /.../x", "GET /{rest...}/x", "GET /x{id}", "GET /{id}x", "GET /{}", "GET /{", "GET /}", "GET /{a}{b}", "GET /x*", "GET /%zz", "GET /a%2fb", "GET /a/%2e", "GET /;x/b",
	} {
		if _, err := keyfit.New(keyfit.Imin(), keyfit.WithKey("k"), keyfit.AllowOperations(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := keyfit.New(keyfit.Imin(), keyfit.WithKey("k"), keyfit.AllowOperations()); err == nil {
		t.Error("no operation is taken")
	}
}
