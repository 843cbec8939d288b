package keyfit_test

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// gatewayClient is a client of a provider behind a gateway. What it sends is written to asked:
// host and target, as they are sent.
func gatewayClient(t *testing.T, base string, asked *[]string, answer func(*http.Request) *http.Response) *keyfit.Client {
	t.Helper()
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		*asked = append(*asked, req.URL.Host+req.URL.RequestURI())
		if answer != nil {
			return answer(req), nil
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})
	p := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: keyfit.Header("X-Api-Key")}
	c, err := keyfit.New(p, keyfit.WithKey("gateway-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithBaseURL(base),
		keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestThePathsOfCallsAreBelowThePathOfTheBaseURL(t *testing.T) {
	t.Parallel()
	const gateway = "gw.corp.example:8443"
	for _, test := range []struct{ base, path, want string }{
		{"", "/admin/clients?limit=1", "/admin/clients?limit=1"},
		{"/", "/admin/clients?limit=1", "/admin/clients?limit=1"},
		{"/imkit", "/admin/clients?limit=1", "/imkit/admin/clients?limit=1"},
		{"/imkit/", "/admin/clients", "/imkit/admin/clients"},
		{"/imkit///", "/", "/imkit/"},
		{"/a/b.c/v1", "/rooms/a%2Fb", "/a/b.c/v1/rooms/a%2Fb"},
		{"/caf%C3%A9", "/rooms/%20", "/caf%C3%A9/rooms/%20"},
		{"/caf\u00e9/~x", "/rooms", "/caf%C3%A9/~x/rooms"},
		{"/imkit", "/imkit/x", "/imkit/imkit/x"}, // a path of a call never holds the base URL's
		{"/imkit", "https://" + gateway + "/imkit/x?y=1", "/imkit/x?y=1"},
		{"/imkit", "https://GW.corp.example:8443/imkit", "/imkit"},
		{"/imkit", "/.well-known/x", "/imkit/.well-known/x"},
		{"/imkit", "/a/./b/../c", "/imkit/a/c"},
		{"/imkit", "/../../other", "/imkit/other"}, // RFC 3986: nothing is above the root
	} {
		var asked []string
		c := gatewayClient(t, "https://"+gateway+test.base, &asked, nil)
		_, err := keyfit.Get[struct{}](t.Context(), c, test.path)
		if err = errors.Join(err, getRaw(t, c.Do, test.path)); err != nil {
			t.Errorf("%s at %s: %v", test.path, test.base, err)
		}
		if !strings.Contains(test.path, "://") {
			err := getRaw(t, c.HTTPClient().Do, "https://"+gateway+test.want)
			if err != nil {
				t.Errorf("%s at %s, by HTTPClient: %v", test.path, test.base, err)
			}
		}
		for _, got := range asked {
			if diff := cmp.Diff(gateway+test.want, strings.Replace(got, "GW", "gw", 1)); diff != "" {
				t.Errorf("%s at %s (-want +got):\n%s", test.path, test.base, diff)
			}
		}
		if want := "https://" + gateway + strings.TrimRight(strings.ReplaceAll(test.base, "\u00e9", "%C3%A9"), "/"); c.BaseURL() != want {
			t.Errorf("BaseURL is %s, want %s", c.BaseURL(), want)
		}
	}
}

func getRaw(t *testing.T, do func(*http.Request) (*http.Response, error), target string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

// waysOut are paths which some server reads as /other, beside the path of the base URL.
func waysOut() []string {
	out := []string{"/other", "/", "", "/imkitx/y", "/imkit%2f..%2fother", "/IMKIT/x", "//imkit/x", "/./imkit/x", "/%69mkit/../x", "/imkit;/../other", "/imkit\\..\\next"}
	slashes := []string{"/", "%2f", "%2F", "\\", "%5c", "%5C", "%252f", "%25252F", "//"}
	for _, dots := range []string{"..", "%2e%2e", ".%2E", "%2e.", "%252e%252e", "%25252e.", "..;x", "..;x=y", "..%3bx", "..%20", "..%00", "%09..", "%25252525252e."} {
		for _, slash := range slashes {
			out = append(out, "/imkit/"+dots+slash+"other", "/imkit/a"+slash+dots+slash+dots+slash+"other", "/imkit/"+dots, "/imkit/a/"+dots+slash+dots)
		}
	}
	return out
}

// Nothing is sent to a path that a server may read as one beside the base URL's, wherever it
// comes from.
func TestNothingLeavesThePathOfTheBaseURL(t *testing.T) {
	t.Parallel()
	const origin = "https://gw.corp.example"
	var asked []string
	var to string // where a redirect leads
	c := gatewayClient(t, origin+"/imkit", &asked, func(req *http.Request) *http.Response {
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}
		if to != "" {
			resp.StatusCode, resp.Header = http.StatusTemporaryRedirect, http.Header{"Location": {to}}
			to = ""
		}
		return resp
	})
	raw := func(u *url.URL) *http.Request {
		return (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}).WithContext(t.Context())
	}
	closed := func(resp *http.Response, err error) error {
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	for _, way := range waysOut() {
		u, err := url.Parse(origin + way)
		if err != nil {
			u = &url.URL{Scheme: "https", Host: "gw.corp.example", Path: way}
		}
		asked = nil
		_, get := keyfit.Get[struct{}](t.Context(), c, u.String())
		do, hc := closed(c.Do(raw(u))), closed(c.HTTPClient().Do(raw(u)))
		for name, err := range map[string]error{"Get": get, "Do": do, "HTTPClient": hc} {
			if !errors.Is(err, keyfit.ErrCrossOrigin) || len(asked) > 0 {
				t.Errorf("%s: %s: the error is %v, and asked was %v", name, way, err, asked)
			}
		}
		// As the path of a call, and as a redirect, of which net/http takes out the dot segments,
		// it stays below or is refused.
		asked = nil
		_, called := keyfit.Get[struct{}](t.Context(), c, (&url.URL{Path: u.Path, RawPath: u.RawPath}).String())
		to = u.String()
		_, redirected := keyfit.Get[struct{}](t.Context(), c, "/x")
		if !staysBelow(asked) {
			t.Errorf("%s: asked was %v, and the errors are %v, %v", way, asked, called, redirected)
		}
	}
}

// staysBelow reads paths as the most obliging of servers would.
func staysBelow(asked []string) bool {
	for _, at := range asked {
		for range 9 {
			if plain, err := url.PathUnescape(at); err == nil {
				at = plain
			}
		}
		if at = path.Clean(strings.ReplaceAll(at, "\\", "/")); !strings.HasPrefix(at+"/", "gw.corp.example/imkit/") {
			return false
		}
	}
	return true
}

// A scheme of the caller's own may change the path, but not leave that of the base URL.
func TestASchemeStaysBelowThePathOfTheBaseURL(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"/other", "/imkit/../other", "/imkit/%2e%2e/other"} {
		sent := 0
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			sent++
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
		})
		p := keyfit.Provider{Name: "acme", BaseURL: "https://gw.corp.example/imkit", Scheme: moving(to)}
		c, err := keyfit.New(p, keyfit.WithKey("gateway-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); !errors.Is(err, keyfit.ErrCrossOrigin) || sent > 0 {
			t.Errorf("%s: %d sent, %v", to, sent, err)
		}
	}
}

type moving string

func (to moving) Apply(req *http.Request, _ keyfit.Credential) error {
	req.URL.Path, req.URL.RawPath = string(to), ""
	return nil
}

// A link of a response leads where the client's base URL is, also if the provider does not
// know of the gateway before it.
func TestALinkOfAResponseIsFollowedAtTheBaseURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, from, link, want string }{
		{"https://gw.example/acme", "/things", "?cursor=x", "/things?cursor=x"},
		{"https://gw.example/acme", "/things/", "next?a=1", "/things/next?a=1"},
		{"https://gw.example/acme", "/v1/things", "/v1/things?page=2", "/v1/things?page=2"},
		{"https://gw.example/acme", "/v1/things", "/acme/v1/things?page=2", "https://gw.example/acme/v1/things?page=2"},
		{"https://gw.example/acme", "/v1/things", "https://gw.example/acme/v1/things?page=2#top", "https://gw.example/acme/v1/things?page=2"},
		{"https://gw.example/acme", "/v1/things", "https://api.acme.example/v1/things?page=2", "/v1/things?page=2"},
		{"https://gw.example", "/v1/things", "https://API.acme.example:443/v1/a%2Fb", "/v1/a%2Fb"},
		{"https://gw.example", "/v1/things", "//api.acme.example", "/"},
		{"https://gw.example", "/v1/things", "https://evil.example/v1", "https://evil.example/v1"},
		{"https://gw.example/acme", "/v1/things", "https://api.acme.example/../other", "https://api.acme.example/../other"},
		{"https://api.acme.example", "/v1/things", "https://api.acme.example/v1/things?page=2", "https://api.acme.example/v1/things?page=2"},
		{"https://gw.example/acme", "https://gw.example/acme/things?page=2", "?page=3", "https://gw.example/acme/things?page=3"},
		{"https://gw.example/acme", "/things", "://", "error"},
		{"https://gw.example/acme", "/things", "mailto:a@b.example", "error"},
	} {
		var asked []string
		got, err := gatewayClient(t, test.base, &asked, nil).ResolveLink(test.from, test.link)
		if err != nil {
			got = "error"
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s from %s at %s: %v (-want +got):\n%s", test.link, test.from, test.base, err, diff)
		}
	}
}

// An application's name is part of a host name, and cannot name another host.
func TestTheNameOfAnApplicationIsNoHost(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"evil.example/", "evil.example/x", "evil.example?", "evil.example#", "evil.example:443/", "a@evil.example/", "evil.example\\"} {
		if c, err := keyfit.New(keyfit.IMKIT(app), keyfit.WithKey("k"), keyfit.WithoutDotEnv()); err == nil {
			t.Errorf("%s: the base URL is %s", app, c.BaseURL())
		}
	}
}

// A provider with a path of its own, behind a gateway with another: its links have its own path.
func TestALinkWithTheProvidersOwnPathIsFollowedAtTheBaseURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, link, want string }{
		{"https://gw.example/acme", "/v1/things?page=2", "/things?page=2"},
		{"https://gw.example/acme", "/v1", "/"},
		{"https://gw.example/acme", "/v10/things", "/v10/things"},
		{"https://gw.example/acme", "/v1/../admin", "/v1/../admin"},
		{"https://gw.example/acme", "/acme/things", "https://gw.example/acme/things"},
		{"https://gw.example/v1", "/v1/things", "https://gw.example/v1/things"},
		{"http://127.0.0.1:8080/acme", "//api.acme.example/v1/things?page=2", "/things?page=2"},
		{"http://127.0.0.1:8080/acme", "//127.0.0.1:8080/acme/things", "http://127.0.0.1:8080/acme/things"},
		{"https://api.acme.example/v1", "/v1/things", "https://api.acme.example/v1/things"},
	} {
		p := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example/v1", Scheme: keyfit.Bearer()}
		c, err := keyfit.New(p, keyfit.WithKey("gateway-lorem"), keyfit.WithBaseURL(test.base))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.ResolveLink("/things", test.link)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s at %s: %v (-want +got):\n%s", test.link, test.base, err, diff)
		}
	}
}
