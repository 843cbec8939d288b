//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// agent is a client of the official SDK that runs `keyfit run -- keyfit mcp`.
func agent(t *testing.T) *mcp.ClientSession {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := program("run", "--", "env", asProgram+"=1", binary, "mcp")
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// use calls a tool and decodes what it says.
func use[T any](t *testing.T, session *mcp.ClientSession, name string, args map[string]any) T {
	t.Helper()
	text, failed := say(t, session, name, args)
	var out T
	if failed {
		t.Fatalf("%s: %s", name, text)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v: %s", name, err, text)
	}
	return out
}

func say(t *testing.T, session *mcp.ClientSession, name string, args map[string]any) (text string, failed bool) {
	t.Helper()
	got, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, part := range got.Content {
		text += part.(*mcp.TextContent).Text
	}
	return text, got.IsError
}

type mcpKey struct {
	ID      string            `json:"id"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
}

type mcpRequests struct {
	Items []struct {
		ID        int    `json:"id"`
		Outcome   string `json:"outcome"`
		Diagnosis struct {
			Summary string `json:"summary"`
		} `json:"diagnosis"`
	} `json:"items"`
}

// An agent issues a key, is refused, asks why, rotates and moves the clock.
func TestAnAgentDrivesTheMock(t *testing.T) {
	t.Parallel()
	session := agent(t)
	providers := use[struct {
		Items []struct {
			Provider, URL, Wants string
		} `json:"items"`
	}](t, session, "providers", nil)
	base := make(map[string]string)
	for _, p := range providers.Items {
		base[p.Provider] = p.URL
	}
	look := func(key mcpKey) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base["imkit"]+"/admin/connection-count", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range key.Headers {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}

	use[any](t, session, "freeze_clock", map[string]any{"at": "2027-01-01T00:00:00Z"})
	key := use[mcpKey](t, session, "issue_key", map[string]any{"provider": "imkit", "limit": map[string]any{"requests": 2, "per": "1m"}})
	wrong := mcpKey{Headers: map[string]string{"X-API-KEY": key.Secret}}
	got := []int{look(wrong), look(key), look(key), look(key)}
	refused := use[mcpRequests](t, session, "requests", map[string]any{"outcome": "wrong_header"})
	if len(refused.Items) != 1 {
		t.Fatalf("requests with a wrong header: %+v", refused)
	}
	why, _ := say(t, session, "why_refused", map[string]any{"requestId": refused.Items[0].ID})
	if !strings.Contains(why, "IM-API-KEY") || strings.Contains(why, key.Secret) {
		t.Errorf("why: %s", why)
	}
	next := use[mcpKey](t, session, "rotate_key", map[string]any{"id": key.ID, "overlap": "1h"})
	use[any](t, session, "advance_clock", map[string]any{"by": "59m"})
	got = append(got, look(key), look(next))
	use[any](t, session, "advance_clock", map[string]any{"by": "1m"})
	got = append(got, look(key), look(next))
	use[any](t, session, "inject_fault", map[string]any{"kind": "status", "status": 503, "path": "/admin/*", "first": 1})
	got = append(got, look(next))
	use[any](t, session, "clear_faults", nil)
	use[any](t, session, "suspend_key", map[string]any{"id": next.ID})
	use[any](t, session, "advance_clock", map[string]any{"by": "1m"})
	got = append(got, look(next))
	use[any](t, session, "enable_key", map[string]any{"id": next.ID})
	got = append(got, look(next))
	use[any](t, session, "revoke_key", map[string]any{"id": next.ID})
	got = append(got, look(next))
	want := []int{401, 200, 200, 429, 200, 200, 401, 200, 503, 401, 200, 401}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	verified := use[struct{ OK bool }](t, session, "verify_requests", map[string]any{
		"inOrder": []any{map[string]any{"status": 429}, map[string]any{"status": 503}},
	})
	if !verified.OK {
		t.Error("the order does not hold")
	}
	keys, _ := say(t, session, "keys", map[string]any{"provider": "imkit"})
	if strings.Contains(keys, key.Secret) || strings.Contains(keys, next.Secret) {
		t.Error("the list of keys has a value")
	}
}

// A mistake is told to the agent as the tool's answer, in the mock's own words.
func TestAnAgentIsToldItsMistakes(t *testing.T) {
	t.Parallel()
	session := agent(t)
	for name, test := range map[string]struct {
		tool string
		args map[string]any
		want string
	}{
		"a provider that is not there": {"issue_key", map[string]any{"provider": "imkitt"}, "imkit"},
		"a scope that is not there":    {"issue_key", map[string]any{"provider": "mindkey", "scopes": []string{"Nothing"}}, "scope"},
		"a key that is not there":      {"revoke_key", map[string]any{"id": "key_999999"}, "no such key"},
		"a duration that is none":      {"advance_clock", map[string]any{"by": "soon"}, "soon"},
		"a time that is past":          {"advance_clock", map[string]any{"by": "-1h"}, "positive"},
		"a fault that is none":         {"inject_fault", map[string]any{"kind": "explode"}, "explode"},
		"an outcome that is none":      {"requests", map[string]any{"outcome": "rate_limted"}, "rate_limited"},
	} {
		text, failed := say(t, session, test.tool, test.args)
		if !failed || !strings.Contains(text, test.want) {
			t.Errorf("%s: failed %t: %s", name, failed, text)
		}
	}
}
