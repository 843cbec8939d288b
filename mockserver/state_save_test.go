package mockserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// manyKeys are more than a document has that is replaced at each save.
const manyKeys = 250

// saving is a server with a state file and n keys.
func saving(tb testing.TB, n int, opts ...mockserver.Option) (*mockserver.Server, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "state.json")
	st := fixture(n)
	data, err := st.Encode()
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	srv, err := mockserver.NewHandler(append([]mockserver.Option{mockserver.WithStateFile(path), mockserver.WithFrozenClock(epoch)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = srv.Close() })
	return srv, path
}

// fixture is a document with n keys.
func fixture(n int) mockserver.State {
	st := mockserver.State{Format: "keyfit-mock-state", Version: 3, Namespaces: []mockserver.NamespaceState{{
		Name: "default", Clock: mockserver.ClockState{FrozenAt: epoch}, Keys: []mockserver.KeyState{},
	}}}
	for i := range n {
		st.Namespaces[0].Keys = append(st.Namespaces[0].Keys, mockserver.KeyState{
			ID: fmt.Sprintf("key_%06d", i+1), Provider: mockserver.MindKey, Kind: mockserver.KindKey, Name: "Lorem Fitsum",
			SHA256: fmt.Sprintf("%064x", i+1), Created: epoch, Expires: epoch.AddDate(1, 0, 0), Scopes: []string{"Employee"},
		})
	}
	return st
}

// killed is what a process finds that starts with the files of one that was killed now.
func killed(t *testing.T, path string) *mockserver.Server {
	t.Helper()
	next := filepath.Join(t.TempDir(), "state.json")
	for _, suffix := range []string{"", ".changes"} {
		data, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(next+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	srv, err := mockserver.NewHandler(mockserver.WithStateFile(next))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return srv
}

// Whatever is done to keys, namespaces and data, and whenever the process is killed,
// what was acknowledged is there at the next start.
func TestWhatWasAcknowledgedSurvivesAKillAtAnyMoment(t *testing.T) {
	t.Parallel()
	seeds := uint64(1)
	if os.Getenv("KEYFIT_LONG") != "" {
		seeds = 20
	}
	for seed := range seeds {
		srv, path := saving(t, manyKeys, mockserver.WithSeed(seed))
		draw := rand.New(rand.NewPCG(seed, 7))
		spaces := []string{"", "b", "c"}
		for step := range 24 {
			n := srv.InNamespace(spaces[draw.IntN(len(spaces))])
			what := act(t, srv, n, draw)
			if step%12 != 11 {
				continue
			}
			n.Keys().Issue(mockserver.IMKIT) // waits, and so saves what came before
			if want, got := srv.SnapshotAll(), killed(t, path).SnapshotAll(); !bytes.Equal(encode(t, want), encode(t, got)) {
				t.Fatalf("seed %d, step %d, after %s (-want +got):\n%s", seed, step, what, cmp.Diff(want, got))
			}
		}
		if _, err := os.Stat(path + ".changes"); err != nil {
			t.Errorf("seed %d: nothing was appended: %v", seed, err)
		}
	}
}

// act does something that the state document has.
func act(t *testing.T, srv *mockserver.Server, n *mockserver.Namespace, draw *rand.Rand) string {
	t.Helper()
	keys := n.Keys().List(mockserver.KeyFilter{})
	pick := func() string {
		if len(keys) == 0 {
			return n.Keys().Issue(mockserver.Imin).ID
		}
		return keys[draw.IntN(len(keys))].ID
	}
	var err error
	what := []string{"issue", "pair", "rotate", "revoke", "expire", "suspend", "enable", "edit", "data", "fault", "clear", "limit", "clock", "reset", "restore", "delete", "client", "use"}[draw.IntN(18)]
	switch what {
	case "issue":
		n.Keys().Issue(mockserver.Providers()[draw.IntN(5)], mockserver.Named(what))
	case "pair":
		n.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	case "rotate":
		_, _ = n.Keys().Rotate(pick(), 0) // one that has ended cannot be
	case "revoke":
		err = n.Keys().Revoke(pick(), "why")
	case "expire":
		err = n.Keys().Expire(pick())
	case "suspend":
		err = n.Keys().Suspend(pick())
	case "enable":
		_ = n.Keys().Enable(pick()) // one that has ended cannot be
	case "edit":
		adminCall(t, srv, "PATCH", "/v1/namespaces/"+title(n)+"/keys/"+strings.TrimPrefix(pick(), n.Name()+"/"), `{"name":"edited"}`)
	case "data":
		err = n.SetData(mockserver.MindKey, "EmployeeEquipment", nil)
	case "fault":
		n.Inject(mockserver.Match{}, mockserver.Status(503, ""), mockserver.First(1))
	case "clear":
		n.ClearFaults()
	case "limit":
		n.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1 + draw.IntN(9), Per: time.Minute})
	case "clock":
		n.Clock().Advance(time.Hour)
	case "reset":
		if n.Name() != "" { // the many keys stay
			err = n.Reset()
		}
	case "restore":
		err = n.Restore(n.Snapshot())
	case "delete":
		if n.Name() != "" {
			err = srv.DeleteNamespace(n.Name())
		}
	case "client":
		_, err = n.OAuth().Register(mockserver.OAuthClient{Name: "c"})
	case "use":
		get(t, srv.Transport(), n.Keys().Issue(mockserver.Optimove))
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return what
}

func title(n *mockserver.Namespace) string {
	if n.Name() == "" {
		return mockserver.DefaultNamespace
	}
	return n.Name()
}

// A full disk: whoever is told that nothing was saved finds everything as it was.
func TestWhatCannotBeSavedIsUndone(t *testing.T) {
	t.Parallel()
	srv, path := saving(t, manyKeys, mockserver.WithSeed(1))
	key := srv.Keys().Issue(mockserver.MindKey)
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	client, err := srv.OAuth().Register(mockserver.OAuthClient{Name: "c"})
	if err != nil {
		t.Fatal(err)
	}
	srv.InNamespace("b").Keys().Issue(mockserver.Imin)
	doc := srv.Snapshot()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	srv, err = mockserver.NewHandler(mockserver.WithStateFile(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	before := srv.SnapshotAll()
	if err := os.Mkdir(path+".changes", 0o700); err != nil { // nothing can be appended
		t.Fatal(err)
	}
	check := func(name string, do func() error) {
		t.Helper()
		if err := do(); err == nil || !strings.Contains(err.Error(), "nothing was changed") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(before, srv.SnapshotAll()); d != "" {
			t.Errorf("%s stands (-want +got):\n%s", name, d)
		}
		if got := srv.OAuth().Clients(); len(got) != 1 || got[0].KeyID != client.KeyID {
			t.Errorf("%s: clients are %v", name, got)
		}
		if got := adminCall(t, srv, "GET", "/readyz", ""); got.status != 503 {
			t.Errorf("%s: ready: %d", name, got.status)
		}
	}
	for name, do := range map[string]func() error{
		"issue": func() error { _, err := srv.Keys().TryIssue(mockserver.IMKIT, mockserver.ClientKey("bob")); return err },
		"import": func() error {
			_, err := srv.Keys().TryIssue(mockserver.IMKIT, mockserver.Raw("a-key-of-my-own"))
			return err
		},
		"rotate":          func() error { _, err := srv.Keys().Rotate(key.ID, time.Hour); return err },
		"rotate a pair":   func() error { _, err := srv.Keys().Rotate(pair.ID, 0); return err },
		"rotate a client": func() error { _, err := srv.Keys().Rotate(client.KeyID, 0); return err },
		"revoke":          func() error { return srv.Keys().Revoke(pair.ID, "why") },
		"expire":          func() error { return srv.Keys().Expire(key.ID) },
		"suspend":         func() error { return srv.Keys().Suspend(key.ID) },
		"namespace": func() error {
			got := adminCall(t, srv, "POST", "/v1/namespaces", `{"name":"d"}`)
			if got.status != 500 || strings.Contains(got.body, `\n`) {
				return fmt.Errorf("%d %s", got.status, got.body)
			}
			return errors.New("nothing was changed")
		},
		"edit": func() error {
			if got := adminCall(t, srv, "PATCH", "/v1/namespaces/default/keys/"+key.ID, `{"name":"x"}`); got.status != 500 {
				return nil
			}
			return errors.New("nothing was changed")
		},
		"register": func() error { _, err := srv.OAuth().Register(mockserver.OAuthClient{Name: "d"}); return err },
		"tokens":   func() error { _, err := srv.OAuth().Issue(client.ID, "ann"); return err },
		"data":     func() error { return srv.SetData(mockserver.MindKey, "EmployeeEquipment", nil) },
		"reset":    func() error { return srv.Reset() },
		"keep":     func() error { return srv.Reset(mockserver.KeepKeys) },
		"restore":  func() error { return srv.InNamespace("b").Restore(fixture(0)) },
		"delete":   func() error { return srv.DeleteNamespace("b") },
	} {
		check(name, do)
	}
	if err := errors.Join(os.Rename(path, path+".kept"), os.Mkdir(path, 0o700)); err != nil { // nor can it be replaced
		t.Fatal(err)
	}
	check("all", func() error { return srv.RestoreAll(doc) })
	if err := errors.Join(os.Remove(path), os.Rename(path+".kept", path)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + ".changes"); err != nil {
		t.Fatal(err)
	}
	next, err := srv.Keys().Rotate(key.ID, 0)
	if err != nil || next.Secret.IsZero() {
		t.Errorf("there is room again: %v", err)
	}
	if d := cmp.Diff(srv.SnapshotAll(), killed(t, path).SnapshotAll()); d != "" {
		t.Errorf("saved (-want +got):\n%s", d)
	}
}

// With WithStateSync a client is answered once its write is saved, or told that it is not.
func TestWritesOverTheAPIAreSavedBeforeTheyAreAnswered(t *testing.T) {
	t.Parallel()
	srv, path := saving(t, manyKeys, mockserver.WithStateSync())
	key := srv.Keys().Issue(mockserver.IMKIT)
	write := func(body string) answer {
		r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", body)
		r.Header.Set("Content-Type", "application/json")
		key.Apply(r)
		return call(t, srv.Transport(), r)
	}
	if got := write(`{"_id":"ann"}`); got.status != 200 || got.header.Get("Content-Type") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if users, err := killed(t, path).Data(mockserver.IMKIT, "users"); err != nil || !strings.Contains(fmt.Sprintf("%s", users), `"ann"`) {
		t.Errorf("answered, and not saved: %s %v", users, err)
	}
	if err := errors.Join(srv.Close()); err != nil {
		t.Fatal(err)
	}
	next, err := mockserver.NewHandler(mockserver.WithStateFile(path), mockserver.WithStateSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	if err := os.Mkdir(path+".changes", 0o700); err != nil {
		t.Fatal(err)
	}
	srv = next
	if got := write(`{"_id":"bob"}`); got.status != 500 || !strings.Contains(got.header.Get("X-Mock-Diagnosis"), "save") {
		t.Errorf("%d %s, %q", got.status, got.body, got.header.Get("X-Mock-Diagnosis"))
	}
}

func TestValuesThatNoKeyHasAreRefusedInGoAndInDocuments(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	key := srv.Keys().Issue(mockserver.MindKey)
	before := srv.Snapshot()
	issue := func(o ...mockserver.KeyOption) error {
		_, err := srv.Keys().TryIssue(mockserver.MindKey, o...)
		return err
	}
	rotate := func(d time.Duration) error {
		_, err := srv.Keys().Rotate(key.ID, d)
		return err
	}
	start := func(o mockserver.Option) error {
		_, err := mockserver.NewHandler(o)
		return err
	}
	state := func(old, next string) error {
		doc := strings.Replace(string(encode(t, before)), old, next, 1)
		st, err := mockserver.ParseState([]byte(doc))
		if err == nil {
			err = srv.Restore(st)
		}
		return err
	}
	for name, err := range map[string]error{
		"rotate, far":          rotate(math.MaxInt64),
		"rotate, negative":     rotate(-1),
		"lifetime, negative":   issue(mockserver.ExpiresIn(-time.Hour)),
		"lifetime, far":        issue(mockserver.ExpiresIn(math.MaxInt64)),
		"expiry, long ago":     issue(mockserver.ExpiresAt(time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC))),
		"expiry, far":          issue(mockserver.ExpiresAt(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))),
		"limit, negative":      issue(mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: -1})),
		"limit, no window":     issue(mockserver.LimitTo(mockserver.Limit{Requests: 1})),
		"limit, less than 0":   issue(mockserver.LimitTo(mockserver.Limit{Requests: -1, Per: time.Second})),
		"limit of a vendor":    start(mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Per: -1})),
		"keep":                 srv.Reset("everything"),
		"state, life":          state(`"kind": "key",`, `"kind": "key", "life": "-5h",`),
		"state, long life":     state(`"kind": "key",`, `"kind": "key", "life": "99999w",`),
		"state, created":       state(`"created": "2027`, `"created": "1734`),
		"state, expires":       state(`"expires": "2028`, `"expires": "9028`),
		"state, limit":         state(`"kind": "key",`, `"kind": "key", "limit": {"requests":1,"per":"-1s"},`),
		"state, keys":          state(`"keys": [`, `"keys": null, "x": [`),
		"state, no keys":       state(string(encode(t, before)), `{"format":"keyfit-mock-state","version":4,"namespaces":[{"name":"default","keys":null}]}`),
		"state, no namespaces": state(string(encode(t, before)), `{"format":"keyfit-mock-state","version":4,"namespaces":null}`),
		"state, clock":         state(`"frozenAt": "2027`, `"frozenAt": "1734`),
	} {
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "json:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := cmp.Diff(before, srv.Snapshot()); d != "" {
		t.Errorf("something changed (-before +after):\n%s", d)
	}
	for name, do := range map[string]func(){
		"Limit":       func() { srv.Limit(mockserver.IMKIT, mockserver.Limit{Per: -1}) },
		"LimitGroup":  func() { srv.LimitGroup(mockserver.Optimove, "SendTransactionalMail", mockserver.Limit{Requests: -1}) },
		"Reconfigure": func() { srv.Reconfigure(mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Requests: 1})) },
		"Issue":       func() { srv.Keys().Issue(mockserver.IMKIT, mockserver.ExpiresIn(-1)) },
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "mockserver: ") {
					t.Errorf("%s: %v", name, p)
				}
			}()
			do()
		}()
	}
}

// BenchmarkStateSave is an Issue with a state file, which returns once the key is saved.
func BenchmarkStateSave(b *testing.B) {
	for _, n := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			srv, _ := saving(b, n)
			srv.Keys().Issue(mockserver.MindKey)
			b.ReportAllocs()
			for b.Loop() {
				srv.Keys().Issue(mockserver.MindKey)
			}
		})
	}
}
