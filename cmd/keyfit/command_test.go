package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/curl"
	"github.com/keyfit/keyfit/mockserver"
)

func TestUsageErrorsExit2WithOneLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"nope"},
		{"keys", "nope"},
		{"mock", "extra"},
		{"mock", "--nope"},
		{"mock", "--grace", "soon"},
		{"mock", "--addr", "nowhere"},
		{"mock", "--addr", "0.0.0.0:0"},
		{"mock", "--admin", "192.168.1.1:80"},
		{"mock", "--addr", "127.0.0.1:99999"},
		{"mock", "--seed", "x"},
		{"mock", "--freeze", "yesterday"},
		{"mock", "--journal", "many"},
		{"mock", "--journal", "-1,5"},
		{"mock", "--providers", "acme"},
		{"mock", "--log", "loud"},
		{"mock", "--grace", "-1s"},
		{"run"},
		{"run", "--tls"},
		{"keys", "issue"},
		{"keys", "issue", "acme"},
		{"keys", "issue", "imkit", "imin"},
		{"keys", "issue", "imkit", "--limit", "3"},
		{"keys", "issue", "imkit", "--limit", "3/never"},
		{"keys", "issue", "imkit", "--client-key", "a", "--bearer"},
		{"keys", "show"},
		{"clock", "advance"},
		{"clock", "advance", "soon"},
		{"clock", "freeze", "noon"},
		{"clock", "run", "-1"},
		{"fault", "add"},
		{"fault", "add", "fire"},
		{"fault", "add", "status", "--status", "503", "--delay", "1s", "--bytes", "4"},
		{"fault", "add", "latency", "--delay", "1s", "--status", "503"},
		{"fault", "add", "stall", "--seed", "4"},
		{"fault", "add", "latency", "--delay", "x"},
		{"fault", "add", "stall", "--probability", "7"},
		{"requests", "show"},
		{"requests", "list", "--limit", "-1"},
		{"explain"},
		{"explain", "--", "curl", "--nope", "http://x"},
		{"explain", "--", "curl", "a", "b"},
		{"explain", "imkit", "GETT", "/rooms"},
		{"explain", "--provider", "acme", "--", "/x"},
		{"data", "list", "acme"},
		{"data", "get", "imkit"},
		{"data", "get", "acme", "users"},
		{"data", "put", "imkit", "users"},
		{"data", "put", "imkit", "users", "a", "b"},
		{"oauth", "issue"},
		{"oauth", "deny", "me"},
		{"oauth", "expire", "keys"},
		{"state", "import"},
		{"openapi"},
		{"openapi", "acme"},
		{"namespace", "create"},
		{"version", "9"},
		{"keys", "list", "--admin-url", "not a url"},
		{"keys", "list", "--admin-url", "http://192.0.2.1:4100"},
		{"requests", "tail", "--admin-url", "http://mock.example.com"},
		{"keys", "list", "--admin-url", "http://user:lorem@127.0.0.1:1"},
	} {
		oneLine(t, strings.Join(args, " "), runKeyfit(t, map[string]string{"KEYFIT_ADMIN_TOKEN": "x"}, args...), 2, "--help")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel() // nothing is dialled
	remote := map[string]string{"KEYFIT_ADMIN_TOKEN": "x", "KEYFIT_ADMIN_URL": "http://192.0.2.1:4100", "KEYFIT_INSECURE_ADMIN_URL": "true"}
	oneLine(t, "another machine, allowed", runKeyfitIn(over, remote, "", "keys", "list"), 1, "no mock answers")
	got := runKeyfit(t, map[string]string{"KEYFIT_NO_RATE_LIMIT": "perhaps"}, "mock")
	oneLine(t, "a bad variable", got, 2, "KEYFIT_NO_RATE_LIMIT")
	oneLine(t, "a misspelt command", runKeyfit(t, nil, "keys", "isue"), 2, `"issue"`)
}

func TestFailuresExit1AndSayWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	stranger := http.Server{Handler: http.NotFoundHandler()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = stranger.Serve(l) }()
	defer stranger.Close()
	half := filepath.Join(dir, "half.json")
	writeFile(t, half, `{"format":"keyfit-mock-state","version":1,"namespaces":[{"name":`)
	future := filepath.Join(dir, "future.json")
	writeFile(t, future, `{"format":"keyfit-mock-state","version":99}`)
	badKey := filepath.Join(dir, "key.json")
	writeFile(t, badKey, `{"keys": [{"provider": "acme"}]}`)
	short := filepath.Join(dir, "token")
	writeFile(t, short, "hunter2\n")
	env := func(url string) map[string]string {
		return map[string]string{"KEYFIT_ADMIN_URL": url, "KEYFIT_ADMIN_TOKEN": "0123456789abcdef"}
	}
	mock := mockFor(t)
	wrong := map[string]string{"KEYFIT_ADMIN_URL": mock["KEYFIT_ADMIN_URL"], "KEYFIT_ADMIN_TOKEN": "0123456789abcdef"}
	for _, tt := range []struct {
		name  string
		env   map[string]string
		args  []string
		parts []string
	}{
		{"port in use", nil, []string{"mock", "--addr", taken.Addr().String()}, []string{"in use", "--addr 127.0.0.1:0"}},
		{"admin port in use", nil, []string{"mock", "--admin", taken.Addr().String()}, []string{"in use", "--admin 127.0.0.1:0"}},
		{"state cut in half", nil, []string{"mock", "--state", half}, []string{half, "left as it is", "cut short"}},
		{"state from the future", nil, []string{"mock", "--state", future}, []string{future, "newer keyfit"}},
		{"state that cannot be written", nil, []string{"mock", "--state", filepath.Join(dir, "no", "state.json")}, []string{"state.json"}},
		{"no config", nil, []string{"mock", "--config", filepath.Join(dir, "none.json")}, []string{"config"}},
		{"key of the config", nil, []string{"mock", "--config", badKey}, []string{"keys[0]", "provider"}},
		{"short token", nil, []string{"mock", "--admin-token-file", short}, []string{"16 or more"}},
		{"no URL", nil, []string{"keys", "list"}, []string{"KEYFIT_ADMIN_URL"}},
		{"no token", map[string]string{"KEYFIT_ADMIN_URL": "http://127.0.0.1:1"}, []string{"keys", "list"}, []string{"KEYFIT_ADMIN_TOKEN"}},
		{"no mock", env("http://" + freeAddr(t)), []string{"keys", "list"}, []string{"is `keyfit mock` running"}},
		{"not a mock", env("http://" + l.Addr().String()), []string{"keys", "list"}, []string{"is not the admin API"}},
		{"wrong token", wrong, []string{"clock", "show"}, []string{"another run"}},
		{"no such key", mock, []string{"keys", "revoke", "key_9"}, []string{"no such key"}},
		{"no such namespace", mock, []string{"keys", "list", "-n", "nope"}, []string{"no such namespace"}},
		{"no such fault", mock, []string{"fault", "clear", "fault_9"}, []string{"fault_9", "no such fault"}},
		{"import of nothing", mock, []string{"state", "import", filepath.Join(dir, "none.json")}, []string{"import"}},
		{"import of half", mock, []string{"state", "import", half}, []string{half, "cut short"}},
		{"wait in vain", mock, []string{"requests", "wait", "--timeout", "10ms"}, []string{"0 of 1"}},
		{"explain nobody's host", mock, []string{"explain", "--", "http://example.com/"}, []string{"provider"}},
	} {
		oneLine(t, tt.name, runKeyfit(t, tt.env, tt.args...), 1, tt.parts...)
	}
	for path, want := range map[string]string{half: `"name":`, future: "99"} {
		if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, []byte(want)) {
			t.Errorf("%s was changed", path)
		}
	}
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "mock.json")
	writeFile(t, config, `{"grace": "3s", "journal": "30", "no-keys": true, "providers": ["imkit", "imin"], "tls": true, "seed": 3}`)
	settingsOf := func(env map[string]string, args ...string) map[string]string {
		m := mockForEnv(t, env, append([]string{"--config", config, "--log", "off"}, args...)...)
		var v struct {
			Config struct {
				Settings map[string]string `json:"settings"`
			} `json:"config"`
		}
		c, err := admin.NewClient(m["KEYFIT_ADMIN_URL"], m["KEYFIT_ADMIN_TOKEN"], false)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Call(t.Context(), "GET", "/v1/config", nil, &v); err != nil {
			t.Fatal(err)
		}
		s := v.Config.Settings
		return map[string]string{"grace": s["grace"], "journal": s["journal"], "no-keys": s["no-keys"], "providers": s["providers"], "tls": s["tls"], "seed": s["seed"], "log": s["log"]}
	}
	file := map[string]string{"grace": "3s", "journal": "30", "no-keys": "true", "providers": "imkit,imin", "tls": "true", "seed": "3", "log": "off"}
	if diff := cmp.Diff(file, settingsOf(nil)); diff != "" {
		t.Errorf("file over default:\n%s", diff)
	}
	env := map[string]string{"KEYFIT_GRACE": "4s", "KEYFIT_TLS": "false", "KEYFIT_PROVIDERS": "mindkey"}
	want := map[string]string{"grace": "4s", "journal": "30", "no-keys": "true", "providers": "mindkey", "tls": "false", "seed": "3", "log": "off"}
	if diff := cmp.Diff(want, settingsOf(env)); diff != "" {
		t.Errorf("environment over file:\n%s", diff)
	}
	want["grace"], want["seed"] = "5s", "9"
	if diff := cmp.Diff(want, settingsOf(env, "--grace", "5s", "--seed", "9")); diff != "" {
		t.Errorf("flag over environment:\n%s", diff)
	}
}

func TestTheBannerHasACurlThatWorksForEachProvider(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	over := make(chan int, 1)
	own := apiFile(t, "name: own\nschemes: [{header: X-Own}]\noauth: {token: /oauth/token, authorize: /oauth/authorize}\n"+
		"routes: [{route: \"GET /v1/items\", reply: {body: '{}'}}]\n") // the paths of its authorization server take no key
	go func() {
		over <- run(ctx, []string{"mock", "--log", "off", "--api", own}, cli.Terminal{In: strings.NewReader(""), Out: in, Err: io.Discard, Env: func(string) (string, bool) { return "", false }})
		in.Close()
	}()
	buf := make([]byte, 64<<10)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	curls := 0
	for line := range strings.Lines(string(buf[:n])) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "curl" {
			continue
		}
		curls++
		request, err := curl.Parse(shellWords(t, strings.TrimSpace(line)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, request.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range request.Headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", line, res.StatusCode, body)
		}
		res.Body.Close()
	}
	if curls != len(mockserver.Providers())+1 {
		t.Errorf("%d curls in\n%s", curls, buf[:n])
	}
	cancel()
	if code := <-over; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// shellWords splits a line with words and single quotes, as the banner has it.
func shellWords(t *testing.T, line string) (words []string) {
	t.Helper()
	for line != "" {
		if quoted, ok := strings.CutPrefix(line, "'"); ok {
			word, rest, _ := strings.Cut(quoted, "'")
			words, line = append(words, word), strings.TrimPrefix(rest, " ")
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), rest
	}
	return words
}

func TestExplainWithoutAMockJudgesByFormat(t *testing.T) {
	t.Parallel()
	got := runKeyfit(t, nil, "explain", "--json", "--", "curl", "-H", "Authorization: Bearer abcdefghijklmnop", "https://connector.mindkey.com/ping")
	if got.code != 0 || field(t, got.out, "provider") != "mindkey" || !strings.Contains(got.out, "wrong_scheme") || !strings.Contains(got.err, "format") {
		t.Errorf("%+v", got)
	}
	got = runKeyfit(t, nil, "explain", "--provider", "imkit", "--", "-H", "IM-API-KEY: a-production-key-perhaps", "/admin/connection-count")
	if got.code != 0 || !strings.Contains(got.out, "not_a_mock_key") || strings.Contains(got.out+got.err, "a-production-key-perhaps") {
		t.Errorf("%+v", got)
	}
}

func TestDocumentsVersionAndCompletionNeedNoMock(t *testing.T) {
	t.Parallel()
	for _, p := range append(mockserver.Providers(), "admin") {
		got := runKeyfit(t, nil, "openapi", string(p))
		if got.code == 0 && !json.Valid([]byte(got.out)) || p == "admin" && got.code != 0 {
			t.Errorf("openapi %s: %d %s", p, got.code, got.err)
		}
	}
	if got := runKeyfit(t, nil, "version", "--json"); got.code != 0 || field(t, got.out, "version") == "" {
		t.Errorf("%+v", got)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := runKeyfit(t, nil, "completion", shell); got.code != 0 || !strings.Contains(got.out, "keyfit") {
			t.Errorf("completion %s: %d %s", shell, got.code, got.err)
		}
	}
	if got := runKeyfit(t, nil, "__complete", "keys", "issue", ""); !strings.HasPrefix(got.out, "imin\nmindkey\nimkit\noptimove\niiniit\n") {
		t.Errorf("completion of a provider: %q", got.out)
	}
	if got := runKeyfit(t, nil); got.code != 0 || !strings.Contains(got.out, "keyfit run -- npm test") {
		t.Errorf("no arguments: %+v", got)
	}
}

func TestTheAdminTokenComesFromAFileOrGoesThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	env := mockFor(t, "--log", "off", "--admin-token-file", path)
	data, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(data)) != env["KEYFIT_ADMIN_TOKEN"] {
		t.Fatalf("%v: %q", err, data)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again := mockFor(t, "--log", "off", "--admin-token-file", path)
	if again["KEYFIT_ADMIN_TOKEN"] != env["KEYFIT_ADMIN_TOKEN"] {
		t.Error("a second mock drew another token")
	}
	url := map[string]string{"KEYFIT_ADMIN_URL": env["KEYFIT_ADMIN_URL"]}
	if got := runKeyfit(t, url, "clock", "show", "--admin-token-file", path); got.code != 0 {
		t.Errorf("%+v", got)
	}
}
