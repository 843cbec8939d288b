package mcpserver

import (
	"context"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type nothing struct{}

type advanceArgs struct {
	By string `json:"by" jsonschema:"how far, such as 90s, 24h or 365d"`
}

type freezeArgs struct {
	At string `json:"at,omitempty" jsonschema:"RFC 3339; now if absent"`
}

type injectArgs struct {
	Kind     string            `json:"kind"               jsonschema:"status, reset_before, reset_after, latency, hang_headers, stall, truncate, throttle and others: a wrong one is answered with the list"`
	Status   int               `json:"status,omitempty"   jsonschema:"of a status fault"`
	Body     string            `json:"body,omitempty"`
	Location string            `json:"location,omitempty" jsonschema:"of a redirect"`
	Bytes    int64             `json:"bytes,omitempty"    jsonschema:"truncate: how many are sent; slow_body: a chunk; body: the length, negative is endless"`
	Headers  map[string]string `json:"headers,omitempty"`
	Delay    string            `json:"delay,omitempty"    jsonschema:"of a latency fault, on the mock's clock"`
	Provider string            `json:"provider,omitempty" jsonschema:"every API if absent"`
	Method   string            `json:"method,omitempty"`
	Path     string            `json:"path,omitempty"     jsonschema:"a * at its end matches a prefix"`
	KeyID    string            `json:"keyId,omitempty"`
	First    int               `json:"first,omitempty"    jsonschema:"only the first so many requests; all until removed if absent"`
}

type resetArgs struct {
	Keep []string `json:"keep,omitempty" jsonschema:"parts that stay: keys, data, clock, limits, faults or requests"`
}

func (t tools) addBehaviour(s *mcp.Server) {
	tool(s, "providers", "List the APIs: base URL, how a key is presented, how long it lives, the limit.", true,
		func(ctx context.Context, _ nothing) (*mcp.CallToolResult, map[string]any, error) {
			return t.list(ctx, "providers", nil)
		})
	tool(s, "clock", "The mock's clock: real, running or frozen, and its time.", true,
		func(ctx context.Context, _ nothing) (*mcp.CallToolResult, map[string]any, error) {
			return t.list(ctx, "clock", nil)
		})
	tool(s, "advance_clock", "Move the mock's clock forward: keys expire, overlaps end, limits reset.", false,
		func(ctx context.Context, in advanceArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodPost, t.path("clock", "advance"), in)
		})
	tool(s, "freeze_clock", "Stop the mock's clock, so that only advance_clock moves it.", false,
		func(ctx context.Context, in freezeArgs) (*mcp.CallToolResult, map[string]any, error) {
			body := map[string]string{"mode": "frozen"}
			if in.At != "" {
				body["at"] = in.At
			}
			return t.call(ctx, http.MethodPut, t.path("clock"), body)
		})
	tool(s, "inject_fault", "Let requests meet a fault: an error status, a reset connection, a delay, a body that stalls.", false, t.inject)
	tool(s, "clear_faults", "Remove every injected fault.", false,
		func(ctx context.Context, _ nothing) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodDelete, t.path("faults"), nil)
		})
	tool(s, "reset", "Return the mock to the state of a new one. Keys of its start stay valid.", false,
		func(ctx context.Context, in resetArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodPost, t.path("reset"), in)
		})
}

func (t tools) inject(ctx context.Context, in injectArgs) (*mcp.CallToolResult, map[string]any, error) {
	fault, match := map[string]any{"kind": in.Kind}, map[string]any{}
	for name, value := range map[string]string{"body": in.Body, "delay": in.Delay, "location": in.Location} {
		if value != "" {
			fault[name] = value
		}
	}
	if in.Status != 0 {
		fault["status"] = in.Status
	}
	if in.Bytes != 0 {
		fault["bytes"] = in.Bytes
	}
	if len(in.Headers) > 0 {
		fault["headers"] = in.Headers
	}
	for name, value := range map[string]string{"provider": in.Provider, "method": in.Method, "path": in.Path, "keyId": in.KeyID} {
		if value != "" {
			match[name] = value
		}
	}
	body := map[string]any{"fault": fault, "match": match}
	if in.First > 0 {
		body["when"] = []map[string]int{{"first": in.First}}
	}
	return t.call(ctx, http.MethodPost, t.path("faults"), body)
}
