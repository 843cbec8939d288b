package mockserver_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

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
	got := tokenRequest(t, next.Transport(), refresh, formType)
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
	if replay := tokenRequest(t, next.Transport(), refresh, formType); replay.status != 400 {
		t.Errorf("replay: %d", replay.status)
	}
	if got := get(t, next.Transport(), tokens.Access); got.status != 401 {
		t.Errorf("the family's access token after the replay: %d", got.status)
	}
	if err := next.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := tokenRequest(t, next.Transport(), credentialsOf(client), formType); got.status != 401 {
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
	got := tokenRequest(t, rt, good, "application/json") // the vendor's own example
	secrets = append(secrets, member(t, got, "access_token"), member(t, got, "refresh_token"))
	for _, foreign := range secrets[1:3] {
		form := credentialsOf(client)
		form.Set("client_secret", foreign)
		form.Set("code_verifier", secrets[3])
		for _, contentType := range []string{formType, "application/json", "text/plain"} {
			tokenRequest(t, rt, form, contentType)
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
