package mockserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// A generated client sends nothing where the document asks for nothing.
func TestAPostWithoutABodyNeedsNoContentType(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAdmin(mockserver.AdminConfig{Shutdown: func() {}, Reload: func() error { return nil }}))
	for _, path := range []string{
		"/v1/namespaces/default/keys/%s/expire", "/v1/namespaces/default/keys/%s/revoke", "/v1/namespaces/default/keys/%s/rotate",
		"/v1/namespaces/default/oauth/approve-next", "/v1/namespaces/default/oauth/expire-all",
		"/v1/namespaces/default/requests/count", "/v1/namespaces/default/requests/verify",
		"/v1/namespaces/default/reset", "/v1/reload", "/v1/shutdown",
	} {
		if strings.Contains(path, "%s") {
			path = fmt.Sprintf(path, srv.Keys().Issue(mockserver.IMKIT).ID)
		}
		for name, change := range map[string]func(*http.Request){
			"no type":                func(r *http.Request) { r.Header.Del("Content-Type"); r.Body, r.ContentLength = http.NoBody, 0 },
			"the type that curl has": func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
		} {
			got := adminCall(t, srv, "POST", path, "", change)
			if got.status/100 != 2 && got.status != 409 { // rotated already
				t.Errorf("%s, %s: %d %s", path, name, got.status, got.body)
			}
		}
	}
	if got := adminCall(t, srv, "POST", "/v1/namespaces/default/keys", ""); got.status != 400 {
		t.Errorf("a key of no provider: %d %s", got.status, got.body)
	}
}

func TestHeadIsAnsweredAsGetIs(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Keys().Issue(mockserver.IMKIT)
	heads := 0
	for _, op := range adminPaths(t) {
		got := adminCall(t, srv, "HEAD", op[1], "", func(r *http.Request) { r.Header.Del("Content-Type") })
		switch want := adminStatus(t, srv, op); {
		case op[0] != "GET":
			continue
		case got.status != want:
			t.Errorf("HEAD %s: %d, GET is %d", op[1], got.status, want)
		}
		heads++
	}
	if heads < 20 {
		t.Errorf("only %d paths: the test looks in the wrong place", heads)
	}
	if got := adminCall(t, srv, "HEAD", "/v1/namespaces/default/reset", ""); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("HEAD where there is no GET: %d %v", got.status, got.header)
	}
}

// adminStatus is the status of an operation; a stream would not end.
func adminStatus(t *testing.T, srv *mockserver.Server, op [2]string) int {
	t.Helper()
	if strings.HasSuffix(op[1], "/stream") || op[0] != "GET" {
		return http.StatusOK
	}
	return adminCall(t, srv, op[0], op[1], "").status
}

// The probe of a container comes by its address.
func TestTheHealthPathsAnswerUnderAnyHost(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, name := range []string{"10.0.0.5:4100", "mock", "evil.example", ""} {
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/version": 421, "/v1/namespaces": 421, "/healthz/x": 421} {
			if got := adminCall(t, srv, "GET", path, "", host(name)); got.status != want {
				t.Errorf("%s under %q: %d, want %d", path, name, got.status, want)
			}
		}
	}
}

// Editors on Windows write a byte order mark.
func TestAByteOrderMarkBeforeJSONIsIgnored(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	const mark = "\ufeff"
	state := mark + string(encode(t, srv.Snapshot()))
	for path, body := range map[string]string{
		"/v1/namespaces/default/state":                          state,
		"/v1/namespaces/default/data/imkit/users":               mark + `{"items":[{"_id":"ann"}]}`,
		"/v1/namespaces/default/data/mindkey/EmployeeEquipment": mark + " {\"items\":[]}",
	} {
		if got := adminCall(t, srv, "PUT", path, body); got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if _, err := mockserver.ParseState([]byte(state)); err != nil {
		t.Error(err)
	}
}

// A time without a zone is UTC, as every time that the mock writes.
func TestATimeWithoutAZoneIsUTC(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	for at, want := range map[string]string{
		"2027-02-28T09:00:00Z":           "2027-02-28T09:00:00Z",
		"2027-02-28T09:00:00+09:00":      "2027-02-28T00:00:00Z",
		"2027-02-28T09:00:00":            "2027-02-28T09:00:00Z",
		"2027-02-28T09:00:00.5":          "2027-02-28T09:00:00.5Z",
		"2027-02-28T09:00":               "2027-02-28T09:00:00Z",
		"2027-02-28 09:00:00":            "2027-02-28T09:00:00Z",
		"2027-02-28":                     "2027-02-28T00:00:00Z",
		"2028-02-29":                     "2028-02-29T00:00:00Z",
		"tomorrow":                       "",
		"":                               "",
		"2027-02-30":                     "",
		"2027-02-28T09:00:00 nonsense":   "",
		"28.02.2027":                     "",
		"2027-02-28T09:00:00 Asia/Tokyo": "",
	} {
		got := adminCall(t, srv, "PUT", "/v1/namespaces/default/clock", fmt.Sprintf(`{"mode":"frozen","at":%q}`, at))
		switch {
		case want == "" && (got.status != 400 || !strings.Contains(got.body, "it is UTC")):
			t.Errorf("%q: %d %s", at, got.status, got.body)
		case want != "" && !strings.Contains(got.body, `"now":"`+want+`"`):
			t.Errorf("%q: %d %s, want %s", at, got.status, got.body, want)
		}
	}
	if got := adminCall(t, srv, "PUT", "/v1/namespaces/default/clock", `{"mode":"frozen","at":5}`); got.status != 400 {
		t.Errorf("a number: %d %s", got.status, got.body)
	}
	path := "/v1/namespaces/default/keys?unused_since=2027-02-28"
	if got := adminCall(t, srv, "GET", path, ""); got.status != 200 {
		t.Errorf("%s: %d %s", path, got.status, got.body)
	}
}

// Each page reads its own keys, so a list of all takes time in proportion to their number.
func TestAPageOfKeysCostsTheSameHoweverManyThereAre(t *testing.T) { //nolint:paralleltest // it counts allocations
	srv := mockserver.New(t, mockserver.WithSeed(7))
	handler, token := srv.AdminHandler(), srv.AdminToken().Reveal()
	cost := func() float64 {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/v1/namespaces/default/keys?limit=50", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		return testing.AllocsPerRun(5, func() { handler.ServeHTTP(httptest.NewRecorder(), r) })
	}
	issue := func(n int) {
		for range n {
			srv.Keys().Issue(mockserver.MindKey)
		}
	}
	issue(60)
	few := cost()
	issue(5000)
	if many := cost(); many > few+20 {
		t.Errorf("%.0f allocations with 60 keys, %.0f with 5,060", few, many)
	}
}

func TestPagesOfKeysAreAllKeysOnce(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	var want []string
	for i := range 137 {
		p := mockserver.Providers()[i%2]
		k := srv.Keys().Issue(p, mockserver.Named("n"))
		if p == mockserver.MindKey {
			want = append(want, k.ID)
		}
	}
	for _, limit := range []int{1, 7, 68, 69, 1000} {
		var got []string
		for cursor := ""; ; {
			p := adminJSON[struct {
				Items []mockserver.Key
				Next  string
			}](t, srv, 200, "GET", fmt.Sprintf("/v1/namespaces/default/keys?provider=mindkey&limit=%d&cursor=%s", limit, cursor), "")
			for _, k := range p.Items {
				got = append(got, k.ID)
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}
