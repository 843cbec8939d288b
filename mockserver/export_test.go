package mockserver_test

import (
	"encoding/json"
	"fmt"
	"go/format"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

const exportPath = "/v1/namespaces/default/requests/export"

func TestRequestsAreExportedAsCommandsThatSendThemAgain(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	key, pair := srv.Keys().Issue(mockserver.IMKIT), srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann"))
	mind, oauth := srv.Keys().Issue(mockserver.MindKey), srv.Keys().Issue(mockserver.Iiniit)
	send := func(p mockserver.Provider, k *mockserver.Issued, method, path, body string, headers ...string) {
		r := newRequest(t, p, method, path, body)
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		r.Header.Set("User-Agent", "it's me")
		if k != nil {
			k.Apply(r)
		}
		call(t, srv.Transport(), r)
	}
	send(mockserver.IMKIT, &key, "POST", "/admin/clients", `{"_id":"o'neil","nickname":"$HOME \"x\""}`, "Content-Type: application/json", "Cookie: a=b")
	send(mockserver.IMKIT, &pair, "GET", "/me?a=b'c", "")
	send(mockserver.MindKey, &mind, "GET", "/ping", "")
	send(mockserver.Iiniit, nil, "HEAD", "/resource?api_key="+url.QueryEscape(oauth.Secret.Reveal())+"&x=1", "")
	got := adminCall(t, srv, "GET", exportPath+"?format=curl", "")
	want := `# 1: ok
# without the headers Cookie
curl --globoff \
  -X 'POST' \
  "$IMKIT_BASE_URL"'/admin/clients' \
  -H 'Content-Type: application/json' \
  -H "IM-API-KEY: $IMKIT_API_KEY" \
  -H 'User-Agent: it'\''s me' \
  --data-raw '{"_id":"o'\''neil","nickname":"$HOME \"x\""}'
# 2: ok
curl --globoff \
  "$IMKIT_BASE_URL"'/me?a=b'\''c' \
  -H "IM-Authorization: $IMKIT_USER_TOKEN" \
  -H "IM-CLIENT-KEY: $IMKIT_CLIENT_KEY" \
  -H 'User-Agent: it'\''s me'
# 3: ok
curl --globoff \
  "$MINDKEY_BASE_URL"'/ping' \
  -H "Authorization: ApiKey-v2 $MINDKEY_API_KEY" \
  -H 'User-Agent: it'\''s me'
# 4: ok
curl --globoff \
  --head \
  "$IINIIT_BASE_URL"'/resource?api_key='"$IINIIT_API_KEY"'&x=1' \
  -H 'User-Agent: it'\''s me'
`
	if d := cmp.Diff(want, got.body); d != "" || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%s (-want +got):\n%s", got.header, d)
	}
	one := adminCall(t, srv, "GET", exportPath+"?format=curl&id=3", "")
	if one.status != 200 || !strings.HasPrefix(one.body, "# 3: ok\n") || strings.Count(one.body, "curl ") != 1 {
		t.Errorf("one: %d %s", one.status, one.body)
	}
	for path, want := range map[string]int{"?format=xml": 400, "?id=x": 400, "?id=99": 404, "?outcome=x": 400, "?formats=har": 400} {
		if got := adminCall(t, srv, "GET", exportPath+path, ""); got.status != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// Whatever a client sent, a shell takes the command as one command of these words.
func TestNoRequestLeavesTheCommandThatSendsIt(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	body := "a'b\"c`touch x`$(touch y);touch z\n&& touch w \\"
	x := mockserver.Exchange{
		ID: 1, Provider: mockserver.IMKIT, Method: "X';touch m", Path: "/'$(touch p)", Query: "a='`touch q`", Body: body,
		Header:    http.Header{"X-A'$(touch h)": {"'$(touch v)"}, "Im-Api-Key": {"[redacted]"}},
		Diagnosis: mockserver.Diagnosis{Outcome: "ok\ntouch d", Why: "\rtouch e"},
	}
	dir := t.TempDir()
	script := `curl() { printf '%s\n--\n' "$@"; }` + "\n" + x.Curl()
	cmd := exec.CommandContext(t.Context(), shell, "-c", script)
	cmd.Dir, cmd.Env = dir, []string{"IMKIT_BASE_URL=http://base", "IMKIT_API_KEY=the key"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "--globoff\n--\n-X\n--\nX';touch m\n--\nhttp://base/'$(touch p)?a='`touch q`\n--\n-H\n--\nIM-API-KEY: the key\n--\n-H\n--\nX-A'$(touch h): '$(touch v)\n--\n--data-raw\n--\n" + body + "\n--\n-H\n--\nContent-Type:\n--\n"
	if d := cmp.Diff(want, string(out)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the command made %v (%v)", left, err)
	}
}

// What curl would change by itself is said otherwise: a GET with a body, dot segments, a
// body without a type, bytes that no shell's word has.
func TestTheCommandSendsWhatWasSent(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip(err)
	}
	typed := http.Header{"Content-Type": {"application/json"}}
	for name, x := range map[string]mockserver.Exchange{
		"GET with a body":    {Method: "GET", Path: "/rooms", Query: "limit=1", Body: `{"a":1}`, Header: typed},
		"HEAD":               {Method: "HEAD", Path: "/rooms"},
		"dot segments":       {Method: "GET", Path: "//rooms/../rooms/./"},
		"one dot":            {Method: "GET", Path: "/./ping"},
		"a slash at its end": {Method: "GET", Path: "/rooms/"},
		"no type":            {Method: "POST", Path: "/rooms", Body: "{}"},
		"bytes":              {Method: "POST", Path: "/rooms", Body: "\x00\x1b[31m'%s\\\xff\r\n", Header: typed},
		"an escape":          {Method: "PUT", Path: "/a%2Fb", Body: "\u202e\t\n", Header: typed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				got = append(got, r.Method, r.RequestURI, r.Header.Get("Content-Type"), string(body), fmt.Sprint(err))
			}))
			x.Provider = mockserver.IMKIT
			cmd := exec.CommandContext(t.Context(), "sh", "-c", x.Curl())
			cmd.Env = []string{"PATH=" + filepath.Dir(curl) + ":/usr/bin:/bin", "IMKIT_BASE_URL=" + srv.URL}
			out, err := cmd.CombinedOutput()
			srv.Close()
			target := x.Path
			if x.Query != "" {
				target += "?" + x.Query
			}
			want := []string{x.Method, target, x.Header.Get("Content-Type"), x.Body, "<nil>"}
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("%v %s (-want +got):\n%s%s", err, out, d, x.Curl())
			}
			if strings.ContainsAny(x.Curl(), "\x00\x1b\r") {
				t.Errorf("a terminal would act on %q", x.Curl())
			}
		})
	}
}

// What is exported has the query as it was sent, and of a refused scheme the one that was sent.
func TestAnExportHasTheQueryAndTheSchemeThatWereSent(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	imkit, mindkey := srv.Keys().Issue(mockserver.IMKIT), srv.Keys().Issue(mockserver.MindKey).Secret.Reveal()
	for _, query := range []string{"e", "e=", "b=2&a=1", "a=1;b", "a=%41&b=a+b", "a='$(x)'&&c"} {
		r := newRequest(t, mockserver.IMKIT, "GET", "/rooms?"+query, "")
		imkit.Apply(r)
		call(t, srv.Transport(), r)
		all := srv.Requests(mockserver.Match{Provider: mockserver.IMKIT})
		x := all[len(all)-1]
		if d := cmp.Diff(query, x.Query); d != "" || !strings.Contains(x.Curl(), strings.ReplaceAll(query, "'", `'\''`)) {
			t.Errorf("%s\n%s", d, x.Curl())
		}
	}
	for sent, want := range map[string]string{
		"Bearer " + mindkey:    `-H "Authorization: Bearer $MINDKEY_API_KEY"`,
		"apikey-v1 " + mindkey: `-H "Authorization: ApiKey-v1 $MINDKEY_API_KEY"`,
		mindkey:                `-H "Authorization: $MINDKEY_API_KEY"`,
		"Lorem " + mindkey:     "# without the headers Authorization",
		"ApiKey-v2 " + mindkey: `-H "Authorization: ApiKey-v2 $MINDKEY_API_KEY"`,
	} {
		r := newRequest(t, mockserver.MindKey, "GET", "/ping", "")
		r.Header.Set("Authorization", sent)
		call(t, srv.Transport(), r)
		all := srv.Requests(mockserver.Match{Provider: mockserver.MindKey})
		if got := all[len(all)-1].Curl(); !strings.Contains(got, want) || strings.Contains(got, mindkey) {
			t.Errorf("%.10s: %s", sent, got)
		}
	}
}

func TestRequestsAreExportedAsAGoTest(t *testing.T) {
	t.Parallel()
	srv := talk(t)
	srv.Inject(mockserver.Match{}, mockserver.Status(503, ""))
	get(t, srv.Transport(), srv.Keys().Issue(mockserver.Imin))
	got := adminCall(t, srv, "GET", exportPath+"?format=go", "")
	formatted, err := format.Source([]byte(got.body))
	if err != nil {
		t.Fatalf("%v:\n%s", err, got.body)
	}
	if d := cmp.Diff(string(formatted), got.body); d != "" {
		t.Errorf("not as gofmt writes it (-want +got):\n%s", d)
	}
	for _, want := range []string{
		`{mockserver.IMKIT, "GET", "/rooms/a%2Fb", http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Go-http-client/1.1"}}, "", "key", 404},`,
		"// 9 is left out: a fault was injected.",
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is not in:\n%s", want, got.body)
		}
	}
	if os.Getenv("KEYFIT_LONG") == "" {
		return
	}
	dir, err := os.MkdirTemp(".", "replay") //nolint:usetesting // in the module
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "replay_test.go"), []byte(got.body), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "test", "./"+dir).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestRequestsAreExportedAsAnHTTPArchive(t *testing.T) {
	t.Parallel()
	srv := talk(t)
	got := adminCall(t, srv, "GET", exportPath+"?method=POST", "")
	var doc struct {
		Log struct {
			Version string
			Entries []struct {
				StartedDateTime string
				Time            *float64
				Request         struct {
					Method, URL string
					QueryString []map[string]string
					PostData    *struct{ MimeType, Text string }
				}
				Response struct {
					Status  int
					Content struct {
						Size           int
						MimeType, Text string
					}
				}
				Timings, Cache map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil || got.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%v: %s", err, got.body)
	}
	if len(doc.Log.Entries) != 2 || doc.Log.Version != "1.2" {
		t.Fatalf("%s", got.body)
	}
	e := doc.Log.Entries[0]
	if e.StartedDateTime != "2027-01-01T00:00:00.000Z" || e.Time == nil || e.Request.URL != "http://imkit.localhost/admin/clients" ||
		e.Request.PostData == nil || !strings.Contains(e.Request.PostData.Text, `"ann"`) || e.Response.Status != 200 ||
		e.Response.Content.MimeType != "application/json; charset=utf-8" || !strings.Contains(e.Response.Content.Text, `"ann"`) || e.Cache == nil || e.Timings == nil {
		t.Errorf("%s", got.body)
	}
	if empty := adminCall(t, srv, "GET", exportPath+"?path=/nowhere", ""); !strings.Contains(empty.body, `"entries": []`) {
		t.Errorf("%s", empty.body)
	}
}
