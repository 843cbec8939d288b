package mockserver_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// imkitApp is a mock of IMKIT on a frozen clock, and those who call it.
type imkitApp struct {
	t     *testing.T
	srv   *mockserver.Server
	rt    http.RoundTripper
	key   mockserver.Issued
	users map[string]mockserver.Issued
}

// platform is the caller with the API key; other callers are users.
const platform = "(platform)"

func newIMKIT(t *testing.T, opts ...mockserver.Option) *imkitApp {
	t.Helper()
	srv := mockserver.New(t, append([]mockserver.Option{mockserver.WithFrozenClock(epoch), mockserver.WithoutSampleData(), mockserver.WithoutRateLimits()}, opts...)...)
	return &imkitApp{t, srv, srv.Transport(), srv.Keys().Issue(mockserver.IMKIT), map[string]mockserver.Issued{}}
}

// variant is a profile with variants.
func variant(v mockserver.Variant) mockserver.Option {
	return mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Variants: v})
}

// request builds a call "METHOD /path" of a caller; "" sends no credential.
func (a *imkitApp) request(caller, call, body string) *http.Request {
	a.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	r := newRequest(a.t, mockserver.IMKIT, method, path, body)
	switch caller {
	case "":
	case platform:
		a.key.Apply(r)
	default:
		pair, known := a.users[caller]
		if !known {
			pair = a.srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey(caller))
			a.users[caller] = pair
		}
		pair.Apply(r)
		r.Header.Set("IM-CLIENT-ID", caller)
	}
	return r
}

func (a *imkitApp) do(caller, do, body string) answer {
	a.t.Helper()
	return call(a.t, a.rt, a.request(caller, do, body))
}

// ok is do, which must succeed; it returns the result.
func (a *imkitApp) ok(caller, do, body string) map[string]any {
	a.t.Helper()
	got := a.do(caller, do, body)
	var v struct {
		RC     int            `json:"RC"`
		Result map[string]any `json:"result"`
	}
	if err := json.Unmarshal([]byte(got.body), &v); err != nil || got.status != 200 || v.RC != 0 {
		a.t.Fatalf("%s as %s: %d %s", do, caller, got.status, got.body)
	}
	return v.Result
}

// seed makes users ann, bob and cat, and the group room "r" of ann, its owner,
// and bob.
func (a *imkitApp) seed() *imkitApp {
	a.t.Helper()
	for _, u := range []string{"ann", "bob", "cat"} {
		a.ok(platform, "POST /admin/clients", `{"_id":"`+u+`","nickname":"`+strings.ToUpper(u)+`"}`)
	}
	a.ok(platform, "POST /rooms/", `{"_id":"r","name":"Room","roomTags":["work","demo"],"members":["ann","bob"],"owner":"ann"}`)
	return a
}

// say sends a text and returns the ID of the message.
func (a *imkitApp) say(room, sender, text string) string {
	a.t.Helper()
	id, _ := a.ok(platform, "POST /messages", `{"room":"`+room+`","sender":"`+sender+`","messageType":"text","message":"`+text+`"}`)["_id"].(string)
	return id
}

// ids picks the IDs out of a result's list.
func ids(list any) []string {
	out := []string{}
	items, _ := list.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		id, _ := m["_id"].(string)
		out = append(out, id)
	}
	return out
}

// made puts names in the place of what is made anew in every run.
func made(body string) string {
	body = regexp.MustCompile(`"[0-9a-f]{24}"`).ReplaceAllString(body, `"<id>"`)
	body = regexp.MustCompile(`"[0-9a-f]{32}"`).ReplaceAllString(body, `"<direct>"`)
	body = regexp.MustCompile(`-[0-9a-f]{6}"`).ReplaceAllString(body, `-<n>"`)
	return regexp.MustCompile(`"ey[\w-]+\.[\w-]+\.[\w-]+"`).ReplaceAllString(body, `"<token>"`)
}

// same compares what was got with what was wanted.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
