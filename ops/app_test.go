package ops_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// programs has the compiled programs of this repository: those are built once.
func programs(name string) string { return filepath.Join(os.Getenv("KEYFIT_PROGRAMS"), name) }

func TestMain(m *testing.M) {
	code, err := withPrograms(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withPrograms(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "keyfit-ops-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, at := range map[string]string{"app": "app", "keyfit": "../cmd/keyfit"} {
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(dir, name), ".")
		cmd.Dir = filepath.FromSlash(at)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	if err := os.Setenv("KEYFIT_PROGRAMS", dir); err != nil {
		return 0, err
	}
	return run(), nil
}

// app is the program of the recipes, as it runs.
type app struct {
	base string
	cmd  *exec.Cmd
	mu   sync.Mutex
	log  bytes.Buffer
}

// start runs the program with nothing in its environment but that of the recipe.
func start(t *testing.T, env map[string]string, args []string) *app {
	t.Helper()
	a := new(app)
	a.cmd = exec.CommandContext(t.Context(), programs("app"), append(args, "-every", "10ms")...)
	a.cmd.Cancel = func() error { return a.cmd.Process.Signal(syscall.SIGTERM) }
	a.cmd.WaitDelay = 5 * time.Second
	a.cmd.Env = []string{}
	for name, value := range env {
		a.cmd.Env = append(a.cmd.Env, name+"="+value)
	}
	stderr, err := a.cmd.StderrPipe()
	if err == nil {
		err = a.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go a.read(stderr, address)
	t.Cleanup(func() { _ = a.cmd.Process.Signal(syscall.SIGTERM); _ = a.cmd.Wait() })
	select {
	case at := <-address:
		a.base = "http://" + at
	case <-time.After(20 * time.Second):
		t.Fatalf("the program does not listen:\n%s", a.lines())
	}
	return a
}

func (a *app) read(from io.Reader, address chan<- string) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		var said struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &said) == nil && said.Msg == "listening" {
			address <- said.Address
		}
		a.mu.Lock()
		a.log.WriteString(lines.Text() + "\n")
		a.mu.Unlock()
	}
}

func (a *app) lines() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

// ask returns status and body of what the program answers.
func (a *app) ask(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%v\n%s", err, a.lines())
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (a *app) status(t *testing.T) keyfit.KeyringStatus {
	t.Helper()
	var s keyfit.KeyringStatus
	if _, body := a.ask(t, "/status"); json.Unmarshal([]byte(body), &s) != nil {
		t.Fatalf("/status is %s", body)
	}
	return s
}

// until waits for what the program does by itself.
func (a *app) until(t *testing.T, what string, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !ready(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within 20 s\n%s", what, a.lines())
		}
	}
}

// uses waits until a key is current and accepted.
func (a *app) uses(t *testing.T, key mockserver.Issued) {
	t.Helper()
	fingerprint := keyfit.APIKey(key.Secret.Reveal()).Fingerprint()
	a.until(t, "the key "+fingerprint, func() bool {
		now := a.status(t).Current
		return now.Fingerprint == fingerprint && !now.LastAccepted.IsZero()
	})
}

// rotates replaces the key as the recipe does, revokes the old one, and expects that no call failed
// and that the probes say what they should: also when no key works any more.
func (a *app) rotates(t *testing.T, mock *mockserver.Server, old mockserver.Issued, live, ready string, replace func(key string)) {
	t.Helper()
	a.uses(t, old)
	next := mock.Keys().Issue(mockserver.IMKIT)
	replace(next.Secret.Reveal())
	a.uses(t, next)
	if err := mock.Keys().Revoke(old.ID, ""); err != nil {
		t.Fatal(err)
	}
	served := mock.Counts(mockserver.Match{KeyID: next.ID, Outcome: mockserver.OK}).Total
	a.until(t, "more calls", func() bool {
		return mock.Counts(mockserver.Match{KeyID: next.ID, Outcome: mockserver.OK}).Total > served+20
	})
	if text := a.lines(); strings.Contains(text, "call failed") {
		t.Errorf("calls were lost:\n%s", text)
	}
	for _, path := range []string{live, ready} {
		if code, body := a.ask(t, path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if err := mock.Keys().Revoke(next.ID, "leaked"); err != nil {
		t.Fatal(err)
	}
	a.until(t, "that it is not ready", func() bool { code, _ := a.ask(t, ready); return code == http.StatusServiceUnavailable })
	if code, body := a.ask(t, live); live != ready && code != http.StatusOK {
		t.Errorf("%s, whose failure restarts the program: %d %s", live, code, body)
	}
	for _, key := range []string{old.Secret.Reveal(), next.Secret.Reveal()} {
		for _, path := range []string{"/status", "/metrics", ready} {
			if _, body := a.ask(t, path); strings.Contains(body+a.lines(), key[4:14]) {
				t.Errorf("%s or the log tells the key", path)
			}
		}
	}
}

func mockOf(t *testing.T) (*mockserver.Server, mockserver.Issued) {
	t.Helper()
	mock, err := mockserver.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mock.Close() })
	return mock, mock.Keys().Issue(mockserver.IMKIT)
}

// replaced returns arguments of a recipe with what a test cannot have: a fixed port, long intervals.
func replaced(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		switch a {
		case ":8080", "127.0.0.1:8080":
			args[i] = "127.0.0.1:0"
		case "10s":
			args[i] = "30ms"
		}
	}
	return args
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

func readRecipe(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// within returns the place of a file of a container, whose directory is dir here.
func within(t *testing.T, file, mount, dir string) string {
	t.Helper()
	rel, err := filepath.Rel(mount, file)
	if err != nil || strings.HasPrefix(rel, "..") {
		t.Fatal(fmt.Errorf("%s is not below %s, which is mounted: %w", file, mount, err))
	}
	return filepath.Join(dir, rel)
}
