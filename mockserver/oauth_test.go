package mockserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// tokenRequest sends a form to the token endpoint of host.
func tokenRequest(tb testing.TB, rt http.RoundTripper, host string, form url.Values, contentType string) answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://"+host+"/oauth/token", strings.NewReader(form.Encode()))
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
	got := tokenRequest(t, rt, "iiniit.localhost", credentialsOf(client), formType)
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

func TestOAuthSurvivesASnapshot(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	client := register(t, srv.Namespace, mockserver.OAuthClient{})
	tokens, err := srv.OAuth().Issue(client.ID, "lorem")
	if err != nil {
		t.Fatal(err)
	}
	document, err := srv.Snapshot().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []mockserver.Secret{client.Secret, tokens.Access.Secret, tokens.Refresh.Secret} {
		if bytes.Contains(document, []byte(secret.Reveal())) {
			t.Error("the document holds a secret")
		}
	}
	state, err := mockserver.ParseState(document)
	if err != nil {
		t.Fatal(err)
	}
	next := mockserver.New(t)
	if err := next.Restore(state); err != nil {
		t.Fatal(err)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {client.ID}, "client_secret": {client.Secret.Reveal()}, "refresh_token": {tokens.Refresh.Secret.Reveal()}}
	got := tokenRequest(t, next.Transport(), "iiniit.localhost", refresh, formType)
	if got.status != 200 {
		t.Fatalf("refresh after the restore: %d %s", got.status, got.body)
	}
	links := map[string]string{}
	for _, k := range next.OAuth().Tokens() {
		if k.Kind == mockserver.KindRefresh {
			links[k.ID] = k.Replaces + " " + string(k.Status) + " " + k.ReplacedBy
		}
	}
	if d := cmp.Diff(map[string]string{"key_000003": " revoked key_000005", "key_000005": "key_000003 expiring "}, links); d != "" {
		t.Errorf("refresh tokens (-want +got):\n%s", d)
	}
	if replay := tokenRequest(t, next.Transport(), "iiniit.localhost", refresh, formType); replay.status != 400 {
		t.Errorf("replay: %d", replay.status)
	}
	if got := get(t, next.Transport(), tokens.Access); got.status != 401 {
		t.Errorf("the family's access token after the replay: %d", got.status)
	}
	if err := next.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := tokenRequest(t, next.Transport(), "iiniit.localhost", credentialsOf(client), formType); got.status != 401 {
		t.Errorf("the client after a reset: %d", got.status)
	}
}

func TestAStateWithAGrantThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	client := register(t, srv.Namespace, mockserver.OAuthClient{})
	for name, spoil := range map[string]func(*mockserver.KeyState){
		"no grant":       func(k *mockserver.KeyState) { k.Grant = nil },
		"no client":      func(k *mockserver.KeyState) { k.Grant = &mockserver.OAuthGrant{} },
		"another vendor": func(k *mockserver.KeyState) { k.Provider = mockserver.Imin },
		"a plain key":    func(k *mockserver.KeyState) { k.Kind = mockserver.KindKey },
	} {
		state := srv.Snapshot()
		spoil(&state.Namespaces[0].Keys[0])
		if err := mockserver.New(t).Restore(state); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	if got := srv.OAuth().Clients(); len(got) != 1 || got[0].ID != client.ID {
		t.Errorf("clients: %+v", got)
	}
}

func TestNoOAuthSecretIsRecorded(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv := mockserver.New(t, mockserver.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	client := register(t, srv.Namespace, mockserver.OAuthClient{RedirectURIs: []string{"https://example.com/cb"}})
	rt := srv.Transport()
	secrets := []string{client.Secret.Reveal(), "production-secret-of-somebody", "tiny", "verifier-that-is-long-enough-for-the-standard-01"}
	login := call(t, rt, newRequest(t, mockserver.Iiniit, "GET", "/auth/login?response_type=code&client_id="+client.ID, ""))
	to, err := url.Parse(login.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, to.Query().Get("code"))
	good := url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "client_id": {client.ID}, "client_secret": {client.Secret.Reveal()}}
	got := tokenRequest(t, rt, "iiniit.localhost", good, "application/json") // the vendor's own example
	secrets = append(secrets, member(t, got, "access_token"), member(t, got, "refresh_token"))
	for _, foreign := range secrets[1:3] {
		form := credentialsOf(client)
		form.Set("client_secret", foreign)
		form.Set("code_verifier", secrets[3])
		for _, contentType := range []string{formType, "application/json", "text/plain"} {
			tokenRequest(t, rt, "iiniit.localhost", form, contentType)
		}
		for _, body := range []string{
			`{"client_id":"` + client.ID + `","client_secret":"` + foreign + `","grant_type":"client_credentials"}`,
			`{"client_secret":"` + foreign + `","code_verifier":"` + secrets[3] + `"`,
			`refresh_token=` + foreign + `&%zz`,
		} {
			call(t, rt, newRequest(t, mockserver.Iiniit, "POST", "/oauth/token", body))
		}
		r := newRequest(t, mockserver.Iiniit, "POST", "/oauth/token", "grant_type=client_credentials")
		r.SetBasicAuth(client.ID, foreign)
		call(t, rt, r)
		call(t, rt, newRequest(t, mockserver.Iiniit, "POST", "/oauth/revoke?client_secret="+foreign, "token="+foreign))
	}
	recorded, err := json.Marshal(srv.Requests(mockserver.Match{}))
	if err != nil {
		t.Fatal(err)
	}
	metrics := log.String() + string(recorded)
	for i, secret := range secrets {
		if secret == "" || strings.Contains(metrics, secret) {
			t.Errorf("secret %d is empty or recorded", i)
		}
	}
	srv.Expect(t, mockserver.Match{Outcome: mockserver.NotAMockKey}, 8)
}

func TestCodesAndTokensAreBounded(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(0, 0))
	client := register(t, srv.Namespace, mockserver.OAuthClient{})
	first, err := srv.OAuth().Issue(client.ID, "lorem")
	if err != nil {
		t.Fatal(err)
	}
	for range 5100 {
		if _, err := srv.OAuth().Issue(client.ID, "lorem"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(srv.OAuth().Tokens()); n != 10_000 {
		t.Errorf("%d tokens are kept", n)
	}
	if got := get(t, srv.Transport(), first.Access); got.status != 401 || !strings.HasPrefix(got.header.Get("X-Mock-Diagnosis"), "unknown_key: ") {
		t.Errorf("a forgotten token: %d %s", got.status, got.header.Get("X-Mock-Diagnosis"))
	}
	if len(srv.OAuth().Clients()) != 1 {
		t.Error("the client is forgotten")
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
		if got := tokenRequest(t, rt, "iiniit.localhost", credentialsOf(client), formType).status; got != 200 {
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
