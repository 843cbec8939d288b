// Package mcpserver gives a coding agent the verbs of a running mock, over the Model Context
// Protocol: issue, rotate, revoke, expire, why refused, advance the clock, inject, requests.
//
// A tool is a call of the mock's admin API, so it does and refuses what the command line does.
package mcpserver

import (
	"context"
	"net/http"
	"net/url"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
)

// Mock is the admin API of a running mock; [admin.Client] is one.
type Mock interface {
	// Call sends in as JSON, unless it is nil, and decodes the answer into out.
	Call(ctx context.Context, method, path string, in, out any) error
}

// instructions are what an agent reads first.
const instructions = `These tools control a keyfit mock: a stand-in for key-protected HTTP APIs that runs on this machine.
Call providers first: it has the base URL of each API and how a key is presented. issue_key makes a test key; give its value and
the base URL to the program under test. If a request is refused, requests and why_refused say why, in words. advance_clock moves
the mock's time, so that keys expire and limits reset without waiting. Nothing here touches a real API or a real key.`

// New returns a server whose tools act on a namespace of the mock.
func New(version string, mock Mock, namespace string) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "keyfit", Title: "keyfit mock", Version: version}, &mcp.ServerOptions{Instructions: instructions})
	t := tools{mock, namespace}
	t.addKeys(s)
	t.addRequests(s)
	t.addBehaviour(s)
	return s
}

type tools struct {
	mock      Mock
	namespace string
}

// call answers a tool with what the admin API answers. An error is one of the tool: the agent
// reads it and can do better.
func (t tools) call(ctx context.Context, method, path string, in any) (*mcp.CallToolResult, map[string]any, error) {
	var out map[string]any
	var into any
	if method != http.MethodDelete {
		into = &out
	}
	if err := t.mock.Call(ctx, method, path, in, into); err != nil {
		return nil, nil, err //nolint:wrapcheck // the mock's own sentence
	}
	if out == nil {
		out = map[string]any{"done": true}
	}
	return nil, out, nil
}

// path is one below the namespace.
func (t tools) path(parts ...string) string { return admin.Path(t.namespace, parts...) }

// list reads a page of a list.
func (t tools) list(ctx context.Context, what string, query map[string]string) (*mcp.CallToolResult, map[string]any, error) {
	values := make(url.Values)
	for name, value := range query {
		if value != "" {
			values.Set(name, value)
		}
	}
	path := t.path(what)
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	return t.call(ctx, http.MethodGet, path, nil)
}

// tool adds a tool whose arguments are an In.
func tool[In any](s *mcp.Server, name, description string, reads bool, do func(context.Context, In) (*mcp.CallToolResult, map[string]any, error)) {
	mcp.AddTool(s, &mcp.Tool{Name: name, Description: description, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: reads}},
		func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, map[string]any, error) {
			return do(ctx, in)
		})
}
