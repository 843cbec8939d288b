package mockserver_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestAnEditedKeyIsWhatTheEditSaysAtOnceAndAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	srv := mockserver.New(t, mockserver.WithStateFile(path), mockserver.WithFrozenClock(epoch))
	issued := srv.Keys().Issue(mockserver.Optimove, mockserver.Named("ci"), mockserver.Contact("a@example.com"))
	key := "/v1/namespaces/default/keys/" + issued.ID

	want := issued.Key
	want.Name, want.Access, want.Limit = "nightly", mockserver.Integrations, &mockserver.Limit{Requests: 1, Per: time.Minute}
	got := adminJSON[mockserver.Key](t, srv, http.StatusOK, "PATCH", key,
		`{"name":"nightly","access":"Integrations","limit":{"requests":1,"per":"1m"}}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	saved, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(saved), `"name": "nightly"`) {
		t.Errorf("acknowledged before it was saved: %v\n%s", err, saved)
	}
	r := newRequest(t, mockserver.Optimove, "GET", "/current/model/GetLifecycleStageList", "")
	issued.Apply(r)
	if got := call(t, srv.Transport(), r); got.status != http.StatusForbidden {
		t.Errorf("with the access type edited: %d %s", got.status, got.body)
	}
	want.Limit = nil
	adminJSON[mockserver.Key](t, srv, http.StatusOK, "PATCH", key, `{"resetLimit":true}`)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	again := mockserver.New(t, mockserver.WithStateFile(path), mockserver.WithFrozenClock(epoch))
	got, _ = again.Keys().Get(issued.ID)
	want.LastUsed = got.LastUsed
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the restart (-want +got):\n%s", diff)
	}
	next, err := again.Keys().Rotate(issued.ID, 0)
	if err != nil || next.Name != "nightly" || next.Access != mockserver.Integrations {
		t.Errorf("the successor is %q with %q: %v", next.Name, next.Access, err)
	}
}

func TestAnEditedLimitAndEditedScopesHoldFromTheNextRequest(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, imin, mindkey := srv.Transport(), srv.Keys().Issue(mockserver.Imin), srv.Keys().Issue(mockserver.MindKey)
	const keys = "/v1/namespaces/default/keys/"
	statuses := []int{get(t, rt, imin).status, get(t, rt, mindkey).status}
	adminJSON[mockserver.Key](t, srv, http.StatusOK, "PATCH", keys+imin.ID, `{"limit":{"requests":1,"per":"1m"}}`)
	adminJSON[mockserver.Key](t, srv, http.StatusOK, "PATCH", keys+mindkey.ID, `{"scopes":[]}`)
	statuses = append(statuses, get(t, rt, imin).status, get(t, rt, imin).status, get(t, rt, mindkey).status)
	// MindKey answers 404 to a lacking scope.
	if diff := cmp.Diff([]int{200, 200, 200, 429, 404}, statuses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnEditThatDoesNotFitChangesNothing(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	imin := srv.Keys().Issue(mockserver.Imin)
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("u1"))
	optimove := srv.Keys().Issue(mockserver.Optimove)
	before := srv.Snapshot()
	tests := map[string]struct {
		id, body string
		status   int
		says     string
	}{
		"unknown field":             {imin.ID, `{"name":"x","secret":"s"}`, 400, "secret"},
		"wrong type":                {imin.ID, `{"name":1}`, 400, "name"},
		"no object":                 {imin.ID, `["name"]`, 400, "object"},
		"half a document":           {imin.ID, `{"name":"x"`, 400, "body"},
		"limit without a window":    {imin.ID, `{"name":"x","limit":{"requests":3}}`, 400, "positive"},
		"two limits":                {imin.ID, `{"limit":{"requests":0},"resetLimit":true}`, 400, "not both"},
		"access of another vendor":  {imin.ID, `{"name":"x","access":"Admin"}`, 400, "Optimove"},
		"access that there is none": {optimove.ID, `{"name":"x","access":"Root"}`, 400, "one of"},
		"scopes of a pair":          {pair.ID, `{"name":"x","scopes":["a"]}`, 400, "bearer"},
		"unknown key":               {"key_009999", `{"name":"x"}`, 404, "no such key"},
	}
	for name, tt := range tests {
		got := adminCall(t, srv, "PATCH", "/v1/namespaces/default/keys/"+tt.id, tt.body)
		if got.status != tt.status || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if diff := cmp.Diff(before, srv.Snapshot()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
