package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// hostile is what somebody may send who wants to steer a terminal: titles and colours, the C1
// form of an escape, characters of direction, and a line of its own.
const hostile = "a\x1b]0;pwned\x07\x1b[31mRED\nFAKE line\r\nFAKE\t\u009b2J\u0085FAKE\u202eltr\u2066\u200e\u2028FAKE\x7f\x08"

// steering returns what of a text a terminal would act on, and the lines that are not ours.
func steering(text string) (found []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, "\t"), "FAKE") {
			found = append(found, "a forged line")
		}
		for rest := line; rest != ""; {
			r, n := utf8.DecodeRuneInString(rest)
			if r == utf8.RuneError && n == 1 || r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x61c || r == 0x200e || r == 0x200f ||
				r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
				found = append(found, fmt.Sprintf("%#x", r))
			}
			rest = rest[n:]
		}
	}
	return found
}

// hostileAdmin answers whatever is asked with hostile text in every member that a command may
// print.
func hostileAdmin(mode string) http.HandlerFunc {
	texts := map[string]any{"detail": hostile, "next": ""}
	for _, name := range []string{
		"id", "name", "provider", "path", "method", "query", "body", "keyId", "fault", "outcome", "kind", "status", "user", "contact", "client", "access", "fingerprint",
		"secret", "token", "text", "state", "error", "message", "place", "baseUrl", "url", "how", "title",
	} {
		texts[name] = hostile
	}
	one := map[string]any{}
	maps.Copy(one, texts)
	one["status"], one["id"] = 401, 7
	one["header"], one["headers"] = map[string]any{"X-" + hostile: []string{hostile}}, map[string]string{hostile: hostile}
	one["diagnosis"] = map[string]string{"outcome": hostile, "why": hostile, "sent": hostile, "want": hostile, "keyId": hostile}
	one["answer"] = map[string]any{"status": 401, "body": hostile}
	one["faults"] = []string{hostile}
	one["at"], one["now"], one["created"] = time.Unix(0, 0), time.Unix(0, 0), time.Unix(0, 0)
	exchange := one
	key := map[string]any{}
	maps.Copy(key, texts)
	return func(w http.ResponseWriter, r *http.Request) {
		var out any
		switch item := map[bool]map[string]any{true: exchange, false: key}[strings.Contains(r.URL.Path, "requests") || strings.Contains(r.URL.Path, "diagnose")]; {
		case strings.HasSuffix(r.URL.Path, "/stream"):
			w.Header().Set("Content-Type", "text/event-stream")
			data, _ := json.Marshal(item)
			_, _ = fmt.Fprintf(w, "event: request\ndata: %s\n\nevent: missed\ndata: 7\x1b[31m\u009b\n\n", data)
			return
		case mode == "refuses":
			w.WriteHeader(http.StatusBadRequest)
			out = texts
		case mode == "garbage":
			_, _ = io.WriteString(w, hostile+"\x9b31m\xff")
			return
		case mode == "raw JSON": // what an encoder may leave as it is
			_, _ = io.WriteString(w, "[{\"id\":\"\u009b31m\u202e\x7f\"}]")
			return
		default:
			all := map[string]any{"items": []any{item}}
			maps.Copy(all, item)
			out = all
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}

// leaves lists the commands that do something, without those that serve until they are ended.
func leaves(cmd *cobra.Command) (list [][]string) {
	if !cmd.HasSubCommands() {
		return [][]string{strings.Fields(cmd.CommandPath())[1:]}
	}
	for _, sub := range cmd.Commands() {
		list = append(list, leaves(sub)...)
	}
	return list
}

// arguments are the arguments of the commands that need some.
func arguments(file string) map[string][]string {
	return map[string][]string{
		"keys issue": {"imkit"}, "keys show": {"key_000001"}, "keys rotate": {"key_000001"}, "keys revoke": {"key_000001"}, "keys expire": {"key_000001"}, "keys edit": {"key_000001", "--name", hostile},
		"clock advance": {"1h"}, "clock freeze": {"2027-01-31T00:00:00Z"}, "clock set": {"2027-01-31T00:00:00Z"}, "clock run": {"1"}, "fault add": {"status", "--status", "500"}, "fault remove": {"fault_000001"},
		"requests show": {"7"}, "requests wait": {"--timeout", "1ms"}, "explain": {"--", "-H", "X-API-KEY: " + hostile, "https://connector.mindkey.com/" + hostile},
		"namespace create": {"x"}, "namespace delete": {"x"}, "oauth register": {"--redirect", "https://example.com/cb"}, "oauth issue": {"x"}, "oauth approve": {}, "data get": {"imin", "events"},
		"data put": {"imin", "events", file}, "state import": {file}, "state export": {}, "openapi": {"imin"}, "call": {"mindkey", "GET", "/" + hostile}, "rotate": {"imkit", "--key-file", file}, "data list": {},
		"check": {}, "requests list": {},
	}
}

// TestNothingThatACommandPrintsSteersTheTerminal drives every command, with and without --json,
// against servers whose every word is hostile, and with hostile arguments and variables.
func TestNothingThatACommandPrintsSteersTheTerminal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "in.json")
	writeFile(t, file, "[]"+hostile)
	root := (&app{Terminal: cli.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Env: func(string) (string, bool) { return "", false }}}).root()
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Echo", strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(hostile))
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"`+"\u009b"+`","message":"\u001b[31m\nFAKE`+"\u202e"+`"}`)
	}))
	t.Cleanup(vendor.Close)
	for _, mode := range []string{"answers", "refuses", "garbage", "raw JSON"} {
		server := httptest.NewServer(hostileAdmin(mode))
		t.Cleanup(server.Close)
		for _, leaf := range leaves(root) {
			name := strings.Join(leaf, " ")
			if name == "mock" || name == "run" || strings.HasPrefix(name, "completion") {
				continue
			}
			variants := [][]string{nil, {"--json"}, {hostile}, {"--" + hostile}}
			if mode != "answers" && os.Getenv("KEYFIT_LONG") == "" {
				variants = variants[:2] // what becomes of an argument does not depend on the server
			}
			for _, more := range variants {
				if strings.HasSuffix(name, " export") && len(more) > 0 && more[0] == hostile {
					more = []string{filepath.Join(filepath.Dir(file), hostile)} // it writes the file
				}
				args := append(append(append([]string{}, leaf...), more...), arguments(file)[name]...)
				env := map[string]string{
					"KEYFIT_ADMIN_URL": server.URL, "KEYFIT_ADMIN_TOKEN": "admin-token-0123456789", "MINDKEY_API_KEY": "lorem-fitsum-0123456789",
					"MINDKEY_BASE_URL": vendor.URL, "IMKIT_API_KEY": "bad" + hostile, "IMKIT_BASE_URL": "http://" + hostile, "KEYFIT_TIMEOUT": "2s",
				}
				ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
				got := runKeyfitIn(ctx, env, hostile, args...)
				stop()
				if found := steering(got.out + got.err); len(found) > 0 {
					t.Errorf("%s, %q: %v in\n%q\n%q", mode, args, found, got.out, got.err)
				}
			}
		}
	}
}
