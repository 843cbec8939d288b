package mockserver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// changed makes a server of which every part has changed, with two keys of the start.
func changed(t *testing.T) (srv *mockserver.Server, lasting, pair, other mockserver.Issued) {
	t.Helper()
	srv = mockserver.New(t, mockserver.WithFrozenClock(epoch))
	lasting = srv.Keys().Issue(mockserver.MindKey, mockserver.Lasting(), mockserver.Named("start"))
	pair = srv.Keys().Issue(mockserver.IMKIT, mockserver.Lasting(), mockserver.ClientKey("ann"))
	other = srv.Keys().Issue(mockserver.Imin)
	get(t, srv.Transport(), other)
	if err := srv.SetData(mockserver.MindKey, "EmployeeEquipment", nil); err != nil {
		t.Fatal(err)
	}
	srv.Inject(mockserver.Match{Path: "/nowhere"}, mockserver.Stall())
	srv.Limit(mockserver.Imin, mockserver.Limit{Requests: 5, Per: time.Minute})
	srv.Clock().Advance(time.Hour)
	return srv, lasting, pair, other
}

func TestAResetKeepsWhatItIsAskedToKeep(t *testing.T) {
	t.Parallel()
	// seen is what is left of each part.
	seen := func(srv *mockserver.Server) map[mockserver.Part]bool {
		equipment, err := srv.Data(mockserver.MindKey, "EmployeeEquipment")
		if err != nil {
			t.Fatal(err)
		}
		return map[mockserver.Part]bool{
			mockserver.KeepKeys:     len(srv.Keys().List(mockserver.KeyFilter{Provider: mockserver.Imin})) > 0,
			mockserver.KeepData:     len(equipment) == 0,
			mockserver.KeepClock:    !srv.Clock().Now().Equal(epoch),
			mockserver.KeepFaults:   len(srv.Injections()) > 0,
			mockserver.KeepLimits:   srv.Snapshot().Namespaces[0].Providers != nil,
			mockserver.KeepRequests: srv.Counts(mockserver.Match{}).Total > 0,
		}
	}
	for bits := range 1 << len(mockserver.Parts()) {
		if bits%7 != 0 && os.Getenv("KEYFIT_LONG") == "" {
			continue // nothing, everything and some in between are kept in a short run
		}
		srv, lasting, _, _ := changed(t)
		want, keep := make(map[mockserver.Part]bool), []mockserver.Part{}
		for i, p := range mockserver.Parts() {
			if want[p] = bits&(1<<i) != 0; want[p] {
				keep = append(keep, p)
			}
		}
		body, err := json.Marshal(map[string]any{"keep": keep})
		if err != nil {
			t.Fatal(err)
		}
		if got := adminCall(t, srv, "POST", "/v1/namespaces/default/reset", string(body)); got.status != 200 {
			t.Fatalf("%s: %d %s", body, got.status, got.body)
		}
		if d := cmp.Diff(want, seen(srv)); d != "" {
			t.Errorf("%s (-want +got):\n%s", body, d)
		}
		if got := get(t, srv.Transport(), lasting); got.status != 200 {
			t.Errorf("%s: the key of the start: %d", body, got.status)
		}
	}
	srv, _, _, _ := changed(t)
	if got := adminCall(t, srv, "POST", "/v1/namespaces/default/reset", `{"keep":["keyz"]}`); got.status != 400 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// A test that revokes, rotates or expires the key of the environment does not take it
// from the tests after it.
func TestAResetBringsTheKeysOfTheStartBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(srv *mockserver.Server, id string) error{
		"untouched": func(*mockserver.Server, string) error { return nil },
		"revoked":   func(srv *mockserver.Server, id string) error { return srv.Keys().Revoke(id, "test") },
		"expired":   func(srv *mockserver.Server, id string) error { return srv.Keys().Expire(id) },
		"rotated": func(srv *mockserver.Server, id string) error {
			next, err := srv.Keys().Rotate(id, 0)
			if err == nil {
				_, err = srv.Keys().Rotate(next.ID, 0)
			}
			return err
		},
		"too old": func(srv *mockserver.Server, _ string) error { srv.Clock().Advance(366 * 24 * time.Hour); return nil },
		"edited": func(srv *mockserver.Server, id string) error {
			adminCall(t, srv, "PATCH", "/v1/namespaces/default/keys/"+id, `{"name":"edited","scopes":[]}`)
			return nil
		},
		"restarted": func(srv *mockserver.Server, id string) error {
			if err := srv.Keys().Revoke(id, "test"); err != nil {
				return err
			}
			st, err := mockserver.ParseState(encode(t, srv.Snapshot()))
			if err != nil {
				return err
			}
			return srv.Restore(st)
		},
	} {
		srv, lasting, pair, other := changed(t)
		want := srv.Keys().List(mockserver.KeyFilter{})[:3]
		for _, key := range []mockserver.Issued{lasting, pair} {
			if err := end(srv, key.ID); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for range 2 {
			if err := srv.Reset(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, srv.Keys().List(mockserver.KeyFilter{})); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		for _, key := range []mockserver.Issued{lasting, pair} {
			if got := get(t, srv.Transport(), key); got.status != 200 && key.Provider != mockserver.IMKIT || got.status == 401 {
				t.Errorf("%s: %s: %d %s", name, key.Provider, got.status, got.header.Get("X-Mock-Diagnosis"))
			}
		}
		if got := get(t, srv.Transport(), other); got.status == 200 {
			t.Errorf("%s: another key is still accepted", name)
		}
		if next := srv.Keys().Issue(mockserver.Imin); next.ID != "key_000004" {
			t.Errorf("%s: the next key is %s", name, next.ID)
		}
	}
}

// A reset that keeps the keys lets their windows start anew.
func TestAResetThatKeepsKeysEmptiesTheirWindows(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Minute}))
	key := srv.Keys().Issue(mockserver.IMKIT)
	statuses := func() string {
		return fmt.Sprint(get(t, srv.Transport(), key).status, get(t, srv.Transport(), key).status)
	}
	before := statuses()
	if err := srv.Reset(mockserver.KeepKeys); err != nil {
		t.Fatal(err)
	}
	if after := statuses(); before != "200 429" || after != "200 429" {
		t.Errorf("%s, then %s", before, after)
	}
}

func TestASnapshotIsGoneBackToAnyNumberOfTimes(t *testing.T) {
	t.Parallel()
	srv, _, _, other := changed(t)
	want := srv.Snapshot()
	if err := srv.SaveSnapshot("seeded"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		srv.Keys().Issue(mockserver.Imin)
		if err := srv.Keys().Revoke(other.ID, "test"); err != nil {
			t.Fatal(err)
		}
		srv.ClearFaults()
		srv.Clock().Advance(time.Hour)
		if err := srv.SetData(mockserver.IMKIT, "users", nil); err != nil {
			t.Fatal(err)
		}
		if err := srv.RestoreSnapshot("seeded"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, srv.Snapshot()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	if srv.Counts(mockserver.Match{}).Total == 0 {
		t.Error("the requests are gone")
	}
}

func TestSnapshotsOverTheAdminAPI(t *testing.T) {
	t.Parallel()
	srv, _, _, _ := changed(t)
	const path = "/v1/namespaces/default/snapshots"
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", path, "", 201},
		{"POST", path, `{"name":"seeded"}`, 201},
		{"POST", path, `{"name":"seeded"}`, 201}, // replaces it
		{"POST", path, `{"name":"../x"}`, 400},
		{"POST", path, `{"name":""}`, 400},
		{"POST", path, `{"name":".."}`, 400},
		{"POST", path + "/seeded/restore", "", 200},
		{"POST", path + "/default/restore", "", 200},
		{"POST", path + "/other/restore", "", 404},
		{"DELETE", path + "/seeded", "", 204},
		{"DELETE", path + "/seeded", "", 404},
		{"POST", path + "/seeded/restore", "", 404},
	} {
		if got := adminCall(t, srv, step.method, step.path, step.body); got.status != step.status {
			t.Errorf("%s %s %s: %d %s", step.method, step.path, step.body, got.status, got.body)
		}
	}
	if d := cmp.Diff([]mockserver.SavedSnapshot{{Name: "default", At: epoch.Add(time.Hour), Keys: 4}}, srv.Snapshots()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for i := range 120 {
		if err := srv.SaveSnapshot(fmt.Sprint("s", i)); (err == nil) != (i < 99) {
			t.Errorf("snapshot %d: %v", i, err)
		}
	}
}
