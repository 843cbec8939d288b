package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// post sends IMKIT a request with a body and a header.
func post(t *testing.T, env map[string]string, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, env["IMKIT_BASE_URL"]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("IM-API-KEY", env["IMKIT_API_KEY"])
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("X-Lorem", "fitsum")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// Counts with bounds, and what requests carry: the exit code says whether it is as expected.
func TestRequestsAreVerifiedWithBoundsAndByWhatTheyCarry(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	post(t, env, "POST", "/admin/clients", `{"_id":"ann","nickname":"Ann"}`)
	post(t, env, "POST", "/admin/clients", `{"_id":"bob","nickname":"5"}`)
	post(t, env, "GET", "/admin/clients?limit=50&x=a%20b", "")
	for line, want := range map[string]int{
		"--expect 3": 0, "--expect 2": 1, "--expect 4": 1, "--at-least 3": 0, "--at-least 4": 1, "--at-most 3": 0, "--at-most 2": 1,
		"--at-least 2 --at-most 4": 0, "--at-least 4 --at-most 5": 1, "--at-least 0 --at-most 2": 1,
		"--between 2:4": 0, "--between 3:3": 0, "--between 4:5": 1, "--between 0:2": 1, "--between 3:2": 2, "--between 1:3 --at-least 1": 2, "--expect 3 --between 3:3": 2,
		"--at-least 3 --at-most 2": 2, "--expect 3 --at-least 1": 2,
		"--method post --expect 2": 0, "--path /admin/* --expect 3": 0,
		"--query limit=50 --expect 1": 0, "--query limit=51 --expect 0": 0, "--query limit=* --expect 1": 0, "--query limit=50 --query x=y --expect 0": 0,
		"--header x-lorem --expect 3": 0, "--header X-Other --expect 0": 0,
		"--field nickname=Ann --expect 1": 0, "--field /nickname=Ann --expect 1": 0, "--field nickname=Bob --expect 0": 0,
		`--field nickname="5" --expect 1`: 0, "--field nickname=5 --expect 0": 0,
		"--field nickname=Ann --query limit=50 --expect 0": 0,
	} {
		for _, verb := range []string{"count", "verify"} {
			if got := runKeyfit(t, env, append([]string{"requests", verb}, strings.Fields(line)...)...); got.code != want {
				t.Errorf("%s %s: %+v; want code %d", verb, line, got, want)
			}
		}
		listed := strings.Fields(line)
		if i := len(listed) - 2; i > 0 && listed[i] == "--expect" {
			var items []any
			got := runKeyfit(t, env, append([]string{"requests", "list", "--json"}, listed[:i]...)...)
			if err := json.Unmarshal([]byte(got.out), &items); err != nil || len(items) != map[string]int{"0": 0, "1": 1, "2": 2, "3": 3}[listed[i+1]] {
				t.Errorf("list %v: %v: %+v", listed[:i], err, got)
			}
		}
	}
	for order, want := range map[string]int{
		"POST /admin/clients,GET /admin/clients": 0, "GET /admin/clients,POST /admin/clients": 1, "/admin/*,/admin/*,/admin/*": 0, "/admin/*,/admin/*,/admin/*,/admin/*": 1,
	} {
		args := []string{"requests", "verify"}
		for step := range strings.SplitSeq(order, ",") {
			args = append(args, "--in-order", step)
		}
		if got := runKeyfit(t, env, args...); got.code != want {
			t.Errorf("%s: %+v; want code %d", order, got, want)
		}
	}
}

// A request that a fault throttles is answered with 429, and counts as what it is.
func TestThrottledRequestsAreCounted(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	runKeyfit(t, env, "fault", "add", "throttle", "--delay", "5s", "--first", "2")
	for range 3 {
		imkitStatus(t, env["IMKIT_BASE_URL"], env["IMKIT_API_KEY"])
	}
	for line, want := range map[string]string{
		"--outcome rate_limited --expect 2": "", "--status 429 --expect 2": "", "--outcome ok --expect 1": "",
		"--outcome revoked --expect 1": "keyfit: 0 requests match, expected 1; with other outcomes: 1 ok, 2 rate_limited\n",
	} {
		if got := runKeyfit(t, env, append([]string{"requests", "count"}, strings.Fields(line)...)...); got.err != want || got.code != map[bool]int{true: 0, false: 1}[want == ""] {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestRequestsAreExportedWithoutKeys(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	post(t, env, "POST", "/admin/clients", `{"_id":"ann","nickname":"Ann"}`)
	dir := t.TempDir()
	for format, want := range map[string]string{"har": `"version"`, "curl": "curl ", "go": "package "} {
		file := filepath.Join(dir, format)
		if got := runKeyfit(t, env, "requests", "export", "--format", format, file); got.code != 0 || got.out != "" {
			t.Fatalf("%s: %+v", format, got)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := runKeyfit(t, env, "requests", "export", "--format", format, "--id", "1", "--method", "POST"); got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("%s: %+v", format, got)
		}
		if !strings.Contains(string(data), want) || !strings.Contains(string(data), "/admin/clients") || strings.Contains(string(data), env["IMKIT_API_KEY"]) {
			t.Errorf("%s: %s", format, data)
		}
	}
}

func TestASnapshotIsGoneBackTo(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	for _, step := range []struct {
		args, want string
		code       int
	}{
		{"snapshot save seeded", "seeded", 0},
		{"snapshot save", "default", 0},
		{"data put imkit users -", "0 items", 0},
		{"data list imkit", "users       0", 0},
		{"snapshot list", "seeded", 0},
		{"snapshot restore seeded", "default", 0},
		{"data list imkit", "users       ", 0},
		{"snapshot restore seedde", "", 1},
		{"snapshot restore", "default", 0},
		{"snapshot delete seeded", "", 0},
		{"snapshot delete seeded", "", 1},
		{"snapshot save x/y", "", 2},
	} {
		got := runKeyfitIn(t.Context(), env, "[]", strings.Fields(step.args)...)
		if got.code != step.code || !strings.Contains(got.out, step.want) {
			t.Errorf("%s: %+v", step.args, got)
		}
		if step.args == "snapshot restore seedde" && !strings.Contains(got.err, `did you mean "seeded"?`) {
			t.Errorf("%s: %+v", step.args, got)
		}
	}
}

func TestAFaultHasHeadersAndAHint(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-31")
	if got := runKeyfit(t, env, "fault", "add", "status", "--status", "503", "--header", "Retry-After: 5", "-H", "Content-Type:text/html", "--body", "<p>", "--first", "1"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["IMKIT_BASE_URL"]+"/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "5" || res.Header.Get("Content-Type") != "text/html" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if got := runKeyfit(t, env, "fault", "add", "latency", "--delay", "1s"); got.code != 0 || !strings.Contains(got.err, "frozen") {
		t.Errorf("%+v", got)
	}
}
