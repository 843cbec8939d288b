package mockserver_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// shop is an API whose answers depend on the request.
func shop(edit func(*mockserver.API)) mockserver.API {
	a := mockserver.API{
		Name: "shop", Schemes: []mockserver.Scheme{{Authorization: "Bearer"}},
		Key: mockserver.KeyShape{Prefix: "sk_"}, RequestID: "Shop-Request", Header: map[string]string{"Shop-Version": "3"},
		Scopes: []string{"read", "write"}, Access: []mockserver.AccessType{"secret", "restricted"},
		Prefixes: map[mockserver.AccessType]string{"restricted": "rk_"},
		Limit:    mockserver.Limit{Requests: 100, Per: 90 * time.Second}, Quota: mockserver.QuotaHeaders{Period: "Shop-Period"},
		Idempotency: mockserver.Idempotency{
			Name: "Idempotency-Key", Replayed: "Shop-Replayed",
			Conflict: mockserver.Refusal{Code: "conflict", Values: map[string]string{"type": "idempotency"}, Header: map[string]string{"Shop-Retry": "no"}},
		},
		ErrorBody: `{code}/{values.type}/{scope}/{requestId}/{message}`, ErrorType: "text/plain",
		Refusals: map[mockserver.Outcome]mockserver.Refusal{
			mockserver.InsufficientScope: {Code: "scope", Message: "needs {scope}", Values: map[string]string{"type": "right"}, Header: map[string]string{"Shop-Reason": "scope"}},
			mockserver.UnknownKey:        {Code: "key", Message: "bad", Header: map[string]string{"Shop-Version": "4"}},
		},
		Routes: []mockserver.Route{
			{
				Pattern: "POST /orders/{id}",
				Replies: []mockserver.Reply{
					{When: map[string]string{"body.stream": "true"}, Type: "text/event-stream", Body: "data: {body.model}\n\n"},
					{When: map[string]string{"body.card.number": "4000", "query.dry": ""}, Status: 402, Type: "text/plain", Body: "declined"},
				},
				Reply: mockserver.Reply{
					Type: "text/plain", Header: map[string]string{"Location": "/orders/{path.id}", "Shop-Echo": "{header.X-Trace}"},
					Body: "{body.model}|{body.card.number}|{body.items.1.sku}|{body.missing}|{body.card}|{epoch}|{requestId}",
				},
			},
			{Pattern: "GET /admin", Scope: "write"},
		},
	}
	if edit != nil {
		edit(&a)
	}
	return a
}

// shopServer plays the shop, and sends requests with a key.
func shopServer(t *testing.T) (*mockserver.Server, func(method, path, contentType, body string, header ...string) answer) {
	t.Helper()
	srv := mockserver.New(t, mockserver.WithAPI(shop(nil)), mockserver.WithFrozenClock(epoch))
	key := srv.Keys().Issue("shop", mockserver.Scopes("read"))
	return srv, func(method, path, contentType, body string, header ...string) answer {
		r := newRequest(t, "shop", method, path, body)
		r.Header.Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		key.Apply(r)
		return call(t, srv.Transport(), r)
	}
}

func TestAReplyDependsOnTheRequest(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		contentType, query, body string
		status                   int
		want                     string
	}{
		{"application/json", "", `{"model":"m1","stream":true}`, 200, "data: m1\n\n"},
		{"application/json", "", `{"model":"m1","stream":"true"}`, 200, "data: m1\n\n"},
		{"application/json", "", `{"card":{"number":4000}}`, 402, "declined"},
		{"application/json", "?dry=1", `{"card":{"number":4000}}`, 200, "|4000||||1767323045|req_000000000001"},
		{"application/json", "", `{"model":"a","items":[{"sku":"x"},{"sku":"y"}]}`, 200, "a||y|||1767323045|req_000000000001"},
		{"application/json", "", `{"model":null,"card":{"number":"4001"}}`, 200, "|4001||||1767323045|req_000000000001"},
		{"application/json", "", `{"model":`, 200, "|||||1767323045|req_000000000001"},
		{"", "", `[1]`, 200, "|||||1767323045|req_000000000001"},
		{form, "", "model=m2&stream=true", 200, "data: m2\n\n"},
		{form, "", "card[number]=4000", 402, "declined"},
		{form, "", "card[number]=4001&items[1][sku]=z&model=a+b", 200, "a b|4001|z|||1767323045|req_000000000001"},
		{form, "", "card.number=4000", 402, "declined"},
		{form, "", "%zz", 200, "|||||1767323045|req_000000000001"},
	} {
		_, send := shopServer(t)
		got := send("POST", "/orders/7"+tt.query, tt.contentType, tt.body)
		if got.status != tt.status || strings.Replace(got.body, "|"+strconv.FormatInt(epoch.Unix(), 10), "|1767323045", 1) != tt.want {
			t.Errorf("%s %q: %d %q, want %d %q", tt.contentType, tt.body, got.status, got.body, tt.status, tt.want)
		}
	}
}

func TestHeadersOfAnswersAreTemplatesAndStayOneLine(t *testing.T) {
	t.Parallel()
	_, send := shopServer(t)
	got := send("POST", "/orders/a%0d%0aX:%20y", "", "", "X-Trace", "t\tü")
	want := http.Header{"Location": {"/orders/a??X: y"}, "Shop-Echo": {"t??"}, "Shop-Version": {"3"}, "Shop-Period": {"90"}, "Shop-Request": {"req_000000000001"}}
	for name := range want {
		if d := cmp.Diff(want[name], got.header[name]); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestARefusalHasValuesScopeAndHeaders(t *testing.T) {
	t.Parallel()
	srv, send := shopServer(t)
	got := send("GET", "/admin", "", "")
	if got.status != 403 || got.body != "scope/right/write/req_000000000001/needs write" || got.header.Get("Shop-Reason") != "scope" || got.header.Get("Shop-Version") != "3" {
		t.Errorf("scope: %+v", got)
	}
	for _, key := range []string{"sk_live", "", srv.Keys().Issue(mockserver.Imin).Secret.Reveal()} {
		r := newRequest(t, "shop", "GET", "/admin", "")
		r.Header.Set("Authorization", "Bearer "+key)
		got := call(t, srv.Transport(), r)
		want := map[bool]string{true: "4", false: "3"}[key != ""] // a missing key is another refusal
		if got.status != 401 || got.header.Get("Shop-Version") != want || strings.Contains(got.body, "{") {
			t.Errorf("%q: %+v", key, got)
		}
	}
}

func TestAKeyHasThePrefixOfItsAccessType(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(shop(nil)))
	for access, prefix := range map[mockserver.AccessType]string{"": "sk_", "secret": "sk_", "restricted": "rk_"} {
		var opts []mockserver.KeyOption
		if access != "" {
			opts = append(opts, mockserver.Access(access))
		}
		key := srv.Keys().Issue("shop", opts...)
		next, err := srv.Keys().Rotate(key.ID, time.Hour)
		if err != nil || !strings.HasPrefix(key.Secret.Reveal(), prefix) || !strings.HasPrefix(next.Secret.Reveal(), prefix) {
			t.Errorf("%q: %v, prefixes of %.3q and %.3q", access, err, key.Secret.Reveal(), next.Secret.Reveal())
		}
		other := mockserver.New(t, mockserver.WithAPI(shop(nil)))
		r := newRequest(t, "shop", "GET", "/admin", "")
		key.Apply(r)
		if d := other.Keys().Verify("shop", r); d.Outcome != mockserver.UnknownKey {
			t.Errorf("%q of another run: %v", access, d)
		}
	}
}

func TestARepeatedWriteIsAnsweredAsTheFirstTime(t *testing.T) {
	t.Parallel()
	srv, send := shopServer(t)
	write := func(value, body string) answer {
		return send("POST", "/orders/7", "application/json", body, "Idempotency-Key", value)
	}
	first := write("k1", `{"model":"a"}`)
	srv.Clock().Advance(time.Hour)
	again := write("k1", `{"model":"a"}`)
	if first.status != 200 || again.body != first.body || first.header.Get("Shop-Replayed") != "" || again.header.Get("Shop-Replayed") != "true" ||
		again.header.Get("Shop-Request") != "req_000000000002" || again.header.Get("Location") != "/orders/7" || again.header.Get("Idempotency-Key") != "k1" {
		t.Errorf("first %+v\nagain %+v", first, again)
	}
	if got := write("k1", `{"model":"b"}`); got.status != 400 || got.body != "conflict/idempotency//req_000000000003/This request differs from the first one with its idempotency key." ||
		got.header.Get("Shop-Retry") != "no" || !strings.Contains(got.header.Get("X-Mock-Diagnosis"), "differs from the first") {
		t.Errorf("another body: %+v", got)
	}
	for _, value := range []string{"k2", "", strings.Repeat("k", 300)} {
		if got := write(value, `{"model":"b"}`); got.status != 200 || got.header.Get("Shop-Replayed") != "" || !strings.HasPrefix(got.body, "b|") {
			t.Errorf("%.5q: %+v", value, got)
		}
	}
	srv.Clock().Advance(24 * time.Hour)
	if got := write("k1", `{"model":"b"}`); got.status != 200 || !strings.HasPrefix(got.body, "b|") {
		t.Errorf("after its life: %+v", got)
	}
	if err := srv.Reset(mockserver.KeepKeys); err != nil {
		t.Fatal(err)
	}
	if got := write("k1", `{"model":"c"}`); got.status != 200 || !strings.HasPrefix(got.body, "c|") {
		t.Errorf("after a reset: %+v", got)
	}
}

// dog is an API with a pair, whose first key is enough for one route.
func dog() mockserver.API {
	return mockserver.API{
		Name: "dog", Schemes: []mockserver.Scheme{{Pair: [2]string{"Dog-Key", "Dog-App-Key"}}}, Life: time.Hour,
		Routes: []mockserver.Route{{Pattern: "GET /valid", FirstOnly: true}, {Pattern: "GET /both"}},
	}
}

func TestARouteCanTakeTheFirstKeyOfAPairAsEnough(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithAPI(dog()), mockserver.WithFrozenClock(epoch))
	key := srv.InNamespace("other").Keys().Issue("dog")
	first, second := key.Secret.Reveal(), key.Token.Reveal()
	for _, tt := range []struct {
		name, path, first, second string
		want                      mockserver.Outcome
	}{
		{"both", "/both", first, second, mockserver.OK},
		{"first alone", "/both", first, "", mockserver.MissingPair},
		{"second alone", "/both", "", second, mockserver.MissingPair},
		{"enough", "/valid", first, "", mockserver.OK},
		{"both where one is enough", "/valid", first, second, mockserver.OK},
		{"a wrong second is not looked at", "/valid", first, "wrong", mockserver.OK},
		{"a wrong second", "/both", first, "wrong", mockserver.UnknownKey},
		{"second alone where the first is enough", "/valid", "", second, mockserver.MissingPair},
		{"wrong", "/valid", "wrong", "", mockserver.NotAMockKey},
		{"wrong with a good second", "/valid", "wrong", second, mockserver.NotAMockKey},
		{"exchanged", "/valid", second, "", mockserver.UnknownKey},
		{"none", "/valid", "", "", mockserver.MissingKey},
	} {
		r := newRequest(t, "dog", "GET", tt.path, "")
		for name, value := range map[string]string{"Dog-Key": tt.first, "Dog-App-Key": tt.second} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		got := call(t, srv.Transport(), r)
		if outcome, _, _ := strings.Cut(got.header.Get("X-Mock-Diagnosis"), ":"); (got.status == 200) != (tt.want == mockserver.OK) || got.status != 200 && !strings.HasPrefix(outcome, string(tt.want)) {
			t.Errorf("%s: %d %s, want %s", tt.name, got.status, got.header.Get("X-Mock-Diagnosis"), tt.want)
		}
		if d := srv.Keys().Verify("dog", r); d.Outcome != tt.want {
			t.Errorf("%s: verified as %v, want %s", tt.name, d, tt.want)
		}
	}
}

func TestMistakesInTheNewMembersAreNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		member, says string
		edit         func(*mockserver.API)
	}{
		{"header.Date", "writes Date itself", func(a *mockserver.API) { a.Header = map[string]string{"Date": "x"} }},
		{"header.X-A", "one line", func(a *mockserver.API) { a.Header = map[string]string{"X-A": "a\nb"} }},
		{"quota.period", "no header", func(a *mockserver.API) { a.Quota.Period = "a b" }},
		{"prefixes.admin", "none of the access types", func(a *mockserver.API) { a.Prefixes["admin"] = "ak_" }},
		{"prefixes.secret", "other characters", func(a *mockserver.API) { a.Prefixes["secret"] = "a b" }},
		{"idempotency.header", "can carry a key", func(a *mockserver.API) { a.Idempotency.Name = "authorization" }},
		{"idempotency.header", "name of a request's header", func(a *mockserver.API) { a.Idempotency.Name = "" }},
		{"idempotency.conflict.status", "between 400 and 599", func(a *mockserver.API) { a.Idempotency.Conflict.Status = 200 }},
		{"errorBody", "did you mean values.type?", func(a *mockserver.API) { a.ErrorBody = "{values.typ}" }},
		{"refusals.unknown_key.header.Content-Type", "writes Content-Type itself", func(a *mockserver.API) {
			a.Refusals[mockserver.UnknownKey] = mockserver.Refusal{Header: map[string]string{"Content-Type": "a"}}
		}},
		{"routes[1].firstOnly", "needs a pair", func(a *mockserver.API) { a.Routes[1].FirstOnly = true }},
		{"routes[1].reply.when", "put conditions", func(a *mockserver.API) { a.Routes[1].Reply.When = map[string]string{"keyId": "1"} }},
		{"routes[0].replies[1].when", "there is none", func(a *mockserver.API) { a.Routes[0].Replies[1].When = nil }},
		{"routes[0].replies[1].when.boddy.x", "there is no such value", func(a *mockserver.API) { a.Routes[0].Replies[1].When = map[string]string{"boddy.x": "1"} }},
		{"routes[0].replies[0].header.Location", "there is no value {path.di}", func(a *mockserver.API) {
			a.Routes[0].Replies[0].Header = map[string]string{"Location": "{path.di}"}
		}},
		{"routes[0].reply.body", "there is no value {header.Authorization}", func(a *mockserver.API) { a.Routes[0].Reply.Body = "{header.Authorization}" }},
		{"routes[0].reply.body", "there is no value {header.Cookie}", func(a *mockserver.API) { a.Routes[0].Reply.Body = "{header.Cookie}" }},
		{"routes[0].reply.body", "there is no value {header.x-api-key}", func(a *mockserver.API) { a.Routes[0].Reply.Body = "{header.x-api-key}" }},
	} {
		err := shop(tt.edit).Valid()
		wrong, ok := errors.AsType[*mockserver.DefinitionError](err)
		if !ok || wrong.Member != tt.member || !strings.Contains(wrong.Problem, tt.says) {
			t.Errorf("%v, want %s: %s", err, tt.member, tt.says)
		}
	}
}

// TestRedefineChangesHeadersAndRepeatedWrites covers what the description gained after Redefine.
func TestRedefineChangesHeadersAndRepeatedWrites(t *testing.T) {
	t.Parallel()
	next := shop(func(a *mockserver.API) {
		a.Header, a.Idempotency.Replayed = map[string]string{"Shop-Version": "5"}, "Shop-Again"
		a.Refusals[mockserver.InsufficientScope] = mockserver.Refusal{Code: "right", Header: map[string]string{"Shop-Reason": "right"}}
		a.Refusals[mockserver.InvalidRequest] = mockserver.Refusal{Status: 418, Body: "{problem}/{scope}", Header: map[string]string{"Shop-Reason": "fit"}}
		a.Quota.Period = "" // cannot change
	})
	check := func(_ string, r *http.Request) *mockserver.Misfit {
		if r.URL.Query().Has("bad") {
			return &mockserver.Misfit{Status: http.StatusUnprocessableEntity, Why: "the query"}
		}
		return nil
	}
	srv := mockserver.New(t, mockserver.WithAPI(shop(nil)), mockserver.WithFrozenClock(epoch), mockserver.WithRequestCheck("shop", check))
	key := srv.Keys().Issue("shop", mockserver.Scopes("read"))
	send := func(method, path string) (out []string) {
		r := newRequest(t, "shop", method, path, "{}")
		r.Header.Set("Idempotency-Key", "k")
		key.Apply(r)
		got := call(t, srv.Transport(), r)
		for _, name := range []string{"Shop-Version", "Shop-Reason", "Shop-Replayed", "Shop-Again"} {
			out = append(out, got.header.Get(name))
		}
		return append(out, strconv.Itoa(got.status))
	}
	all := func() [][]string {
		return [][]string{send("POST", "/orders/7"), send("POST", "/orders/7"), send("GET", "/admin"), send("POST", "/orders/7?bad")}
	}
	got := all()
	if err := srv.Redefine(next); err == nil || !strings.Contains(err.Error(), "quota") {
		t.Fatalf("another quota: %v", err)
	}
	next.Quota.Period = "Shop-Period"
	if err := srv.Redefine(next); err != nil {
		t.Fatal(err)
	}
	got = append(got, all()...)
	want := [][]string{
		{"3", "", "", "", "200"},
		{"3", "", "true", "", "200"},
		{"3", "scope", "", "", "403"},
		{"3", "", "", "", "422"},
		{"5", "", "", "", "200"},
		{"5", "", "", "true", "200"},
		{"5", "right", "", "", "403"},
		{"5", "fit", "", "", "418"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for member, change := range map[string]func(*mockserver.API){
		"prefixes": func(a *mockserver.API) { a.Prefixes = nil },
		"access":   func(a *mockserver.API) { a.Access = append(a.Access, "third") },
	} {
		bad := shop(change)
		if wrong, ok := errors.AsType[*mockserver.DefinitionError](srv.Redefine(bad)); !ok || wrong.Member != member {
			t.Errorf("%s: %v", member, wrong)
		}
	}
}
