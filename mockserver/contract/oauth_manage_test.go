package contract_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/keyfit/keyfit/mockserver"
)

// post sends a form to the authorization server and returns the response.
func (f *flow) post(t *testing.T, path string, form url.Values, basic bool) answer {
	t.Helper()
	return send(t, f.rt, mockserver.Iiniit, http.MethodPost, path, form.Encode(), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if basic {
			r.SetBasicAuth(url.QueryEscape(f.client.ID), url.QueryEscape(f.client.Secret.Reveal()))
		}
	})
}

func TestRevokeAndIntrospect(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	f.srv.OAuth().ApproveNext("lorem")
	token := f.login(t)
	active := func(token string) string {
		got := f.post(t, "/oauth/introspect", url.Values{"token": {token}}, true)
		if got.status != 200 {
			t.Errorf("introspect: %d %s", got.status, got.body)
		}
		return got.body
	}
	want := `{"active":true,"scope":"read:user","client_id":"` + f.client.ID + `","username":"lorem","token_type":"Bearer","exp":1800007200,"iat":1800003600,"sub":"lorem"}`
	if got := active(token.AccessToken); got != want {
		t.Errorf("access token:\n%s\nwant\n%s", got, want)
	}
	if got := active(token.RefreshToken); !strings.Contains(got, `"active":true`) || strings.Contains(got, "token_type") {
		t.Errorf("refresh token: %s", got)
	}
	const inactive = `{"active":false}`
	for _, bogus := range []string{"lorem", f.key.Secret.Reveal(), f.client.Secret.Reveal()} {
		if got := active(bogus); got != inactive {
			t.Errorf("bogus: %s", got)
		}
	}
	if got := f.post(t, "/oauth/introspect", url.Values{"token": {token.AccessToken}}, false); got.status != 401 {
		t.Errorf("introspect without a client: %d", got.status)
	}
	if got := f.post(t, "/oauth/revoke", url.Values{"token": {"lorem"}}, true); got.status != 200 || got.body != "{}" {
		t.Errorf("revoke an unknown token: %d %s", got.status, got.body)
	}
	other := f.login(t)
	if got := f.post(t, "/oauth/revoke", url.Values{"token": {other.AccessToken}, "token_type_hint": {"refresh_token"}}, true); got.status != 200 {
		t.Errorf("revoke an access token: %d", got.status)
	}
	if got := active(other.AccessToken); got != inactive {
		t.Errorf("revoked: %s", got)
	}
	if _, err := f.refreshed(other.RefreshToken); err != nil {
		t.Errorf("its refresh token: %v", err)
	}
	f.post(t, "/oauth/revoke", url.Values{"token": {token.RefreshToken}}, true)
	if got := active(token.AccessToken); got != inactive {
		t.Errorf("access token of a revoked refresh token: %s", got)
	}
}

func TestASecretIsRotatedWithAnOverlap(t *testing.T) {
	t.Parallel()
	f := newFlow(t, mockserver.OAuthClient{}, "/oauth/token", oauth2.AuthStyleInHeader)
	next, err := f.srv.Keys().Rotate(f.client.KeyID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	status := func(secret string) bool {
		config := clientcredentials.Config{ClientID: f.client.ID, ClientSecret: secret, TokenURL: iiniitURL + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader}
		_, err := config.Token(f.ctx)
		return err == nil
	}
	if !status(f.client.Secret.Reveal()) || !status(next.Secret.Reveal()) {
		t.Error("in the overlap both secrets work")
	}
	f.srv.Clock().Advance(time.Hour)
	if status(f.client.Secret.Reveal()) || !status(next.Secret.Reveal()) {
		t.Error("after the overlap only the new one works")
	}
}

func TestMetadataLeadsToTheEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.Iiniit)
	for host, want := range map[string]string{"iiniit.localhost": "http://iiniit.localhost", "api.iiniit.com": "https://api.iiniit.com"} {
		got := send(t, w.rt, mockserver.Iiniit, http.MethodGet, "/.well-known/oauth-authorization-server", "", func(r *http.Request) { r.Host, r.URL.Host = host, host })
		if !strings.Contains(got.body, `"issuer":"`+want+`"`) || !strings.Contains(got.body, `"token_endpoint":"`+want+`/oauth/token"`) {
			t.Errorf("%s: %s", host, got.body)
		}
	}
}
