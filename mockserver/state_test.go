package mockserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// richServer has something of everything that a state document holds.
func richServer(tb testing.TB, opts ...mockserver.Option) (*mockserver.Server, []mockserver.Issued) {
	tb.Helper()
	srv := mockserver.New(tb, append(opts, mockserver.WithFrozenClock(epoch))...)
	k := srv.Keys()
	keys := []mockserver.Issued{
		k.Issue(mockserver.Imin, mockserver.Named("site")),
		k.Issue(mockserver.MindKey, mockserver.Scopes("Employee"), mockserver.ExpiresIn(40*24*time.Hour)),
		k.Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 2, Per: time.Minute, Kind: mockserver.Sliding})),
		k.Issue(mockserver.IMKIT, mockserver.ClientKey("ann")),
		k.Issue(mockserver.Optimove, mockserver.Access(mockserver.Integrations), mockserver.Contact("a@example.com"), mockserver.ShareAttributes("CITY")),
		k.Issue(mockserver.Iiniit, mockserver.Bearer()),
		k.Issue(mockserver.Iiniit, mockserver.ExpiresAt(epoch.Add(time.Hour))),
	}
	next, err := k.Rotate(keys[0].ID, time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	if err := k.Revoke(keys[6].ID, "lost"); err != nil {
		tb.Fatal(err)
	}
	other := srv.InNamespace("other").Keys().Issue(mockserver.IMKIT)
	srv.Limit(mockserver.Optimove, mockserver.Limit{Requests: 7, Per: time.Second})
	srv.SetProfile(mockserver.IMKIT, mockserver.Profile{Shape: mockserver.Enveloped, Hints: mockserver.HintSeconds, Variants: mockserver.FlatErrors})
	srv.Inject(mockserver.Match{Path: "/nowhere*"}, mockserver.Latency(time.Second), mockserver.First(2), mockserver.Probability(0.5, 3))
	srv.InNamespace("other").Clock().Advance(time.Hour)
	get(tb, srv.Transport(), keys[1]) // last used
	return srv, append(keys, next, other)
}

func encode(tb testing.TB, st mockserver.State) []byte {
	tb.Helper()
	data, err := st.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestARestoredServerIsTheSameServer(t *testing.T) {
	t.Parallel()
	srv, keys := richServer(t)
	doc := encode(t, srv.SnapshotAll())
	st, err := mockserver.ParseState(doc)
	if err != nil {
		t.Fatal(err)
	}
	copied := mockserver.New(t)
	if err := copied.RestoreAll(st); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(doc), string(encode(t, copied.SnapshotAll()))); diff != "" {
		t.Errorf("a snapshot of what was restored (-first +second):\n%s", diff)
	}
	for _, key := range keys {
		a, b := get(t, srv.Transport(), key), get(t, copied.Transport(), key)
		if diff := cmp.Diff(a.status, b.status); diff != "" {
			t.Errorf("%s %s: %s", key.Provider, key.ID, diff)
		}
	}
	next := copied.Keys().Issue(mockserver.Imin)
	if _, taken := srv.Keys().Get(next.ID); taken {
		t.Errorf("a new key has the ID of an old one: %s", next.ID)
	}
	if got, err := copied.Keys().Rotate(keys[3].ID, 0); err != nil || got.User != "ann" {
		t.Errorf("a restored pair rotates as one: %v, %v", got.User, err)
	}
}

func TestAStateDocumentHoldsNoSecret(t *testing.T) {
	t.Parallel()
	srv, keys := richServer(t)
	doc := string(encode(t, srv.SnapshotAll()))
	for _, k := range keys {
		for _, secret := range []string{k.Secret.Reveal(), k.Token.Reveal()} {
			if secret != "" && strings.Contains(doc, secret) {
				t.Errorf("the value of %s stands in the document", k.ID)
			}
		}
	}
}

func TestANamespaceIsRestoredUnderAnotherName(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.InNamespace("a").Keys().Issue(mockserver.IMKIT)
	old, err := srv.InNamespace("a").Keys().Rotate(key.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	st := srv.InNamespace("a").Snapshot()
	if err := srv.InNamespace("b").Restore(st); err == nil || !strings.Contains(err.Error(), "known in another namespace") {
		t.Fatalf("the same key in two namespaces: %v", err)
	}
	if err := srv.DeleteNamespace("a"); err != nil {
		t.Fatal(err)
	}
	if err := srv.InNamespace("b").Restore(st); err != nil {
		t.Fatal(err)
	}
	if got := get(t, srv.Transport(), key); got.status != 200 {
		t.Errorf("the key in its new namespace: %d", got.status)
	}
	srv.InNamespace("b").Expect(t, mockserver.Match{KeyID: "b/key_000001"}, 1)
	if k, ok := srv.InNamespace("b").Keys().Get("b/key_000002"); !ok || k.Replaces != "b/key_000001" || old.Replaces != "a/key_000001" {
		t.Errorf("references follow the name: %+v", k)
	}
}

func TestAStateDocumentCutAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	srv, _ := richServer(t)
	doc := bytes.TrimRight(encode(t, srv.SnapshotAll()), "\n")
	for i := range doc {
		if _, err := mockserver.ParseState(doc[:i]); err == nil {
			t.Fatalf("accepted when cut after %d of %d bytes", i, len(doc))
		}
	}
	if _, err := mockserver.ParseState(doc); err != nil {
		t.Error(err)
	}
}

func TestARefusedRestoreChangesNothing(t *testing.T) {
	t.Parallel()
	srv, _ := richServer(t)
	before := encode(t, srv.SnapshotAll())
	for _, tt := range []struct {
		name, want string
		change     func(*mockserver.State)
	}{
		{"key twice", "occurs twice", func(s *mockserver.State) {
			s.Namespaces[0].Keys = append(s.Namespaces[0].Keys, s.Namespaces[0].Keys[0])
		}},
		{"value twice", "are the same key", func(s *mockserver.State) {
			s.Namespaces[0].Keys[1].SHA256 = s.Namespaces[0].Keys[0].SHA256
		}},
		{"value in two namespaces", "have the same key", func(s *mockserver.State) {
			s.Namespaces[1].Keys[0].SHA256 = s.Namespaces[0].Keys[0].SHA256
		}},
		{"unknown provider", "no such provider", func(s *mockserver.State) { s.Namespaces[0].Keys[0].Provider = "acme" }},
		{"unknown kind", "kind", func(s *mockserver.State) { s.Namespaces[0].Keys[0].Kind = "door" }},
		{"foreign ID", "key_000001", func(s *mockserver.State) { s.Namespaces[0].Keys[0].ID = "../x" }},
		{"lost partner", "partner", func(s *mockserver.State) {
			for i := range s.Namespaces[0].Keys {
				if s.Namespaces[0].Keys[i].Partner != "" {
					s.Namespaces[0].Keys[i].Partner = "key_000099"
				}
			}
		}},
		{"unknown fault", "unknown kind", func(s *mockserver.State) { s.Namespaces[0].Faults[0].Fault.Kind = "fire" }},
		{"namespace twice", "twice", func(s *mockserver.State) { s.Namespaces = append(s.Namespaces, s.Namespaces[1]) }},
		{"namespace that is no name", "namespace name", func(s *mockserver.State) { s.Namespaces[1].Name = "A/B" }},
	} {
		var st mockserver.State
		if err := json.Unmarshal(before, &st); err != nil {
			t.Fatal(err)
		}
		tt.change(&st)
		if err := srv.RestoreAll(st); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		if diff := cmp.Diff(string(before), string(encode(t, srv.SnapshotAll()))); diff != "" {
			t.Fatalf("%s: something changed:\n%s", tt.name, diff)
		}
	}
}

func TestAStateFileKeepsEverythingOverARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv, keys := richServer(t, mockserver.WithStateFile(path))
	want := encode(t, srv.SnapshotAll())
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the file after Close (-server +file):\n%s", diff)
	}
	again := mockserver.New(t, mockserver.WithStateFile(path))
	if got := get(t, again.Transport(), keys[8]); got.status != 200 {
		t.Errorf("a key of another namespace after the restart: %d", got.status)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".state.json*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

func TestAKeyIsOnTheDiskWhenItIsAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv := mockserver.New(t, mockserver.WithStateFile(path))
	saved := func() map[string]mockserver.KeyState {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		st, err := mockserver.ParseState(data)
		if err != nil {
			t.Fatal(err)
		}
		keys := make(map[string]mockserver.KeyState)
		for _, k := range st.Namespaces[0].Keys {
			keys[k.ID] = k
		}
		return keys
	}
	key := srv.Keys().Issue(mockserver.IMKIT)
	if _, ok := saved()[key.ID]; !ok {
		t.Error("issued, and not in the file")
	}
	next, err := srv.Keys().Rotate(key.ID, time.Hour)
	if got := saved(); err != nil || got[key.ID].ReplacedBy != next.ID || got[next.ID].Replaces != key.ID {
		t.Errorf("rotated: %v %+v", err, got)
	}
	if err := srv.Keys().Revoke(next.ID, ""); err != nil || saved()[next.ID].Revoked.IsZero() {
		t.Errorf("revoked, and not in the file: %v", err)
	}
	if err := srv.Keys().Expire(key.ID); err != nil || saved()[key.ID].Expires.After(srv.Clock().Now()) {
		t.Errorf("expired, and not in the file: %v", err)
	}
	// a token that the vendor's own API gives out is a key too
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"bob","issueAccessToken":true}`)
	srv.Keys().Issue(mockserver.IMKIT).Apply(r)
	if got := call(t, srv.Transport(), r); got.status != 200 {
		t.Fatalf("create user: %d %s", got.status, got.body)
	}
	tokens := 0
	for _, k := range saved() {
		if k.Kind == mockserver.KindToken && k.User == "bob" {
			tokens++
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens of bob in the file", tokens)
	}
}

func TestKeysIssuedAtOnceShareTheirWritesAndAreAllThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv := mockserver.New(t, mockserver.WithStateFile(path))
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			key := srv.Keys().Issue(mockserver.IMKIT)
			if _, err := srv.Keys().Rotate(key.ID, 0); err != nil {
				t.Error(err)
			}
			data, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(data, []byte(`"`+key.ID+`"`)) {
				t.Errorf("%s is acknowledged and not in the file: %v", key.ID, err)
			}
			st, err := mockserver.ParseState(data)
			if err != nil {
				t.Errorf("a reader sees a broken file: %v", err)
				return
			}
			for _, k := range st.Namespaces[0].Keys { // never half a rotation
				if k.Replaces == key.ID && k.ID == "" {
					t.Error("half a rotation")
				}
			}
		})
	}
	wg.Wait()
}

func TestOtherChangesAreSavedWithinTheDebounce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.WithStateFile(path), mockserver.WithFrozenClock(epoch))
		srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 3, Per: time.Second})
		srv.Clock().Advance(time.Hour)
		has := func(what string) bool {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Contains(data, []byte(what))
		}
		if has(`"requests": 3`) {
			t.Error("written at once: it was to wait for more changes")
		}
		time.Sleep(201 * time.Millisecond) //nolint:forbidigo // in a bubble: the machine's time is the test's
		synctest.Wait()
		if !has(`"requests": 3`) || !has(`"frozenAt": "2027-01-01T01:00:00Z"`) {
			t.Error("not written after the debounce")
		}
	})
}

func TestABadStateFileIsAClearErrorAndIsLeftAlone(t *testing.T) {
	t.Parallel()
	srv, _ := richServer(t)
	good := encode(t, srv.SnapshotAll())
	for _, tt := range []struct {
		name, want string
		content    []byte
	}{
		{"cut in half", "cut short", good[:len(good)/2]},
		{"empty", "empty", nil},
		{"not JSON", "not JSON", []byte("keys:\n- a\n")},
		{"other JSON", "no state document", []byte(`{"name":"package","version":"1.0.0"}`)},
		{"other shape", "no state document", []byte(`[1,2]`)},
		{"no version", "no version", []byte(`{"format":"keyfit-mock-state"}`)},
		{"from the future", "newer keyfit", bytes.Replace(good, []byte(`"version": 4`), []byte(`"version": 5`), 1)},
		{"unknown member", "unknown field", bytes.Replace(good, []byte(`"kind"`), []byte(`"king"`), 1)},
		{"wrong type", "wrong type", bytes.Replace(good, []byte(`"keys": [`), []byte(`"keys": 7, "x": [`), 1)},
		{"tail", "after top-level value", append(bytes.Clone(good), "{}"...)},
	} {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := mockserver.NewHandler(mockserver.WithStateFile(path))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q and the path in one line", tt.name, err, tt.want)
		}
		if tt.name == "from the future" && !errors.Is(err, mockserver.ErrNewerState) {
			t.Errorf("%s: %v is not ErrNewerState", tt.name, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, tt.content) {
			t.Errorf("%s: the file was changed", tt.name)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil { // mended: it is not locked either
			t.Fatal(err)
		}
		again, err := mockserver.NewHandler(mockserver.WithStateFile(path))
		if err != nil {
			t.Errorf("%s: mended: %v", tt.name, err)
			continue
		}
		_ = again.Close()
	}
}

func TestTwoMocksDoNotShareAStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	first := mockserver.New(t, mockserver.WithStateFile(path))
	if _, err := mockserver.NewHandler(mockserver.WithStateFile(path)); err == nil || !strings.Contains(err.Error(), "another mock uses it") {
		t.Errorf("a second one: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mockserver.New(t, mockserver.WithStateFile(path))
}

func TestAKeyThatCannotBeSavedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sub")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	srv, err := mockserver.NewHandler(mockserver.WithStateFile(filepath.Join(dir, "state.json")))
	if err != nil {
		t.Fatal(err)
	}
	key := srv.Keys().Issue(mockserver.IMKIT)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Keys().TryIssue(mockserver.IMKIT); err == nil || !strings.Contains(err.Error(), "not saved") {
		t.Errorf("issue: %v", err)
	}
	if _, err := srv.Keys().Rotate(key.ID, 0); err == nil {
		t.Error("rotate says it is done")
	}
	if got := adminCall(t, srv, "GET", "/readyz", ""); got.status != 503 {
		t.Errorf("/readyz: %d %s", got.status, got.body)
	}
	if got := adminCall(t, srv, "POST", "/v1/namespaces/default/keys", `{"provider":"imkit"}`); got.status != 500 || strings.Contains(got.body, `"secret"`) {
		t.Errorf("over the admin API: %d %s", got.status, got.body)
	}
	if err := srv.Close(); err == nil {
		t.Error("Close hides it")
	}
	if _, err := mockserver.NewHandler(mockserver.WithStateFile(filepath.Join(dir, "state.json"))); err == nil {
		t.Error("a place that does not exist is no error at the start")
	}
}

func TestAnOffsetClockStaysAheadOverARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Clock().Advance(366 * 24 * time.Hour)
		st := srv.Snapshot()
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble: the machine's time is the test's
		again := mockserver.New(t)
		if err := again.Restore(st); err != nil {
			t.Fatal(err)
		}
		if got := time.Until(again.Clock().Now()); got != 366*24*time.Hour {
			t.Errorf("ahead by %s", got)
		}
		again.Clock().Run(60)
		third := mockserver.New(t)
		if err := third.Restore(again.Snapshot()); err != nil {
			t.Fatal(err)
		}
		before := third.Clock().Now()
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble: the machine's time is the test's
		if got := third.Clock().Now().Sub(before); got != time.Minute {
			t.Errorf("a second at scale 60 is %s", got)
		}
	})
}

func FuzzParseState(f *testing.F) {
	srv, _ := richServer(f)
	doc := encode(f, srv.SnapshotAll())
	f.Add(doc)
	f.Add(doc[:len(doc)/2])
	f.Add([]byte(`{"format":"keyfit-mock-state","version":1,"namespaces":[{"name":"default","clock":{"scale":1e308},"keys":[]}]}`))
	f.Add([]byte(`{"format":"keyfit-mock-state","version":1,"namespaces":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := mockserver.ParseState(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		srv := mockserver.New(t)
		if err := srv.RestoreAll(st); err != nil {
			return
		}
		first := srv.SnapshotAll()
		again, err := mockserver.ParseState(encode(t, first))
		if err != nil {
			t.Fatalf("own document refused: %v", err)
		}
		copied := mockserver.New(t)
		if err := copied.RestoreAll(again); err != nil {
			t.Fatalf("own document not restored: %v", err)
		}
		a, b := fmt.Sprint(len(first.Namespaces)), fmt.Sprint(len(copied.SnapshotAll().Namespaces))
		if a != b {
			t.Errorf("%s namespaces became %s", a, b)
		}
	})
}
