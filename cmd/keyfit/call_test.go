package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

func TestCallPrintsTheAnswer(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte(`{"lorem":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	echo := func(method, credential string, n int) string {
		return `{"method":"` + method + `","path":"/resource","credential":"` + credential + `","carrier":"header","scope":"read:user","bytes":` + string(rune('0'+n/10)) + string(rune('0'+n%10)) + `}`
	}
	for _, test := range []struct {
		args, stdin, want string
	}{
		{"mindkey GET /ping", "", "pong"},
		{"MindKey get /ping", "", "pong"},
		{"iiniit POST /resource --data @" + file, "", echo("POST", "api_key", 11)},
		{"iiniit POST /resource --data -", `{"ipsum":12}`, echo("POST", "api_key", 12)},
		{`iiniit POST /resource --data {"dolor":123}`, "", echo("POST", "api_key", 13)},
		{"iiniit POST /resource --data lorem-fitsum.. --header Content-Type:text/plain", "", echo("POST", "api_key", 14)},
	} {
		got := w.invoke(t, test.stdin, append([]string{"call"}, strings.Fields(test.args)...)...)
		if d := cmp.Diff(result{out: test.want}, got, cmp.AllowUnexported(result{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.args, d)
		}
	}
}

func TestCallSendsParametersAndHeadersAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	var seen *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
	t.Cleanup(server.Close)
	got := w.invoke(t, "", "call", "optimove", "GET", "/a%2Fb/c?x=1", "--param", "q=a&b=c d'\"/%2F", "--param", "q=é", "-H", "X-Lorem: ipsum: dolor", "-H", "Accept: text/csv", "--base-url", server.URL)
	if got.code != 0 || seen == nil {
		t.Fatalf("%+v", got)
	}
	type request struct {
		Path   string
		Query  url.Values
		Header []string
	}
	want := request{"/a%2Fb/c", url.Values{"x": {"1"}, "q": {"a&b=c d'\"/%2F", "é"}}, []string{"ipsum: dolor", "text/csv", w.lines["OPTIMOVE_API_KEY"]}}
	if d := cmp.Diff(want, request{seen.URL.EscapedPath(), seen.URL.Query(), []string{seen.Header.Get("X-Lorem"), seen.Header.Get("Accept"), seen.Header.Get("X-Api-Key")}}); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestCallPrintsARefusalAndFails(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	got := w.invoke(t, "", "call", "imkit", "GET", "/nothing/here")
	want := result{1, `{"RC":404,"RM":"Not Found","error":{"code":"NOT_FOUND","message":"Not Found"}}`, ""}
	got.out = strings.Join(strings.Fields(got.out), "")
	got.out = strings.ReplaceAll(got.out, "NotFound", "Not Found")
	if !strings.HasPrefix(got.err, "keyfit: imkit: GET /nothing/here: 404 Not Found") {
		t.Errorf("said: %s", got.err)
	}
	got.err = ""
	if d := cmp.Diff(want, got, cmp.AllowUnexported(result{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	w.Inject(mockserver.Match{}, mockserver.Status(503, "Lorem Fitsum"))
	if got := w.invoke(t, "", "call", "imin", "GET", "/x"); got.code != 1 || got.out != "Lorem Fitsum" {
		t.Errorf("503: %+v", got)
	}
	if got := w.invoke(t, "", "call", "imin", "GET", "/x", "-v"); got.out != "Lorem Fitsum" || !strings.Contains(got.err, "\n\nkeyfit: imin: ") {
		t.Errorf("the error is on the last line of the body: %+v", got)
	}
	w.Expect(t, mockserver.Match{Provider: mockserver.Imin}, 2)
	delete(w.lines, "IMIN_API_KEY")
	w.write(t)
	if got := w.invoke(t, "", "call", "imin", "GET", "/x"); got.code != 1 || !strings.Contains(got.err, "set IMIN_API_KEY") {
		t.Errorf("no key: %+v", got)
	}
}

// The remedy at the end of an error is that of the error: a key that is there and broken is not
// to be set, and no address repairs a key.
func TestAnErrorEndsWithItsOwnRemedy(t *testing.T) {
	t.Parallel()
	const placeholder, otherShape = "<your-api-key>", "1bc651866373042d20e849837b1c15b1"
	tests := []struct {
		name, key, address, stdin string
		args                      []string
		want                      string
	}{
		{"no key", "", "", "", []string{"call", "imkit", "GET", "/x"}, "not set; set IMKIT_API_KEY in the environment or in "},
		{"a placeholder", placeholder, "", "", []string{"call", "imkit", "GET", "/x"}, "write the key itself\n"},
		{"an address with a query", "lorem-fitsum", "https://example.com/v1?v=2", "", []string{"call", "imkit", "GET", "/x"}, "give scheme, host, port and path alone; --base-url names the address for this command\n"},
		{"an address with a path that leads elsewhere", "lorem-fitsum", "https://example.com/v1/../v2", "", []string{"call", "imkit", "GET", "/x"}, "as in https://gateway.example/imkit; --base-url names the address for this command\n"},
		{"a new key of another look", "lorem-fitsum", "", otherShape, []string{"rotate", "imkit", "-", "--yes"}, "A zero Provider.KeyShape allows it; nothing was changed\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newVendorWorld(t)
			delete(w.lines, "IMKIT_API_KEY")
			if tt.key != "" {
				w.lines["IMKIT_API_KEY"] = tt.key
			}
			if tt.address != "" {
				w.lines["IMKIT_BASE_URL"] = tt.address
			}
			w.write(t)
			if got := w.invoke(t, tt.stdin, tt.args...); got.code != 1 || !strings.Contains(got.err, tt.want) {
				t.Errorf("want %q: %+v", tt.want, got)
			}
		})
	}
}

func TestCallSaysMoreIfAsked(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	got := w.invoke(t, "", "call", "mindkey", "GET", "/ping?lorem=ipsum", "-v")
	for _, line := range []string{"> GET /ping\n", "> key " + keyfit.APIKey(w.lines["MINDKEY_API_KEY"]).Fingerprint() + ", from MINDKEY_API_KEY in ", "< 200 OK, after ", "< Content-Type: text/plain"} {
		if !strings.Contains(got.err, line) {
			t.Errorf("%q is not in:\n%s", line, got.err)
		}
	}
	if got.code != 0 || got.out != "pong" {
		t.Errorf("%+v", got)
	}
	var out answered
	if err := json.Unmarshal([]byte(w.invoke(t, "", "call", "mindkey", "GET", "/ping", "--json").out), &out); err != nil || out.Status != 200 || out.Text != "pong" {
		t.Errorf("%v, %+v", err, out)
	}
}

// TestCanaryCallTakesTheKeyOutOfAnEcho: the server sends back all that it got, in the body
// and in headers, in several encodings, with good and bad statuses.
func TestCanaryCallTakesTheKeyOutOfAnEcho(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	for _, status := range []int{200, 400, 401, 500} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			var all strings.Builder
			_ = r.Header.Write(&all)
			text := all.String() + r.URL.RawQuery
			rw.Header().Set("X-Echo", url.QueryEscape(text))
			rw.WriteHeader(status)
			encoded, _ := json.Marshal(text)
			_, _ = rw.Write([]byte(text + url.PathEscape(text) + string(encoded)))
		}))
		t.Cleanup(server.Close)
		for _, v := range vendors.All() {
			for _, more := range [][]string{{"-v"}, {"--json"}} {
				got := w.invoke(t, "", append([]string{"call", v.Name, "GET", "/echo", "--base-url", server.URL}, more...)...)
				if !strings.Contains(got.out, "[redacted]") {
					t.Errorf("%s, %d: nothing was echoed: %+v", v.Name, status, got)
				}
			}
		}
	}
}

func TestCallRefusesTheKeyOnTheCommandLine(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	key := w.lines["IMKIT_API_KEY"]
	for _, args := range [][]string{
		{"/x?lorem=" + key}, {"/" + url.PathEscape(key)}, {"/x", "--param", "lorem=" + key}, {"/x", "-H", "X-Lorem: " + key}, {"/x", "--data", `"` + key + `"`},
	} {
		if got := w.invoke(t, "", append([]string{"call", "imkit", "GET"}, args...)...); got.code != cli.ExitUsage || !strings.Contains(got.err, "have the key replaced") {
			t.Errorf("%+v", got)
		}
	}
	w.Expect(t, mockserver.Match{}, 0)
}

func TestAnAnswerForAPersonIsIndentedAndSteersNoTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"n":12345678901234567890,"l":[1.50]}`: "{\n  \"n\": 12345678901234567890,\n  \"l\": [\n    1.50\n  ]\n}\n",
		"pong":                                  "pong\n",
		"a\x1b[2J\u009bb\r\n":                   `a\u001b[2J\u009bb` + "\n",
	} {
		if d := cmp.Diff(want, forPerson(text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// Whoever copies the examples of --help from one line after another gets good answers.
func TestTheExamplesOfCallWork(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	file := filepath.Join(t.TempDir(), "user.json")
	writeFile(t, file, `{"_id":"lorem","nickname":"Lorem"}`)
	help := w.invoke(t, "", "call", "--help").out
	_, examples, _ := strings.Cut(help, "Examples:\n")
	examples, _, _ = strings.Cut(examples, "\n\n")
	tried := 0
	for line := range strings.Lines(examples) {
		program, command, piped := strings.Cut(strings.TrimSpace(line), " | ")
		if !piped {
			program, command = "", program
		}
		_, object, _ := strings.Cut(program, "jq -n '")
		object = strings.NewReplacer("_id:", `"_id":`, "nickname:", `"nickname":`).Replace(strings.TrimSuffix(object, "'"))
		args := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(command, "keyfit "), "@user.json", "@"+file))
		if got := w.invoke(t, object, args...); got.code != 0 {
			t.Errorf("%s: %+v", line, got)
		}
		tried++
	}
	if tried != 4 {
		t.Errorf("%d examples in\n%s", tried, help)
	}
}
