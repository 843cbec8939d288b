package mockserver_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// adminCall sends a request to the admin API in memory; body "" sends none.
func adminCall(tb testing.TB, srv *mockserver.Server, method, path, body string, change ...func(*http.Request)) answer {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "http://127.0.0.1:1"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
	if method != "GET" && method != "DELETE" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	srv.AdminHandler().ServeHTTP(w, r)
	return answer{w.Code, w.Body.String(), w.Header()}
}

// adminJSON is adminCall that wants a status and decodes the answer.
func adminJSON[T any](tb testing.TB, srv *mockserver.Server, status int, method, path, body string) T {
	tb.Helper()
	got := adminCall(tb, srv, method, path, body)
	var out T
	if got.status != status {
		tb.Fatalf("%s %s: %d, want %d: %s", method, path, got.status, status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), &out); err != nil {
		tb.Fatalf("%s %s: %v: %s", method, path, err, got.body)
	}
	return out
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }

// adminPaths lists every operation as the served document tells them, with
// something in the place of parameters.
func adminPaths(t *testing.T) (out [][2]string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(mockserver.AdminOpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{ns}", "default", "{id}", "key_000001", "{provider}", "imkit")
	for path, methods := range doc.Paths {
		for method := range methods {
			out = append(out, [2]string{strings.ToUpper(method), fill.Replace(path)})
		}
	}
	if len(out) < 50 {
		t.Fatalf("only %d operations: the test looks in the wrong place", len(out))
	}
	return out
}

func TestCallersWithoutTheTokenAreRefusedOnEveryAdminPath(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Keys().Issue(mockserver.IMKIT)
	before := srv.Snapshot()
	open := map[string]bool{"/healthz": true, "/readyz": true, "/version": true}
	strangers := []struct {
		name   string
		status int
		change func(*http.Request)
		open   bool // refused on the open paths too
	}{
		{"foreign host", 421, host("evil.example"), true},
		{"foreign host that starts like ours", 421, host("127.0.0.1.evil.example:80"), true},
		{"host of the network", 421, host("192.168.1.7:80"), true},
		{"no host", 421, host(""), true},
		{"foreign origin", 403, header("Origin", "https://evil.example"), true},
		{"null origin", 403, header("Origin", "null"), true},
		{"origin of another port", 403, header("Origin", "http://127.0.0.1:2"), true},
		{"cross-site fetch", 403, header("Sec-Fetch-Site", "cross-site"), true},
		{"same-site fetch", 403, header("Sec-Fetch-Site", "same-site"), true},
		{"no token", 401, func(r *http.Request) { r.Header.Del("Authorization") }, false},
		{"wrong token", 401, header("Authorization", "Bearer 0123456789abcdef"), false},
		{"half a token", 401, header("Authorization", "Bearer "+srv.AdminToken().Reveal()[:8]), false},
		{"token with another scheme", 401, header("Authorization", "Basic "+srv.AdminToken().Reveal()), false},
		{"bare token", 401, header("Authorization", srv.AdminToken().Reveal()), false},
	}
	for _, op := range append(adminPaths(t), [2]string{"GET", "/v1/nowhere"}, [2]string{"GET", "/"}) {
		for _, s := range strangers {
			probed := s.status == 421 && op[1] != "/version" // the health paths answer under any host
			if open[op[1]] && (!s.open || probed) {
				continue
			}
			got := adminCall(t, srv, op[0], op[1], "{}", s.change)
			if got.status != s.status || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s on %s %s: %d %s", s.name, op[0], op[1], got.status, got.body)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s allows other origins", op[0], op[1])
			}
		}
	}
	if diff := cmp.Diff(before, srv.Snapshot()); diff != "" {
		t.Errorf("a stranger changed something (-before +after):\n%s", diff)
	}
}

func TestCallersWithTheTokenAreAccepted(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAdmin(mockserver.AdminConfig{Token: "a token of my own", Hosts: []string{"Mock.internal"}}))
	for name, change := range map[string]func(*http.Request){
		"IPv4":                 host("127.0.0.1:4100"),
		"another loopback":     host("127.9.9.9"),
		"IPv6":                 host("[::1]:4100"),
		"localhost":            host("LOCALHOST:4100"),
		"a configured host":    host("mock.INTERNAL:4100"),
		"same origin":          header("Origin", "http://127.0.0.1:1"),
		"same-origin fetch":    header("Sec-Fetch-Site", "same-origin"),
		"typed by the user":    header("Sec-Fetch-Site", "none"),
		"scheme in lower case": header("Authorization", "bearer a token of my own"),
	} {
		if got := adminCall(t, srv, "GET", "/v1/namespaces", "", change); got.status != 200 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/version"} {
		if got := adminCall(t, srv, "GET", path, "", func(r *http.Request) { r.Header.Del("Authorization") }); got.status != 200 {
			t.Errorf("%s without token: %d", path, got.status)
		}
	}
}

func TestEveryAdminRouteMatchesItsDocument(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, op := range adminPaths(t) {
		if strings.HasSuffix(op[1], "/stream") || strings.HasSuffix(op[1], "/wait") {
			continue // take their time; see below
		}
		got := adminCall(t, srv, op[0], op[1], "")
		if got.status == 405 || strings.Contains(got.body, "no such path") || got.status >= 500 {
			t.Errorf("%s %s: %d %s", op[0], op[1], got.status, got.body)
		}
	}
	for path, want := range map[string]string{"/v1/namespaces/default/clock": "GET, HEAD, PUT", "/v1/state": "GET, HEAD, PUT", "/healthz": "GET, HEAD"} {
		got := adminCall(t, srv, "PATCH", path, "{}")
		if diff := cmp.Diff([]string{"405", want}, []string{fmt.Sprint(got.status), got.header.Get("Allow")}); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
}

func TestBadInputIsAClearRefusalAndChangesNothing(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	key := srv.Keys().Issue(mockserver.MindKey)
	const ns = "/v1/namespaces/default"
	before := srv.Snapshot()
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		detail                   string
	}{
		{"empty body", "POST", ns + "/keys", "", 400, "provider: one of imin"},
		{"broken JSON", "POST", ns + "/keys", `{"provider":`, 400, "cut short"},
		{"not JSON", "POST", ns + "/keys", `{provider}`, 400, "not JSON"},
		{"no object", "POST", ns + "/keys", `["imkit"]`, 400, "not a JSON object"},
		{"unknown field", "POST", ns + "/keys", `{"provider":"imkit","nope":1}`, 400, `unknown field "nope"`},
		{"unknown nested field", "POST", ns + "/keys", `{"provider":"imkit","limit":{"requests":1,"per":"1s","nope":1}}`, 400, "limit"},
		{"something behind", "POST", ns + "/keys", `{"provider":"imkit"} {}`, 400, "after the end"},
		{"wrong type", "POST", ns + "/keys", `{"provider":7}`, 400, "provider has the wrong type"},
		{"unknown provider", "POST", ns + "/keys", `{"provider":"acme"}`, 400, "provider: one of"},
		{"pair outside IMKIT", "POST", ns + "/keys", `{"provider":"imin","kind":"pair"}`, 400, "client keys are IMKIT's"},
		{"unknown kind", "POST", ns + "/keys", `{"provider":"imkit","kind":"token"}`, 400, "kind: one of"},
		{"no duration", "POST", ns + "/keys", `{"provider":"imkit","expiresIn":"soon"}`, 400, "not a duration"},
		{"negative life", "POST", ns + "/keys", `{"provider":"imkit","expiresIn":"-1h"}`, 400, "negative"},
		{"two ends", "POST", ns + "/keys", `{"provider":"imkit","expiresIn":"1h","expiresAt":"2027-01-01T00:00:00Z"}`, 400, "not both"},
		{"access of another", "POST", ns + "/keys", `{"provider":"imkit","access":"Admin"}`, 400, "Optimove's"},
		{"limit without time", "POST", ns + "/keys", `{"provider":"imkit","limit":{"requests":1}}`, 400, "limit"},
		{"no such key", "GET", ns + "/keys/key_999999", "", 404, "no such key"},
		{"revoke no such key", "POST", ns + "/keys/key_999999/revoke", "{}", 404, "no such key"},
		{"negative overlap", "POST", ns + "/keys/" + key.ID + "/rotate", `{"overlap":"-1s"}`, 400, "negative"},
		{"body where none belongs", "POST", ns + "/keys/" + key.ID + "/expire", `{"now":true}`, 400, "unknown field"},
		{"no such namespace", "GET", "/v1/namespaces/nope/keys", "", 404, "no such namespace"},
		{"namespace that is no host name", "POST", "/v1/namespaces", `{"name":"A b"}`, 400, "host name"},
		{"namespace of a provider's name", "POST", "/v1/namespaces", `{"name":"imkit"}`, 400, "provider's"},
		{"default namespace again", "POST", "/v1/namespaces", `{"name":"default"}`, 409, "exists"},
		{"default namespace away", "DELETE", ns, "", 409, "default"},
		{"unknown query", "GET", ns + "/keys?staus=active", "", 400, "query"},
		{"repeated query", "GET", ns + "/keys?status=active&status=expired", "", 400, "query"},
		{"limit of nothing", "GET", ns + "/keys?limit=0", "", 400, "limit"},
		{"foreign cursor", "GET", ns + "/keys?cursor=abc!", "", 400, "cursor"},
		{"clock without mode", "PUT", ns + "/clock", "{}", 400, "mode"},
		{"clock beyond what it can hold", "PUT", ns + "/clock", `{"mode":"frozen","at":"9999-01-01T00:00:00Z"}`, 400, "2150"},
		{"clock backwards", "POST", ns + "/clock/advance", `{"by":"-1s"}`, 400, "positive"},
		{"clock too far", "POST", ns + "/clock/advance", `{"by":"50000d"}`, 400, "positive"},
		{"unknown fault", "POST", ns + "/faults", `{"fault":{"kind":"fire"}}`, 400, "unknown kind"},
		{"fault without kind", "POST", ns + "/faults", `{}`, 400, "unknown kind"},
		{"fault by outcome", "POST", ns + "/faults", `{"match":{"outcome":"ok"},"fault":{"kind":"stall"}}`, 400, "after the answer"},
		{"fault with a probability of 2", "POST", ns + "/faults", `{"fault":{"kind":"stall"},"when":[{"probability":2}]}`, 400, "between 0 and 1"},
		{"status that is none", "POST", ns + "/faults", `{"fault":{"kind":"status","status":1000}}`, 400, "between 200 and 599"},
		{"unknown outcome", "POST", ns + "/requests/count", `{"match":{"outcome":"fine"}}`, 400, "unknown outcome"},
		{"wait for ever", "POST", ns + "/requests/wait", `{"timeout":"1h"}`, 400, "at most 5m"},
		{"no request", "GET", ns + "/requests/1", "", 404, "there was no request"},
		{"request that is no number", "GET", ns + "/requests/one", "", 400, "number"},
		{"diagnose nothing", "POST", ns + "/diagnose", `{}`, 400, "url"},
		{"diagnose nobody's host", "POST", ns + "/diagnose", `{"url":"https://example.com/"}`, 400, "give the provider too"},
		{"diagnose broken raw", "POST", ns + "/diagnose", `{"provider":"imkit","raw":"hello"}`, 400, "HTTP/1.1"},
		{"state of another format", "PUT", ns + "/state", `{"format":"x","version":1}`, 400, "no state document"},
		{"state from the future", "PUT", ns + "/state", `{"format":"keyfit-mock-state","version":5}`, 400, "newer keyfit"},
		{"data of an unknown provider", "GET", ns + "/data/acme", "", 404, "no such provider"},
		{"an unknown collection", "GET", ns + "/data/imkit/cars", "", 404, "there are users, groups, rooms"},
		{"a collection of who has none", "PUT", ns + "/data/iiniit/tokens", `{"items":[]}`, 404, "stores none"},
		{"data without items", "PUT", ns + "/data/imkit/users", `{}`, 400, "items is required"},
		{"data of another shape", "PUT", ns + "/data/imkit/users", `{"items":{}}`, 400, "items"},
		{"a state with data that does not fit", "PUT", ns + "/state", `{"format":"keyfit-mock-state","version":2,"namespaces":[{"name":"default","keys":[],"data":{"imkit":{"groups":[{"_id":"g","nickname":"G","members":["nobody"]}]}}}]}`, 400, "data: imkit: groups[0]: members[0] is not a user"},
		{"state with a bad key", "PUT", ns + "/state", `{"format":"keyfit-mock-state","version":1,"namespaces":[{"name":"default","keys":[{"id":"key_1","provider":"imkit","kind":"key","sha256":"12","created":"2027-01-01T00:00:00Z"}]}]}`, 400, "keys[0]: sha256"},
		{"unknown profile outcome", "PATCH", ns + "/providers/imkit", `{"profile":{"answers":{"nope":{"status":401}}}}`, 400, "unknown outcome"},
		{"reload without a file", "POST", "/v1/reload", "", 409, "configuration file"},
		{"shutdown of a library", "POST", "/v1/shutdown", "", 409, "runs inside a program"},
		{"no TLS", "GET", "/ca.pem", "", 404, "--tls"},
	} {
		got := adminCall(t, srv, tt.method, tt.path, tt.body)
		var p struct {
			Title, Detail string
			Status        int
		}
		if err := json.Unmarshal([]byte(got.body), &p); err != nil {
			t.Errorf("%s: %d %q is no problem document", tt.name, got.status, got.body)
			continue
		}
		if got.status != tt.status || p.Status != tt.status || !strings.Contains(p.Detail, tt.detail) || strings.Contains(p.Detail, "\n") {
			t.Errorf("%s: %d %s, want %d with %q", tt.name, got.status, got.body, tt.status, tt.detail)
		}
	}
	if diff := cmp.Diff(before, srv.Snapshot()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

func TestWritesAreJSONAndBounded(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	const path = "/v1/namespaces/default/keys"
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin1", "application/json,text/plain"} {
		if got := adminCall(t, srv, "POST", path, `{"provider":"imkit"}`, header("Content-Type", kind)); got.status != 415 {
			t.Errorf("content type %q: %d", kind, got.status)
		}
	}
	big := `{"provider":"imkit","name":"` + strings.Repeat("x", 1<<20) + `"}`
	if got := adminCall(t, srv, "POST", path, big); got.status != 413 {
		t.Errorf("a body over 1 MiB: %d", got.status)
	}
	if keys := srv.Keys().List(mockserver.KeyFilter{}); len(keys) != 0 {
		t.Errorf("keys were issued: %v", keys)
	}
}

// issued is a key as the admin API shows it once.
type issued struct {
	mockserver.Key
	Secret, Token string
	Headers       map[string]string
}

func TestTheAdminAPICoversTheLifeOfAKey(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt := srv.Transport()
	const keys = "/v1/namespaces/default/keys"
	status := func(k issued) int {
		method, path := probe(k.Provider)
		r := newRequest(t, k.Provider, method, path, "")
		for name, value := range k.Headers {
			r.Header.Set(name, value)
		}
		return call(t, rt, r).status
	}
	for _, p := range mockserver.Providers() {
		first := adminJSON[issued](t, srv, 201, "POST", keys, fmt.Sprintf(`{"provider":%q,"name":"ci","expiresIn":"30d"}`, p))
		if got := status(first); got != 200 {
			t.Errorf("%s: issued key: %d", p, got)
		}
		second := adminJSON[issued](t, srv, 201, "POST", keys+"/"+first.ID+"/rotate", `{"overlap":"1h"}`)
		if got := []int{status(first), status(second)}; cmp.Diff([]int{200, 200}, got) != "" {
			t.Errorf("%s: in the overlap: %v", p, got)
		}
		adminJSON[map[string]any](t, srv, 200, "POST", "/v1/namespaces/default/clock/advance", `{"by":"1h"}`)
		if got := []bool{status(first) == 200, status(second) == 200}; cmp.Diff([]bool{false, true}, got) != "" {
			t.Errorf("%s: after the overlap: %v", p, got)
		}
		ended := adminJSON[mockserver.Key](t, srv, 200, "POST", keys+"/"+second.ID+"/revoke", `{"reason":"test"}`)
		if diff := cmp.Diff([]string{"revoked", "test"}, []string{string(ended.Status), ended.RevokeReason}); diff != "" {
			t.Errorf("%s: %s", p, diff)
		}
		if got := status(second); got == 200 {
			t.Errorf("%s: a revoked key: %d", p, got)
		}
		if got := adminCall(t, srv, "POST", keys+"/"+second.ID+"/rotate", "{}"); got.status != 409 {
			t.Errorf("%s: rotating a revoked key: %d", p, got.status)
		}
		for _, k := range []issued{first, second} {
			if got := adminCall(t, srv, "GET", keys+"/"+k.ID, ""); strings.Contains(got.body, k.Secret) || got.status != 200 {
				t.Errorf("%s: shown again: %s", p, got.body)
			}
		}
	}
}

func TestAnIdempotencyKeyMakesOneKey(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	const path, body = "/v1/namespaces/default/keys", `{"provider":"imkit"}`
	first := adminCall(t, srv, "POST", path, body, header("Idempotency-Key", "one"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			again := adminCall(t, srv, "POST", path, body, header("Idempotency-Key", "one"))
			if again.body != first.body || again.status != 201 || again.header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("again: %d %s, want what was answered first: %s", again.status, again.body, first.body)
			}
		})
	}
	wg.Wait()
	if got := adminCall(t, srv, "POST", path, `{"provider":"imin"}`, header("Idempotency-Key", "one")); got.status != 422 {
		t.Errorf("the same key with another body: %d", got.status)
	}
	if got := adminCall(t, srv, "POST", path, `{"provider":"acme"}`, header("Idempotency-Key", "two")); got.status != 400 {
		t.Errorf("a refused operation: %d", got.status)
	}
	if got := adminCall(t, srv, "POST", path, `{"provider":"imin"}`, header("Idempotency-Key", "two")); got.status != 201 {
		t.Errorf("what was refused may be tried again: %d", got.status)
	}
	rotate := path + "/key_000001/rotate"
	a, b := adminCall(t, srv, "POST", rotate, "", header("Idempotency-Key", "one")), adminCall(t, srv, "POST", rotate, "", header("Idempotency-Key", "one"))
	if a.status != 201 || a.body != b.body {
		t.Errorf("rotate: %d %s, then %s", a.status, a.body, b.body)
	}
	if got := len(srv.Keys().List(mockserver.KeyFilter{})); got != 3 {
		t.Errorf("%d keys, want 3", got)
	}
	for i := range 300 { // the memory is bounded: the oldest is forgotten
		adminCall(t, srv, "POST", path, body, header("Idempotency-Key", fmt.Sprint("n", i)))
	}
	if got := adminCall(t, srv, "POST", path, body, header("Idempotency-Key", "one")); got.header.Get("Idempotency-Replayed") != "" {
		t.Error("300 operations later the first is remembered")
	}
}

type pageOf[T any] struct {
	Items []T
	Next  string
}

func TestListsComeInPagesWithoutGapOrRepetition(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt := srv.Transport()
	for i := range 25 {
		k := srv.Keys().Issue(mockserver.IMKIT, mockserver.Named(fmt.Sprint(i%2)))
		get(t, rt, k)
	}
	walk := func(path string, id func(json.RawMessage) string) (ids []string) {
		next := ""
		for {
			p := adminJSON[pageOf[json.RawMessage]](t, srv, 200, "GET", path+next, "")
			if len(p.Items) > 7 {
				t.Fatalf("%d items on a page of 7", len(p.Items))
			}
			for _, x := range p.Items {
				ids = append(ids, id(x))
			}
			if p.Next == "" {
				return ids
			}
			srv.Keys().Issue(mockserver.Imin) // lists grow meanwhile
			next = "&cursor=" + p.Next
		}
	}
	var want []string
	for i := 1; i <= 25; i++ {
		want = append(want, fmt.Sprintf("key_%06d", i))
	}
	if diff := cmp.Diff(want, walk("/v1/namespaces/default/keys?provider=imkit&limit=7", func(m json.RawMessage) string {
		var k mockserver.Key
		_ = json.Unmarshal(m, &k)
		return k.ID
	})); diff != "" {
		t.Errorf("keys:\n%s", diff)
	}
	want = nil
	for i := 25; i >= 1; i-- {
		want = append(want, fmt.Sprint(i))
	}
	if diff := cmp.Diff(want, walk("/v1/namespaces/default/requests?limit=7&outcome=ok", func(m json.RawMessage) string {
		var x mockserver.Exchange
		_ = json.Unmarshal(m, &x)
		return fmt.Sprint(x.ID)
	})); diff != "" {
		t.Errorf("requests, newest first:\n%s", diff)
	}
}

// events reads n server-sent events of kind request.
func events(t *testing.T, body *bufio.Reader, n int) (out []mockserver.Exchange) {
	t.Helper()
	for len(out) < n {
		line, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d events: %v", len(out), err)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var x mockserver.Exchange
			if err := json.Unmarshal([]byte(data), &x); err != nil {
				t.Fatal(err)
			}
			out = append(out, x)
		}
	}
	return out
}

func stream(t *testing.T, srv *mockserver.Server, query string, change ...func(*http.Request)) (*bufio.Reader, func()) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.AdminURL()+"/v1/namespaces/default/requests/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
	for _, f := range change {
		f(r)
	}
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(r)
	if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("stream: %v %v", res, err)
	}
	return bufio.NewReader(res.Body), func() { res.Body.Close() }
}

func TestTheStreamShowsRequestsAsTheyArrive(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	get(t, rt, key) // before: not shown
	all, done := stream(t, srv, "")
	defer done()
	refused, done2 := stream(t, srv, "?outcome=missing_key")
	defer done2()
	get(t, rt, key)
	call(t, rt, newRequest(t, mockserver.IMKIT, "GET", "/admin/connection-count", ""))
	get(t, rt, key)
	got := events(t, all, 3)
	if diff := cmp.Diff([]string{"2 ok", "3 missing_key", "4 ok"}, summaries(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3 missing_key"}, summaries(events(t, refused, 1))); diff != "" {
		t.Error(diff)
	}
	again, done3 := stream(t, srv, "", header("Last-Event-ID", "2"))
	defer done3()
	if diff := cmp.Diff([]string{"3 missing_key", "4 ok"}, summaries(events(t, again, 2))); diff != "" {
		t.Errorf("with Last-Event-ID:\n%s", diff)
	}
}

func TestTheStreamShowsADelayedRequestTwice(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	srv.Inject(mockserver.Match{}, mockserver.Latency(time.Hour), mockserver.First(1))
	all, done := stream(t, srv, "")
	defer done()
	var wg sync.WaitGroup
	wg.Go(func() { get(t, rt, key) })
	if diff := cmp.Diff([]string{"1 pending"}, summaries(events(t, all, 1))); diff != "" {
		t.Error(diff)
	}
	get(t, rt, key) // passes the one that waits
	if diff := cmp.Diff([]string{"2 ok"}, summaries(events(t, all, 1))); diff != "" {
		t.Error(diff)
	}
	srv.Clock().Advance(time.Hour)
	if diff := cmp.Diff([]string{"1 ok"}, summaries(events(t, all, 1))); diff != "" {
		t.Error(diff)
	}
	wg.Wait()
}

func summaries(xs []mockserver.Exchange) (out []string) {
	for _, x := range xs {
		out = append(out, fmt.Sprintf("%d %s", x.ID, x.Outcome))
	}
	return out
}

func TestDiagnoseSaysWhyAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	key := srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	mind := srv.Keys().Issue(mockserver.MindKey, mockserver.Scopes())
	const secret = "a-production-key-0123456789abcdef"
	type verdict struct {
		Provider  mockserver.Provider
		Diagnosis mockserver.Diagnosis
		Answer    *struct {
			Status int
			Body   string
		}
	}
	body := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	get(t, srv.Transport(), key) // the window is full now
	for _, tt := range []struct {
		name    string
		body    map[string]any
		outcome mockserver.Outcome
		status  int
		part    string
	}{
		{"wrong header, by the vendor's host", map[string]any{"url": "https://connector.mindkey.com/ping", "headers": []string{"X-API-KEY: " + secret}}, mockserver.WrongHeader, 401, "`Authorization: ApiKey-v2"},
		{"foreign key, raw", map[string]any{"provider": "imkit", "raw": "GET /admin/connection-count HTTP/1.1\nHost: x\nIM-API-KEY: " + secret}, mockserver.NotAMockKey, 401, "INVALID_API_KEY"},
		{"full window, by the listener's port", map[string]any{"url": srv.BaseURL(mockserver.IMKIT) + "/admin/connection-count", "headers": []string{"im-api-key: " + key.Secret.Reveal()}}, mockserver.RateLimited, 429, "\"retryAfter\": 60"},
		{"half a pair", map[string]any{"url": "http://imkit.localhost/me", "headers": []string{"IM-CLIENT-KEY: " + pair.Secret.Reveal()}}, mockserver.MissingPair, 401, "INVALID_TOKEN"},
		{"missing scope", map[string]any{"url": "https://connector.mindkey.com/odata/v2/Employee", "headers": []string{"Authorization: ApiKey-v2 " + mind.Secret.Reveal()}}, mockserver.InsufficientScope, 404, "Not Found"},
		{"no such operation", map[string]any{"provider": "imin", "url": "/nowhere", "headers": []string{"X-API-KEY: " + srv.Keys().Issue(mockserver.Imin).Secret.Reveal()}}, mockserver.NotFound, 404, "Not Found"},
		{"two keys", map[string]any{"provider": "imin", "url": "/events-api/v2/event-series", "headers": []string{"X-API-KEY: " + secret, "X-API-KEY: " + secret}}, mockserver.DuplicateKey, 401, ""},
	} {
		got := adminCall(t, srv, "POST", "/v1/namespaces/default/diagnose", body(tt.body))
		var v verdict
		if err := json.Unmarshal([]byte(got.body), &v); err != nil || got.status != 200 {
			t.Errorf("%s: %d %s", tt.name, got.status, got.body)
			continue
		}
		if v.Diagnosis.Outcome != tt.outcome || v.Answer == nil || v.Answer.Status != tt.status || !strings.Contains(got.body+v.Answer.Body, tt.part) {
			t.Errorf("%s: %s, want %s %d %q", tt.name, got.body, tt.outcome, tt.status, tt.part)
		}
		for _, s := range []string{secret, key.Secret.Reveal(), pair.Secret.Reveal(), mind.Secret.Reveal()} {
			if strings.Contains(got.body, s) {
				t.Errorf("%s: repeats a value: %s", tt.name, got.body)
			}
		}
	}
	srv.Expect(t, mockserver.Match{}, 1)
}

func TestTheAdminAPIControlsTheMock(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	const ns = "/v1/namespaces/default"
	fault := adminJSON[struct{ ID string }](t, srv, 201, "POST", ns+"/faults", `{"match":{"provider":"imkit"},"fault":{"kind":"status","status":503},"when":[{"first":1}]}`)
	if got := []int{get(t, rt, key).status, get(t, rt, key).status}; cmp.Diff([]int{503, 200}, got) != "" {
		t.Errorf("first 1: %v", got)
	}
	if got := adminCall(t, srv, "DELETE", ns+"/faults/"+fault.ID, ""); got.status != 204 {
		t.Errorf("remove fault: %d", got.status)
	}
	if got := adminCall(t, srv, "DELETE", ns+"/faults/"+fault.ID, ""); got.status != 404 {
		t.Errorf("remove it again: %d", got.status)
	}
	adminJSON[any](t, srv, 200, "PATCH", ns+"/providers/imkit", `{"limit":{"requests":1,"per":"1m"},"profile":{"hints":["body","seconds"],"shape":"enveloped"}}`)
	get(t, rt, key)
	limited := get(t, rt, key)
	if limited.status != 429 || limited.header.Get("Retry-After") != "60" || !strings.Contains(limited.body, `"RC": 429`) {
		t.Errorf("limited: %d %v %s", limited.status, limited.header, limited.body)
	}
	adminJSON[any](t, srv, 200, "PATCH", ns+"/providers/imkit", `{"reset":true}`)
	if got := get(t, rt, key); got.status != 200 {
		t.Errorf("after a reset: %d", got.status)
	}
	counts := adminJSON[mockserver.Counts](t, srv, 200, "POST", ns+"/requests/count", `{"match":{"provider":"imkit"}}`)
	if diff := cmp.Diff(map[mockserver.Outcome]int{"ok": 3, "faulted": 1, "rate_limited": 1}, counts.ByOutcome); diff != "" {
		t.Error(diff)
	}
	clock := adminJSON[struct{ Now time.Time }](t, srv, 200, "PUT", ns+"/clock", `{"mode":"frozen","at":"2028-02-29T12:00:00Z"}`)
	if !clock.Now.Equal(time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("clock: %s", clock.Now)
	}
	verify := adminJSON[struct{ OK bool }](t, srv, 200, "POST", ns+"/requests/verify", `{"match":{"outcome":"ok"},"n":3}`)
	waited := adminJSON[struct{ Reached bool }](t, srv, 200, "POST", ns+"/requests/wait", `{"n":5,"timeout":"1s"}`)
	if !verify.OK || !waited.Reached {
		t.Errorf("verify %v, wait %v", verify, waited)
	}
	if got := adminCall(t, srv, "DELETE", ns+"/requests", ""); got.status != 204 || srv.Counts(mockserver.Match{}).Total != 0 {
		t.Errorf("forget: %d", got.status)
	}
}

func TestHooksServeReloadAndShutdown(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	var wrong error
	srv := mockserver.New(t, mockserver.WithAdmin(mockserver.AdminConfig{
		Config: func() any { return "mine" }, Reload: func() error { return wrong }, Shutdown: func() { close(ended) }, Version: "1.2.3",
	}))
	if got := adminCall(t, srv, "POST", "/v1/reload", ""); got.status != 200 {
		t.Errorf("reload: %d", got.status)
	}
	wrong = errors.New("line 3 is wrong")
	if got := adminCall(t, srv, "POST", "/v1/reload", ""); got.status != 422 || !strings.Contains(got.body, "line 3") {
		t.Errorf("bad reload: %d %s", got.status, got.body)
	}
	if got := adminCall(t, srv, "GET", "/v1/config", ""); !strings.Contains(got.body, `"config":"mine"`) {
		t.Errorf("config: %s", got.body)
	}
	if got := adminCall(t, srv, "GET", "/version", ""); !strings.Contains(got.body, `"1.2.3"`) {
		t.Errorf("version: %s", got.body)
	}
	if got := adminCall(t, srv, "POST", "/v1/shutdown", ""); got.status != 202 {
		t.Errorf("shutdown: %d", got.status)
	}
	<-ended
}

func TestMetricsAreExactAndWellFormed(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(0, 0))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	for range 3 {
		get(t, rt, key)
	}
	call(t, rt, newRequest(t, mockserver.Imin, "GET", "/x", ""))
	srv.InNamespace(`te"st\`).Keys().Issue(mockserver.MindKey)
	got := adminCall(t, srv, "GET", "/metrics", "")
	if kind := got.header.Get("Content-Type"); kind != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("content type %q", kind)
	}
	for _, want := range []string{
		`keyfit_requests_total{namespace="default",provider="imkit",outcome="ok"} 3`,
		`keyfit_requests_total{namespace="default",provider="imin",outcome="missing_key"} 1`,
		`keyfit_keys{namespace="te\"st\\",provider="mindkey",status="active"} 1`,
		`keyfit_journal_entries{namespace="default"} 0`,
	} {
		if !strings.Contains(got.body, want+"\n") {
			t.Errorf("no line %s in\n%s", want, got.body)
		}
	}
	typed := map[string]bool{}
	for line := range strings.Lines(got.body) {
		line = strings.TrimSuffix(line, "\n")
		if f := strings.Fields(line); f[0] == "#" {
			typed[f[2]] = true
			continue
		}
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		if i := strings.LastIndexByte(line, ' '); !typed[name] || i < 0 {
			t.Errorf("no sample of a known metric: %q", line)
		}
	}
	if strings.Contains(got.body, key.Secret.Reveal()) || strings.Contains(got.body, "/admin/") {
		t.Error("metrics hold a secret or a path")
	}
}

func TestAJournalOfSizeZeroCountsAndSaysSo(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(0, 0))
	get(t, srv.Transport(), srv.Keys().Issue(mockserver.IMKIT))
	const requests = "/v1/namespaces/default/requests"
	if got := adminJSON[pageOf[any]](t, srv, 200, "GET", requests, ""); len(got.Items) != 0 {
		t.Errorf("%d requests are kept", len(got.Items))
	}
	if got := adminCall(t, srv, "GET", requests+"/1", ""); got.status != 404 || !strings.Contains(got.body, "no longer in the journal") {
		t.Errorf("the request: %d %s", got.status, got.body)
	}
	if got := adminJSON[mockserver.Counts](t, srv, 200, "POST", requests+"/count", "{}"); got.Total != 1 {
		t.Errorf("count: %+v", got)
	}
	if got := adminJSON[struct{ Reached bool }](t, srv, 200, "POST", requests+"/wait", `{"n":1,"timeout":"1s"}`); !got.Reached {
		t.Error("wait does not see it")
	}
}

func TestTheAdminAPIControlsOAuth(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	const oauth = "/v1/namespaces/default/oauth"
	client := adminJSON[struct{ ID, Secret string }](t, srv, 201, "POST", oauth+"/clients", `{"name":"app","redirectUris":["http://localhost/cb"]}`)
	if client.Secret == "" || strings.Contains(adminCall(t, srv, "GET", oauth+"/clients", "").body, client.Secret) {
		t.Errorf("the secret is shown once: %+v", client)
	}
	tokens := adminJSON[struct{ Access, Refresh issued }](t, srv, 201, "POST", oauth+"/tokens", `{"client":"`+client.ID+`","user":"ann"}`)
	r := newRequest(t, mockserver.Iiniit, "GET", "/resource", "")
	r.Header.Set("Authorization", "Bearer "+tokens.Access.Secret)
	rt := srv.Transport()
	if got := call(t, rt, r); got.status != 200 {
		t.Errorf("access token: %d %s", got.status, got.body)
	}
	ended := adminJSON[struct{ Ended int }](t, srv, 200, "POST", oauth+"/expire-all", `{"kinds":["bearer"]}`)
	if got := call(t, rt, r); ended.Ended != 1 || got.status != 401 {
		t.Errorf("%d ended, then %d", ended.Ended, got.status)
	}
	for _, tt := range []struct{ path, body string }{
		{"/clients", `{"redirectUris":["/relative"]}`}, {"/expire-all", `{"kinds":["key"]}`}, {"/tokens", `{"client":"` + client.ID + `","scopes":["root"]}`},
	} {
		if got := adminCall(t, srv, "POST", oauth+tt.path, tt.body); got.status != 400 {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, got.status, got.body)
		}
	}
	if got := adminCall(t, srv, "POST", oauth+"/tokens", `{"client":"nobody"}`); got.status != 404 {
		t.Errorf("no such client: %d", got.status)
	}
}

func TestTheAdminAPIServesDocumentsAndTheCA(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithTLS())
	if got := adminCall(t, srv, "GET", "/ca.pem", ""); got.body != string(srv.CAPEM()) {
		t.Errorf("CA: %s", got.body)
	}
	for _, p := range mockserver.Providers() {
		got := adminCall(t, srv, "GET", "/openapi/"+string(p), "")
		if doc := mockserver.OpenAPI(p); doc != nil && got.status != 200 {
			t.Errorf("%s: %d", p, got.status)
		}
	}
	got := adminJSON[pageOf[mockserver.Assumption]](t, srv, 200, "GET", "/v1/assumptions", "")
	if diff := cmp.Diff(mockserver.Assumptions(), got.Items); diff != "" {
		t.Error(diff)
	}
	res, err := (&http.Client{Transport: &http.Transport{}}).Get(srv.AdminURL() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Errorf("over the socket: %d %s", res.StatusCode, body)
	}
}

// No path is cleaned by a redirect: a redirected POST is a GET for many clients.
func TestAPathOfTheAdminAPIIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, path := range []string{"//v1/config", "/v1/./config", "/v1/../v1/config", "/v1/config/", "/v1//namespaces", "/v1/namespaces/default/snapshots/.."} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			got := adminCall(t, srv, method, path, "")
			if got.status != 404 || got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Location") != "" {
				t.Errorf("%s %s: %d %s %s", method, path, got.status, got.header, got.body)
			}
		}
	}
}
