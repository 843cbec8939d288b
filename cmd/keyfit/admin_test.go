package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

func TestCommandsControlARunningMock(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-01T00:00:00Z")
	must := func(args ...string) string {
		t.Helper()
		got := runKeyfit(t, env, args...)
		if got.code != 0 {
			t.Fatalf("%v: %d %s", args, got.code, got.err)
		}
		return got.out
	}
	status := func(key string) int {
		t.Helper()
		return imkitStatus(t, env["IMKIT_BASE_URL"], key)
	}
	key := strings.TrimSpace(must("keys", "issue", "imkit", "-q", "--limit", "1/1m", "--name", "ci"))
	if got := []int{status(key), status(key)}; cmp.Diff([]int{200, 429}, got) != "" {
		t.Errorf("limit 1: %v", got)
	}
	must("clock", "advance", "60s")
	if got := status(key); got != 200 {
		t.Errorf("a minute later: %d", got)
	}
	list := must("keys", "list", "--name", "ci", "--json")
	var keys []mockserver.Key
	if err := json.Unmarshal([]byte(list), &keys); err != nil || len(keys) != 1 {
		t.Fatalf("%v: %s", err, list)
	}
	next := field(t, must("keys", "rotate", keys[0].ID, "--overlap", "1h", "--json"), "secret")
	must("clock", "advance", "1h")
	if got := []int{status(key), status(next)}; cmp.Diff([]int{401, 200}, got) != "" {
		t.Errorf("after the overlap: %v", got)
	}
	must("fault", "add", "status", "--status", "503", "--first", "1", "--provider", "imkit")
	must("clock", "advance", "1m")
	if got := []int{status(next), status(next)}; cmp.Diff([]int{503, 200}, got) != "" {
		t.Errorf("first 1: %v", got)
	}
	must("fault", "clear")
	if got := runKeyfit(t, env, "requests", "count", "--outcome", "rate_limited", "--expect", "1"); got.code != 0 {
		t.Errorf("count: %+v", got)
	}
	if got := runKeyfit(t, env, "requests", "count", "--outcome", "rate_limited", "--expect", "2"); got.code != 1 || got.err != "keyfit: 1 requests match, expected 2\n" {
		t.Errorf("count: %+v", got)
	}
	if shown := must("requests", "show", "2"); !strings.Contains(shown, "rate_limited") || strings.Contains(shown, key) {
		t.Errorf("requests show 2:\n%s", shown)
	}
	why := must("explain", "--", "curl", "-sS", "-HX-API-KEY: "+next, env["IMKIT_BASE_URL"]+"/admin/connection-count")
	if !strings.Contains(why, "wrong_header") || !strings.Contains(why, "IM-API-KEY") || strings.Contains(why, next) {
		t.Errorf("explain:\n%s", why)
	}
}

func TestTablesAreAligned(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-01T00:00:00Z", "--seed", "1", "--providers", "imkit,mindkey")
	got := runKeyfit(t, env, "keys", "list")
	want := `ID          PROVIDER  KIND   NAME          STATUS  FINGERPRINT   EXPIRES               LAST USED
key_000001  mindkey   key    Lorem Fitsum  active  XXXXXXXXXXXX  2028-01-01 00:00:00Z  -
key_000002  imkit     key    Lorem Fitsum  active  XXXXXXXXXXXX  -                     -
key_000003  imkit     token  Lorem Fitsum  active  XXXXXXXXXXXX  -                     -
key_000004  imkit     pair   Lorem Fitsum  active  XXXXXXXXXXXX  -                     -
`
	out := got.out
	var keys []mockserver.Key
	if err := json.Unmarshal([]byte(runKeyfit(t, env, "keys", "list", "--json").out), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		out = strings.ReplaceAll(out, k.Fingerprint, "XXXXXXXXXXXX")
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if got := runKeyfit(t, env, "clock", "show").out; got != "2027-01-01T00:00:00.000Z  frozen\n" {
		t.Errorf("clock show: %q", got)
	}
}

func TestStateGoesOutAndIn(t *testing.T) {
	t.Parallel()
	first, second := mockFor(t), mockFor(t, "--log", "off", "--no-keys")
	file := filepath.Join(t.TempDir(), "fixture.json")
	if got := runKeyfit(t, first, "state", "export", file); got.code != 0 {
		t.Fatal(got.err)
	}
	if got := runKeyfit(t, second, "state", "import", file); got.code != 0 || !strings.Contains(got.out, "default") {
		t.Fatalf("%+v", got)
	}
	a, b := runKeyfit(t, first, "state", "export").out, runKeyfit(t, second, "state", "export", "-").out
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	for name, value := range first {
		if strings.HasSuffix(name, "_KEY") && strings.Contains(a, value) {
			t.Errorf("the value of %s stands in the export", name)
		}
	}
	if got := runKeyfitIn(t.Context(), second, a, "state", "import", "-"); got.code != 0 {
		t.Errorf("from stdin: %+v", got)
	}
}

// The keys of the start are those that programs under test were given.
func TestResetLeavesTheKeysOfTheStart(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--providers", "imkit")
	listed := func() (ids []string) {
		var keys []mockserver.Key
		if err := json.Unmarshal([]byte(runKeyfit(t, env, "keys", "list", "--json").out), &keys); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			ids = append(ids, k.ID)
		}
		return ids
	}
	start := listed()
	issued := strings.TrimSpace(runKeyfit(t, env, "keys", "issue", "imkit", "-q").out)
	for _, step := range []struct {
		args    []string
		another int // what the key gets that was issued later
		keys    int
	}{
		{[]string{"state", "reset", "--keep-keys"}, 200, len(start) + 1},
		{[]string{"state", "reset", "--keep", "keys,clock"}, 200, len(start) + 1},
		{[]string{"keys", "revoke", start[0]}, 200, len(start) + 1},
		{[]string{"state", "reset"}, 401, len(start)},
	} {
		if got := runKeyfit(t, env, step.args...); got.code != 0 {
			t.Fatalf("%v: %+v", step.args, got)
		}
		want := []int{step.another, step.keys}
		if d := cmp.Diff(want, []int{imkitStatus(t, env["IMKIT_BASE_URL"], issued), len(listed())}); d != "" {
			t.Errorf("%v (-want +got):\n%s", step.args, d)
		}
	}
	if got := imkitStatus(t, env["IMKIT_BASE_URL"], env["IMKIT_API_KEY"]); got != 200 {
		t.Errorf("the key of the start: %d", got)
	}
	empty := mockFor(t, "--log", "off", "--no-keys")
	runKeyfit(t, empty, "keys", "issue", "imkit")
	if got := runKeyfit(t, empty, "state", "reset"); got.code != 0 || runKeyfit(t, empty, "keys", "list", "--json").out != "[]\n" {
		t.Errorf("without keys at the start: %+v", got)
	}
}

func TestTailFollowsRequests(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	over := make(chan int, 1)
	go func() {
		over <- run(ctx, []string{"requests", "tail", "--json", "--outcome", "ok"}, cli.Terminal{In: strings.NewReader(""), Out: in, Err: io.Discard, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	}()
	stop := make(chan struct{})
	go func() { // the stream shows what comes after it began
		for {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, env["IMKIT_BASE_URL"]+"/admin/connection-count", nil)
			if err != nil {
				return
			}
			r.Header.Set("IM-API-KEY", env["IMKIT_API_KEY"])
			if res, err := http.DefaultClient.Do(r); err == nil {
				res.Body.Close()
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	var x mockserver.Exchange
	err := json.NewDecoder(out).Decode(&x)
	close(stop)
	if err != nil || x.Outcome != "ok" || x.Path != "/admin/connection-count" {
		t.Errorf("%v: %+v", err, x)
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if code := <-over; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestNamespacesComeAndGo(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	if got := runKeyfit(t, env, "namespace", "create", "team-a", "--listen", "--json"); got.code != 0 || !strings.Contains(got.out, `"imkit": "http://127.0.0.1:`) {
		t.Fatalf("%+v", got)
	}
	if got := runKeyfit(t, env, "keys", "issue", "imkit", "-n", "team-a", "--json"); field(t, got.out, "id") != "team-a.key_000001" {
		t.Errorf("%+v", got)
	}
	for _, id := range []string{"key_000001", "team-a.key_000001"} {
		if got := runKeyfit(t, env, "keys", "show", id, "-n", "team-a"); got.code != 0 {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if got := runKeyfit(t, env, "namespace", "delete", "team-a"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := runKeyfit(t, env, "namespace", "list"); strings.Contains(got.out, "team-a") {
		t.Errorf("%+v", got)
	}
}
