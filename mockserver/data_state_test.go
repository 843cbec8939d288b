package mockserver_test

import (
	"bytes"
	"encoding/json"
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

func TestAStateDocumentHasChangedDataAndOnlyThat(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	asAdmin(t, srv, mockserver.Imin, "GET", "/api/v1/places", "")
	asAdmin(t, srv, mockserver.Optimove, "GET", "/groups/GetTargetGroupDetails", "")
	asAdmin(t, srv, mockserver.IMKIT, "POST", "/admin/clients", `{"nickname":"no ID"}`)
	if doc := encode(t, srv.Snapshot()); bytes.Contains(doc, []byte(`"data"`)) {
		t.Errorf("nothing changed, but:\n%s", doc)
	}
	asAdmin(t, srv, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"ann"}`)
	asAdmin(t, srv, mockserver.Optimove, "POST", "/integrations/AddPromotions", `[{"PromoCode":"Q1","PromotionName":"Kettle"}]`)
	st := srv.Snapshot()
	if got := len(st.Namespaces[0].Data); got != 2 {
		t.Errorf("data of %d providers", got)
	}
	srv.InNamespace("b") // a world of its own
	next := mockserver.New(t)
	asAdmin(t, next, mockserver.MindKey, "GET", "/ping", "")
	if err := next.SetData(mockserver.MindKey, "EmployeeEquipment", nil); err != nil {
		t.Fatal(err)
	}
	if err := next.Restore(st); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(everything(t, srv), everything(t, next)); d != "" {
		t.Errorf("restored; what is not in the document is as at the start (-want +got):\n%s", d)
	}
}

func TestAnOlderStateLeavesTheDataAsItIs(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	chat(t, srv)
	before := everything(t, srv)
	st, err := mockserver.ParseState([]byte(`{"format":"keyfit-mock-state","version":1,"namespaces":[{"name":"default","keys":[]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Restore(st); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, everything(t, srv)); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
}

func TestAStateWithBrokenDataIsRefusedWhole(t *testing.T) {
	t.Parallel()
	srv, _ := richServer(t)
	chat(t, srv)
	before := encode(t, srv.SnapshotAll())
	for _, tt := range []struct {
		name, want string
		change     func(map[mockserver.Provider]mockserver.DataState)
	}{
		{"unknown provider", "no such provider", func(d map[mockserver.Provider]mockserver.DataState) { d["acme"] = nil }},
		{"provider without data", "stores none", func(d map[mockserver.Provider]mockserver.DataState) { d[mockserver.Iiniit] = nil }},
		{"unknown collection", "no such collection", func(d map[mockserver.Provider]mockserver.DataState) { d[mockserver.IMKIT]["cars"] = nil }},
		{"lost users", "members[0] is not a user", func(d map[mockserver.Provider]mockserver.DataState) { delete(d[mockserver.IMKIT], "users") }},
		{"twice", "_id is already used by", func(d map[mockserver.Provider]mockserver.DataState) {
			d[mockserver.IMKIT]["rooms"] = append(d[mockserver.IMKIT]["rooms"], d[mockserver.IMKIT]["rooms"][0])
		}},
	} {
		var st mockserver.State
		if err := json.Unmarshal(before, &st); err != nil {
			t.Fatal(err)
		}
		st.Namespaces[0].Keys = nil // would be a change
		tt.change(st.Namespaces[0].Data)
		if err := srv.RestoreAll(st); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "data: ") {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		if diff := cmp.Diff(string(before), string(encode(t, srv.SnapshotAll()))); diff != "" {
			t.Fatalf("%s: something changed:\n%s", tt.name, diff)
		}
	}
}

func TestDataSetOverTheAdminAPIIsOnTheDiskWhenItIsAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv := mockserver.New(t, mockserver.WithoutSampleData(), mockserver.WithStateFile(path))
	saved := func() map[mockserver.Provider]mockserver.DataState {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		st, err := mockserver.ParseState(data)
		if err != nil {
			t.Fatal(err)
		}
		return st.Namespaces[0].Data
	}
	if got := adminCall(t, srv, "PUT", "/v1/namespaces/default/data/imkit/users", `{"items":[{"_id":"ann"}]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := len(saved()[mockserver.IMKIT]["users"]); got != 1 {
		t.Errorf("%d users in the file", got)
	}
	// a user with a token is saved with the token
	if got := asAdmin(t, srv, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"bob","issueAccessToken":true}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := len(saved()[mockserver.IMKIT]["users"]); got != 2 {
		t.Errorf("%d users in the file", got)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	again := mockserver.New(t, mockserver.WithStateFile(path))
	if got := asAdmin(t, again, mockserver.IMKIT, "GET", "/admin/clients", ""); !strings.Contains(got.body, `"totalCount":2`) {
		t.Errorf("after a restart: %s", got.body)
	}
}

// Saving reads a surface's data under its lock; a surface that gave out a token
// waits for a save. Neither may wait for the other for ever.
func TestTokensDataAndSavesDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv := mockserver.New(t, mockserver.WithoutSampleData(), mockserver.WithStateFile(path))
	key := srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{}))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", fmt.Sprintf(`{"_id":"u%d","issueAccessToken":true}`, i))
			key.Apply(r)
			if got := call(t, srv.Transport(), r); got.status != 200 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
		wg.Go(func() {
			room := fmt.Sprintf(`{"_id":"r%d","members":[]}`, i)
			if err := srv.SetData(mockserver.IMKIT, "rooms", []json.RawMessage{json.RawMessage(room)}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { srv.Snapshot() })
	}
	wg.Wait()
	if users, err := srv.Data(mockserver.IMKIT, "users"); err != nil || len(users) != 8 {
		t.Errorf("%d users, %v", len(users), err)
	}
	if rooms, err := srv.Data(mockserver.IMKIT, "rooms"); err != nil || len(rooms) != 1 {
		t.Errorf("%d rooms, %v", len(rooms), err)
	}
}

func TestVendorWritesAreSavedWithinTheDebounce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.WithStateFile(path), mockserver.WithFrozenClock(epoch))
		key := srv.Keys().Issue(mockserver.IMKIT)
		r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"ann"}`)
		key.Apply(r)
		if got := call(t, srv.Transport(), r); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		time.Sleep(201 * time.Millisecond) //nolint:forbidigo // in a bubble: the machine's time is the test's
		synctest.Wait()
		if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, []byte(`"_id": "ann"`)) {
			t.Errorf("not written after the debounce: %v", err)
		}
	})
}

// A client may put a credential anywhere. Neither the document nor the admin
// API shows it, and what refers to it still fits.
func TestDataIsRedacted(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	key, other := srv.Keys().Issue(mockserver.IMKIT), srv.Keys().Issue(mockserver.Optimove)
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	srv.Keys().Issue(mockserver.Iiniit, mockserver.Raw("an-imported-value"))
	secrets := []string{key.Secret.Reveal(), other.Secret.Reveal(), pair.Secret.Reveal(), pair.Token.Reveal(), "an-imported-value", "own-token-of-bob"}
	for _, step := range [][2]string{
		{"/admin/clients", `{"_id":"bob","token":"own-token-of-bob"}`},
		{"/admin/clients", `{"_id":"` + secrets[0] + `","nickname":"` + secrets[1] + `"}`},
		{"/admin/clients", `{"_id":"` + secrets[2] + `","description":"it is ` + secrets[3] + `, and an-imported-value"}`},
		{"/rooms", `{"_id":"r","members":["` + secrets[0] + `","` + secrets[2] + `"]}`},
		{"/messages", `{"room":"r","sender":"` + secrets[0] + `","messageType":"text","message":{"deep":["own-token-of-bob"]}}`},
		{"/config", `{"` + secrets[1] + `":1}`},
	} {
		if got := asAdmin(t, srv, mockserver.IMKIT, "POST", step[0], step[1]); got.status != 200 {
			t.Fatalf("%s: %d %s", step[0], got.status, got.body)
		}
	}
	doc := encode(t, srv.Snapshot())
	shown := string(doc)
	for _, c := range []string{"users", "rooms", "messages", "config"} {
		shown += adminCall(t, srv, "GET", "/v1/namespaces/default/data/imkit/"+c, "").body
	}
	for i, s := range secrets {
		if strings.Contains(shown, s) {
			t.Errorf("credential %d stands in the data", i)
		}
	}
	st, err := mockserver.ParseState(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := mockserver.New(t).Restore(st); err != nil {
		t.Errorf("the document with hidden IDs: %v", err)
	}
}
