package mockserver_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// sdkFingerprint is what the SDK shows for a key.
func sdkFingerprint(key mockserver.Issued) string {
	if key.Kind == mockserver.KindPair {
		return keyfit.KeyPair(key.Secret.Reveal(), key.Token.Reveal()).Fingerprint()
	}
	return keyfit.APIKey(key.Secret.Reveal()).Fingerprint()
}

// everyKind issues a credential of each kind that Issue makes.
func everyKind(tb testing.TB, srv *mockserver.Server) []mockserver.Issued {
	tb.Helper()
	k := srv.Keys()
	var keys []mockserver.Issued
	for _, p := range mockserver.Providers() {
		keys = append(keys, k.Issue(p))
	}
	keys = append(keys, k.Issue(mockserver.IMKIT, mockserver.ClientKey("ann")), k.Issue(mockserver.Iiniit, mockserver.Bearer()),
		k.Issue(mockserver.Imin, mockserver.Raw("a-key-of-my-own!")))
	next, err := k.Rotate(keys[0].ID, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return append(keys[1:], next)
}

func TestTheMockShowsAKeyUnderTheSDKsFingerprint(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, key := range everyKind(t, srv) {
		want := sdkFingerprint(key)
		listed, _ := srv.Keys().Get(key.ID)
		if len(want) != 12 || key.Fingerprint != want || listed.Fingerprint != want {
			t.Errorf("%s %s: issued %q, listed %q, the SDK shows %q", key.Provider, key.Kind, key.Fingerprint, listed.Fingerprint, want)
		}
	}
	client, err := srv.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"http://localhost/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := srv.OAuth().Issue(client.ID, "ann")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{
		client.KeyID:      client.Secret.Reveal(),
		tokens.Access.ID:  tokens.Access.Secret.Reveal(),
		tokens.Refresh.ID: tokens.Refresh.Secret.Reveal(),
	}
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("bob"))
	for _, token := range srv.Keys().List(mockserver.KeyFilter{Kind: mockserver.KindToken}) {
		if token.User == "bob" {
			shown[token.ID] = pair.Token.Reveal()
		}
	}
	for id, value := range shown {
		if k, _ := srv.Keys().Get(id); k.Fingerprint != keyfit.APIKey(value).Fingerprint() {
			t.Errorf("%s %s: %q", k.Kind, id, k.Fingerprint)
		}
	}
	if len(shown) != 4 {
		t.Errorf("%d single secrets, want 4", len(shown))
	}
}

func TestAUserTokenOfTheAPIHasAFingerprint(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"ann","nickname":"Ann","issueAccessToken":true}`)
	key.Apply(r)
	var made struct {
		Result struct {
			Token string `json:"token"`
		} `json:"result"`
	}
	got := call(t, rt, r)
	if err := json.Unmarshal([]byte(got.body), &made); err != nil || made.Result.Token == "" {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	all := srv.Keys().List(mockserver.KeyFilter{Kind: mockserver.KindToken})
	if len(all) != 1 || all[0].Fingerprint != keyfit.APIKey(made.Result.Token).Fingerprint() {
		t.Errorf("%+v", all)
	}
}

func TestAFingerprintSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv := mockserver.New(t, mockserver.WithStateFile(path))
	keys := everyKind(t, srv)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	again := mockserver.New(t, mockserver.WithStateFile(path))
	for _, key := range keys {
		if k, _ := again.Keys().Get(key.ID); k.Fingerprint != sdkFingerprint(key) {
			t.Errorf("%s %s: %q", key.Provider, key.Kind, k.Fingerprint)
		}
	}
}

// A document of version 2 holds SHA-256 sums only. Nothing can be derived from
// them; a key that is used shows its value again.
func TestAKeyOfAnOlderStateHasAFingerprintOnceItIsUsed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	keys := everyKind(t, srv)
	old := srv.SnapshotAll()
	old.Version = 2
	for i := range old.Namespaces[0].Keys {
		old.Namespaces[0].Keys[i].Fingerprint = ""
	}
	doc := encode(t, old)
	if strings.Contains(string(doc), "fingerprint") {
		t.Fatal("the document has fingerprints")
	}
	st, err := mockserver.ParseState(doc)
	if err != nil {
		t.Fatal(err)
	}
	restored := mockserver.New(t)
	if err := restored.RestoreAll(st); err != nil {
		t.Fatal(err)
	}
	for _, k := range restored.Keys().List(mockserver.KeyFilter{}) {
		if k.Fingerprint != "" {
			t.Errorf("%s %s: %q out of nothing", k.Provider, k.Kind, k.Fingerprint)
		}
	}
	rt := restored.Transport()
	for _, key := range keys {
		if got := get(t, rt, key); got.status != 200 && key.Kind != mockserver.KindPair {
			t.Errorf("%s %s: %d %s", key.Provider, key.Kind, got.status, got.body)
		}
		if key.Kind == mockserver.KindPair {
			r := newRequest(t, mockserver.IMKIT, "GET", "/me", "")
			key.Apply(r)
			call(t, rt, r)
		}
		if k, _ := restored.Keys().Get(key.ID); k.Fingerprint != sdkFingerprint(key) {
			t.Errorf("%s %s: %q after its use", key.Provider, key.Kind, k.Fingerprint)
		}
	}
}

func TestAFingerprintThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Keys().Issue(mockserver.Imin)
	for _, bad := range []string{"0123", "0123456789abcd", "0123456789xy"} {
		st := srv.Snapshot()
		st.Namespaces[0].Keys[0].Fingerprint = bad
		if err := srv.Restore(st); err == nil || !strings.Contains(err.Error(), "keys[0]: fingerprint is not 12") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
