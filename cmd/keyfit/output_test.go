package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// full is a device without space, after a number of bytes.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if n := len(p); n <= f.left {
		f.left -= n
		return n, nil
	}
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// into runs a command whose output goes to a writer.
func into(ctx context.Context, env map[string]string, out io.Writer, in string, args ...string) result {
	var errs bytes.Buffer
	code := run(ctx, args, cli.Terminal{In: strings.NewReader(in), Out: out, Err: &errs, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}})
	return result{code: code, err: errs.String()}
}

// Every command that prints something fails if that cannot be written: from the first byte on,
// and near the end; as text and as JSON; also the help and the completion script.
func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	env["KEYFIT_DOTENV"] = os.DevNull
	ofKind := map[string]string{"data put": "[]", "state import": runKeyfit(t, env, "state", "export").out, "fingerprint": "lorem-fitsum"}
	lines := [][]string{{}, {"help"}, {"help", "keys"}, {"keys"}, {"keys", "--help"}, {"completion", "bash"}, {"completion", "zsh"}, {"__complete", "keys", ""}}
	for path, arguments := range commands(t) {
		if slices.Contains([]string{"mock", "run", "rotate", "requests tail", "requests clear"}, path) {
			continue // serve, wait, or have tests of their own
		}
		lines = append(lines, slices.Concat(strings.Fields(path), arguments), slices.Concat([]string{"--json"}, strings.Fields(path), arguments))
	}
	failed := 0
	for _, line := range lines {
		name := strings.Join(slices.DeleteFunc(slices.Clone(line), func(s string) bool { return s == "--json" || s == "imkit" || s == "users" || s == "-" }), " ")
		got := runKeyfitIn(t.Context(), env, ofKind[name], line...)
		if got.out == "" {
			continue
		}
		failed++
		once := name == "keys rotate key_000001" || name == "namespace create a" || name == "scenario play storm"
		rooms := []int{0, len(got.out) / 2}
		if os.Getenv("KEYFIT_LONG") == "" {
			rooms = rooms[failed%2:][:1]
		}
		for _, room := range rooms {
			refused := into(t.Context(), env, &full{room}, ofKind[name], line...)
			if refused.code == cli.ExitOK || got.code == cli.ExitOK && !once && (refused.code != cli.ExitFailure || !strings.Contains(refused.err, "no space left on device")) {
				t.Errorf("keyfit %v, room for %d of %d bytes: %+v", line, room, len(got.out), refused)
			}
		}
	}
	if failed < 40 {
		t.Errorf("%d commands printed something", failed)
	}
}

func TestTheFullDeviceOfTheSystem(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("no /dev/full")
	}
	device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer device.Close()
	for _, line := range []string{"version", "version --json", "openapi imkit", "help", "completion fish", "mock --log off"} {
		cmd := program(strings.Fields(line)...)
		var errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = device, &errs
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(errs.String(), "no space left on device") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, %q", line, code, errs.String())
		}
	}
}

// A byte order mark, as PowerShell and some editors write it, is read over in every text that a
// command takes; UTF-16 is named.
func TestAByteOrderMarkIsReadOver(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	dir := t.TempDir()
	const mark = "\ufeff"
	users := runKeyfit(t, env, "data", "get", "imkit", "users").out
	state := runKeyfit(t, env, "state", "export").out
	for name, content := range map[string]string{"users": users, "state": state, "config": `{"log": "off"}`} {
		writeFile(t, filepath.Join(dir, name), mark+content)
		writeFile(t, filepath.Join(dir, name+".16"), "\xff\xfe{\x00}\x00")
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, args := range [][]string{
		{"data", "put", "imkit", "users", at("users")},
		{"state", "import", at("state")},
		{"run", "--config", at("config"), "--", "true"},
	} {
		if got := runKeyfit(t, env, args...); got.code != 0 {
			t.Errorf("%v: %+v", args, got)
		}
		file := slices.IndexFunc(args, func(s string) bool { return strings.HasPrefix(s, dir) })
		args[file] += ".16"
		if got := runKeyfit(t, env, args...); got.code != 1 || !strings.Contains(got.err, "UTF-16") || !strings.Contains(got.err, args[file]) {
			t.Errorf("%v: %+v", args, got)
		}
	}
	for what, in := range map[string][]string{users: {"data", "put", "imkit", "users", "-"}, state: {"state", "import", "-"}} {
		if got := runKeyfitIn(t.Context(), env, mark+what, in...); got.code != 0 {
			t.Errorf("%v: %+v", in, got)
		}
	}
}

func TestRunWithoutKeysSetsNone(t *testing.T) {
	t.Parallel()
	m, err := newLocalMock(t.Context(), defaults(t, "--no-keys"), nil, mockserver.AdminConfig{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	env, _, err := m.childEnvironment([]string{"IMKIT_API_KEY=of the user", "OTHER=1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range env {
		name, _, _ := strings.Cut(line, "=")
		if strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_EXPIRES") || strings.Contains(name, "ACCESS_TOKEN") || strings.Contains(name, "USER_TOKEN") {
			t.Error(line)
		}
	}
	if n := len(m.srv.Keys().List(mockserver.KeyFilter{})); n != 0 {
		t.Errorf("%d keys", n)
	}
}

// defaults are the settings of a mock that is started with flags.
func defaults(t *testing.T, args ...string) *settings {
	t.Helper()
	a := &app{Terminal: cli.Terminal{Env: func(string) (string, bool) { return "", false }}}
	cmd := a.mockCommand()
	var s settings
	cmd.ResetFlags()
	s.flags(cmd.Flags())
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := s.load(cmd.Flags()); err != nil {
		t.Fatal(err)
	}
	return &s
}

// Ctrl-C ends a tail; the mock lives on, and nothing else is said.
func TestAnInterruptedTailSaysNothing(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	ctx, interrupt := context.WithCancel(t.Context())
	over := make(chan result, 1)
	out, in := io.Pipe()
	go func() { over <- into(ctx, env, in, "", "requests", "tail") }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["IMKIT_BASE_URL"]+"/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1<<10)
	read := make(chan int, 1)
	go func() {
		n, _ := out.Read(line)
		read <- n
	}()
	var n int
	for n == 0 { // until the tail has begun to follow
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		select {
		case n = <-read:
		default:
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	interrupt()
	if d := cmp.Diff(result{}, <-over, cmp.AllowUnexported(result{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !strings.Contains(string(line[:n]), "GET /x") {
		t.Errorf("%q", line[:n])
	}
}

func TestTimesForPeopleNameTheirZone(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-31")
	for line, want := range map[string]string{
		"keys list --provider mindkey":                       "2028-01-31 00:00:00Z",
		"keys show key_000002":                               "2028-01-31 00:00:00Z",
		"namespace list":                                     "2027-01-31 00:00:00Z",
		"clock show":                                         "2027-01-31T00:00:00.000Z",
		"keys issue imkit --expires-at 2027-03-01":           "2027-03-01 00:00:00Z",
		"keys list --unused-since 2027-06-01T00:00:00+02:00": "2028-01-31 00:00:00Z",
	} {
		if got := runKeyfit(t, env, strings.Fields(line)...); got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("%s: %+v", line, got)
		}
	}
	if got := runKeyfit(t, env, "clock", "freeze", "2027-02-28"); got.out != "2027-02-28T00:00:00.000Z  frozen\n" {
		t.Errorf("a date: %+v", got)
	}
	imkitStatus(t, env["IMKIT_BASE_URL"], env["IMKIT_API_KEY"])
	if got := runKeyfit(t, env, "requests", "list"); !strings.Contains(got.out, ":00.000Z") {
		t.Errorf("%+v", got)
	}
}

// What TAB offers: what the running mock has, names of flags and values, and files only where
// a file is wanted.
func TestCompletionOffersWhatIsThere(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-31", "--providers", "imkit,mindkey")
	for _, args := range [][]string{{"fault", "add", "stall"}, {"namespace", "create", "team-a"}, {"snapshot", "save", "seeded"}} {
		if got := runKeyfit(t, env, args...); got.code != 0 {
			t.Fatalf("%v: %+v", args, got)
		}
	}
	const none, noSpace = ":4\n", ":6\n"
	ids := "key_000001\tmindkey, key, Lorem Fitsum, active\nkey_000002\timkit, key, Lorem Fitsum, active\n" +
		"key_000003\timkit, token, Lorem Fitsum, active\nkey_000004\timkit, pair, Lorem Fitsum, active\n"
	want := map[string]string{
		"keys show":                    ids + none,
		"keys revoke":                  ids + none,
		"keys rotate":                  ids + none,
		"keys suspend":                 ids + none,
		"keys show key_000001":         none,
		"fault clear":                  "fault_1\tstall\n" + none,
		"fault add":                    strings.Join(faultKinds(), "\n") + "\n" + none,
		"namespace delete":             "team-a\n" + none,
		"keys list --namespace":        "default\nteam-a\n" + none,
		"snapshot restore":             "seeded\t2027-01-31 00:00:00Z, 4 keys\n" + none,
		"keys issue":                   strings.Join(providerNames(), "\n") + "\n" + none,
		"keys issue mindkey --scope":   "Employee\nEmployeeData\nCompensation\nTimeTracking\nOrganization\nLeave\nWorkingtime\n" + noSpace,
		"keys issue iiniit --scope":    "read:user\n" + noSpace,
		"keys issue optimove --access": "Admin\nIntegrations\nTransactional\n" + none,
		"keys list --status":           strings.Join(names(keyStatuses()), "\n") + "\n" + none,
		"requests count --provider":    strings.Join(providerNames(), "\n") + "\n" + none,
		"mock --log":                   "text\njson\noff\n" + none,
		"mock --grace":                 none,
		"mock --config":                ":0\n",
		"state import":                 ":0\n",
		"clock advance":                none,
		"keys list":                    none,
		"check":                        "imin\nmindkey\nimkit\nimkit-user\noptimove\niiniit\niiniit-token\n" + none,
		"help keys":                    strings.Join([]string{"enable", "expire", "issue", "list", "revoke", "rotate", "show", "suspend"}, "\n") + "\n" + none,
	}
	got := make(map[string]string)
	for line := range maps.Keys(want) {
		got[line] = runKeyfit(t, env, append(append([]string{"__complete"}, strings.Fields(line)...), "")...).out
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := runKeyfit(t, nil, "__complete", "keys", "show", ""); got.out != none {
		t.Errorf("without a mock: %+v", got)
	}
}
