package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// asProgram is the variable that makes the test's own binary the program: signals, exit codes
// and kill -9 need real processes, and a second binary would take longer to build than all
// tests take to run.
const asProgram = "TEST_AS_KEYFIT"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		_ = os.Unsetenv(asProgram) // not for the command of keyfit run
		main()
		return
	}
	if dotenv := os.Getenv(asService); dotenv != "" {
		serveAsService(dotenv)
		return
	}
	debug.SetGCPercent(400) // each command line makes the tree of commands, which is garbage after it
	os.Exit(m.Run())
}

// program returns a command that runs keyfit as a process of its own.
func program(args ...string) *exec.Cmd {
	binary, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(environment(), asProgram+"=1")
	return cmd
}

// environment is the test's own, without the variables that steer keyfit.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(line string) bool { return strings.HasPrefix(line, "KEYFIT_") })
	return append(env, "LC_ALL=C") // a shell complains on stderr of a locale that is not installed
}

// process is a mock that runs as a program.
type process struct {
	*exec.Cmd
	ready readyDocument
	lines chan string // of stderr
	ended chan error
}

// startProcess runs `keyfit mock --json` and waits until it is ready.
func startProcess(tb testing.TB, args ...string) *process {
	tb.Helper()
	p := &process{Cmd: program(append([]string{"mock", "--json"}, args...)...), lines: make(chan string, 1000), ended: make(chan error, 1)}
	out, err := p.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	errs, err := p.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.Start(); err != nil {
		tb.Fatal(err)
	}
	first, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		rest, _ := io.ReadAll(errs)
		tb.Fatalf("the mock did not start: %v: %s", err, rest)
	}
	if err := json.Unmarshal(first, &p.ready); err != nil {
		tb.Fatalf("%v: %s", err, first)
	}
	go func() {
		s := bufio.NewScanner(errs)
		for s.Scan() {
			p.lines <- s.Text()
		}
		close(p.lines)
		p.ended <- p.Wait()
	}()
	tb.Cleanup(func() {
		_ = p.Process.Kill()
		for range p.lines { // joins the reader
		}
	})
	return p
}

// said waits for a line of stderr that holds the text.
func (p *process) said(t *testing.T, text string) string {
	t.Helper()
	for line := range p.lines {
		if strings.Contains(line, text) {
			return line
		}
	}
	t.Fatalf("the mock ended without saying %q", text)
	return ""
}

// admin calls the admin API.
func (p *process) admin(t *testing.T, method, path string, in, out any) error {
	t.Helper()
	c, err := admin.NewClient(p.ready.Admin.URL, p.ready.Admin.Token, false)
	if err != nil {
		return err
	}
	return c.Call(t.Context(), method, path, in, out)
}

// imkit sends a GET with an IMKIT key and returns the status.
func (p *process) imkit(t *testing.T, key string) int {
	t.Helper()
	return imkitStatus(t, p.ready.URLs["imkit"], key)
}

// imkitStatus sends a GET with an IMKIT key to a mock and returns the status.
func imkitStatus(t *testing.T, baseURL, key string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, baseURL+"/admin/connection-count", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("IM-API-KEY", key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

// runKeyfit runs a command in this process.
func runKeyfit(tb testing.TB, env map[string]string, args ...string) result {
	tb.Helper()
	return runKeyfitIn(tb.Context(), env, "", args...)
}

func runKeyfitIn(ctx context.Context, env map[string]string, in string, args ...string) result {
	var out, errs bytes.Buffer
	code := run(ctx, args, cli.Terminal{In: strings.NewReader(in), Out: &out, Err: &errs, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}})
	return result{code, out.String(), errs.String()}
}

// mockFor starts a mock in this process and returns the environment that finds
// it.
func mockFor(tb testing.TB, args ...string) map[string]string {
	tb.Helper()
	return mockForEnv(tb, nil, args...)
}

func mockForEnv(tb testing.TB, env map[string]string, args ...string) map[string]string {
	tb.Helper()
	dir := tb.TempDir()
	ready := filepath.Join(dir, "ready.json")
	if len(args) == 0 {
		args = []string{"--log", "off"}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	reader, writer := io.Pipe()
	over.Go(func() {
		code := run(ctx, append([]string{"mock", "--ready-file", ready}, args...), cli.Terminal{In: strings.NewReader(""), Out: writer, Err: io.Discard, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
		if code != 0 {
			tb.Errorf("mock: exit code %d", code)
		}
		writer.Close()
	})
	if _, err := reader.Read(make([]byte, 1)); err != nil { // the banner comes when all is ready
		tb.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	tb.Cleanup(func() {
		cancel()
		over.Wait()
	})
	data, err := os.ReadFile(ready)
	if err != nil {
		tb.Fatal(err)
	}
	var doc readyDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		tb.Fatal(err)
	}
	return doc.Env
}

// oneLine checks that a command failed with one line that says this.
func oneLine(t *testing.T, name string, got result, code int, parts ...string) {
	t.Helper()
	if got.code != code || strings.Count(got.err, "\n") != 1 || !strings.HasPrefix(got.err, "keyfit: ") || got.out != "" {
		t.Errorf("%s: code %d, out %q, err %q; want code %d and one line", name, got.code, got.out, got.err, code)
		return
	}
	for _, part := range parts {
		if !strings.Contains(got.err, part) {
			t.Errorf("%s: %q does not say %q", name, got.err, part)
		}
	}
}

func field(t *testing.T, data, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return fmt.Sprint(m[name])
}

func writeFile(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// freeAddr is an address that was free a moment ago.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
