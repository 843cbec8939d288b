package apifile_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

// example is the complete file of docs/anyapi.md.
func example(tb testing.TB) string {
	tb.Helper()
	page, err := os.ReadFile("../../docs/anyapi.md")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```yaml\n")
	text, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		tb.Fatal("docs/anyapi.md has no file")
	}
	return text
}

func TestTheExampleOfThePageIsAnAPI(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "acme.yaml")
	if err := os.WriteFile(path, []byte(example(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	acme, err := apifile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got := acme.API
	if got.Name != "acme" || got.Life != 90*24*time.Hour || got.Limit != (mockserver.Limit{Requests: 100, Per: time.Minute, Kind: mockserver.Sliding}) || len(got.Schemes) != 2 || len(got.Routes) != 3 {
		t.Errorf("got %+v", got)
	}
	srv := mockserver.New(t, mockserver.WithAPI(got))
	key := srv.Keys().Issue("acme")
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://acme.localhost/v1/items/7?expand=owner", http.NoBody)
	key.Apply(r)
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Acme-Remaining") != "99" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestJSONIsAFileToo(t *testing.T) {
	t.Parallel()
	got, err := apifile.Parse("a.json", []byte(`{"name":"dog","schemes":[{"pair":["A-Key","B-Key"]}],"hints":["seconds"],"life":"1h"}`))
	want := mockserver.API{Name: "dog", Schemes: []mockserver.Scheme{{Pair: [2]string{"A-Key", "B-Key"}}}, Hints: mockserver.HintSeconds, Life: time.Hour}
	if d := cmp.Diff(want, got.API); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

// TestThePagesAuthorizationServerIsRead takes the second file of the page.
func TestThePagesAuthorizationServerIsRead(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/anyapi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\noauth:")
	text, _, closed := strings.Cut(rest, "```")
	got, err := apifile.Parse("acme.yaml", []byte("name: acme\nscopes: [items:read]\noauth:"+text))
	want := mockserver.OAuthServer{
		Token: "/oauth/token", Authorize: "/oauth/authorize", Revoke: "/oauth/revoke", Introspect: "/oauth/introspect", Metadata: "/.well-known/oauth-authorization-server",
		Grants: []string{"authorization_code", "refresh_token", "client_credentials"}, Life: time.Hour, RefreshLife: 30 * 24 * time.Hour, CodeLife: time.Minute,
		Access: mockserver.KeyShape{Prefix: "at_", Length: 43}, Refresh: mockserver.KeyShape{Prefix: "rt_"},
	}
	if d := cmp.Diff(want, got.API.OAuth); d != "" || err != nil || !closed {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestAMistakeIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	const head = "name: acme\nschemes:\n  - header: X-Acme-Key\n"
	for _, tt := range []struct {
		text string
		want apifile.Error // Problem: what it must contain
	}{
		{"", apifile.Error{Line: 0, Problem: "empty"}},
		{"# nothing\n", apifile.Error{Line: 0, Problem: "empty"}},
		{"a: [", apifile.Error{Line: 0, Problem: "neither YAML nor JSON"}},
		{"- a", apifile.Error{Line: 1, Problem: "a list is not a mapping"}},
		{"name: acme", apifile.Error{Line: 1, Member: "schemes", Problem: "there is none"}},
		{head + "lmit: 3\n", apifile.Error{Line: 4, Member: "lmit", Problem: "did you mean limit?"}},
		{head + "name: b\n", apifile.Error{Line: 4, Member: "name", Problem: "first in line 1"}},
		{"name: acme\nschemes:\n  - heder: X\n", apifile.Error{Line: 3, Member: "schemes[0].heder", Problem: "did you mean header?"}},
		{"name: acme\nschemes:\n  - header: User-Agent\n", apifile.Error{Line: 3, Member: "schemes[0].header", Problem: "meaning of its own"}},
		{"name: acme\nschemes:\n  - basic: maybe\n", apifile.Error{Line: 3, Member: "schemes[0].basic", Problem: `"maybe" is not true or false`}},
		{"name: acme\nschemes:\n  - pair: [A]\n", apifile.Error{Line: 3, Member: "schemes[0].pair", Problem: "1 elements, and 2"}},
		{head + "title: 12\n", apifile.Error{Line: 4, Member: "title", Problem: `"12" is not text; put it in quotes`}},
		{head + "title:\n", apifile.Error{Line: 4, Member: "title", Problem: "an empty value is not text"}},
		{head + "life: soon\n", apifile.Error{Line: 4, Member: "life", Problem: "such as 90s"}},
		{head + "limit:\n  requests: 5\n", apifile.Error{Line: 5, Member: "limit", Problem: "positive"}},
		{head + "limit: {requests: 5, per: 1s, kind: slide}\n", apifile.Error{Line: 4, Member: "limit", Problem: "neither fixed nor sliding"}},
		{head + "hints: [second]\n", apifile.Error{Line: 4, Member: "hints", Problem: "one of body, seconds"}},
		{head + "key:\n  alphabet: hax\n", apifile.Error{Line: 5, Member: "key.alphabet", Problem: "did you mean hex?"}},
		{head + "refusals:\n  expird: {status: 401}\n", apifile.Error{Line: 5, Member: "refusals.expird", Problem: "did you mean expired?"}},
		{head + "routes:\n  - route: GET /a\n  - route: GET a\n", apifile.Error{Line: 6, Member: "routes[1].route", Problem: "method and a path"}},
		{head + "routes:\n  - route: GET /{id}\n    reply:\n      body: '{path.di}'\n", apifile.Error{Line: 7, Member: "routes[0].reply.body", Problem: "did you mean path.id?"}},
		{head + "oauth:\n  authorize: /login\n", apifile.Error{Line: 5, Member: "oauth.token", Problem: "there is none"}},
		{head + "oauth:\n  token: /t\n  grants: [implicit]\n", apifile.Error{Line: 6, Member: "oauth.grants[0]", Problem: "client_credentials"}},
		{head + "oauth: {tokn: /t}\n", apifile.Error{Line: 4, Member: "oauth.tokn", Problem: "did you mean token?"}},
		{head + "scopes: &a [x]\naccess: *a\n", apifile.Error{Line: 4, Member: "scopes", Problem: "anchors"}},
		{head + "title: !!str 12\n", apifile.Error{Line: 4, Member: "title", Problem: "tags"}},
		{head + "---\nname: b\n", apifile.Error{Line: 4, Problem: "more than one document"}},
	} {
		_, err := apifile.Parse("acme.yaml", []byte(tt.text))
		wrong, ok := errors.AsType[*apifile.Error](err)
		if !ok || wrong.Line != tt.want.Line || wrong.Member != tt.want.Member || !strings.Contains(wrong.Problem, tt.want.Problem) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %+v", tt.text, err, tt.want)
		}
	}
}

// FuzzParse holds that no file brings the reader down, and that what it takes a server takes.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example(f)))
	for _, s := range []string{"", "{}", "a: &a [*a]", "name: x\nschemes: [{basic: true}]", "? [a]\n: b", "\x00", "<<: {name: a}", "name: !!binary YQ==", document} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		read, err := apifile.Parse("f", document)
		if err != nil {
			if _, ok := errors.AsType[*apifile.Error](err); !ok || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		srv, err := mockserver.NewHandler(mockserver.WithAPI(read.API), mockserver.WithRequestCheck(read.API.Name, read.Check))
		if err != nil {
			if !strings.Contains(err.Error(), "another API's host") {
				t.Errorf("a file that is taken makes no server: %v", err)
			}
			return
		}
		defer srv.Close()
		if _, err := srv.Keys().TryIssue(read.API.Name); err != nil {
			t.Error(err)
		}
	})
}
