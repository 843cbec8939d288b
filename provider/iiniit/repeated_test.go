package iiniit_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/iiniit"
)

// answers responds with one body after the other, and with the last one from then on.
func answers(contentType string, bodies ...string) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		body := bodies[0]
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
		status := http.StatusOK
		if strings.Contains(body, "refused") {
			status = http.StatusBadRequest
		}
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
}

// A token endpoint repeats not only what the request has: also the present access token, one
// that it has replaced, and the one that it is about to issue.
func TestCanaryATokenThatTheEndpointRepeatsIsNotTold(t *testing.T) {
	t.Parallel()
	p := planted()
	const asJSON, asForm = "application/json", "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		contentType string
		bodies      []string
	}{
		"the present access token":  {asJSON, []string{`{"error":"refused","error_description":"not for ` + p["access token"] + `"}`}},
		"the present one, for good": {asJSON, []string{`{"error":"invalid_grant","error_description":"refused: ` + p["access token"] + `"}`}},
		"a replaced refresh token": {asJSON, []string{
			fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"expires_in":1}`, p["next access"], p["next refresh"]),
			`{"error":"refused","error_description":"reuse of ` + p["refresh token"] + `, family of ` + p["access token"] + `"}`,
		}},
		"the one that it issues":      {asJSON, []string{fmt.Sprintf(`{"access_token":%q,"error":"x","error_description":"issued %q"}`, p["next access"], p["next access"])}},
		"the refresh token beside it": {asJSON, []string{fmt.Sprintf(`{"access_token":7,"refresh_token":%q,"error":%q}`, p["next refresh"], p["next refresh"])}},
		"in a form":                   {asForm, []string{url.Values{"access_token": {p["next access"]}, "error": {"x"}, "error_description": {p["next access"]}}.Encode()}},
		"as its type":                 {asJSON, []string{fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"token_type":%q}`, p["next access"], p["next refresh"], p["next access"]+" "+p["next refresh"])}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app := iiniit.App{ClientID: "lorem", ClientSecret: keyfit.NewSecret(p["client secret"]), TokenURL: tokenURL, Transport: answers(c.contentType, c.bodies...)}
				first := iiniit.Token{Access: keyfit.NewSecret(p["access token"]), Refresh: keyfit.NewSecret(p["refresh token"]), Expires: time.Now().Add(-time.Second)}
				tokens, err := app.Tokens(first)
				if err != nil {
					t.Fatal(err)
				}
				for range c.bodies {
					_, err = tokens.Credential(t.Context())
					time.Sleep(time.Minute) //nolint:forbidigo // fake time
				}
				if err == nil {
					t.Fatal("want an error")
				}
				noCanary(t, name, err)
			})
		})
	}
}

// The transport of an App keeps the client secret in the buffers of its connections, as
// every *http.Transport does.
func TestNothingOfTokensOrAClientLeadsToTheTransportOfTheApp(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"lorem-fitsum-0123456789","expires_in":3600}`)
	}))
	t.Cleanup(srv.Close)
	pool := new(http.Transport)
	t.Cleanup(pool.CloseIdleConnections)
	app := iiniit.App{ClientID: "lorem", ClientSecret: keyfit.NewSecret(planted()["client secret"]), TokenURL: srv.URL + "?tenant=dolor", Transport: pool}
	tokens, err := app.ClientCredentials()
	if err != nil {
		t.Fatal(err)
	}
	c, err := iiniit.NewOAuth(tokens)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("the token endpoint "+srv.URL, c.Keyfit().Keys().Status().Current.Place); d != "" {
		t.Errorf("place (-want +got):\n%s", d)
	}
	if !leadsTo[http.Transport](reflect.ValueOf(app), map[any]bool{}) {
		t.Error("the walk does not find the transport of the App itself")
	}
	for name, v := range map[string]any{"tokens": tokens, "client": c, "ring": c.Keyfit().Keys()} {
		if leadsTo[http.Transport](reflect.ValueOf(v), map[any]bool{}) {
			t.Errorf("%s: a walk over its fields arrives at the transport", name)
		}
	}
}

// leadsTo reports whether a walk over fields, exported or not, arrives at a T.
func leadsTo[T any](v reflect.Value, seen map[any]bool) bool {
	if !v.IsValid() {
		return false
	}
	if v.Type() == reflect.TypeFor[T]() {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Map:
		at := [2]any{v.UnsafePointer(), v.Type()}
		if v.IsNil() || seen[at] {
			return false
		}
		seen[at] = true
		if v.Kind() == reflect.Pointer {
			return leadsTo[T](v.Elem(), seen)
		}
		for entries := v.MapRange(); entries.Next(); {
			if leadsTo[T](entries.Key(), seen) || leadsTo[T](entries.Value(), seen) {
				return true
			}
		}
	case reflect.Interface:
		return leadsTo[T](v.Elem(), seen)
	case reflect.Struct:
		for _, field := range v.Fields() {
			if leadsTo[T](field, seen) {
				return true
			}
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			if leadsTo[T](v.Index(i), seen) {
				return true
			}
		}
	default: // nothing else leads on
	}
	return false
}
