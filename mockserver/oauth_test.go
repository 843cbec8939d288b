package mockserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// tokenRequest sends a form to the token endpoint.
func tokenRequest(tb testing.TB, rt http.RoundTripper, form url.Values, contentType string) answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://iiniit.localhost/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	return call(tb, rt, r)
}

func credentialsOf(c mockserver.OAuthClient) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}}
}

const formType = "application/x-www-form-urlencoded"

// member returns a string member of a JSON answer.
func member(tb testing.TB, a answer, name string) string {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		tb.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	s, _ := m[name].(string)
	return s
}

func register(tb testing.TB, n *mockserver.Namespace, c mockserver.OAuthClient) mockserver.OAuthClient {
	tb.Helper()
	out, err := n.OAuth().Register(c)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestRegisterRefusesWhatIsNoClient(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for name, c := range map[string]mockserver.OAuthClient{
		"wildcard":  {RedirectURIs: []string{"https://*.example.com/cb"}},
		"fragment":  {RedirectURIs: []string{"https://example.com/cb#x"}},
		"relative":  {RedirectURIs: []string{"/cb"}},
		"no host":   {RedirectURIs: []string{"https:cb"}},
		"malformed": {RedirectURIs: []string{"https://[::1/cb"}},
		"scope":     {Scopes: []string{"read user"}},
	} {
		if got, err := srv.OAuth().Register(c); err == nil {
			t.Errorf("%s is registered: %+v", name, got)
		}
	}
	if got := srv.OAuth().Clients(); len(got) != 0 {
		t.Errorf("clients: %+v", got)
	}
}

func TestClientsAndTokensAreListed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	first := register(t, srv.Namespace, mockserver.OAuthClient{Name: "Lorem", RedirectURIs: []string{"https://example.com/cb"}})
	public := register(t, srv.Namespace, mockserver.OAuthClient{Public: true, Scopes: []string{"a", "b"}})
	if !public.Secret.IsZero() {
		t.Error("a public client has a secret")
	}
	want := []mockserver.OAuthClient{
		{ID: first.ID, KeyID: "key_000001", Name: "Lorem", RedirectURIs: []string{"https://example.com/cb"}, Scopes: []string{"read:user"}, Created: epoch},
		{ID: public.ID, KeyID: "key_000002", Scopes: []string{"a", "b"}, Public: true, Created: epoch},
	}
	same := cmp.Comparer(func(a, b mockserver.Secret) bool { return a.IsZero() == b.IsZero() })
	if d := cmp.Diff(want, srv.OAuth().Clients(), same); d != "" {
		t.Errorf("clients (-want +got):\n%s", d)
	}
	tokens, err := srv.OAuth().Issue(first.ID, "lorem")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[mockserver.KeyKind]string{}
	for _, k := range srv.OAuth().Tokens() {
		kinds[k.Kind] = k.ID + " " + k.User + " " + fmt.Sprint(k.Client == first.ID)
	}
	if d := cmp.Diff(map[mockserver.KeyKind]string{"bearer": "key_000003 lorem true", "refresh": "key_000004 lorem true"}, kinds); d != "" {
		t.Errorf("tokens (-want +got):\n%s", d)
	}
	if got := get(t, srv.Transport(), tokens.Access); got.status != 200 {
		t.Errorf("the issued access token: %d %s", got.status, got.body)
	}
	if got := get(t, srv.Transport(), tokens.Refresh); got.status != 401 {
		t.Errorf("the refresh token as a credential: %d", got.status)
	}
	for _, scopes := range [][]string{{"root"}, {"read:user", "root"}} {
		if _, err := srv.OAuth().Issue(first.ID, "lorem", scopes...); err == nil {
			t.Errorf("%v is issued", scopes)
		}
	}
	if _, err := srv.OAuth().Issue("nobody", "lorem"); err == nil {
		t.Error("tokens for nobody")
	}
}

func TestAClientSelectsTheNamespace(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	other := srv.InNamespace("other")
	client := register(t, other, mockserver.OAuthClient{RedirectURIs: []string{"https://example.com/cb"}})
	rt := srv.Transport()
	got := tokenRequest(t, rt, credentialsOf(client), formType)
	if got.status != 200 {
		t.Fatalf("token: %d %s", got.status, got.body)
	}
	basic := newRequest(t, mockserver.Iiniit, "POST", "/oauth/token", "grant_type=client_credentials")
	basic.Header.Set("Content-Type", formType)
	basic.SetBasicAuth(client.ID, client.Secret.Reveal())
	if got := call(t, rt, basic); got.status != 200 {
		t.Errorf("token by Basic: %d %s", got.status, got.body)
	}
	login := newRequest(t, mockserver.Iiniit, "GET", "/auth/login?response_type=code&client_id="+client.ID, "")
	if got := call(t, rt, login); got.status != 302 {
		t.Errorf("login: %d %s", got.status, got.body)
	}
	r := newRequest(t, mockserver.Iiniit, "GET", "/resource", "")
	r.Header.Set("Authorization", "Bearer "+member(t, got, "access_token"))
	if got := call(t, rt, r); got.status != 200 {
		t.Errorf("resource: %d", got.status)
	}
	other.Expect(t, mockserver.Match{Provider: mockserver.Iiniit}, 4)
	srv.Expect(t, mockserver.Match{}, 0)
	if n := len(srv.OAuth().Tokens()); n != 0 {
		t.Errorf("%d tokens in the default namespace", n)
	}
}

func TestALimitCountsPerAccessToken(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithLimit(mockserver.Iiniit, mockserver.Limit{Requests: 1, Per: time.Minute}))
	client := register(t, srv.Namespace, mockserver.OAuthClient{})
	a, _ := srv.OAuth().Issue(client.ID, "a")
	b, _ := srv.OAuth().Issue(client.ID, "b")
	rt := srv.Transport()
	got := []int{get(t, rt, a.Access).status, get(t, rt, a.Access).status, get(t, rt, b.Access).status}
	if d := cmp.Diff([]int{200, 429, 200}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for range 3 { // the authorization server has no limit, whoever asks
		r := newRequest(t, mockserver.Iiniit, "GET", "/.well-known/oauth-authorization-server", "")
		a.Access.Apply(r)
		if got := call(t, rt, r).status; got != 200 {
			t.Errorf("metadata: %d", got)
		}
		if got := tokenRequest(t, rt, credentialsOf(client), formType).status; got != 200 {
			t.Errorf("token: %d", got)
		}
	}
}

func TestBearerErrorsFollowRFC6750(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	revoked := srv.Keys().Issue(mockserver.Iiniit, mockserver.Bearer())
	_ = srv.Keys().Revoke(revoked.ID, "")
	type result struct {
		status    int
		body      string
		challenge string
	}
	const none = `ApiKey realm="iiniit", Bearer realm="iiniit"`
	const invalid = `Bearer realm="iiniit", error="invalid_token", error_description="the access token is unknown, expired or revoked"`
	want := map[string]result{
		"nothing":        {401, `{"error":"unauthorized"}`, none},
		"revoked token":  {401, `{"error":"invalid_token"}`, invalid},
		"unknown token":  {401, `{"error":"invalid_token"}`, invalid},
		"unknown key":    {401, `{"error":"unauthorized"}`, none},
		"token no scope": {403, `{"error":"insufficient_scope"}`, `Bearer realm="iiniit", error="insufficient_scope", scope="read:user"`},
		"key no scope":   {403, `{"error":"forbidden"}`, ""},
	}
	send := map[string]func(*http.Request){
		"nothing":        func(*http.Request) {},
		"revoked token":  revoked.Apply,
		"unknown token":  mockserver.New(t).Keys().Issue(mockserver.Iiniit, mockserver.Bearer()).Apply,
		"unknown key":    mockserver.New(t).Keys().Issue(mockserver.Iiniit).Apply,
		"token no scope": srv.Keys().Issue(mockserver.Iiniit, mockserver.Bearer(), mockserver.Scopes()).Apply,
		"key no scope":   srv.Keys().Issue(mockserver.Iiniit, mockserver.Scopes()).Apply,
	}
	got := make(map[string]result)
	for name, apply := range send {
		r := newRequest(t, mockserver.Iiniit, "GET", "/resource", "")
		apply(r)
		a := call(t, srv.Transport(), r)
		got[name] = result{a.status, a.body, a.header.Get("WWW-Authenticate")}
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(result{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestASlowBodyReachesTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	client := register(t, srv.InNamespace("slow"), mockserver.OAuthClient{})
	body, w := io.Pipe()
	go func() {
		for _, part := range strings.SplitAfter(credentialsOf(client).Encode(), "&") {
			_, _ = io.WriteString(w, part)
		}
		_ = w.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://iiniit.localhost/oauth/token", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	if got := call(t, srv.Transport(), r); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
