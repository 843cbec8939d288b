package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
	"github.com/keyfit/keyfit/mockserver"
)

// vendorWorld is a mock and a .env that leads to it.
type vendorWorld struct {
	*mockserver.Server
	dotenv  string
	lines   map[string]string
	secrets []string
}

// newVendorWorld issues a key for each vendor. The .env has no line of the vendors left out.
func newVendorWorld(t *testing.T, leaveOut ...string) *vendorWorld {
	t.Helper()
	w := &vendorWorld{Server: mockserver.New(t), dotenv: filepath.Join(t.TempDir(), ".env"), lines: map[string]string{}}
	for _, p := range mockserver.Providers() {
		name := strings.ToUpper(string(p))
		w.lines[name+"_BASE_URL"] = w.BaseURL(p)
		if !slices.Contains(leaveOut, string(p)) {
			w.set(name+"_API_KEY", w.Keys().Issue(p).Secret.Reveal())
		}
	}
	if !slices.Contains(leaveOut, "imkit-user") {
		pair := w.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("user001"))
		w.set("IMKIT_CLIENT_KEY", pair.Secret.Reveal())
		w.set("IMKIT_USER_TOKEN", pair.Token.Reveal())
	}
	if !slices.Contains(leaveOut, "iiniit") {
		w.set("IINIIT_ACCESS_TOKEN", w.Keys().Issue(mockserver.Iiniit, mockserver.Bearer()).Secret.Reveal())
	}
	w.write(t)
	return w
}

func (w *vendorWorld) set(name, secret string) {
	w.lines[name] = secret
	w.secrets = append(w.secrets, secret)
}

func (w *vendorWorld) write(t *testing.T) {
	t.Helper()
	var content strings.Builder
	for name, value := range w.lines {
		fmt.Fprintf(&content, "%s=%s\n", name, value)
	}
	if err := os.WriteFile(w.dotenv, []byte(content.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// invoke runs a command line with --dotenv, and finds no key in what it printed.
func (w *vendorWorld) invoke(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := run(context.Background(), append(args, "--dotenv", w.dotenv), cli.Terminal{
		In: strings.NewReader(stdin), Out: &out, Err: &err, Env: func(string) (string, bool) { return "", false },
	})
	for _, secret := range w.secrets {
		if strings.Contains(out.String()+err.String(), secret) {
			t.Errorf("%v prints a key:\n%s%s", args, out.String(), err.String())
		}
	}
	return result{code, out.String(), err.String()}
}

// verdicts runs check --json.
func (w *vendorWorld) verdicts(t *testing.T, args ...string) (int, []keycheck.Result) {
	t.Helper()
	got := w.invoke(t, "", append([]string{"check", "--json"}, args...)...)
	var doc struct {
		OK      bool
		Vendors []keycheck.Result
	}
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil {
		t.Fatalf("%v: %s%s", err, got.out, got.err)
	}
	if doc.OK != (got.code == 0) {
		t.Errorf("ok is %v, the exit code %d", doc.OK, got.code)
	}
	return got.code, doc.Vendors
}

func TestCheckTriesEveryKeyThatIsThere(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	code, got := w.verdicts(t)
	if code != keycheck.Unproven.ExitCode() { // iiniit documents no call
		t.Errorf("exit code %d", code)
	}
	for i := range got {
		if (got[i].Mode != "0600") != (runtime.GOOS == "windows") {
			t.Errorf("mode %q", got[i].Mode)
		}
		if got[i].Mode = ""; got[i].Fingerprint == "" || (got[i].LatencyMS > 0) != !strings.HasPrefix(got[i].Vendor, "iiniit") {
			t.Errorf("fingerprint and latency: %+v", got[i])
		}
		got[i].Fingerprint, got[i].LatencyMS, got[i].Advice = "", 0, ""
	}
	in := func(names string) string { return names + " in " + w.dotenv }
	want := []keycheck.Result{
		{Vendor: "imin", Verdict: keycheck.Accepted, Place: in("IMIN_API_KEY"), Scheme: "X-API-KEY", Status: 200, Answer: "200 OK"},
		{Vendor: "mindkey", Verdict: keycheck.Accepted, Place: in("MINDKEY_API_KEY"), Scheme: "Authorization: ApiKey-v2", Status: 200, Answer: "200 OK"},
		{Vendor: "imkit", Verdict: keycheck.Accepted, Place: in("IMKIT_API_KEY"), Scheme: "IM-API-KEY", Status: 200, Answer: "200 OK", Quota: &keycheck.Quota{Requests: 1000, Per: "1m"}},
		{Vendor: "imkit-user", Verdict: keycheck.Accepted, Place: in("IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN"), Scheme: "IM-CLIENT-KEY, IM-Authorization", Status: 200, Answer: "200 OK"},
		{Vendor: "optimove", Verdict: keycheck.Accepted, Place: in("OPTIMOVE_API_KEY"), Scheme: "X-API-KEY", Status: 200, Answer: "200 OK", Quota: &keycheck.Quota{Requests: 50, Per: "10s"}},
		{Vendor: "iiniit", Verdict: keycheck.Unproven, Place: in("IINIIT_API_KEY"), Scheme: "Authorization: ApiKey", Answer: "not asked"},
		{Vendor: "iiniit-token", Verdict: keycheck.Unproven, Place: in("IINIIT_ACCESS_TOKEN"), Scheme: "Authorization: Bearer", Answer: "not asked"},
	}
	for i := range want {
		name, _, _ := strings.Cut(want[i].Vendor, "-")
		want[i].Host = w.BaseURL(mockserver.Provider(name)) // the mock's, which is no vendor's own
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	w.Expect(t, mockserver.Match{}, 5)
}

func TestCheckSaysWhatToDoAboutAKeyThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, vendor   string
		spoil          func(t *testing.T, w *vendorWorld)
		verdict        keycheck.Verdict
		answer, advice string
	}{
		{"revoked", "imkit", func(t *testing.T, w *vendorWorld) {
			t.Helper()
			for _, k := range w.Keys().List(mockserver.KeyFilter{Provider: mockserver.IMKIT}) {
				_ = w.Keys().Revoke(k.ID, "")
			}
		}, keycheck.Refused, "401 Unauthorized", "put a good one into IMKIT_API_KEY in "},
		{"past its date", "mindkey", func(_ *testing.T, w *vendorWorld) {
			w.lines["MINDKEY_API_KEY_EXPIRES"] = "2020-01-31"
			w.Clock().Advance(366 * 24 * time.Hour)
		}, keycheck.Ended, "401 Unauthorized", "it expired at 2020-01-31"},
		{"limit used up", "imkit", func(_ *testing.T, w *vendorWorld) {
			w.Clock().Freeze(time.Now())
			w.Inject(mockserver.Match{Provider: mockserver.IMKIT}, mockserver.Throttle(40*time.Second))
		}, keycheck.Unproven, "429 Too Many Requests", "check again in 40s"},
		{"server fails", "optimove", func(_ *testing.T, w *vendorWorld) {
			w.Inject(mockserver.Match{Provider: mockserver.Optimove}, mockserver.Status(503, ""))
		}, keycheck.Unproven, "503 Service Unavailable", "check again later"},
		{"may not", "optimove", func(_ *testing.T, w *vendorWorld) {
			w.Inject(mockserver.Match{Provider: mockserver.Optimove}, mockserver.Status(403, "no"))
		}, keycheck.Unproven, "403 Forbidden", "give it that permission"},
		{"no address", "imkit", func(_ *testing.T, w *vendorWorld) { delete(w.lines, "IMKIT_BASE_URL") }, keycheck.Failed, "not asked", "set IMKIT_BASE_URL"},
		{"no answer", "imin", func(_ *testing.T, w *vendorWorld) { w.lines["IMIN_BASE_URL"] = "http://127.0.0.1:1" }, keycheck.Unproven, "no answer", "look at network, proxy and IMIN_BASE_URL"},
		{"too slow", "imin", func(_ *testing.T, w *vendorWorld) {
			w.Inject(mockserver.Match{Provider: mockserver.Imin}, mockserver.HangHeaders())
		}, keycheck.Unproven, "no answer", "no answer within --timeout"},
		{"half a pair", "imkit-user", func(_ *testing.T, w *vendorWorld) { delete(w.lines, "IMKIT_CLIENT_KEY") }, keycheck.Failed, "not asked", "repair the place"},
		{"named and absent", "imin", func(_ *testing.T, w *vendorWorld) { delete(w.lines, "IMIN_API_KEY") }, keycheck.Failed, "not asked", "set IMIN_API_KEY"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newVendorWorld(t)
			test.spoil(t, w)
			w.write(t)
			code, got := w.verdicts(t, test.vendor, "--timeout", "500ms")
			if code != test.verdict.ExitCode() || len(got) != 1 || got[0].Verdict != test.verdict || got[0].Answer != test.answer || got[0].Error == "" || !strings.Contains(got[0].Advice, test.advice) {
				t.Errorf("exit code %d, %+v; want %s, %q and advice %q", code, got, test.verdict, test.answer, test.advice)
			}
			people := w.invoke(t, "", "check", test.vendor, "--timeout", "500ms")
			if people.code != code || !strings.Contains(people.out, "→ ") {
				t.Errorf("for people: %+v", people)
			}
		})
	}
}

// The end of a key, from either date, with and without a time to fail within. The mock accepts the
// key in every case.
func TestCheckIsAnAlarmForTheEndOfAKey(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		variable, date string
		within         string
		verdict        keycheck.Verdict
		days           int
		advice         string
	}{
		"far":             {"EXPIRES", in(90*day + time.Hour), "14d", keycheck.Accepted, 90, ""},
		"soon":            {"EXPIRES", in(20*day + time.Hour), "14d", keycheck.Accepted, 20, "it expires in 20 days"},
		"ending":          {"EXPIRES", in(10*day + time.Hour), "14d", keycheck.Ending, 10, "then keyfit rotate mindkey"},
		"not asked":       {"EXPIRES", in(10*day + time.Hour), "", keycheck.Accepted, 10, "it expires in 10 days"},
		"tomorrow":        {"EXPIRES", in(day + time.Hour), "336h", keycheck.Ending, 1, "it expires in 1 day, at "},
		"ended":           {"EXPIRES", in(-time.Hour), "14d", keycheck.Ended, -1, "correct the date (not_after in its file"},
		"ended, unasked":  {"EXPIRES", in(-3*day - time.Hour), "", keycheck.Ended, -4, "the vendor accepts it, though it ended at "},
		"issued":          {"ISSUED", in(-100*day + time.Hour), "14d", keycheck.Accepted, 265, ""},
		"issued long ago": {"ISSUED", in(-360*day + time.Hour), "14d", keycheck.Ending, 5, "it expires in 5 days"},
		"issued too long": {"ISSUED", in(-366*day - time.Hour), "14d", keycheck.Ended, -2, "MINDKEY_API_KEY_EXPIRES or _ISSUED"},
	} {
		delete(w.lines, "MINDKEY_API_KEY_EXPIRES")
		delete(w.lines, "MINDKEY_API_KEY_ISSUED")
		w.lines["MINDKEY_API_KEY_"+tt.variable] = tt.date
		w.write(t)
		args := []string{"mindkey"}
		if tt.within != "" {
			args = append(args, "--fail-within", tt.within)
		}
		code, got := w.verdicts(t, args...)
		if code != tt.verdict.ExitCode() || len(got) != 1 || got[0].Verdict != tt.verdict || got[0].ExpiresInDays == nil || *got[0].ExpiresInDays != tt.days ||
			!strings.Contains(got[0].Advice, tt.advice) || (tt.advice == "") != (got[0].Advice == "") {
			t.Errorf("%s: exit code %d, %+v", name, code, got)
		}
	}
	delete(w.lines, "MINDKEY_API_KEY_EXPIRES")
	delete(w.lines, "MINDKEY_API_KEY_ISSUED")
	w.write(t)
	if code, got := w.verdicts(t, "mindkey", "--fail-within", "14d"); code != 0 || !strings.Contains(got[0].Advice, "its end is unknown, so --fail-within cannot warn of it") {
		t.Errorf("without a date: exit code %d, %+v", code, got)
	}
}

func TestCheckTriesAKeyWithAPathOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	if code, got := w.verdicts(t, "iiniit"); code != 6 || got[0].Verdict != keycheck.Unproven || !strings.Contains(got[0].Advice, "--probe PATH") {
		t.Errorf("without: exit code %d, %+v", code, got)
	}
	if code, got := w.verdicts(t, "iiniit", "--probe", "/resource"); code != 0 || got[0].Verdict != keycheck.Accepted || got[0].Status != 200 {
		t.Errorf("with a path: exit code %d, %+v", code, got)
	}
	for _, line := range []string{"check --probe /x", "check imin imkit --probe /x", "check iiniit --probe x", "check iiniit --probe /x?api_key=lorem", "check iiniit --probe https://evil.example/"} {
		if got := w.invoke(t, "", strings.Fields(line)...); got.code != cli.ExitUsage || strings.Contains(got.err, "lorem") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// A key that stands in several places, of its own vendor or another's, and one that is not used.
func TestCheckFindsTheSameKeyInTwoPlaces(t *testing.T) {
	w := newVendorWorld(t)
	key := w.lines["IMKIT_API_KEY"]
	dir := filepath.Dir(w.dotenv)
	file := filepath.Join(dir, "mounted")
	writeFile(t, file, key+"\n")
	writeFile(t, w.dotenv+".bak", "A=1\nIMKIT_API_KEY="+key+"\n")
	w.lines["OPTIMOVE_API_KEY"], w.lines["SPARE"] = key, key
	w.write(t)
	t.Setenv("IMKIT_API_KEY_FILE", file)
	t.Setenv("IMKIT_BASE_URL", w.BaseURL(mockserver.IMKIT))
	t.Setenv("IMIN_API_KEY", w.Keys().Issue(mockserver.Imin).Secret.Reveal())
	t.Setenv("IMIN_BASE_URL", w.BaseURL(mockserver.Imin))

	_, got := w.verdicts(t, "imkit", "imin", "mindkey")
	spare := regexp.MustCompile(`(?m)^SPARE=`)
	content, err := os.ReadFile(w.dotenv)
	if err != nil {
		t.Fatal(err)
	}
	line := 1 + strings.Count(string(content[:spare.FindIndex(content)[0]]), "\n")
	want := map[string][]string{
		"imkit": {
			"IMKIT_API_KEY in " + w.dotenv, "OPTIMOVE_API_KEY in " + w.dotenv + ", as a key of optimove",
			fmt.Sprintf("line %d of %s", line, w.dotenv), "line 2 of " + w.dotenv + ".bak",
		}, "imin": nil, "mindkey": nil,
	}
	also, unused := map[string][]string{}, map[string][]keycheck.Other{}
	for _, r := range got {
		also[r.Vendor], unused[r.Vendor] = r.AlsoIn, r.NotUsed
	}
	if d := cmp.Diff(want, also); d != "" {
		t.Errorf("the same key (-want +got):\n%s", d)
	}
	old := keycheck.Other{Place: "IMIN_API_KEY in " + w.dotenv, Fingerprint: fingerprint(w.lines["IMIN_API_KEY"])}
	if d := cmp.Diff(map[string][]keycheck.Other{"imin": {old}, "imkit": nil, "mindkey": nil}, unused); d != "" {
		t.Errorf("not used (-want +got):\n%s", d)
	}
	people := w.invoke(t, "", "check", "imin", "imkit")
	for _, part := range []string{
		"imkit: warning: the same key is also in line 2 of " + w.dotenv + ".bak\n",
		"imin: warning: IMIN_API_KEY in " + w.dotenv + " has another key (" + old.Fingerprint + "), which is not used: environment variable IMIN_API_KEY has precedence\n",
	} {
		if !strings.Contains(people.out, part) {
			t.Errorf("%q is missing:\n%s", part, people.out)
		}
	}
}

func TestCheckOfNothing(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t, "imin", "mindkey", "imkit", "imkit-user", "optimove", "iiniit")
	got := w.invoke(t, "", "check")
	if got.code != 1 || got.out != "" || !strings.Contains(got.err, "no key in the environment or in .env; set one of IMIN_API_KEY, MINDKEY_API_KEY, IMKIT_API_KEY, IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN, ") {
		t.Errorf("%+v", got)
	}
	code, list := w.verdicts(t)
	if code != 1 || list == nil || len(list) != 0 {
		t.Errorf("exit code %d, %v", code, list)
	}
}

func TestCheckAndCallRefuseWhatTheyDoNotUnderstand(t *testing.T) {
	t.Parallel()
	w := newVendorWorld(t)
	for _, line := range []string{
		"check acme", "check --timeout 0s", "check --timeout soon", "check --nonsense", "check --dotenv /none/.env",
		"call imin", "call imin GET", "call acme GET /", "call imin GET / extra", "call imin GET relative", "call imin GET //evil.example/",
		"call imin GET https://evil.example/", "call imin G=T /", "call imin POST / --data {", "call imin GET / --header lorem", "call imin GET / --param lorem",
		"call imin GET / --header X-Api-Key:lorem", "call imkit GET / --header authorization:lorem", "call imkit-user GET / -H im-client-key:lorem",
		"call iiniit GET / --param api_key=lorem", "call iiniit GET /?api_key=lorem",
	} {
		args := strings.Fields(line)
		if slices.Contains(args, "--dotenv") {
			var out bytes.Buffer
			code := run(t.Context(), args, cli.Terminal{
				In: strings.NewReader(""), Out: &out, Err: &out, Env: func(string) (string, bool) { return "", false },
			})
			if code != cli.ExitUsage {
				t.Errorf("%s: exit code %d, %s", line, code, out.String())
			}
			continue
		}
		if got := w.invoke(t, "", args...); got.code != cli.ExitUsage || got.out != "" || !strings.Contains(got.err, "--help") {
			t.Errorf("%s: %+v", line, got)
		}
	}
	w.Expect(t, mockserver.Match{}, 0)
}

func TestCheckFindsAKeyInTheEnvironmentFirst(t *testing.T) {
	w := newVendorWorld(t)
	t.Setenv("IMKIT_API_KEY", w.Keys().Issue(mockserver.IMKIT).Secret.Reveal())
	t.Setenv("IMKIT_BASE_URL", w.BaseURL(mockserver.IMKIT)) // that of .env holds for the key there
	code, got := w.verdicts(t, "imkit", "IMKIT")
	if code != 0 || len(got) != 1 || got[0].Place != "environment variable IMKIT_API_KEY" {
		t.Errorf("exit code %d, %+v", code, got)
	}
}

// The host is named, and marked if it is not the vendor's own; files that others can read and a
// base URL that does not hold are warned of.
func TestCheckAndCallNameTheHostAndWarn(t *testing.T) {
	w := newVendorWorld(t)
	_, _ = w.verdicts(t, "imin") // writes the file
	if err := os.Chmod(w.dotenv, 0o644); err != nil {
		t.Fatal(err)
	}
	host := w.BaseURL(mockserver.Imin) + " (not imin's own)"
	got := w.invoke(t, "", "check", "imin")
	for _, want := range []string{host, "imin: warning: " + w.dotenv + " can be read by everybody on this machine (mode 0644)"} {
		if runtime.GOOS != "windows" && !strings.Contains(got.out, want) {
			t.Errorf("%q is missing in %s", want, got.out)
		}
	}
	if got := w.invoke(t, "", "call", "imin", "GET", "/events-api/v2/facets", "-v"); !strings.Contains(got.err, "> host "+host+"\n") || !strings.Contains(got.err, "warning: "+w.dotenv+" can be read") {
		t.Errorf("call: %s", got.err)
	}
	t.Setenv("IMIN_API_KEY", w.Keys().Issue(mockserver.Imin).Secret.Reveal())
	got = w.invoke(t, "", "call", "mindkey", "GET", "/ping", "-v")
	if strings.Contains(got.err, "holds only for a key of that file") {
		t.Errorf("the key and the URL are of the same file: %s", got.err)
	}
	w.Expect(t, mockserver.Match{Provider: mockserver.Imin}, 3)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // the real host must not be reached from here
	got = w.invoke(t, "", "check", "imin")
	for _, want := range []string{"https://search.imin.co", "holds only for a key of that file, and the key is from another place: environment variable IMIN_API_KEY"} {
		if !strings.Contains(got.out, want) || strings.Contains(got.out, "(not imin's own)") {
			t.Errorf("%q is missing in %s", want, got.out)
		}
	}
	w.Expect(t, mockserver.Match{Provider: mockserver.Imin}, 3) // the environment's key stayed away
}

// One broken line of .env is one mistake, however many vendors have no other key, or have one.
func TestABrokenLineOfDotEnvIsToldOnce(t *testing.T) {
	t.Parallel()
	brokenIsToldOnce(t, false)
}

func TestABrokenLineOfDotEnvIsToldOnceBesideOtherKeys(t *testing.T) {
	w := newVendorWorld(t)
	t.Setenv("IMIN_API_KEY", w.lines["IMIN_API_KEY"])
	t.Setenv("MINDKEY_API_KEY", w.lines["MINDKEY_API_KEY"])
	t.Setenv("OPTIMOVE_API_KEY", w.lines["OPTIMOVE_API_KEY"])
	for _, name := range []string{"IMIN", "MINDKEY", "OPTIMOVE"} {
		t.Setenv(name+"_BASE_URL", w.lines[name+"_BASE_URL"])
	}
	brokenIsToldOnce(t, true)
}

func brokenIsToldOnce(t *testing.T, inEnvironment bool) {
	t.Helper()
	for name, content := range map[string]string{
		"a quote": "IMIN_API_KEY='never closed\n", "UTF-16": "\xff\xfeI\x00", "a later line": "A=1\nB=2\nnonsense here\n", "no name": "=x\n",
		"too large": strings.Repeat("A=1\n", 1<<18+1), "a directory": "",
	} {
		file := filepath.Join(t.TempDir(), ".env")
		writeFile(t, file, content)
		if name == "a directory" {
			file = t.TempDir()
		}
		for _, args := range [][]string{{"check"}, {"check", "imin", "imkit", "mindkey"}} {
			got := runKeyfit(t, nil, append(args, "--dotenv", file)...)
			if strings.Count(got.err, "\n") != 1 || strings.Count(got.out+got.err, file) != 1 || (got.out != "") != inEnvironment || got.code != cli.ExitFailure {
				t.Errorf("%s, %v: %+v", name, args, got)
			}
		}
		got := runKeyfit(t, nil, "check", "--json", "--dotenv", file)
		if strings.Count(got.out, file) != 1 || got.err != "" || !json.Valid([]byte(got.out)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
