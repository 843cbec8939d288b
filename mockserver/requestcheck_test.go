package mockserver_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// wantsSmall refuses a body of more than three bytes.
func wantsSmall(operation string, r *http.Request) *mockserver.Misfit {
	body, _ := io.ReadAll(r.Body)
	if len(body) <= 3 {
		return nil
	}
	return &mockserver.Misfit{Status: http.StatusUnprocessableEntity, Why: "the body of " + operation + ", " + r.PathValue("id") + ": up to 3 bytes"}
}

func send(t *testing.T, srv *mockserver.Server, method, url, body string, key *mockserver.Issued) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != nil {
		key.Apply(r)
	}
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}

func TestARequestIsCheckedBehindItsKeyAndBeforeTheLimit(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(mockserver.API{
		Name: "acme", Schemes: []mockserver.Scheme{{Header: "X-Acme-Key"}}, Limit: mockserver.Limit{Requests: 1, Per: time.Minute},
		Routes: []mockserver.Route{{Pattern: "POST /a/{id}.json", Reply: mockserver.Reply{Body: "{path.id}"}}},
	}), mockserver.WithRequestCheck("acme", wantsSmall), mockserver.WithRequestCheck(mockserver.Imin, wantsSmall))
	key, imin := srv.Keys().Issue("acme"), srv.Keys().Issue(mockserver.Imin)
	const at = "http://acme.localhost/a/7.json"
	var got []any
	for _, c := range []struct {
		method, url, body string
		key               *mockserver.Issued
	}{
		{"POST", at, "long", nil},
		{"POST", at, "long", &key},
		{"POST", at, "long", &key}, // it has not used the limit
		{"POST", at, "ok", &key},
		{"POST", at, "long", &key},
		{"POST", at, "ok", &key},
		{"POST", "http://acme.localhost/a/.json", "long", &key},
		{"GET", "http://imin.localhost/firehose/datasets", "long", &imin},
	} {
		status, text := send(t, srv, c.method, c.url, c.body, c.key)
		got = append(got, status, text)
	}
	const misfit = `{"error":{"code":"invalid_request","message":"The request does not fit the API: the body of POST /a/{id}.json, 7: up to 3 bytes."}}`
	want := []any{
		401, `{"error":{"code":"missing_api_key","message":"No API key was sent."}}`,
		422, misfit, 422, misfit, 200, "7", 422, misfit,
		429, `{"error":{"code":"rate_limit_exceeded","message":"Too many requests; try again in 60 s."}}`,
		404, `{"error":{"code":"not_found","message":"There is no such resource."}}`,
		422, `{"error":"invalid_request","message":"the body of GET /firehose/datasets, : up to 3 bytes"}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n := len(srv.Requests(mockserver.Match{Outcome: mockserver.InvalidRequest})); n != 4 {
		t.Errorf("%d entries of the journal are invalid_request", n)
	}
	if _, err := mockserver.NewHandler(mockserver.WithRequestCheck("acme", wantsSmall)); !errors.Is(err, mockserver.ErrNoSuchVendor) {
		t.Error(err)
	}
}

func TestAWildcardCanBeAPartOfASegment(t *testing.T) {
	t.Parallel()
	api := mockserver.API{Name: "acme", Schemes: []mockserver.Scheme{{Basic: true}}}
	for pattern, body := range map[string]string{
		"GET /{id}":             "id={path.id}",
		"GET /{id}.json":        "json={path.id}",
		"GET /v{n}.json":        "v={path.n}",
		"GET /me.json":          "me",
		"GET /{a}-{b}/x":        "{path.a} {path.b}",
		"GET /{id}:cancel":      "cancel {path.id}",
		"GET /{id}/{b}..{c}.gz": "{path.id} {path.b} {path.c}",
	} {
		api.Routes = append(api.Routes, mockserver.Route{Pattern: pattern, Open: true, Reply: mockserver.Reply{Body: body}})
	}
	srv := mockserver.New(t, mockserver.WithAPI(api))
	got := make(map[string]string)
	want := map[string]string{
		"/a": "id=a", "/a.json": "json=a", "/a.b.json": "json=a.b", "/.json": "id=.json", "/v1.json": "v=1", "/v.json": "json=v", "/me.json": "me",
		"/a-b/x": "a b", "/a-b-c/x": "a b-c", "/--a/x": "- a", "/a-/x": "404", "/-a/x": "404", "/a%2Fb.json": "json=a/b", "/x:cancel": "cancel x",
		"/o/a..b.gz": "o a b", "/o/a....gz": "o a .", "/o/...gz": "404",
	}
	for path := range want {
		status, text := send(t, srv, "GET", "http://acme.localhost"+path, "", nil)
		if status != http.StatusOK {
			text = "404"
		}
		got[path] = text
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, bad := range []string{"GET /{a}{b}", "GET /{a}.{a}", "GET /{a", "GET /a}", "GET /{}x", "GET /{a.b}x", "GET /{a}/{a}.x", "GET /%{a}"} {
		api.Routes = []mockserver.Route{{Pattern: bad}}
		if err := api.Valid(); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	api.Routes = []mockserver.Route{{Pattern: "GET /{a}.x"}, {Pattern: "GET /{b}.x"}}
	if err := api.Valid(); err == nil {
		t.Error("two routes take the same requests")
	}
}
