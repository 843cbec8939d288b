package keyfit_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
	"github.com/keyfit/keyfit/provider/imin"
	"github.com/keyfit/keyfit/provider/imkit"
	"github.com/keyfit/keyfit/provider/mindkey"
	"github.com/keyfit/keyfit/provider/optimove"
)

// apiGateway is a gateway of a company before a vendor: it takes its own path away and passes
// the rest on to the vendor's host.
func apiGateway(t *testing.T, vendor http.RoundTripper, host string) *http.Client {
	t.Helper()
	return &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		path, ok := strings.CutPrefix(req.URL.EscapedPath(), "/apis/vendor")
		if req.URL.Host != "gw.corp.example" || !ok {
			t.Errorf("%s is not the gateway's", req.URL)
		}
		out := req.Clone(req.Context())
		plain, err := url.PathUnescape(path)
		if err != nil {
			return nil, err
		}
		out.URL.Host, out.URL.Path, out.URL.RawPath, out.Host = host, plain, path, ""
		return vendor.RoundTrip(out)
	})}
}

func TestEveryTypedClientWorksBehindAGateway(t *testing.T) {
	t.Parallel()
	const base = "https://gw.corp.example/apis/vendor/"
	for _, test := range []struct {
		name, env, host string
		api             mockserver.Provider
		call            func(ctx context.Context, opts ...keyfit.Option) error
	}{
		{"imin", "IMIN_BASE_URL", "search.imin.co", mockserver.Imin, func(ctx context.Context, opts ...keyfit.Option) error {
			c, err := imin.New(opts...)
			if err == nil {
				_, err = c.Facets.Get(ctx)
			}
			return err
		}},
		{"mindkey", "MINDKEY_BASE_URL", "connector.mindkey.com", mockserver.MindKey, func(ctx context.Context, opts ...keyfit.Option) error {
			c, err := mindkey.New(opts...)
			if err == nil {
				_, err = c.Employees.List(ctx, mindkey.Query{Top: 1})
			}
			return err
		}},
		{"imkit", "IMKIT_BASE_URL", "your-app.imkit.io", mockserver.IMKIT, func(ctx context.Context, opts ...keyfit.Option) error {
			c, err := imkit.New("", opts...)
			if err == nil {
				_, err = c.Users.List(ctx, imkit.UserQuery{})
			}
			return err
		}},
		{"optimove", "OPTIMOVE_BASE_URL", "api4.optimove.net", mockserver.Optimove, func(ctx context.Context, opts ...keyfit.Option) error {
			c, err := optimove.New("", opts...)
			if err == nil {
				_, err = c.General.LastDataUpdate(ctx)
			}
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t)
			key := srv.Keys().Issue(test.api).Secret.Reveal()
			hc := keyfit.WithHTTPClient(apiGateway(t, srv.Transport(), test.host))
			if err := test.call(t.Context(), keyfit.WithKey(key), keyfit.WithoutDotEnv(), keyfit.WithBaseURL(base), hc); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIiniitWorksBehindAGatewayThatTheEnvironmentNames(t *testing.T) {
	t.Setenv("IINIIT_BASE_URL", "https://gw.corp.example/apis/vendor/")
	srv := mockserver.New(t)
	c, err := iiniit.New(keyfit.WithKey(srv.Keys().Issue(mockserver.Iiniit).Secret.Reveal()), keyfit.WithoutDotEnv(),
		keyfit.WithHTTPClient(apiGateway(t, srv.Transport(), "api.iiniit.com")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iiniit.Get[struct{}](t.Context(), c, "/resource"); err != nil {
		t.Error(err)
	}
	if got := c.Keyfit().BaseURL(); got != "https://gw.corp.example/apis/vendor" {
		t.Error(got)
	}
}

// MindKey and the Firehose link to the next page with their own host, of which the gateway is
// not told.
func TestLinksOfAVendorAreFollowedThroughTheGateway(t *testing.T) {
	t.Parallel()
	var asked []string
	bodies := []string{
		`{"value":[{"employeeId":"a"}],"@odata.nextLink":"https://connector.mindkey.com/odata/v2/Employee?$skiptoken=x"}`,
		`{"value":[{"employeeId":"b"}],"@odata.nextLink":"Employee?$skiptoken=y"}`,
		`{"value":[{"employeeId":"c"}],"@odata.nextLink":"/odata/v2/Employee?$skiptoken=z"}`,
		`{"value":[]}`,
		`{"items":[{"id":"1"}],"next":"https://firehose.imin.co/firehose/datasets?afterId=1"}`,
		`{"items":[]}`,
	}
	wire := &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.String())
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(bodies[len(asked)-1])), Request: req,
		}, nil
	})}
	opts := []keyfit.Option{keyfit.WithKey("k"), keyfit.WithoutDotEnv(), keyfit.WithBaseURL("https://gw.corp.example/vendor"), keyfit.WithHTTPClient(wire)}
	employees, err := mindkey.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range employees.Employees.Raw().All(t.Context(), mindkey.Query{Top: 1}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	feeds, err := imin.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range feeds.Firehose.Datasets().All(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	const base = "https://gw.corp.example/vendor"
	want := []string{
		base + "/odata/v2/Employee?%24count=true&%24top=1", base + "/odata/v2/Employee?$skiptoken=x",
		base + "/odata/v2/Employee?$skiptoken=y", base + "/odata/v2/Employee?$skiptoken=z",
		base + "/firehose/datasets", base + "/firehose/datasets?afterId=1",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
