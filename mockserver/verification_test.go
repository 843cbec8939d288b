package mockserver_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// talk makes a journal: three lists of users, two new users and a path with an escape.
func talk(t *testing.T, opts ...mockserver.Option) *mockserver.Server {
	t.Helper()
	srv := mockserver.New(t, append([]mockserver.Option{mockserver.WithFrozenClock(epoch)}, opts...)...)
	key := srv.Keys().Issue(mockserver.IMKIT)
	send := func(method, path, body string, headers ...string) {
		r := newRequest(t, mockserver.IMKIT, method, path, body)
		r.Header.Set("Content-Type", "application/json")
		for _, name := range headers {
			r.Header.Set(name, "1")
		}
		key.Apply(r)
		call(t, srv.Transport(), r)
	}
	send("GET", "/admin/clients?limit=50&offset=0", "")
	send("GET", "/admin/clients?limit=50", "", "X-Trace")
	send("POST", "/admin/clients", `{"_id":"ann","nickname":"Ann","extParams":{"level":7,"vip":true,"tags":["a","b"],"note":null,"a.b":"dot"}}`)
	send("GET", "/admin/clients?limit=10&limit=20", "")
	send("POST", "/admin/clients", `{"_id":"bob"}`, "X-Trace")
	send("GET", "/rooms/a%2Fb", "")
	send("GET", "/rooms/a/b", "")
	send("GET", "/rooms/a%20b", "")
	return srv
}

func TestAMatchSelectsByWhatTheRequestCarries(t *testing.T) {
	t.Parallel()
	srv := talk(t)
	type m = mockserver.Match
	for name, tt := range map[string]struct {
		match m
		want  []uint64
	}{
		"a parameter":              {m{Query: map[string]string{"limit": "50"}}, []uint64{1, 2}},
		"two parameters":           {m{Query: map[string]string{"limit": "50", "offset": "0"}}, []uint64{1}},
		"one of its values":        {m{Query: map[string]string{"limit": "20"}}, []uint64{4}},
		"any value":                {m{Query: map[string]string{"limit": "*"}}, []uint64{1, 2, 4}},
		"no such value":            {m{Query: map[string]string{"limit": "5"}}, nil},
		"a header":                 {m{Headers: []string{"x-trace"}}, []uint64{2, 5}},
		"a header and a parameter": {m{Headers: []string{"X-Trace"}, Query: map[string]string{"limit": "*"}}, []uint64{2}},
		"a redacted header":        {m{Headers: []string{"IM-API-KEY"}, Method: "POST"}, []uint64{3, 5}},
		"no such header":           {m{Headers: []string{"X-Other"}}, nil},
		"a member":                 {m{Body: map[string]any{"_id": "ann"}}, []uint64{3}},
		"a number":                 {m{Body: map[string]any{"extParams.level": 7}}, []uint64{3}},
		"a number, written 7.0":    {m{Body: map[string]any{"extParams.level": 7.0}}, []uint64{3}},
		"not its text":             {m{Body: map[string]any{"extParams.level": "7"}}, nil},
		"a boolean":                {m{Body: map[string]any{"extParams.vip": true}}, []uint64{3}},
		"null":                     {m{Body: map[string]any{"extParams.note": nil}}, []uint64{3}},
		"not an absent member":     {m{Body: map[string]any{"extParams.other": nil}}, nil},
		"an item":                  {m{Body: map[string]any{"extParams.tags.1": "b"}}, []uint64{3}},
		"no such item":             {m{Body: map[string]any{"extParams.tags.2": "b"}}, nil},
		"a pointer":                {m{Body: map[string]any{"/extParams/tags/0": "a"}}, []uint64{3}},
		"a name with a dot":        {m{Body: map[string]any{"extParams.a.b": "dot", "/extParams/a.b": "dot"}}, []uint64{3}},
		"an escape":                {m{Path: "/rooms/a%2Fb"}, []uint64{6}},
		"no escape":                {m{Path: "/rooms/a/b"}, []uint64{7}},
		"a space as it is":         {m{Path: "/rooms/a b"}, []uint64{8}},
		"a space, escaped":         {m{Path: "/rooms/a%20b"}, []uint64{8}},
		"a prefix":                 {m{Path: "/rooms/a%2F*"}, []uint64{6}},
	} {
		var got []uint64
		for _, x := range srv.Requests(tt.match) {
			got = append(got, x.ID)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if c := srv.Counts(tt.match); c.Total != len(tt.want) || c.Folded != 0 {
			t.Errorf("%s: counted %+v", name, c)
		}
	}
}

// Large integers are not rounded, over the admin API either, and what can never match is
// refused.
func TestAMatchIsExact(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.Keys().Issue(mockserver.IMKIT)
	r := newRequest(t, mockserver.IMKIT, "POST", "/rooms/?a=1&a=2", `{"n":9007199254740993,"f":1e2,"z":-0}`)
	r.Header.Set("Content-Type", "application/json")
	key.Apply(r)
	call(t, srv.Transport(), r)
	for match, want := range map[string]bool{
		`{"body":{"n":9007199254740993}}`: true, `{"body":{"n":9007199254740992}}`: false, `{"body":{"n":9007199254740994}}`: false,
		`{"body":{"f":100}}`: true, `{"body":{"f":100.0}}`: true, `{"body":{"z":0}}`: true, `{"query":{"a":"2"}}`: true, `{"query":{"b":"*"}}`: false,
	} {
		got := adminCall(t, srv, "POST", "/v1/namespaces/default/requests/verify", `{"match":`+match+`,"atLeast":1}`)
		if got.status != 200 || strings.Contains(got.body, `"ok":true`) != want {
			t.Errorf("%s: %d %.200s", match, got.status, got.body)
		}
	}
	for n, want := range map[any]int{int64(9007199254740993): 1, int64(9007199254740992): 0, uint64(9007199254740994): 0} {
		if got := srv.Counts(mockserver.Match{Body: map[string]any{"n": n}}).Total; got != want {
			t.Errorf("%d: %d", n, got)
		}
	}
	for _, match := range []string{`{"method":"post"}`, `{"path":"rooms"}`} {
		if got := adminCall(t, srv, "POST", "/v1/namespaces/default/requests/verify", `{"match":`+match+`}`); got.status != 400 {
			t.Errorf("%s never matches, and is taken: %d %s", match, got.status, got.body)
		}
	}
}

// A parameter that cannot be read does not hide the others, as in the vendors' operations.
func TestAFaultHitsByAParameterBesideABrokenOne(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Inject(mockserver.Match{Query: map[string]string{"a": "2"}}, mockserver.Status(503, ""))
	for query, want := range map[string]int{"a=1&b=%zz&a=2": 503, "a=2&b=%zz": 503, "a=1&b=%zz": 401} {
		if got := call(t, srv.Transport(), newRequest(t, mockserver.IMKIT, "GET", "/rooms?"+query, "")); got.status != want {
			t.Errorf("%s: %d, want %d", query, got.status, want)
		}
	}
}

// What was evicted cannot be looked up, and is not said to be absent either.
func TestAMatchByContentSaysWhatItCannotKnow(t *testing.T) {
	t.Parallel()
	srv := talk(t, mockserver.WithJournal(3, 1<<20))
	if c := srv.Counts(mockserver.Match{Query: map[string]string{"limit": "50"}}); c.Total != 0 || c.Folded != 5 {
		t.Errorf("%+v", c)
	}
	m := mockserver.Match{Path: "/admin/clients", Query: map[string]string{"limit": "50"}}
	for times, ok := range map[mockserver.Times]bool{
		mockserver.Exactly(0): false, mockserver.AtMost(4): false, mockserver.AtMost(5): true, mockserver.AtLeast(1): false, mockserver.AtLeast(0): true,
	} {
		if err := srv.Verify(m, times); (err == nil) != ok {
			t.Errorf("%s: %v", times, err)
		}
	}
}

func TestVerificationHasBoundsAndOrder(t *testing.T) {
	t.Parallel()
	srv := talk(t)
	lists := `"match":{"method":"GET","path":"/admin/clients"}`
	for body, want := range map[string]string{ // "" is ok, else why
		`{` + lists + `,"n":3}`:                                       "",
		`{` + lists + `,"n":2}`:                                       "want 2",
		`{` + lists + `}`:                                             "want 0",
		`{` + lists + `,"atLeast":3}`:                                 "",
		`{` + lists + `,"atLeast":4}`:                                 "want at least 4",
		`{` + lists + `,"atMost":3}`:                                  "",
		`{` + lists + `,"atMost":2}`:                                  "want at most 2",
		`{` + lists + `,"atLeast":2,"atMost":3}`:                      "",
		`{` + lists + `,"atLeast":1,"atMost":2}`:                      "want 1 to 2",
		`{"match":{"query":{"limit":"50"}},"n":2}`:                    "",
		`{"match":{"headers":["X-Trace"]},"n":2}`:                     "",
		`{"match":{"body":{"extParams.level":7}},"n":1}`:              "",
		`{"inOrder":[{"method":"GET"},{"method":"POST"}]}`:            "",
		`{"inOrder":[{"body":{"_id":"ann"}},{"body":{"_id":"bob"}}]}`: "",
		`{"inOrder":[{"body":{"_id":"bob"}},{"body":{"_id":"ann"}}]}`: "after the one of step 1 no request matches step 2",
		`{"inOrder":[{"body":{"_id":"ann"}},{"body":{"_id":"ann"}}]}`: "step 2",
		`{"inOrder":[{"path":"/nowhere"}]}`:                           "no request matches step 1",
		`{"inOrder":[]}`:                                              "",
	} {
		got := adminJSON[struct {
			OK   bool
			Why  string
			Last []mockserver.Exchange
		}](t, srv, 200, "POST", "/v1/namespaces/default/requests/verify", body)
		if got.OK != (want == "") || !strings.Contains(got.Why, want) || got.OK != (got.Last == nil) {
			t.Errorf("%s: %v %q, want %q", body, got.OK, got.Why, want)
		}
	}
	for _, body := range []string{
		`{"n":1,"atLeast":1}`, `{"n":-1}`, `{"atLeast":3,"atMost":2}`, `{"inOrder":[{}],"n":1}`, `{"match":{"body":{"a":[1]}}}`, `{"match":{"body":{"":1}}}`,
		`{"match":{"headers":[""]}}`, `{"inOrder":[{"outcome":"rate_limted"}]}`, `{"match":{"query":{"a":1}}}`, `{"atleast":1}x`,
	} {
		if got := adminCall(t, srv, "POST", "/v1/namespaces/default/requests/verify", body); got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	list := "/v1/namespaces/default/requests?query=" + url.QueryEscape("limit=50") + "&header=x-trace,accept-encoding"
	if got := adminCall(t, srv, "GET", list, ""); got.status != 200 || strings.Count(got.body, `"id":`) != 1 {
		t.Errorf("%s: %d %s", list, got.status, got.body)
	}
	list = "/v1/namespaces/default/requests?body=" + url.QueryEscape(`{"_id":"bob"}`)
	if got := adminCall(t, srv, "GET", list, ""); got.status != 200 || strings.Count(got.body, `"id":`) != 1 {
		t.Errorf("%s: %d %s", list, got.status, got.body)
	}
}

func TestExpectationsFailWithTheLastRequests(t *testing.T) {
	t.Parallel()
	srv := talk(t)
	m := mockserver.Match{Method: "POST"}
	for want, check := range map[string]func(*recordedTB){
		"":                func(tb *recordedTB) { srv.Expect(tb, m, 2) },
		" ":               func(tb *recordedTB) { srv.ExpectTimes(tb, m, mockserver.FromTo(1, 2)) },
		"  ":              func(tb *recordedTB) { srv.ExpectInOrder(tb, mockserver.Match{Method: "GET"}, m, m) },
		"want at least 3": func(tb *recordedTB) { srv.ExpectTimes(tb, m, mockserver.AtLeast(3)) },
		"want 1":          func(tb *recordedTB) { srv.Expect(tb, m, 1) },
		"step 3":          func(tb *recordedTB) { srv.ExpectInOrder(tb, m, m, m) },
	} {
		rec := &recordedTB{TB: t}
		check(rec)
		if said := rec.said != ""; said != (strings.TrimSpace(want) != "") || !strings.Contains(rec.said, strings.TrimSpace(want)) || said && !strings.Contains(rec.said, "#8 ") {
			t.Errorf("%q: %s", want, rec.said)
		}
	}
}

// recordedTB keeps what a test is told.
type recordedTB struct {
	testing.TB

	said string
}

func (*recordedTB) Helper() {}

func (r *recordedTB) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

// A fault may hit what a request carries, but not a body that is read later.
func TestAFaultHitsByQueryAndHeader(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.Keys().Issue(mockserver.IMKIT)
	srv.Inject(mockserver.Match{Query: map[string]string{"limit": "7"}}, mockserver.Status(503, ""))
	srv.Inject(mockserver.Match{Headers: []string{"X-Trace"}}, mockserver.Status(502, ""))
	for path, want := range map[string]int{"?limit=7": 503, "?limit=8": 200, "": 200, "?limit=1&limit=7": 503} {
		r := newRequest(t, mockserver.IMKIT, "GET", "/admin/clients"+path, "")
		key.Apply(r)
		if got := call(t, srv.Transport(), r); got.status != want {
			t.Errorf("%s: %d, want %d", path, got.status, want)
		}
	}
	r := newRequest(t, mockserver.IMKIT, "GET", "/admin/clients", "")
	r.Header.Set("X-Trace", "1")
	key.Apply(r)
	if got := call(t, srv.Transport(), r); got.status != 502 {
		t.Errorf("with the header: %d", got.status)
	}
	if _, err := srv.TryInject(mockserver.Match{Body: map[string]any{"a": 1}}, mockserver.Stall()); err == nil || !strings.Contains(err.Error(), "before the body is read") {
		t.Errorf("%v", err)
	}
}
