//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/mockserver"
)

func TestEveryAcknowledgedKeySurvivesKill9(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state.json")
	type acked struct {
		id, secret string
		revoked    bool
	}
	var known []acked
	for round := range 3 {
		p := startProcess(t, "--state", state, "--no-keys")
		for _, k := range known { // all of the rounds before
			want := map[bool]int{false: 200, true: 401}[k.revoked]
			if got := p.imkit(t, k.secret); got != want {
				t.Errorf("round %d: %s: %d, want %d", round, k.id, got, want)
			}
		}
		var mu sync.Mutex
		var workers sync.WaitGroup
		enough := make(chan struct{})
		for range 4 {
			workers.Go(func() {
				for {
					var k issuedKey
					if p.admin(t, "POST", "/v1/namespaces/default/keys", map[string]string{"provider": "imkit"}, &k) != nil {
						return // killed
					}
					mu.Lock()
					known = append(known, acked{k.ID, k.Secret, false})
					n := len(known)
					mu.Unlock()
					if n%5 == 0 && p.admin(t, "POST", "/v1/namespaces/default/keys/"+k.ID+"/revoke", map[string]string{}, nil) == nil {
						mu.Lock()
						for i := range known {
							known[i].revoked = known[i].revoked || known[i].id == k.ID
						}
						mu.Unlock()
					}
					if n == 30*(round+1) {
						close(enough)
					}
				}
			})
		}
		<-enough
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		workers.Wait()
		<-p.ended
	}
	p := startProcess(t, "--state", state)
	for _, k := range known {
		// a revocation that was under way when the process died may have been saved without being acknowledged
		if got := p.imkit(t, k.secret); got != 200 && (got != 401 || !k.revoked && !revokedNow(t, p, k.id)) || got == 200 && k.revoked {
			t.Errorf("%s, revoked %v: %d", k.id, k.revoked, got)
		}
	}
	t.Logf("%d keys over 3 kills", len(known))
}

func revokedNow(t *testing.T, p *process, id string) bool {
	t.Helper()
	var k mockserver.Key
	if err := p.admin(t, http.MethodGet, "/v1/namespaces/default/keys/"+id, nil, &k); err != nil {
		t.Error(err)
	}
	return k.Status == mockserver.StatusRevoked
}

func TestSIGHUPReplacesTheConfigurationOrKeepsTheOld(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "mock.json")
	writeFile(t, config, `{"seed": "7", "limits": {"imkit": {"requests": 2, "per": "1h"}}, "faults": [{"match": {"path": "/teapot"}, "fault": {"kind": "status", "status": 418}}]}`)
	p := startProcess(t, "--config", config)
	limit := func() int {
		var v struct{ Limit mockserver.Limit }
		if err := p.admin(t, http.MethodGet, "/v1/namespaces/default/providers/imkit", nil, &v); err != nil {
			t.Fatal(err)
		}
		return v.Limit.Requests
	}
	faults := func() (kinds []mockserver.FaultKind) {
		var v admin.Page[injected]
		if err := p.admin(t, http.MethodGet, "/v1/namespaces/default/faults", nil, &v); err != nil {
			t.Fatal(err)
		}
		for _, i := range v.Items {
			kinds = append(kinds, i.Fault.Kind)
		}
		return kinds
	}
	hup := func(says string) {
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.said(t, says)
	}
	if limit() != 2 || cmp.Diff([]mockserver.FaultKind{"status"}, faults()) != "" {
		t.Fatalf("at the start: %d, %v", limit(), faults())
	}
	for name, bad := range map[string]string{
		"cut in half":       `{"seed": "7", "limits": {"imkit": {"requests": 9`,
		"unknown setting":   `{"seed": "7", "limits": {"imkit": {"requests": 9, "per": "1h"}}, "limts": {}}`,
		"unknown provider":  `{"seed": "7", "limits": {"imkit": {"requests": 9, "per": "1h"}, "acme": {"requests": 1, "per": "1h"}}}`,
		"unknown fault":     `{"seed": "7", "limits": {"imkit": {"requests": 9, "per": "1h"}}, "faults": [{"fault": {"kind": "fire"}}]}`,
		"another fixed one": `{"seed": "8", "limits": {"imkit": {"requests": 9, "per": "1h"}}}`,
		"no text":           `{"seed": "7", "state": {"a": 1}}`,
	} {
		writeFile(t, config, bad)
		hup("not reloaded")
		if limit() != 2 || cmp.Diff([]mockserver.FaultKind{"status"}, faults()) != "" {
			t.Errorf("%s: limit %d, faults %v", name, limit(), faults())
		}
	}
	writeFile(t, config, `{"seed": "7", "limits": {"imkit": {"requests": 5, "per": "1h"}}, "faults": [{"fault": {"kind": "latency", "delay": "1ms"}}]}`)
	hup("configuration reloaded")
	if limit() != 5 || cmp.Diff([]mockserver.FaultKind{"latency"}, faults()) != "" {
		t.Errorf("reloaded: limit %d, faults %v", limit(), faults())
	}
	writeFile(t, config, `{"seed": "7"}`)
	if err := p.admin(t, "POST", "/v1/reload", map[string]any{}, nil); err != nil || limit() != 1000 || faults() != nil {
		t.Errorf("POST /v1/reload: %v, limit %d, faults %v", err, limit(), faults())
	}
	if got := p.imkit(t, p.ready.Env["IMKIT_API_KEY"]); got != 200 {
		t.Errorf("the key of the start: %d", got)
	}
}

func TestSIGTERMEndsWithinTheGraceThoughAClientStalls(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state.json")
	ready := filepath.Join(t.TempDir(), "ready.json")
	p := startProcess(t, "--state", state, "--ready-file", ready, "--grace", "200ms")
	if err := p.admin(t, "POST", "/v1/namespaces/default/faults", map[string]any{"fault": map[string]string{"kind": "stall"}}, nil); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.ready.URLs["imkit"]+"/admin/connection-count", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("IM-API-KEY", p.ready.Env["IMKIT_API_KEY"])
	res, err := http.DefaultClient.Do(r) // headers, half a body, then nothing
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := net.Dial("tcp", strings.TrimPrefix(p.ready.URLs["imin"], "http://")) // and a client that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	began := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("exit: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the stalled answer came to an end")
	}
	if _, err := os.Stat(ready); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ready file stays: %v", err)
	}
	again := startProcess(t, "--state", state)
	if err := again.admin(t, "DELETE", "/v1/namespaces/default/faults/fault_1", nil, nil); err != nil {
		t.Errorf("the fault was not saved: %v", err)
	}
	if got := again.imkit(t, p.ready.Env["IMKIT_API_KEY"]); got != 200 {
		t.Errorf("saved at the end: %d", got)
	}
	if _, issued := again.ready.Env["IMKIT_API_KEY"]; issued {
		t.Error("a mock that has keys issued others at its start")
	}
}

func TestPOSTShutdownEndsTheProcess(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	if err := p.admin(t, "POST", "/v1/shutdown", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("exit: %v", err)
	}
}

// command runs the program to its end.
func command(t *testing.T, args ...string) result {
	t.Helper()
	cmd := program(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// With KEYFIT_LONG=1 each language meets them with and without TLS, and else one with and the
// other without.
func TestOtherLanguagesMeetTheFourErrors(t *testing.T) {
	t.Parallel()
	for i, tt := range []struct{ interpreter, script string }{{"node", "client.mjs"}, {"python3", "client.py"}} {
		for _, tls := range []bool{false, true} {
			if tls != (i == 0) && os.Getenv("KEYFIT_LONG") == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s tls=%v", tt.interpreter, tls), func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(tt.interpreter); err != nil {
					t.Skipf("%s is not installed", tt.interpreter)
				}
				got := command(t, "run", fmt.Sprintf("--tls=%v", tls), "--", tt.interpreter, filepath.Join("testdata", tt.script))
				want := "user created\n401 MISSING_API_KEY\n401 INVALID_API_KEY\n403 INSUFFICIENT_PERMISSIONS\n429 RATE_LIMIT_EXCEEDED\nlimit over after 60 s\n"
				if diff := cmp.Diff(result{0, want, ""}, got, cmp.AllowUnexported(result{})); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestRunPassesExitCodeAndSignalsOn(t *testing.T) {
	t.Parallel()
	for want, script := range map[int]string{0: "exit 0", 7: "exit 7", 143: "kill -TERM $$", 137: "kill -KILL $$"} {
		if got := command(t, "run", "--", "sh", "-c", script); got.code != want || got.err != "" {
			t.Errorf("%s: code %d, %q", script, got.code, got.err)
		}
	}
	if got := command(t, "run", "--", "no-such-command-here"); got.code != 127 || !strings.Contains(got.err, "not found") {
		t.Errorf("no such command: %d %q", got.code, got.err)
	}
	if got := command(t, "run", "--", "./testdata"); got.code != 126 {
		t.Errorf("a directory: %d %q", got.code, got.err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1} {
		cmd := program("run", "--", "sh", "-c",
			`trap "echo got; exit 9" TERM INT HUP USR1; echo ready; while :; do sleep 0.02; done`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() != 9 || string(rest) != "got\n" {
			t.Errorf("%v: code %d, said %q", sig, cmd.ProcessState.ExitCode(), rest)
		}
	}
}

func TestRunGivesTheCommandItsEnvironment(t *testing.T) {
	t.Parallel()
	cmd := program("run", "--tls", "--", "env")
	severalLines := func(variable string) bool { return strings.Contains(variable, "\n") } // as bash exports functions
	cmd.Env = append(slices.DeleteFunc(cmd.Env, severalLines), "IMKIT_API_KEY=of the user", "IMKIT_API_KEY_FILE=/somewhere", "NO_PROXY=example.com", "KEEP=this")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if _, twice := env[name]; twice {
			t.Errorf("%s stands there twice", name)
		}
		env[name] = value
	}
	for _, p := range mockserver.Providers() {
		name := strings.ToUpper(string(p))
		if !strings.HasPrefix(env[name+"_BASE_URL"], "https://127.0.0.1:") || len(env[name+"_API_KEY"]) < 20 {
			t.Errorf("%s: %q %q", p, env[name+"_BASE_URL"], env[name+"_API_KEY"])
		}
	}
	for _, name := range []string{
		"IMKIT_CLIENT_KEY", "IMKIT_USER_TOKEN", "IMKIT_CLIENT_ID", "IINIIT_ACCESS_TOKEN", "MINDKEY_API_KEY_EXPIRES",
		"KEYFIT_ADMIN_URL", "KEYFIT_ADMIN_TOKEN", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "JAVA_TOOL_OPTIONS",
	} {
		if env[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if _, ok := env["IMKIT_API_KEY_FILE"]; ok {
		t.Error("IMKIT_API_KEY_FILE contradicts IMKIT_API_KEY and is still there")
	}
	if diff := cmp.Diff([]string{"example.com,127.0.0.1,localhost,::1", "this"}, []string{env["NO_PROXY"], env["KEEP"]}); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(env["SSL_CERT_FILE"]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the bundle is left behind: %v", err)
	}
}

// The variables of a real process, with providers that are not imitated.
func TestRunLeavesNoRealKeyToTheCommand(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "", "OPTIMOVE_*": "OPTIMOVE_API_KEY=real-2,OPTIMOVE_BASE_URL=real-3"} {
		cmd := program("run", "--providers", "imkit", "--keep-env", name, "--", "env")
		cmd.Dir = t.TempDir()
		cmd.Env = append(cmd.Env, "IMKIT_USER_TOKEN_FILE=real-1", "OPTIMOVE_API_KEY=real-2", "OPTIMOVE_BASE_URL=real-3", "MINDKEY_API_KEY_ISSUED=real-4", "IINIIT_CLIENT_SECRET=real-5")
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, "real-") {
				found = append(found, line)
			}
		}
		slices.Sort(found)
		if d := cmp.Diff(want, strings.Join(found, ",")); d != "" {
			t.Errorf("--keep-env %q (-want +got):\n%s", name, d)
		}
		if !strings.Contains(errs.String(), "does not get IINIIT_CLIENT_SECRET, MINDKEY_API_KEY_ISSUED") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("--keep-env %q: said %q", name, errs.String())
		}
	}
}
