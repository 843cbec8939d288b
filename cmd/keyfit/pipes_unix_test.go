//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// pipeOf returns a pipe that has a text to read once, as the shell makes of <(command).
func pipeOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "63")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // holds the text until it is read
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAFileMayBeAPipe gives descriptions, documents and scenarios as <(command) does, to a
// mock that reads its files again.
func TestAFileMayBeAPipe(t *testing.T) {
	t.Parallel()
	const openapi = "openapi: 3.1.0\ninfo: {title: Acme Shop, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: d}}}}}\n" +
		"components: {securitySchemes: {k: {type: http, scheme: bearer}}}\nsecurity: [{k: []}]\n"
	env := mockFor(t, "--log", "off", "--providers", "imkit-pay,acme-shop",
		"--api", pipeOf(t, payFile), "--api", pipeOf(t, openapi),
		"--scenario", pipeOf(t, "name: x\nsteps: [{at: 1h, storm: {provider: imkit-pay}}]"))
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["ACME_SHOP_BASE_URL"]+"/a", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+env["ACME_SHOP_API_KEY"])
		if status, body := fetch(t, r); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
		if got := runKeyfit(t, env, "scenario", "status"); got.code != 0 || !strings.Contains(got.out, "storm") {
			t.Errorf("%+v", got)
		}
		if status, says := reload(t, env); status != http.StatusOK {
			t.Errorf("reload: %d %s", status, says)
		}
	}
	for name, text := range map[string]string{"empty": "", "cut": "name: a\nschem"} {
		got := runKeyfit(t, nil, "explain", "--api", pipeOf(t, text), "--", "curl", "/")
		if got.code != 2 || strings.Count(got.err, "\n") > 3 || !strings.Contains(got.err, "63") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestAKeyMayComeThroughAPipe gives a key as <(command) does, and a pipe that nobody writes to, for
// which no command waits.
func TestAKeyMayComeThroughAPipe(t *testing.T) {
	t.Parallel()
	const key = "c4n4rY-c4n4rY-0123"
	for name, text := range map[string]string{"the key": key + "\n", "an object": `{"key":"` + key + `"}`} {
		if got := runKeyfit(t, nil, "fingerprint", "--file", pipeOf(t, text)); got.out != fingerprint(key)+"\n" || got.code != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	idle := filepath.Join(t.TempDir(), "idle")
	if err := syscall.Mkfifo(idle, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newRotateWorld(t, mockserver.IMKIT)
	for name, got := range map[string]result{
		"fingerprint": runKeyfit(t, nil, "fingerprint", "--file", idle),
		"rotate":      w.rotate(t, "", "imkit", "--yes", "--key-file", idle),
	} {
		if got.code != 1 || strings.Contains(got.err, idle) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
